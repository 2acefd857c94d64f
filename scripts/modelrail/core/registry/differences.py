"""What differs between two versions: metrics, data, parameters, environment, code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelrail import records
from modelrail.core.registry import description
from modelrail.core.registry.history import Registered


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two; `evidence` is None where it cannot be had, and the tag's digests must do."""

    selector: str
    found: Registered
    evidence: records.Evidence | None


@dataclass(frozen=True, kw_only=True)
class MetricChange:
    metric: str
    before: float | None
    after: float | None
    higher_is_better: bool
    difference: float | None  # only of values that were measured on the same rows
    interval: records.Interval | None  # where the later one was compared with the earlier one itself
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Change:
    group: str  # data, parameters, environment, code, model
    what: str
    before: str | None
    after: str | None

    @property
    def same(self) -> bool | None:
        """None: one of the two is not known."""
        return None if self.before is None or self.after is None else self.before == self.after


@dataclass(frozen=True, kw_only=True)
class Differences:
    before: Side
    after: Side
    metrics: tuple[MetricChange, ...]
    comparable: bool  # both were measured on the same test data
    changes: tuple[Change, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        missing = [side.found.version for side in (self.before, self.after) if side.evidence is None]
        found = [
            f"The evidence of {version} is not at hand: its metrics and parameters are not known."
            for version in dict.fromkeys(missing)
        ]
        if self.metrics and not self.comparable:
            found.append("They were measured on different test data; the values are no comparison.")
        return tuple(found)


def differences(before: Side, after: Side) -> Differences:
    one, other = before.evidence, after.evidence
    comparable = (
        one is not None and other is not None and one.evaluation.test.digest == other.evaluation.test.digest
    )
    return Differences(
        before=before,
        after=after,
        metrics=_metrics(before, after, comparable=comparable),
        comparable=comparable,
        changes=(
            *_data(before, after),
            *_parameters(before, after),
            _print("environment", "environment", before, after, "environment", ""),
            _print("code", "code (git tree)", before, after, "code", ""),
            Change(group="code", what="commit", before=before.found.commit, after=after.found.commit),
            _print("model", "model file", before, after, "", "Model-Digest"),
        ),
    )


def _metrics(before: Side, after: Side, *, comparable: bool) -> tuple[MetricChange, ...]:
    old = {row.metric: row for row in description.whole(before.evidence)} if before.evidence else {}
    new = {row.metric: row for row in description.whole(after.evidence)} if after.evidence else {}
    paired = _paired(before, after)
    found = []
    for name in dict.fromkeys([*new, *old]):
        was, is_ = old.get(name), new.get(name)
        any_ = is_ or was
        if any_ is None:
            continue
        # Where the later version was scored beside the earlier one, that comparison is paired and better.
        value = is_.baseline if paired and is_ else was.candidate if was else None
        later = is_.candidate if is_ else None
        told = paired or comparable
        found.append(
            MetricChange(
                metric=name,
                before=value,
                after=later,
                higher_is_better=any_.higher_is_better,
                difference=later - value if told and value is not None and later is not None else None,
                interval=is_.interval if paired and is_ else None,
                verdict=is_.verdict if paired and is_ else "not compared",
            )
        )
    return tuple(found)


def _paired(before: Side, after: Side) -> bool:
    """Whether the evidence of the later one holds the comparison with the earlier one."""
    if after.evidence is None or not before.found.model_digest:
        return False
    ref = after.evidence.evaluation.baseline_ref
    return ref.status == "present" and ref.model_digest == before.found.model_digest


def _fingerprint(side: Side) -> records.Fingerprint | None:
    return side.evidence.candidate.fingerprint if side.evidence else None


def _data(before: Side, after: Side) -> tuple[Change, ...]:
    one, other = _fingerprint(before), _fingerprint(after)
    if one is None or other is None:
        return (_print("data", "data", before, after, "", "Data-Digest"),)
    changes = []
    for what, was, is_ in (("training data", one.train, other.train), ("test data", one.test, other.test)):
        if was or is_:
            changes.append(Change(group="data", what=what, before=_version(was), after=_version(is_)))
    return tuple(changes)


def _version(found: records.DataVersion | None) -> str:
    if found is None:
        return "none"
    return f"{found.path} {found.digest}" + (f" ({found.rows:,} rows)" if found.rows is not None else "")


def _parameters(before: Side, after: Side) -> tuple[Change, ...]:
    if before.evidence is None or after.evidence is None:
        return (_print("parameters", "parameters", before, after, "", "Params-Digest"),)
    old, new = before.evidence.candidate.params, after.evidence.candidate.params
    return tuple(
        Change(group="parameters", what=key, before=old.get(key, "not set"), after=new.get(key, "not set"))
        for key in sorted(old.keys() | new.keys())
    )


def _print(group: str, what: str, before: Side, after: Side, field: str, trailer: str) -> Change:
    """A digest on both sides: of the fingerprint, or of the tag."""

    def value(side: Side) -> str | None:
        if trailer:
            return side.found.event.trailers.get(trailer)
        found = _fingerprint(side)
        return str(getattr(found, field)) if found else None

    return Change(group=group, what=what, before=value(before), after=value(after))


def document(found: Differences, files: Sequence[str] | None) -> dict[str, Any]:
    """For `--json`."""

    def side(one: Side) -> dict[str, Any]:
        return {
            "selector": one.selector, "version": one.found.version, "tag": one.found.event.tag,
            "commit": one.found.commit, "evidence": one.found.evidence_digest or None,
        }  # fmt: skip

    groups = ("data", "parameters", "environment", "code", "model")
    return {
        "from": side(found.before),
        "to": side(found.after),
        "metrics": [
            {
                "metric": row.metric, "from": row.before, "to": row.after, "difference": row.difference,
                "interval": {"low": row.interval.low, "high": row.interval.high} if row.interval else None,
                "verdict": row.verdict, "higher_is_better": row.higher_is_better,
            }
            for row in found.metrics
        ],
        "comparable": found.comparable,
        **{
            group: [
                {"what": row.what, "from": row.before, "to": row.after, "same": row.same}
                for row in found.changes
                if row.group == group
            ]
            for group in groups
        },
        "files": list(files) if files is not None else None,
        "notes": list(found.notes),
    }  # fmt: skip
