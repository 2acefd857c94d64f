"""Reading the registry's tags with git, in one `for-each-ref`; fetching them by exact prefixes.

What the remote holds is mirrored under `refs/modelrail/remote/` (pruned, so that it is the remote's word and
nothing else). Operations that write decide on the mirror alone: a tag that only this clone has is no event.
Tags that are missing locally are also added to `refs/tags/`, so that plain git, gto and dvc see them.
"""

from __future__ import annotations

import contextlib
import gc
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from modelrail.adapters.git import Git
from modelrail.adapters.registry import blocked, ledger
from modelrail.core.registry import heads, history, tags
from modelrail.core.registry.history import ModelState
from modelrail.core.registry.versions import is_version
from modelrail.errors import GitError, LedgerTamperedError, UnavailableError, UsageError
from modelrail.records import Event

TAGS = "refs/tags/"
MIRROR = "refs/modelrail/remote/"

AGAIN = (0.1, 0.5)  # seconds before a ledger that does not follow the one that was seen is looked at again

_HEAD = "%(objectname) %(objecttype) %(objectsize) %(rest)"
_HEADED = re.compile(r"object [0-9a-f]{40}\ntype [a-z]+\n")
_BEHIND = "A"  # the letter after `@`, which with `#` follows the model in all of its tags
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
FEW = 3  # models that are read whole one by one; of more, all are read at once


class Fetched(Struct, frozen=True):
    """What the remote holds now."""

    tags: Mapping[str, str] = {}  # of those asked for, with objects
    differing: tuple[str, ...] = ()  # names whose local tag object is another
    tip: str = ""  # of the ledger, where it was asked for


def fetch(git: Git, models: Sequence[str] | None, *, with_ledger: bool = False) -> Fetched:
    """Mirror the registry tags of these models (None: of all) from the remote, and the ledger if wanted.

    Works in shallow, tagless and partial clones. A failed fetch is an error, never "no baseline"; a ledger
    that does not follow the one this clone has seen is LedgerTamperedError.
    """
    if models is None:
        parts: list[str] = [""]
    else:
        parts = [prefix for model in models for prefix in _prefixes(model)]
        if not parts:
            return Fetched()
    refs = _mirror(git, parts, with_ledger=with_ledger)
    return Fetched(_below(refs, MIRROR), _publish_locally(git, refs), refs.get(ledger.REF, ""))


def read_back(git: Git, names: Sequence[str]) -> dict[str, str]:
    """The tag objects that the remote holds now under exactly these names; the ledger is mirrored too."""
    found = _below(_mirror(git, names, with_ledger=True), MIRROR)
    return {name: found[name] for name in names if name in found}


def listed(git: Git, model: str) -> dict[str, str]:
    """The model's tags on the remote now, with their objects: the least of a fetch, held against nothing."""
    parts = _prefixes(model)
    _fetch(git, [f"+{TAGS}{part}*:{MIRROR}{part}*" for part in parts], shallow=git.facts()[0])
    return objects(git, MIRROR, parts)


def _mirror(git: Git, parts: Sequence[str], *, with_ledger: bool) -> dict[str, str]:
    """Fetch, and accept the ledger; returns the refs that there are now of these parts, here and mirrored."""
    patterns = [*_patterns(MIRROR, parts), *_patterns(TAGS, parts)]
    for pause in (*AGAIN, None):
        _fetch_all(git, parts, with_ledger=with_ledger)
        refs = _objects(git, [*patterns, ledger.REF, ledger.INCOMING] if with_ledger else patterns)
        if not with_ledger:
            break
        try:
            refs[ledger.REF] = ledger.accept(git, refs)
        except LedgerTamperedError:
            # Another process of this clone, or a server that lags behind itself, can bring an older tip than
            # was seen. One that was rewound stays so.
            if pause is None:
                raise
            time.sleep(pause)
        else:
            break
    return refs


def _fetch_all(git: Git, parts: Sequence[str], *, with_ledger: bool) -> None:
    shallow, _ = git.facts()
    refspecs = [f"+{TAGS}{part}*:{MIRROR}{part}*" for part in parts]
    if with_ledger and not shallow:
        refspecs.append(ledger.REFSPEC)
    _fetch(git, refspecs, shallow=shallow)
    if with_ledger and shallow:
        # From a tip that was seen git brings what follows it; with --depth it would bring no link to it.
        _fetch(git, [ledger.REFSPEC], shallow=not ledger.tip(git), files=False)


