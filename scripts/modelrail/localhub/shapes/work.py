"""Releases, deployments, statuses, checks, runs, artifacts, environments, rulesets."""

from __future__ import annotations

from collections.abc import Sequence

from modelrail.localhub import actions, deployments, releases
from modelrail.localhub.bare import Refused
from modelrail.localhub.shapes.people import (
    Json,
    minimal_repository,
    node_id,
    quote,
    repo_api,
    repo_html,
    user,
)
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World, iso

DAY = 86_400


def release(world: World, repo: Doc, doc: Doc) -> Json:
    api, html, tag = repo_api(world, repo), repo_html(world, repo), quote(doc["tag_name"])
    url = f"{api}/releases/{doc['id']}"
    upload = f"{world.url}/api/uploads/repos/{repo['full_name']}/releases/{doc['id']}/assets"
    return {
        "url": url,
        "html_url": f"{html}/releases/tag/{tag}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{upload}{{?name,label}}",
        "tarball_url": None if doc["draft"] else f"{api}/tarball/{tag}",
        "zipball_url": None if doc["draft"] else f"{api}/zipball/{tag}",
        "id": doc["id"],
        "node_id": node_id("Release", doc["id"]),
        "tag_name": doc["tag_name"],
        "target_commitish": doc["target_commitish"],
        "name": doc["name"],
        "body": doc["body"],
        "draft": doc["draft"],
        "prerelease": doc["prerelease"],
        "immutable": bool(repo["immutable_releases"] and not doc["draft"]),
        "created_at": iso(doc["created_at"]),
        "published_at": iso(doc["published_at"]),
        "author": user(world, doc["author"]),
        "assets": [asset(world, repo, one) for one in releases.assets(world, repo, doc)],
    }


def asset(world: World, repo: Doc, doc: Doc) -> Json:
    parent = releases.get(world, repo, doc["release"])
    page = f"{repo_html(world, repo)}/releases/download/{quote(parent['tag_name'])}/{quote(doc['name'])}"
    return {
        "url": f"{repo_api(world, repo)}/releases/assets/{doc['id']}",
        "id": doc["id"],
        "node_id": node_id("ReleaseAsset", doc["id"]),
        "name": doc["name"],
        "label": doc["label"],
        "uploader": user(world, doc["uploader"]),
        "content_type": doc["content_type"],
        "state": doc["state"],
        "size": doc["size"],
        "digest": doc["digest"],
        "download_count": doc["download_count"],
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "browser_download_url": page,
    }


def deployment(world: World, repo: Doc, doc: Doc) -> Json:
    api = repo_api(world, repo)
    url = f"{api}/deployments/{doc['id']}"
    return {
        "url": url,
        "id": doc["id"],
        "node_id": node_id("Deployment", doc["id"]),
        "sha": doc["sha"],
        "ref": doc["ref"],
        "task": doc["task"],
        "payload": doc["payload"],
        "original_environment": doc["environment"],
        "environment": doc["environment"],
        "description": doc["description"],
        "creator": user(world, doc["creator"]),
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "statuses_url": f"{url}/statuses",
        "repository_url": api,
        "transient_environment": doc["transient_environment"],
        "production_environment": doc["production_environment"],
    }


def deployment_status(world: World, repo: Doc, doc: Doc) -> Json:
    api = repo_api(world, repo)
    parent = f"{api}/deployments/{doc['deployment']}"
    return {
        "url": f"{parent}/statuses/{doc['id']}",
        "id": doc["id"],
        "node_id": node_id("DeploymentStatus", doc["id"]),
        "state": doc["state"],
        "creator": user(world, doc["creator"]),
        "description": doc["description"],
        "environment": doc["environment"],
        "environment_url": doc["environment_url"],
        "target_url": doc["target_url"],
        "log_url": doc["log_url"],
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "deployment_url": parent,
        "repository_url": api,
    }


