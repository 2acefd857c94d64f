"""Which rows belong together: groups, lists of a ranking, blocks of time.

Rows near in time resemble each other, so that their errors do not cancel as those of independent rows do.
They are cut into blocks of consecutive distinct times, and blocks are treated as clusters (batch means:
Ibragimov & Muller 2010, JBES 28:453-468; length of order T^(1/3): Kunsch 1989, Ann. Stat. 17:1217-1241).
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from modelrail.config import resolved as config
from modelrail.core import digits
from modelrail.core.metrics.estimate import Ints
from modelrail.errors import ComparisonError


def clusters(truth: pl.DataFrame, data: config.Data, queries: Ints | None) -> tuple[Ints | None, int]:
    """Codes 0..count-1 of what is drawn as one: groups, else blocks of time, else the lists of a ranking."""
    found = queries
    if data.group is not None:
        found = codes(
            _whole(truth, data.group, "group", "Every row must belong to a group, or `data.group` must go.")
        )
    elif data.time is not None:
        found = blocks(
            _whole(truth, data.time, "time", "Every row needs a time, or `data.time` must go."), data.block
        )
    return (None, 0) if found is None else (found, int(found.max()) + 1 if found.size else 0)


def codes(column: pl.Series) -> Ints:
    return column.rank("dense").to_numpy().astype(np.int64) - 1


def blocks(times: pl.Series, length: int | None) -> Ints:
    """Blocks of `length` consecutive distinct times; by default 2 T^(1/3) of T."""
    place = codes(times)
    count = int(place.max()) + 1 if place.size else 0
    return place // (length or max(1, math.ceil(2 * count ** (1 / 3))))


def _whole(truth: pl.DataFrame, name: str, what: str, remedy: str) -> pl.Series:
    if name not in truth.columns:
        raise ComparisonError(
            f"The test set has no column {name!r}: the {what} column of `data`.", next=remedy
        )
    column = truth[name]
    if column.null_count():
        raise ComparisonError(
            f"The {what} column {name!r} of the test set is empty in {digits.counted(column.null_count())}.",
            next=remedy,
        )
    return column
