"""The bytes of a registered version: from the store that its tag names, checked, kept by digest."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from modelrail import records
from modelrail.adapters import files, stores
from modelrail.core.registry.history import Registered
from modelrail.errors import NotFoundError, RecordError

if TYPE_CHECKING:
    from modelrail.adapters.git import Git
    from modelrail.adapters.github.client import GitHub
    from modelrail.settings import Settings

_BASE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=@ -]{0,199}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def fetch_model(
    git: Git,
    github: GitHub | None,
    registered: Registered | records.Event,
    dest: Path,
    *,
    cache: Path | None = None,
    settings: Settings | None = None,
) -> Path:
    """Put the model file of a version into the folder `dest`; returns its path.

    Nothing arrives there whose SHA-256 is not the one in the tag. Raises RecordError, NotFoundError.
    """
    event = registered.event if isinstance(registered, Registered) else registered
    name, digest = event.trailers.get("Model-File", ""), event.trailers.get("Model-Digest", "")
    if not _BASE_NAME.match(name) or not _DIGEST.match(digest):
        raise RecordError(
            f"{event.tag} does not say which file it registered.",
            why="Its trailers Model-File and Model-Digest are absent or malformed: it is not modelrail's.",
            next="Register the model with modelrail; only then its bytes can be checked.",
        )
    dest.mkdir(parents=True, exist_ok=True)
    target = dest / name
    kept = _place(cache, digest) if cache else None
    if kept is not None and kept.is_file() and files.digest_file(kept) == digest:
        shutil.copyfile(kept, target)
        return target
    place, location = stores.of_event(event, settings=settings, github=github, root=git.root)
    incoming = dest / f".{name}.incoming"
    try:
        place.fetch(event, location, incoming)
        stores.check(incoming, digest, event.tag)
        incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)
    if kept is not None:
        _keep(target, kept)
    return target


def fetch_evidence(github: GitHub, registered: Registered) -> tuple[records.Evidence, str] | None:
    """The evidence of a version with its digest, from its release; None when there is none.

    Raises RecordError when it is not the evidence that the tag names.
    """
    tag = registered.event.tag
    release = github.release_by_tag(tag)
    if release is None:
        return None
    with tempfile.TemporaryDirectory(prefix="modelrail-evidence-") as folder:
        path = Path(folder) / records.Evidence.FILE
        try:
            github.download_asset(release, path.name, path, max_bytes=files.MAX_RECORD_BYTES)
        except NotFoundError:
            return None
        data = path.read_bytes()
    digest = files.digest_bytes(data)
    if digest != registered.evidence_digest:
        raise RecordError(
            f"The evidence of {tag} is not the one that its tag names.",
            why=f"Its digest is {digest}; the tag says {registered.evidence_digest or 'nothing'}.",
            next="Someone replaced it. Measure the version again:  modelrail evaluate " + tag,
        )
    return files.decode(data, records.Evidence, f"evidence.json of {tag}"), digest


def keep(source: Path, digest: str, cache: Path) -> None:
    """Keep a file where `fetch_model` looks first: the only place when a version has no release."""
    kept = _place(cache, digest)
    if not (kept.is_file() and files.digest_file(kept) == digest):
        _keep(source, kept)


def _place(cache: Path, digest: str) -> Path:
    return cache / "models" / digest.replace(":", "-")


def _keep(source: Path, kept: Path) -> None:
    """Copy into the cache: whole or not at all, whoever else does the same."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=kept.parent, prefix=".incoming-")
    os.close(handle)
    try:
        shutil.copyfile(source, temporary)
        Path(temporary).replace(kept)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
