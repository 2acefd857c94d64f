"""Commits, refs, tags, branches, files."""

from __future__ import annotations

import base64

from modelrail.localhub.bare import Bare, Commit, Ref, Signature, TagObject
from modelrail.localhub.shapes.people import Json, node_id, quote, repo_api, repo_html
from modelrail.localhub.shapes.talk import change
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World, iso

_UNSIGNED: Json = {
    "verified": False,
    "reason": "unsigned",
    "payload": None,
    "signature": None,
    "verified_at": None,
}


def signature(person: Signature) -> Json:
    return {"name": person.name, "email": person.email, "date": iso(person.time)}


def _parents(world: World, repo: Doc, found: Commit, *, git: bool) -> list[Json]:
    api, html = repo_api(world, repo), repo_html(world, repo)
    middle = "/git/commits/" if git else "/commits/"
    return [
        {"sha": sha, "url": f"{api}{middle}{sha}", "html_url": f"{html}/commit/{sha}"}
        for sha in found.parents
    ]


def commit(world: World, repo: Doc, found: Commit) -> Json:
    api, html = repo_api(world, repo), repo_html(world, repo)
    return {
        "sha": found.sha,
        "node_id": node_id("Commit", int(found.sha[:12], 16)),
        "url": f"{api}/commits/{found.sha}",
        "html_url": f"{html}/commit/{found.sha}",
        "comments_url": f"{api}/commits/{found.sha}/comments",
        "commit": {
            "url": f"{api}/git/commits/{found.sha}",
            "author": signature(found.author),
            "committer": signature(found.committer),
            "message": found.message,
            "comment_count": 0,
            "tree": {"sha": found.tree, "url": f"{api}/git/trees/{found.tree}"},
            "verification": _UNSIGNED,
        },
        "author": None,
        "committer": None,
        "parents": _parents(world, repo, found, git=False),
    }


def full_commit(world: World, repo: Doc, bare: Bare, found: Commit) -> Json:
    """With its files, as `GET commits/{ref}` gives it."""
    empty = bare.run("hash-object", "-t", "tree", "--stdin", data=b"").decode().strip()
    changes = bare.changes(found.parents[0] if found.parents else empty, found.sha)
    added, removed = sum(one.additions for one in changes), sum(one.deletions for one in changes)
    return commit(world, repo, found) | {
        "stats": {"additions": added, "deletions": removed, "total": added + removed},
        "files": [change(world, repo, found.sha, one) for one in changes],
    }


def git_commit(world: World, repo: Doc, found: Commit) -> Json:
    api, html = repo_api(world, repo), repo_html(world, repo)
    return {
        "sha": found.sha,
        "node_id": node_id("Commit", int(found.sha[:12], 16)),
        "url": f"{api}/git/commits/{found.sha}",
        "html_url": f"{html}/commit/{found.sha}",
        "author": signature(found.author),
        "committer": signature(found.committer),
        "tree": {"sha": found.tree, "url": f"{api}/git/trees/{found.tree}"},
        "message": found.message,
        "parents": _parents(world, repo, found, git=True),
        "verification": _UNSIGNED,
    }


def _object(world: World, repo: Doc, kind: str, sha: str) -> Json:
    return {"type": kind, "sha": sha, "url": f"{repo_api(world, repo)}/git/{kind}s/{sha}"}


def ref(world: World, repo: Doc, found: Ref) -> Json:
    return {
        "ref": found.name,
        "node_id": node_id("Ref", int(found.sha[:12], 16)),
        "url": f"{repo_api(world, repo)}/git/{quote(found.name)}",
        "object": _object(world, repo, found.kind, found.sha),
    }


def tag_object(world: World, repo: Doc, found: TagObject) -> Json:
    return {
        "node_id": node_id("Tag", int(found.sha[:12], 16)),
        "tag": found.name,
        "sha": found.sha,
        "url": f"{repo_api(world, repo)}/git/tags/{found.sha}",
        "message": found.message,
        "tagger": signature(found.tagger),
        "object": _object(world, repo, found.target_kind, found.target),
        "verification": _UNSIGNED,
    }


def tag(world: World, repo: Doc, found: Ref) -> Json:
    api, name = repo_api(world, repo), found.name.removeprefix("refs/tags/")
    return {
        "name": name,
        "commit": {"sha": found.peeled, "url": f"{api}/commits/{found.peeled}"},
        "zipball_url": f"{api}/zipball/refs/tags/{quote(name)}",
        "tarball_url": f"{api}/tarball/refs/tags/{quote(name)}",
        "node_id": node_id("Ref", int(found.sha[:12], 16)),
    }


def short_branch(world: World, repo: Doc, found: Ref) -> Json:
    return {
        "name": found.name.removeprefix("refs/heads/"),
        "commit": {"sha": found.sha, "url": f"{repo_api(world, repo)}/commits/{found.sha}"},
        "protected": False,
    }


def branch(world: World, repo: Doc, bare: Bare, found: Ref) -> Json:
    name = found.name.removeprefix("refs/heads/")
    url = f"{repo_api(world, repo)}/branches/{quote(name)}"
    return {
        "name": name,
        "commit": commit(world, repo, bare.commit(found.sha)),
        "_links": {"self": url, "html": f"{repo_html(world, repo)}/tree/{quote(name)}"},
        "protected": False,
        "protection": {"enabled": False},
        "protection_url": f"{url}/protection",
    }


def file(world: World, repo: Doc, bare: Bare, revision: str, path: str, sha: str) -> Json:
    data = bare.blob(sha)
    text = base64.encodebytes(data).decode()
    return _entry(world, repo, revision, path, "file", sha, len(data)) | {
        "encoding": "base64",
        "content": text,
    }


def folder(world: World, repo: Doc, bare: Bare, revision: str, path: str, tree: str) -> list[Json]:
    words = {"blob": "file", "tree": "dir", "commit": "submodule"}
    return [
        _entry(world, repo, revision, f"{path}/{name}".lstrip("/"), words[kind], sha, size)
        for kind, sha, size, name in bare.listing(tree)
    ]


def _entry(world: World, repo: Doc, revision: str, path: str, kind: str, sha: str, size: int) -> Json:
    api, html, where = repo_api(world, repo), repo_html(world, repo), quote(path)
    url = f"{api}/contents/{where}?ref={quote(revision)}"
    page = f"{html}/{'tree' if kind == 'dir' else 'blob'}/{quote(revision)}/{where}"
    data = f"{api}/git/{'trees' if kind == 'dir' else 'blobs'}/{sha}"
    return {
        "type": kind,
        "size": size,
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": sha,
        "url": url,
        "git_url": data,
        "html_url": page,
        "download_url": None if kind == "dir" else f"{html}/raw/{quote(revision)}/{where}",
        "_links": {"self": url, "git": data, "html": page},
    }
