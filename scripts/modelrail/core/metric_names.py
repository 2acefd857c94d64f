"""What people call a metric elsewhere, and a line on each for the reference.

The metrics stand in metrics/catalog.py. Plain data: reading modelrail.yaml needs no numpy.
"""

from __future__ import annotations

OTHER_NAMES = {
    "acc": "accuracy",
    "accuracy_score": "accuracy",
    "ap": "average_precision",
    "auc": "roc_auc",
    "auprc": "average_precision",
    "auroc": "roc_auc",
    "average_precision_score": "average_precision",
    "brier_score": "brier",
    "brier_score_loss": "brier",
    "cross_entropy": "log_loss",
    "f1_score": "f1",
    "logloss": "log_loss",
    "mean_absolute_error": "mae",
    "mean_squared_error": "rmse",
    "mse": "rmse",
    "neg_log_loss": "log_loss",
    "pr_auc": "average_precision",
    "precision_score": "precision",
    "r2_score": "r2",
    "recall_score": "recall",
    "roc_auc_score": "roc_auc",
    "root_mean_squared_error": "rmse",
    "sensitivity": "recall",
    "tpr": "recall",
}
"""Hints, not synonyms: one name for one thing in every record."""

MEANING = {
    "accuracy": "share of the rows that are predicted right",
    "balanced_accuracy": "mean over the classes of the share predicted right",
    "precision": "share of the predicted positives that are positive",
    "recall": "share of the positives that are predicted positive",
    "f1": "harmonic mean of precision and recall; with several classes their mean",
    "roc_auc": "chance that a positive row is scored above a negative one",
    "average_precision": "precision averaged over the steps of recall",
    "log_loss": "mean negative logarithm of the probability given to the true class",
    "brier": "mean squared distance of the probability from what happened",
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "r2": "share of the label's variance that is explained",
}
