"""Several labels a row: read from a column a label, from lists, or from text; as lists, and as matrices.

A column a label holds 0 and 1 (or true and false). Text is parted at the separator. An empty list and an
empty text are a row without any label; so is an empty cell of a text column, since CSV has no other way to
write it. An empty cell among lists, or in a column a label, says nothing and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from modelrail.core import digits
from modelrail.core.metrics.estimate import Floats, Ints
from modelrail.core.rows.output import PREDICTION, SCORE

SEPARATOR = "|"
THRESHOLD = 0.5  # from which a score is a label, where the predictor gave no labels
LISTS = pl.List(pl.String)


class LabelSetError(Exception):
    """Cannot be read as labels; the text says why, and which column."""


def of_columns(table: pl.DataFrame, columns: Sequence[str], names: Sequence[str]) -> pl.Series:
    """From a column a label, which the names are called. Raises LabelSetError."""
    parts: list[pl.Expr] = []
    for column, name in zip(columns, names, strict=True):
        values = table[column]
        if values.null_count():
            raise LabelSetError(f"the column {column!r} is empty in {digits.counted(values.null_count())}")
        numbers = values.cast(pl.Float64, strict=False)
        wrong = numbers.is_null() | ~numbers.is_in([0.0, 1.0])
        if wrong.any():
            raise LabelSetError(
                f"the column {column!r} of a label holds other values than 0 and 1 in {int(wrong.sum()):,}"
                f" rows ({values.filter(wrong).unique(maintain_order=True).head(3).to_list()})"
            )
        parts.append(pl.when(numbers == 1).then(pl.lit(name)).otherwise(None).alias(f"{len(parts)}"))
    found = pl.select(pl.concat_list(parts).list.drop_nulls().list.sort())
    series = found.to_series() if parts else pl.Series([[]] * table.height, dtype=LISTS)
    return series.cast(LISTS)


def of_values(values: pl.Series, separator: str = SEPARATOR) -> pl.Series:
    """From lists or text. Raises LabelSetError."""
    if values.dtype == pl.Null:
        values = values.cast(pl.String)
    if isinstance(values.dtype, (pl.Categorical, pl.Enum)):
        values = values.cast(pl.String)
    if values.dtype == pl.String:
        cells = values.fill_null("").str.split(separator)
    elif isinstance(values.dtype, (pl.List, pl.Array)):
        if values.null_count():
            raise LabelSetError(
                f"the column {values.name!r} is empty in {digits.counted(values.null_count())}"
            )
        cells = values.cast(LISTS) if isinstance(values.dtype, pl.List) else values.arr.to_list().cast(LISTS)
        if int(cells.list.eval(pl.element().is_null()).list.any().sum() or 0):
            raise LabelSetError(f"the column {values.name!r} holds lists with an empty label")
    else:
        raise LabelSetError(f"the column {values.name!r} holds {values.dtype}, neither lists nor text")
    frame = pl.DataFrame({"cells": cells}).select(
        pl.col("cells")
        .list.eval(pl.element().str.strip_chars().filter(pl.element().str.strip_chars() != ""))
        .list.unique()
        .list.sort()
    )
    return frame["cells"].cast(LISTS)


def of_predictions(table: pl.DataFrame, separator: str = SEPARATOR) -> pl.Series | None:
    """From `prediction`, else from `prediction:<label>`, else from the scores; None where none is there."""
    if PREDICTION in table.columns:
        return of_values(table[PREDICTION], separator)
    for prefix in (f"{PREDICTION}:", f"{SCORE}:"):
        columns = [name for name in table.columns if name.startswith(prefix)]
        if not columns:
            continue
        names = [name.removeprefix(prefix) for name in columns]
        if prefix.startswith(PREDICTION):
            return of_columns(table, columns, names)
        said = table.select((pl.col(name) >= THRESHOLD).cast(pl.Int8) for name in columns)
        return of_columns(said, columns, names)
    return None


def names(*sets: pl.Series) -> list[str]:
    """Every label that stands anywhere, in the order of the alphabet."""
    found: set[str] = set()
    for one in sets:
        found.update(one.explode().drop_nulls().unique().to_list())
    return sorted(found)


def matrix(sets: pl.Series, labels: Sequence[str]) -> Ints:
    """A row a row, a column a label: 0 or 1, a byte each. Every label must be a known one."""
    out = np.zeros((sets.len(), len(labels)), dtype=np.int8)
    lengths = sets.list.len().to_numpy()
    rows = np.repeat(np.arange(sets.len()), lengths)
    flat = sets.explode().drop_nulls()
    if flat.len():
        codes = flat.replace_strict(
            pl.Series(list(labels), dtype=pl.String),
            pl.Series(range(len(labels)), dtype=pl.Int64),
            return_dtype=pl.Int64,
        )
        out[rows, codes.to_numpy()] = 1
    return out  # type: ignore[return-value] # smaller integers do as well


def score_matrix(table: pl.DataFrame, labels: Sequence[str]) -> Floats | None:
    """`score:<label>` by label; None where there is no such column. A label without one has the score 0."""
    prefix = f"{SCORE}:"
    known = {name.removeprefix(prefix) for name in table.columns if name.startswith(prefix)}
    if not known:
        return None
    out = np.zeros((table.height, len(labels)))
    for code, label in enumerate(labels):
        if label in known:
            out[:, code] = table[prefix + label].cast(pl.Float64).to_numpy()
    return out
