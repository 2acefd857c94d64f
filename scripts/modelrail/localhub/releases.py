"""Releases and their assets: drafts, `latest`, half-finished uploads, duplicates, immutability."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modelrail.localhub import repositories
from modelrail.localhub.answers import ApiError, not_found, validation
from modelrail.localhub.bare import ZERO
from modelrail.localhub.repositories import RefChange
from modelrail.localhub.store import Doc
from modelrail.localhub.world import Identity, World

MAX_NOTES = 125_000
FIELDS = ("tag_name", "target_commitish", "name", "body", "draft", "prerelease")


def create(world: World, repo: Doc, who: Identity, values: dict[str, Any]) -> Doc:
    tag = values.get("tag_name")
    if not isinstance(tag, str) or not tag:
        raise validation("Release", "missing_field", "tag_name")
    bare = world.bare(repo)
    if not bare.valid_name(f"refs/tags/{tag}"):
        raise validation("Release", "custom", "tag_name", "tag_name is not a valid tag")
    world.user(who.login)
    with world.store.writing():
        draft = bool(values.get("draft", False))
        if not draft:
            _refuse_second(world, repo, tag)
        found = world.store.add(
            "release",
            repo["full_name"],
            {
                "tag_name": tag,
                "target_commitish": values.get("target_commitish") or repo["default_branch"],
                "name": values.get("name"),
                "body": _notes(values.get("body")),
                "draft": draft,
                "prerelease": bool(values.get("prerelease", False)),
                "author": who.login,
                "created_at": world.now(),
                "published_at": None,
                "assets": [],
            },
        )
        return found if draft else _publish(world, repo, who, found, values.get("make_latest"))


def change(world: World, repo: Doc, who: Identity, identity: int, values: dict[str, Any]) -> Doc:
    with world.store.writing():
        found = get(world, repo, identity)
        was_draft = found["draft"]
        if (
            not was_draft
            and repo["immutable_releases"]
            and values.get("tag_name", found["tag_name"]) != found["tag_name"]
        ):
            raise validation("Release", "custom", "tag_name", "tag_name was used by an immutable release")
        found |= {key: values[key] for key in FIELDS if values.get(key) is not None}
        found["body"] = _notes(found["body"])
        world.store.save(found)
        if was_draft and not found["draft"]:
            _refuse_second(world, repo, found["tag_name"], besides=identity)
            return _publish(world, repo, who, found, values.get("make_latest"))
        if not found["draft"] and "make_latest" in values:
            _make_latest(world, repo, found, values["make_latest"])
        return found


def _notes(body: Any) -> str | None:
    if body is not None and len(str(body)) > MAX_NOTES:
        raise validation("Release", "custom", "body", f"body is too long (maximum is {MAX_NOTES} characters)")
    return body if body is None else str(body)


def _refuse_second(world: World, repo: Doc, tag: str, besides: int = 0) -> None:
    present = published_by_tag(world, repo, tag)
    if present and present["id"] != besides:
        raise validation("Release", "already_exists", "tag_name")


def _publish(world: World, repo: Doc, who: Identity, found: Doc, make_latest: Any) -> Doc:
    """The tag comes into being now, if it is not there; the release is dated by its commit."""
    bare = world.bare(repo)
    name = f"refs/tags/{found['tag_name']}"
    ref = bare.ref(name)
    if ref is None:
        target = bare.resolve(found["target_commitish"])
        if target is None:
            raise validation("Release", "invalid", "target_commitish")
        repositories.write_ref(world, repo, who, RefChange(name, ZERO, target))
        commit = target
    else:
        commit = ref.peeled
    found["created_at"] = bare.commit(commit).committer.time
    found["published_at"] = world.now()
    world.store.save(found)
    _make_latest(world, repo, found, make_latest)
    return found


def _make_latest(world: World, repo: Doc, found: Doc, wish: Any) -> None:
    """`true` (the default) marks this one, `false` never does, `legacy` lets the dates decide.

    A draft or a pre-release is never the latest, whatever is wished.
    """
    if wish is None:
        wish = "true"
    if wish not in {"true", "false", "legacy"}:
        raise validation("Release", "invalid", "make_latest")
    current = world.repository(repo["owner"], repo["name"])
    chosen = current["latest_release"]
    if found["prerelease"] or found["draft"] or wish == "false":
        chosen = None if chosen == found["id"] else chosen
    elif wish == "true":
        chosen = found["id"]
    else:
        chosen = None
    # What `false` means must be remembered: it is not to win by its date either.
    found["never_latest"] = wish == "false"
    world.store.save(found)
    world.store.save(current | {"latest_release": chosen})


def latest(world: World, repo: Doc) -> Doc:
    """The marked one; else the newest by commit date among the full releases."""
    current = world.repository(repo["owner"], repo["name"])
    full = [doc for doc in published(world, repo) if not doc["prerelease"]]
    marked = next((doc for doc in full if doc["id"] == current["latest_release"]), None)
    if marked:
        return marked
    candidates = [doc for doc in full if not doc.get("never_latest")]
    if not candidates:
        raise not_found()
    return max(candidates, key=lambda doc: (doc["created_at"], doc["id"]))


def published(world: World, repo: Doc) -> list[Doc]:
    return world.store.all("release", repo["full_name"], lambda doc: not doc["draft"])


def published_by_tag(world: World, repo: Doc, tag: str) -> Doc | None:
    return next((doc for doc in published(world, repo) if doc["tag_name"] == tag), None)


def listing(world: World, repo: Doc, *, drafts: bool) -> list[Doc]:
    """Newest first; drafts are for those who may write."""
    found = world.store.all("release", repo["full_name"], lambda doc: drafts or not doc["draft"])
    return sorted(found, key=lambda doc: (doc["draft"], doc["created_at"], doc["id"]), reverse=True)


def get(world: World, repo: Doc, identity: int) -> Doc:
    found = world.store.by_id("release", repo["full_name"], identity)
    if found is None:
        raise not_found()
    return found


def delete(world: World, repo: Doc, identity: int) -> None:
    """The tag stays."""
    with world.store.writing():
        found = get(world, repo, identity)
        for one in assets(world, repo, found):
            _remove_file(world, one)
            world.store.delete(one["id"])
        world.store.delete(found["id"])


# --- assets -----------------------------------------------------------------------------------------


def assets(world: World, repo: Doc, release: Doc) -> list[Doc]:
    return world.store.all("asset", repo["full_name"], lambda doc: bool(doc["release"] == release["id"]))


def get_asset(world: World, repo: Doc, identity: int) -> Doc:
    found = world.store.by_id("asset", repo["full_name"], identity)
    if found is None:
        raise not_found()
    return found


def asset_path(world: World, asset: Doc) -> Path:
    return world.state / "assets" / str(asset["id"])


def safe_name(name: str) -> str:
    """GitHub puts a dot for what it does not like in a name."""
    return re.sub(r"[^A-Za-z0-9._@+-]+", ".", name).strip(".") or "default"


def reserve(
    world: World,
    repo: Doc,
    release: Doc,
    *,
    name: str,
    label: str | None,
    content_type: str,
    user: str,
    size: int,
) -> Doc:
    """The first half of an upload: the name is taken, the bytes are not there (`starter`)."""
    clean = safe_name(name)
    world.user(user)
    with world.store.writing():
        current = get(world, repo, release["id"])
        if repo["immutable_releases"] and not current["draft"]:
            raise ApiError(422, "Cannot upload assets to an immutable release.")
        _refuse_taken(world, repo, current, clean)
        return world.store.add(
            "asset",
            repo["full_name"],
            {
                "release": release["id"], "name": clean, "label": label, "content_type": content_type,
                "uploader": user, "state": "starter", "size": size, "digest": None, "download_count": 0,
                "created_at": world.now(), "updated_at": world.now(),
            },
        )  # fmt: skip


def receive(world: World, asset: Doc, blocks: Iterable[bytes]) -> Doc:
    """Stream the bytes to disk. An upload that ends early leaves the asset a `starter`, its name taken."""
    path = asset_path(world, asset)
    path.parent.mkdir(exist_ok=True)
    digest, received = hashlib.sha256(), 0
    with path.open("wb") as stream:
        for block in blocks:
            stream.write(block)
            digest.update(block)
            received += len(block)
    if received != asset["size"]:
        raise ApiError(400, "Bad Content-Length")
    return world.store.save(
        asset | {"state": "uploaded", "digest": f"sha256:{digest.hexdigest()}", "updated_at": world.now()}
    )


def _refuse_taken(world: World, repo: Doc, release: Doc, name: str, besides: int = 0) -> None:
    if any(one["name"] == name and one["id"] != besides for one in assets(world, repo, release)):
        raise validation("ReleaseAsset", "already_exists", "name")


def change_asset(world: World, repo: Doc, identity: int, values: dict[str, Any]) -> Doc:
    with world.store.writing():
        found = get_asset(world, repo, identity)
        release = get(world, repo, found["release"])
        if repo["immutable_releases"] and not release["draft"]:
            raise ApiError(422, "Cannot modify assets of an immutable release.")
        if values.get("name"):
            _refuse_taken(world, repo, release, safe_name(values["name"]), besides=identity)
            found["name"] = safe_name(values["name"])
        if "label" in values:
            found["label"] = values["label"]
        return world.store.save(found | {"updated_at": world.now()})


def delete_asset(world: World, repo: Doc, identity: int) -> None:
    with world.store.writing():
        found = get_asset(world, repo, identity)
        if repo["immutable_releases"] and not get(world, repo, found["release"])["draft"]:
            raise ApiError(422, "Cannot delete assets of an immutable release.")
        world.store.delete(identity)
        _remove_file(world, found)


def count_download(world: World, repo: Doc, identity: int) -> None:
    with world.store.writing():
        found = get_asset(world, repo, identity)
        world.store.save(found | {"download_count": found["download_count"] + 1})


def _remove_file(world: World, asset: Doc) -> None:
    asset_path(world, asset).unlink(missing_ok=True)
