"""Paired intervals against the bootstrap and against simulated truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn import metrics as sk

from modelrail.core.comparison.measure import Subset
from modelrail.core.inference import exchange
from modelrail.core.metrics import catalog
from modelrail.core.rows import joint
from modelrail.core.rows.joint import Joint
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired
from support_metrics import CASES

JUDGED = [case for case in CASES if case.metric.interval == "influence"]
BINARY = [case for case in JUDGED if case.task == "binary"]
MULTICLASS = [case for case in JUDGED if case.task == "multiclass"]


def binary(rng, n, *, skill=1.6, other=1.5, rate=0.3, clusters=0):
    truth = (rng.random(n) < rate).astype(np.int64)
    common = rng.normal(size=n)
    codes = np.sort(rng.integers(0, clusters, n)) if clusters else None
    outputs = []
    for strength in (skill, other):
        raw = strength * (truth - rate) + 0.8 * common + 0.55 * rng.normal(size=n) - 0.5
        if codes is not None:
            raw = raw + 0.5 * rng.normal(size=clusters)[codes]
        score = 1 / (1 + np.exp(-raw))
        outputs.append(Output((score > 0.5).astype(np.int64), score))
    return Paired("binary", truth, ("0", "1"), *outputs, codes, clusters, pl.DataFrame())


def regression(rng, n):
    truth = rng.gamma(4, 1, n) + 0.2
    common = rng.normal(size=n)
    outputs = []
    for s in (0.27, 0.3):
        said = truth * np.exp(s * (0.8 * common + 0.6 * rng.normal(size=n)))
        outputs.append(Output(None, said, {"lower": said - s * 4, "upper": said + s * 4}))
    naive = rng.gamma(3.0, 1.0, n) + 0.1
    return Paired("regression", truth, (), *outputs, None, 0, pl.DataFrame(), columns={"naive": naive})


def multiclass(rng, n, k=4):
    truth = rng.choice(k, n, p=np.arange(1, k + 1) / (k * (k + 1) / 2))
    outputs = []
    for strength in (1.3, 1.2):
        raw = rng.normal(size=(n, k)) + strength * np.eye(k)[truth]
        p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
        outputs.append(Output(p.argmax(axis=1), p))
    return Paired("multiclass", truth, ("a", "b", "c", "d"), *outputs, None, 0, pl.DataFrame())


def ranking(rng, n):
    queries = np.sort(rng.integers(0, n // 8, n))
    queries = np.unique(queries, return_inverse=True)[1]
    truth = rng.integers(0, 3, n).astype(float)
    common = rng.normal(size=n)
    outputs = [Output(None, truth * s + common + rng.normal(size=n)) for s in (0.8, 0.7)]
    count = int(queries.max()) + 1
    return Paired("ranking", truth, (), *outputs, queries, count, pl.DataFrame(), queries=queries)


def taken(paired, rows):
    """The rows as a pairing of its own."""
    outputs = {
        name: replace(
            one, scores=one.scores[rows], labels=one.labels if one.labels is None else one.labels[rows]
        )
        for name, one in (("candidate", paired.candidate), ("baseline", paired.baseline))
    }
    weights = None if paired.weights is None else paired.weights[rows]
    return replace(paired, truth=paired.truth[rows], weights=weights, **outputs)


def multilabel(rng, n):
    """Labels of a row go together, and so do the models' errors."""
    common = rng.normal(size=(n, 1))
    truth = ((common + rng.normal(size=(n, 3))) > (0.0, 0.8, 1.2)).astype(np.int8)
    outputs = []
    for strength in (1.6, 1.5):
        raw = strength * truth + 0.6 * common + 0.6 * rng.normal(size=(n, 3)) - 0.8
        outputs.append(Output((raw > 0).astype(np.int8), 1 / (1 + np.exp(-raw))))
    return Paired("multilabel", truth, ("a", "b", "c"), *outputs, None, 0, pl.DataFrame())


