"""The t distribution, Holm, and contrasts against independent implementations."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import ALONE
from modelrail.core.inference import contrast, family, power, student
from modelrail.core.metrics import catalog
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired


@settings(max_examples=200, deadline=None)
@given(t=st.floats(-60, 60), df=st.floats(1, 1e6))
def test_t_distribution_equals_scipy(t, df):
    assert student.two_sided_p(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-7, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(confidence=st.floats(0.5, 0.9999), df=st.floats(1, 1e8))
def test_t_quantile_equals_scipy(confidence, df):
    assert student.critical(confidence, df) == pytest.approx(stats.t.ppf(0.5 + confidence / 2, df), rel=1e-6)


def holm_by_definition(values):
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate([(len(values) - rank) * values[index] for rank, index in enumerate(order)])
    out = np.empty(len(values))
    out[order] = np.minimum(steps, 1)
    return out


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm(values):
    assert family.holm(values) == pytest.approx(list(holm_by_definition(values)) if values else [])


def test_holm_example_from_the_paper():
    assert family.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_a_mean_of_normal_rows_is_the_paired_t_interval():
    difference = np.random.default_rng(0).normal(0.1, 1, 500)
    found = contrast.from_rows(float(difference.mean()), difference - difference.mean(), None)
    expected = stats.ttest_1samp(difference, 0)
    assert found.error == pytest.approx(stats.sem(difference))
    assert found.p_value() == pytest.approx(expected.pvalue, rel=0.02)  # df is estimated, here near n - 1
    assert found.bounds(0.95) == pytest.approx(tuple(expected.confidence_interval()), rel=0.01)


def test_few_heavy_rows_widen_the_interval():
    calm, heavy = np.full(200, 0.1), np.full(200, 0.0)
    calm[::2] *= -1
    heavy[:2] = (10, -10)
    apart = contrast.Clusters(np.arange(200), 200)
    assert contrast.from_rows(0, calm, apart).df == 199
    assert contrast.from_rows(0, heavy, apart).df < 5


def test_few_heavy_rows_widen_the_end_that_they_lean_to():
    pulls = np.random.default_rng(0).normal(0, 0.1, 200)
    pulls[:4] = 5.0
    pulls -= pulls.mean()
    found = contrast.from_rows(0.0, pulls, None)
    normal = stats.t.ppf(0.975, 199) * found.error
    low, high = found.bounds(0.95)
    assert -low == pytest.approx(normal)
    assert 1.1 * normal < high == pytest.approx(stats.t.ppf(0.975, found.df_lean) * found.error)
    assert found.half_width(0.95) == pytest.approx((high - low) / 2)
    assert found.moved(-1.0, 1.0).bounds(0.95) == pytest.approx((1 - high, 1 - low))
    against = np.random.default_rng(1).normal(size=200)
    assert contrast.from_rows(0.0, pulls + 0.5 * against, None, against, 0.5).bounds(0.95) == pytest.approx(
        (low, high)
    )


def test_equal_models_on_rows_that_weigh_unalike_are_told_apart_as_often_as_promised():
    """Unlike weights of symmetric rows make Student's t err on the safe side (Efron 1969), and no more.

    With Satterthwaite's degrees of freedom at both ends it was three cases in a hundred.
    """
    rng, runs, missed = np.random.default_rng(8), 800, 0
    metric = catalog.find("rmse", "regression")
    for _ in range(runs):
        truth, weights = rng.normal(size=200), rng.lognormal(0, 1, 200)
        common = rng.normal(size=200)
        sides = [Output(None, truth + common + rng.normal(size=200)) for _ in range(2)]
        made = Paired("regression", truth, (), *sides, None, 0, pl.DataFrame(), weights=weights)
        found = Subset(made).measure(metric).difference
        assert max(found.df, found.df_lean) == 199
        low, high = found.bounds(0.95)
        missed += not low <= 0 <= high
    assert 0.035 <= missed / runs <= 0.07


def test_a_heavy_row_is_seen_from_a_value_without_it():
    rng = np.random.default_rng(9)
    truth, weights = rng.normal(size=60), np.ones(60)
    weights[0] = 20.0
    weights /= weights.mean()
    off = rng.normal(size=60)
    made = Paired(
        "regression", truth, (), Output(None, truth + off), None, None, 0, pl.DataFrame(), weights=weights
    )
    found = Subset(made).measure(catalog.find("mae", "regression"))
    value = np.average(np.abs(off), weights=weights)
    pulls = weights * (np.abs(off) - value) / (1 - weights / 60)
    assert found.candidate == pytest.approx(value)
    expected = np.sqrt((pulls**2).sum() / 60**2 * 60 / 59)
    assert found.contrasts[ALONE].error == pytest.approx(expected)


@pytest.mark.parametrize("estimate", [-0.4, -0.3, 0.3, 0.4])
def test_the_test_of_zero_is_the_intervals_own_at_either_end(estimate):
    pulls = np.concatenate((np.full(3, 10.0), np.full(197, -30 / 197)))
    found = contrast.from_rows(estimate, pulls, None)
    for confidence in np.linspace(0.8, 0.999, 40):
        low, high = found.bounds(confidence)
        assert (found.p_value() < 1 - confidence) == (low > 0 or high < 0)


def test_equal_models_that_differ_on_few_rows_are_told_apart_as_often_as_promised():
    """With Satterthwaite's degrees of freedom at both ends it was one case in a hundred instead of five."""
    rng, runs, missed = np.random.default_rng(4), 1500, 0
    for _ in range(runs):
        pulls = np.zeros(300)
        count = rng.poisson(8) + 2
        pulls[:count] = rng.normal(size=count)
        mean = float(pulls.mean())
        low, high = contrast.from_rows(mean, pulls - mean, None).bounds(0.95)
        missed += not low <= 0 <= high
    assert 0.025 <= missed / runs <= 0.06


