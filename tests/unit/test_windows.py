"""Medians, and recall at a precision, by resamples of windows: the law of the plain bootstrap."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import stats

from modelrail.core.inference import medians, recalls, resample
from modelrail.core.inference.contrast import Clusters
from modelrail.core.metrics import errors, ranking
from modelrail.core.metrics.estimate import View


def errors_of(rng, n, *, weights=None, shift=0.0):
    common = rng.standard_t(4, n) + shift
    return [View(np.zeros(n), 0.7 * common + 0.7 * rng.normal(size=n), weights) for _ in range(2)]


def scores_of(rng, n, *, weights=None, shift=0.0):
    truth = rng.random(n) < 0.3
    common = rng.normal(size=n) + shift
    scores = [1.5 * truth + 0.7 * common + 0.7 * rng.normal(size=n) for _ in range(2)]
    return [View(truth, scores[0], weights), View(truth, np.round(scores[1], 1), weights)]  # one with ties


METHODS = {
    "median": (errors_of, medians.of_absolute_errors, errors.median_ae),
    "recall": (
        scores_of,
        partial(recalls.at_precision, at_precision=0.6),
        partial(ranking.recall_at_precision, at_precision=0.6),
    ),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["rows", "weights", "clusters", "clusters of weights", "one model"])
def test_windows_give_the_law_of_the_plain_bootstrap(kind, method, monkeypatch):
    monkeypatch.setattr(resample, "MOST", 600)
    made, windowed, value = METHODS[method]
    rng, n = np.random.default_rng(7), 3000
    weights = rng.gamma(2.0, 0.5, n) if "weights" in kind else None
    if weights is not None:
        weights /= weights.mean()
    codes = rng.integers(0, 150, n) if "clusters" in kind else None
    clusters = None if codes is None else Clusters(codes, 150)
    shift = 0.0 if codes is None else rng.normal(size=150)[codes]
    both = made(rng, n, weights=weights, shift=shift)[: 1 if kind == "one model" else 2]
    fast = windowed(both, clusters, seed=1)
    plain = resample.replicates(value, both, clusters, seed=2)
    pairs = [(fast[0], plain[0]), (fast[0] - fast[-1], plain[0] - plain[-1])][: len(both)]
    for found, expected in pairs:
        assert found.std() == pytest.approx(expected.std(), rel=0.13)  # of 600 each: three standard errors
        assert stats.ks_2samp(found, expected).statistic < 0.113  # so it is in 999 of 1,000 such draws


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [4000, 200], ids=["a row a cluster", "200 clusters"])
def test_rows_outside_the_windows_are_counted_only(method, count):
    """By cluster the count of every row is known: the very values of a full pass over the same draws."""
    made, windowed, value = METHODS[method]
    rng, n = np.random.default_rng(3), 4000
    codes = np.arange(n) if count == n else rng.integers(0, count, n)
    both = made(rng, n, shift=0.0 if count == n else rng.normal(size=count)[codes])
    fast = windowed(both, Clusters(codes, count), seed=5)
    draws = np.random.default_rng([5, n])
    for column in range(40):
        counts = np.bincount(draws.integers(0, count, count), minlength=count).astype(float)[codes]
        expected = [value(view.reweighted(counts)).value for view in both]
        assert fast[:, column] == pytest.approx(expected, rel=1e-9)


def test_few_rows_and_equal_errors():
    truth = np.zeros(30)
    view = View(truth, np.repeat([1.0, 1.0, 2.0], 10))
    found = medians.of_absolute_errors([view, view], None, seed=0)
    assert set(np.unique(found)) <= {1.0, 1.5, 2.0}
    assert np.array_equal(found[0], found[1])
