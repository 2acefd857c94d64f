"""What takes something out of use: a version, what stands in a stage, a whole model. Each is one more event.

Pure, like transitions.py. Nothing is deleted: the record says that it was there, who took it back, and why.
"""

from __future__ import annotations

from modelrail import plans
from modelrail.config import resolved as config
from modelrail.core.registry import selectors, tags
from modelrail.core.registry.decisions import Asked, Decision, answered, may
from modelrail.core.registry.history import ModelState
from modelrail.errors import NotFoundError, RefusedError, UsageError


def deregister(state: ModelState, version: str, asked: Asked) -> Decision:
    """Take a version back. Its name is never given again; a version that stands somewhere stays."""
    _reasoned(asked)
    done = state.operation(asked.operation, "deregister")
    if done is not None:
        return answered(state, done, "this operation was carried out before")
    known = state.versions.get(version)
    if known is not None and known.deregistered is not None:
        return answered(state, known.deregistered, f"{version} was taken back already")
    registered = selectors.registered(state, version)
    standing = [
        stage for stage in state.stages if version in {there.version for there in state.standing(stage)}
    ]
    if standing:
        raise RefusedError(
            f"{state.model} {version} is in {' and '.join(standing)}.",
            next=f"Run first:  modelrail rollback {state.model} --stage {standing[0]}   or"
            f"  modelrail unassign {state.model} --stage {standing[0]}",
        )
    name = tags.Name("deregister", state.model, version=version)
    facts = {"Version": version, "After": str(state.counter)}
    subject = f"{state.model} {version} is taken back"
    return _decided(state, name, registered.target, subject, facts, asked, version=version)


def unassign(
    state: ModelState, policy: config.Model | None, stage: str, asked: Asked, version: str = ""
) -> Decision:
    """Take a version (default: the newest there) out of a stage; what stood before it does not come back."""
    _reasoned(asked)
    done = state.operation(asked.operation)
    if done is not None and done.kind == "unassign":
        return answered(state, done, "this operation was carried out before")
    current = state.stages.get(stage)
    if current is None:
        past = [event for event in state.events if event.stage == stage]
        if not past:
            filled = ", ".join(sorted(state.stages)) or "none"
            raise NotFoundError(
                f"{state.model} never had a version in {stage}.", next=f"Stages with a version: {filled}."
            )
        return answered(state, past[-1], f"{stage} is empty already")
    there = {one.version: one for one in state.standing(stage)}
    if version and version not in there:
        raise NotFoundError(
            f"{state.model} {version} is not in {stage}.", next=f"It holds {' and '.join(there)}."
        )
    current = there[version or current.version]
    rule = policy.stage(stage) if policy is not None else None
    if rule is not None:
        may(asked, rule, f"take a version of {state.model} out of")
    number = state.counter + 1
    name = tags.Name("unassign", state.model, stage=stage, counter=number)
    facts = {
        "Version": current.version,
        "Stage": stage,
        "Sequence": str(number),
        "Replaces": current.version,
    }
    subject = f"{state.model} {current.version} is no longer in {stage}"
    target = state.versions[current.version].target
    return _decided(
        state, name, target, subject, facts, asked, version=current.version, stage=stage, number=number
    )


def deprecate(state: ModelState, asked: Asked) -> Decision:
    """Say that nobody shall begin to use the model; its stages stay. Any later event takes the word back."""
    _reasoned(asked)
    done = state.operation(asked.operation, "deprecate")
    if done is not None:
        return answered(state, done, "this operation was carried out before")
    if state.deprecated is not None:
        return answered(state, state.deprecated, "the model is deprecated already")
    if state.latest is None:
        raise NotFoundError(f"{state.model} has no registered version.")
    before = any(event.kind == "deprecate" for event in state.events)
    number = state.counter + 1
    # The plain name once; after that GTO's form with a number.
    name = tags.Name("deprecate", state.model, counter=number if before else None)
    facts = {"Sequence": str(number)} if before else {"After": str(state.counter)}
    subject = f"{state.model} is deprecated"
    return _decided(state, name, state.latest.target, subject, facts, asked, number=number if before else 0)


def _reasoned(asked: Asked) -> None:
    if not tags.one_line(asked.reason):
        raise UsageError("It needs a reason.", next='Give --reason "why".')


def _decided(
    state: ModelState,
    name: tags.Name,
    target: str,
    subject: str,
    facts: dict[str, str],
    asked: Asked,
    *,
    version: str = "",
    stage: str = "",
    number: int = 0,
) -> Decision:
    text = tags.message(subject, (asked.reason,), {"Model": state.model, **facts, **asked.trailers()})
    tag = plans.Tag(
        name=tags.format_name(name), target=target, time=max(asked.now, state.last_time + 1), message=text
    )
    return Decision(
        model=state.model, version=version, changed=True, tag=tag.name, stage=stage, sequence=number,
        replaced=version if stage else "", operation=asked.operation, tags=(tag,),
    )  # fmt: skip
