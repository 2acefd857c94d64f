"""What the registry's sub-commands share: who asks, the state that is read, how a decision is carried out."""

from __future__ import annotations

import dataclasses
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct, structs

from modelrail import plans, settings
from modelrail.adapters.actions_io import say
from modelrail.adapters.git import Git, open_repository
from modelrail.adapters.registry import ledger, pending
from modelrail.adapters.registry import reading as registry
from modelrail.config import resolved as config
from modelrail.core.registry import history, tags, verification
from modelrail.core.registry.approvals import Approvals
from modelrail.core.registry.decisions import Asked, Decision
from modelrail.core.registry.history import ModelState
from modelrail.errors import (
    ConflictError,
    ModelrailError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    UsageError,
)
from modelrail.records import Event

if TYPE_CHECKING:
    from modelrail.adapters import apply
    from modelrail.adapters.github.client import GitHub

RACING = 120.0  # seconds for which an operation whose precondition still holds is tried again
PATIENCE = 10.0  # seconds that one that was overtaken waits at most before it tries again
# A server writes the refs of one push one after the other: what is seen in between is looked at again.
LOOKS = (0.0, 0.1, 0.4)  # seconds before each look
_REMOTE = re.compile(
    r"(?:https?://(?:[^/@]*@)?|(?:ssh://)?git@)([^/:]+(?::\d+)?)[/:]([^/]+/[^/]+?)(?:\.git)?/?\Z"
)


class Reader(Protocol):
    """How much is read: `registry.states`, `registry.overview` or `registry.glance`."""

    def __call__(
        self, git: Git, model: str | None = None, *, remote: bool = False
    ) -> Mapping[str, ModelState]: ...


def opened() -> tuple[settings.Settings, Git]:
    """The settings and the repository of the workspace.

    On a laptop the repository's name is read from the remote, if that is on the same server.
    """
    found = settings.read()
    git = open_repository(found)
    if found.repository or found.in_ci:
        return found, git
    name = repository_of(git.url(), found.server_url)
    return dataclasses.replace(found, repository=name), git


def repository_of(url: str, server_url: str) -> str:
    """`owner/name` of a remote on the GitHub at hand, else nothing."""
    match = _REMOTE.match(url)
    return match[2] if match and match[1] == urlsplit(server_url).netloc else ""


def load_policy(found: settings.Settings, file: str, model: str) -> tuple[config.Config, config.Model]:
    """The configuration and one model of it. Raises ConfigError, NotFoundError, RefusedError."""
    from modelrail.config import check as config_check

    refuse_other_branch(found)
    loaded = config_check.load(found.workspace / file)
    policy = loaded.model(model)
    if policy is None:
        known = ", ".join(known.name for known in loaded.models)
        raise NotFoundError(f"{file} has no model {tags.one_line(model, 80)!r}.", next=f"It has: {known}.")
    return loaded, policy


def refuse_other_branch(found: settings.Settings) -> None:
    """A dispatch can be started on any branch, and would go by what that branch says of the stages."""
    repository = found.event.get("repository")
    branch = repository.get("default_branch") if isinstance(repository, Mapping) else None
    if found.event_name == "workflow_dispatch" and branch and found.ref != f"refs/heads/{branch}":
        raise RefusedError(
            f"This run was started on {tags.one_line(found.ref, 200)}.",
            why=f"The policy of stages is that of {branch}.",
            next=f"Start it again with {branch} under *Use workflow from*.",
        )


def configuration(found: settings.Settings, file: str = config.FILE) -> config.Config | None:
    """modelrail.yaml, for commands that also work without: how it wants writes signed, its stages."""
    from modelrail.config import check as config_check

    path = found.workspace / file
    return config_check.load(path) if file != config.FILE or path.is_file() else None


def client(found: settings.Settings) -> GitHub | None:
    """The GitHub client, or None with a word about it where there is no GitHub to talk to.

    In CI a repository without a token is an error: something was to be done there.
    """
    if not found.repository:
        say("No GitHub repository is known: tags only, no release, no deployment.")
        return None
    if not found.token and not found.in_ci:
        say(f"No token for {found.repository}: tags only, no release (set GH_TOKEN to have it).")
        return None
    from modelrail.adapters.github import client as github

    return github.connect(found)


