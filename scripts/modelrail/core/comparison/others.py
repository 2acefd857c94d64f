"""Further baselines beside the one in the stage: shown with intervals, and never gated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import wording
from modelrail.core.comparison import decide
from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import Measured
from modelrail.core.inference.family import holm
from modelrail.core.metrics.catalog import Metric
from modelrail.core.rows import label_names
from modelrail.core.rows.output import SCORE
from modelrail.core.rows.pairing import BOUNDS, pair
from modelrail.errors import ComparisonError

MAJORITY = "majority"


def majority(model: config.Model, truth: pl.DataFrame) -> pl.DataFrame:
    """The predictor that looks at nothing: the most frequent class with the shares as scores, or the mean.

    Rows count by their weight, as everywhere.
    """
    labels, keys = truth[model.data.target], truth[model.data.key]
    weight = model.data.weight
    weights = (truth[weight] if weight else pl.repeat(1.0, keys.len(), eager=True)).cast(pl.Float64)
    if model.task == "regression":
        mean = float(np.average(labels.cast(pl.Float64).to_numpy(), weights=weights.to_numpy()))
        return pl.DataFrame({model.data.key: keys, "prediction": pl.repeat(mean, keys.len(), eager=True)})
    every = pl.DataFrame({"label": labels, "weight": weights}).group_by("label").agg(pl.col("weight").sum())
    every = every.sort(["weight", "label"], descending=[True, False])
    names, shares = label_names.of(every["label"]).to_list(), (every["weight"] / weights.sum()).to_list()
    table: dict[str, Any] = {
        model.data.key: keys,
        "prediction": pl.repeat(every["label"][0], keys.len(), dtype=labels.dtype, eager=True),
    }
    by_name = dict(zip(names, shares, strict=True))
    if model.task == "binary":
        rate = by_name.get(label_names.positive(model.positive, names) or "", 0.0)
        table[SCORE] = pl.repeat(rate, keys.len(), eager=True)
    else:
        table |= {
            f"{SCORE}:{name}": pl.repeat(share, keys.len(), eager=True) for name, share in by_name.items()
        }
    return pl.DataFrame(table)


def _carried(metric: Metric, columns: Sequence[str]) -> bool:
    """Whether a table of these columns holds what the metric needs."""
    if metric.needs == "intervals":
        return set(BOUNDS) <= set(columns)
    if metric.needs in {"scores", "probabilities"}:
        return SCORE in columns or any(name.startswith(f"{SCORE}:") for name in columns)
    return True


def compare(
    model: config.Model,
    metrics: Mapping[str, Metric],
    truth: pl.DataFrame,
    candidate: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    *,
    seed: int,
) -> tuple[tuple[records.OtherRow, ...], list[str]]:
    """The candidate against each table, by every metric that the tables carry; and what to say of them."""
    usable = {label: one for label, one in metrics.items() if one.family not in {"user", "reported"}}
    wanted, notes = dict(tables), []
    if any(one.kind == MAJORITY for one in model.baselines):
        if model.task in {"binary", "multiclass", "regression"}:
            wanted[MAJORITY] = majority(model, truth)
        else:
            notes.append(f"There is no majority to predict in a {model.task} task.")
    found: list[tuple[str, str, Measured]] = []
    for name, table in wanted.items():
        carried = {label: one for label, one in usable.items() if _carried(one, table.columns)}
        lacking = [label for label in usable if label not in carried]
        if lacking:
            notes.append(f"The further baseline {name} says nothing that {', '.join(lacking)} needs.")
        try:
            whole = Subset(pair(model, list(carried.values()), truth, candidate, table, seed=seed))
            found += [(name, label, whole.measure(metric)) for label, metric in carried.items()]
        except ComparisonError as error:
            notes.append(f"The further baseline {name} cannot be compared: {error.what}")
    tested = [at for at, (_, _, one) in enumerate(found) if one.tested]
    p_values = [one.difference.p_value() for at in tested if (one := found[at][2]).difference is not None]
    adjusted = dict(zip(tested, holm(p_values), strict=True))
    rows = tuple(
        _row(usable[label], name, label, one, adjusted.get(at, 1.0), max(1, len(tested)))
        for at, (name, label, one) in enumerate(found)
    )
    return rows, notes + _told(rows)


def _row(
    metric: Metric, name: str, label: str, measured: Measured, p_value: float, family: int
) -> records.OtherRow:
    said = decide.answer(metric, measured, None, p_value=p_value, family=family)
    difference = measured.difference
    return records.OtherRow(
        name=name,
        metric=label,
        value=measured.baseline,
        candidate=measured.candidate,
        difference=None if difference is None else difference.estimate,
        interval=decide.shown_interval(metric, measured, decide.CONFIDENCE),
        verdict=said.verdict,
    )


def _told(rows: Sequence[records.OtherRow]) -> list[str]:
    """One line a baseline: where the candidate stands by each metric."""
    found = []
    for name in dict.fromkeys(row.name for row in rows):
        told = [
            f"{row.metric} {wording.number(row.value)} ({row.verdict})"
            for row in rows
            if row.name == name and row.value is not None
        ]
        found.append(f"The candidate beside {name}: {', '.join(told[:6])}.")
    return found
