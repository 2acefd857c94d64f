"""Waivers: somebody's word, until a day, that a gate need not hold. The row keeps its failure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from modelrail import records
from modelrail.config import resolved as config


def waived(
    waivers: Sequence[config.Waiver],
    gate: config.Gate | config.Check,
    part: records.SliceRef | None,
    stage: str,
    today: dt.date | None,
) -> records.Waived | None:
    """The waiver that covers this gate here. Without a known day none does."""
    for waiver in waivers:
        if _covers(waiver, gate, part, stage) and not expired(waiver, today):
            return records.Waived(
                path=waiver.path, owner=waiver.owner, reason=waiver.reason, expires=waiver.expires
            )
    return None


def expired(waiver: config.Waiver, today: dt.date | None) -> bool:
    return today is None or dt.date.fromisoformat(waiver.expires) < today


def _covers(
    waiver: config.Waiver, gate: config.Gate | config.Check, part: records.SliceRef | None, stage: str
) -> bool:
    if waiver.stage is not None and waiver.stage != stage:
        return False
    if waiver.slice is not None and (part is None or part.value != waiver.slice):
        return False
    if isinstance(gate, config.Check):
        return waiver.gate is not None and waiver.gate in {gate.name, gate.kind}
    if waiver.slices is not None and waiver.slices != gate.slices:
        return False
    if waiver.gate is not None:
        return waiver.gate == gate.name
    return waiver.metric == gate.metric.label


def notes(
    model: config.Model, rows: Sequence[records.GateRow], stage: str, today: dt.date | None
) -> list[str]:
    """What people must know of the waivers: those used, those that ran out, those that nothing needs."""
    used = {row.waived.path: row for row in rows if row.waived is not None}
    found = []
    for waiver in model.waivers:
        if waiver.stage is not None and waiver.stage != stage:
            continue
        if waiver.path in used:
            title = used[waiver.path].title
            found.append(f"Waived by {waiver.owner} until {waiver.expires}: {title} ({waiver.reason}).")
        elif expired(waiver, today):
            about = "it is not known which day it is" if today is None else f"it ran out on {waiver.expires}"
            found.append(f"The waiver of {waiver.owner} for {_about(waiver)} does not count: {about}.")
        else:
            found.append(f"The waiver of {waiver.owner} for {_about(waiver)} was not needed: take it out.")
    return found


def trailer(rows: Sequence[records.GateRow]) -> str:
    """For the tag: every waived failure, with owner, last day and reason."""
    return "; ".join(
        f"{row.title} by {row.waived.owner} until {row.waived.expires}: {row.waived.reason}"
        for row in rows
        if row.waived is not None
    )


def _about(waiver: config.Waiver) -> str:
    where = " ".join(part for part in (waiver.slices, waiver.slice) if part)
    return f"{waiver.gate or waiver.metric}{f' ({where})' if where else ''}"
