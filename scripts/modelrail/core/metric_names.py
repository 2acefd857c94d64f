"""The metrics by name: for which task, in which direction, over which range, with which parameters.

Plain data, so that reading modelrail.yaml needs no numpy; core/metrics.py computes what is named here.
"""

from __future__ import annotations

from typing import NamedTuple

INFINITY = float("inf")


class Parameter(NamedTuple):
    """A number between `low` and `high`, ends excluded."""

    low: float
    high: float
    help: str


class MetricInfo(NamedTuple):
    title: str  # as people read it
    help: str
    tasks: tuple[str, ...]
    higher_is_better: bool
    low: float = 0.0
    high: float = 1.0
    scores: bool = False  # needs the predictor's scores, not its labels alone
    params: dict[str, Parameter] = {}  # noqa: RUF012 - never changed


_BOTH = ("binary", "multiclass")
_BINARY = ("binary",)
_REGRESSION = ("regression",)
_AT_PRECISION = Parameter(0, 1, "the best recall at which precision is at least this")
_AT_RECALL = Parameter(0, 1, "the best precision at which recall is at least this")

METRICS: dict[str, MetricInfo] = {
    "accuracy": MetricInfo("accuracy", "share of rows predicted right", _BOTH, True),
    "balanced_accuracy": MetricInfo("balanced accuracy", "mean of the recalls of the classes", _BOTH, True),
    "precision": MetricInfo(
        "precision", "share of predicted positives that are positive; several classes: their mean", _BOTH, True,
        params={"at_recall": _AT_RECALL},
    ),
    "recall": MetricInfo(
        "recall", "share of positives that are predicted positive; several classes: their mean", _BOTH, True,
        params={"at_precision": _AT_PRECISION},
    ),
    "f1": MetricInfo("F1", "harmonic mean of precision and recall; several classes: their mean", _BOTH, True),
    "roc_auc": MetricInfo("ROC AUC", "chance that a positive is scored above a negative", _BINARY, True, scores=True),
    "average_precision": MetricInfo(
        "average precision", "precision averaged over the steps of recall", _BINARY, True, scores=True
    ),
    "log_loss": MetricInfo(
        "log loss", "mean negative log-likelihood of the scores", _BOTH, False, high=INFINITY, scores=True
    ),
    "brier": MetricInfo(
        "Brier score", "mean squared distance of the scores from the outcome", _BOTH, False, high=2.0, scores=True
    ),
    "mae": MetricInfo("MAE", "mean absolute error", _REGRESSION, False, high=INFINITY),
    "rmse": MetricInfo("RMSE", "root of the mean squared error", _REGRESSION, False, high=INFINITY),
    "r2": MetricInfo("R²", "share of the variance that is explained", _REGRESSION, True, low=-INFINITY),
}  # fmt: skip

PARAMETER_TASKS = _BINARY
"""Parameters choose a point on one curve of scores: binary tasks only, and the scores are needed."""

OTHER_NAMES = {
    "acc": "accuracy", "accuracy_score": "accuracy", "ap": "average_precision", "auc": "roc_auc", "auroc": "roc_auc",
    "auprc": "average_precision", "average_precision_score": "average_precision", "brier_score": "brier",
    "brier_score_loss": "brier", "cross_entropy": "log_loss", "f1_score": "f1", "logloss": "log_loss",
    "mean_absolute_error": "mae", "mean_squared_error": "rmse", "mse": "rmse", "neg_log_loss": "log_loss",
    "pr_auc": "average_precision", "precision_score": "precision", "r2_score": "r2", "recall_score": "recall",
    "roc_auc_score": "roc_auc", "root_mean_squared_error": "rmse", "sensitivity": "recall", "tpr": "recall",
}  # fmt: skip
"""What people call them elsewhere: hints, not synonyms."""


def for_task(task: str) -> tuple[str, ...]:
    return tuple(name for name, info in METRICS.items() if task in info.tasks)