def status(world: World, repo: Doc, doc: Doc, *, creator: bool = True) -> Json:
    found = {
        "url": f"{repo_api(world, repo)}/statuses/{doc['sha']}",
        "avatar_url": user(world, doc["creator"])["avatar_url"],
        "id": doc["id"],
        "node_id": node_id("StatusContext", doc["id"]),
        "state": doc["state"],
        "description": doc["description"],
        "target_url": doc["target_url"],
        "context": doc["context"],
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
    }
    return found | {"creator": user(world, doc["creator"])} if creator else found


def combined_status(world: World, repo: Doc, sha: str) -> Json:
    newest: dict[str, Doc] = {}
    for doc in deployments.statuses(world, repo, sha):
        newest.setdefault(doc["context"], doc)
    states = {doc["state"] for doc in newest.values()}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    api = repo_api(world, repo)
    return {
        "state": state,
        "sha": sha,
        "total_count": len(newest),
        "statuses": [status(world, repo, doc, creator=False) for doc in newest.values()],
        "repository": minimal_repository(world, repo),
        "commit_url": f"{api}/commits/{sha}",
        "url": f"{api}/commits/{sha}/status",
    }


def check(world: World, repo: Doc, doc: Doc) -> Json:
    url = f"{repo_api(world, repo)}/check-runs/{doc['id']}"
    output = doc["output"]
    return {
        "id": doc["id"],
        "node_id": node_id("CheckRun", doc["id"]),
        "head_sha": doc["head_sha"],
        "external_id": doc.get("external_id"),
        "name": doc["name"],
        "url": url,
        "html_url": f"{repo_html(world, repo)}/runs/{doc['id']}",
        "details_url": doc.get("details_url"),
        "status": doc["status"],
        "conclusion": doc["conclusion"],
        "started_at": iso(doc["started_at"]),
        "completed_at": iso(doc["completed_at"]),
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": output.get("text"),
            "annotations_count": len(output.get("annotations", [])),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": doc["id"]},
        "app": None,
        "pull_requests": [],
    }


def run(world: World, repo: Doc, doc: Doc) -> Json:
    api, bare = repo_api(world, repo), world.bare(repo)
    url, source = f"{api}/actions/runs/{doc['id']}", world.repository(*doc["head_repository"].split("/"))
    try:
        found = bare.commit(doc["head_sha"])
        head = {
            "id": found.sha,
            "tree_id": found.tree,
            "message": found.message,
            "timestamp": iso(found.committer.time),
            "author": {"name": found.author.name, "email": found.author.email},
            "committer": {"name": found.committer.name, "email": found.committer.email},
        }
        title = found.message.split("\n", 1)[0]
    except (Refused, IndexError):
        head, title = None, doc["name"]
    # A fork's run names no pull request: GitHub leaves the list empty.
    pulls = [] if source["id"] != repo["id"] else _pulls(world, repo, doc)
    workflow = sum(doc["workflow"].encode())  # a number that stays the same for the same file
    return {
        "id": doc["id"],
        "name": doc["name"],
        "node_id": node_id("WorkflowRun", doc["id"]),
        "check_suite_id": doc["id"],
        "head_branch": doc["head_branch"],
        "head_sha": doc["head_sha"],
        "path": f".github/workflows/{doc['workflow']}",
        "display_title": title,
        "run_number": doc["number"],
        "run_attempt": doc["attempt"],
        "event": doc["event"],
        "status": doc["status"],
        "conclusion": doc["conclusion"],
        "workflow_id": workflow,
        "url": url,
        "html_url": f"{repo_html(world, repo)}/actions/runs/{doc['id']}",
        "pull_requests": pulls,
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "run_started_at": iso(doc["created_at"]),
        "actor": user(world, doc["actor"]),
        "triggering_actor": user(world, doc["actor"]),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{api}/check-suites/{doc['id']}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": None,
        "workflow_url": f"{api}/actions/workflows/{workflow}",
        "head_commit": head,
        "repository": minimal_repository(world, repo),
        "head_repository": minimal_repository(world, source),
    }


