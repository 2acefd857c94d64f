"""The state of the registry, folded from its events.

The order of the counted events of a model is their number, never the clock: a slow clock cannot lose a
rollback. Events without a number (register, deregister, deprecate, and GTO's uncounted assigns) stand after
the counted event that their `After` trailer names; without one, where their time puts them. Trailers, not
commits, say which version an assign means; only tags that GTO wrote are resolved by their commit.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from modelrail.core.registry.tags import MAX_COUNTER_DIGITS
from modelrail.core.registry.versions import is_version, sort_key
from modelrail.records import Event

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_RANK = {"deprecate": 0, "register": 1, "assign": 2, "unassign": 3, "deregister": 4}


class Registered(Struct, frozen=True, kw_only=True):
    """A version, and what became of it."""

    version: str
    event: Event  # its registration; for a version that GTO only assigned: the first assign
    deregistered: Event | None = None
    unhealthy: Event | None = None  # the rollback that left it

    @property
    def commit(self) -> str:
        """The commit that was trained; of a retrain its tag points at a twin of it."""
        said = self.event.trailers.get("Commit", "")
        return said if _COMMIT.match(said) else self.event.commit

    @property
    def target(self) -> str:
        """What its tags point at."""
        return self.event.commit

    @property
    def model_digest(self) -> str:
        return self.event.trailers.get("Model-Digest", "")

    @property
    def evidence_digest(self) -> str:
        return self.event.trailers.get("Evidence-Digest", "")

    @property
    def usable(self) -> bool:
        return self.deregistered is None and self.event.kind == "register"


class Assigned(Struct, frozen=True, kw_only=True):
    """What stands in a stage."""

    stage: str
    version: str
    sequence: int  # number of the event that put it there; 0 for GTO's uncounted assigns
    event: Event
    beside: tuple[Assigned, ...] = ()  # what else stands there, newest first, where the policy lets several


class ModelState(Struct, frozen=True, kw_only=True):
    """One model, after all its events."""

    model: str
    versions: dict[str, Registered] = {}  # in order of registration
    stages: dict[str, Assigned] = {}  # only stages that hold a version
    events: tuple[Event, ...] = ()  # in order; assigns carry the version that they mean
    deprecated: Event | None = None
    counter: int = 0  # highest number of a counted event
    last_time: int = 0

    @property
    def latest(self) -> Registered | None:
        """The highest version that is registered and not taken back."""
        usable = [found for found in self.versions.values() if found.usable]
        return max(usable, key=lambda found: sort_key(found.version), default=None)

    @property
    def highest(self) -> str | None:
        """The highest version name ever used; a name that was taken back is never given again."""
        names = (name for name, found in self.versions.items() if is_version(name))
        return max(names, key=sort_key, default=None)

    def standing(self, stage: str) -> tuple[Assigned, ...]:
        """All that a stage holds, newest first."""
        found = self.stages.get(stage)
        return (found, *found.beside) if found is not None else ()

    def past(self, stage: str) -> tuple[Event, ...]:
        """The assigns of a stage, newest first."""
        return tuple(
            event for event in reversed(self.events) if event.kind == "assign" and event.stage == stage
        )

    def operation(self, operation: str, kind: str = "") -> Event | None:
        """The last event (of a kind) that this operation made, if it was carried out before."""
        if not operation:
            return None
        return next(
            (
                event
                for event in reversed(self.events)
                if event.trailers.get("Operation") == operation and kind in {"", event.kind}
            ),
            None,
        )


def fold(events: Iterable[Event]) -> dict[str, ModelState]:
    """The state of every model that has an event, by name."""
    by_model: dict[str, list[Event]] = {}
    for event in events:
        by_model.setdefault(event.model, []).append(event)
    return {model: fold_model(model, found) for model, found in sorted(by_model.items())}


def fold_model(model: str, events: Sequence[Event]) -> ModelState:
    """The state of one model. `events` in any order."""
    ordered = order(events)
    versions: dict[str, Registered] = {}
    stages: dict[str, Assigned] = {}
    at_commit: dict[str, str] = {}
    seen: list[Event] = []
    deprecated: Event | None = None
    # GTO assigns can stand before the register that names their commit; all registrations are known first.
    for event in ordered:
        if event.kind == "register" and event.version:
            at_commit.setdefault(event.commit, event.version)
    for raw in ordered:
        event = raw
        kind = event.kind
        if kind in {"assign", "unassign"} and event.version is None:
            event = replace(event, version=at_commit.get(event.commit, event.commit))
        seen.append(event)
        version = event.version or ""
        if kind == "register":
            known = versions.get(version)
            versions[version] = Registered(
                version=version, event=event, unhealthy=known.unhealthy if known else None
            )
            at_commit[event.commit] = version
        elif kind == "deregister":
            if version in versions:
                versions[version] = replace(versions[version], deregistered=event)
        elif kind == "assign":
            stage = event.stage or ""
            if version not in versions:
                versions[version] = Registered(version=version, event=event)
            kept = event.trailers.get("Beside", "").split()
            beside = tuple(
                one for one in _apart(stages.get(stage)) if one.version in kept and one.version != version
            )
            stages[stage] = Assigned(
                stage=stage, version=version, sequence=event.sequence or 0, event=event, beside=beside
            )  # fmt: skip
            _health(versions, event)
        elif kind == "unassign":
            stage = event.stage or ""
            # It takes the version out. One that names a version that is not there is about the past.
            left = version if raw.version is not None or stage not in stages else stages[stage].version
            rest = tuple(one for one in _apart(stages.get(stage)) if one.version != left)
            stages.pop(stage, None)
            if rest:
                stages[stage] = replace(rest[0], beside=rest[1:])
            _health(versions, event)
        else:
            deprecated = event
    return ModelState(
        model=model,
        versions=versions,
        stages=stages,
        events=tuple(seen),
        deprecated=deprecated if seen and seen[-1].kind == "deprecate" else None,
        counter=max((event.sequence or 0 for event in seen), default=0),
        last_time=max((event.time for event in seen), default=0),
    )


def _apart(found: Assigned | None) -> tuple[Assigned, ...]:
    """What stands in a stage, one by one, newest first."""
    if found is None:
        return ()
    return (replace(found, beside=()), *found.beside) if found.beside else (found,)


def _health(versions: dict[str, Registered], event: Event) -> None:
    left = event.trailers.get("Unhealthy", "")
    if left in versions:
        versions[left] = replace(versions[left], unhealthy=event)
    back = event.version or ""
    if back in versions and event.trailers.get("Reinstates") == back:
        versions[back] = replace(versions[back], unhealthy=None)


def order(events: Sequence[Event]) -> list[Event]:
    """Total and the same for every order of the input: see the top of this file."""
    counted = sorted(
        (event for event in events if event.sequence is not None),
        key=lambda event: (event.sequence or 0, event.time, event.tag),
    )
    # Registrations first: what is said of a version later is placed relative to them.
    loose = sorted(
        (event for event in events if event.sequence is None),
        key=lambda event: (event.kind != "register", event.time, event.tag),
    )
    if not loose:
        return counted
    first_use: dict[str, int] = {}
    reached: list[tuple[int, int]] = []  # (latest time so far, number)
    latest = 0
    for event in counted:
        number = event.sequence or 0
        if event.version is not None and event.kind == "assign":
            first_use.setdefault(event.version, number)
        latest = max(latest, event.time)
        reached.append((latest, number))
    numbers = [number for _, number in reached]
    # The position of a counted event is its number; a loose one stands after the number that it follows.
    placed: list[tuple[tuple[int, int, int, int, str], Event]] = [
        ((event.sequence or 0, 0, event.time, _RANK[event.kind], event.tag), event) for event in counted
    ]
    registered: dict[str, tuple[int, int]] = {}
    for event in loose:
        position, time = _follows(event, reached, numbers), event.time
        version = event.version or ""
        if event.kind == "register":
            if version in first_use:  # a version exists before it stands anywhere
                position = min(position, first_use[version] - 1)
            registered[version] = (position, time)
        elif event.kind == "deregister" and version in registered:  # and before it is taken back
            position, time = max((position, time), registered[version])
        placed.append(((position, 1, time, _RANK[event.kind], event.tag), event))
    placed.sort(key=lambda item: item[0])
    return [event for _, event in placed]


def _follows(event: Event, reached: Sequence[tuple[int, int]], numbers: Sequence[int]) -> int:
    """The number of the counted event after which an uncounted one stands; 0 before all."""
    after = event.trailers.get("After", "")
    if after.isascii() and after.isdigit() and len(after) <= MAX_COUNTER_DIGITS:
        at = bisect_right(numbers, int(after))
    else:
        at = bisect_left(reached, (event.time, -1))
    return numbers[at - 1] if at else 0
