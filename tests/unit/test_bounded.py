"""Intervals of a value by itself: they keep to the range, and hold what they say near its ends."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import ALONE
from modelrail.core.inference import bounded
from modelrail.core.metrics import catalog
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired
from support_compare import binary, gate, metric, model, run

REACH = 1.96
RANGES = {
    "both": bounded.Range(-1.0, 1.0), "counts": bounded.Range(-1.0, 1.0, counts=True),
    "low": bounded.Range(0.0, None), "high": bounded.Range(None, 1.0), "none": bounded.Range(None, None),
}  # fmt: skip


def scored(truth, labels, scores=None):
    scores = labels.astype(float) if scores is None else scores
    output = Output(labels.astype(np.int64), scores)
    return Subset(Paired("binary", truth.astype(np.int64), ("0", "1"), output, None, None, 0, pl.DataFrame()))


def alone(subset, name, **params):
    found = subset.measure(catalog.bind(name, "binary", params))
    return found.candidate, found.contrasts[ALONE].bounds(0.95)


@given(
    st.sampled_from(sorted(RANGES)),
    st.floats(0.001, 0.999),
    st.floats(1e-9, 10.0),
    st.floats(1.0, 5.0),
    st.floats(1.0, 5.0),
)
def test_it_holds_the_value_and_keeps_to_the_range(which, share, error, below, above):
    limits = RANGES[which]
    value = share * 2 - 1 if which in {"both", "counts"} else share
    start, end = bounded.interval(value, error, limits, below, above)
    assert start - 1e-12 <= value <= end + 1e-12
    assert limits.low is None or start >= limits.low
    assert limits.high is None or end <= limits.high
    wider = bounded.interval(value, error * 1.5, limits, below, above)
    assert wider[0] <= start + 1e-12
    assert end <= wider[1] + 1e-12


@given(st.sampled_from(sorted(RANGES)), st.floats(0.1, 0.9))
def test_a_small_error_is_the_same_to_both_sides(which, share):
    start, end = bounded.interval(share, 1e-6, RANGES[which], REACH, REACH)
    assert share - start == pytest.approx(REACH * 1e-6, rel=1e-3)
    assert end - share == pytest.approx(REACH * 1e-6, rel=1e-3)


@pytest.mark.parametrize("counts", [False, True])
def test_it_is_the_same_from_either_end(counts):
    limits = bounded.Range(0.0, 1.0, counts)
    one = bounded.interval(0.97, 0.02, limits, 2.0, 3.0)
    other = bounded.interval(0.03, 0.02, limits, 3.0, 2.0)
    assert one == pytest.approx((1 - other[1], 1 - other[0]))


@pytest.mark.parametrize(
    ("right", "rows"), [(50, 60), (57, 60), (59, 60), (180, 200), (199, 200), (950, 1000)]
)
def test_a_share_is_as_sure_as_by_the_exact_interval(right, rows):
    labels = np.ones(rows, dtype=int)
    labels[right:] = 0
    truth = np.ones(rows, dtype=int)
    truth[: rows // 2] = 0
    labels[: rows // 2] = 1 - labels[: rows // 2]  # half of them negative, and as many right
    _, (low, high) = alone(scored(truth, labels), "accuracy")
    exact = stats.binomtest(right, rows).proportion_ci(0.95, method="exact")
    wilson = stats.binomtest(right, rows).proportion_ci(0.95, method="wilson")
    slack = 1.0 / rows
    assert min(exact.low, wilson.low) - 2 * slack <= low <= wilson.low + slack / 2
    assert max(exact.high, wilson.high) + slack >= high >= wilson.high - slack


@pytest.mark.parametrize("rows", [20, 100])
def test_nothing_wrong_is_no_certainty(rows):
    """Clopper and Pearson's exact limit is 0.025 ** (1 / n); ours, by the rule of three, is no higher."""
    truth = np.repeat([0, 1], rows)
    value, (low, high) = alone(scored(truth, truth), "recall")
    assert value == 1.0
    assert 0.025 ** (1 / rows) - 0.02 <= low <= 0.025 ** (1 / rows)
    assert min(high, 1.0) == 1.0


def test_a_class_without_a_mistake_leaves_the_mean_over_classes_unsure():
    """Recall 1 of ten positives has no spread of its own, and balanced accuracy half of it."""
    truth = np.array([1] * 10 + [0] * 200)
    labels = truth.copy()
    labels[10:20] = 1
    value, (low, _) = alone(scored(truth, labels), "balanced_accuracy")
    assert value == pytest.approx(0.975)
    assert low < 0.93  # the specificity alone would say 0.96


@pytest.mark.parametrize(
    ("name", "skill", "rate", "rows", "most"),
    [
        ("roc_auc", 3.0, 0.15, 200, 0.06),
        ("average_precision", 3.0, 0.15, 200, 0.06),
        ("recall", 3.0, 0.15, 200, 0.05),
        ("accuracy", 3.0, 0.15, 200, 0.05),
        ("precision", 3.0, 0.15, 200, 0.05),
        ("mcc", 3.0, 0.15, 200, 0.05),
    ],
)
def test_a_floor_is_seldom_passed_by_what_lies_below_it(name, skill, rate, rows, most):
    """The lower end lies above the true value in about 2.5%; of `value -+ t error` far more often."""
    rng = np.random.default_rng(3)
    bound = catalog.bind(name, "binary", {})

    def sample(n):
        truth = (rng.random(n) < rate).astype(np.int64)
        raw = skill * truth + rng.normal(size=n) - skill / 2
        return scored(truth, (raw > 0).astype(np.int64), 1 / (1 + np.exp(-raw)))

    true = sample(400_000).measure(bound).candidate
    judged = passed = 0
    for _ in range(400):
        found = sample(rows).measure(bound)
        if found.enough:
            judged += 1
            passed += found.contrasts[ALONE].bounds(0.95)[0] > true
    assert judged > 300
    assert passed / judged <= most


def test_a_gate_asks_more_of_a_small_sample_that_shows_no_mistake():
    truth, candidate, baseline = binary(60, skill=30.0, rate=0.4)
    certain = gate("accuracy", min=0.95, with_confidence=True)
    found = run(model(metrics=(metric("accuracy"),), gates=(certain,)), truth, candidate, baseline)
    assert found.metrics[0].candidate == 1.0
    assert found.gates[0].outcome == "inconclusive"
    assert found.gates[0].interval.low < 0.95


def test_the_same_model_again_is_no_surer():
    """Of equal models the difference is certain, and the value as unsure as that of one."""
    truth = np.repeat([0, 1], 20)
    output = Output(truth.astype(np.int64), truth * 0.8 + 0.1)
    twice = Subset(
        Paired("binary", truth.astype(np.int64), ("0", "1"), output, output, None, 0, pl.DataFrame())
    )
    found = twice.measure(catalog.bind("roc_auc", "binary", {}))
    assert found.identical
    assert found.difference.bounds(0.95) == (0.0, 0.0)
    assert found.contrasts[ALONE].bounds(0.95)[0] < 0.85


def test_costs_and_errors_stay_above_zero():
    truth = np.array([1] * 30 + [0] * 170)
    labels = truth.copy()
    labels[:3] = 0
    value, (low, high) = alone(scored(truth, labels), "expected_cost", false_negative=50.0)
    assert 0 < low < value < high
    assert high - value > value - low
    assert math.isfinite(high)
