"""Truth, candidate and baseline as arrays of one row order; what cannot be paired is refused.

Tables come in as polars frames, by column; from here on only numpy arrays travel, and nothing is an object
a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl

from modelrail.config import resolved as config
from modelrail.core.inference.contrast import Clusters
from modelrail.core.metrics import catalog
from modelrail.core.metrics.estimate import Floats, Ints
from modelrail.core.rows import columns as read_columns
from modelrail.core.rows import grouping, labels, row_order, thresholds
from modelrail.core.rows.output import PREDICTION, Output
from modelrail.core.rows.table_columns import column, finite, named, not_usable

BOUNDS = ("lower", "upper")  # of predicted intervals


@dataclass(frozen=True)
class UserValues:
    """What a function of the user's own gave: a value a model, and each under the resamples."""

    values: tuple[float | None, ...]
    replicates: Floats  # (models, resamples); NaN where there is no value
    note: str = ""  # why a value is None


class Rows(Protocol):
    """Some rows of a pairing, as a function of the user's own is given them."""

    @property
    def paired(self) -> Paired: ...

    @property
    def size(self) -> int: ...

    @property
    def weights(self) -> Floats | None: ...

    @property
    def clusters(self) -> Clusters | None: ...

    def take(self, values: Any) -> Any: ...


UserCall = Callable[[catalog.Metric, Rows], UserValues]


@dataclass(frozen=True)
class Paired:
    """All rows of the test set, in its own order."""

    task: catalog.Task
    truth: Ints | Floats  # class codes (binary: 1 is positive), (n, L) labels of 0 and 1, or values
    classes: tuple[str, ...]
    candidate: Output
    baseline: Output | None
    clusters: Ints | None  # codes 0..cluster_count-1
    cluster_count: int
    table: pl.DataFrame  # the columns that slices are made of
    weights: Floats | None = None
    queries: Ints | None = None  # codes of the lists of a ranking task
    columns: Mapping[str, Floats] = field(default_factory=dict)  # of the test table, that metrics read
    seed: int = 0
    reported: Mapping[str, float] = field(default_factory=dict)  # what training wrote
    user: UserCall | None = None  # runs metrics of the user's own

    @property
    def rows(self) -> int:
        return len(self.truth)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (self.candidate,) if self.baseline is None else (self.candidate, self.baseline)

    def decided(self, metric: catalog.Metric, split: int = 0) -> list[Ints]:
        """Each model's labels: its own, or those of its scores at the metric's threshold.

        `split`: of tuned thresholds, which of the ways to halve the rows.
        """
        threshold = metric.threshold
        if threshold is None:
            return [output.labels for output in self.outputs if output.labels is not None]
        scores = [output.scores for output in self.outputs if output.scores is not None]
        if threshold != catalog.TUNED:
            return [thresholds.fixed(one, float(threshold)) for one in scores]
        key = f"{metric.name} {sorted(metric.params.items())} {split}"
        if key not in self._tuned:
            half = thresholds.halves(self.rows, self.clusters, self.cluster_count, self.seed + split)
            truth = self.truth.astype(np.int64)
            self._tuned[key] = [thresholds.tuned(metric, truth, one, self.weights, half) for one in scores]
        return self._tuned[key]

    _tuned: dict[str, list[Ints]] = field(default_factory=dict, repr=False, compare=False)


def pair(
    model: config.Model,
    metrics: Sequence[catalog.Metric],
    truth: pl.DataFrame,
    candidate: pl.DataFrame,
    baseline: pl.DataFrame | None,
    *,
    seed: int = 0,
    reported: Mapping[str, float] | None = None,
    user: UserCall | None = None,
) -> Paired:
    """Bring the tables into one order and coding. Raises ComparisonError naming table, column and metric."""
    key = model.data.key
    keys = row_order.unique(truth, key, "the test set")
    tables = {"the candidate": candidate} | ({} if baseline is None else {"the baseline": baseline})
    ordered = {who: row_order.align(keys, table, key, who) for who, table in tables.items()}
    if model.task == "multilabel":
        coded: Ints | Floats
        coded, classes, outputs = labels.multilabel(model, metrics, truth, ordered)
    elif model.task in {"regression", "ranking"}:
        target = column(truth, model.data.target, "the test set", "every metric")
        coded = finite(target, "the test set", "every metric")
        outputs = {who: _values(table, metrics, who) for who, table in ordered.items()}
        classes = ()
    else:
        target = column(truth, model.data.target, "the test set", "every metric")
        coded, classes, outputs = labels.classification(model, metrics, target, ordered)
    queries = _queries(truth, model)
    sliced = {name for wanted in read_columns.sliced(model) for name in wanted.reads}
    clusters, count = grouping.clusters(truth, model.data, queries)
    named = dict.fromkeys(name for metric in metrics for name in metric.columns)
    return Paired(
        task=model.task,
        truth=coded,
        classes=classes,
        candidate=outputs["the candidate"],
        baseline=outputs.get("the baseline"),
        clusters=clusters,
        cluster_count=count,
        table=truth if key in sliced else truth.drop(key),  # large, and of no more use
        weights=_weights(truth, model.data.weight),
        queries=queries,
        columns={
            name: finite(column(truth, name, "the test set", "a metric"), "the test set", "a metric")
            for name in named
        },
        seed=seed,
        reported=reported or {},
        user=user,
    )


def _values(table: pl.DataFrame, metrics: Sequence[catalog.Metric], who: str) -> Output:
    """Predicted values, and the bounds of predicted intervals where a metric asks for them."""
    said = finite(column(table, PREDICTION, who, named(metrics)), who, named(metrics))
    asking = [metric for metric in metrics if metric.needs == "intervals"]
    names = BOUNDS if asking else ()
    extra = {name: finite(column(table, name, who, named(asking)), who, named(asking)) for name in names}
    if extra and bool((extra["lower"] > extra["upper"]).any()):
        raise not_usable(named(asking), "lower", who, "in some rows it lies above the column 'upper'")
    return Output(None, said, extra)


def _weights(truth: pl.DataFrame, name: str | None) -> Floats | None:
    if name is None:
        return None
    found = finite(column(truth, name, "the test set", "every metric"), "the test set", "every metric")
    if bool((found < 0).any()) or (found.size and not found.sum() > 0):
        raise not_usable(
            "every metric", name, "the test set", "weights are not negative, and some are above 0"
        )
    return found


def _queries(truth: pl.DataFrame, model: config.Model) -> Ints | None:
    if model.task != "ranking":
        return None
    return grouping.codes(column(truth, model.data.query or "", "the test set", "every metric"))
