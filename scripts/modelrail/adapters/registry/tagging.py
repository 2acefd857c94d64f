"""Creating registry tags, each with its ledger commit: all in one atomic push, or none.

Tags are only created, the ledger branch only goes forward: of all who write at once one wins, and history has
one order. Objects are made without a ref, and get their local refs only after the remote took them: the loser
of a race leaves nothing behind. Whatever the push says, what the remote holds decides; pushing the very same
objects once more is harmless.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from modelrail import plans
from modelrail.adapters.git import Git, denied
from modelrail.adapters.registry import blocked, ledger
from modelrail.adapters.registry import reading as registry
from modelrail.core.registry import ledger as layout
from modelrail.core.registry import objects as git_objects
from modelrail.core.registry import tags
from modelrail.errors import (
    ConflictError,
    GitError,
    LedgerTamperedError,
    ModelrailError,
    PermissionMissingError,
    RefusedError,
    UnavailableError,
    UsageError,
)
from modelrail.records import Event
from modelrail.settings import Settings

BOT = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"
PAUSES = (0.5, 1.5, 3.0)  # seconds between attempts while the remote's answer is unclear

_NONE = "0" * 40  # the old value of a ref that is not there yet
_RULE = ("gh013", "rule violations", "protected tag", "hook declined", "prohibited")
_WORKFLOWS = ("workflows` permission", "without `workflow` scope", "workflows permission")


class Pushed(Struct, frozen=True):
    """The tag objects by name; `changed` is false when an equal operation had created them before."""

    changed: bool
    objects: dict[str, str]
    event: Event | None = None  # of the earlier operation
    note: str = ""


def tagger(git: Git, settings: Settings) -> str:
    """`Name <address>` of who tags: the workflow's bot in CI, else Git's committer."""
    if settings.in_ci:
        return BOT
    done = git.attempt("var", "GIT_COMMITTER_IDENT")
    if done.returncode:
        raise GitError(
            "Git does not know who you are.",
            why=done.stderr.decode("utf-8", "replace").strip().splitlines()[-1],
            next='Run:  git config user.name "Your Name" && git config user.email you@example.org',
        )
    return done.stdout.decode("utf-8", "replace").rsplit("> ", 1)[0].strip() + ">"


class OvertakenError(ConflictError):
    """Another write came first, without taking our names: the same may be asked again of the new state."""


class _Made(Struct, frozen=True):
    """What is pushed: tag objects by name, the ledger commit that follows `parent`, and every new object."""

    tags: dict[str, str]
    parent: str
    tip: str
    objects: list[git_objects.Object]

    @property
    def refspecs(self) -> list[str]:
        return [
            *(f"{oid}:{registry.TAGS}{name}" for name, oid in self.tags.items()),
            f"{self.tip}:{ledger.BRANCH}",
        ]


def _make(
    git: Git, effect: plans.PushTags, who: str, sign: git_objects.Sign | None, seen: str, *, at_ledger: bool
) -> _Made:
    """The objects of the operation, upon the ledger as it was seen.

    `at_ledger`: tags point at the ledger, not at the version's commit.
    """
    parent = seen
    made: list[git_objects.Object] = []
    tree = ledger.Tree(git, parent)
    if parent:
        models = {name.model for tag in effect.tags if (name := tags.parse_name(tag.name))}
        tree.foresee(
            [
                *(f"{layout.EVENTS}/{layout.folder(model)}" for model in models),
                *(document.path.rpartition("/")[0] for document in effect.documents),
            ]
        )
    if not parent:
        first = ledger.begin(tree, ledger.before(git), who=who, time=effect.tags[0].time, sign=sign)
        made += first
        parent = first[-1].oid
    found: dict[str, str] = {}
    twins: dict[str, str] = {}
    for number, tag in enumerate(effect.tags):
        name = tags.parse_name(tag.name)
        if name is None:
            raise UsageError(f"{tags.one_line(tag.name, 80)!r} is not a registry tag.")
        git.ensure_commit(tag.target)
        target = parent if at_ledger else tag.target
        if tag.twin and not at_ledger:
            if target not in twins:
                made.append(_twin(git, tag, who, sign))
                twins[target] = made[-1].oid
            target = twins[target]
        text = layout.with_parent(tag.message, parent)
        made.append(
            git_objects.tag(target=target, name=tag.name, who=who, time=tag.time, message=text, sign=sign)
        )
        oid = made[-1].oid
        found[tag.name] = oid
        for document in effect.documents if number == 0 else ():
            made.append(git_objects.blob(document.data))
            tree.put(document.path, git_objects.Entry(git_objects.BLOB, made[-1].oid))
        tree.add_event(name.model, tag.name, oid)
        root, folders = tree.write()
        made += folders
        made.append(
            git_objects.commit(
                tree=root, parents=(parent,), who=who, time=tag.time, sign=sign,
                message=layout.message_of(tag.name, oid, target, text),
            )
        )  # fmt: skip
        parent = made[-1].oid
    return _Made(found, seen, parent, made)


def _twin(git: Git, tag: plans.Tag, who: str, sign: git_objects.Sign | None) -> git_objects.Object:
    """A commit like the target, and upon it: for a retrain without one. GTO tells versions by commits."""
    return git_objects.commit(
        tree=git.text("rev-parse", f"{tag.target}^{{tree}}"), parents=(tag.target,), who=who, time=tag.time,
        message=f"Trained again: {tag.name}\n\nThe files are those of its parent.\n", sign=sign,
    )  # fmt: skip


def rehearse(git: Git, effect: plans.PushTags) -> None:
    """What a dry run sees of a push: raises RefusedError where names here or on the remote leave no room."""
    if effect.tags:
        refs = _refs(effect)
        blocked.refuse(blocked.here(git, refs), git, remote=False)
        blocked.refuse(blocked.there(git, [*refs, ledger.BRANCH]), git, remote=True)


def _refs(effect: plans.PushTags) -> list[str]:
    return [f"{registry.TAGS}{tag.name}" for tag in effect.tags]


def push(
    git: Git,
    effect: plans.PushTags,
    who: str,
    *,
    sign: git_objects.Sign | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Pushed:
    """Create all tags and their ledger commits on the remote, then here.

    Raises ConflictError naming who won; OvertakenError where our names are still free.
    """
    if not effect.tags:
        return Pushed(changed=False, objects={})
    refs = _refs(effect)
    known = blocked.present(git, [*refs, ledger.REF])
    blocked.refuse(blocked.between(refs, known), git, remote=False)
    made = _make(git, effect, who, sign, known.get(ledger.REF, ""), at_ledger=False)
    ledger.store(git, made.objects)
    for pause in (*PAUSES, None):
        done = _attempt(git, made.refspecs)
        if done is not None and _workflows_refused(done) and _movable(effect):
            # The commit of the version holds other workflows than every branch: the ledger holds none, and
            # the trailers say which version is meant.
            made = _make(git, effect, who, sign, made.parent, at_ledger=True)
            ledger.store(git, made.objects)
            done = _attempt(git, made.refspecs)
        if done is not None and done.returncode == 0:
            return _keep(git, made, changed=not _all_there(done.stdout))
        answer = _read_back(git, effect, made)
        if answer is not None:
            return answer
        if ledger.tip(git) != made.parent:
            raise _overtaken(git, effect)
        if done is not None:
            _raise_if_final(done)
            blocked.refuse(blocked.there(git, [*refs, ledger.BRANCH]), git, remote=True)
        if pause is None:
            break
        sleep(pause)
    said = done.stderr.decode("utf-8", "replace").strip() if done is not None else "no answer in time"
    raise UnavailableError(
        f"The remote did not take {', '.join(made.tags)}.",
        why=said,
        next="Run the step again: a request that arrived after all is recognised by its operation id.",
    )


def _overtaken(git: Git, effect: plans.PushTags) -> OvertakenError:
    text = git.text("log", "-1", "--format=%B", ledger.tip(git))
    subject, trailers = tags.parse_message(text)
    return OvertakenError(
        f"Another write came before {effect.tags[0].name}.",
        why=f"{trailers.get('Actor', 'somebody')}: {subject}",
        next="Run it again: it is decided anew on the new state.",
    )


def _movable(effect: plans.PushTags) -> bool:
    """Whether the tags may point elsewhere: a version's own tag names the commit that was trained."""
    kinds = {name.kind for tag in effect.tags if (name := tags.parse_name(tag.name))}
    return "register" not in kinds


