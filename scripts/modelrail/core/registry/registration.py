"""A candidate that passed becomes a version. Pure, like transitions.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from modelrail import plans, records
from modelrail.config import resolved as config
from modelrail.core.registry import admission, tags
from modelrail.core.registry.decisions import (
    Asked,
    Decision,
    answered,
    assign_tag,
    data_digest,
    evidence_summary,
    evidence_trailers,
    room,
)
from modelrail.core.registry.history import ModelState, Registered
from modelrail.core.registry.versions import Bump, Version, is_version
from modelrail.errors import RefusedError, UsageError

FIRST_VERSION = "v1.0.0"


def choose_bump(asked: str, labels: Sequence[str], state: ModelState, candidate: records.Candidate) -> Bump:
    """`auto`: a label `modelrail:<bump>` decides, the greatest of several; else what has changed."""
    if asked != "auto":
        return _bump(asked)
    named = {label.partition(":")[2] for label in labels if label.startswith("modelrail:")}
    for bump in ("major", "minor", "patch"):
        if bump in named:
            return _bump(bump)
    latest = state.latest
    if latest is None:
        return "minor"
    before = latest.event.trailers
    same = (
        before.get("Data-Digest", "") == data_digest(candidate)
        and before.get("Params-Digest", "") == (candidate.fingerprint.params or "")
    )  # fmt: skip
    return "patch" if same else "minor"


def _bump(text: str) -> Bump:
    if text == "major":
        return "major"
    if text == "minor":
        return "minor"
    if text == "patch":
        return "patch"
    raise UsageError(f"{text!r} is not a bump.", next="Write auto, patch, minor or major.")


def next_version(state: ModelState, bump: Bump, first: str = FIRST_VERSION) -> str:
    """The successor of the highest version name ever used, also of one that was taken back."""
    if not is_version(first):
        raise UsageError(f"{first!r} is not a version.", next="Write it like v1.0.0.")
    highest = state.highest
    return first if highest is None else Version(highest).bump(bump).text


def already_registered(state: ModelState, digest: str, evidence_digest: str) -> Registered | None:
    """The version that this candidate is already: the latest with its very bytes, or one with its evidence.

    The second is an old job that runs again hours later, when newer versions stand.
    """
    latest = state.latest
    if latest is not None and latest.model_digest == digest:
        return latest
    same = (
        known
        for known in state.versions.values()
        if known.usable and known.evidence_digest == evidence_digest
    )
    return next(same, None)


def repeated(state: ModelState, operation: str) -> Decision | None:
    """The result of this operation, if it was carried out before: the version, and the stages it entered."""
    done = state.operation(operation, "register")
    if done is None:
        return None
    entered = tuple(
        event.stage or ""
        for event in state.events
        if event.kind == "assign" and event.trailers.get("Operation") == operation
    )
    decision = answered(state, done, "this operation was carried out before")
    return replace(decision, operation=operation, entered=entered)


def register(
    state: ModelState,
    policy: config.Model,
    evidence: records.Evidence,
    evidence_digest: str,
    version: str,
    asked: Asked,
    *,
    stored: Mapping[str, str] | None = None,
) -> Decision:
    """Register the candidate of the evidence, and let it into the stages with `enter: on-pass`."""
    before = repeated(state, asked.operation)
    if before is not None:
        return before
    admission.passed(evidence)
    admission.first_allowed(evidence, policy)
    candidate = evidence.candidate
    if candidate.fingerprint.dirty:
        raise RefusedError(
            f"{state.model} was trained from changed files that no commit holds.",
            next="Commit them (git status), and train again; a version must be reproducible from its commit.",
        )
    known = already_registered(state, candidate.file.digest, evidence_digest)
    if known is not None:
        return Decision(
            model=state.model, version=known.version, changed=False, tag=known.event.tag,
            note="it is this very model",
        )  # fmt: skip
    if version in state.versions:
        raise RefusedError(
            f"{state.model} {version} exists already.", next="A version never changes; choose another."
        )
    facts = evidence_trailers(evidence, evidence_digest)
    summary = evidence_summary(evidence)
    name = tags.format_name(tags.Name("register", state.model, version=version))
    commit = candidate.fingerprint.commit
    # A retrain without a commit: other data, parameters outside Git, another seed.
    twin = any(commit in {known.commit, known.target} for known in state.versions.values())
    registration = plans.Tag(
        name=name,
        target=commit,
        twin=twin,
        time=max(asked.now, state.last_time + 1),
        message=tags.message(
            f"{state.model} {version}",
            (summary,),
            {
                "Model": state.model,
                "Version": version,
                "After": str(state.counter),
                **facts,
                "Model-File": candidate.file.name,
                **(stored or {}),
                "Params-Digest": candidate.fingerprint.params or "",
                "Environment-Digest": candidate.fingerprint.environment,
                "Tracking-Run": candidate.tracking.run_id if candidate.tracking else "",
                "Commit": commit if twin else "",
                **asked.trailers(),
            },
        ),
    )
    made = [registration]
    entered: list[str] = []
    for stage in policy.stages:
        if stage.enter != "on-pass" or (stage.source is not None and stage.source not in entered):
            continue
        admission.answers(evidence, state, version, stage.name, policy)
        made.append(
            assign_tag(
                state, version, commit, stage.name, asked, twin=twin,
                number=state.counter + len(made), time=registration.time + len(made),
                subject=f"{state.model} {version} is in {stage.name}",
                summary=(summary, "It entered because every gate passed."), facts=facts,
                beside=room(state, stage, version),
            )
        )  # fmt: skip
        entered.append(stage.name)
    return Decision(
        model=state.model, version=version, changed=True, tag=name, tags=tuple(made),
        operation=asked.operation, entered=tuple(entered),
    )  # fmt: skip
