"""Effects as values: core decides what shall happen, adapters/apply.py does it, `--dry-run` prints it."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Effect(Struct, frozen=True, kw_only=True):
    """Base of the effects."""


class Tag(Struct, frozen=True, kw_only=True):
    """One annotated tag to create. `time` is Unix seconds, already made to increase."""

    name: str
    target: str  # commit
    message: str
    time: int


class PushTags(Effect, frozen=True, kw_only=True):
    """Create all tags in one atomic, create-only push; nothing of them exists before or after a refusal."""

    tags: tuple[Tag, ...]
    operation: str  # a tag that already carries this operation id counts as done


class Asset(Struct, frozen=True, kw_only=True):
    name: str
    path: Path
    digest: str
    media_type: str = "application/octet-stream"


class PublishRelease(Effect, frozen=True, kw_only=True):
    """Draft -> upload -> read back -> publish; a half-done one is completed, a finished one left alone."""

    tag: str
    title: str
    body: str
    assets: tuple[Asset, ...]
    prerelease: bool
    latest: bool


class MarkRelease(Effect, frozen=True, kw_only=True):
    """The flags of a published release, after its version entered or left the last stage."""

    tag: str
    prerelease: bool
    latest: bool


class UpsertComment(Effect, frozen=True, kw_only=True):
    """The one sticky comment of a pull request: found by marker and author, created or updated."""

    pull_request: int
    marker: str  # one hidden HTML comment line
    body: str  # without the marker


class SetDeployment(Effect, frozen=True, kw_only=True):
    """A deployment with its status, so that GitHub shows what is where."""

    environment: str
    ref: str
    description: str
    state: str  # "success", "inactive", "failure"
    payload: dict[str, str]


class WriteFile(Effect, frozen=True, kw_only=True):
    """A file in the user's repository (`init`), never overwritten unless `overwrite`."""

    path: Path
    text: str
    overwrite: bool = False


Plan = tuple[Effect, ...]
