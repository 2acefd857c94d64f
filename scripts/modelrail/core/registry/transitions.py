"""What a promotion or a rollback does, as tags to create; or the error that says why it may not.

Pure: state, policy, evidence and who asks go in, a decision comes out. The same operation asked twice gives
the first one's result with `changed=False`.
"""

from __future__ import annotations

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.registry import admission, selectors, tags
from modelrail.core.registry.decisions import (
    Asked,
    Decision,
    answered,
    assign_tag,
    evidence_summary,
    evidence_trailers,
    leaving,
    may,
    room,
)
from modelrail.core.registry.history import ModelState, Registered
from modelrail.errors import NotFoundError, RefusedError, UsageError


def already_promoted(state: ModelState, version: str, stage: str, operation: str) -> Decision | None:
    """The result of an earlier, equal request: the same operation, or the version is in the stage now."""
    done = state.operation(operation)
    if done is not None and done.kind == "assign":
        return answered(state, done, "this operation was carried out before")
    for there in state.standing(stage):
        if there.version == version:
            return answered(state, there.event, f"{version} is in {stage} already")
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
    may(asked, rule, f"put a version of {state.model} into")
    reinstates = registered.unhealthy is not None
    if registered.unhealthy is not None and not asked.reason:
        why = registered.unhealthy.trailers.get("Reason", "")
        raise RefusedError(
            f"{state.model} {version} was rolled back by {registered.unhealthy.tag}.",
            why=f"The reason then: {why}" if why else "",
            next="Register a corrected version, or give --reason to put this one back all the same.",
        )
    if rule.source is not None:
        there = [assigned.version for assigned in state.standing(rule.source)]
        if version not in there:
            holds = " and ".join(there) or "nothing"
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
    beside = room(state, rule, version)
    extra = {"Reinstates": version} if reinstates else {}
    tag = assign_tag(
        state, version, registered.target, stage, asked,
        number=state.counter + 1, time=max(asked.now, state.last_time + 1),
        subject=f"{state.model} {version} is in {stage}", summary=(evidence_summary(evidence),),
        facts=evidence_trailers(evidence, evidence_digest) | extra, beside=beside,
    )  # fmt: skip
    return Decision(
        model=state.model, version=version, changed=True, tag=tag.name, stage=stage,
        sequence=state.counter + 1, replaced=leaving(state, stage, beside),
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
        return answered(state, done, "this operation was carried out before")
    rule = policy.stage(stage) if policy is not None else None
    if policy is not None and stage not in state.stages:
        rule = _stage(policy, stage)
    if rule is not None:
        may(asked, rule, f"put a version of {state.model} into")
    current = state.stages.get(stage)
    if current is None:
        raise RefusedError(
            f"{state.model} has no version in {stage}: there is nothing to leave.",
            next=f"Run:  modelrail promote {state.model} VERSION --to {stage}",
        )
    target = _earlier(state, stage, current.version) if to is None else _named(state, stage, to)
    if target.version == current.version:
        return answered(state, current.event, f"{target.version} is in {stage} already")
    facts = {
        "Model-Digest": target.model_digest,
        "Data-Digest": target.event.trailers.get("Data-Digest", ""),
        "Evidence-Digest": target.evidence_digest,
        "Rollback-From": current.version,
        "Unhealthy": current.version,
    }
    if target.unhealthy is not None:
        facts["Reinstates"] = target.version
    beside = tuple(one.version for one in current.beside if one.version != target.version)
    tag = assign_tag(
        state, target.version, target.target, stage, asked,
        number=state.counter + 1, time=max(asked.now, state.last_time + 1),
        subject=f"{state.model} {target.version} is back in {stage}",
        summary=(f"Rolled back from {current.version} (event {current.sequence}): {asked.reason}",),
        facts=facts, beside=beside,
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


def _stage(policy: config.Model, stage: str) -> config.Stage:
    found = policy.stage(stage)
    if found is None:
        known = ", ".join(known.name for known in policy.stages) or "none"
        raise NotFoundError(
            f"{policy.name} has no stage {stage!r} in modelrail.yaml.", next=f"It has: {known}."
        )
    return found
