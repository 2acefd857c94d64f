"""Whose rules decide: the gates of the base commit, over what the head evaluated."""

from __future__ import annotations

import hashlib

import msgspec

from modelrail.config import resolved as config


def digest(model: config.Model) -> str:
    """Of all that decides over a verdict: gates, stages, slices, the positive class, the groups."""
    parts = {
        "gates": model.gates, "stages": model.stages, "slices": model.slices, "positive": model.positive,
        "group": model.data.group, "weight": model.data.weight, "time": model.data.time,
        "block": model.data.block, "query": model.data.query,
        "checks": model.checks, "waivers": model.waivers, "test_budget": model.test_budget,
    }  # fmt: skip
    return "sha256:" + hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def apply(head: config.Model, base: config.Model, columns: set[str]) -> tuple[config.Model, tuple[str, ...]]:
    """The head's model judged by the base's policy, and notes on what could not be taken over.

    `columns` are those of the evaluated truth table: a slice or group whose column the head dropped cannot
    be read there. A gate that needs such a slice stays and fails to find it; a slice that is only shown is
    left out.
    """
    needed = {gate.slices for gate in base.gates}
    dropped = [
        part.column
        for part in base.slices
        if not columns.issuperset(part.reads) and part.column not in needed
    ]
    notes = [
        f"The base's slices by {column} cannot be shown: this change drops the column." for column in dropped
    ]
    group = base.data.group
    if group is not None and group not in columns:
        notes.append(
            f"The base groups rows by {group}, which this change drops: intervals may be too narrow."
        )
        group = head.data.group
    roles: dict[str, str | int | None] = {"group": group, "block": base.data.block}
    for role in ("weight", "time"):
        column = getattr(base.data, role)
        if column is not None and column not in columns:
            notes.append(f"The base's {role} column {column} cannot be read: this change drops it.")
            column = getattr(head.data, role)
        roles[role] = column
    kept = tuple(part for part in base.slices if part.column not in dropped)
    added = tuple(part for part in head.slices if part.column not in {one.column for one in base.slices})
    metrics = (*base.metrics, *(metric for metric in head.metrics if metric not in base.metrics))
    judged = msgspec.structs.replace(
        head,
        gates=base.gates,
        checks=base.checks,
        waivers=base.waivers,
        test_budget=base.test_budget,
        stages=base.stages,
        slices=kept + added,
        positive=base.positive,
        metrics=metrics,
        data=msgspec.structs.replace(head.data, **roles),
    )
    return judged, tuple(notes)
