"""The payloads that GitHub sends with an event, made from the hub's state. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelrail.localhub import actions, pulls, releases
from modelrail.localhub.bare import ZERO, Commit
from modelrail.localhub.shapes import people, talk, work
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World, iso

Json = dict[str, Any]
MAX_COMMITS = 20


def _common(world: World, repo: Doc, user: str) -> Json:
    return {
        "repository": people.full_repository(world, repo),
        "sender": people.user(world, user or repo["owner"]),
    }


def pull_request(
    world: World,
    owner: str,
    name: str,
    number: int,
    *,
    action: str = "opened",
    user: str = "",
    label: str = "",
) -> Json:
    """`pull_request` (and `pull_request_target`): opened, synchronize, reopened, closed, labeled."""
    repo = world.repository(owner, name)
    doc = pulls.get(world, repo, number)
    found: Json = {"action": action, "number": number, "pull_request": talk.pull(world, repo, doc)}
    if label:
        found["label"] = talk.label(world, repo, label)
    if action == "synchronize":
        found["after"] = doc["pull"]["head_sha"]
    return found | _common(world, repo, user or doc["user"])


def push(world: World, owner: str, name: str, ref: str, before: str, after: str, *, user: str = "") -> Json:
    """`push` of a branch or a tag; 40 zeros stand for "was not there" and "is gone"."""
    repo = world.repository(owner, name)
    bare, login = world.bare(repo), user or owner
    span = [after] if before == ZERO else [f"{before}..{after}"]
    commits = [] if after == ZERO else bare.commits(*span, limit=1 if before == ZERO else MAX_COMMITS)[::-1]
    shaped = [_commit(world, repo, commit) for commit in commits]
    tip = None if after == ZERO else _commit(world, repo, bare.commit(bare.resolve(after) or after))
    html = people.repo_html(world, repo)
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": before == ZERO,
        "deleted": after == ZERO,
        "forced": ZERO not in {before, after} and not bare.is_ancestor(before, after),
        "base_ref": None,
        "compare": f"{html}/compare/{before[:12]}...{after[:12]}",
        "commits": shaped,
        "head_commit": tip,
        "pusher": {"name": login, "email": world.person(login).email},
    } | _common(world, repo, login)


def _commit(world: World, repo: Doc, found: Commit) -> Json:
    bare = world.bare(repo)
    changes = bare.changes(found.parents[0], found.sha) if found.parents else []
    paths = {word: [one.path for one in changes if one.status == word] for word in ("added", "removed")}
    return {
        "id": found.sha,
        "tree_id": found.tree,
        "distinct": True,
        "message": found.message,
        "timestamp": iso(found.committer.time),
        "url": f"{people.repo_html(world, repo)}/commit/{found.sha}",
        "author": {"name": found.author.name, "email": found.author.email, "username": found.author.name},
        "committer": {
            "name": found.committer.name,
            "email": found.committer.email,
            "username": found.committer.name,
        },
        "added": paths["added"],
        "removed": paths["removed"],
        "modified": [one.path for one in changes if one.status not in paths],
    }


def workflow_run(world: World, owner: str, name: str, run_id: int, *, action: str = "completed") -> Json:
    """`workflow_run`: what the privileged job after a pull request's run gets. A fork's names no number."""
    repo = world.repository(owner, name)
    doc = actions.get_run(world, repo, run_id)
    run = work.run(world, repo, doc)
    workflow = {
        "id": run["workflow_id"],
        "node_id": people.node_id("Workflow", run["workflow_id"]),
        "name": doc["name"],
        "path": run["path"],
        "state": "active",
        "url": run["workflow_url"],
        "html_url": f"{people.repo_html(world, repo)}/blob/{repo['default_branch']}/{run['path']}",
        "badge_url": f"{people.repo_html(world, repo)}/workflows/{doc['name']}/badge.svg",
        "created_at": run["created_at"],
        "updated_at": run["updated_at"],
    }
    return {"action": action, "workflow_run": run, "workflow": workflow} | _common(world, repo, doc["actor"])


def workflow_dispatch(
    world: World,
    owner: str,
    name: str,
    workflow: str,
    *,
    ref: str,
    inputs: Mapping[str, str] | None = None,
    user: str = "",
) -> Json:
    """`workflow_dispatch`; inputs are strings, as GitHub delivers them."""
    repo = world.repository(owner, name)
    return {
        "ref": ref,
        "inputs": {key: str(value) for key, value in (inputs or {}).items()} or None,
        "workflow": f".github/workflows/{Path(workflow).name}",
    } | _common(world, repo, user)


def repository_dispatch(
    world: World,
    owner: str,
    name: str,
    event_type: str,
    payload: Mapping[str, Any] | None = None,
    *,
    user: str = "",
) -> Json:
    repo = world.repository(owner, name)
    return {
        "action": event_type,
        "branch": repo["default_branch"],
        "client_payload": dict(payload or {}),
    } | _common(world, repo, user)


def release(world: World, owner: str, name: str, release_id: int, *, action: str = "published") -> Json:
    repo = world.repository(owner, name)
    doc = releases.get(world, repo, release_id)
    return {"action": action, "release": work.release(world, repo, doc)} | _common(world, repo, doc["author"])


def schedule(world: World, owner: str, name: str, cron: str) -> Json:
    repo = world.repository(owner, name)
    return {"schedule": cron, "workflow": None} | _common(world, repo, owner)
