"""Differences that few rows make up: how far the end of the interval lies that is away from zero."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import ALONE, DIFFERENCE
from modelrail.core.inference import few
from modelrail.core.metrics import catalog
from modelrail.core.metrics.estimate import FEW, View
from modelrail.core.metrics.ranking import roc_auc
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired

AUC = catalog.bind("roc_auc", "binary", {})


def subset(truth, *scores, weights=None, clusters=None):
    outputs = [Output((one > 0.5).astype(np.int64), one) for one in scores]
    count = 0 if clusters is None else int(clusters.max()) + 1
    return Subset(
        Paired("binary", truth.astype(np.int64), ("0", "1"), *outputs, clusters, count, pl.DataFrame(),
               weights=weights)
    )  # fmt: skip


def simulated(rng, positives, rows, skills):
    truth = np.zeros(rows)
    truth[:positives] = 1
    common = rng.normal(size=rows)
    return truth, *(
        1 / (1 + np.exp(-(skill * truth + 0.8 * common + 0.4 * rng.normal(size=rows)))) for skill in skills
    )


@given(st.floats(0.5, 200), st.floats(0.01, 10), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_gamma_quantile_is_scipys(shape, scale, confidence):
    z = float(stats.norm.ppf((1 + confidence) / 2))
    found = few._quantile(shape * scale, shape * scale**2, z)
    assert found == pytest.approx(stats.gamma.ppf((1 + confidence) / 2, shape, scale=scale), rel=0.03)
    lower = few._quantile(shape * scale, shape * scale**2, -z)
    exact = stats.gamma.ppf((1 - confidence) / 2, shape, scale=scale)
    assert lower == pytest.approx(exact, rel=0.05, abs=0.02 * shape * scale)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=40), st.floats(0, 0.1))
@example([0.2505251781653203] * 3, 0.0)  # all alike: their spread is nothing but rounding
def test_the_longer_end_is_the_one_away_from_zero_whichever_way_it_is_turned(differences, more):
    parts = np.array(differences)
    found = few.find(parts, float(parts.var(ddof=1)) / parts.size + more)
    if found is None:
        assert np.abs(parts).max() <= few.ROUNDING
        return
    kept = parts[np.abs(parts) > few.ROUNDING]
    assert found.side == (1 if kept[kept > 0].sum() > -kept[kept < 0].sum() else -1)
    assert found.mirrored().mirrored() == found
    assert found.reach(0.95, 1.96) >= 0
    if found.gains.total != found.losses.total:
        assert found.mirrored().side == -found.side
        assert found.mirrored().reach(0.95, 1.96) == found.reach(0.95, 1.96)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.floats(0.1, 5)), min_size=4, max_size=40),
    st.booleans(),
)
def test_what_the_rarer_class_lacks_is_one_less_the_value(rows, weighted):
    truth, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    if truth.all() or not truth.any():
        return
    weights = weights / weights.mean()
    found = roc_auc(View(truth, scores / 7.0, weights if weighted else None))
    assert found.lacks is not None
    assert found.lacks.size == min(truth.sum(), (~truth).sum())
    assert float(found.lacks.mean()) == pytest.approx(1 - found.value)
    expected = roc_auc_score(truth, scores, sample_weight=weights if weighted else None)
    assert found.value == pytest.approx(expected)


def test_many_rows_of_each_class_need_none():
    truth = np.repeat([0.0, 1.0], FEW + 1)
    found = roc_auc(View(truth.astype(bool), np.linspace(0, 1, truth.size)))
    assert found.lacks is None


def test_only_the_far_end_of_the_interval_moves_and_no_test_of_zero():
    rng = np.random.default_rng(1)
    found = subset(*simulated(rng, 14, 200, (3.5, 1.5))).measure(AUC).difference
    plain = found.error * stats.t.ppf(0.975, found.df if found.lean <= 0 else found.df_lean)
    assert found.few.side == 1
    low, high = found.bounds(0.95)
    assert found.estimate - low <= found.error * stats.t.ppf(0.975, found._freedom()[0]) * (1 + 1e-9)
    assert high > found.estimate + 1.1 * plain
    turned = found.moved(-1.0, 0.25)
    assert turned.bounds(0.95) == pytest.approx((0.25 - high, 0.25 - low))
    assert found.moved(1.0, 0.25).bounds(0.95) == pytest.approx((0.25 + low, 0.25 + high))
    assert found.p_value() < 0.05
    assert low > 0


def test_a_value_by_itself_has_none():
    made = simulated(np.random.default_rng(2), 14, 200, (3.5, 1.5))
    assert subset(*made).measure(AUC).contrasts[ALONE].few is None


def test_of_groups_each_says_what_its_rows_say_together():
    rng = np.random.default_rng(2)
    made = simulated(rng, 14, 200, (3.5, 1.5))
    own = subset(*made, clusters=rng.permutation(200)).measure(AUC).difference
    alone = subset(*made).measure(AUC).difference
    assert own.few.gains.total == pytest.approx(alone.few.gains.total)  # each row its own group
    grouped = subset(*made, clusters=np.arange(200) // 4).measure(AUC).difference
    assert grouped.few.rows == 4  # fourteen positive rows, four a group
    assert (grouped.few.gains.total - grouped.few.losses.total) / 4 == pytest.approx(grouped.estimate)
    assert grouped.bounds(0.95)[1] > grouped.estimate + grouped.error * stats.t.ppf(0.975, grouped.df)


def test_many_rows_in_groups_keep_students_end():
    """A heavy day among thirty made the far end twice as long, where Student's held what it says."""
    rng = np.random.default_rng(4)
    made = simulated(rng, few.GROUPED + 1, 2000, (1.8, 1.2))
    assert subset(*made).measure(AUC).difference.few is not None
    assert subset(*made, clusters=np.arange(2000) % 30).measure(AUC).difference.few is None


