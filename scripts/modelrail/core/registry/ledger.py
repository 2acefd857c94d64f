"""The ledger: what stands where in its tree, and what its commits say.

    events/<model>/<0000...>/<tag>     a link to the tag object, a hundred a folder, in order
    models/<model>/<version>/<file>    evidence, model card, report: of each version, written once

A commit is one event. Its message is the tag's, and four trailers more: the tag, the tag object, what that
points at, and whose event it is. The tag names the commit's parent (`Ledger:`), so that neither can be
exchanged alone. The first commit, which has no parent, lists the tags that were there before the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from modelrail.core.registry import tags
from modelrail.records import Event

BRANCH = "modelrail/ledger"
EVENTS, MODELS = "events", "models"
SHARD = 100  # events a folder: a write touches one folder, however long the ledger is
PARENT = "Ledger"  # trailer of a tag: the commit that its own ledger commit follows
TAG, OBJECT, TARGET = "Tag", "Tag-Object", "Tag-Target"
ADOPTED = "Adopted"  # trailer of a commit that lists tags it did not come with: how many


def folder(model: str) -> str:
    """A model's folder below `events/` and `models/`: one level, whatever the name."""
    return model.replace(":", "=").replace("/", "~")


def leaf(tag: str) -> str:
    """A tag as a file name."""
    return tag.replace("/", "~")


def tag_of(leaf_name: str) -> str:
    return leaf_name.replace("~", "/")


def shard(number: int) -> str:
    return f"{number:04d}"


def version_folder(model: str, version: str) -> str:
    return f"{MODELS}/{folder(model)}/{version}"


def with_parent(message: str, parent: str) -> str:
    """A tag's message with the trailer that names its ledger parent; the trailers are its last paragraph."""
    return f"{message.rstrip(chr(10))}\n{PARENT}: {parent}\n"


def message_of(tag: str, oid: str, target: str, text: str) -> str:
    """What the ledger commit of a tag says."""
    return f"{text.rstrip(chr(10))}\n{TAG}: {tag}\n{OBJECT}: {oid}\n{TARGET}: {target}\n"


def beginning(adopted: Mapping[str, str]) -> str:
    """The message of the first commit."""
    count = f"{len(adopted)} {'tag' if len(adopted) == 1 else 'tags'}"
    return tags.message(
        f"Begin the ledger{f' with {count} that stood before it' if adopted else ''}",
        ("One commit an event from here on; nothing of this branch is ever rewritten.",),
        {ADOPTED: str(len(adopted))},
    )


class Entry(NamedTuple):
    """One commit of the ledger, read."""

    commit: str
    parents: tuple[str, ...]
    time: int
    author: str
    subject: str
    trailers: dict[str, str]

    @property
    def tag(self) -> str:
        return self.trailers.get(TAG, "")

    @property
    def object(self) -> str:
        return self.trailers.get(OBJECT, "")

    @property
    def adopts(self) -> bool:
        return ADOPTED in self.trailers and not self.tag


def event(entry: Entry) -> Event | None:
    """The event that a ledger commit records: the same that its tag says; None for one that records none."""
    name = tags.parse_name(entry.tag)
    if name is None:
        return None
    trailers = {
        key: value for key, value in entry.trailers.items() if key not in {TAG, OBJECT, TARGET}
    }  # fmt: skip
    version = name.version
    if version is None and name.kind in {"assign", "unassign"}:
        version = trailers.get("Version") or None
    return Event(
        kind=name.kind,
        model=name.model,
        version=version,
        stage=name.stage,
        sequence=name.counter,
        tag=entry.tag,
        object=entry.object,
        commit=entry.trailers.get(TARGET, ""),
        time=entry.time,
        tagger=entry.author,
        subject=entry.subject,
        trailers=trailers,
    )


def later_evidence(digest: str) -> str:
    """Where in a version's folder the evidence of a later measurement stands."""
    return f"evidence/{digest.removeprefix('sha256:')}.json"
