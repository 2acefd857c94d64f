"""Model files as assets of GitHub releases: one asset, or parts with a manifest where it is too large."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelrail import plans
from modelrail.adapters import files
from modelrail.errors import NotFoundError, RecordError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelrail.adapters.github.client import GitHub
    from modelrail.records import Event

PART_BYTES = 2_000_000_000  # GitHub takes assets of less than 2 GiB
MAX_PARTS = 900  # and a thousand of them a release
BLOCK = 1024 * 1024
MANIFEST = ".parts.json"
SCHEMA = "modelrail/parts/1"


class ReleaseAssets:
    name = "release"

    def __init__(self, github: GitHub | None) -> None:
        self._github = github

    def publish(self, source: Path, location: str) -> None:
        raise UsageError(f"{source.name} is published with its release, not before ({location}).")

    def fetch(self, event: Event, location: str, dest: Path) -> None:
        if self._github is None:
            raise NotFoundError(
                f"The model file of {event.tag} is not here, and there is no GitHub to ask.",
                next="Set GITHUB_REPOSITORY and a token, or put the file into the cache.",
            )
        release = self._github.release_by_tag(event.tag)
        if release is None:
            raise NotFoundError(
                f"{event.tag} has no published release, so its model file is not there.",
                next="Run the release workflow of its commit again: it completes a half-done release.",
            )
        digest = event.trailers.get("Model-Digest", "")
        manifest = dest.with_name(f".{location}{MANIFEST}")
        try:
            self._github.download_asset(release, location + MANIFEST, manifest, max_bytes=BLOCK)
        except NotFoundError:
            self._github.download_asset(release, location, dest, digest=digest)
            return
        try:
            self._join(release, _parts(manifest, location), dest)
        finally:
            manifest.unlink(missing_ok=True)

    def _join(self, release: Mapping[str, Any], parts: list[tuple[str, str, int]], dest: Path) -> None:
        """The parts one after the other, so that at most one of them lies beside the whole."""
        assert self._github is not None  # noqa: S101 - fetch() has looked
        part = dest.with_name(f".{dest.name}.part")
        try:
            with dest.open("wb") as out:
                for name, digest, size in parts:
                    self._github.download_asset(release, name, part, digest=digest, max_bytes=size)
                    with part.open("rb") as stream:
                        while block := stream.read(BLOCK):
                            out.write(block)
        except BaseException:
            dest.unlink(missing_ok=True)
            raise
        finally:
            part.unlink(missing_ok=True)


def assets(source: Path, digest: str, place: Path) -> list[plans.Asset]:
    """The file as one asset; one that GitHub would not take, as parts and a manifest written to `place`."""
    size = source.stat().st_size
    if size <= PART_BYTES:
        return [plans.Asset(name=source.name, path=source, digest=digest)]
    count = -(-size // PART_BYTES)
    if count > MAX_PARTS:
        raise UsageError(
            f"{source.name} has {size:,} bytes: more than {MAX_PARTS} assets of a release hold.",
            next="Use `store: dvc` or `store: mlflow` for this model.",
        )
    place.mkdir(parents=True, exist_ok=True)
    found: list[plans.Asset] = []
    with source.open("rb") as stream:
        for number in range(1, count + 1):
            path = place / f"{source.name}.part-{number:03d}"
            _copy(stream, path, PART_BYTES)
            found.append(plans.Asset(name=path.name, path=path, digest=files.digest_file(path)))
    manifest = place / (source.name + MANIFEST)
    parts = [
        {"name": asset.name, "digest": asset.digest, "size": asset.path.stat().st_size} for asset in found
    ]
    document = {"schema": SCHEMA, "file": source.name, "digest": digest, "size": size, "parts": parts}
    files.write_bytes(manifest, (json.dumps(document, indent=2) + "\n").encode())
    # Last: a release whose manifest is there has all its parts.
    return [
        *found,
        plans.Asset(
            name=manifest.name, path=manifest, digest=files.digest_file(manifest),
            media_type="application/json",
        ),
    ]  # fmt: skip


def _copy(stream: Any, path: Path, limit: int) -> None:
    left = limit
    with path.open("wb") as out:
        while left and (block := stream.read(min(BLOCK, left))):
            out.write(block)
            left -= len(block)


def _parts(manifest: Path, name: str) -> list[tuple[str, str, int]]:
    """The parts that a manifest lists; it comes from outside and may say anything. Raises RecordError."""
    try:
        document = json.loads(files.read_bytes(manifest, BLOCK))
        parts = [(part["name"], part["digest"], part["size"]) for part in document["parts"]]
        head = (document["schema"], document["file"])
    except (ValueError, KeyError, TypeError):
        parts, head = [], ("", "")
    expected = [f"{name}.part-{number:03d}" for number in range(1, len(parts) + 1)]
    sound = all(
        isinstance(size, int) and 0 < size < 2**31 and isinstance(digest, str) and digest
        for _, digest, size in parts
    )
    if (
        not sound
        or head != (SCHEMA, name)
        or not 0 < len(parts) <= MAX_PARTS
        or [part[0] for part in parts] != expected
    ):
        raise RecordError(
            f"{name}{MANIFEST} of the release does not say which parts make the file.",
            next="Someone replaced it. Do not use this version: restore the file, or register anew.",
        )
    return parts
