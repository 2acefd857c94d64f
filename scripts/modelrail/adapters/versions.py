"""Registered versions, for the evaluation: what stands in a stage, and a version's bytes and evidence."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelrail import records
from modelrail.adapters import files, model_files
from modelrail.adapters.git import Git
from modelrail.core.history import ModelState, Registered
from modelrail.errors import RecordError
from modelrail.settings import Settings


@dataclass(frozen=True)
class Standing:
    """What a stage holds. `registered` is None when the registry says, having been read, that it is empty."""

    ref: records.Baseline
    registered: Registered | None


def state(git: Git, model: str) -> ModelState:
    """The model's history, fetched and folded. A registry that cannot be read raises GitError, never "empty"."""
    from modelrail.adapters import registry
    from modelrail.core import history

    registry.fetch(git, [model])
    return history.fold(registry.read(git, model)).get(model) or ModelState(model=model)


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
    from modelrail.adapters import github, store

    return store.fetch_model(git, github.connect(settings), registered, dest)


def evidence(registered: Registered, settings: Settings) -> records.Evidence:
    """The evidence that carried a version. Raises RecordError when it is not the one that the tag names."""
    from modelrail.adapters import github

    client: Any = github.connect(settings)
    tag = registered.event.tag
    release = client.release_by_tag(tag)
    if release is None:
        raise RecordError(f"The version {tag} has no release, so its evidence is not there.", next="Train it again.")
    with tempfile.TemporaryDirectory(prefix="modelrail-evidence-") as folder:
        path = Path(folder) / records.Evidence.FILE
        client.download_asset(release, records.Evidence.FILE, path)
        data = path.read_bytes()
    if registered.evidence_digest and files.digest_bytes(data) != registered.evidence_digest:
        raise RecordError(
            f"The evidence of {tag} is not the one that its tag names.",
            why=f"Its digest is {files.digest_bytes(data)}; the tag says {registered.evidence_digest}.",
        )
    return files.decode(data, records.Evidence, f"evidence.json of {tag}")


def restore_candidate(git: Git, registered: Registered, settings: Settings, folder: Path) -> records.Candidate:
    """Lay a registered version into the records folder as if it had just been trained there."""
    candidate = evidence(registered, settings).candidate
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
