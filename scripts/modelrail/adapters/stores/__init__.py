"""Where model bytes are kept: one protocol, and the store that a version's tag names.

A store only moves bytes. Whether they are the registered ones is decided here, by the SHA-256 in the tag, and
again by whoever loads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from modelrail.adapters import files
from modelrail.errors import RecordError, UsageError

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub
    from modelrail.records import Event
    from modelrail.settings import Settings

STORE, LOCATION = "Store", "Store-Location"  # trailers of a registration whose bytes are no release asset
_LOCATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+=@/-]{0,400}\Z")


class Store(Protocol):
    """A place for model files."""

    name: str

    def publish(self, source: Path, location: str) -> None:
        """Put the file there. The same bytes at the same location again are no change."""

    def fetch(self, event: Event, location: str, dest: Path) -> None:
        """Write the file of a registration to `dest`. Raises NotFoundError when the store lacks it."""


def is_stored(event: Event) -> bool:
    """Whether the bytes of a registration are elsewhere than in its release."""
    return event.trailers.get(STORE, "release") != "release"


def of_event(
    event: Event, *, settings: Settings | None, github: GitHub | None, root: Path
) -> tuple[Store, str]:
    """The store that a registration names, and the location in it. Raises RecordError, UsageError."""
    said = event.trailers
    name = said.get(STORE, "release")
    if name == "release":
        from modelrail.adapters.stores.release_assets import ReleaseAssets

        return ReleaseAssets(github), said.get("Model-File", "")
    location = said.get(LOCATION, "")
    if not _LOCATION.match(location) or ".." in location.split("/"):
        raise RecordError(
            f"{event.tag} does not say where in the store {name!r} its file is.",
            why=f"Its trailer {LOCATION} is absent or malformed.",
        )
    return by_name(name, settings=settings, root=root), location


def by_name(name: str, *, settings: Settings | None, root: Path) -> Store:
    """A store that is told locations. `settings` holds its address and credentials."""
    if settings is None:
        raise UsageError(f"The store {name} cannot be asked from here.")
    if name == "dvc":
        from modelrail.adapters.stores.dvc_remote import DvcRemote

        return DvcRemote(settings, root)
    if name == "mlflow":
        from modelrail.adapters.stores.mlflow_artifacts import MlflowArtifacts

        return MlflowArtifacts(settings, root)
    raise RecordError(
        f"The store {name[:80]!r} is not known to this version.", next="Use a newer version of modelrail."
    )


def location(store: str, source: Path, run_id: str) -> Mapping[str, str]:
    """The trailers that say where a file will be; nothing for release assets. Raises RecordError."""
    if store == "dvc":
        from modelrail.adapters.stores import dvc_remote

        return {STORE: store, LOCATION: dvc_remote.location(source)}
    if store == "mlflow":
        from modelrail.adapters.stores import mlflow_artifacts

        return {STORE: store, LOCATION: mlflow_artifacts.location(source, run_id)}
    return {}


def check_source(path: Path, digest: str) -> None:
    """What is about to be stored is what was evaluated. Raises RecordError."""
    got = files.digest_file(path)
    if got != digest:
        raise RecordError(
            f"{path.name} is not the file that was evaluated.",
            why=f"Its digest is {got}; the evidence names {digest}.",
            next="Run the evaluation again; nothing was stored.",
        )


def check(path: Path, digest: str, tag: str) -> None:
    """The file is the registered one; another is removed. Raises RecordError naming both digests."""
    got = files.digest_file(path)
    if got != digest:
        path.unlink(missing_ok=True)
        raise RecordError(
            f"{path.name} in the store is not the file that {tag} registered.",
            why=f"Its digest is {got}; the tag says {digest}.",
            next="Someone replaced it. Do not use this version: restore the file, or register anew.",
        )
