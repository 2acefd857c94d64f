"""Reviews: of pull requests, and of runs that wait for an environment."""

from __future__ import annotations

from typing import Any

from modelrail.localhub import actions, deployments, issues, pulls
from modelrail.localhub.answers import ApiError
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def review(world: World, repo: Doc, number: int, user: str, values: dict[str, Any]) -> Doc:
    """A submitted review of the head as it is now. Nobody approves their own pull request."""
    found, event = pulls.get(world, repo, number), values.get("event")
    if event not in STATES:
        raise ApiError(
            422, "Invalid request.\n\nA review without an event is not submitted; not served here."
        )
    text = issues.check_body(values.get("body"), resource="PullRequestReview") or ""
    if found["user"] == user and event != "COMMENT":
        word = "approve" if event == "APPROVE" else "request changes on"
        raise ApiError(422, "Unprocessable Entity", errors=[f"Can not {word} your own pull request"])
    if event != "APPROVE" and not text.strip():
        raise ApiError(422, "Unprocessable Entity", errors=["Body can't be blank"])
    world.user(user)
    return world.store.add(
        "review",
        repo["full_name"],
        {
            "number": number, "user": user, "state": STATES[event], "body": text,
            "commit": values.get("commit_id") or found["pull"]["head_sha"], "created_at": world.now(),
        },
    )  # fmt: skip


def reviews(world: World, repo: Doc, number: int) -> list[Doc]:
    """Oldest first."""
    return world.store.all("review", repo["full_name"], lambda doc: bool(doc["number"] == number))


def approve(
    world: World, repo: Doc, run: int, environment: str, user: str, comment: str, *, approved: bool
) -> Doc:
    actions.get_run(world, repo, run)
    world.user(user)
    with world.store.writing():
        if world.store.get("environment", repo["full_name"], environment) is None:
            deployments.set_environment(world, repo, environment)
        return world.store.add(
            "approval",
            repo["full_name"],
            {
                "run": run, "environments": [environment], "user": user, "comment": comment,
                "state": "approved" if approved else "rejected",
            },
        )  # fmt: skip


def of_run(world: World, repo: Doc, run: int) -> list[Doc]:
    """Oldest first."""
    actions.get_run(world, repo, run)
    return world.store.all("approval", repo["full_name"], lambda doc: bool(doc["run"] == run))
