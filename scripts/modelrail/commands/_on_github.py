"""What shows on GitHub who stands where: flags of releases, deployments. The tags decide, this follows."""

from __future__ import annotations

from modelrail import plans
from modelrail.config import resolved as config
from modelrail.core.registry.decisions import Decision
from modelrail.core.registry.history import Assigned, ModelState


def leads(loaded: config.Config, model: str) -> bool:
    """Whether the releases of this model may be the latest: a repository has one, the first model's."""
    return loaded.models[0].name == model


def entered(
    loaded: config.Config,
    policy: config.Model,
    decision: Decision,
    state: ModelState,
    version_tag: str,
    left_tag: str = "",
) -> plans.Plan:
    """After a promotion or a rollback: the flags of the releases for the last stage, and a deployment.

    Also of an event that was there before, as long as it stands: the run that made it may have died since.
    `left_tag`: the version that a rollback left; its release is no full one any more.
    """
    stands = state.stages.get(decision.stage)
    if not decision.changed and (stands is None or stands.event.tag != decision.tag):
        return ()
    effects: list[plans.Effect] = []
    if _last(policy, decision.stage):
        effects.append(
            plans.MarkRelease(tag=version_tag, prerelease=False, latest=leads(loaded, policy.name))
        )
        if left_tag:
            effects.append(plans.MarkRelease(tag=left_tag, prerelease=True, latest=False))
    place = (decision.stage, decision.version, decision.sequence, decision.tag)
    return (*effects, _deployment(loaded, policy, place, version_tag, "success"))


def left(
    loaded: config.Config, policy: config.Model, state: ModelState, gone: Assigned, newest: Assigned | None
) -> plans.Plan:
    """After a version was taken out: its release is no full one, its deployment no active one.

    `newest`: where it was the newest of several, the one that is so now, which is shown in its place.
    """
    tag = state.versions[gone.version].event.tag
    effects: list[plans.Effect] = []
    if _last(policy, gone.stage):
        effects.append(plans.MarkRelease(tag=tag, prerelease=True, latest=False))
    effects.append(_deployment(loaded, policy, _place(gone), tag, "inactive"))
    if newest is None:
        return tuple(effects)
    tag = state.versions[newest.version].event.tag
    if _last(policy, newest.stage):
        effects.append(plans.MarkRelease(tag=tag, prerelease=False, latest=leads(loaded, policy.name)))
    return (*effects, _deployment(loaded, policy, _place(newest), tag, "success"))


def _place(there: Assigned) -> tuple[str, str, int, str]:
    return there.stage, there.version, there.sequence, there.event.tag


def _last(policy: config.Model, stage: str) -> bool:
    return bool(policy.stages) and stage == policy.stages[-1].name


def _deployment(
    loaded: config.Config, policy: config.Model, place: tuple[str, str, int, str], ref: str, state: str
) -> plans.SetDeployment:
    """That of one event: its payload says which, so that it is found again."""
    stage, version, sequence, tag = place
    return plans.SetDeployment(
        environment=f"{stage}/{policy.name}" if len(loaded.models) > 1 else stage,
        ref=ref,
        description=f"{policy.name} {version} (event {sequence})",
        state=state,
        payload={
            "model": policy.name, "version": version, "stage": stage, "sequence": str(sequence), "tag": tag,
        },
    )  # fmt: skip