def asked(
    found: settings.Settings,
    git: Git,
    key: str,
    reason: str = "",
    *,
    keep: bool = True,
    approvals: Approvals | None = None,
) -> Asked:
    """Who asks. In CI the operation is the run's, whatever the attempt; on a laptop each call is its own,
    unless an equal one did not end (`keep`: remember this one until it does).
    """
    origin = found.run_id or (pending.begin(git, key) if keep else f"{pending.LOCAL}dry-run")
    actor = found.actor
    if not actor:
        actor = git.setting("user.name").strip() or "unknown"
    return Asked(
        actor=actor, operation=f"{origin}/{key}", now=int(time.time()), reason=tags.one_line(reason),
        run=found.run_url, workflow=found.workflow, approvals=approvals,
    )  # fmt: skip


def fetch(git: Git, models: Sequence[str] | None, *, with_ledger: bool = False) -> registry.Fetched:
    """Fetch the registry; a local tag that is another than the remote's is said."""
    found = registry.fetch(git, models, with_ledger=with_ledger)
    for name in found.differing[:5]:
        say(f"⚠ The local tag {name} is not the remote's: one of them was moved.")
    return found


def current(git: Git, model: str) -> ModelState:
    """The state of a model as the remote holds it now; what only this clone has does not count.

    Raises TagTamperedError, LedgerTamperedError where the model's tags are not those that the ledger lists.
    """
    findings: list[verification.Finding] = []
    for pause in LOOKS:
        time.sleep(pause)
        found = fetch(git, [model], with_ledger=True)
        scan = registry.scan(git, model, remote=True, listed=found.tags)
        findings = _untold(git, model, scan, found.tip)
        if not findings:
            break
    else:
        raise verification.error(findings)
    state = history.fold_model(model, scan.events)
    # A tag that is no event (a lightweight one) takes its number all the same.
    return structs.replace(state, counter=max(state.counter, scan.counter(model)))


def seen(git: Git, model: str) -> ModelState:
    """The state by this clone's own tags; of those that the ledger listed when last seen none may be another.

    What this clone lacks, or has got since, says nothing. Raises TagTamperedError.
    """
    scan = registry.scan(git, model)
    findings = _untold(git, model, scan, ledger.tip(git))
    replaced = [finding for finding in findings if finding.expected and finding.found]
    if replaced:
        raise verification.error(replaced)
    return history.fold_model(model, scan.events)


def _untold(git: Git, model: str, scan: registry.Scan, tip: str) -> list[verification.Finding]:
    """What writes and `fetch` check first: the model's tags are those that the ledger lists, if there is one.

    A lightweight tag that the ledger never knew is no event; `modelrail verify` names it.
    """
    if not tip:
        return []
    listed = ledger.index(git, tip, model)
    there = {event.tag: event.object for event in scan.events}
    known = {tag: oid for tag, oid in scan.foreign.items() if tag in listed}
    return verification.compare_tags(listed, there, known)


class Step(Struct, frozen=True):
    """A decision, and what follows its tags."""

    decision: Decision
    after: plans.Plan = ()
    before: plans.Plan = ()  # what the tags rely on


def carry_out(
    decide: Callable[[ModelState], Step],
    *,
    found: settings.Settings,
    git: Git,
    github: GitHub | None,
    model: str,
    dry_run: bool,
    operation: str = "",
    signing: config.Signing | None = None,
) -> tuple[Step, apply.Outcomes]:
    """Read, decide, push, and forget the operation once it was answered, one way or the other."""
    try:
        answer = _carry_out(
            decide, found=found, git=git, github=github, model=model, dry_run=dry_run, signing=signing
        )
    except UnavailableError:
        raise  # it may have arrived: asked again, it is the same operation
    except ModelrailError:
        pending.end(git, operation)
        raise
    if not dry_run:
        pending.end(git, operation)
    return answer


