"""The last versions of a model with what each measured, from tags alone: for the report's line over time.

A version's own tag says what it measured when it was registered (`Metrics: roc_auc=0.742 brier=0.1369`), so
that no evidence has to be fetched. The values were measured on the test data of their day: a line to look at,
never something that decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from modelrail import records
from modelrail.core.registry.history import ModelState, Registered

TRAILER = "Metrics"
MOST_METRICS = 8
MOST_VERSIONS = 12


def trailer(rows: Sequence[records.MetricRow]) -> str:
    """The metrics over all rows, in their order: `roc_auc=0.742 brier=0.1369`."""
    found = [
        f"{compact(row.metric)}={row.candidate:.6g}"
        for row in rows
        if row.slice is None and row.candidate is not None
    ]
    return " ".join(found[:MOST_METRICS])


def compact(metric: str) -> str:
    """A metric's name without blanks, which part the entries of the trailer."""
    return "".join(metric.split())


def parse(text: str) -> dict[str, float]:
    """The entries of a trailer. Total: anyone can write a tag; what is no number is left out."""
    found: dict[str, float] = {}
    for entry in text.split(" ")[: 2 * MOST_METRICS]:
        name, _, said = entry.rpartition("=")
        try:
            value = float(said)
        except ValueError:
            continue
        if name and math.isfinite(value):
            found.setdefault(name, value)
    return found


def build(state: ModelState, metric: str, stage: str) -> records.Lineage:
    """What the registry says of the last versions, and of who holds the stage since when."""
    versions = [found for found in state.versions.values() if found.event.kind == "register" and found.usable]
    measured = tuple(
        records.Measured(
            version=found.version,
            value=parse(found.event.trailers.get(TRAILER, "")).get(compact(metric)),
        )
        for found in versions[-MOST_VERSIONS:]
    )
    held = state.stages.get(stage)
    return records.Lineage(
        model=state.model,
        metric=metric,
        versions=measured,
        stage=stage,
        version=held.version if held else None,
        since=_moment(held.event.time) if held else None,
        by=held.event.trailers.get("Actor", "") or held.event.tagger if held else "",
        reason=held.event.trailers.get("Reason", "") if held else "",
    )


def best(state: ModelState, metric: str, *, higher: bool) -> Registered | None:
    """The usable version whose tag says the best value of the metric; of equal ones the later.

    The values are of different test data: they choose whom to score again, and decide nothing.
    """
    known = [
        (value if higher else -value, place, found)
        for place, found in enumerate(state.versions.values())
        if found.usable
        and (value := parse(found.event.trailers.get(TRAILER, "")).get(compact(metric))) is not None
    ]
    return max(known, key=lambda one: one[:2])[2] if known else None


def _moment(time: int) -> str | None:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):  # a tag can carry any number
        return None
