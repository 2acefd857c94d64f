"""A small run of the calibration bench: intervals hold what they say, equal models raise few alarms."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelrail.core.rows.output import Output

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import bench_calibration as bench

QUICK = {
    name: one
    for name, one in bench.SCENARIOS.items()
    if not name.startswith("bootstrap") and not one.differ  # docs/calibration.md tells where these are off
}


@pytest.mark.parametrize("name", QUICK)
def test_intervals_hold_zero_about_as_often_as_they_say(name):
    found = bench.coverage(QUICK[name], 300, 60, seed=5)
    for label, tally in found.items():
        if tally.judged >= 40:  # 60 runs at 95%: three standard errors are 8.4 points
            assert tally.share(0.95) >= 0.86, label
            assert tally.share(0.99) >= tally.share(0.95) >= tally.share(0.90), label


def test_an_interval_that_is_too_narrow_is_found():
    """The bench can fail: rows that stand three times are taken for three."""

    def copied(rng, n):
        once = bench.SCENARIOS["balanced"].make(rng, n // 3)
        outputs = [Output(np.repeat(one.labels, 3), np.repeat(one.scores, 3)) for one in once.outputs]
        return replace(once, truth=np.repeat(once.truth, 3), candidate=outputs[0], baseline=outputs[1])

    found = bench.coverage(bench.Scenario(copied, (("brier", {}),)), 900, 120)
    assert bench.off(found["brier"], 900)


def test_what_a_known_spread_would_hold_stands_beside_the_coverage():
    """Steps of 0.1: no interval holds zero in 95% of the cases, and the column says so."""
    steps = np.repeat([-0.1, 0.0, 0.1], [8, 84, 8])
    tally = bench.Tally(judged=100, differences=[float(one) for one in steps])
    assert tally.oracle(0.95) == pytest.approx(0.84)
    normal = bench.Tally(judged=2000, differences=list(np.random.default_rng(0).normal(size=2000)))
    assert normal.oracle(0.95) == pytest.approx(0.95, abs=0.01)
    lines = list(bench.lines("one", 1000, 100, {"recall": tally}, 1.0))
    assert "spread known:  84.0%" in lines[1]


def test_models_that_differ_are_held_to_their_own_difference():
    scenario = bench.SCENARIOS["rare 5%, one better"]
    found = bench.coverage(replace(scenario, metrics=(*bench.LABELS[:1], ("recall", {}))), 400, 80)
    assert found["recall"].true > 0.05
    assert all(tally.share(0.95) >= 0.87 for tally in found.values())
    assert found["recall"].oracle(0.95) >= 0.85


def test_equal_models_are_seldom_called_better_or_worse():
    shares = bench.pull_requests(20, 400)
    assert shares["any better, all rows"] <= 0.15
    assert shares["any worse, all rows"] <= 0.15


@pytest.mark.parametrize("name", [name for name in bench.SCENARIOS if name.startswith("bootstrap")])
def test_resampled_intervals_hold_too(name):
    """Few runs, since one costs a tenth of a second: the many are in `scripts/bench calibration`."""
    found = bench.coverage(bench.SCENARIOS[name], 200, 40)
    for label, tally in found.items():
        if tally.judged >= 30:
            assert tally.share(0.95) >= 0.95 - 4 * tally.error(0.95), label
