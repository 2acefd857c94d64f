"""Medians by the windowed bootstrap: the law of the plain one, whatever stands outside the windows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modelrail.core.inference import medians, resample
from modelrail.core.inference.contrast import Clusters
from modelrail.core.metrics import errors
from modelrail.core.metrics.estimate import View


def views(rng, n, *, weights=None, shift=None):
    truth = np.zeros(n)
    common = rng.standard_t(4, n) if shift is None else rng.standard_t(4, n) + shift
    return [View(truth, 0.7 * common + 0.7 * rng.normal(size=n), weights) for _ in range(2)]


@pytest.mark.parametrize("kind", ["rows", "weights", "clusters", "clusters of weights", "one model"])
def test_windows_give_the_law_of_the_plain_bootstrap(kind, monkeypatch):
    monkeypatch.setattr(resample, "MOST", 1000)
    rng, n = np.random.default_rng(7), 3000
    weights = rng.gamma(2.0, 0.5, n) if "weights" in kind else None
    if weights is not None:
        weights /= weights.mean()
    codes = rng.integers(0, 150, n) if "clusters" in kind else None
    clusters = None if codes is None else Clusters(codes, 150)
    shift = None if codes is None else rng.normal(size=150)[codes]
    both = views(rng, n, weights=weights, shift=shift)[: 1 if kind == "one model" else 2]
    fast = medians.of_absolute_errors(both, clusters, seed=1)
    plain = resample.replicates(errors.median_ae, both, clusters, seed=2)
    pairs = [(fast[0], plain[0]), (fast[0] - fast[-1], plain[0] - plain[-1])][: len(both)]
    for found, expected in pairs:
        assert found.std() == pytest.approx(expected.std(), rel=0.1)  # of 1,000 each: three standard errors
        assert stats.ks_2samp(found, expected).statistic < 0.087  # passed by chance in 999 of 1,000


def test_rows_outside_the_windows_are_counted_only():
    """The very medians of a full pass over the same draws, given the counts of rows."""
    rng, n = np.random.default_rng(3), 4000
    both = views(rng, n)
    codes = np.arange(n)  # a cluster a row: drawn by cluster, every row's count is known
    fast = medians.of_absolute_errors(both, Clusters(codes, n), seed=5)
    draws = np.random.default_rng([5, n])
    for column in range(20):
        counts = np.bincount(draws.integers(0, n, n), minlength=n).astype(float)
        expected = [errors.median_ae(view.reweighted(counts)).value for view in both]
        assert fast[:, column] == pytest.approx(expected, rel=1e-12)


def test_few_rows_and_equal_errors():
    truth = np.zeros(30)
    view = View(truth, np.repeat([1.0, 1.0, 2.0], 10))
    found = medians.of_absolute_errors([view, view], None, seed=0)
    assert set(np.unique(found)) <= {1.0, 1.5, 2.0}
    assert np.array_equal(found[0], found[1])
