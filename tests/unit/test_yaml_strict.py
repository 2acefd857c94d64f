"""Both parsers read modelrail.yaml alike: libyaml where it is quick, the one in Python for what is wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from modelrail.config import yaml_strict

ROOT = Path(__file__).parents[2]
TEXTS = [
    path.read_text(encoding="utf-8")
    for folder in ("examples", "workflows", "actions", ".github")
    for path in sorted((ROOT / folder).rglob("*.y*ml"))
    if path.stat().st_size < 20_000
]


def read(text: str, monkeypatch: pytest.MonkeyPatch, *, quick: bool) -> object:
    with monkeypatch.context() as patch:
        if not quick:
            patch.setattr(yaml, "__with_libyaml__", False)
        try:
            root, faults = yaml_strict.parse(text, "f")
            return root, repr(faults)
        except yaml_strict.YamlFaultError as error:
            return repr(error.fault)


def test_libyaml_is_there() -> None:
    assert yaml.__with_libyaml__
    assert len(TEXTS) > 20


def test_files_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in TEXTS:
        assert read(text, monkeypatch, quick=True) == read(text, monkeypatch, quick=False)


def test_texts_with_slips_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of these files with characters put in, left out and doubled; one in ten still is YAML."""
    rng = random.Random(8)
    marks = list(" \n:-,[]{}#&*!|>'\"%@`?\tab1\u00e9\u2028\x07\\~<=\r")
    good = 0
    for _ in range(1500):
        text = rng.choice(TEXTS)
        start = rng.randrange(max(1, len(text) - 300))
        text = text[start : start + rng.randrange(20, 300)]
        for _ in range(rng.choice((0, 1, 2))):
            at = rng.randrange(len(text) + 1)
            put = rng.choice(marks)
            text = rng.choice(
                (text[:at] + put + text[at:], text[:at] + text[at + 1 :], text[: at + 9] + text[at:])
            )
        found = read(text, monkeypatch, quick=True)
        assert found == read(text, monkeypatch, quick=False), text
        good += isinstance(found, tuple)
    assert good > 100


@pytest.mark.parametrize(
    "text",
    ["a: b\tc", "? a\n: b", "{a?b: 1}", "a: |# no\n  b", "a: >-#\n  b", "{a:}", "[a:]", "a: !t, b",
     "\u00e9: 1", "a: >-\n  \tb", "<<: {a: 1}", "a: 1\na: 2", "- &x [1]\n- *x", "a: *none", "--- a\n--- b",
     ""],
)  # fmt: skip
def test_what_the_parsers_take_unlike_is_read_by_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(text, monkeypatch, quick=True) == read(text, monkeypatch, quick=False)


def test_a_bomb_ends_before_it_unfolds(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 9)
    )
    assert read(text, monkeypatch, quick=True) == read(text, monkeypatch, quick=False)
    assert "unfolds to too many values" in str(read(text, monkeypatch, quick=True))


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, "- " * 500_000, "[" * 2900 + "]" * 2900, "- " * 490, "{a: " * 200_000,
     "\n".join(" " * at + "a:" for at in range(990))],
)  # fmt: skip
def test_no_depth_goes_beyond_the_stack(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own process it would end that process: here a fault is said, whoever reads it."""
    found = read(text, monkeypatch, quick=True)
    assert isinstance(found, str)
    assert "unfolds to too many values" in found or "nested too deeply" in found
