"""Which rows belong to which slice: by values of a column, quantile bins, combinations, or an expression."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelrail.config import resolved as config
from modelrail.core.metrics.estimate import Ints
from modelrail.core.slices import expressions, row_conditions
from modelrail.errors import ComparisonError

MISSING = "(missing)"
JOIN = " & "  # between the values of a combination, as between its columns
LONGEST = 80  # characters of a label
MAX_SLICES = 5000  # of one column
CODE = np.int16  # of a slice: two bytes a row
Codes = NDArray[np.signedinteger[Any]]
DENSE = 1 << 22  # combinations that are looked up in a table


@dataclass(frozen=True)
class Slicing:
    """One column's slices: a code a row, and what each code is called."""

    column: str
    min_rows: int
    labels: tuple[str, ...]
    codes: Codes

    def rows(self) -> Iterator[tuple[str, Ints]]:
        """Each slice with its row numbers, ascending; one stable sort for all of them."""
        order = np.argsort(self.codes, kind="stable")  # by radix: codes are of two bytes
        if order.size < 1 << 32:
            order = order.astype(np.uint32)
        edges = np.concatenate(([0], np.cumsum(self.sizes)))
        for code, label in enumerate(self.labels):
            yield label, order[edges[code] : edges[code + 1]]

    @property
    def sizes(self) -> Ints:
        return np.bincount(self.codes, minlength=len(self.labels) + 1)[: len(self.labels)]


def cut(table: pl.DataFrame, wanted: config.Slice) -> Slicing:
    """Raises ComparisonError for an absent column, or one with too many values."""
    absent = next((name for name in wanted.reads if name not in table.columns), None)
    if absent is not None:
        raise ComparisonError(f"The test set has no column {absent!r} to slice by.")
    if wanted.where is not None:
        return _by_expression(table, wanted)
    if wanted.parts:
        return combine([cut(table, part) for part in wanted.parts], wanted.column, wanted.min_rows)
    values = table[wanted.column]
    return _by_bins(values, wanted) if wanted.bins else _by_value(values, wanted)


def combine(cuts: list[Slicing], column: str, min_rows: int) -> Slicing:
    """The combinations of values that some row has. Raises ComparisonError when there are too many."""
    joint = np.zeros(cuts[0].codes.size, dtype=np.int64)
    for one in cuts:
        joint = joint * len(one.labels) + one.codes
    found, codes = _compact(joint, math.prod(len(one.labels) + 1 for one in cuts))
    if found.size > MAX_SLICES:
        raise ComparisonError(
            f"{column} has {found.size:,} combinations; at most {MAX_SLICES:,} are judged.",
            next="Combine fewer columns, or columns with fewer values.",
        )
    labels = []
    for code in found.tolist():
        parts, rest = [], code
        for one in reversed(cuts):
            rest, place = divmod(rest, len(one.labels))
            parts.append(one.labels[place])
        labels.append(JOIN.join(reversed(parts)))
    return Slicing(column, min_rows, tuple(labels), codes.astype(CODE))


def _compact(joint: Ints, most: int) -> tuple[Ints, Ints]:
    """The codes that occur, ascending, and each row's place among them."""
    if most > DENSE:
        return np.unique(joint, return_inverse=True)
    present = np.bincount(joint, minlength=most) > 0
    return np.flatnonzero(present), (np.cumsum(present) - 1)[joint]


def _by_expression(table: pl.DataFrame, wanted: config.Slice) -> Slicing:
    """One slice, without a value: its column says it all. Rows outside have a code without a label."""
    assert wanted.where is not None  # noqa: S101 - the caller chose this branch by it
    inside = row_conditions.rows(expressions.parse(wanted.where), table, wanted.column)
    return Slicing(wanted.column, wanted.min_rows, ("",), np.where(inside, 0, 1).astype(CODE))


def _by_value(values: pl.Series, wanted: config.Slice) -> Slicing:
    if values.dtype.is_nested():
        raise ComparisonError(
            f"The column {wanted.column!r} holds {values.dtype}: a row of it has no single value to slice by."
        )
    if values.dtype.is_float():
        values = values.fill_nan(None)
    found = values.unique().sort(nulls_last=True)
    if found.len() > MAX_SLICES:
        raise ComparisonError(
            f"The column {wanted.column!r} has {found.len():,} values; at most {MAX_SLICES:,} are judged.",
            next=f"Cut it into bins: `slices: [{{column: {wanted.column}, bins: 5}}]`.",
        )
    labels = tuple(_label(value) for value in found.to_list())
    if len(set(labels)) < len(labels):  # two long texts that begin alike, or a text that says `(missing)`
        labels = tuple(
            f"{label} #{place}" if label in labels[: place - 1] else label
            for place, label in enumerate(labels, 1)
        )
    return Slicing(wanted.column, wanted.min_rows, labels, _codes(values, found))


def _codes(values: pl.Series, found: pl.Series) -> Codes:
    """Each row's place among the distinct values, the missing one last; no table of texts is sorted."""
    known = found.drop_nulls()
    if values.dtype == pl.String:
        placed = values.cast(pl.Enum(known)).to_physical()
    else:
        placed = values.replace_strict(known, pl.Series(range(known.len()), dtype=pl.Int16), default=None)
    return placed.cast(pl.Int16).fill_null(known.len()).to_numpy()


def _by_bins(values: pl.Series, wanted: config.Slice) -> Slicing:
    if not values.dtype.is_numeric():
        raise ComparisonError(
            f"The column {wanted.column!r} holds {values.dtype}; only numbers can be cut into bins."
        )
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = numbers[~np.isnan(numbers)]
    missing = known.size < numbers.size
    if not known.size:
        return Slicing(wanted.column, wanted.min_rows, (MISSING,), np.zeros(numbers.size, dtype=CODE))
    assert wanted.bins is not None  # noqa: S101 - the caller chose this branch by it
    # Equal quantiles (many equal values) merge their bins.
    edges = np.unique(np.quantile(known, np.linspace(0, 1, wanted.bins + 1), method="inverted_cdf"))
    inner = edges[1:-1]
    codes = np.searchsorted(inner, numbers, side="left").astype(CODE)
    bounds = _edges(edges.tolist())
    labels = [
        f"{'' if index == 0 else 'over '}{low} to {high}"
        for index, (low, high) in enumerate(itertools.pairwise(bounds))
    ] or bounds
    if missing:
        codes[np.isnan(numbers)] = len(labels)
        labels.append(MISSING)
    return Slicing(wanted.column, wanted.min_rows, tuple(labels), codes)


def _label(value: object) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _exact(value)
    return str(value)[:LONGEST]


def _exact(value: float) -> str:
    """With all its digits: 20130101.0 and 20130102.0 are two slices."""
    return str(int(value)) if value.is_integer() and abs(value) < 1 << 53 else repr(value)


def _edges(values: list[float]) -> list[str]:
    """Six digits where they tell the edges apart."""
    short = [_exact(value) if value.is_integer() else f"{value:.6g}" for value in values]
    return short if len(set(short)) == len(short) else [_exact(value) for value in values]
