"""Every metric of the catalog with parameters to test it by, and what scikit-learn says of the same rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import metrics as sk

from modelrail.core.metrics import catalog, functions
from modelrail.core.metrics.estimate import View
from modelrail.core.rows.joint import Joint

CLASSES = ("a", "b", "c")


@dataclass(frozen=True)
class Rows:
    """Truth, scores or values, labels and weights of one draw."""

    truth: Any
    output: Any
    labels: Any
    weights: Any
    columns: dict[str, Any] = field(default_factory=dict)
    queries: Any = None


@dataclass(frozen=True)
class Case:
    name: str
    task: str
    peer: Callable[[Rows], float | None]  # with weights; None: not defined there
    params: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.task, self.name, *(f"{key}={value}" for key, value in self.params.items())])

    @property
    def metric(self) -> catalog.Metric:
        found = catalog.bind(self.name, self.task, self.params)
        assert found is not None, str(self)
        return found


def estimate(metric: catalog.Metric, rows: Rows, weights: Any = None) -> Any:
    weights = None if weights is None else np.asarray(weights) / np.mean(weights)
    if metric.family == "rows":
        by_labels = metric.tasks == ("multilabel",) and metric.needs == "labels"
        output = rows.labels if by_labels else rows.output
        view = View(rows.truth, output, weights, rows.columns, rows.queries)
        return functions.of_rows(metric, CLASSES)(view)
    labels = rows.labels if metric.threshold is None else (rows.output >= metric.threshold).astype(int)
    classes = ("0", "1") if metric.tasks == ("binary",) else CLASSES
    joint = Joint.count(rows.truth, labels, labels, len(classes), weights)
    return functions.of_cells(metric, classes)(joint.confusion(joint.candidate))


def by_labels(function: Callable[..., float], **options: Any) -> Callable[[Rows], float]:
    return lambda r: function(r.truth, r.labels, sample_weight=r.weights, **options)


def at(threshold: float, function: Callable[..., float]) -> Callable[[Rows], float]:
    return lambda r: function(r.truth, (r.output >= threshold).astype(int), sample_weight=r.weights)


def by_output(function: Callable[..., float], **options: Any) -> Callable[[Rows], float]:
    return lambda r: function(r.truth, r.output, sample_weight=r.weights, **options)


def one_class(function: Callable[..., Any], code: int) -> Callable[[Rows], float]:
    return lambda r: function(
        r.truth, r.labels, labels=[code], average=None, sample_weight=r.weights, zero_division=0
    )[0]


def mean(loss: Callable[[Rows], Any]) -> Callable[[Rows], float]:
    return lambda r: float(np.average(loss(r), weights=r.weights))


def cost(matrix: Any) -> Callable[[Rows], float]:
    return mean(lambda r: np.asarray(matrix)[r.truth, r.labels])


def ece(r: Rows) -> float:
    """Bin by bin, as the papers write it."""
    score, truth = r.output, r.truth
    if score.ndim == 2:
        score, truth = score.max(axis=1), score.argmax(axis=1) == truth
    total = 0.0
    for low in np.arange(10) / 10:
        inside = (score >= low) & ((score < low + 0.1) | ((low > 0.85) & (score == 1)))
        if r.weights[inside].sum():
            gap = np.average(score[inside], weights=r.weights[inside]) - np.average(
                truth[inside], weights=r.weights[inside]
            )
            total += r.weights[inside].sum() * abs(gap)
    return float(total / r.weights.sum())


def recall_at(r: Rows) -> float:
    precision, recall, _ = sk.precision_recall_curve(r.truth, r.output, sample_weight=r.weights)
    return float(max((recall[:-1][precision[:-1] >= 0.6 - 1e-12]), default=0.0))


def top(r: Rows) -> float | None:
    """The best fifth by weight, cut at rows; only where no tie and no half row stands at the edge."""
    order = np.argsort(-r.output, kind="stable")
    inside = np.cumsum(r.weights[order]) / r.weights.sum()
    edge = np.flatnonzero(np.abs(inside - 0.2) < 1e-9)
    if not edge.size or (
        edge[0] + 1 < order.size and r.output[order[edge[0]]] == r.output[order[edge[0] + 1]]
    ):
        return None
    chosen = order[: edge[0] + 1]
    return float(np.average(r.truth[chosen], weights=r.weights[chosen]))


def lifted(r: Rows) -> float | None:
    found = top(r)
    return None if found is None else found / float(np.average(r.truth, weights=r.weights))


def per_list(value: Callable[[Any, Any], float]) -> Callable[[Rows], float]:
    """The mean over lists that hold a relevant row; a list weighs the mean of its rows."""

    def found(r: Rows) -> float:
        values, weights = [], []
        for query in np.unique(r.queries):
            rows = r.queries == query
            if r.truth[rows].max() > 0:
                values.append(value(r.truth[rows], r.output[rows]))
                weights.append(r.weights[rows].mean())
        return float(np.average(values, weights=weights))

    return found


def ranked(truth: Any, score: Any) -> Any:
    return truth[np.lexsort((truth, -score))] > 0


def list_ap(truth: Any, score: Any) -> float:
    hits = ranked(truth, score)
    return float(sum(hits[: i + 1].mean() for i in range(min(3, hits.size)) if hits[i]) / min(3, hits.sum()))


def roc_of_classes(average: str) -> Callable[[Rows], float]:
    return lambda r: sk.roc_auc_score(
        r.truth, r.output, multi_class="ovr", average=average, sample_weight=r.weights, labels=[0, 1, 2]
    )


MEANS = ("macro", "micro", "weighted")
POSITIVE: dict[str, Any] = {"zero_division": 0}
CASES: tuple[Case, ...] = (
    Case("accuracy", "binary", by_labels(sk.accuracy_score)),
    Case("accuracy", "binary", at(0.4, sk.accuracy_score), {"threshold": 0.4}),
    Case("accuracy", "multiclass", by_labels(sk.accuracy_score)),
    Case("balanced_accuracy", "binary", by_labels(sk.balanced_accuracy_score)),
    Case("balanced_accuracy", "multiclass", by_labels(sk.balanced_accuracy_score)),
    Case("precision", "binary", by_labels(sk.precision_score, **POSITIVE)),
    Case("recall", "binary", by_labels(sk.recall_score)),
    Case("recall", "binary", at(0.7, sk.recall_score), {"threshold": 0.7}),
    Case("recall", "binary", recall_at, {"at_precision": 0.6}),
    Case("specificity", "binary", by_labels(sk.recall_score, pos_label=0)),
    Case("f1", "binary", by_labels(sk.f1_score, **POSITIVE)),
    Case("f_beta", "binary", by_labels(sk.fbeta_score, beta=2, **POSITIVE), {"beta": 2.0}),
    *(
        Case(name, "multiclass", by_labels(function, average=average, zero_division=0), {"average": average})
        for name, function in (
            ("precision", sk.precision_score),
            ("recall", sk.recall_score),
            ("f1", sk.f1_score),
        )
        for average in MEANS
    ),
    Case("precision", "multiclass", one_class(sk.precision_score, 1), {"class": "b"}),
    Case("recall", "multiclass", one_class(sk.recall_score, 2), {"class": "c"}),
    Case(
        "f_beta",
        "multiclass",
        by_labels(sk.fbeta_score, beta=0.5, average="weighted", zero_division=0),
        {"beta": 0.5, "average": "weighted"},
    ),
    Case("mcc", "binary", by_labels(sk.matthews_corrcoef)),
    Case("mcc", "multiclass", by_labels(sk.matthews_corrcoef)),
    Case("kappa", "binary", by_labels(sk.cohen_kappa_score)),
    Case("kappa", "multiclass", by_labels(sk.cohen_kappa_score)),
    Case("expected_cost", "binary", cost([[0, 2], [7, 0]]), {"false_positive": 2.0, "false_negative": 7.0}),
    Case(
        "expected_cost",
        "multiclass",
        cost([[0, 5, 1], [1, 0, 1], [0.5, 1, 0]]),
        {"costs": {"a>b": 5.0, "c>a": 0.5}},
    ),
    Case("roc_auc", "binary", by_output(sk.roc_auc_score)),
    Case("roc_auc", "multiclass", roc_of_classes("macro")),
    Case("roc_auc", "multiclass", roc_of_classes("weighted"), {"average": "weighted"}),
    Case("average_precision", "binary", by_output(sk.average_precision_score)),
    Case("precision_at_k", "binary", top, {"k": 0.2}),
    Case("lift", "binary", lifted, {"k": 0.2}),
    Case("log_loss", "binary", by_output(sk.log_loss, labels=[0, 1])),
    Case("log_loss", "multiclass", by_output(sk.log_loss, labels=[0, 1, 2])),
    Case("brier", "binary", by_output(sk.brier_score_loss)),
    Case("brier", "multiclass", mean(lambda r: ((r.output - np.eye(3)[r.truth]) ** 2).sum(axis=1))),
    Case("calibration_error", "binary", ece),
    Case("calibration_error", "multiclass", ece),
    Case("top_k_accuracy", "multiclass", by_output(sk.top_k_accuracy_score, k=2, labels=[0, 1, 2]), {"k": 2}),
    Case("mae", "regression", by_output(sk.mean_absolute_error)),
    Case("mse", "regression", by_output(sk.mean_squared_error)),
    Case("rmse", "regression", by_output(sk.root_mean_squared_error)),
    Case("r2", "regression", by_output(sk.r2_score)),
    Case("mape", "regression", by_output(sk.mean_absolute_percentage_error)),
    Case(
        "smape",
        "regression",
        mean(lambda r: 2 * np.abs(r.truth - r.output) / (np.abs(r.truth) + np.abs(r.output))),
    ),
    Case(
        "wape",
        "regression",
        lambda r: float(
            (r.weights * np.abs(r.truth - r.output)).sum() / (r.weights * np.abs(r.truth)).sum()
        ),
    ),
    Case(
        "mase",
        "regression",
        mean(lambda r: np.abs(r.truth - r.output) / r.columns["naive"]),
        {"scale": "naive"},
    ),
    Case("pinball", "regression", by_output(sk.mean_pinball_loss, alpha=0.9), {"quantile": 0.9}),
    Case("poisson_deviance", "regression", by_output(sk.mean_poisson_deviance)),
    Case("gamma_deviance", "regression", by_output(sk.mean_gamma_deviance)),
    Case("median_ae", "regression", by_output(sk.median_absolute_error)),
    Case("max_error", "regression", lambda r: sk.max_error(r.truth, r.output)),
    Case(
        "interval_coverage",
        "regression",
        mean(lambda r: (r.columns["lower"] <= r.truth) & (r.truth <= r.columns["upper"])),
    ),
    Case("interval_width", "regression", mean(lambda r: r.columns["upper"] - r.columns["lower"])),
    Case(
        "interval_score",
        "regression",
        # The interval score is a sum of two pinball losses: a formula that shares no line with ours.
        lambda r: sum(
            sk.mean_pinball_loss(r.truth, r.columns[name], alpha=alpha, sample_weight=r.weights) * 2 / 0.2
            for name, alpha in (("lower", 0.1), ("upper", 0.9))
        ),
        {"coverage": 0.8},
    ),
    Case("ndcg", "ranking", per_list(lambda t, s: sk.ndcg_score([t], [s], k=3)), {"k": 3}),
    Case("map", "ranking", per_list(list_ap), {"k": 3}),
    Case("mrr", "ranking", per_list(lambda t, s: 1 / (1 + int(np.argmax(ranked(t, s)))))),
    Case(
        "recall", "ranking", per_list(lambda t, s: ranked(t, s)[:3].sum() / (t > 0).sum()), {"k": 3}
    ),
)  # fmt: skip


# --- several labels a row --------------------------------------------------------------------------------


def of_labels(function: Callable[..., Any], **options: Any) -> Callable[[Rows], float]:
    return lambda r: function(r.truth, r.labels, sample_weight=r.weights, **options)


def of_label(function: Callable[..., Any], code: int) -> Callable[[Rows], float]:
    return lambda r: function(r.truth[:, code], r.labels[:, code], sample_weight=r.weights, zero_division=0)


def of_curves(function: Callable[..., Any], average: str) -> Callable[[Rows], float]:
    return lambda r: function(r.truth, r.output, average=average, sample_weight=r.weights)


MULTILABEL: tuple[Case, ...] = (
    Case("accuracy", "multilabel", of_labels(sk.accuracy_score)),
    Case("hamming_loss", "multilabel", of_labels(sk.hamming_loss)),
    *(
        Case(name, "multilabel", of_labels(function, average=average, zero_division=0), {"average": average})
        for name, function in (
            ("precision", sk.precision_score),
            ("recall", sk.recall_score),
            ("f1", sk.f1_score),
            ("jaccard", sk.jaccard_score),
        )
        for average in (*MEANS, "samples")
    ),
    Case(
        "f_beta",
        "multilabel",
        of_labels(sk.fbeta_score, beta=2, average="macro", zero_division=0),
        {"beta": 2.0},
    ),
    Case("f1", "multilabel", of_label(sk.f1_score, 1), {"class": "b"}),
    Case("precision", "multilabel", of_label(sk.precision_score, 2), {"class": "c"}),
    Case("jaccard", "multilabel", of_label(sk.jaccard_score, 0), {"class": "a"}),
    *(
        Case(name, "multilabel", of_curves(function, average), {"average": average})
        for name, function in (
            ("roc_auc", sk.roc_auc_score),
            ("average_precision", sk.average_precision_score),
        )
        for average in MEANS
    ),
    Case(
        "roc_auc",
        "multilabel",
        lambda r: sk.roc_auc_score(r.truth[:, 1], r.output[:, 1], sample_weight=r.weights),
        {"class": "b"},
    ),
)
CASES = (*CASES, *MULTILABEL)


def drawn(task: str, seed: int, n: int, *, tied: bool = True) -> Rows:
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 5, n).astype(float)
    if task == "regression":
        truth = rng.gamma(2.0, 1.0, n) + 0.05
        output = truth * np.exp(0.5 * rng.normal(size=n))
        spread = rng.gamma(2.0, 0.3, n)
        columns = {"naive": rng.gamma(3.0, 1.0, n) + 0.1, "lower": output - spread, "upper": output + spread}
        return Rows(truth, output, None, weights, columns)
    if task == "ranking":
        queries = np.sort(rng.integers(0, max(2, n // 6), n))
        _, queries = np.unique(queries, return_inverse=True)
        # Lists of two rows at least: scikit-learn ranks no single row.
        single = np.isin(queries, np.flatnonzero(np.bincount(queries) < 2))
        longest = np.bincount(queries).argmax()
        queries = np.unique(np.where(single, longest, queries), return_inverse=True)[1]
        truth = rng.integers(0, 3, n).astype(float)
        truth[0] = 1
        return Rows(truth, np.round(rng.random(n), 1 if tied else 9), None, weights, {}, queries)
    if task == "multilabel":
        truth = (rng.random((n, 3)) < (0.5, 0.3, 0.2)).astype(np.int8)
        truth[:2] = ((0, 0, 0), (1, 1, 1))
        output = np.clip(0.3 * truth + 0.7 * rng.random((n, 3)), 0, 1)
        return Rows(truth, np.round(output, 1 if tied else 9), (output > 0.5).astype(np.int8), weights)
    if task == "multiclass":
        truth = np.concatenate(([0, 1, 2], rng.integers(0, 3, n - 3)))
        raw = rng.random((n, 3)) + 0.01 + 0.4 * np.eye(3)[truth]
        return Rows(truth, raw / raw.sum(axis=1, keepdims=True), rng.integers(0, 3, n), weights)
    truth = (rng.random(n) < rng.random()).astype(np.int64)
    truth[:2] = (0, 1)
    output = rng.integers(0, 8, n) / 8 if tied and rng.random() < 0.5 else rng.random(n)
    labels = (output > 0.5).astype(np.int64)
    labels[0] = 1
    return Rows(truth, output, labels, weights)


def quiet(function: Callable[[Rows], Any], rows: Rows) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(rows)
