"""Event payloads made from the hub's state hold what GitHub's hold, as far as workflows read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelrail.errors import NotFoundError
from support_git import LocalHub

pytest.importorskip("flask")
ZERO = "0" * 40


def test_hub_events_follow_the_repository(hub: LocalHub, repository: Path, git: Callable[..., str]) -> None:
    from modelrail.localhub import events

    state = hub.hub
    main = hub.seed(repository)
    git(repository, "checkout", "--quiet", "-b", "topic")
    (repository / "params.yaml").write_text("depth: 3\n", encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Topic")
    topic = hub.seed(repository, "topic")
    state.open_pull_request("octo", "flights", "topic", "main", "Topic", labels=["modelrail:minor"])

    opened = events.pull_request(state, "octo", "flights", 1)
    assert (opened["action"], opened["number"]) == ("opened", 1)
    assert opened["pull_request"]["base"]["sha"] == main
    assert opened["pull_request"]["head"]["sha"] == topic
    assert opened["repository"]["full_name"] == "octo/flights"
    assert opened["pull_request"]["labels"][0]["name"] == "modelrail:minor"

    merge = state.merge("octo", "flights", 1)
    pushed = events.push(state, "octo", "flights", "refs/heads/main", main, merge)
    assert (pushed["after"], pushed["created"], pushed["forced"]) == (merge, False, False)
    assert pushed["head_commit"]["id"] == merge
    assert [one["id"] for one in pushed["commits"]] == [topic, merge]
    assert pushed["commits"][0]["added"] == ["params.yaml"]
    closed = events.pull_request(state, "octo", "flights", 1, action="closed")
    assert closed["pull_request"]["merged"] is True
    assert closed["pull_request"]["merge_commit_sha"] == merge
    created = events.push(state, "octo", "flights", "refs/tags/v1", ZERO, merge)
    assert (created["created"], created["deleted"]) == (True, False)

    run = state.start_run(
        "octo",
        "flights",
        workflow="pull-request.yml",
        event="pull_request",
        head_branch="topic",
        head_sha=topic,
    )
    state.finish_run(run["id"], "success")
    done = events.workflow_run(state, "octo", "flights", run["id"])
    assert done["workflow_run"]["conclusion"] == "success"
    assert done["workflow_run"]["path"] == ".github/workflows/pull-request.yml"
    assert done["workflow_run"]["head_repository"]["full_name"] == "octo/flights"

    asked = events.workflow_dispatch(
        state,
        "octo",
        "flights",
        "promote.yml",
        ref="refs/heads/main",
        inputs={"version": "v1.0.0"},
        user="octo",
    )
    assert (asked["inputs"], asked["sender"]["login"]) == ({"version": "v1.0.0"}, "octo")
    for payload in (opened, pushed, closed, created, done, asked):
        json.dumps(payload, allow_nan=False)


def test_hub_fork_run_names_no_pull_request(hub: LocalHub, repository: Path, git: Callable[..., str]) -> None:
    from modelrail.localhub import events

    hub.seed(repository)
    hub.hub.fork("octo", "flights", to="stranger")
    token = hub.hub.token_for("stranger")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Afar")
    url = hub.running.git_url("stranger", "flights").replace("http://", f"http://x:{token}@")
    git(repository, "push", "--quiet", url, "HEAD:refs/heads/mine")
    pull = hub.hub.open_pull_request("octo", "flights", "stranger:mine", "main", "Mine", user="stranger")
    run = hub.hub.start_run(
        "octo", "flights", workflow="pull-request.yml", event="pull_request", head_branch="mine",
        head_sha=pull["head"]["sha"], head_repository="stranger/flights",
    )  # fmt: skip
    payload = events.workflow_run(hub.hub, "octo", "flights", run["id"])
    assert payload["workflow_run"]["pull_requests"] == []
    assert payload["workflow_run"]["head_repository"]["owner"]["login"] == "stranger"


def test_a_branch_that_cannot_have_a_pull_request(hub: LocalHub, repository: Path) -> None:
    """`act pull_request --head`: what the hub says is wrong is passed on, not its number alone."""
    from modelrail.localhub.act_events import Source

    hub.seed(repository)
    hub.seed(repository, "same")
    source = Source(hub.hub, "octo/flights")
    for branch, why in (("same", "No commits between main and same"), ("nowhere", "Validation Failed")):
        with pytest.raises(NotFoundError) as refused:
            source.pull_request_of(branch, "octo")
        assert why in refused.value.why
