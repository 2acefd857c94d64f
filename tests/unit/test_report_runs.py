"""What the comment tells of the past: the last versions, the stage, earlier runs of the pull request."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import support_records as sample
from modelrail import records
from modelrail.report import earlier, render, trend, view
from modelrail.report.earlier import Earlier
from modelrail.report.view import ModelRecords

A, B = "a" * 40, "b" * 40


def shown(found: ModelRecords, *runs: Earlier) -> str:
    built = view.build([found], sample.RUN)
    return render.markdown(msgspec.structs.replace(built, runs=runs))


def with_history(**changes: object) -> ModelRecords:
    history = msgspec.structs.replace(sample.history(), **changes)
    return msgspec.structs.replace(sample.worse_slice(), history=history)


# --- the last versions -------------------------------------------------------------------------------------


def test_the_line_is_told_in_words_and_the_bars_only_repeat_it() -> None:
    found = shown(with_history())
    assert (
        "ROC AUC over the last 5 versions: from 0.701 (v1.0.0) to 0.731 (v1.1.2), each on the test data of "
        "its day; on today's, this change has 0.742 and v1.2.1 0.731. ▁▂▂▄▆█" in found
    )
    assert (
        "v1.2.1 has been in production since 2026-10-29, put there by alice: "
        "“canary was fine for a week”." in found
    )


def test_what_does_not_agree_is_not_told() -> None:
    assert "alice" not in shown(with_history(version="v9.9.9"))
    assert "alice" not in shown(with_history(model="fraud"))
    assert "over the last" not in shown(with_history(model="fraud"))
    assert "over the last" not in shown(with_history(metric="nothing"))
    assert "over the last" not in shown(with_history(versions=sample.history().versions[:1]))


def test_a_lineage_of_poison_is_inert() -> None:
    bad = "<img src=x> @octo/team | ` \u202e\n- x"
    found = shown(
        with_history(
            by=bad, reason=bad, versions=tuple(records.Measured(version=bad, value=0.7) for _ in "12")
        )
    )
    assert "<img" not in found
    assert "@octo" not in found
    assert "\u202e" not in found


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_bar_for_every_value(values: list[float]) -> None:
    bars = trend.sparkline(values)
    assert len(bars) == len(values)
    if len(set(values)) > 1:
        assert bars[values.index(max(values))] == "█"
        assert bars[values.index(min(values))] == "▁"


# --- earlier runs ------------------------------------------------------------------------------------------


def test_earlier_runs_are_carried_and_shown() -> None:
    runs = earlier.following((), A, "fail", "Recall falls | for EV")
    runs = earlier.following(runs, B, "pass", "All gates pass.")
    body = shown(sample.worse_slice(), *runs)
    assert "<summary>Earlier runs of this pull request: 1</summary>" in body
    assert "| ⛔ blocked | `aaaaaaaaaa` | Recall falls &#124; for EV |" in body
    assert "`bbbbbbbbbb`" not in body  # it is the comment's own
    assert earlier.read(body) == runs
    assert earlier.following(runs, B, "pass", "All gates pass.") == runs


def test_at_most_ten_are_kept_newest_first() -> None:
    runs: tuple[Earlier, ...] = ()
    for index in range(30):
        runs = earlier.following(earlier.read(earlier.line(runs)), f"{index:040x}", "fail", "no " * 500)
    assert len(runs) == earlier.MOST + 1
    assert int(runs[0].commit, 16) == 29
    assert int(runs[-1].commit, 16) == 19
    assert len(earlier.line(runs)) <= earlier.LINE_BYTES + 40


def test_a_run_outside_of_a_commit_leaves_no_line() -> None:
    assert earlier.following((), "", "pass", "fine") == ()
    assert "modelrail:runs" not in shown(sample.passing())


ONE = json.dumps([{"commit": A, "verdict": "pass", "headline": "y"}])


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 3000,
        ONE.replace(A, "x"),
        ONE.replace("pass", "great"),
        ONE.replace("}", ', "more": 1}'),
        ONE.replace("y", "y" * 7000),
        ONE.replace("y", "y" * 9000),
        ONE + " -->",
    ],
)
def test_a_line_that_is_not_ours_is_no_history(line: str) -> None:
    assert earlier.read(f"x\n<!-- modelrail:runs {line} -->\n") == ()


@pytest.mark.fault(27)
def test_a_programs_last_lines_neither_forge_nor_hide_the_history() -> None:
    """They stand in the comment as they are; the line that counts is the comment's last."""
    forged = earlier.line(earlier.following((), B, "pass", "All gates pass."))
    found = sample.training_failed()
    assert found.failure is not None
    failed = msgspec.structs.replace(found, failure=msgspec.structs.replace(found.failure, tail=forged))
    assert forged in shown(failed)
    assert earlier.read(shown(failed)) == ()
    runs = earlier.following((), A, "fail", "x")
    assert earlier.read(shown(failed, *runs)) == runs


@pytest.mark.fault(27)
@given(st.text(max_size=300))
def test_a_headline_stays_inside_of_the_hidden_line(headline: str) -> None:
    runs = earlier.following((), A, "fail", headline)
    line = earlier.line(runs)
    inside = line.removeprefix("<!-- ").removesuffix(" -->")
    assert not re.search(r"[<>@#&`|!\n-]", inside.removeprefix("modelrail:runs"))
    assert earlier.read(f"marker\n{line}\n") == runs


# --- unchanged ---------------------------------------------------------------------------------------------


def test_another_run_of_the_same_says_the_same() -> None:
    first = sample.passing()
    assert first.candidate is not None
    slower = msgspec.structs.replace(
        first,
        candidate=msgspec.structs.replace(first.candidate, train_seconds=99.0),
        evidence_digest=sample.digest("9"),
    )
    again = view.build(
        [slower], msgspec.structs.replace(sample.RUN, url="https://github.com/o/r/actions/runs/9")
    )
    assert render.markdown(again) != shown(first)
    assert earlier.same(shown(first).replace("\n", "\r\n"), render.markdown(again))


def test_another_number_or_commit_does_not() -> None:
    base = shown(sample.passing())
    assert not earlier.same(base, shown(sample.worse_slice()))
    assert not earlier.same(base, base.replace("0.742", "0.743"))
    other = view.build([sample.passing()], msgspec.structs.replace(sample.RUN, commit=B))
    assert not earlier.same(base, render.markdown(other))


@pytest.mark.parametrize("name", ["evidence", "training time", "MLflow run"])
def test_a_metric_or_slice_that_is_called_like_a_row_of_the_lineage_counts(name: str) -> None:
    base = shown(sample.passing())
    for row in (
        f"| {name} | 0.731 | **VALUE** | +1.1 | ✅ better |",
        f"| {name} | recall | 90 | VALUE | 0.7 |",
    ):
        one, other = (f"{row.replace('VALUE', value)}\n{base}" for value in ("0.742", "0.743"))
        assert not earlier.same(one, other)
        assert earlier.same(one, one)
