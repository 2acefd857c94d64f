"""Which tags of a model tell where it stands now: its latest version, and what each stage holds.

Of a long history these are few. An assign empties its stage of all but what its `Beside` names, so that of a
stage the newest assign and what follows it tell all. Where more than names and numbers decides (GTO's
uncounted events and assigns without a version, versions that were taken back, stages that hold several) all
of the model's tags are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from modelrail.core.registry.tags import Name
from modelrail.core.registry.versions import sort_key
from modelrail.records import Event


def telling(names: Mapping[str, Name]) -> frozenset[str] | None:
    """The tags that tell, out of all tags of one model by name; None where only all of them do."""
    versions: list[tuple[str, str]] = []
    counted: dict[str, list[tuple[int, str, str]]] = {}
    numbers: set[int] = set()
    for tag, name in names.items():
        if name.kind == "register" and name.counter is None and name.version is not None:
            versions.append((name.version, tag))
        elif name.kind in {"assign", "unassign"} and name.counter is not None and name.stage is not None:
            if name.counter in numbers:
                return None  # the clock decides between them
            numbers.add(name.counter)
            counted.setdefault(name.stage, []).append((name.counter, name.kind, tag))
        else:
            return None
    found = set()
    if versions:
        found.add(max(versions, key=lambda one: sort_key(one[0]))[1])
    for events in counted.values():
        for _, kind, tag in sorted(events, reverse=True):
            found.add(tag)
            if kind == "assign":
                break
    return frozenset(found)


def suffice(wanted: Collection[str], events: Collection[Event]) -> bool:
    """Whether these events, read from the tags that tell, do: none is missing, and none points at others."""
    return len(events) == len(wanted) and all(
        event.kind == "register" or (event.version is not None and "Beside" not in event.trailers)
        for event in events
    )
