"""Means of skewed quantities: the interval reaches as far as Student's t or the bootstrap-t."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from modelrail.core.inference import skewed
from modelrail.core.inference.contrast import Clusters, Contrast, from_rows
from support_compare import gate, model, run


def mean_of(values: np.ndarray, *, seed: int | None = 0) -> Contrast:
    return from_rows(float(values.mean()), values - values.mean(), None, seed=seed)


def missed(found: Contrast, truth: float) -> tuple[bool, bool]:
    low, high = found.bounds(0.95)
    return low > truth, high < truth


def test_a_skewed_mean_is_missed_less_often() -> None:
    """Log-normal, 200 rows: Student's t misses above in 8% of the cases instead of 2.5%."""
    rng, runs = np.random.default_rng(1), 200
    plain, ours = np.zeros(2), np.zeros(2)
    for _ in range(runs):
        values = rng.lognormal(0.0, 1.5, 200)
        plain += missed(mean_of(values, seed=None), math.exp(1.125))
        ours += missed(mean_of(values), math.exp(1.125))
    assert plain[1] / runs > 0.07
    assert ours[1] <= plain[1] - 0.02 * runs
    assert ours[0] <= 0.025 * runs


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_no_interval_becomes_narrower_and_none_twice_as_wide(confidence: float) -> None:
    """What is symmetric but looks skewed in the sample must not be called different for that."""
    rng = np.random.default_rng(2)
    used = 0
    for _ in range(30):
        values = rng.standard_t(2, 150)
        plain, ours = mean_of(values, seed=None), mean_of(values)
        used += ours.skew is not None
        (low, high), (lower, higher) = plain.bounds(confidence), ours.bounds(confidence)
        half = high - plain.estimate
        assert lower <= low + 1e-12
        assert higher >= high - 1e-12
        assert ours.estimate - lower <= skewed.CAP * half + 1e-12
        assert higher - ours.estimate <= skewed.CAP * half + 1e-12
        assert ours.half_width(confidence) == pytest.approx((higher - lower) / 2)
    assert used > 5


def test_the_test_is_the_intervals_own() -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for shift in np.linspace(-1.0, 1.0, 41):
        values = rng.lognormal(0.0, 1.2, 80)
        found = mean_of(values - math.exp(0.72) + shift)
        for confidence in (0.9, 0.95):
            low, high = found.bounds(confidence)
            assert (found.p_value() < 1 - confidence) == (low > 0 or high < 0)
            seen.add(low > 0 or high < 0)
    assert seen == {True, False}


def test_the_other_direction_is_the_mirror_image() -> None:
    found = mean_of(np.random.default_rng(4).lognormal(0.0, 1.5, 200))
    low, high = found.bounds(0.95)
    assert found.skew is not None
    assert high - found.estimate > found.estimate - low
    assert found.moved(-1.0, 3.0).bounds(0.95) == pytest.approx((3.0 - high, 3.0 - low))
    assert found.moved(1.0, 3.0).bounds(0.95) == pytest.approx((3.0 + low, 3.0 + high))


def test_the_rest_may_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many units those that pull hardest are drawn one by one: the ends stay where they are."""
    values = np.random.default_rng(5).lognormal(0.0, 2.5, 4000)
    some = mean_of(values)
    assert some.skew is not None
    assert some.skew.far.size == skewed.TAIL
    monkeypatch.setattr(skewed, "TAIL", 10_000)
    every = mean_of(values)
    assert every.skew is not None
    assert every.skew.far.size == 4000
    freedom = some.df, some.df_lean
    assert some.skew.reach(0.95, *freedom) == pytest.approx(every.skew.reach(0.95, *freedom), rel=0.08)


def test_clusters_are_the_units() -> None:
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(30), 10)
    values = rng.lognormal(0.0, 1.5, 30)[codes]
    found = from_rows(float(values.mean()), values - values.mean(), Clusters(codes, 30), seed=0)
    assert found.skew is not None
    assert found.skew.far.size == 30


def test_what_is_not_skewed_costs_nothing() -> None:
    assert mean_of(np.random.default_rng(7).normal(size=500)).skew is None
    assert mean_of(np.zeros(50)).skew is None


def test_the_record_names_the_method_and_the_seed() -> None:
    rng = np.random.default_rng(8)
    truth = pl.DataFrame({"id": range(150), "late": rng.normal(size=150)})
    tables = [
        truth.select("id", prediction=pl.col("late") + pl.Series(rng.lognormal(mean, 1.6, 150)))
        for mean in (0.0, 1.5)
    ]
    policy = model("regression", metrics=("mae", "rmse"), gates=(gate("mae", max=100.0),))
    found = run(policy, truth, *tables)
    assert [row.interval.method for row in found.metrics] == ["bootstrap-t", "paired-moments-delta"]
    (note,) = (note for note in found.notes if "skewed on some rows" in note)
    assert note.startswith("Mean absolute error: skewed")
    assert "seed 0" in note
    assert found == run(policy, truth, *tables)
