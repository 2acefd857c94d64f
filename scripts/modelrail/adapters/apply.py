"""Runs a plan: the one place where decisions become effects, and the one place for `--dry-run`.

Effects run in order. Once the tags are pushed the operation is recorded; what follows of the kind that only
shows it (comment, deployment, release flags) can then fail without failing the operation: it becomes a note.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modelrail import plans
from modelrail.adapters import files
from modelrail.adapters.git import Git
from modelrail.adapters.registry import signatures, tagging
from modelrail.config import resolved as config
from modelrail.core.registry.objects import Sign
from modelrail.errors import FilesystemError, GitHubError, ModelrailError, NotFoundError, UsageError
from modelrail.records import Event
from modelrail.settings import Settings

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub


@dataclass
class Outcomes:
    """What a plan did, or with `--dry-run` would do."""

    planned: list[str] = field(default_factory=list)  # one line an effect
    tags: dict[str, str] = field(default_factory=dict)  # created or found: name -> object
    changed: bool = False  # the tags are this run's
    event: Event | None = None  # of an equal operation that was there before
    release_url: str = ""
    comment_url: str = ""
    deployment_url: str = ""
    check_url: str = ""
    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def apply(
    plan: plans.Plan,
    *,
    settings: Settings,
    git: Git,
    github: GitHub | None,
    dry_run: bool = False,
    recorded: bool = False,
    signing: config.Signing | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcomes:
    """Carry the effects out. Without a GitHub client, what needs one is skipped with a note.

    `recorded`: the tags that this plan follows are pushed already.
    """
    done = Outcomes()
    for effect in plan:
        done.planned.append(describe(effect))
        if dry_run:
            if isinstance(effect, plans.PushTags):
                tagging.rehearse(git, effect)
            continue
        if isinstance(effect, plans.PushTags):
            with _signer(git, settings, signing) as sign:
                pushed = tagging.push(git, effect, tagging.tagger(git, settings), sign=sign, sleep=sleep)
            done.tags |= pushed.objects
            done.changed = done.changed or pushed.changed
            done.event = pushed.event or done.event
            if pushed.note:
                done.notes.append(pushed.note)
            recorded = True
        elif isinstance(effect, plans.StoreModel):
            _store(effect, settings, git)
        elif isinstance(effect, plans.WriteFile):
            done.files += _write(effect, settings.workspace)
        elif github is None and isinstance(
            effect, (plans.MarkRelease, plans.PublishCheck, plans.SetDeployment)
        ):
            continue  # they only show what the tags say
        elif github is None:
            done.notes.append(f"without GitHub: not done: {describe(effect)}")
        else:
            _on_github(effect, github, done, recorded=recorded)
    return done


@contextlib.contextmanager
def _signer(git: Git, settings: Settings, signing: config.Signing | None) -> Iterator[Sign | None]:
    """What signs; with `signing.required` only what an allowed signer signed."""
    sign = signatures.signer(git, settings, signing)
    if sign is None or signing is None or not signing.required or signing.signers is None:
        yield sign
        return
    with signatures.allowed(settings.workspace / signing.signers, settings) as signers:
        yield signatures.checked(sign, signers)


def _on_github(effect: plans.Effect, github: GitHub, done: Outcomes, *, recorded: bool) -> None:
    if isinstance(effect, plans.PublishRelease):
        # Never a mere note: a version without its bytes is repaired by running the step again.
        done.release_url = github.publish_release(effect)
        return
    try:
        if isinstance(effect, plans.UpsertComment):
            done.comment_url = github.upsert_comment(effect)
        elif isinstance(effect, plans.MarkRelease):
            if not github.mark_release(effect):
                done.notes.append(f"{effect.tag} has no release whose flags could be set")
        elif isinstance(effect, plans.PublishCheck):
            done.check_url = github.publish_check(effect)
        elif isinstance(effect, plans.SetDeployment):
            done.deployment_url = github.set_deployment(effect)
        else:
            raise UsageError(f"No way to carry out {type(effect).__name__}.")
    except (GitHubError, NotFoundError) as error:
        if not recorded and not isinstance(effect, (plans.PublishCheck, plans.SetDeployment)):
            raise
        done.notes.append(f"not done: {describe(effect)}: {_short(error)}")


def _short(error: ModelrailError) -> str:
    return " ".join(part for part in (error.what, error.next) if part)


def describe(effect: plans.Effect) -> str:
    """One line for people, the same before (`--dry-run`) and after."""
    if isinstance(effect, plans.PushTags):
        made = ", ".join(f"{tag.name} -> {tag.target[:12]}" for tag in effect.tags)
        return f"push the {'tag' if len(effect.tags) == 1 else 'tags'} {made}"
    if isinstance(effect, plans.PublishRelease):
        flags = [word for word, on in (("pre-release", effect.prerelease), ("latest", effect.latest)) if on]
        extra = f" ({', '.join(flags)})" if flags else ""
        return (
            f"publish the release {effect.tag}{extra} with {', '.join(asset.name for asset in effect.assets)}"
        )
    if isinstance(effect, plans.MarkRelease):
        kind = "a pre-release" if effect.prerelease else "a full release"
        return f"mark {effect.tag} as {kind}{', the latest' if effect.latest else ''}"
    if isinstance(effect, plans.StoreModel):
        return f"store {effect.path.name} in {effect.store} as {effect.location}"
    if isinstance(effect, plans.UpsertComment):
        return f"comment on pull request #{effect.pull_request}"
    if isinstance(effect, plans.PublishCheck):
        return f"publish the check {effect.name} of {effect.commit[:12]}: {effect.conclusion}"
    if isinstance(effect, plans.SetDeployment):
        return f"set the deployment of {effect.environment} to {effect.ref[:40]}"
    if isinstance(effect, plans.WriteFile):
        return f"write {effect.path}"
    return type(effect).__name__


def _store(effect: plans.StoreModel, settings: Settings, git: Git) -> None:
    from modelrail.adapters import stores

    stores.check_source(effect.path, effect.digest)
    stores.by_name(effect.store, settings=settings, root=git.root).publish(effect.path, effect.location)


def _write(effect: plans.WriteFile, root: Path) -> list[Path]:
    """Write below the root; a file that is there stays, unless the effect says otherwise."""
    place = (root / effect.path).resolve()
    if not place.is_relative_to(root.resolve()):
        raise FilesystemError(f"{effect.path} is outside the repository.")
    if place.exists() and not effect.overwrite:
        raise FilesystemError(
            f"{effect.path} exists already.", next="Move it away, or edit it; it is not overwritten."
        )
    files.write_bytes(place, effect.text.encode())
    return [place]
