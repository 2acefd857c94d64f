"""What a function of the user's own may ask for, as arrays of some rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelrail.core.metrics.estimate import Ints
from modelrail.core.rows.pairing import Rows


def of(rows: Rows) -> tuple[dict[str, Any], list[dict[str, Any]], Ints | None]:
    """What a function of the user's own may ask for: shared by the models, each model's, and the groups.

    Labels of a binary task are 0 and 1 (1: the positive class), of several classes their names.
    """
    paired = rows.paired
    names = np.array(paired.classes)
    several = paired.task == "multiclass"
    truth = _plain(rows.take(paired.truth))
    shared: dict[str, Any] = {}
    for name in paired.table.columns:
        column = paired.table[name].to_numpy()
        values = column.astype(str) if column.dtype == object else column
        shared[name] = rows.take(values)
    shared["truth"] = names[truth] if several else truth
    if rows.weights is not None:
        shared["weight"] = rows.weights
    each = []
    for output in rows.paired.outputs:
        own: dict[str, Any] = {name: rows.take(values) for name, values in output.extra.items()}
        if output.labels is not None:
            labels = _plain(rows.take(output.labels))
            own["prediction"] = names[labels] if several else labels
        if output.scores is not None:
            own["score" if output.labels is not None else "prediction"] = rows.take(output.scores)
        each.append(own)
    return shared, each, None if rows.clusters is None else rows.clusters.codes


def _plain(values: Any) -> Any:
    """Codes as people expect integers: sums and products of small ones would overflow."""
    return values.astype(np.int64) if values.dtype.kind in "iu" else values
