"""What `modelrail gates explain` says."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from test_policy import waiver

from modelrail import __main__
from modelrail.adapters import files
from modelrail.config import resolved as config
from modelrail.core.policy import explain
from support_compare import binary, gate, model, run
from support_config import VALID

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (gate("roc_auc", min=0.7), "The candidate's ROC AUC is at least 0.7, by its value alone."),
        (
            gate("roc_auc", min=0.7, with_confidence=True, confidence=0.9),
            "The lower end of the 90% interval of the candidate's ROC AUC is at least 0.7.",
        ),
        (gate("roc_auc", no_worse_than=0.01), f"candidate less baseline, lies above {MINUS}0.01."),
        (gate("brier", no_worse_than=0.01), "candidate less baseline, lies below +0.01."),
        (gate("roc_auc", better_by=0.01), "candidate less baseline, lies above +0.01."),
        (gate("brier", better_by=0.01), f"candidate less baseline, lies below {MINUS}0.01."),
        (
            gate("brier", within=config.Margin(value=0.01, relative=True)),
            "lies within \N{PLUS-MINUS SIGN}1% of the baseline's value.",
        ),
        (gate("roc_auc", min=0.7, slices="carrier", only=("EV",)), "So for each of EV in carrier"),
    ],
)
def test_needs(rule: config.Gate, words: str) -> None:
    (found,) = explain.explain(model(gates=(rule,)), None)
    assert words in found.needs
    assert found.seen is None


def test_without_a_comparison() -> None:
    rules = model(gates=(gate("roc_auc", min=0.7, when=config.When(changed=("data",))),))
    text = explain.text(rules, explain.explain(rules, None), None)
    assert "No comparison is at hand" in text
    assert "(blocks, when data changed)" in text


def test_with_a_comparison() -> None:
    rules = model(gates=(gate("roc_auc", no_worse_than=0.001),))
    comparison = run(rules, *binary(400, seed=3))
    (found,) = explain.explain(rules, comparison)
    assert found.seen is not None
    assert found.seen.outcome == "inconclusive"
    half = (found.seen.high - found.seen.low) / 2
    assert found.seen.detectable == pytest.approx(half * 2.8016 / 1.96, rel=1e-3)
    assert found.seen.rows_to_settle > found.seen.rows == 400
    text = explain.text(rules, (found,), comparison)
    assert "Last comparison: inconclusive on 400 rows; candidate 0." in text
    assert "in 8 of 10 test sets" in text


def test_the_smallest_difference_is_seen_eight_times_in_ten() -> None:
    """The claim itself, by simulation of a normal difference."""
    error = 0.01
    smallest = explain._detectable(1.96 * error, 0.95)
    seen = np.random.default_rng(0).normal(smallest, error, 20_000) > 1.96 * error
    assert seen.mean() == pytest.approx(0.8, abs=0.01)


def test_a_gate_that_changed_since_has_no_row() -> None:
    comparison = run(model(gates=(gate("roc_auc", no_worse_than=0.01),)), *binary(500))
    rules = model(gates=(gate("roc_auc", no_worse_than=0.02),))
    found = explain.explain(rules, comparison)
    assert found[0].seen is None
    assert "Not in the last comparison" in explain.text(rules, found, comparison)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "modelrail.yaml").write_text(VALID, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert __main__.main(["gates", "explain", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["models"]["delay"]
    assert [one["path"] for one in found["gates"]] == [f"models.delay.gates[{index}]" for index in range(3)]
    assert found["compared"] is False
    rules = model(gates=(gate("roc_auc", min=0.7),))
    files.write(run(rules, *binary(500)), tmp_path / "modelrail-out" / "delay")
    assert __main__.main(["gates", "explain"]) == 0
    assert "Last comparison: pass" in capsys.readouterr().out


def test_waivers_are_listed() -> None:
    rules = msgspec.structs.replace(model(gates=(gate("roc_auc", min=0.7),)), waivers=(waiver(),))
    assert "roc_auc, ana until 2027-03-31: EV leaves" in explain.text(
        rules, explain.explain(rules, None), None
    )