def _workflows_refused(done: subprocess.CompletedProcess[bytes]) -> bool:
    said = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace").lower()
    return done.returncode != 0 and any(words in said for words in _WORKFLOWS)


def _attempt(git: Git, refspecs: Sequence[str]) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return git.attempt(
            "push", "--atomic", "--porcelain", "--no-verify", git.remote, *refspecs, network=True
        )
    except UnavailableError:
        return None  # it hung: unclear, so it is read back


def _all_there(porcelain: bytes) -> bool:
    """Whether every line of the answer says "up to date": somebody pushed these very objects before."""
    lines = [line for line in porcelain.decode("utf-8", "replace").splitlines() if "\t" in line]
    return bool(lines) and all(line.startswith("=") for line in lines)


def _read_back(git: Git, effect: plans.PushTags, made: _Made) -> Pushed | None:
    """What the remote holds under our names: ours is success, another's a conflict, nothing is None."""
    objects = made.tags
    try:
        there = registry.read_back(git, list(objects))
    except LedgerTamperedError:
        raise
    except ModelrailError as error:
        raise UnavailableError(
            f"Whether {', '.join(objects)} exists now is not known: the remote did not answer.",
            why=str(error),
            next="Run the step again: it reads what is there first, and never does it twice.",
        ) from None
    if there == objects:
        return _keep(git, made, changed=True)
    if not there:
        return None
    events = {name: _winner(git, name) for name in there}
    # Another attempt of the operation may have measured another model: then it is decided on what is there.
    evidence = {tag.name: _evidence_of(tags.parse_message(tag.message)[1]) for tag in effect.tags}
    mine = next(
        (
            event
            for name, event in events.items()
            if event
            and event.trailers.get("Operation") == effect.operation
            and _evidence_of(event.trailers) == evidence.get(name)
        ),
        None,
    )
    if mine is not None and effect.operation:
        return Pushed(changed=False, objects=there, event=mine, note="this operation was carried out before")
    name, event = next(iter(events.items()))
    raise ConflictError(
        f"{name} was created by somebody else in between.",
        why=_who(event) if event else f"It is {there[name]}, which is no event of the registry.",
        next="Look at the new state (modelrail show --fetch), and ask again if you still want it.",
    )


