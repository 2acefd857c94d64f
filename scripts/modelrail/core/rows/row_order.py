"""Keys: one a row, the same in every table, and the tables in their order."""

from __future__ import annotations

import numpy as np
import polars as pl

from modelrail.core import digits
from modelrail.core.rows.table_columns import column, examples, sentence
from modelrail.errors import ComparisonError


def unique(table: pl.DataFrame, key: str, who: str) -> pl.Series:
    keys = column(table, key, who, "every metric")
    if keys.null_count():
        raise ComparisonError(
            f"The key column {key!r} of {who} is empty in {digits.counted(keys.null_count())}."
        )
    if not _rising(keys) and keys.n_unique() != keys.len():
        twice = keys.filter(keys.is_duplicated()).unique(maintain_order=True)
        raise ComparisonError(
            f"The key column {key!r} of {who} repeats {examples(twice)}: rows cannot be paired.",
            next="Every row needs a key of its own.",
        )
    return keys


def _rising(keys: pl.Series) -> bool:
    """Strictly ascending, so that no key stands twice: seen in one pass, without a table of all keys."""
    return bool((keys[1:] > keys[:-1]).all()) if keys.len() > 1 and keys.dtype.is_integer() else False


def align(keys: pl.Series, table: pl.DataFrame, key: str, who: str) -> pl.DataFrame:
    """The table's rows in the order of the truth; the same keys on both sides, or an error."""
    theirs = column(table, key, who, "every metric")
    alike = theirs.dtype == keys.dtype and theirs.len() == keys.len() and not theirs.null_count()
    if alike and bool((theirs == keys).all()):
        return table  # the very same keys, which are checked already
    theirs = unique(table, key, who)
    if theirs.dtype != keys.dtype:
        theirs, keys = _common(theirs, keys)
    if theirs.len() == keys.len() and bool((theirs == keys).all()):
        return table
    missing = keys.filter(~keys.is_in(theirs.implode()))
    unknown = theirs.filter(~theirs.is_in(keys.implode()))
    if missing.len() or unknown.len():
        faults = []
        if missing.len():
            faults.append(
                f"{digits.counted(missing.len(), 'rows of the test set', 'have')} no prediction"
                f" ({examples(missing)})"
            )
        if unknown.len():
            faults.append(
                f"{unknown.len():,} predictions belong to no row of the test set ({examples(unknown)})"
            )
        raise ComparisonError(
            f"{sentence(who)} was scored on other rows: {'; '.join(faults)}.",
            why="A comparison holds only when both models are scored on the same rows.",
            next="Run `modelrail evaluate` again: it scores both on today's test set.",
        )
    place = pl.DataFrame({"key": theirs, "row": np.arange(theirs.len())})
    order = pl.DataFrame({"key": keys}).join(place, on="key", how="left", maintain_order="left")["row"]
    return table[order]


def _common(one: pl.Series, two: pl.Series) -> tuple[pl.Series, pl.Series]:
    if one.dtype.is_integer() and two.dtype.is_integer():
        return one.cast(pl.Int128), two.cast(pl.Int128)
    return one.cast(pl.String), two.cast(pl.String)
