"""What each metric is: one entry a metric and task. A new metric is one entry here and one function.

This module imports no numpy: the configuration check and the report read it too. `function` names the point
estimate with its influence function (`module:name` below `modelrail.core.metrics`); everything else (paired
intervals, clusters, slices, relative margins) follows from the influence values and is written once, in
`core/inference`.

Two families, by what the function takes:

* `cells`: a function of the confusion matrix. Rows collapse to at most K x K x K joint cells (truth,
  candidate, baseline), eight for a binary task, whatever the number of rows.
* `rows`: a function of truth and score (or value) row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["binary", "multiclass", "regression"]
Needs = Literal["labels", "scores", "probabilities", "values"]

CELLS_PAPER = (
    "Agresti & Min 2005, Stat. Med. 24:729-740; Bonett & Price 2012, J. Educ. Behav. Stat. 37:479-488"
)
MEANS_PAPER = (
    "Student 1908, Biometrika 6:1-25; degrees of freedom by Satterthwaite 1946, Biometrics 2:110-114"
)
DELONG_PAPER = (
    "DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837-845; Sun & Xu 2014, IEEE SPL 21:1389-1393"
)
INFLUENCE_PAPER = (
    "Hampel 1974, JASA 69:383-393; Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans"
)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric for one or more tasks."""

    name: str
    title: str  # as people read it
    tasks: tuple[Task, ...]
    higher_is_better: bool
    low: float | None  # range of the value; None: unbounded
    high: float | None
    needs: Needs
    family: Literal["cells", "rows"]
    function: str
    method: str  # of the interval of the paired difference; short name, as the records show it
    paper: str
    points: bool = False  # differences read as percentage points
    rests_on: str = "rows"  # what `support` counts: "positive rows", "rows of the rarest class", ...

    @property
    def span(self) -> float | None:
        """Width of the range; None when unbounded."""
        return None if self.low is None or self.high is None else self.high - self.low


def _cells(name: str, title: str, *tasks: Task, function: str, rests_on: str = "rows") -> Metric:
    return Metric(
        name=name,
        title=title,
        tasks=tasks,
        higher_is_better=True,
        low=0.0,
        high=1.0,
        needs="labels",
        family="cells",
        function=f"confusion:{function}",
        method="joint-cells-delta",
        paper=CELLS_PAPER,
        points=True,
        rests_on=rests_on,
    )


METRICS: tuple[Metric, ...] = (
    _cells("accuracy", "accuracy", "binary", "multiclass", function="accuracy"),
    _cells(
        "balanced_accuracy",
        "balanced accuracy",
        "binary",
        "multiclass",
        function="balanced_accuracy",
        rests_on="rows of the rarest class",
    ),
    _cells("precision", "precision", "binary", function="precision", rests_on="rows predicted positive"),
    _cells(
        "precision",
        "macro precision",
        "multiclass",
        function="macro_precision",
        rests_on="rows of the rarest class",
    ),
    _cells("recall", "recall", "binary", function="recall", rests_on="positive rows"),
    _cells(
        "recall", "macro recall", "multiclass", function="macro_recall", rests_on="rows of the rarest class"
    ),
    _cells("f1", "F1", "binary", function="f1", rests_on="positive rows"),
    _cells("f1", "macro F1", "multiclass", function="macro_f1", rests_on="rows of the rarest class"),
    Metric(
        name="roc_auc",
        title="ROC AUC",
        tasks=("binary",),
        higher_is_better=True,
        low=0.0,
        high=1.0,
        needs="scores",
        family="rows",
        function="ranking:roc_auc",
        method="delong",
        paper=DELONG_PAPER,
        rests_on="rows of the rarer class",
    ),
    Metric(
        name="average_precision",
        title="average precision",
        tasks=("binary",),
        higher_is_better=True,
        low=0.0,
        high=1.0,
        needs="scores",
        family="rows",
        function="ranking:average_precision",
        method="influence-function",
        paper=INFLUENCE_PAPER,
        rests_on="rows of the rarer class",
    ),
    Metric(
        name="log_loss",
        title="log loss",
        tasks=("binary", "multiclass"),
        higher_is_better=False,
        low=0.0,
        high=None,
        needs="probabilities",
        family="rows",
        function="losses:log_loss",
        method="paired-t",
        paper=MEANS_PAPER,
    ),
    Metric(
        name="brier",
        title="Brier score",
        tasks=("binary",),
        higher_is_better=False,
        low=0.0,
        high=1.0,
        needs="probabilities",
        family="rows",
        function="losses:brier",
        method="paired-t",
        paper=MEANS_PAPER,
    ),
    Metric(
        name="brier",
        title="Brier score",
        tasks=("multiclass",),
        higher_is_better=False,
        low=0.0,
        high=2.0,
        needs="probabilities",
        family="rows",
        function="losses:brier",
        method="paired-t",
        paper=MEANS_PAPER,
    ),
    Metric(
        name="mae",
        title="mean absolute error",
        tasks=("regression",),
        higher_is_better=False,
        low=0.0,
        high=None,
        needs="values",
        family="rows",
        function="losses:mae",
        method="paired-t",
        paper=MEANS_PAPER,
    ),
    Metric(
        name="rmse",
        title="RMSE",
        tasks=("regression",),
        higher_is_better=False,
        low=0.0,
        high=None,
        needs="values",
        family="rows",
        function="losses:rmse",
        method="paired-moments-delta",
        paper=INFLUENCE_PAPER,
    ),
    Metric(
        name="r2",
        title="R²",
        tasks=("regression",),
        higher_is_better=True,
        low=None,
        high=1.0,
        needs="values",
        family="rows",
        function="losses:r2",
        method="influence-function",
        paper=INFLUENCE_PAPER,
    ),
)

_BY_NAME: dict[tuple[str, str], Metric] = {
    (metric.name, task): metric for metric in METRICS for task in metric.tasks
}


def find(name: str, task: str) -> Metric | None:
    """The metric of this name for this task."""
    return _BY_NAME.get((name, task))


def names(task: str | None = None) -> tuple[str, ...]:
    """The names that a task knows, in the catalog's order; all names without a task."""
    return tuple(dict.fromkeys(metric.name for metric in METRICS if task is None or task in metric.tasks))
