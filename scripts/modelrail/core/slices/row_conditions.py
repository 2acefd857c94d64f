"""The rows for which an expression of expressions.py holds, by polars."""

from __future__ import annotations

import datetime as dt
import functools
import operator
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from modelrail.core.slices.expressions import Among, Column, Compare, Join, Missing, Not, Tree, Value
from modelrail.errors import ComparisonError

_OPERATORS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip


def rows(tree: Tree, table: pl.DataFrame, name: str) -> npt.NDArray[np.bool_]:
    """True where it holds; a comparison with a missing value holds neither way. Raises ComparisonError.

    `name` is what the slice is called.
    """
    found = table.select(_expression(tree, table, name).fill_null(value=False).alias("holds"))["holds"]
    # An expression of columns alone has the table's height, whatever it compares.
    return found.to_numpy().astype(np.bool_)


def _expression(tree: Tree, table: pl.DataFrame, name: str) -> pl.Expr:
    if isinstance(tree, Join):
        how = operator.and_ if tree.how == "and" else operator.or_
        return functools.reduce(how, (_expression(part, table, name) for part in tree.parts))
    if isinstance(tree, Not):
        return ~_expression(tree.inner, table, name)
    if isinstance(tree, Missing):
        return _column(tree.column, table).is_null()
    if isinstance(tree, Among):
        every = (Compare("==", tree.column, value) for value in tree.values)
        return functools.reduce(operator.or_, (_compare(one, table, name) for one in every))
    return _compare(tree, table, name)


def _compare(tree: Compare, table: pl.DataFrame, name: str) -> pl.Expr:
    left, right = tree.left, tree.right
    one, two = _family(left, table), _family(right, table)
    sides = [_side(side, other, table, name) for side, other in ((left, two), (right, one))]
    if one != two and not ({one, two} == {"text", "time"} and not (_both_columns(tree))):
        raise ComparisonError(
            f"The slice {name!r} compares {_told(left, one)} with {_told(right, two)}.",
            next="A text goes in quotes, a number without.",
        )
    if one == "truth" and tree.operator not in {"==", "!="}:
        raise ComparisonError(f"The slice {name!r} compares true and false by {tree.operator}.")
    return _OPERATORS[tree.operator](*sides)


def _both_columns(tree: Compare) -> bool:
    return isinstance(tree.left, Column) and isinstance(tree.right, Column)


def _side(side: Column | Value, other: str, table: pl.DataFrame, name: str) -> pl.Expr:
    if isinstance(side, Column):
        return _column(side, table)
    if other == "time" and isinstance(side.value, str):
        try:
            return pl.lit(dt.datetime.fromisoformat(side.value))
        except ValueError:
            raise ComparisonError(
                f"The slice {name!r} compares a time with {side.value!r}.",
                next="Write a time as 2027-03-31 or 2027-03-31T12:00.",
            ) from None
    return pl.lit(side.value)


def _column(side: Column, table: pl.DataFrame) -> pl.Expr:
    dtype = table.schema[side.name]
    found = pl.col(side.name)
    if dtype.is_float():
        return found.fill_nan(None)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return found.cast(pl.String)
    if dtype == pl.Date:
        return found.cast(pl.Datetime("us"))
    if isinstance(dtype, pl.Datetime):
        return found.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    return found


def _family(side: Column | Value, table: pl.DataFrame) -> str:
    if isinstance(side, Value):
        known = {bool: "truth", str: "text"}
        return known.get(type(side.value), "number")
    dtype = table.schema[side.name]
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "truth"
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return "time"
    return "text" if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum) else str(dtype)


def _told(side: Column | Value, family: str) -> str:
    return f"the column {side.name} ({family})" if isinstance(side, Column) else f"{side.value!r} ({family})"
