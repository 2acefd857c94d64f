"""Values agree with scikit-learn's; influence values with what a row's weight does to the value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelrail.core.metrics import catalog, functions, queries, ranking
from modelrail.core.metrics import estimate as estimates
from modelrail.core.metrics.estimate import View
from modelrail.core.rows.joint import Joint
from support_metrics import CASES, Case, drawn, estimate, quiet

SIZES = st.integers(6, 60)
SEEDS = st.integers(0, 2**32 - 1)


def test_every_entry_has_a_reference_here():
    known = {(entry.name, task, entry.variant) for entry in catalog.METRICS for task in entry.tasks}
    assert known == {(case.name, case.task, case.metric.variant) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=str)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=SIZES, weighted=st.booleans())
def test_values_equal_scikit_learn(case: Case, seed, n, weighted):
    rows = drawn(case.task, seed, n)
    rows = rows if weighted else replace(rows, weights=np.ones(n))
    found = estimate(case.metric, rows, rows.weights if weighted else None)
    if found.value is None:
        assert found.note
        return
    expected = quiet(case.peer, rows)
    if expected is not None:
        assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-9)


SMOOTH = [case for case in CASES if case.metric.interval == "influence"]
NEAR = {"precision_at_k", "lift"}  # their influence estimates a density at the edge of the list
NOT_THE_DERIVATIVE = NEAR | {"calibration_error"}  # of absolute values near zero: the folded normal's


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", [case for case in SMOOTH if case.name not in NOT_THE_DERIVATIVE], ids=str)
def test_influence_is_the_derivative_with_respect_to_a_rows_weight(case: Case, weighted, monkeypatch):
    # DeLong's own divisors stand in the influence values of curves: here they would hide what is off.
    monkeypatch.setattr(ranking, "_unbiased", lambda rows_of_class, n: 1.0)
    n = 48
    rows = drawn(case.task, 11, n, tied=False)
    weights = rows.weights / rows.weights.mean() if weighted else np.ones(n)
    metric = case.metric
    found = estimate(metric, rows, weights)
    pulls = found.influence
    if metric.family == "cells":
        labels = rows.labels if metric.threshold is None else (rows.output >= metric.threshold).astype(int)
        pulls = weights * pulls[rows.truth, labels]
    assert pulls.sum() == pytest.approx(0, abs=1e-8)
    for row in range(n):
        step = 1e-5 * weights[row]
        up, down = weights.copy(), weights.copy()
        up[row] += step
        down[row] -= step
        slope = (estimate(metric, rows, up).value - estimate(metric, rows, down).value) / (2e-5)
        if case.task != "ranking":  # there a row's weight is shared by its list
            assert slope * n == pytest.approx(pulls[row], rel=1e-3, abs=1e-3)
    if case.task == "ranking":
        step = 1e-5
        for query in np.unique(rows.queries):
            mine = rows.queries == query
            up, down = weights * (1 + step * mine), weights * (1 - step * mine)
            slope = (estimate(metric, rows, up).value - estimate(metric, rows, down).value) / (2 * step)
            assert slope * n == pytest.approx(pulls[mine].sum(), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", sorted(NEAR))
def test_the_spread_of_the_top_of_the_list_is_the_simulated_one(name):
    metric = catalog.bind(name, "binary", {"k": 0.1})
    rng = np.random.default_rng(3)
    values, errors = [], []
    for _ in range(150):
        truth = (rng.random(2000) < 0.3).astype(np.int64)
        found = functions.of_rows(metric)(View(truth, truth + 1.2 * rng.normal(size=2000)))
        values.append(found.value)
        errors.append((found.influence @ found.influence) ** 0.5 / 2000)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_whole_weights_are_copies_of_rows():
    """A row of weight 3 is worth three rows to every value."""
    for case in CASES:
        rows = drawn(case.task, 5, 40)
        if case.task == "ranking" or case.name in NEAR:
            continue
        times = rows.weights.astype(int)
        copied = replace(
            rows,
            truth=np.repeat(rows.truth, times, axis=0),
            output=np.repeat(rows.output, times, axis=0),
            labels=None if rows.labels is None else np.repeat(rows.labels, times, axis=0),
            columns={name: np.repeat(values, times) for name, values in rows.columns.items()},
        )
        one, many = estimate(case.metric, rows, rows.weights), estimate(case.metric, copied)
        assert one.value == pytest.approx(many.value), str(case)


def test_delong_equals_the_textbook_formula():
    rng = np.random.default_rng(2)
    truth = rng.random(80) < 0.3
    score = np.round(rng.normal(size=80) + truth, 1)
    found = functions.of_rows(catalog.find("roc_auc", "binary"))(View(truth, score))
    wins = (score[truth][:, None] > score[~truth][None, :]) + 0.5 * (
        score[truth][:, None] == score[~truth][None, :]
    )
    variance = wins.mean(axis=1).var(ddof=1) / truth.sum() + wins.mean(axis=0).var(ddof=1) / (~truth).sum()
    assert found.value == pytest.approx(wins.mean())
    assert (found.influence**2).sum() / 80 / 79 == pytest.approx(variance, rel=1e-12)


def test_few_positive_rows_know_the_spread_of_average_precision_less_well(monkeypatch):
    rows = drawn("binary", 3, 60, tied=False)
    metric = catalog.find("average_precision", "binary")
    found = estimate(metric, rows, None).influence
    monkeypatch.setattr(ranking, "_unbiased", lambda rows_of_class, n: 1.0)
    bare, positive = estimate(metric, rows, None).influence, rows.truth.astype(bool)
    count = positive.sum()
    assert found[~positive] == pytest.approx(bare[~positive])
    assert found[positive] == pytest.approx(bare[positive] * (count / (count - 1) * 59 / 60) ** 0.5)


def test_what_is_not_defined_says_why():
    def said(name, task, truth, output, **params):
        metric = catalog.bind(name, task, params)
        return functions.of_rows(metric)(View(np.array(truth), np.array(output))).note

    assert said("mape", "regression", [0.0, 1.0], [1.0, 1.0]) == "the target is 0 in 1 row"
    assert "above 0" in said("gamma_deviance", "regression", [0.0, 1.0], [1.0, 1.0])
    assert "above 0" in said("poisson_deviance", "regression", [0.0, 1.0], [0.0, 1.0])
    assert "no positive" in said("recall", "binary", [0, 0], [0.5, 0.4], at_precision=0.5)
    assert "not fewer" in said("precision_at_k", "binary", [0, 1], [0.5, 0.4], k=5)


def test_parameters_that_do_not_fit_are_no_metric():
    assert catalog.bind("f_beta", "binary", {}) is None
    assert catalog.bind("f1", "binary", {"beta": 2}) is None
    assert catalog.bind("recall", "binary", {"k": 3}) is None
    assert catalog.bind("ndcg", "binary", {"k": 3}) is None
    assert catalog.bind("recall", "ranking", {"k": 3}).title == "recall@k"
    assert catalog.bind("profit", "binary", {"function": "m:f", "higher_is_better": False}).family == "user"


@pytest.mark.parametrize("grades", ["whole", "any"])
def test_lists_are_the_same_whether_their_codes_fit_one_number_or_not(grades, monkeypatch):
    rng, n = np.random.default_rng(4), 300
    lists, truth = rng.integers(0, 40, n), rng.integers(0, 4, n) - (0.0 if grades == "whole" else 0.25)
    view = View(truth, np.round(rng.normal(size=n), 1), None, {}, lists)
    one = queries.Lists(view)
    monkeypatch.setattr(queries, "WHOLE", 1)
    many = queries.Lists(view)
    for name in ("truth", "ideal", "place", "ties", "tie_sizes", "starts"):
        assert np.array_equal(getattr(one, name), getattr(many, name)), name
    order = np.lexsort((truth, -view.output, lists))
    assert np.array_equal(one.truth, truth[order])
    assert np.array_equal(one.ideal, truth[np.lexsort((-truth, lists))])


def test_blocks_of_equal_scores_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many blocks are worked on at once, sums and scattered values are the same."""
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 300, 1000) / 300
    per_row = rng.normal(size=1000)
    found = []
    for piece in (1, 7, 10_000):
        monkeypatch.setattr(estimates, "_PIECE", piece)
        ranks = estimates.Ranks.of(scores)
        found.append((ranks.sizes, ranks.block_sums(per_row), ranks.scatter(np.arange(ranks.sizes.size))))
    values, counts = np.unique(scores, return_counts=True)
    sums = [per_row[scores == value].sum() for value in values]
    for sizes, summed, scattered in found:
        np.testing.assert_array_equal(sizes, counts)
        np.testing.assert_allclose(summed, sums)
        np.testing.assert_array_equal(scattered, np.searchsorted(values, scores))


@pytest.mark.parametrize("seed", range(8))
def test_no_rounding_error_stands_in_for_a_value_that_is_not_defined(seed):
    """Sums of weights leave 1e-16 where there is zero, and dividing by it made 1e31 of an R²."""
    rng = np.random.default_rng(seed)
    weights = rng.gamma(1.0, 1.0, 7)
    weights /= weights.mean()
    r2 = functions.of_rows(catalog.bind("r2", "regression", {}))
    for given_weights in (None, weights):
        found = r2(View(np.full(7, 0.1 + seed), rng.normal(size=7), given_weights))
        assert (found.value, found.note) == (None, "the target is the same on every row")

    def cells(name, truth, said):
        joint = Joint.count(np.array(truth), np.array(said), np.array(said), 2, weights)
        return functions.of_cells(catalog.bind(name, "binary", {}))(joint.confusion(joint.candidate))

    both, none, every = [0, 1, 0, 1, 1, 0, 1], [0] * 7, [1] * 7
    assert cells("mcc", both, none).note == "every row is predicted alike"
    assert cells("mcc", every, both).note == "the rows hold one class only"
    assert cells("kappa", every, every).value is None
    assert cells("kappa", both, none).value == pytest.approx(0, abs=1e-12)