def _carry_out(
    decide: Callable[[ModelState], Step],
    *,
    found: settings.Settings,
    git: Git,
    github: GitHub | None,
    model: str,
    dry_run: bool,
    signing: config.Signing | None,
) -> tuple[Step, apply.Outcomes]:
    """Read, decide, push. After a lost race the same on the new state, unless the stage itself moved.

    Another model's event in between costs one more push and no new decision. Writers of this machine take
    turns; to have waited for one is to have lost a race, of which only what was there before is known.
    """
    # Reading commands share this module, and need none of it.
    from modelrail.adapters import apply
    from modelrail.adapters.registry import tagging, turn

    lost: tuple[ModelState, Step] | None = None  # what was decided on which state
    give_up = time.monotonic() + RACING
    losses = 0
    mine = turn.Turn(None) if dry_run else turn.of(git, found.cache)
    while True:
        waited: Mapping[str, str] | None = None  # the model's tags before
        with mine:
            if not mine.take():
                if lost is None:
                    waited = registry.listed(git, model)
                mine.wait()
            began = time.monotonic()
            state = current(git, model)
            if waited is not None:
                before = _before(state, waited)
                if not _same(before, state):
                    lost = before, decide(before)
            if lost is not None and _same(lost[0], state):
                step = lost[1]
            else:
                if lost is not None:
                    _refuse_if_moved(*lost, state)
                step = decide(state)
            if step.before and not losses:
                mine.give_back()  # the store may take minutes; after a lost race it has the file
            overtaken = False
            try:
                _require_signature(step.decision, state, signing, found, git)
                plan = (*step.before, *step.decision.push)
                tagged = apply.apply(
                    plan, settings=found, git=git, github=github, dry_run=dry_run, signing=signing
                )
            except ConflictError as error:
                if time.monotonic() > give_up:
                    raise
                lost = state, step
                tagged, overtaken = None, isinstance(error, tagging.OvertakenError)
        if tagged is None:
            if overtaken:
                import random

                # Many racers make every try slow, and slow tries spread them: soon they come one by one.
                losses += 1
                most = min((time.monotonic() - began) * 2**losses, PATIENCE)
                time.sleep(random.uniform(0, most))  # noqa: S311
            continue
        if tagged.event is not None:
            step = structs.replace(step, decision=_answered(step.decision, tagged.event))
        done = apply.apply(step.after, settings=found, git=git, github=github, dry_run=dry_run, recorded=True)
        done.planned[:0] = tagged.planned
        done.tags |= tagged.tags
        done.notes[:0] = tagged.notes
        done.changed = tagged.changed
        return step, done


def _require_signature(
    decision: Decision,
    state: ModelState,
    signing: config.Signing | None,
    found: settings.Settings,
    git: Git,
) -> None:
    """With `signing.required` a version enters a stage only if an allowed signer registered it."""
    if signing is None or not signing.required or signing.signers is None or not decision.stage:
        return
    known = state.versions.get(decision.version)
    name = tags.parse_name(decision.tag)
    if known is None or not decision.changed or name is None or name.kind != "assign":
        return  # what is taken out may be whatever it is
    from modelrail.adapters.registry import signatures

    with signatures.allowed(found.workspace / signing.signers, found) as signers:
        signatures.require(git, known.event.object, known.event.tag, signers)


def _same(before: ModelState, now: ModelState) -> bool:
    """Whether no event of the model came between."""
    return (before.counter, [event.object for event in before.events]) == (
        now.counter,
        [event.object for event in now.events],
    )


def _before(now: ModelState, listed: Mapping[str, str]) -> ModelState:
    """The state when the model had these tags alone: they are only created."""
    then = [event for event in now.events if listed.get(event.tag) == event.object]
    names = [name for tag in listed if (name := tags.parse_name(tag)) and name.model == now.model]
    state = history.fold_model(now.model, then)
    return structs.replace(state, counter=max([state.counter, *(name.counter or 0 for name in names)]))


def _refuse_if_moved(before: ModelState, step: Step, now: ModelState) -> None:
    """What was asked of a stage is not asked of another state of it: the error names who moved it."""
    stage = step.decision.stage
    if not stage or now.operation(step.decision.operation) is not None:
        return
    was, is_ = before.stages.get(stage), now.stages.get(stage)
    if (was.event.object if was else "") == (is_.event.object if is_ else ""):
        return
    last = is_ or was
    who = last.event if last else None
    raise ConflictError(
        f"{now.model}#{stage} was changed by somebody else in between.",
        why=f"{who.trailers.get('Actor') or who.tagger}: {who.subject}" if who else "",
        next="Look at the new state (modelrail show --fetch), and ask again if you still want it.",
    )