def _fetch(git: Git, refspecs: Sequence[str], *, shallow: bool, files: bool = True) -> None:
    """`files`: else of what the commits hold the folders alone.

    A job has a new clone each time, and the ledger's tip holds the evidence of every version there ever was,
    of which it reads one or none. Git brings that one when it is read.
    """
    # By its address: how the user's own `git fetch` treats the remote of that name stays as it is.
    source, kept = (git.remote, git.whole) if files else (git.url() or git.remote, ("--filter=blob:none",))
    depth = ("--depth=1",) if shallow else ()
    options = ("--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-auto-gc")
    try:
        try:
            git.run("fetch", *options, *kept, *depth, source, *refspecs, network=True)
        except GitError as error:
            if "to support partial clone" in error.why:  # the repository has extensions of its own
                kept = ()
            # With --depth, git ends with 1 and not a word when no ref matches: ask again without it. Had one
            # matched, the first call would have brought it, so that this one never brings a whole history.
            elif depth and not error.why:
                depth = ()
            else:
                raise
            git.run("fetch", *options, *kept, *depth, source, *refspecs, network=True)
    except (GitError, UnavailableError) as error:  # a missing permission says so itself
        raise type(error)(
            "The registry could not be read from the remote.",
            why=error.why or error.what,
            next=f"Check the remote {_shown(git.remote)}; without its tags nothing is decided.",
        ) from None


def _prefixes(model: str) -> tuple[str, str]:
    """Refuses an empty name: its refspec would mean all tags, or delete one."""
    if not tags.is_name(model.rpartition(":")[2]):
        raise UsageError(f"{tags.one_line(model, 80)!r} is not a model name.")
    return tags.prefixes(model)


def _shown(remote: str) -> str:
    return re.sub(r"//[^/@]*@", "//", remote)


def _publish_locally(git: Git, refs: Mapping[str, str]) -> tuple[str, ...]:
    """Add what `refs/tags/` lacks; returns the names that differ. A local tag is never overwritten."""
    theirs, ours = _below(refs, MIRROR), _below(refs, TAGS)
    missing = {f"{TAGS}{name}": oid for name, oid in theirs.items() if name not in ours}
    if missing:
        _create(git, missing)
    return tuple(sorted(name for name, oid in theirs.items() if ours.get(name, oid) != oid))


def _below(refs: Mapping[str, str], root: str) -> dict[str, str]:
    return {ref[len(root) :]: oid for ref, oid in refs.items() if ref.startswith(root)}


def _create(git: Git, refs: Mapping[str, str]) -> None:
    """Create refs; not those that another one of this clone leaves no room for, which only writing needs."""
    try:
        git.run("update-ref", "--stdin", data=_creations(refs))
    except GitError:
        stopped = blocked.here(git, list(refs))
        if not stopped:
            raise
        rest = {ref: oid for ref, oid in refs.items() if ref not in stopped}
        git.run("update-ref", "--stdin", data=_creations(rest))


def _creations(refs: Mapping[str, str]) -> bytes:
    return "".join(f"create {ref} {oid}\n" for ref, oid in refs.items()).encode()


def objects(git: Git, root: str, parts: Sequence[str]) -> dict[str, str]:
    """The tags below a root that begin with one of the parts, with their objects."""
    if not parts:
        return {}
    return _below(_objects(git, _patterns(root, parts)), root)


def _objects(git: Git, patterns: Sequence[str]) -> dict[str, str]:
    out = git.run("for-each-ref", "--format=%(objectname) %(refname)", *patterns)
    lines = out.decode("utf-8", "surrogateescape").splitlines()
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in lines)}


def _patterns(root: str, parts: Sequence[str]) -> list[str]:
    """for-each-ref patterns for all refs below `root` that begin with one of the parts."""
    patterns: list[str] = []
    for part in parts:
        # `*` does not cross a `/`, which a stage may have; a bare folder matches all below it.
        patterns += [f"{root}{part}*", f"{root}{part}*/**"] if part else [root.rstrip("/")]
    return patterns