MAKERS = {
    "multilabel": multilabel,
    "binary": binary,
    "regression": regression,
    "multiclass": multiclass,
    "ranking": ranking,
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", JUDGED, ids=str)
def test_the_error_equals_the_bootstraps(case, weighted, monkeypatch):
    """Resampling whole rows (lists), each resample measured by the point functions alone."""
    monkeypatch.setattr(exchange, "ROWS", 0)  # no near end is looked at here
    rng = np.random.default_rng(17)
    paired = MAKERS[case.task](rng, 500)
    if weighted:
        paired = replace(paired, weights=rng.gamma(3.0, 1.0, 500))
    metric = case.metric
    found = Subset(paired).measure(metric).difference
    resampled = []
    for _ in range(250 if case.task != "multilabel" else 120):
        units = rng.integers(0, paired.cluster_count or paired.rows, paired.cluster_count or paired.rows)
        rows = units
        part = paired
        if paired.queries is not None:  # a list that is drawn twice is two lists
            members = [np.flatnonzero(paired.queries == unit) for unit in units]
            rows = np.concatenate(members)
            queries = np.repeat(np.arange(units.size), [one.size for one in members])
            part = replace(taken(paired, rows), queries=queries, clusters=queries, cluster_count=units.size)
            rows = None
        resampled.append(Subset(part, rows).measure(metric).difference.estimate)
    assert found.error == pytest.approx(np.std(resampled), rel=0.17 if len(resampled) > 200 else 0.25)


@pytest.mark.parametrize("name", ["roc_auc", "f1"])
def test_the_interval_equals_scipys_bootstrap(name):
    paired = binary(np.random.default_rng(4), 400)
    function = {
        "roc_auc": lambda y, c, b: sk.roc_auc_score(y, c) - sk.roc_auc_score(y, b),
        "f1": lambda y, c, b: sk.f1_score(y, c > 0.5) - sk.f1_score(y, b > 0.5),
    }[name]
    peer = stats.bootstrap(
        (paired.truth, paired.candidate.scores, paired.baseline.scores),
        function,
        paired=True,
        vectorized=False,
        n_resamples=200,
        method="basic",
        rng=np.random.default_rng(0),
    )
    low, high = Subset(paired).measure(catalog.find(name, "binary")).difference.bounds(0.95)
    # The far end of a ROC AUC allows for one row more of the rarer class, see few.py.
    assert (low, high) == pytest.approx(tuple(peer.confidence_interval), abs=0.18 * (high - low))


@pytest.mark.parametrize("clusters", [0, 40])
def test_coverage_and_false_alarms_on_equal_models(clusters):
    """Two models of equal skill: 95% intervals hold zero about 95 times in a hundred, for every metric."""
    rng = np.random.default_rng(99)
    runs = 100
    outside = dict.fromkeys(map(str, BINARY), 0)
    for _ in range(runs):
        subset = Subset(binary(rng, 250, skill=1.5, other=1.5, clusters=clusters))
        for case in BINARY:
            low, high = subset.measure(case.metric).difference.bounds(0.95)
            outside[str(case)] += not low <= 0 <= high
    # 100 draws at 5%: 3 standard errors are 6.5 points.
    assert all(0 <= count / runs <= 0.115 for count in outside.values()), outside


def test_without_clusters_clustered_rows_would_cry_wolf():
    """The reason for `group:`: the same rows taken as independent are far too sure."""
    rng = np.random.default_rng(5)
    metric = catalog.find("recall", "binary")
    alarms = {True: 0, False: 0}
    for _ in range(120):
        paired = binary(rng, 2000, skill=1.5, other=1.5, clusters=20)
        for grouped in alarms:
            use = (
                paired
                if grouped
                else Paired(
                    paired.task,
                    paired.truth,
                    paired.classes,
                    paired.candidate,
                    paired.baseline,
                    None,
                    0,
                    pl.DataFrame(),
                )
            )
            low, high = Subset(use).measure(metric).difference.bounds(0.95)
            alarms[grouped] += not low <= 0 <= high
    assert alarms[True] <= 14
    assert alarms[False] >= 40


def test_joint_counts_are_mergeable_and_equal_by_either_path():
    paired = multiclass(np.random.default_rng(0), 500)
    arguments = (paired.truth, paired.candidate.labels, paired.baseline.labels)
    whole = Joint.count(*arguments, 4)
    parts = [
        Joint.count(*(values[half] for values in arguments), 4) for half in (slice(0, 200), slice(200, None))
    ]
    assert np.array_equal(parts[0].counts + parts[1].counts, whole.counts)


def test_many_classes_take_the_sparse_path_to_the_same_numbers(monkeypatch):
    paired = multiclass(np.random.default_rng(1), 500)
    metrics = [case.metric for case in MULTICLASS if case.metric.family == "cells"]
    dense = [Subset(paired).measure(metric).difference for metric in metrics]
    monkeypatch.setattr(joint, "DENSE_CELLS", 0)
    sparse = [Subset(paired).measure(metric).difference for metric in metrics]
    for one, two in zip(dense, sparse, strict=True):
        assert (one.estimate, one.error) == pytest.approx((two.estimate, two.error))


def test_no_disagreement_is_not_certainty():
    rng = np.random.default_rng(0)
    truth = (rng.random(50) < 0.5).astype(np.int64)
    labels = truth.copy()
    labels[:5] = 1 - labels[:5]
    both = [Output(labels, None), Output(labels.copy(), None)]
    found = Subset(Paired("binary", truth, ("0", "1"), *both, None, 0, pl.DataFrame())).measure(
        catalog.find("accuracy", "binary")
    )
    assert found.identical
    assert 0.02 < found.difference.half_width(0.95) < 0.08


def test_two_perfect_rankings_that_differ_keep_a_width():
    truth = np.array([0] * 30 + [1] * 15)
    one, two = np.linspace(0, 1, 45), np.linspace(0, 1, 45) ** 2
    paired = Paired(
        "binary", truth, ("0", "1"), Output(None, one), Output(None, two), None, 0, pl.DataFrame()
    )
    low, high = Subset(paired).measure(catalog.find("roc_auc", "binary")).difference.bounds(0.95)
    assert low == pytest.approx(-high)
    assert high == pytest.approx(-np.log(0.025) / 15)