def test_few_positive_rows_are_eleven_with_the_pseudo_row():
    """Recall of ten positive rows: half a row more each way above the line, one more below it."""
    truth = np.repeat([1, 0], [10, 90])
    one, two = truth.copy(), truth.copy()
    one[:1], two[1:4], one[10:15], two[12:20] = 0, 0, 1, 1
    paired = Paired(
        "binary", truth, ("0", "1"), Output(one, None), Output(two, None), None, 0, pl.DataFrame()
    )
    found = Subset(paired).measure(catalog.find("recall", "binary")).difference
    won, lost, rows = 3 + 0.5, 1 + 0.5, 11
    mean = (won - lost) / rows
    expected = (won * (1 - mean) ** 2 + lost * (1 + mean) ** 2 + (rows - won - lost) * mean**2) / rows**2
    assert found.estimate == pytest.approx(0.2)
    assert found.error == pytest.approx((expected * 102 / 101) ** 0.5)


def test_accuracy_cells_are_bonett_and_price():
    """d -+ z sqrt((p12 + p21 - (p12 - p21)^2) / (n + 2)) with one row added to each discordant cell."""
    n, gained, lost = 100, 9, 4
    difference = (gained - lost) / n
    found = contrast.from_cells(
        difference,
        np.array([1.0, -1.0, 0.0]) - 0.0,
        np.array([gained, lost, n - gained - lost], dtype=float),
        np.array([1.0, -1.0]),
        np.array([1.0, 1.0]),
    )
    p12, p21 = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    assert found.error == pytest.approx(((p12 + p21) / (n + 2)) ** 0.5, rel=0.01)
    assert found.estimate - 1.96 * ((p12 + p21 - (p12 - p21) ** 2) / (n + 2)) ** 0.5 == pytest.approx(
        found.bounds(0.95)[0], abs=3e-3
    )


def test_clusters_of_copies_count_once():
    """Every row written ten times is no more evidence when the copies are one cluster."""
    pulls = np.random.default_rng(1).normal(size=60)
    pulls -= pulls.mean()
    alone = contrast.from_rows(0.1, pulls, None)
    copied = np.repeat(pulls, 10)
    clusters = contrast.Clusters(np.repeat(np.arange(60), 10), 60)
    grouped = contrast.from_rows(0.1, copied, clusters)
    assert grouped.error == pytest.approx(alone.error)
    assert grouped.df == pytest.approx(alone.df_lean)
    assert contrast.from_rows(0.1, copied, None).error < alone.error / 3


def test_cluster_errors_equal_a_cluster_bootstrap():
    rng = np.random.default_rng(3)
    codes = np.sort(rng.integers(0, 80, 2000))
    rows = rng.normal(size=2000) + rng.normal(size=80)[codes]
    found = contrast.from_rows(float(rows.mean()), rows - rows.mean(), contrast.Clusters(codes, 80))
    sums, sizes = np.bincount(codes, rows), np.bincount(codes)
    draws = rng.integers(0, 80, (4000, 80))
    bootstrap = (sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)).std()
    assert found.error == pytest.approx(bootstrap, rel=0.06)


def test_rows_to_settle():
    assert power.rows_to_settle(1000, 0.01, 0.005) == 4000
    assert power.rows_to_settle(1000, 0.01, 0.0) is None
    assert power.rows_for_support(50, 5) == 100
    assert power.rows_for_support(50, 0) is None