class Scan(Struct, frozen=True):
    """The registry tags: events, and names of the grammar that are none (lightweight, not on a commit)."""

    events: tuple[Event, ...]
    foreign: Mapping[str, str] = {}  # with their objects

    def counter(self, model: str) -> int:
        """The highest number that any tag of the model bears: a foreign tag takes its name all the same."""
        numbers = [event.sequence or 0 for event in self.events if event.model == model]
        for tag in self.foreign:
            name = tags.parse_name(tag)
            if name is not None and name.model == model:
                numbers.append(name.counter or 0)
        return max(numbers, default=0)


def scan(
    git: Git, model: str | None = None, *, remote: bool = False, listed: Mapping[str, str] | None = None
) -> Scan:
    """Read the registry tags of one model, or of all, in one call of git.

    `remote`: as the last `fetch` found them on the remote, instead of this clone's own tags. `listed`: their
    names and objects, as that fetch returned them.
    """
    root = MIRROR if remote else TAGS
    events: list[Event] = []
    foreign: dict[str, str] = {}
    if listed is None:
        found = _whole(git, _patterns(root, [""] if model is None else list(_prefixes(model))))
    else:
        found = _read(git, root, listed)
    with without_collector():
        for fields in found:
            tag = fields[0][len(root) :]
            name = tags.parse_name(tag)
            if name is None or (model is not None and name.model != model):
                continue
            event = _event(name, tag, fields)
            if event is None:
                foreign[tag] = fields[2]
            else:
                events.append(event)
    return Scan(tuple(events), foreign)


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Hundreds of thousands of small objects, none of them garbage: the collector would only walk them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()  # nor does it walk them later: what was read stays to the end
            gc.enable()


def read(git: Git, model: str | None = None, *, remote: bool = False) -> tuple[Event, ...]:
    """The events of one model, or of all, in git's order; `history.fold` puts them in theirs."""
    return scan(git, model, remote=remote).events


def states(git: Git, model: str | None = None, *, remote: bool = False) -> dict[str, ModelState]:
    """The states with all their events."""
    with without_collector():
        return history.fold(read(git, model, remote=remote))


def overview(git: Git, model: str | None = None, *, remote: bool = False) -> dict[str, ModelState]:
    """The states without their events, for looking: folded model by model while git still prints.

    Git prints by name, so that a model is complete when a name comes that sorts behind all of its own; of a
    hundred thousand events those of a few models are held at a time. Of the trailers only those are read that
    the state is made of.
    """
    root = MIRROR if remote else TAGS
    parts = [""] if model is None else list(_prefixes(model))
    waiting: dict[str, list[Event]] = {}
    found: dict[str, ModelState] = {}
    before = ""
    with without_collector():
        for fields in _whole(git, _patterns(root, parts)):
            tag = fields[0][len(root) :]
            name = tags.parse_name(tag)
            if name is None or (model is not None and name.model != model):
                continue
            if name.model != before:
                for done in [known for known in waiting if tag > f"{known.replace(':', '=')}{_BEHIND}"]:
                    found[done] = _folded(done, waiting.pop(done))
                before = name.model
            event = _event(name, tag, fields, state_only=True)
            if event is not None:
                waiting.setdefault(name.model, []).append(event)
    found |= {last: _folded(last, events) for last, events in waiting.items()}
    return dict(sorted(found.items()))


