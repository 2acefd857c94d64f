"""Creating registry tags: all in one atomic, create-only push, or none.

A tag object is made without a ref, pushed as `<object>:refs/tags/<name>`, and gets its local ref only after
the remote took it: the loser of a race leaves nothing behind. Whatever the push says, what the remote holds
decides; pushing the very same objects once more is harmless.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelrail import plans
from modelrail.adapters import registry
from modelrail.adapters.git import Git
from modelrail.core import tags
from modelrail.errors import (
    ConflictError,
    GitError,
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

_RULE = ("gh013", "rule violations", "protected tag", "hook declined", "prohibited")
_WORKFLOWS = ("workflows` permission", "without `workflow` scope", "workflows permission")
_DENIED = (
    "authentication failed",
    " 403",
    "permission to",
    "could not read username",
    "access denied",
    "401",
)


@dataclass(frozen=True)
class Pushed:
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


def make(git: Git, tag: plans.Tag, who: str) -> str:
    """Write one annotated tag object, without a ref; returns its id."""
    if tags.parse_name(tag.name) is None:
        raise UsageError(f"{tags.one_line(tag.name, 80)!r} is not a registry tag.")
    git.ensure_commit(tag.target)
    name, _, address = who.rpartition(" <")
    clean = "".join(char for char in tags.one_line(name, 100) if char not in "<>").strip() or "unknown"
    text = (
        f"object {tag.target}\ntype commit\ntag {tag.name}\n"
        f"tagger {clean} <{address.rstrip('>').replace('<', '')}> {tag.time} +0000\n\n{tag.message}"
    )
    return git.run("mktag", data=text.encode()).decode().strip()


def push(
    git: Git, effect: plans.PushTags, who: str, *, sleep: Callable[[float], None] = time.sleep
) -> Pushed:
    """Create all tags on the remote, then here. Raises ConflictError naming who won."""
    if not effect.tags:
        return Pushed(changed=False, objects={})
    objects = {tag.name: make(git, tag, who) for tag in effect.tags}
    refspecs = [f"{oid}:{registry.TAGS}{name}" for name, oid in objects.items()]
    for pause in (*PAUSES, None):
        done = _attempt(git, refspecs)
        if done is not None and done.returncode == 0:
            return _keep(git, objects, changed=not _all_there(done.stdout))
        answer = _read_back(git, effect, objects)
        if answer is not None:
            return answer
        if done is not None:
            _raise_if_final(done)
        if pause is None:
            break
        sleep(pause)
    said = done.stderr.decode("utf-8", "replace").strip() if done is not None else "no answer in time"
    raise UnavailableError(
        f"The remote did not take {', '.join(objects)}.",
        why=said,
        next="Run the step again: a request that arrived after all is recognised by its operation id.",
    )


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


def _read_back(git: Git, effect: plans.PushTags, objects: dict[str, str]) -> Pushed | None:
    """What the remote holds under our names: ours is success, another's a conflict, nothing is None."""
    try:
        there = registry.read_back(git, list(objects))
    except ModelrailError as error:
        raise UnavailableError(
            f"Whether {', '.join(objects)} exists now is not known: the remote did not answer.",
            why=str(error),
            next="Run the step again: it reads what is there first, and never does it twice.",
        ) from None
    if there == objects:
        return _keep(git, objects, changed=True)
    if not there:
        return None
    events = {name: _winner(git, name) for name in there}
    mine = next(
        (event for event in events.values() if event and event.trailers.get("Operation") == effect.operation),
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
            next="GITHUB_TOKEN cannot create such a ref; use a token with the `workflows` permission.",
        )
    if any(words in lowered for words in _RULE):
        raise RefusedError(
            "A rule of the repository refused the tag; nothing was changed.",
            why=said,
            next="Forbid update and deletion of tags, not creation; or let this app bypass the ruleset.",
        )
    if any(words in lowered for words in _DENIED):
        raise PermissionMissingError(
            "The remote refused the push.",
            why=said,
            next="Give the job `permissions: contents: write`, and its token.",
        )
    if "does not appear to be a git repository" in lowered or "not found" in lowered:
        raise GitError("The remote cannot be reached.", why=said, next="Check `git remote -v`.")


def _keep(git: Git, objects: dict[str, str], *, changed: bool) -> Pushed:
    """Give the tags their local refs, now that the remote has them."""
    note = ""
    lines = []
    for name, oid in objects.items():
        lines.append(f"update {registry.MIRROR}{name} {oid}\n")
        ours = git.attempt("rev-parse", "--verify", "--quiet", f"{registry.TAGS}{name}")
        there = ours.stdout.decode().strip() if ours.returncode == 0 else ""
        if not there:
            lines.append(f"create {registry.TAGS}{name} {oid}\n")
        elif there != oid:
            note = f"the local tag {name} is {there[:12]}, the remote's is {oid[:12]}: delete the local one"
    git.run("update-ref", "--stdin", data="".join(lines).encode())
    return Pushed(changed=changed, objects=objects, note=note)
