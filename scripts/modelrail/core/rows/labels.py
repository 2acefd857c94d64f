"""Classes as codes, labels as matrices, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl

from modelrail.config import resolved as config
from modelrail.core import digits
from modelrail.core.inference.contrast import pieces
from modelrail.core.metrics import catalog
from modelrail.core.metrics.estimate import Floats, Ints
from modelrail.core.rows import label_names, label_sets
from modelrail.core.rows.output import PREDICTION, SCORE, Output
from modelrail.core.rows.table_columns import column, finite, named, not_usable
from modelrail.errors import ComparisonError

LOOKED_UP = 1 << 16  # span of integer labels
_ROUNDING = 1e-3  # class probabilities of a row may miss 1 by this much


def classification(
    model: config.Model,
    metrics: Sequence[catalog.Metric],
    target: pl.Series,
    ordered: dict[str, pl.DataFrame],
) -> tuple[Ints, tuple[str, ...], dict[str, Output]]:
    labelled = named([metric for metric in metrics if metric.needs == "labels"]) or "every metric"
    truth = _labels(target, "the test set", "every metric")
    said = {
        who: _labels(column(table, PREDICTION, who, labelled), who, labelled)
        for who, table in ordered.items()
    }
    wanted = [metric for metric in metrics if metric.needs in {"scores", "probabilities"}]
    own = any(metric.family == "user" for metric in metrics)  # it may ask for scores; they need not exist
    extra = pl.Series(
        "classes", [name.partition(":")[2] for table in ordered.values() for name in _per_class(table)]
    )
    if model.task == "binary":
        extra = extra.clear()
    names = pl.concat([*(one.names for one in (truth, *said.values())), extra.cast(pl.String)]).unique()
    classes = tuple(sorted(names.to_list(), key=label_names.natural))
    if model.task == "binary":
        classes = _binary_classes(model, classes, truth, said)
    codes = {name: code for code, name in enumerate(classes)}
    outputs = {}
    for who, table in ordered.items():
        scores = None
        if wanted or (own and (SCORE in table.columns or _per_class(table))):
            read = _score if model.task == "binary" else _probabilities
            scores = read(table, classes, who, named(wanted))
        outputs[who] = Output(said[who].coded(codes), scores)
    return truth.coded(codes), classes, outputs


@dataclass(frozen=True)
class Labels:
    """A column of labels: the values as they stand, and what each distinct one is called."""

    values: pl.Series
    distinct: pl.Series
    names: pl.Series

    def coded(self, codes: dict[str, int]) -> Ints:
        kind = pl.Int8 if len(codes) < 128 else pl.Int32  # a byte a row where it does
        table = [codes[name] for name in self.names.to_list()]
        if self.distinct.dtype.is_integer() and self.distinct.len():
            low, high = int(self.distinct.min()), int(self.distinct.max())  # type: ignore[arg-type]
            if high - low < LOOKED_UP and high < 1 << 63:
                return _looked_up(self.values, self.distinct, np.array(table), low, high)
        found: Ints = self.values.replace_strict(
            self.distinct, pl.Series(table, dtype=kind), return_dtype=kind
        ).to_numpy()
        return found


def _looked_up(values: pl.Series, distinct: pl.Series, table: Ints, low: int, high: int) -> Ints:
    """The codes by a table over the span of the values, a million rows at a time: nothing else is made."""
    kind = np.int8 if table.max() < 127 else np.int32
    by_value = np.zeros(high - low + 1, dtype=kind)
    by_value[distinct.to_numpy().astype(np.int64) - low] = table
    found = np.empty(values.len(), dtype=kind)
    raw = values.to_numpy()
    for part in pieces(raw.size):
        found[part] = by_value[raw[part].astype(np.int64) - low]
    return cast("Ints", found)


def _labels(values: pl.Series, who: str, metric: str) -> Labels:
    """Labels by text, so that 1, 1.0 and "1" are one class and categories compare."""
    missing = values.null_count() + (int(values.is_nan().sum() or 0) if values.dtype.is_float() else 0)
    if missing:
        raise not_usable(
            metric,
            values.name,
            who,
            f"{digits.counted(missing, verb='are')} null or NaN",
        )
    distinct = values.unique()
    if values.dtype == pl.String:  # from here on a byte or two a row
        coded = values.cast(pl.Enum(distinct)).to_physical()
        return Labels(coded, pl.Series(range(distinct.len()), dtype=coded.dtype), distinct)
    return Labels(values, distinct, label_names.of(distinct))


def _binary_classes(
    model: config.Model, found: tuple[str, ...], truth: Labels, said: dict[str, Labels]
) -> tuple[str, ...]:
    """(negative, positive). The positive class is the policy's, else the greater label."""
    if len(found) > 2:
        known = set(truth.names.to_list())
        for who, labels in said.items():
            strange = sorted(set(labels.names.to_list()) - known)
            if strange and len(known) <= 2:
                raise ComparisonError(
                    f"The column {PREDICTION!r} of {who} holds {strange[0][:40]!r}: no class of the target.",
                    why=f"The target {model.data.target!r} has: {', '.join(sorted(known))[:200]}.",
                    next="`prediction` holds the class; the probability goes into `score`.",
                )
        raise ComparisonError(
            f"The target {model.data.target!r} has {len(known):,} classes; a binary task has two."
        )
    if model.positive is not None:
        positive = label_names.positive(model.positive, found) or ""
        others = [label for label in found if label != positive]
        if len(others) > 1:
            raise ComparisonError(
                f"No row has the positive class {positive!r}: the target has {' and '.join(found)}.",
                path=f"models.{model.name}.positive",
            )
        return (others[0] if others else f"not {positive}", positive)
    if len(found) == 2:
        return found
    # One class only: every metric that needs two will say so; `0` and its kin are the negative one.
    only = found[0] if found else "0"
    return (only, f"not {only}") if only in {"0", "-1"} else (f"not {only}", only)


