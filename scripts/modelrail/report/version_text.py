"""One version, or the difference of two, as text for a terminal; what tags and records say is made inert."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from modelrail import records
from modelrail.core.registry import approvals, description
from modelrail.core.registry.differences import Change, Differences, Side
from modelrail.core.registry.history import ModelState, Registered
from modelrail.core.registry.tags import one_line
from modelrail.records import Event
from modelrail.report import numbers, tables

MAX_FILES = 20
_DIGEST = re.compile(r"\b[0-9a-f]{32,64}\b")  # of a commit, a tree or a file; --json has all of it
_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


def describe(
    state: ModelState,
    found: Registered,
    evidence: records.Evidence | None,
    now: float,
    *,
    release_url: str = "",
    fit: int = 0,
) -> str:
    """Who, when, why, made of what, measured how, and where it stands. `fit`: columns of a terminal."""
    blocks = [_head(state, found, now), _made(found, evidence, release_url)]
    if evidence is None:
        blocks.append(["Its evidence is not at hand: metrics and gates are not shown."])
    else:
        blocks += [_metrics(evidence), _gates(evidence)]
    events = list(reversed(description.about(state, found.version)))
    blocks.append(["Events", *tables.history(events, now, fit=fit).splitlines()])
    return "\n\n".join("\n".join(tables.folded(block, fit)) for block in blocks if block)


def moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _head(state: ModelState, found: Registered, now: float) -> list[str]:
    lines = [f"{one_line(state.model)} {tables.short_version(found.version)}"]
    lines.append(f"  registered {_by(found.event, now)}")
    for name, there in state.stages.items():
        if there.version == found.version:
            lines.append(f"  in {one_line(name)} {_by(there.event, now)} (event {there.sequence})")
    if found.unhealthy is not None:
        lines.append(f"  ✗ left by a rollback {_by(found.unhealthy, now)}")
    if found.deregistered is not None:
        lines.append(f"  ✗ taken back {_by(found.deregistered, now)}")
    if state.deprecated is not None:
        lines.append(f"  ✗ the model is deprecated {_by(state.deprecated, now)}")
    return lines


def _by(event: Event, now: float) -> str:
    said = event.trailers
    who = tables.clip(said.get("Actor") or event.tagger, 60)
    run = tables.run(event)
    reason = tables.clip(said.get("Reason", ""), 200)
    approved = f"approved by {tables.clip(said[approvals.BY], 100)}" if said.get(approvals.BY) else ""
    if not approved and approvals.unknown(said.get(approvals.TOLD)):
        approved = "approval not known"
    at = f"{moment(event.time)} ({tables.age(now - event.time)}) by {who}"
    parts = [at, run if run != who else "", approved]
    return ", ".join(part for part in parts if part) + (f': "{reason}"' if reason else "")


def _made(found: Registered, evidence: records.Evidence | None, release_url: str) -> list[str]:
    said = found.event.trailers
    rows: list[tuple[str, str]] = [("commit", found.commit)]
    if evidence is not None:
        candidate, printed = evidence.candidate, evidence.candidate.fingerprint
        baseline = evidence.evaluation.baseline_ref
        rows += [
            ("code (git tree)", printed.code),
            ("training data", _data(printed.train)),
            ("test data", _data(printed.test)),
            ("parameters", ", ".join(f"{key}={value}" for key, value in sorted(candidate.params.items()))),
            ("parameter file", printed.params or ""),
            ("environment", printed.environment),
            ("model file", f"{candidate.file.name}, {numbers.size(candidate.file.size)}"),
            (
                "measured against",
                f"{baseline.version} in {baseline.stage} (event {baseline.sequence})"
                if baseline.status == "present"
                else f"nothing: {baseline.stage} was empty",
            ),
            ("policy", f"{evidence.comparison.policy.digest} of {evidence.comparison.policy.commit[:10]}"),
            ("MLflow run", candidate.tracking.run_id if candidate.tracking else ""),
        ]
    else:
        rows += [
            ("data", said.get("Data-Digest", "")),
            ("parameter file", said.get("Params-Digest", "")),
            ("model file", said.get("Model-File", "")),
            ("MLflow run", said.get("Tracking-Run", "")),
        ]
    rows += [
        ("model digest", found.model_digest),
        ("evidence", found.evidence_digest),
        ("tag", f"{found.event.tag} ({found.event.object[:12]})"),
        ("release", release_url),
    ]
    return [
        "Made of",
        *tables.aligned([(f"  {name}", one_line(value, 400)) for name, value in rows if value]),
    ]


def _data(found: records.DataVersion | None) -> str:
    if found is None:
        return ""
    rows = f", {numbers.plural(found.rows, 'row')}" if found.rows is not None else ""
    return f"{found.path} {found.digest}{rows}"


def _metrics(evidence: records.Evidence) -> list[str]:
    rows = []
    for row in description.whole(evidence):
        places = numbers.decimals(row.difference, row.interval, row.candidate, row.baseline)
        rows.append(
            (
                f"  {one_line(numbers.metric_name(row.metric), 60)}",
                numbers.plain(row.candidate, places),
                numbers.difference(row.difference, row.interval, places),
                "" if row.verdict == "not compared" else row.verdict,
            )
        )
    return [f"Metrics, on {numbers.plural(evidence.comparison.rows, 'row')}", *tables.aligned(rows)]


def _gates(evidence: records.Evidence) -> list[str]:
    found = evidence.comparison
    rows = [
        (f"  {_MARKS[gate.outcome]} {one_line(gate.title, 80)}", gate.outcome, one_line(gate.detail, 120))
        for gate in found.gates
    ]
    headline = one_line(found.headline, 300)
    return [f"Gates: {found.verdict}. {headline}".rstrip(), *tables.aligned(rows)]


# --- diff ------------------------------------------------------------------------------------------------


def diff(
    found: Differences, model: str, files: Sequence[str] | None, *, everything: bool = False, fit: int = 0
) -> str:
    """What changed; what stayed is counted, or listed with `everything`. Digests by their first letters."""
    one, other = found.before, found.after
    blocks = [[f"{one_line(model)}  {_named(one)} → {_named(other)}"]]
    if found.metrics:
        rows = []
        for row in found.metrics:
            places = numbers.decimals(row.difference, row.interval, row.before, row.after)
            rows.append(
                (
                    f"  {one_line(numbers.metric_name(row.metric), 60)}",
                    numbers.plain(row.before, places), "→", numbers.plain(row.after, places),
                    numbers.difference(row.difference, row.interval, places),
                    "" if row.verdict == "not compared" else row.verdict,
                )
            )  # fmt: skip
        blocks.append(["Metrics", *tables.aligned(rows)])
    for group, title in (
        ("data", "Data"), ("parameters", "Parameters"), ("environment", "Environment"), ("code", "Code"),
        ("model", "Model"),
    ):  # fmt: skip
        rows_of = [row for row in found.changes if row.group == group]
        block = _group(title, rows_of, everything=everything)
        if group == "code" and files:
            block += [f"    {one_line(name, 200)}" for name in files[:MAX_FILES]]
            if len(files) > MAX_FILES:
                block.append(f"    … and {len(files) - MAX_FILES} more files")
        if block:
            blocks.append(block)
    if found.notes:
        blocks.append([f"⚠ {note}" for note in found.notes])
    return "\n\n".join("\n".join(tables.folded(block, fit)) for block in blocks)


def _named(side: Side) -> str:
    version = tables.short_version(side.found.version)
    return f"{version} ({one_line(side.selector)})" if not side.selector.endswith(f"@{version}") else version


def _side(value: str | None) -> str:
    if value is None:
        return "unknown"
    return _DIGEST.sub(lambda found: found[0][:12], one_line(value, 120)) or "none"


def _group(title: str, rows: Sequence[Change], *, everything: bool) -> list[str]:
    if not rows:
        return []
    changed = [row for row in rows if row.same is False]
    unknown = [row for row in rows if row.same is None]
    shown = list(rows) if everything else [*changed, *unknown]
    if not shown:
        return [f"{title}: the same"]
    lines = [
        (
            f"  {one_line(row.what, 80)}",
            _side(row.before),
            "=" if row.same else "→",
            _side(row.after),
        )
        for row in shown
    ]
    rest = len(rows) - len(shown)
    return [title, *tables.aligned(lines), *([f"  {rest} the same"] if rest else [])]
