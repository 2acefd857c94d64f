"""What an operation does to the registry, as tags to create; or the error that says why it may not.

Pure: state, policy, evidence and who asks go in, a decision comes out. The same operation asked twice gives
the first one's result with `changed=False`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelrail import config, plans, records
from modelrail.core import admission, selectors, tags
from modelrail.core.history import ModelState, Registered
from modelrail.core.versions import Bump, Version, is_version
from modelrail.errors import NotFoundError, RefusedError, UsageError

FIRST_VERSION = "v1.0.0"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks, why, and when; `operation` names the request so that a repetition is recognised."""

    actor: str
    operation: str
    now: int  # Unix seconds
    reason: str = ""
    run: str = ""
    workflow: str = ""

    def trailers(self) -> dict[str, str]:
        return {
            "Actor": self.actor,
            "Reason": self.reason,
            "Run": self.run,
            "Workflow": self.workflow,
            "Operation": self.operation,
        }


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What shall be, and the tags that make it so (none when it already is)."""

    model: str
    version: str
    changed: bool
    tag: str  # of the event that answers the request, new or old
    stage: str = ""
    sequence: int = 0
    replaced: str = ""
    operation: str = ""
    tags: tuple[plans.Tag, ...] = ()
    entered: tuple[str, ...] = ()  # stages that a registration entered
    note: str = ""

    @property
    def push(self) -> plans.Plan:
        return (plans.PushTags(tags=self.tags, operation=self.operation),) if self.tags else ()


# --- register --------------------------------------------------------------------------------------------


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


def data_digest(candidate: records.Candidate) -> str:
    """The version of the data that the model is a function of."""
    data = candidate.fingerprint.train or candidate.fingerprint.test
    return data.digest


def next_version(state: ModelState, bump: Bump, first: str = FIRST_VERSION) -> str:
    """The successor of the highest version name ever used, also of one that was taken back."""
    if not is_version(first):
        raise UsageError(f"{first!r} is not a version.", next="Write it like v1.0.0.")
    highest = state.highest
    return first if highest is None else Version(highest).bump(bump).text


def already_registered(state: ModelState, digest: str) -> Registered | None:
    """The latest version, when it has these very bytes: there is nothing to register then."""
    latest = state.latest
    return latest if latest is not None and latest.model_digest == digest else None


def register(
    state: ModelState,
    policy: config.Model,
    evidence: records.Evidence,
    evidence_digest: str,
    version: str,
    asked: Asked,
) -> Decision:
    """Register the candidate of the evidence, and let it into the stages with `enter: on-pass`."""
    admission.passed(evidence)
    admission.first_allowed(evidence, policy)
    candidate = evidence.candidate
    if candidate.fingerprint.dirty:
        raise RefusedError(
            f"{state.model} was trained from changed files that no commit holds.",
            next="Commit them, and train again; a version must be reproducible from its commit.",
        )
    known = already_registered(state, candidate.file.digest)
    if known is not None:
        return Decision(
            model=state.model, version=known.version, changed=False, tag=known.event.tag,
            note=f"the model file is the same as in {known.version}",
        )  # fmt: skip
    if version in state.versions:
        raise RefusedError(
            f"{state.model} {version} exists already.", next="A version never changes; choose another."
        )
    facts = _evidence_trailers(evidence, evidence_digest)
    summary = _evidence_summary(evidence)
    name = tags.format_name(tags.Name("register", state.model, version=version))
    registration = plans.Tag(
        name=name,
        target=candidate.fingerprint.commit,
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
                "Params-Digest": candidate.fingerprint.params or "",
                "Tracking-Run": candidate.tracking.run_id if candidate.tracking else "",
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
            _assign(
                state, version, candidate.fingerprint.commit, stage.name, asked,
                number=state.counter + len(made), time=registration.time + len(made),
                subject=f"{state.model} {version} is in {stage.name}",
                summary=(summary, "It entered because every gate passed."), facts=facts,
            )
        )  # fmt: skip
        entered.append(stage.name)
    return Decision(
        model=state.model, version=version, changed=True, tag=name, tags=tuple(made),
        operation=asked.operation, entered=tuple(entered),
    )  # fmt: skip


# --- promote ---------------------------------------------------------------------------------------------


def already_promoted(state: ModelState, version: str, stage: str, operation: str) -> Decision | None:
    """The result of an earlier, equal request: the same operation, or the version is in the stage now."""
    done = state.operation(operation)
    if done is not None and done.kind == "assign":
        return _answered(state, done, "this operation was carried out before")
    current = state.stages.get(stage)
    if current is not None and current.version == version:
        return _answered(state, current.event, f"{version} is in {stage} already")
    return None


def promote(
    state: ModelState,
    policy: config.Model,
    version: str,
    stage: str,
    evidence: records.Evidence | None,
    evidence_digest: str,
    asked: Asked,
) -> Decision:
    """Put a registered version into a stage, carried by its evidence."""
    registered = selectors.registered(state, version)
    rule = _stage(policy, stage)
    done = already_promoted(state, version, stage, asked.operation)
    if done is not None:
        return done
    reinstates = registered.unhealthy is not None
    if registered.unhealthy is not None and not asked.reason:
        why = registered.unhealthy.trailers.get("Reason", "")
        raise RefusedError(
            f"{state.model} {version} was rolled back by {registered.unhealthy.tag}.",
            why=f"The reason then: {why}" if why else "",
            next="Register a corrected version, or give --reason to put this one back all the same.",
        )
    if rule.source is not None:
        there = state.stages.get(rule.source)
        if there is None or there.version != version:
            holds = there.version if there else "nothing"
            raise RefusedError(
                f"{version} is not in {rule.source}, which holds {holds}.",
                why=f"The policy lets only versions from {rule.source} into {stage} (stages.{stage}.from).",
                next=f"Run:  modelrail promote {state.model} {version} --to {rule.source}",
            )
    if evidence is None:
        raise RefusedError(
            f"There is no evidence for {state.model} {version}.",
            why="A missing answer is never a yes.",
            next=f"Run:  modelrail evaluate {state.model}@{version} --against {stage}; modelrail compare;"
            " then promote with --evidence FILE.",
        )
    admission.belongs(evidence, evidence_digest, registered, state.model)
    admission.passed(evidence)
    admission.answers(evidence, state, version, stage, policy)
    current = state.stages.get(stage)
    extra = {"Reinstates": version} if reinstates else {}
    tag = _assign(
        state, version, registered.commit, stage, asked,
        number=state.counter + 1, time=max(asked.now, state.last_time + 1),
        subject=f"{state.model} {version} is in {stage}", summary=(_evidence_summary(evidence),),
        facts=_evidence_trailers(evidence, evidence_digest) | extra,
    )  # fmt: skip
    return Decision(
        model=state.model, version=version, changed=True, tag=tag.name, stage=stage,
        sequence=state.counter + 1, replaced=current.version if current else "",
        operation=asked.operation, tags=(tag,),
    )  # fmt: skip


# --- rollback --------------------------------------------------------------------------------------------


def rollback(
    state: ModelState, policy: config.Model | None, stage: str, to: str | None, asked: Asked
) -> Decision:
    """Put an earlier version back; the one that is left is marked and not chosen again."""
    if not tags.one_line(asked.reason):
        raise UsageError("A rollback needs a reason.", next='Give --reason "what went wrong".')
    done = state.operation(asked.operation)
    if done is not None and done.kind == "assign":
        return _answered(state, done, "this operation was carried out before")
    if policy is not None and stage not in state.stages:
        _stage(policy, stage)
    current = state.stages.get(stage)
    if current is None:
        raise RefusedError(
            f"{state.model} has no version in {stage}: there is nothing to leave.",
            next=f"Run:  modelrail promote {state.model} VERSION --to {stage}",
        )
    target = _earlier(state, stage, current.version) if to is None else _named(state, stage, to)
    if target.version == current.version:
        return _answered(state, current.event, f"{target.version} is in {stage} already")
    facts = {
        "Model-Digest": target.model_digest,
        "Data-Digest": target.event.trailers.get("Data-Digest", ""),
        "Evidence-Digest": target.evidence_digest,
        "Rollback-From": current.version,
        "Unhealthy": current.version,
    }
    if target.unhealthy is not None:
        facts["Reinstates"] = target.version
    tag = _assign(
        state, target.version, target.commit, stage, asked,
        number=state.counter + 1, time=max(asked.now, state.last_time + 1),
        subject=f"{state.model} {target.version} is back in {stage}",
        summary=(f"Rolled back from {current.version} (event {current.sequence}): {asked.reason}",),
        facts=facts,
    )  # fmt: skip
    return Decision(
        model=state.model, version=target.version, changed=True, tag=tag.name, stage=stage,
        sequence=state.counter + 1, replaced=current.version, operation=asked.operation, tags=(tag,),
    )  # fmt: skip


def _earlier(state: ModelState, stage: str, current: str) -> Registered:
    """The last version before the current one that stood in the stage and is healthy."""
    for event in state.past(stage):
        found = state.versions[event.version or ""]
        if found.version != current and found.unhealthy is None and found.usable:
            return found
    raise RefusedError(
        f"{state.model} has no earlier healthy version in {stage} to go back to.",
        why=f"{current} is the first, or every earlier one was left by a rollback or taken back.",
        next=f"Name one with --to VERSION, or promote a corrected one. See:  modelrail history {state.model}",
    )


def _named(state: ModelState, stage: str, version: str) -> Registered:
    found = selectors.registered(state, version)
    if not any(event.version == version for event in state.past(stage)):
        raise RefusedError(
            f"{state.model} {version} never was in {stage}; a rollback goes back to what was there.",
            next=f"Run:  modelrail promote {state.model} {version} --to {stage}",
        )
    return found


# --- parts -----------------------------------------------------------------------------------------------


def _stage(policy: config.Model, stage: str) -> config.Stage:
    found = policy.stage(stage)
    if found is None:
        known = ", ".join(known.name for known in policy.stages) or "none"
        raise NotFoundError(
            f"{policy.name} has no stage {stage!r} in modelrail.yaml.", next=f"It has: {known}."
        )
    return found


def _assign(
    state: ModelState,
    version: str,
    commit: str,
    stage: str,
    asked: Asked,
    *,
    number: int,
    time: int,
    subject: str,
    summary: Sequence[str],
    facts: Mapping[str, str],
) -> plans.Tag:
    current = state.stages.get(stage)
    return plans.Tag(
        name=tags.format_name(tags.Name("assign", state.model, stage=stage, counter=number)),
        target=commit,
        time=time,
        message=tags.message(
            subject,
            summary,
            {
                "Model": state.model,
                "Version": version,
                "Stage": stage,
                "Sequence": str(number),
                "Replaces": current.version if current else "",
                **facts,
                **asked.trailers(),
            },
        ),
    )


def _evidence_trailers(evidence: records.Evidence, digest: str) -> dict[str, str]:
    baseline = evidence.evaluation.baseline_ref
    good, all_ = admission.gate_counts(evidence.comparison)
    return {
        "Model-Digest": evidence.candidate.file.digest,
        "Data-Digest": data_digest(evidence.candidate),
        "Evidence-Digest": digest,
        "Baseline": (baseline.version or "") if baseline.status == "present" else "none",
        "Baseline-Sequence": "" if baseline.sequence is None else str(baseline.sequence),
        "Verdict": evidence.comparison.verdict,
        "Gates": f"{good}/{all_}",
    }


def _evidence_summary(evidence: records.Evidence) -> str:
    good, all_ = admission.gate_counts(evidence.comparison)
    counted = f"{good} of {all_} gates passed." if all_ else "No gates."
    headline = evidence.comparison.headline.strip()
    if headline and headline[-1] not in ".!?":
        headline += "."
    return f"{headline} {counted}".strip()


def _answered(state: ModelState, event: records.Event, note: str) -> Decision:
    return Decision(
        model=state.model, version=event.version or "", changed=False, tag=event.tag, stage=event.stage or "",
        sequence=event.sequence or 0, replaced=event.trailers.get("Replaces", ""), note=note,
    )  # fmt: skip
