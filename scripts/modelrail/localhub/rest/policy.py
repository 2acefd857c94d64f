"""What a repository lets Actions do: read only here; set with `Hub.configure(actions_policy=...)`."""

from __future__ import annotations

from typing import Any

import flask

from modelrail.localhub.answers import ApiError, not_found
from modelrail.localhub.rest.base import REPO, repo, world
from modelrail.localhub.store import Doc

routes = flask.Blueprint("policy", __name__)

# As GitHub sets up a new repository.
DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "allowed_actions": "all",
    "sha_pinning_required": False,
    "github_owned_allowed": True,
    "verified_allowed": False,
    "patterns_allowed": [],
    "default_workflow_permissions": "read",
    "can_approve_pull_request_reviews": False,
    "approval_policy": "first_time_contributors",
    "run_workflows_from_fork_pull_requests": False,
    "send_write_tokens_to_workflows": False,
    "send_secrets_and_variables": False,
    "require_approval_for_fork_pr_workflows": True,
}


def _read(owner: str, name: str) -> tuple[Doc, dict[str, Any]]:
    found = repo(owner, name, "administration")
    unknown = sorted(set(found.get("actions_policy") or {}) - set(DEFAULTS))
    if unknown:
        raise ApiError(500, f"a policy of Actions has no {unknown[0]!r}")
    return found, DEFAULTS | (found.get("actions_policy") or {})


def _some(policy: dict[str, Any], *names: str) -> flask.Response:
    return flask.jsonify({name: policy[name] for name in names})


@routes.get(f"{REPO}/actions/permissions")
def permissions(owner: str, name: str) -> flask.Response:
    found, policy = _read(owner, name)
    answer = {name: policy[name] for name in ("enabled", "allowed_actions", "sha_pinning_required")}
    if policy["allowed_actions"] == "selected":
        where = f"{world().api_url}/repos/{found['full_name']}/actions/permissions/selected-actions"
        answer["selected_actions_url"] = where
    return flask.jsonify(answer)


@routes.get(f"{REPO}/actions/permissions/selected-actions")
def selected(owner: str, name: str) -> flask.Response:
    _, policy = _read(owner, name)
    if policy["allowed_actions"] != "selected":
        raise ApiError(409, "Conflict: not all actions are selected one by one")
    return _some(policy, "github_owned_allowed", "verified_allowed", "patterns_allowed")


@routes.get(f"{REPO}/actions/permissions/workflow")
def workflow(owner: str, name: str) -> flask.Response:
    return _some(_read(owner, name)[1], "default_workflow_permissions", "can_approve_pull_request_reviews")


@routes.get(f"{REPO}/actions/permissions/fork-pr-contributor-approval")
def approval(owner: str, name: str) -> flask.Response:
    found, policy = _read(owner, name)
    if found["private"]:
        raise not_found()
    return _some(policy, "approval_policy")


@routes.get(f"{REPO}/actions/permissions/fork-pr-workflows-private-repos")
def forks(owner: str, name: str) -> flask.Response:
    found, policy = _read(owner, name)
    if not found["private"]:
        raise not_found()
    return _some(
        policy,
        "run_workflows_from_fork_pull_requests",
        "send_write_tokens_to_workflows",
        "send_secrets_and_variables",
        "require_approval_for_fork_pr_workflows",
    )


@routes.get(f"{REPO}/immutable-releases")
def immutable(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, "administration")
    if not found["immutable_releases"]:
        raise not_found()
    return flask.jsonify({"enabled": True, "enforced_by_owner": False})
