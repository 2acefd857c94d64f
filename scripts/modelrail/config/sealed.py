"""What does not go with a sealed test set: code where it is read, and trust in a stranger's word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from modelrail.config import resolved as config
from modelrail.config.fields import Fields

FORMATS = (".onnx", ".skops")  # that the built-in predictors read without running what is in the file


def check(model: Fields, metrics: Iterable[config.Metric], checks: Iterable[config.Check]) -> None:
    """Note a fault for each part of the model that the sealed job could not honour."""
    if model.choice("task") == "multilabel":
        model.fault(
            "task", "multilabel does not fit a sealed test set.", "Its labels are read from one column."
        )
    name = model.path_text("model") or ""
    if name and PurePosixPath(name).suffix.lower() not in FORMATS:
        model.fault(
            "model",
            f"{PurePosixPath(name).name} does not fit a sealed test set.",
            "Only .onnx and .skops files are scored there: they hold no code.",
        )
    for key in ("predict", "allow_pickle", "slice_search"):
        if key in model:
            model.fault(key, "this does not fit a sealed test set.", "Leave it out; see docs/sealed.md.")
    for metric in metrics:
        if {"function", "reported"} & set(metric.params):
            model.fault(
                "metrics",
                f"{metric.name} does not fit a sealed test set: it comes from code of the project.",
                "Take a metric that modelrail itself measures.",
            )
    for one in checks:
        model.faults.add(
            one.path,
            f"{one.kind} does not fit a sealed test set.",
            "The job that has the test rows has no training rows to compare them with.",
            model.line_of("gates"),
        )
