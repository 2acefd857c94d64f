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
    twin: bool = False  # the target bears another version already: tag a commit like it, of the same files


class Document(Struct, frozen=True, kw_only=True):
    """A file of a version that the ledger keeps."""

    path: str  # in the ledger's tree, see core/registry/ledger.py
    data: bytes


class PushTags(Effect, frozen=True, kw_only=True):
    """Create all tags, each with its ledger commit, in one atomic push; nothing of them exists before or
    after a refusal. A tag is only created, the ledger only goes forward.
    """

    tags: tuple[Tag, ...]
    operation: str  # a tag that already carries this operation id counts as done
    documents: tuple[Document, ...] = ()  # go into the first tag's ledger commit


class StoreModel(Effect, frozen=True, kw_only=True):
    """Put the model file where its tag will say that it is; first, for a tag must not promise in vain."""

    store: str
    location: str
    path: Path
    digest: str


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


class Annotation(Struct, frozen=True, kw_only=True):
    """A note at a line of a file of the commit."""

    path: str
    line: int
    level: str  # "failure", "warning", "notice"
    title: str
    message: str


class PublishCheck(Effect, frozen=True, kw_only=True):
    """The check run of a commit; without the permission its status, which has only a title."""

    name: str
    commit: str
    conclusion: str  # "success", "failure"
    title: str
    summary: str  # Markdown
    url: str  # of the run
    annotations: tuple[Annotation, ...] = ()
    content: str = ""  # digest of all the above: what was published already is not published again


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
