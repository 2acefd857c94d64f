"""Deployments and their statuses, commit statuses, check runs."""

from __future__ import annotations

from typing import Any

from modelrail.localhub.answers import ApiError, not_found, validation
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World

STATES = frozenset({"error", "failure", "inactive", "in_progress", "queued", "pending", "success"})
COMMIT_STATES = frozenset({"error", "failure", "pending", "success"})


def create(world: World, repo: Doc, user: str, values: dict[str, Any]) -> Doc:
    ref = values.get("ref")
    if not isinstance(ref, str) or not ref:
        raise validation("Deployment", "missing_field", "ref")
    sha = world.bare(repo).resolve(ref)
    if sha is None:
        raise ApiError(422, f"No ref found for: {ref}")
    _require_contexts(world, repo, sha, values.get("required_contexts"))
    environment = values.get("environment") or "production"
    world.user(user)
    with world.store.writing():
        if world.store.get("environment", repo["full_name"], environment) is None:
            set_environment(world, repo, environment)
        return world.store.add(
            "deployment",
            repo["full_name"],
            {
                "ref": ref,
                "sha": sha,
                "task": values.get("task") or "deploy",
                "environment": environment,
                "payload": values.get("payload", {}),
                "description": values.get("description"),
                "creator": user,
                "transient_environment": bool(values.get("transient_environment", False)),
                "production_environment": bool(
                    values.get("production_environment", environment == "production")
                ),
                "created_at": world.now(),
                "updated_at": world.now(),
            },
        )


def _require_contexts(world: World, repo: Doc, sha: str, wanted: Any) -> None:
    """Without `required_contexts` every status of the commit must be green; a named one must be there too."""
    newest = {doc["context"]: doc["state"] for doc in statuses(world, repo, sha)[::-1]}
    names = sorted(newest) if wanted is None else list(wanted)
    if any(newest.get(name) != "success" for name in names):
        contexts = [{"context": name, "state": newest.get(name, "pending")} for name in names]
        raise ApiError(
            409,
            f"Conflict: Commit status checks failed for {sha[:7]}.",
            errors=[
                {
                    "resource": "Deployment",
                    "code": "invalid",
                    "field": "required_contexts",
                    "contexts": contexts,
                }
            ],
        )


def get(world: World, repo: Doc, identity: int) -> Doc:
    found = world.store.by_id("deployment", repo["full_name"], identity)
    if found is None:
        raise not_found()
    return found


def select(world: World, repo: Doc, **wanted: str | None) -> list[Doc]:
    """Newest first, filtered by sha, ref, task, environment."""
    asked = {key: value for key, value in wanted.items() if value}
    return world.store.all(
        "deployment", repo["full_name"], lambda doc: all(doc[key] == value for key, value in asked.items())
    )[::-1]


def add_status(world: World, repo: Doc, identity: int, user: str, values: dict[str, Any]) -> Doc:
    """A `success` makes older deployments of the environment `inactive`, unless told otherwise.

    As on GitHub, those of a passing environment and of one for production stay as they are.
    """
    state = values.get("state")
    if state not in STATES:
        raise validation("DeploymentStatus", "invalid" if state else "missing_field", "state")
    world.user(user)
    with world.store.writing():
        deployment = get(world, repo, identity)
        if state == "success" and values.get("auto_inactive", True):
            for older in select(world, repo, environment=deployment["environment"]):
                if older["transient_environment"] or older["production_environment"]:
                    continue
                newest = newest_status(world, repo, older)
                if older["id"] < identity and newest and newest["state"] == "success":
                    _status(world, repo, older, user, {"state": "inactive"})
        return _status(world, repo, deployment, user, values)


def _status(world: World, repo: Doc, deployment: Doc, user: str, values: dict[str, Any]) -> Doc:
    world.store.save(deployment | {"updated_at": world.now()})
    return world.store.add(
        "deployment_status",
        repo["full_name"],
        {
            "deployment": deployment["id"],
            "state": values["state"],
            "creator": user,
            "description": values.get("description") or "",
            "target_url": values.get("target_url") or "",
            "log_url": values.get("log_url") or values.get("target_url") or "",
            "environment": values.get("environment") or deployment["environment"],
            "environment_url": values.get("environment_url") or "",
            "created_at": world.now(),
            "updated_at": world.now(),
        },
    )


