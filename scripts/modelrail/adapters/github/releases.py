"""Releases: draft -> upload -> verify -> publish. Nobody ever sees a release whose files are not all there.

Killed at any point, the next run finds the draft (drafts are not found by tag, only in the list), throws away
what a broken upload left (`starter` assets, other bytes) and goes on. A published release is never changed,
only compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from modelrail import plans
from modelrail.adapters import files
from modelrail.adapters.github.errors import AnswerLostError, UnprocessableError
from modelrail.adapters.github.http import BYTES
from modelrail.errors import ConflictError, GitHubError, NotFoundError, RecordError, UnavailableError

if TYPE_CHECKING:
    import requests

    from modelrail.adapters.github.repository import Repository

Json = Mapping[str, Any]
DRAFT_PAGES = 20  # drafts stand at the top of the list
BLOCK = 1024 * 1024
DOWNLOAD_ATTEMPTS = 3


def publish(github: Repository, effect: plans.PublishRelease) -> str:
    for asset in effect.assets:
        _check_file(asset)
    published = github.release_by_tag(effect.tag)
    if published is not None:
        return _same(github, published, effect)
    # Publishing a release of a tag that is not there would make GitHub create a lightweight one.
    try:
        github.http.get(f"{github.base}/git/ref/{quote(f'tags/{effect.tag}', safe='')}")
    except NotFoundError:
        raise ConflictError(
            f"The tag {effect.tag} is not on GitHub; its release is not made without it.",
            next="Push the tag first; `modelrail register` does both.",
        ) from None
    draft = _draft(github, effect.tag) or github.create(
        lambda: github.http.post(
            f"{github.base}/releases",
            {
                "tag_name": effect.tag,
                "name": effect.title,
                "body": effect.body,
                "draft": True,
                "prerelease": effect.prerelease,
                "make_latest": "false",
            },
        ),
        lambda: _draft(github, effect.tag),
    )
    for asset in effect.assets:
        _ensure_asset(github, draft, asset)
    try:
        done = github.http.patch(
            f"{github.base}/releases/{draft['id']}",
            {
                "tag_name": effect.tag,
                "name": effect.title,
                "body": effect.body,
                "draft": False,
                "prerelease": effect.prerelease,
                "make_latest": "true" if effect.latest and not effect.prerelease else "false",
            },
        )
    except (UnprocessableError, NotFoundError):
        # Another run published the same tag in between: equal is success.
        published = github.release_by_tag(effect.tag)
        if published is None:
            raise
        return _same(github, published, effect)
    if done.get("draft"):
        raise UnavailableError(
            f"GitHub did not publish the release of {effect.tag}.", next="Run the step again."
        )
    return str(done["html_url"])


def _check_file(asset: plans.Asset) -> None:
    found = files.digest_file(asset.path)
    if found != asset.digest:
        raise RecordError(
            f"{asset.path.name} is not the file that was evaluated.",
            why=f"Its digest is {found}; the evidence names {asset.digest}.",
            next="Run the evaluation again; nothing was published.",
        )


def _draft(github: Repository, tag: str) -> Json | None:
    """The oldest draft of the tag, so that two runs complete the same one."""
    listed = github.http.pages(f"{github.base}/releases", limit=DRAFT_PAGES, complete=False)
    drafts = [found for found in listed if found.get("draft") and found.get("tag_name") == tag]
    return min(drafts, key=lambda found: int(found["id"])) if drafts else None


def _assets(github: Repository, release: Json) -> dict[str, Json]:
    listed = github.http.pages(f"{github.base}/releases/{release['id']}/assets")
    return {_key(str(asset["name"])): asset for asset in listed}


def _same(github: Repository, release: Json, effect: plans.PublishRelease) -> str:
    """A published release with the same files is this very release; one with other files is a conflict."""
    there = _assets(github, release)
    for asset in effect.assets:
        found = there.get(_key(asset.name))
        if found is None or not _holds(github, found, asset):
            raise ConflictError(
                f"The release of {effect.tag} is published with "
                f"{'other bytes for' if found else 'no'} {asset.name}.",
                why="A published version never changes.",
                next="Register the candidate as a new version.",
            )
    return str(release["html_url"])


def mark(github: Repository, effect: plans.MarkRelease) -> str:
    """The flags alone; files, title and text of a published release stay as they are."""
    release = github.release_by_tag(effect.tag)
    if release is None:
        return ""
    flags = {
        "prerelease": effect.prerelease,
        "make_latest": "true" if effect.latest and not effect.prerelease else "false",
    }
    return str(github.http.patch(f"{github.base}/releases/{release['id']}", flags)["html_url"])


def _key(name: str) -> str:
    """What is left of a name whichever way GitHub rewrites it (special characters become dots)."""
    return re.sub(r"[^A-Za-z0-9]", ".", name).strip(".")


def _ensure_asset(github: Repository, release: Json, asset: plans.Asset) -> None:
    def find() -> Json | None:
        """The uploaded asset of this name; whatever else stands under the name is removed."""
        found = _assets(github, release).get(_key(asset.name))
        if found is None or _holds(github, found, asset):
            return found
        with contextlib.suppress(NotFoundError):
            github.http.delete(f"{github.base}/releases/assets/{found['id']}")
        return None

    if find() is not None:
        return
    url = str(release["upload_url"]).split("{", 1)[0]
    if not github.http.trusts(url):
        raise GitHubError(f"GitHub names another host for uploads, {url}; nothing is sent there.")

    def send() -> Any:
        with asset.path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            return github.http.upload(url, stream, size, asset.media_type, name=asset.name)

    try:
        sent = github.create(send, find)
    except AnswerLostError as lost:
        raise UnavailableError(
            f"{asset.name} could not be uploaded.", why=lost.why, next="Run the step again."
        ) from None
    if not _holds(github, sent, asset):
        raise ConflictError(
            f"GitHub holds other bytes for {asset.name} than were sent.",
            next="Run the step again; nothing was published.",
        )


def _holds(github: Repository, found: Json, asset: plans.Asset) -> bool:
    """Whether GitHub's copy is whole and the same: by its own digest, else by size and a download."""
    if found.get("state") != "uploaded" or found.get("size") != asset.path.stat().st_size:
        return False
    if found.get("digest"):
        return bool(found["digest"] == asset.digest)
    with tempfile.TemporaryDirectory(prefix="modelrail-asset-") as place:
        return _fetch(github, found, Path(place) / "copy", asset.path.stat().st_size) == asset.digest


