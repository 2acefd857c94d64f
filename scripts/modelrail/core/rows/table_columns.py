"""One column of a table as it must be, or an error that names table, column and metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from modelrail.core import digits
from modelrail.core.metrics import catalog
from modelrail.core.metrics.estimate import Floats
from modelrail.errors import ComparisonError

SHOWN = 3  # examples in a message


def column(table: pl.DataFrame, name: str, who: str, metric: str) -> pl.Series:
    if name not in table.columns:
        raise not_usable(metric, name, who, "there is no such column")
    return table[name]


def finite(values: pl.Series, who: str, metric: str) -> Floats:
    if not values.dtype.is_numeric():
        raise not_usable(metric, values.name, who, f"it holds {values.dtype}, not numbers")
    if values.null_count():
        raise not_usable(
            metric,
            values.name,
            who,
            f"{digits.counted(values.null_count(), verb='are')} null",
        )
    numbers = values.cast(pl.Float64).to_numpy()
    bad = ~np.isfinite(numbers)
    if bad.any():
        raise not_usable(
            metric,
            values.name,
            who,
            f"{digits.counted(int(bad.sum()), verb='are')} NaN or infinite",
        )
    return numbers


def not_usable(metric: str, column: str, who: str, why: str) -> ComparisonError:
    return ComparisonError(
        f"{sentence(metric)} cannot be computed: column {column!r} of {who} is not usable.",
        why=f"{sentence(why)}.",
        next="Mend the predictor or the data, and evaluate again; a missing number is never a pass.",
    )


def named(metrics: Sequence[catalog.Metric]) -> str:
    return ", ".join(dict.fromkeys(metric.name for metric in metrics))


def sentence(text: str) -> str:
    return (
        text[:1].upper() + text[1:] if text.startswith(("the ", "every ", "there ", "it ", "in ")) else text
    )


def examples(values: pl.Series) -> str:
    shown = [str(value)[:40] for value in values.head(SHOWN).to_list()]
    return ", ".join(shown) + (" …" if values.len() > SHOWN else "")
