"""The end nearer to zero: that of two models whose answers could change sides, row by row."""

from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import bench_calibration as bench
from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import ALONE, DIFFERENCE
from modelrail.core.inference import exchange
from modelrail.core.metrics import catalog, functions
from modelrail.core.metrics.estimate import View
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired


def of_labels(truth, one, two, **more):
    outputs = [Output(np.asarray(labels), np.asarray(labels, float)) for labels in (one, two)]
    return Subset(Paired("binary", np.asarray(truth), ("0", "1"), *outputs, None, 0, pl.DataFrame(), **more))


def difference(subset, name, **params):
    found = subset.measure(catalog.bind(name, "binary", params)).difference
    assert found is not None
    return found


@given(st.integers(20, 400), st.integers(0, 2**32 - 1), st.floats(0.02, 0.3))
def test_the_end_nearer_to_zero_of_accuracy_is_mcnemars(n, seed, rate):
    rng = np.random.default_rng(seed)
    truth, wrong = rng.integers(0, 2, n), rng.random((2, n)) < rate
    found = difference(of_labels(truth, *(np.where(one, 1 - truth, truth) for one in wrong)), "accuracy")
    gains, losses = int((~wrong[0] & wrong[1]).sum()), int((wrong[0] & ~wrong[1]).sum())
    if gains == losses:
        assert not found.near
        assert found.p_value() == 1.0
        return
    # The statistic without Edwards' correction, by Student's t; the pseudo-rows' where that is the shorter.
    z = abs(gains - losses) / math.sqrt(gains + losses) * math.sqrt((n - 1) / n)
    of_pseudo_rows = abs(found.estimate) / found.error
    assert found.p_value() == pytest.approx(2 * stats.t.sf(max(z, of_pseudo_rows), found.df), rel=1e-6)
    low, high = found.bounds(0.95)
    near, far = (low, high) if gains > losses else (-high, -low)
    assert near <= abs(found.estimate) <= far
    t = stats.t.ppf(0.975, found.df)
    assert near == pytest.approx(abs(found.estimate) - t * found.near.error, abs=1e-9)
    assert far == pytest.approx(abs(found.estimate) + t * found.error, abs=1e-9)


def test_precision_takes_its_spread_at_the_precision_of_both_together():
    rng = np.random.default_rng(4)
    truth = (rng.random(300) < 0.1).astype(int)
    one, two = ((rng.random(300) < np.where(truth, 0.7, 0.1)).astype(int) for _ in range(2))
    found = difference(of_labels(truth, one, two), "precision")
    # Leisenring, Alonzo & Pepe 2000, with both models' lists of one length, as they would be if equal.
    both = (truth[one == 1].sum() + truth[two == 1].sum()) / (one.sum() + two.sum())
    length = (one.sum() + two.sum()) / 2
    pulls = (one - two) * (truth - both) / length
    assert found.near.error == pytest.approx(math.sqrt((pulls**2).sum() * 300 / 299), rel=1e-9)
    assert found.near.error < found.error


@pytest.mark.parametrize("name", ["accuracy", "precision", "f1", "mcc", "kappa", "expected_cost"])
def test_the_interval_holds_zero_exactly_where_its_p_value_says_so(name):
    rng = np.random.default_rng(7)
    for _ in range(60):
        truth = (rng.random(150) < 0.3).astype(int)
        rates = rng.uniform(0.6, 0.9, 2)
        labels = [(rng.random(150) < np.where(truth, rate, 1 - rate)).astype(int) for rate in rates]
        found = difference(of_labels(truth, *labels), name)
        for confidence in (0.9, 0.95, 0.99):
            low, high = found.bounds(confidence)
            assert (low > 0 or high < 0) == (found.p_value() < 1 - confidence)
        turned = found.moved(-1.0, 0.0)
        assert turned.bounds(0.95) == pytest.approx((-found.bounds(0.95)[1], -found.bounds(0.95)[0]))
        assert turned.p_value() == found.p_value()
        shifted = found.moved(1.0, 0.02)  # the ends are the same ones after a margin is added
        assert shifted.bounds(0.95) == pytest.approx(tuple(end + 0.02 for end in found.bounds(0.95)))


