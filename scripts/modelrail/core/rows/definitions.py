"""Whether two models answer the same question: the same label, with the same positive class."""

from __future__ import annotations

import polars as pl

from modelrail.config import resolved as config
from modelrail.core.rows import label_names
from modelrail.errors import ComparisonError


def same_question(ours: config.Model, theirs: config.Model, labels: pl.Series) -> None:
    """Raises ComparisonError where the baseline's own configuration defines the label otherwise."""
    for what, one, two in (
        ("a task of the kind", ours.task, theirs.task),
        ("the target", ours.data.target, theirs.data.target),
        ("the separator", ours.data.separator, theirs.data.separator),
        ("the positive class", _positive(ours, labels), _positive(theirs, labels)),
    ):
        if one != two:
            raise ComparisonError(
                f"It was made for {what} {two!r}, the candidate for {one!r}: these are different questions.",
                next="Give the new question a model name of its own, or keep the old definition.",
            )


def _positive(model: config.Model, labels: pl.Series) -> str:
    if model.task != "binary":
        return ""
    return label_names.positive(model.positive, label_names.of(labels.drop_nulls().unique()).to_list()) or ""