def glance(git: Git, model: str | None = None, *, remote: bool = False) -> dict[str, ModelState]:
    """The states as far as latest version and stages go: only the tags that tell these are read."""
    root = MIRROR if remote else TAGS
    parts = [""] if model is None else list(_prefixes(model))
    out = git.run("for-each-ref", "--format=%(objectname) %(refname)", *_patterns(root, parts))
    names: dict[str, dict[str, tags.Name]] = {}
    objects: dict[str, str] = {}
    for line in out.decode("utf-8", "replace").split("\n"):
        oid, _, ref = line.partition(" ")
        tag = ref[len(root) :]
        name = tags.parse_name(tag)
        if name is not None and (model is None or name.model == model):
            names.setdefault(name.model, {})[tag] = name
            objects[tag] = oid
    wanted = {known: heads.telling(there) for known, there in names.items()}
    events: dict[str, list[Event]] = {known: [] for known in names}
    telling = {tag: objects[tag] for some in wanted.values() for tag in some or ()}
    for fields in _read(git, root, telling):
        tag = fields[0][len(root) :]
        name = tags.parse_name(tag)
        event = _event(name, tag, fields, state_only=True) if name else None
        if event is not None:
            events[event.model].append(event)
    found = {
        known: _folded(known, events[known])
        for known, some in wanted.items()
        if some is not None and heads.suffice(some, events[known])
    }
    rest = sorted(set(names) - set(found))
    if len(rest) > FEW:
        every = overview(git, model, remote=remote)
        found |= {known: every[known] for known in rest if known in every}
    else:
        for known in rest:
            found |= overview(git, known, remote=remote)
    return dict(sorted(found.items()))


def _folded(model: str, events: Sequence[Event]) -> ModelState:
    return structs.replace(history.fold_model(model, events), events=())


def _whole(git: Git, patterns: Sequence[str]) -> Iterator[Sequence[str]]:
    """The fields of every tag that has one of these patterns, in the order of names, while git prints."""
    names = ("for-each-ref", "--format=%(objectname) %(refname)", *patterns)
    return _raw(git.stream("cat-file", "--buffer", f"--batch={_HEAD}", feed=names))


def _read(git: Git, root: str, listed: Mapping[str, str]) -> Iterator[Sequence[str]]:
    """The same of tags whose objects are known, in the order given."""
    if not listed:
        return iter(())
    feed = "".join(f"{oid} {root}{tag}\n" for tag, oid in listed.items())
    return _raw([git.run("cat-file", "--buffer", f"--batch={_HEAD}", data=feed.encode())])


def _raw(blocks: Iterable[bytes]) -> Iterator[Sequence[str]]:
    """Name, type and id of each tag, type and id of what it points at, time, tagger and message.

    Out of whole objects, which takes git half as long as to print the fields: a line of `_HEAD`, so many
    bytes, and a line break.

    The size that git says is what counts: whatever an object holds, it cannot begin another.
    """
    rest = b""
    for block in blocks:
        data, at = rest + block if rest else block, 0
        while (end := data.find(b"\n", at)) >= 0:
            facts = data[at:end].decode("utf-8", "replace").split(" ", 3)
            if len(facts) < 4:  # `<id> missing`
                raise GitError(f"The object {facts[0][:40]} of a tag could not be read.")
            oid, kind, size, ref = facts
            stop = end + 1 + int(size)
            if stop >= len(data):
                break
            head, _, message = data[end + 1 : stop].decode("utf-8", "replace").partition("\n\n")
            lines = head.split("\n", 4)
            if kind == "tag" and _HEADED.match(head):
                who, _, when = lines[3].rpartition("> ") if len(lines) > 3 else ("", "", "")
                tagger = who[7:].partition("<")[0].rstrip() if who.startswith("tagger ") else ""
                yield ref, kind, oid, lines[1][5:], lines[0][7:], when.partition(" ")[0], tagger, message
            else:
                yield ref, kind, oid, "", "", "", "", ""
            at = stop + 1
        rest = data[at:]


def _event(name: tags.Name, tag: str, fields: Sequence[str], *, state_only: bool = False) -> Event | None:
    _, kind, oid, target_kind, target, time, tagger, contents = fields
    if kind != "tag" or target_kind != "commit":
        return None
    subject, trailers = tags.parse_message(contents, state_only=state_only)
    version = name.version
    if version is None and name.kind in {"assign", "unassign"}:
        # Anyone can write a tag: what is no version name means nothing, and the commit decides as for GTO's.
        said = trailers.get("Version", "")
        version = said if is_version(said) or _COMMIT.match(said) else None
    return Event(
        kind=name.kind,
        model=name.model,
        version=version,
        stage=name.stage,
        sequence=name.counter,
        tag=tag,
        object=oid,
        commit=target,
        time=int(time) if time.lstrip("-").isdigit() else 0,
        tagger=tagger,
        subject=subject,
        trailers=trailers,
    )
