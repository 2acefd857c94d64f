"""A small run of the calibration bench: intervals hold what they say, equal models raise few alarms."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelrail.core.pairing import Output

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import bench_calibration as bench

QUICK = {name: one for name, one in bench.SCENARIOS.items() if not name.startswith("bootstrap")}


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


def test_equal_models_are_seldom_called_better_or_worse():
    shares = bench.pull_requests(20, 400)
    assert shares["any better, all rows"] <= 0.15
    assert shares["any worse, all rows"] <= 0.15


@pytest.mark.slow
@pytest.mark.parametrize("name", bench.SCENARIOS)
@pytest.mark.parametrize("rows", [200, 1000])
def test_coverage(name, rows):
    found = bench.coverage(bench.SCENARIOS[name], rows, 300)
    for label, tally in found.items():
        if tally.judged >= 200:
            low = bench.BOUNDS.get(rows, bench.USUAL)[0]
            assert tally.share(0.95) >= low - 3 * tally.error(0.95), label
