"""Registered versions, for the evaluation: what stands in a stage, and a version's bytes and evidence."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.actions_io import say
from modelrail.adapters.git import Git
from modelrail.adapters.running import model_files
from modelrail.core.registry.history import ModelState, Registered
from modelrail.errors import GitError, NotFoundError, RecordError
from modelrail.settings import Settings


class Standing(Struct, frozen=True):
    """What a stage holds. `registered` is None when the registry says, having been read, that it is empty."""

    ref: records.Baseline
    registered: Registered | None


def state(git: Git, model: str, settings: Settings) -> ModelState:
    """The model's history, fetched and folded. A registry that cannot be read is GitError, never "empty"."""
    from modelrail.adapters.registry import reading as registry
    from modelrail.core.registry import history

    if not settings.in_ci and not git.has_remote():
        # A repository that has no remote at all is its own registry: a fact, not a failed read.
        if git.facts()[0]:
            raise GitError(
                f"This shallow clone has no remote {git.remote!r}: it lacks tags that decide about {model}.",
                next="Add the remote that it was cloned from (git remote add origin URL), or clone it whole.",
            )
        say(f"{model}: there is no remote {git.remote!r}; the registry is this repository's own tags.")
        return history.fold(registry.read(git, model)).get(model) or ModelState(model=model)
    registry.fetch(git, [model], with_ledger=True)
    return history.fold(registry.read(git, model, remote=True)).get(model) or ModelState(model=model)


def standing(found: ModelState, stage: str) -> Standing:
    """The baseline of a stage."""
    assigned = found.stages.get(stage)
    if assigned is None:
        return Standing(records.Baseline(status="absent", stage=stage), None)
    registered = found.versions[assigned.version]
    ref = records.Baseline(
        status="present",
        stage=stage,
        version=assigned.version,
        sequence=assigned.sequence,
        commit=registered.commit,
        model_digest=registered.model_digest,
        evidence_digest=registered.evidence_digest or None,
        since=datetime.fromtimestamp(assigned.event.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return Standing(ref, registered)


def model_file(git: Git, registered: Registered, settings: Settings, dest: Path) -> Path:
    """The version's model, its SHA-256 checked against the tag."""
    from modelrail.adapters import store
    from modelrail.adapters.github import client as github

    # What the cache holds needs no GitHub; the store says so itself when it needs one and there is none.
    client = github.connect(settings) if settings.repository and settings.token else None
    return store.fetch_model(git, client, registered, dest, cache=settings.cache, settings=settings)


def evidence(git: Git, registered: Registered, settings: Settings) -> records.Evidence:
    """The evidence that carried a version, from the ledger, else its release.

    Raises RecordError when it is not the one that the tag names.
    """
    from modelrail.adapters import store
    from modelrail.adapters.github import client as github
    from modelrail.adapters.registry import ledger

    model, tag = registered.event.model, registered.event.tag
    kept = ledger.evidence(git, ledger.tip(git), model, registered.version, registered.evidence_digest)
    if kept is not None:
        return files.decode(kept, records.Evidence, f"evidence.json of {tag}")
    found = store.fetch_evidence(github.connect(settings), registered)
    if found is None:
        raise NotFoundError(
            f"The evidence of {registered.event.tag} is not there: its release has none.",
            next="Run the release workflow of its commit again: it completes a half-done release.",
        )
    return found[0]


def restore_candidate(
    git: Git, registered: Registered, settings: Settings, folder: Path
) -> records.Candidate:
    """Lay a registered version into the records folder as if it had just been trained there."""
    candidate = evidence(git, registered, settings).candidate
    if candidate.file.digest != registered.model_digest:
        raise RecordError(f"The evidence of {registered.event.tag} is about another model file than its tag.")
    place = folder / model_files.FOLDER
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="modelrail-model-") as parent:
        fetched = model_file(git, registered, settings, Path(parent))
        shutil.copyfile(fetched, place / Path(candidate.file.name).name)
    model_files.locate(candidate.file, folder)
    files.write(candidate, folder)
    return candidate
