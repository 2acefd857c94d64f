"""Everything that a reviewer asks about one version, as one document: from its tags and its evidence."""

from __future__ import annotations

from typing import Any

from modelrail import records
from modelrail.core.registry import approvals
from modelrail.core.registry.history import ModelState, Registered
from modelrail.records import Event


def describe(
    state: ModelState,
    found: Registered,
    evidence: records.Evidence | None,
    *,
    release_url: str = "",
) -> dict[str, Any]:
    """The document of `describe --json`; what needs the evidence is null without it."""
    said = found.event.trailers
    candidate = evidence.candidate if evidence else None
    return {
        "model": state.model,
        "version": found.version,
        "tag": found.event.tag,
        "object": found.event.object,
        "commit": found.commit,
        "registered": _happened(found.event),
        "release_url": release_url or None,
        "stages": {
            name: {"sequence": there.sequence, "since": there.event.time, **_happened(there.event)}
            for name in state.stages
            for there in state.standing(name)
            if there.version == found.version
        },
        "unhealthy": _happened(found.unhealthy) if found.unhealthy else None,
        "deregistered": _happened(found.deregistered) if found.deregistered else None,
        "deprecated": _happened(state.deprecated) if state.deprecated else None,
        "digests": {
            "model": found.model_digest or None,
            "data": said.get("Data-Digest"),
            "parameters": said.get("Params-Digest"),
            "evidence": found.evidence_digest or None,
        },
        "model_file": said.get("Model-File"),
        "fingerprint": _fingerprint(candidate),
        "parameters": dict(sorted(candidate.params.items())) if candidate else None,
        "verdict": evidence.comparison.verdict if evidence else said.get("Verdict"),
        "headline": evidence.comparison.headline if evidence else None,
        "baseline": _baseline(evidence, said),
        "metrics": [metric(row) for row in whole(evidence)] if evidence else None,
        "gates": [_gate(row) for row in evidence.comparison.gates] if evidence else None,
        "policy": _policy(evidence),
        "tracking": _tracking(candidate, said),
        "events": [_happened(event) for event in about(state, found.version)],
        "trailers": said,
    }


def about(state: ModelState, version: str) -> tuple[Event, ...]:
    """The events of a version, in order: it was registered, entered a stage, or was left by a rollback."""
    return tuple(
        event
        for event in state.events
        if version in {event.version, event.trailers.get("Rollback-From"), event.trailers.get("Unhealthy")}
    )


def whole(evidence: records.Evidence) -> tuple[records.MetricRow, ...]:
    """The metrics on all rows."""
    return tuple(row for row in evidence.comparison.metrics if row.slice is None)


def metric(row: records.MetricRow) -> dict[str, Any]:
    return {
        "metric": row.metric, "value": row.candidate, "baseline": row.baseline, "difference": row.difference,
        "interval": _interval(row.interval), "rows": row.rows, "verdict": row.verdict,
        "higher_is_better": row.higher_is_better,
    }  # fmt: skip


def _happened(event: Event) -> dict[str, Any]:
    """Who did what, when and why."""
    said = event.trailers
    return {
        "event": event.kind, "stage": event.stage, "version": event.version, "event_number": event.sequence,
        "time": event.time, "by": said.get("Actor") or event.tagger, "reason": said.get("Reason"),
        "approved_by": said.get(approvals.BY), "approvals": said.get(approvals.TOLD),
        "run": said.get("Run"), "workflow": said.get("Workflow"), "tag": event.tag,
    }  # fmt: skip


def _interval(found: records.Interval | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"low": found.low, "high": found.high, "confidence": found.confidence, "method": found.method}


def _gate(row: records.GateRow) -> dict[str, Any]:
    return {
        "gate": row.title, "outcome": row.outcome, "severity": row.severity, "path": row.path,
        "candidate": row.candidate, "baseline": row.baseline, "difference": row.difference,
        "interval": _interval(row.interval),
        "slice": f"{row.slice.column}={row.slice.value}" if row.slice else None,
        "detail": row.detail or None,
    }  # fmt: skip


def _fingerprint(candidate: records.Candidate | None) -> dict[str, Any] | None:
    if candidate is None:
        return None
    found = candidate.fingerprint
    return {
        "commit": found.commit, "code": found.code, "train": _data(found.train), "test": _data(found.test),
        "parameters": found.params, "environment": found.environment,
    }  # fmt: skip


def _data(found: records.DataVersion | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"path": found.path, "digest": found.digest, "source": found.source, "rows": found.rows}


def _baseline(evidence: records.Evidence | None, said: dict[str, str]) -> dict[str, Any] | None:
    if evidence is None:
        version = said.get("Baseline")
        return (
            {"version": version, "stage": None, "sequence": None} if version and version != "none" else None
        )
    found = evidence.evaluation.baseline_ref
    if found.status == "absent":
        return None
    return {"version": found.version, "stage": found.stage, "sequence": found.sequence}


def _policy(evidence: records.Evidence | None) -> dict[str, Any] | None:
    if evidence is None:
        return None
    found = evidence.comparison.policy
    return {"commit": found.commit, "digest": found.digest, "source": found.source, "changed": found.changed}


def _tracking(candidate: records.Candidate | None, said: dict[str, str]) -> dict[str, Any] | None:
    run = candidate.tracking if candidate else None
    if run is not None:
        return {"run_id": run.run_id, "experiment": run.experiment, "uri": run.uri}
    return {"run_id": said["Tracking-Run"]} if said.get("Tracking-Run") else None
