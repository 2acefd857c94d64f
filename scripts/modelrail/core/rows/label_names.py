"""What a class is called, whatever the type of its column, and which one of a binary task is positive."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_LOGICAL = {"true": "1", "false": "0"}


def of(values: pl.Series) -> pl.Series:
    """As text, so that 1, 1.0, true and "1" are one class."""
    if values.dtype == pl.Boolean:
        return values.cast(pl.Int8).cast(pl.String)
    if values.dtype.is_float():
        whole = values.is_finite() & (values == values.round(0)) & (values.abs() < 2**53)
        if bool(whole.all()):
            return values.cast(pl.Int64).cast(pl.String)
    return values.cast(pl.String)


def natural(label: str) -> tuple[bool, float, str]:
    """Numbers by value, before words."""
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label


def positive(asked: str | None, names: Sequence[str]) -> str | None:
    """The policy's word, else the greater label; None where there is no label at all."""
    if asked is None:
        return max(names, key=natural, default=None)
    return _LOGICAL.get(asked.lower(), asked) if asked not in names else asked
