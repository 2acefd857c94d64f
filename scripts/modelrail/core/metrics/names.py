"""What people call a metric elsewhere, and a line on each for the reference.

The metrics stand in catalog.py. No numpy: reading modelrail.yaml and the report need this.
"""

from __future__ import annotations

from collections.abc import Iterable

OTHER_NAMES = {
    "acc": "accuracy",
    "exact_match": "accuracy",
    "hamming": "hamming_loss",
    "jaccard_score": "jaccard",
    "subset_accuracy": "accuracy",
    "accuracy_score": "accuracy",
    "ap": "average_precision",
    "auc": "roc_auc",
    "auprc": "average_precision",
    "auroc": "roc_auc",
    "average_precision_score": "average_precision",
    "brier_score": "brier",
    "brier_score_loss": "brier",
    "cohen_kappa": "kappa",
    "cohen_kappa_score": "kappa",
    "cost": "expected_cost",
    "coverage": "interval_coverage",
    "cross_entropy": "log_loss",
    "ece": "calibration_error",
    "expected_calibration_error": "calibration_error",
    "f1_score": "f1",
    "f2": "f_beta",
    "fbeta": "f_beta",
    "fbeta_score": "f_beta",
    "logloss": "log_loss",
    "matthews_corrcoef": "mcc",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_pinball_loss": "pinball",
    "mean_squared_error": "mse",
    "median_absolute_error": "median_ae",
    "neg_log_loss": "log_loss",
    "pr_auc": "average_precision",
    "precision_score": "precision",
    "quantile_loss": "pinball",
    "r2_score": "r2",
    "recall_score": "recall",
    "roc_auc_score": "roc_auc",
    "root_mean_squared_error": "rmse",
    "sensitivity": "recall",
    "tnr": "specificity",
    "top_k": "top_k_accuracy",
    "tpr": "recall",
    "wmape": "wape",
}
"""Hints, not synonyms: one name for one thing in every record."""

MEANING = {
    "accuracy": "share of the rows that are predicted right; multilabel: with all their labels",
    "hamming_loss": "share of wrong cells, rows by labels",
    "jaccard": "right labels over those that are true or predicted",
    "balanced_accuracy": "mean over the classes of the share predicted right",
    "precision": "share of the predicted positives that are positive; several classes: their mean",
    "recall": "share of the positives that are predicted positive; several classes: their mean; ranking:"
    " share of the relevant rows among the first k",
    "specificity": "share of the negatives that are predicted negative",
    "f1": "harmonic mean of precision and recall; with several classes their mean",
    "f_beta": "the same with recall weighing `beta` times as much",
    "mcc": "correlation of truth and prediction",
    "kappa": "agreement beyond chance",
    "expected_cost": "mean cost of a row under the costs of errors",
    "roc_auc": "chance that a positive row is scored above a negative one; several classes: each against"
    " the rest",
    "average_precision": "precision averaged over the steps of recall",
    "precision_at_k": "share of positives among the k rows of the highest scores",
    "lift": "that over the share of positives among all rows",
    "log_loss": "mean negative logarithm of the probability given to the true class",
    "brier": "mean squared distance of the probability from what happened",
    "calibration_error": "mean distance of score and share of positives over bins of the score",
    "top_k_accuracy": "share of rows whose class is among the k most probable",
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "rmse": "root of the mean squared error",
    "r2": "share of the label's variance that is explained",
    "mape": "mean absolute error in shares of the target",
    "smape": "mean of 2 |error| / (|target| + |prediction|)",
    "wape": "sum of absolute errors over the sum of absolute targets",
    "mase": "mean absolute error in units of a naive forecast's",
    "pinball": "quantile loss",
    "poisson_deviance": "mean deviance of counts",
    "gamma_deviance": "mean deviance of positive amounts",
    "median_ae": "median absolute error",
    "max_error": "largest absolute error; it has no interval: gates take `min` or `max` alone",
    "interval_coverage": "share of rows inside the columns `lower` to `upper`",
    "interval_width": "mean of `upper` - `lower`",
    "interval_score": "width and misses of predicted intervals in one proper score",
    "ndcg": "discounted gain of the first k rows of a list over the best possible",
    "map": "mean precision at the relevant rows among the first k of a list",
    "mrr": "mean of 1 / place of the first relevant row of a list",
}


def spoken(title: str, parameters: Iterable[tuple[str, str]]) -> str:
    """A metric's title with its parameters as people say it: `weighted F1`, `recall at precision 0.6`.

    What has no phrase of its own stands behind the title, in brackets.
    """
    left = []
    for key, value in parameters:
        if key == "average":
            title = title if title.startswith(f"{value} ") else f"{value} {title.removeprefix('macro ')}"
        elif key == "class":
            title = f"{title.removeprefix('macro ')} of {value}"
        elif key == "at_precision":
            title = f"{title.removesuffix(' at precision')} at precision {value}"
        elif key == "beta":
            title = title.replace("F-beta", f"F{value}")
        elif key == "k":
            title = _of_first(title, value)
        else:
            left.append(f"{key}={value}")
    return f"{title} ({', '.join(left)})" if left else title


def _of_first(title: str, k: str) -> str:
    """`k` below 1 is a share of the rows."""
    for form, said in (("top-k", f"top-{k}"), ("top k", f"top {_share(k)}")):
        if form in title:
            return title.replace(form, said)
    return f"{title.removesuffix('@k')}@{k}"


def _share(k: str) -> str:
    try:
        number = float(k)
    except ValueError:
        return k
    return f"{number * 100:g}%" if 0 < number < 1 else k