def _per_class(table: pl.DataFrame) -> list[str]:
    return [name for name in table.columns if name.startswith(f"{SCORE}:")]


def _score(table: pl.DataFrame, classes: tuple[str, ...], who: str, metric: str) -> Floats:  # noqa: ARG001
    scores = finite(column(table, SCORE, who, metric), who, metric)
    return _within_one(scores, SCORE, who, metric)


def _probabilities(table: pl.DataFrame, classes: tuple[str, ...], who: str, metric: str) -> Floats:
    named = {_text(name.partition(":")[2]): name for name in _per_class(table)}
    if not named:
        raise not_usable(metric, f"{SCORE}:<class>", who, "there are no such columns")
    out = np.zeros((table.height, len(classes)))
    for code, label in enumerate(classes):
        if label in named:  # a class that the model does not know has probability zero
            out[:, code] = _within_one(finite(table[named[label]], who, metric), named[label], who, metric)
    off = np.abs(out.sum(axis=1) - 1) > _ROUNDING
    if off.any():
        raise not_usable(
            metric, f"{SCORE}:<class>", who, f"in {digits.counted(int(off.sum()))} they do not add up to 1"
        )
    return out


def _text(label: str) -> str:
    """A class as it stands in a column's name, written as `_labels` writes it."""
    if label.lower() in {"true", "false"}:
        return "1" if label.lower() == "true" else "0"
    try:
        return str(int(float(label))) if float(label).is_integer() else label
    except (ValueError, OverflowError):
        return label


def _within_one(scores: Floats, column: str, who: str, metric: str) -> Floats:
    outside = (scores < 0) | (scores > 1)
    if outside.any():
        raise not_usable(metric, column, who, f"{int(outside.sum()):,} values lie outside 0 to 1")
    return scores


# --- several labels a row --------------------------------------------------------------------------------


def multilabel(
    model: config.Model,
    metrics: Sequence[catalog.Metric],
    truth: pl.DataFrame,
    ordered: dict[str, pl.DataFrame],
) -> tuple[Ints, tuple[str, ...], dict[str, Output]]:
    """Matrices of the labels; `classes` are the labels: the target's columns, or all that stand anywhere."""
    data, every = model.data, "every metric"
    columns = [column(truth, name, "the test set", every).name for name in data.label_columns]
    separator = data.separator
    who = "the test set"
    try:
        true = (
            label_sets.of_columns(truth, columns, columns)
            if data.targets
            else label_sets.of_values(truth[columns[0]], separator)
        )
        said = {}
        for name, table in ordered.items():
            who = name
            found = label_sets.of_predictions(table, separator)
            said[name] = column(table, PREDICTION, name, every) if found is None else found
    except label_sets.LabelSetError as error:
        raise ComparisonError(
            f"The labels of {who} cannot be read: {error}.",
            next="Mend the predictor or the data, and evaluate again.",
        ) from None
    classes = tuple(columns) if data.targets else tuple(label_sets.names(true, *said.values()))
    for name, sets in said.items():
        strange = [label for label in label_sets.names(sets) if label not in classes]
        if strange:
            raise ComparisonError(f"{strange[0][:40]!r}, which {name} predicts, is no label of the target.")
    scored = _named_scores(metrics)
    outputs = {}
    for name, table in ordered.items():
        scores = label_sets.score_matrix(table, classes)
        if scores is None and scored:
            raise not_usable(scored, f"{SCORE}:<label>", name, "there are no such columns")
        outputs[name] = Output(label_sets.matrix(said[name], classes), scores)
    return label_sets.matrix(true, classes), classes, outputs


def _named_scores(metrics: Sequence[catalog.Metric]) -> str:
    return named([metric for metric in metrics if metric.needs in {"scores", "probabilities"}])
