"""Tables for a terminal: aligned by columns that a terminal shows, inert whatever a tag says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_history import event

from modelrail.core.registry import history
from modelrail.report import tables

NOW = 1_000_000_000


def states() -> dict[str, history.ModelState]:
    renamed = [
        event("a@v1.0.0", time=NOW - 9 * 86_400),
        event("a@v1.3.0", time=NOW - 7200),
        event("a#production#1", time=NOW - 9 * 86_400, version="v1.0.0"),
        event("a#staging#2", time=NOW - 7200, version="v1.3.0"),
    ]
    return history.fold(renamed)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "now"),
        (0, "now"),
        (59, "now"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86_400, "24 h"),
        (2 * 86_400, "2 d"),
        (700 * 86_400, "700 d"),
        (800 * 86_400, "2 y"),
    ],
)
def test_ages(seconds: float, shown: str) -> None:
    assert tables.age(seconds) == shown


def test_show() -> None:
    assert tables.show(
        states(), tables.stage_columns(states(), ["staging", "production"]), NOW
    ).splitlines() == [
        "MODEL  LATEST  STAGING      PRODUCTION",
        "a      v1.3.0  v1.3.0  2 h  v1.0.0  9 d",
    ]


def test_empty_stages_and_columns_that_the_configuration_lacks() -> None:
    assert tables.stage_columns(states(), ["qa"]) == ["qa", "production", "staging"]
    assert "-" in tables.show(states(), ["qa"], NOW).splitlines()[1]


def test_color_only_when_asked() -> None:
    assert "\x1b" not in tables.show(states(), ["staging"], NOW)
    assert tables.show(states(), ["staging"], NOW, color=True).startswith("\x1b[1m")


def test_history_lines() -> None:
    found = [
        event(
            "a#production#12",
            time=NOW - 3 * 86_400,
            version="v1.2.1",
            Rollback_From="v1.2.2",
            Reason="p95 doubled",
            Run="https://x/actions/runs/790",
            Workflow="rollback.yml",
        ),
        event("a#staging#7", time=NOW - 7200, version="v1.3.0", Gates="7/8", Actor="octo"),
        event("a@v1.3.0", time=NOW),
    ]
    assert tables.history(found, NOW).splitlines() == [
        '  12  3 d  production  v1.2.1  ← v1.2.2  rollback: "p95 doubled"  rollback.yml #790',
        "   7  2 h  staging     v1.3.0            gates 7/8                octo",
        "   ·  now  registered  v1.3.0                                     octo",
    ]


@pytest.mark.fault(27)
def test_what_a_tag_says_cannot_move_the_cursor() -> None:
    hostile = event(
        "a#production#1",
        version="v1.0.0",
        Reason="\x1b[2J\u202ex\ny" * 50,
        Actor="a\x1b]0;t\x07",
        Gates="1\t2",
    )
    (line,) = tables.history([hostile], NOW).splitlines()
    assert not any(ord(char) < 32 or char == "\u202e" for char in line)
    assert tables.width(line) < 200


def test_wide_and_combining_characters() -> None:
    assert tables.width("模型") == 4
    assert tables.width("e\u0301") == 1
    assert tables.aligned([["模型", "x"], ["abcd", "y"], ["e\u0301", "z"]]) == [
        "模型  x",
        "abcd  y",
        "e\u0301     z",
    ]


@given(
    st.lists(
        st.lists(
            st.text(
                st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=8
            ),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_columns_begin_below_each_other(rows: list[list[str]]) -> None:
    widest = max(tables.width(row[0]) for row in rows)
    for row, line in zip(rows, tables.aligned(rows), strict=True):
        assert line == f"{row[0]}{' ' * (widest - tables.width(row[0]))}  {row[1]}".rstrip()


@given(st.text(max_size=60), st.integers(1, 20))
def test_a_clipped_text_fits(text: str, columns: int) -> None:
    assert tables.width(tables.clip(text, columns)) <= columns


def test_the_history_fits_the_terminal() -> None:
    found = [
        event(
            f"a#production#{number}", time=NOW, version="v1.2.1", Reason="word " * 30, Gates="7/8",
            Run=f"https://x/actions/runs/{number}", Workflow="model promote",
        )
        for number in (1, 2)
    ]  # fmt: skip
    for fit in (60, 80, 120, 160):
        lines = tables.history(found, NOW, several=True, fit=fit).splitlines()
        assert max(map(tables.width, lines)) <= fit
        assert all("#1" in lines[0] and "v1.2.1" in line for line in lines)
    assert "model promote #1" in tables.history(found, NOW, fit=120)
    assert "model promote" not in tables.history(found, NOW, fit=70)
    assert tables.history(found, NOW) == tables.history(found, NOW, fit=500)


def test_a_long_value_goes_on_below_itself() -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    lines = tables.folded(["Made of", f"  model digest  {digest}", "  parameters    a=1, b=2"], 60)
    assert lines[1].startswith("  model digest  sha256:")
    assert lines[2].startswith(" " * 16)
    assert "".join(line[16:] for line in lines[1:3]) == digest
    assert max(map(len, lines)) <= 60
    text = 'delay "' + "word " * 30 + '"'
    assert " ".join(" ".join(tables.folded([text], 40)).split()) == " ".join(text.split())
    assert tables.folded([text], 0) == [text]
    assert tables.folded(["  a left by b c d"], 12) == ["  a left", "    by b c d"]