def _evidence_of(trailers: Mapping[str, str]) -> str:
    return trailers.get("Evidence-Digest", "")


def _winner(git: Git, name: str) -> Event | None:
    parsed = tags.parse_name(name)
    events = registry.read(git, parsed.model if parsed else None, remote=True)
    return next((event for event in events if event.tag == name), None)


def _who(event: Event) -> str:
    actor = event.trailers.get("Actor") or event.tagger
    run = event.trailers.get("Run", "")
    return f"{actor}: {event.subject}{f' ({run})' if run else ''}"


def _raise_if_final(done: subprocess.CompletedProcess[bytes]) -> None:
    """Raises for a refusal that no repetition mends; returns when the outcome may still change."""
    said = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace").strip()
    lowered = said.lower()
    if any(words in lowered for words in _WORKFLOWS):
        raise PermissionMissingError(
            "The remote refused the tag: its commit holds other workflow files than every branch.",
            why=said,
            next="Register from a commit of a branch, or use a token with the `workflows` permission.",
        )
    if any(words in lowered for words in _RULE):
        raise RefusedError(
            "A rule of the repository refused the tag; nothing was changed.",
            why=said,
            next="Forbid update and deletion of tags, not creation; or let this app bypass the ruleset.",
        )
    if denied(said):
        raise PermissionMissingError(
            "The remote refused the push.",
            why=said,
            next="Give the job `permissions: contents: write`, and its token.",
        )
    if "does not appear to be a git repository" in lowered or "not found" in lowered:
        raise GitError("The remote cannot be reached.", why=said, next="Check `git remote -v`.")


def _keep(git: Git, made: _Made, *, changed: bool) -> Pushed:
    """Give tags and ledger their local refs, now that the remote has them."""
    mirrored = [f"update {registry.MIRROR}{name} {oid}\n" for name, oid in made.tags.items()]
    lines = [f"update {ledger.REF} {made.tip} {made.parent or _NONE}\n", *mirrored]
    lines += [f"create {registry.TAGS}{name} {oid}\n" for name, oid in made.tags.items()]
    if git.attempt("update-ref", "--stdin", data="".join(lines).encode()).returncode == 0:
        return Pushed(changed=changed, objects=made.tags)
    # All or none: some of them are there already.
    note, lines = "", mirrored
    known = git.refs(ledger.REF, *(f"{registry.TAGS}{name}" for name in made.tags))
    if known.get(ledger.REF, "") == made.parent:  # else a read-back brought ours, or what follows it
        lines.append(f"update {ledger.REF} {made.tip}\n")
    for name, oid in made.tags.items():
        there = known.get(f"{registry.TAGS}{name}", "")
        if not there:
            lines.append(f"create {registry.TAGS}{name} {oid}\n")
        elif there != oid:
            note = f"the local tag {name} is {there[:12]}, the remote's is {oid[:12]}: delete the local one"
    git.run("update-ref", "--stdin", data="".join(lines).encode())
    return Pushed(changed=changed, objects=made.tags, note=note)