def digests(github: Repository, release: Json, names: Iterable[str], *, max_bytes: int) -> dict[str, str]:
    """The SHA-256 of these files, of those that the release has: as GitHub says, else of a download."""
    there = _assets(github, release)
    found: dict[str, str] = {}
    for name in names:
        asset = there.get(_key(name))
        if asset is None or asset.get("state") != "uploaded":
            continue
        if asset.get("digest"):
            found[name] = str(asset["digest"])
            continue
        with tempfile.TemporaryDirectory(prefix="modelrail-asset-") as place:
            found[name] = _fetch(github, asset, Path(place) / "copy", max_bytes)
    return found


def download(github: Repository, release: Json, name: str, dest: Path, *, digest: str, max_bytes: int) -> str:
    found = _assets(github, release).get(_key(name))
    if found is None or found.get("state") != "uploaded":
        raise NotFoundError(
            f"The release {release.get('tag_name')} has no file {name}.",
            next="Was the release changed by hand? Its tag says which file belongs to it.",
        )
    if int(found.get("size", 0)) > max_bytes:
        raise RecordError(f"{name} has {int(found['size']):,} bytes; at most {max_bytes:,} are read.")
    got = _fetch(github, found, dest, max_bytes)
    if digest and got != digest:
        dest.unlink(missing_ok=True)
        raise RecordError(
            f"{name} of the release {release.get('tag_name')} is not the file that was registered.",
            why=f"Its digest is {got}; the record says {digest}.",
            next="Someone replaced the file. Do not use this version: restore the file, or register anew.",
        )
    return got


def _fetch(github: Repository, asset: Json, dest: Path, max_bytes: int) -> str:
    """Stream to a temporary file beside `dest`, then move it there. A cut connection is tried again."""
    import requests

    dest.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
        handle, temporary = tempfile.mkstemp(dir=dest.parent, prefix=f".{dest.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                digest = _stream(github, asset, out, max_bytes)
            os.chmod(temporary, 0o644)  # noqa: PTH101
            os.replace(temporary, dest)  # noqa: PTH105
        except requests.RequestException as error:
            if attempt == DOWNLOAD_ATTEMPTS:
                raise UnavailableError(
                    f"{asset['name']} could not be downloaded in {attempt} attempts.",
                    why=type(error).__name__,  # its text would hold the signed URL
                    next="Try again later.",
                ) from None
            github.http.wait(attempt)
        else:
            return digest
        finally:
            Path(temporary).unlink(missing_ok=True)
    raise AssertionError


def _stream(github: Repository, asset: Json, out: BinaryIO, max_bytes: int) -> str:
    path = f"{github.base}/releases/assets/{asset['id']}"
    with github.http.send("GET", path, headers={"Accept": BYTES}) as response:
        return copy(response, str(asset["name"]), out, max_bytes)


def copy(response: requests.Response, name: str, out: BinaryIO, max_bytes: int) -> str:
    """The body of an answer to a file; returns its digest. Raises RecordError when it is too long."""
    digest, size = hashlib.sha256(), 0
    for block in response.iter_content(BLOCK):
        size += len(block)
        if size > max_bytes:
            raise RecordError(f"{name} has more than {max_bytes:,} bytes; it is not read.")
        digest.update(block)
        out.write(block)
    return f"sha256:{digest.hexdigest()}"