def test_a_relative_margin_asks_of_the_same_rows():
    """Of candidate - k x baseline: the rows' parts sum up to it, but for the constant 1 - k."""
    rng = np.random.default_rng(3)
    found = subset(*simulated(rng, 14, 200, (1.5, 3.5))).measure(AUC, {DIFFERENCE, 0.98})
    relative = found.contrasts[0.98]
    total = (relative.few.gains.total - relative.few.losses.total) / 14
    assert total == pytest.approx(relative.estimate - 0.02)
    assert relative.few.side == -1


@pytest.mark.parametrize(("positives", "rows", "most"), [(13, 200, 0.07), (30, 400, 0.04)])
def test_a_real_difference_of_few_positive_rows_is_seldom_taken_for_smaller_than_it_is(positives, rows, most):
    """2.5% is meant. By `difference + t * error` alone it is more than twice as often."""
    rng, runs = np.random.default_rng(5), 1500
    ends, alone, values = [], [], []
    for _ in range(runs):
        found = subset(*simulated(rng, positives, rows, (3.2, 1.8))).measure(AUC).difference
        ends.append(found.bounds(0.95)[1])
        alone.append(found.estimate + found.error * stats.t.ppf(0.975, found._freedom()[1]))
        values.append(found.estimate)
    true = np.mean(values)
    assert np.mean(np.array(ends) < true) <= most < np.mean(np.array(alone) < true)


def test_equal_models_of_few_positive_rows_are_told_apart_as_seldom_as_promised():
    rng, runs, wrong = np.random.default_rng(6), 600, 0
    for _ in range(runs):
        found = subset(*simulated(rng, 20, 300, (1.8, 1.8))).measure(AUC).difference
        low, high = found.bounds(0.95)
        assert (found.p_value() < 0.05) == (not low <= 0 <= high)
        wrong += not low <= 0 <= high
    assert wrong / runs <= 0.07