def test_only_the_difference_of_two_models_has_such_an_end():
    rng = np.random.default_rng(2)
    truth = (rng.random(200) < 0.2).astype(int)
    labels = [(rng.random(200) < np.where(truth, 0.8, 0.1)).astype(int) for _ in range(2)]
    metric = catalog.bind("f1", "binary", {})
    found = of_labels(truth, *labels).measure(metric, (DIFFERENCE, 0.98)).contrasts
    assert found[DIFFERENCE].near
    assert not found[ALONE].near
    assert not found[0.98].near


# --- by exchanging ---------------------------------------------------------------------------------------


def scored(n, seed, rate=0.4):
    paired = bench.binary(rate)(np.random.default_rng(seed), n)
    return [View(paired.truth.astype(bool), one.scores) for one in paired.outputs]


def root_mean_square_of_all(function, views):
    one, two = (view.output for view in views)
    values = []
    for turned in itertools.product([False, True], repeat=one.size):
        sides = np.where(turned, two, one), np.where(turned, one, two)
        values.append(np.subtract(*(function(View(views[0].truth, side)).value for side in sides)))
    return math.sqrt(np.mean(np.square(values)))


def test_the_draws_are_those_of_all_exchanges():
    function = functions.of_rows(catalog.bind("calibration_error", "binary", {}), ("0", "1"))
    views = scored(11, 3)
    found = [exchange.spread(function, views, None, by_rank=False, seed=seed) for seed in range(20)]
    exact = root_mean_square_of_all(function, views)
    assert np.mean(found) == pytest.approx(exact, rel=0.04)
    assert found[0] == exchange.spread(function, views, None, by_rank=False, seed=0)


def test_lists_are_exchanged_by_rank_whatever_the_scale_of_the_scores():
    function = functions.of_rows(catalog.bind("precision_at_k", "binary", {"k": 0.2}), ("0", "1"))
    views = scored(150, 5)
    other = [views[0], View(views[1].truth, 100 * views[1].output ** 3)]
    found = [exchange.spread(function, pair, None, by_rank=True, seed=1) for pair in (views, other)]
    assert found[0] == found[1] > 0


def test_rows_of_a_group_change_sides_together():
    """Groups in which one model is right throughout: the spread is that of the groups, not of the rows."""
    from modelrail.core.inference.contrast import Clusters

    truth = np.tile([True, False], 100)
    codes = np.repeat(np.arange(20), 10)
    good = np.where(truth, 0.9, 0.1)
    side = (codes % 2 == 0)[:, None]
    one, two = np.where(side, [0.0, 1.0], [1.0, 0.0]).T
    views = [View(truth, np.where(own, good, 1 - good)) for own in (one, two)]
    function = functions.of_rows(catalog.bind("brier", "binary", {}), ("0", "1"))
    by_group = exchange.spread(function, views, Clusters(codes, 20), by_rank=False, seed=0)
    by_row = exchange.spread(function, views, None, by_rank=False, seed=0)
    assert by_group == pytest.approx(by_row * math.sqrt(10), rel=0.25)


def test_many_rows_keep_the_usual_spread():
    function = functions.of_rows(catalog.bind("calibration_error", "binary", {}), ("0", "1"))
    assert not exchange.spread(function, scored(exchange.ROWS + 1, 0), None, by_rank=False, seed=0)
    assert exchange.spread(function, scored(exchange.ROWS, 0), None, by_rank=False, seed=0)


def test_ten_positive_rows_make_no_interval_twice_as_sure_as_it_says():
    """Was 99% and 98% in as many runs: pseudo-rows alone made equal models' ends too long."""
    wanted = ("precision", "f1", "expected_cost")
    scenario = bench.Scenario(bench.binary(0.01), tuple((name, {}) for name in wanted))
    found = bench.coverage(scenario, 1000, 400, seed=11)
    for name in wanted:
        assert 0.93 <= found[name].share(0.95) <= 0.985, name


@pytest.mark.parametrize(("costs", "enough"), [({"false_negative": 5.0}, False), ({}, True)])
def test_a_cost_that_few_rows_make_up_needs_ten_of_them(costs, enough):
    rng = np.random.default_rng(0)
    truth = np.zeros(200, int)
    truth[:9] = 1
    labels = [np.where(rng.random(200) < 0.8, truth, 1 - truth) for _ in range(2)]
    found = of_labels(truth, *labels).measure(catalog.bind("expected_cost", "binary", costs))
    assert found.enough is enough
    assert enough or found.note.startswith("only 9 rows of the rarer class; an interval needs 10 or more")
