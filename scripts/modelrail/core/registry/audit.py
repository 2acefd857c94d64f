"""The record for an auditor, one row an event: who, what, when, why, on what evidence, approved by whom."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from modelrail.core.registry import approvals
from modelrail.core.registry.history import ModelState
from modelrail.core.registry.tags import one_line
from modelrail.records import Event

COLUMNS = (
    "time", "model", "action", "version", "stage", "event_number", "replaced", "actor", "approved_by",
    "approvals", "reason", "verdict", "gates", "baseline", "model_digest", "data_digest", "evidence_digest",
    "run", "workflow", "tag", "tag_object", "commit", "ledger_parent", "operation", "tagger",
)  # fmt: skip


def events(states: Mapping[str, ModelState]) -> list[Event]:
    """Of all models, newest first. Each model's own order holds; between models the clock is all there is."""
    newest_first = [reversed(state.events) for state in states.values()]
    return list(heapq.merge(*newest_first, key=lambda event: -event.time))


def row(event: Event) -> dict[str, Any]:
    """Texts become one inert line each; what an event does not say is empty."""
    said = event.trailers
    found = {
        "time": moment(event.time),
        "model": event.model,
        "action": action(event),
        "version": event.version,
        "stage": event.stage,
        "event_number": event.sequence,
        "replaced": said.get("Replaces"),
        "actor": said.get("Actor") or event.tagger,
        # Who acted did not approve it by that. Empty: GitHub was not asked, or nobody had to approve.
        "approved_by": said.get(approvals.BY),
        "approvals": said.get(approvals.TOLD),
        "reason": said.get("Reason"),
        "verdict": said.get("Verdict"),
        "gates": said.get("Gates"),
        "baseline": said.get("Baseline"),
        "model_digest": said.get("Model-Digest"),
        "data_digest": said.get("Data-Digest"),
        "evidence_digest": said.get("Evidence-Digest"),
        "run": said.get("Run"),
        "workflow": said.get("Workflow"),
        "tag": event.tag,
        "tag_object": event.object,
        "commit": event.commit,
        "ledger_parent": said.get("Ledger"),
        "operation": said.get("Operation"),
        "tagger": event.tagger,
    }
    return {name: one_line(value) if isinstance(value, str) else value for name, value in found.items()}


def action(event: Event) -> str:
    """`promote`, `rollback` and `reinstate` are assigns; the others are called as they are."""
    if event.kind != "assign":
        return event.kind
    if "Rollback-From" in event.trailers:
        return "rollback"
    return "reinstate" if "Reinstates" in event.trailers else "promote"


def moment(seconds: int) -> str:
    """RFC 3339 in UTC; a time that no calendar has is the number itself."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)
