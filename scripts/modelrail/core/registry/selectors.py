"""What people write for a version: `NAME`, `NAME@latest`, `NAME@v1.2.3`, `NAME#production`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from modelrail.core.registry import tags
from modelrail.core.registry.history import Assigned, ModelState, Registered
from modelrail.core.registry.versions import is_version
from modelrail.errors import NotFoundError, UsageError


class Selector(Struct, frozen=True, kw_only=True):
    """A parsed selector; neither `version` nor `stage` means the latest version."""

    model: str
    version: str | None = None
    stage: str | None = None

    def __str__(self) -> str:
        if self.stage:
            return f"{self.model}#{self.stage}"
        return f"{self.model}@{self.version or 'latest'}"


class Selected(Struct, frozen=True, kw_only=True):
    """The version that a selector means; `assigned` when it was asked by its stage."""

    model: str
    registered: Registered
    assigned: Assigned | None = None

    @property
    def version(self) -> str:
        return self.registered.version


def parse(text: str) -> Selector:
    """Raises UsageError when the text cannot be a selector."""
    model, mark, stage = text.partition("#")
    if mark:
        if tags.is_name(stage) and _is_model(model):
            return Selector(model=model, stage=stage)
    else:
        model, mark, version = text.partition("@")
        if _is_model(model):
            if not mark or version in {"latest", "greatest"}:
                return Selector(model=model)
            if is_version(version):
                return Selector(model=model, version=version)
    raise UsageError(
        f"{tags.one_line(text, 80)!r} is not a selector.",
        next="Write NAME, NAME@latest, NAME@v1.2.3 or NAME#production.",
    )


def _is_model(text: str) -> bool:
    return tags.is_name(text.rpartition(":")[2])


def model_state(states: Mapping[str, ModelState], model: str) -> ModelState:
    """The state of a model. Raises NotFoundError, naming near models."""
    found = states.get(model)
    if found is None:
        import difflib

        near = difflib.get_close_matches(model, states, n=3)
        raise NotFoundError(
            f"The registry has no model {model!r}.",
            next=f"It has: {', '.join(near or sorted(states)[:5])}."
            if states
            else "No tag here is of it. `modelrail show --fetch` asks the remote, and lists the models.",
        )
    return found


def resolve(states: Mapping[str, ModelState], selector: Selector) -> Selected:
    """The version that a selector means. Raises NotFoundError, saying what there is instead."""
    state = model_state(states, selector.model)
    if selector.stage:
        assigned = state.stages.get(selector.stage)
        if assigned is None:
            filled = ", ".join(sorted(state.stages)) or "none"
            raise NotFoundError(
                f"{selector.model} has no version in {selector.stage}.",
                next=f"Stages with a version: {filled}.",
            )
        return Selected(model=state.model, registered=state.versions[assigned.version], assigned=assigned)
    if selector.version:
        return Selected(model=state.model, registered=registered(state, selector.version))
    if state.latest is None:
        raise NotFoundError(f"{selector.model} has no registered version.")
    return Selected(model=state.model, registered=state.latest)


def registered(state: ModelState, version: str) -> Registered:
    """A version that is registered and not taken back. Raises NotFoundError."""
    found = state.versions.get(version)
    if found is None or found.event.kind != "register":
        latest = f" The latest is {state.latest.version}." if state.latest else ""
        raise NotFoundError(
            f"{state.model} has no version {version}.{latest}", next=f"modelrail history {state.model}"
        )
    if found.deregistered is not None:
        raise NotFoundError(f"{state.model} {version} was taken back by {found.deregistered.tag}.")
    return found