def _answered(decision: Decision, event: Event) -> Decision:
    return structs.replace(
        decision, changed=False, version=event.version or decision.version, tag=event.tag,
        sequence=event.sequence or 0, note="this operation was carried out before",
    )  # fmt: skip


def stage_outputs(decision: Decision) -> dict[str, str | int | bool]:
    """What `promote` and `rollback` tell the workflow."""
    return {
        "changed": decision.changed, "version": decision.version, "stage": decision.stage,
        "sequence": decision.sequence, "tag": decision.tag, "replaced": decision.replaced,
    }  # fmt: skip


def stage_document(decision: Decision, done: apply.Outcomes, *, dry_run: bool) -> dict[str, Any]:
    """The same for `--json`."""
    document: dict[str, Any] = {
        "model": decision.model,
        **stage_outputs(decision),
        "notes": _notes(decision, done),
    }
    return document | ({"dry_run": True, "plan": done.planned} if dry_run else {})


def stage_line(decision: Decision, *, dry_run: bool) -> str:
    """What changed, in one line."""
    where = f"{decision.model} {decision.version}"
    event = f"(event {decision.sequence})"
    if not decision.changed:
        return f"= {where} is in {decision.stage} {event}: nothing to do, {decision.note}"
    replaced = f", in place of {decision.replaced}" if decision.replaced else ""
    if dry_run:
        return f"{where} would be in {decision.stage} {event}{replaced}"
    return f"✓ {where} is in {decision.stage} {event}{replaced}"


def _notes(decision: Decision, done: apply.Outcomes) -> list[str]:
    return [note for note in (decision.note, *done.notes) if note]


def tell(done: apply.Outcomes, *, dry_run: bool) -> None:
    """The plan of a dry run, and the notes."""
    if dry_run:
        for line in done.planned or ["nothing"]:
            say(f"would {line}" if done.planned else "would do nothing")
    for note in done.notes:
        say(f"⚠ {note}")


def look(
    found: settings.Settings,
    git: Git,
    model: str | None,
    wanted: bool | None,
    models: Sequence[str] | None,
    *,
    with_ledger: bool = False,
    read: Reader = registry.states,
) -> Mapping[str, ModelState]:
    """The states for looking: after a fetch the remote's, else this clone's own tags.

    `wanted` is the option --fetch/--no-fetch; by default CI fetches, and a clone that cannot know: a shallow
    one has the tags of its few commits alone, another may have none. `models`: of which, None for all.
    `read`: how much of them.
    """
    fetched = (found.in_ci or (git.facts()[0] and git.has_remote())) if wanted is None else wanted
    states = _look(git, model, models, fetched, with_ledger=with_ledger, read=read)
    if not states and not fetched and wanted is None and git.has_remote():
        states = _look(git, model, models, True, with_ledger=with_ledger, read=read)
    return states


def _look(
    git: Git,
    model: str | None,
    models: Sequence[str] | None,
    fetched: bool,
    *,
    with_ledger: bool,
    read: Reader,
) -> Mapping[str, ModelState]:
    if fetched:
        fetch(git, models, with_ledger=with_ledger)
    return read(git, model, remote=fetched)


def wants_color(found: settings.Settings) -> bool:
    return not found.no_color and not found.in_ci and sys.stdout.isatty()


def check_model_name(model: str) -> str:
    """Refuses what no tag can say before any of it reaches git."""
    if not tags.is_name(model.rpartition(":")[2]):
        raise UsageError(
            f"{tags.one_line(model, 80)!r} is not a model name.", next="Letters, digits, `-`, `_` and `/`."
        )
    return model


def event_document(event: Event) -> dict[str, Any]:
    """One event for programs."""
    return {
        "model": event.model, "event": event.kind, "version": event.version, "stage": event.stage,
        "sequence": event.sequence, "time": event.time, "tag": event.tag, "object": event.object,
        "commit": event.commit, "tagger": event.tagger, "subject": event.subject, "trailers": event.trailers,
    }  # fmt: skip


def read_file(path: Path) -> bytes:
    """A file that the user named. Raises NotFoundError."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError(f"{path} is not a file.") from None