def _pulls(world: World, repo: Doc, doc: Doc) -> list[Json]:
    from modelrail.localhub import pulls

    api = repo_api(world, repo)
    side = {"id": repo["id"], "url": api, "name": repo["name"]}
    return [
        {
            "id": found["id"],
            "number": found["number"],
            "url": f"{api}/pulls/{found['number']}",
            "head": {"ref": found["pull"]["head"], "sha": found["pull"]["head_sha"], "repo": side},
            "base": {"ref": found["pull"]["base"], "sha": found["pull"]["base_sha"], "repo": side},
        }
        for found in pulls.all_pulls(world, repo)
        if found["state"] == "open" and found["pull"]["head_sha"] == doc["head_sha"]
    ]


def artifact(world: World, repo: Doc, doc: Doc) -> Json:
    url = f"{repo_api(world, repo)}/actions/artifacts/{doc['id']}"
    parent = actions.get_run(world, repo, doc["run"])
    return {
        "id": doc["id"],
        "node_id": node_id("Artifact", doc["id"]),
        "name": doc["name"],
        "size_in_bytes": doc["size"],
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": False,
        "digest": doc["digest"],
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "expires_at": iso(doc["created_at"] + actions.ARTIFACT_DAYS * DAY),
        "workflow_run": {
            "id": doc["run"],
            "repository_id": repo["id"],
            "head_repository_id": world.repository(*parent["head_repository"].split("/"))["id"],
            "head_branch": parent["head_branch"],
            "head_sha": parent["head_sha"],
        },
    }


def approval(world: World, repo: Doc, doc: Doc) -> Json:
    keys = ("id", "node_id", "name", "url", "html_url", "created_at", "updated_at")
    places = []
    for name in doc["environments"]:
        found = world.store.get("environment", repo["full_name"], name)
        if found:
            shaped = environment(world, repo, found)
            places.append({key: shaped[key] for key in keys})
    return {
        "environments": places,
        "state": doc["state"],
        "user": user(world, doc["user"]),
        "comment": doc["comment"],
    }


def environment(world: World, repo: Doc, doc: Doc) -> Json:
    rules: list[Json] = []
    if doc["wait_minutes"]:
        rules.append(
            {
                "id": doc["id"] * 10,
                "node_id": node_id("Gate", doc["id"] * 10),
                "type": "wait_timer",
                "wait_timer": doc["wait_minutes"],
            }
        )
    if doc["reviewers"]:
        people = [{"type": "User", "reviewer": user(world, login)} for login in doc["reviewers"]]
        rules.append(
            {
                "id": doc["id"] * 10 + 1,
                "node_id": node_id("Gate", doc["id"] * 10 + 1),
                "prevent_self_review": False,
                "type": "required_reviewers",
                "reviewers": people,
            }
        )
    return {
        "id": doc["id"],
        "node_id": node_id("Environment", doc["id"]),
        "name": doc["name"],
        "url": f"{repo_api(world, repo)}/environments/{quote(doc['name'])}",
        "html_url": f"{repo_html(world, repo)}/deployments?environment={quote(doc['name'])}",
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "protection_rules": rules,
        "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}
        if doc.get("protected_branches")
        else None,
    }


def ruleset(world: World, repo: Doc, doc: Doc) -> Json:
    return {
        "id": doc["id"],
        "name": doc["name"],
        "target": doc["target"],
        "source_type": "Repository",
        "source": repo["full_name"],
        "enforcement": doc["enforcement"],
        "node_id": node_id("RepositoryRuleset", doc["id"]),
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["created_at"]),
        "_links": {"self": {"href": f"{repo_api(world, repo)}/rulesets/{doc['id']}"}},
    }


def full_ruleset(world: World, repo: Doc, doc: Doc) -> Json:
    return ruleset(world, repo, doc) | {
        "conditions": {"ref_name": {"include": doc["include"], "exclude": doc["exclude"]}},
        "rules": [{"type": rule} for rule in doc["rules"]] + _required(doc.get("checks") or ()),
    }


def _required(checks: Sequence[str]) -> list[Json]:
    if not checks:
        return []
    parameters = {
        "required_status_checks": [{"context": name} for name in checks],
        "strict_required_status_checks_policy": False,
    }
    return [{"type": "required_status_checks", "parameters": parameters}]