def deployment_statuses(world: World, repo: Doc, deployment: Doc) -> list[Doc]:
    """Newest first."""
    return world.store.all(
        "deployment_status", repo["full_name"], lambda doc: bool(doc["deployment"] == deployment["id"])
    )[::-1]


def newest_status(world: World, repo: Doc, deployment: Doc) -> Doc | None:
    return next(iter(deployment_statuses(world, repo, deployment)), None)


def delete(world: World, repo: Doc, identity: int) -> None:
    with world.store.writing():
        found = get(world, repo, identity)
        newest = newest_status(world, repo, found)
        others = [doc for doc in select(world, repo) if doc["id"] != identity]
        if others and newest and newest["state"] != "inactive":
            raise ApiError(
                422,
                "We cannot delete an active deployment unless it is the only deployment in a given "
                "repository.",
            )
        for status in deployment_statuses(world, repo, found):
            world.store.delete(status["id"])
        world.store.delete(identity)


# --- environments -----------------------------------------------------------------------------------


def set_environment(
    world: World,
    repo: Doc,
    name: str,
    *,
    reviewers: tuple[str, ...] = (),
    wait_minutes: int = 0,
    protected_branches: bool = False,
) -> Doc:
    """Make or change an environment."""
    values = {
        "name": name,
        "reviewers": list(reviewers),
        "wait_minutes": wait_minutes,
        "protected_branches": protected_branches,
        "updated_at": world.now(),
    }
    with world.store.writing():
        found = world.store.get("environment", repo["full_name"], name)
        if found:
            return world.store.save(found | values)
        return world.store.add(
            "environment", repo["full_name"], {"created_at": world.now()} | values, name=name
        )


# --- commit statuses and check runs -----------------------------------------------------------------


def set_status(world: World, repo: Doc, sha: str, user: str, values: dict[str, Any]) -> Doc:
    if values.get("state") not in COMMIT_STATES:
        raise validation("Status", "invalid" if values.get("state") else "missing_field", "state")
    if world.bare(repo).kind(sha) != "commit":
        raise ApiError(422, f"No commit found for SHA: {sha}")
    world.user(user)
    return world.store.add(
        "status",
        repo["full_name"],
        {
            "sha": sha,
            "state": values["state"],
            "target_url": values.get("target_url"),
            "creator": user,
            "description": values.get("description"),
            "context": values.get("context") or "default",
            "created_at": world.now(),
            "updated_at": world.now(),
        },
    )


def statuses(world: World, repo: Doc, sha: str) -> list[Doc]:
    """Newest first."""
    return world.store.all("status", repo["full_name"], lambda doc: bool(doc["sha"] == sha))[::-1]


def save_check(world: World, repo: Doc, values: dict[str, Any], identity: int = 0) -> Doc:
    """Make a check run, or change one."""
    with world.store.writing():
        if identity:
            found = get_check(world, repo, identity)
        else:
            if not values.get("name"):
                raise validation("CheckRun", "missing_field", "name")
            if world.bare(repo).kind(str(values.get("head_sha"))) != "commit":
                raise ApiError(422, f"No commit found for SHA: {values.get('head_sha')}")
            found = world.store.add(
                "check",
                repo["full_name"],
                {
                    "status": "queued",
                    "conclusion": None,
                    "started_at": world.now(),
                    "completed_at": None,
                    "output": {},
                },
            )
        keys = ("name", "head_sha", "status", "conclusion", "details_url", "external_id")
        found |= {key: values[key] for key in keys if key in values}
        found["output"] |= values.get("output") or {}
        if found["conclusion"]:
            found["status"], found["completed_at"] = "completed", found["completed_at"] or world.now()
        return world.store.save(found)


def get_check(world: World, repo: Doc, identity: int) -> Doc:
    found = world.store.by_id("check", repo["full_name"], identity)
    if found is None:
        raise not_found()
    return found


def checks(world: World, repo: Doc, sha: str) -> list[Doc]:
    return world.store.all("check", repo["full_name"], lambda doc: bool(doc["head_sha"] == sha))
