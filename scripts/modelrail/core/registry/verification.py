"""Whether ledger and tags tell one story. Pure: what was read goes in, findings come out, each naming both
objects that should be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from modelrail import errors
from modelrail.core.registry import ledger, tags
from modelrail.core.registry.history import ModelState
from modelrail.core.registry.versions import is_version
from modelrail.records import Event

Kind = Literal[
    "moved", "deleted", "lightweight", "unlisted", "ledger", "evidence", "asset", "signature", "order",
    "state",
]  # fmt: skip

_ERRORS: dict[str, type[errors.ModelrailError]] = {
    "moved": errors.TagTamperedError,
    "deleted": errors.TagTamperedError,
    "lightweight": errors.TagTamperedError,
    "unlisted": errors.TagTamperedError,
    "ledger": errors.LedgerTamperedError,
    "evidence": errors.BytesTamperedError,
    "asset": errors.BytesTamperedError,
    "signature": errors.SignatureError,
    "order": errors.InconsistentError,
    "state": errors.InconsistentError,
}
# Which of several findings names the exit code: the worst first.
_WORST: tuple[str, ...] = ("ledger", "moved", "deleted", "lightweight", "unlisted", "evidence", "asset")
SUMS = "SHA256SUMS"
MAX_FILES = 1000  # of a release
_SUM = re.compile(r"([0-9a-f]{64})  ([^/]{1,255})\Z")


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    kind: Kind
    subject: str  # the tag, the commit, or the file
    what: str
    expected: str = ""  # the object that the record names
    found: str = ""  # the object that is there

    def __str__(self) -> str:
        pair = f" (recorded: {self.expected or 'none'}; there: {self.found or 'none'})"
        return f"{self.what}{pair if self.expected or self.found else ''}"


def error(findings: Sequence[Finding]) -> errors.ModelrailError:
    """The findings as one error; its class, and so the exit code, is that of the worst."""

    def rank(finding: Finding) -> int:
        return _WORST.index(finding.kind) if finding.kind in _WORST else len(_WORST)

    worst = min(findings, key=rank)
    more = f" And {len(findings) - 1} more." if len(findings) > 1 else ""
    return _ERRORS[worst.kind](
        f"{worst.what}{more}",
        why=f"Recorded: {worst.expected or 'none'}; there: {worst.found or 'none'}."
        if worst.expected or worst.found
        else "",
        next="Run:  modelrail verify   and see docs/registry.md for what each finding means.",
    )


# --- tags against the list of the ledger -----------------------------------------------------------------


def compare_tags(
    listed: Mapping[str, str], annotated: Mapping[str, str], foreign: Mapping[str, str]
) -> list[Finding]:
    """What the ledger lists (tag -> object) against the tags that are there.

    `foreign`: names of the grammar that are no events, lightweight tags mostly, with what they point at.
    """
    found: list[Finding] = []
    for tag, oid in listed.items():
        there = annotated.get(tag)
        if there == oid:
            continue
        if there is not None:
            found.append(Finding("moved", tag, f"The tag {tag} was moved.", oid, there))
        elif tag in foreign:
            what = f"The tag {tag} was replaced by a lightweight one."
            found.append(Finding("lightweight", tag, what, oid, foreign[tag]))
        else:
            found.append(Finding("deleted", tag, f"The tag {tag} was deleted.", oid))
    for tag, oid in annotated.items():
        if tag not in listed:
            what = f"The tag {tag} is not in the ledger: something else than modelrail made it."
            found.append(Finding("unlisted", tag, what, "", oid))
    found += [
        Finding("lightweight", tag, f"{tag} is a lightweight tag: no event, but its name is taken.", "", oid)
        for tag, oid in foreign.items()
        if tag not in listed
    ]
    return found


# --- the chain -------------------------------------------------------------------------------------------


def check_chain(
    entries: Sequence[ledger.Entry], listed: Mapping[str, str], begun: Mapping[str, str]
) -> list[Finding]:
    """The commits of the ledger, first to last: one line, each with one event, all of them listed.

    `begun`: what the first commit lists. Only that one may list tags that stood before it: every other tag of
    the list has a commit of its own.
    """
    found: list[Finding] = []
    before = ""
    named: dict[str, str] = {}
    for entry in entries:
        if entry.parents != ((before,) if before else ()):
            found.append(
                Finding(
                    "ledger", entry.commit, f"The ledger forks at {entry.commit[:12]}: it is not one line.",
                    before, " ".join(entry.parents),
                )
            )  # fmt: skip
        first, before = not before, entry.commit
        if entry.adopts:
            if not first:
                what = f"The ledger commit {entry.commit[:12]} takes in tags, which only the first one may."
                found.append(Finding("ledger", entry.commit, what, entries[0].commit, entry.commit))
        elif not entry.tag or not entry.object:
            what = f"The ledger commit {entry.commit[:12]} names no tag: modelrail did not write it."
            found.append(Finding("ledger", entry.commit, what, "", entry.commit))
        elif entry.tag in named:
            what = f"The ledger has two commits of {entry.tag}."
            found.append(Finding("ledger", entry.commit, what, named[entry.tag], entry.object))
        else:
            named[entry.tag] = entry.object
            if entry.tag in listed and listed[entry.tag] != entry.object:
                what = f"The ledger commit of {entry.tag} names another object than its list."
                found.append(Finding("ledger", entry.commit, what, entry.object, listed[entry.tag]))
    found += [
        Finding("ledger", tag, f"The ledger has a commit of {tag}, its list has not.", oid)
        for tag, oid in named.items()
        if tag not in listed
    ]
    found += [
        Finding("ledger", tag, f"The ledger lists {tag}, and has no commit of it.", begun.get(tag, ""), oid)
        for tag, oid in listed.items()
        if tag not in named and begun.get(tag) != oid
    ]
    found += [
        Finding("ledger", tag, f"The ledger began with {tag}, and its list has it no more.", oid)
        for tag, oid in begun.items()
        if tag not in listed
    ]
    return found


def check_links(entries: Iterable[ledger.Entry], events: Mapping[str, Event]) -> list[Finding]:
    """Each tag names the parent of its ledger commit, and both say the same."""
    found: list[Finding] = []
    for entry in entries:
        event = events.get(entry.tag)
        if event is None or event.object != entry.object:
            continue  # told by compare_tags
        parent = entry.parents[0] if entry.parents else ""
        said = event.trailers.get(ledger.PARENT, "")
        if said != parent:
            what = f"{entry.tag} names another ledger commit before it than the ledger has."
            found.append(Finding("ledger", entry.tag, what, said, parent))
        theirs = ledger.event(entry)
        if theirs is None or (theirs.trailers, theirs.commit, theirs.time) != (
            event.trailers, event.commit, event.time,
        ):  # fmt: skip
            what = f"The ledger commit of {entry.tag} says something else than the tag."
            found.append(Finding("ledger", entry.tag, what, entry.commit, event.object))
    return found


def check_order(entries: Iterable[ledger.Entry]) -> list[Finding]:
    """Of each model the numbers and the times rise along the ledger."""
    found: list[Finding] = []
    highest: dict[str, tuple[int, ledger.Entry]] = {}
    latest: dict[str, ledger.Entry] = {}
    for entry in entries:
        name = tags.parse_name(entry.tag)
        if name is None:
            continue
        high, late = highest.get(name.model), latest.get(name.model)
        if name.counter is not None:
            if high is not None and name.counter <= high[0]:
                what = f"{entry.tag} stands after {high[1].tag} in the ledger, and has no higher number."
                found.append(Finding("order", entry.tag, what, high[1].object, entry.object))
            else:
                highest[name.model] = (name.counter, entry)
        if late is not None and entry.time <= late.time:
            what = f"{entry.tag} stands after {late.tag} in the ledger, and is not later."
            found.append(Finding("order", entry.tag, what, late.object, entry.object))
        else:
            latest[name.model] = entry
    return found


# --- the state -------------------------------------------------------------------------------------------


def check_state(states: Mapping[str, ModelState]) -> list[Finding]:
    """No stage holds a version that was taken back or never registered."""
    found: list[Finding] = []
    for state in states.values():
        for assigned in (there for stage in state.stages for there in state.standing(stage)):
            version = state.versions[assigned.version]
            what = against = ""
            if version.deregistered is not None:
                what = f"was taken back by {version.deregistered.tag}"
                against = version.deregistered.object
            elif version.event.kind != "register" and is_version(assigned.version):
                what = "was never registered"
            if what:
                found.append(
                    Finding(
                        "state", assigned.event.tag,
                        f"{state.model}#{assigned.stage} holds {assigned.version}, which {what}.",
                        against, assigned.event.object,
                    )
                )  # fmt: skip
    return found


def check_evidence(
    named: Mapping[str, tuple[Sequence[str], str]], kept: Mapping[str, str | None], own: Iterable[str]
) -> list[Finding]:
    """The evidence that the ledger keeps is what the tags name.

    `named`: of each tag the digest, and the files one of which has it; `kept`: the digests that they have.
    What stood before the ledger (not `own`) may have none in it.
    """
    written = set(own)
    found: list[Finding] = []
    for tag, (paths, said) in named.items():
        there = [digest for path in paths if (digest := kept[path]) is not None]
        if said in there or not (there or tag in written):
            continue
        what = (
            f"The evidence of {tag} in the ledger is not the one that the tag names."
            if there
            else f"The evidence of {tag} is not in the ledger."
        )
        found.append(Finding("evidence", tag, what, said, there[-1] if there else ""))
    return found


def check_release(
    tag: str,
    kept: Mapping[str, str],
    named: Mapping[str, str],
    held: Mapping[str, str],
    listed: Mapping[str, str] | None,
) -> list[Finding]:
    """The files of a published release are those that the ledger keeps of its version, byte for byte.

    `kept`: digests of the ledger's files; `named`: those that the tag says; `held`: what the release has of
    all these, and of what its SHA256SUMS lists (`listed`, None without one). A file that the ledger does not
    keep must be what SHA256SUMS says. A release that has none of them is somebody's own, and says nothing.
    """
    if listed is None and not held:
        return []
    expected = {**(listed or {}), **kept, **named}
    found: list[Finding] = []
    for name, digest in expected.items():
        there = held.get(name, "")
        if there == digest or not (there or name in kept or name in (listed or {})):
            continue
        if there:
            by = "that the ledger keeps" if name in kept else "that its record names"
            what = f"{name} of the release {tag} is not the file {by}."
        else:
            what = f"The release {tag} has no {name}, which belongs to it."
        found.append(Finding("asset", tag, what, digest, there))
    if listed is None:
        return [*found, Finding("asset", tag, f"The release {tag} has no {SUMS}, which belongs to it.")]
    for name, digest in listed.items():
        if digest != expected[name]:
            what = f"{SUMS} of the release {tag} names other bytes for {name} than the record."
            found.append(Finding("asset", tag, what, expected[name], digest))
    return found


def checksums(text: str) -> dict[str, str]:
    """The lines of a SHA256SUMS, as digests by file name. Total: what is no such line is left out."""
    found: dict[str, str] = {}
    for line in text.splitlines()[:MAX_FILES]:
        match = _SUM.match(line)
        if match:
            found[match[2]] = f"sha256:{match[1]}"
    return found
