"""The local GitHub's REST answers. Every request and answer here is also held against GitHub's OpenAPI."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from support_git import LocalHub
from support_hub import Client, seed

pytest.importorskip("flask")


@pytest.fixture
def owner(hub: LocalHub) -> Client:
    return Client(hub, hub.token)


@pytest.fixture
def seeded(hub: LocalHub, repository: Path, git: Callable[..., str]) -> dict[str, str]:
    return seed(hub, repository, git)


# --- who asks ---------------------------------------------------------------------------------------


def test_hub_wants_a_token_that_it_knows(hub: LocalHub) -> None:
    url = f"{hub.api_url}/repos/{hub.repository}"
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = requests.get(url, headers=headers, timeout=10)
        assert answer.status_code == 401
        assert set(answer.json()) == {"message", "documentation_url", "status"}


def test_hub_names_the_permission_that_a_bot_lacks(hub: LocalHub, seeded: dict[str, str]) -> None:
    bot = Client(hub, hub.bot_token(contents="read"))
    assert bot("GET", "").status_code == 200
    answer = bot("POST", "/git/refs", {"ref": "refs/tags/v1", "sha": seeded["main"]})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"
    assert answer.headers["x-accepted-github-permissions"] == "contents=write"
    assert bot("GET", f"{hub.api_url}/user").status_code == 403


def test_hub_lets_strangers_talk_but_not_write(hub: LocalHub, seeded: dict[str, str]) -> None:
    stranger = Client(hub, hub.hub.token_for("stranger"))
    number = stranger.ok("POST", "/issues", {"title": "A question", "body": "Why?"})["number"]
    assert (
        stranger.ok("POST", f"/issues/{number}/comments", {"body": "Well?"})["author_association"] == "NONE"
    )
    assert stranger("POST", "/git/refs", {"ref": "refs/tags/v1", "sha": seeded["main"]}).status_code == 403
    assert stranger("POST", f"/issues/{number}/labels", {"labels": ["bug"]}).status_code == 403


def test_hub_bot_may_comment_a_pull_request_with_either_permission(
    hub: LocalHub, seeded: dict[str, str]
) -> None:
    hub.hub.open_pull_request("octo", "flights", "better", "main", "Better")
    issue = hub.hub.token_for("octo")
    Client(hub, issue).ok("POST", "/issues", {"title": "Not a pull request"})
    bot = Client(hub, hub.bot_token(pull_requests="write"))
    assert bot("POST", "/issues/1/comments", {"body": "x"}).status_code == 201
    refused = bot("POST", "/issues/2/comments", {"body": "x"})
    assert refused.status_code == 403
    assert refused.headers["x-accepted-github-permissions"] == "issues=write"


def test_hub_token_reaches_its_own_repository_only(hub: LocalHub) -> None:
    hub.hub.create_repository("octo", "other")
    bot = Client(hub, hub.bot_token(issues="write"))
    url = f"{hub.api_url}/repos/octo/other/issues"
    assert bot("POST", url, {"title": "no"}).status_code == 403


def test_hub_says_the_rate_limit_and_can_enforce_it(make_hub: Callable[..., LocalHub]) -> None:
    hub = make_hub(hourly_limit=3)
    client = Client(hub, hub.token)
    answers = [client("GET", "") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 403]
    assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert "rate limit" in answers[-1].json()["message"]


def test_hub_refuses_another_host_name(hub: LocalHub) -> None:
    answer = requests.get(f"{hub.url}/", headers={"Host": "evil.example"}, timeout=10)
    assert answer.status_code == 421


# --- pull requests ----------------------------------------------------------------------------------


def test_hub_pull_request_follows_its_branch(
    hub: LocalHub, owner: Client, seeded: dict[str, str], repository: Path, git: Callable[..., str]
) -> None:
    made = owner.ok("POST", "/pulls", {"head": "better", "base": "main", "title": "Better", "body": "Deeper"})
    assert made["head"]["sha"] == seeded["better"]
    assert made["mergeable"] is True
    bare = hub.hub.repository_path("octo", "flights")
    assert git(bare, "rev-parse", "refs/pull/1/head") == seeded["better"]
    assert git(bare, "rev-parse", "refs/pull/1/merge") == made["merge_commit_sha"]
    git(repository, "checkout", "--quiet", "better")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "More")
    newer = hub.seed(repository, "better")
    assert owner.ok("GET", "/pulls/1")["head"]["sha"] == newer
    assert git(bare, "rev-parse", "refs/pull/1/head") == newer
    assert [one["filename"] for one in owner.ok("GET", "/pulls/1/files")] == ["train.py"]
    assert len(owner.ok("GET", "/pulls/1/commits")) == 2


def test_hub_finds_pull_requests_by_head(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    hub.hub.open_pull_request("octo", "flights", "better", "main", "Better")
    assert len(owner.ok("GET", "/pulls?head=octo:better&state=open")) == 1
    assert owner.ok("GET", "/pulls?head=other:better") == []
    assert owner.ok("GET", "/pulls?state=closed") == []
    again = owner("POST", "/pulls", {"head": "better", "base": "main", "title": "Again"})
    assert again.status_code == 422
    assert "already exists" in again.json()["errors"][0]["message"]


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1)])
def test_hub_merges_for_real(
    hub: LocalHub, owner: Client, seeded: dict[str, str], git: Callable[..., str], method: str, parents: int
) -> None:
    hub.hub.open_pull_request("octo", "flights", "better", "main", "Better")
    assert owner("GET", "/pulls/1/merge").status_code == 404
    stale = owner("PUT", "/pulls/1/merge", {"sha": seeded["main"]})
    assert stale.status_code == 409
    sha = owner.ok("PUT", "/pulls/1/merge", {"merge_method": method, "sha": seeded["better"]})["sha"]
    bare = hub.hub.repository_path("octo", "flights")
    assert git(bare, "rev-parse", "main") == sha
    assert len(git(bare, "rev-parse", f"{sha}^@").split()) == parents
    assert owner("GET", "/pulls/1/merge").status_code == 204
    assert [one["number"] for one in owner.ok("GET", f"/commits/{sha}/pulls")] == [1]
    assert owner("PUT", "/pulls/1/merge", {}).status_code == 405


def test_hub_does_not_merge_a_conflict(
    hub: LocalHub, owner: Client, seeded: dict[str, str], repository: Path, git: Callable[..., str]
) -> None:
    (repository / "train.py").write_text("depth = 1\n", encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Other trees")
    hub.seed(repository)
    assert (
        owner.ok("POST", "/pulls", {"head": "better", "base": "main", "title": "Better"})["mergeable"]
        is False
    )
    assert owner("PUT", "/pulls/1/merge", {}).status_code == 405


def test_hub_takes_a_pull_request_from_a_fork(
    hub: LocalHub, seeded: dict[str, str], repository: Path, git: Callable[..., str]
) -> None:
    hub.hub.fork("octo", "flights", to="stranger")
    token = hub.hub.token_for("stranger")
    url = hub.running.git_url("stranger", "flights").replace("http://", f"http://x:{token}@")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "From afar")
    git(repository, "push", "--quiet", url, "HEAD:refs/heads/mine")
    made = Client(hub, token).ok("POST", "/pulls", {"head": "stranger:mine", "base": "main", "title": "Mine"})
    assert made["head"]["repo"]["full_name"] == "stranger/flights"
    assert made["head"]["label"] == "stranger:mine"
    assert (
        git(hub.hub.repository_path("octo", "flights"), "rev-parse", "refs/pull/1/head")
        == made["head"]["sha"]
    )


# --- comments ---------------------------------------------------------------------------------------


def test_hub_pages_comments_with_links(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    hub.hub.open_pull_request("octo", "flights", "better", "main", "Better")
    for number in range(5):
        hub.hub.comment("octo", "flights", 1, f"comment {number}", "octo")
    answer = owner("GET", "/issues/1/comments?per_page=2")
    seen = [one["body"] for one in answer.json()]
    while "next" in answer.links:
        answer = owner("GET", answer.links["next"]["url"])
        seen += [one["body"] for one in answer.json()]
    assert seen == [f"comment {number}" for number in range(5)]
    assert set(answer.links) == {"first", "prev"}


def test_hub_changes_and_deletes_comments(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    hub.hub.open_pull_request("octo", "flights", "better", "main", "Better")
    made = owner.ok("POST", "/issues/1/comments", {"body": "first"})
    path = f"/issues/comments/{made['id']}"
    assert owner.ok("PATCH", path, {"body": "second"})["body"] == "second"
    assert owner("PATCH", path, {"body": "x" * 65_537}).status_code == 422
    assert owner("POST", "/issues/1/comments", {"body": " "}).status_code == 422
    assert owner("DELETE", path).status_code == 204
    assert owner("GET", path).status_code == 404
    assert owner("POST", "/issues/99/comments", {"body": "x"}).status_code == 404


def test_hub_labels(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    hub.hub.open_pull_request("octo", "flights", "better", "main", "Better", labels=["modelrail:minor"])
    assert [one["name"] for one in owner.ok("GET", "/pulls/1")["labels"]] == ["modelrail:minor"]
    owner.ok("POST", "/issues/1/labels", {"labels": ["bug"]})
    owner.ok("DELETE", "/issues/1/labels/modelrail:minor")
    assert [one["name"] for one in owner.ok("GET", "/issues/1/labels")] == ["bug"]
    assert owner("DELETE", "/issues/1/labels/nothing").status_code == 404
    assert (
        owner("POST", "/labels", {"name": "bug", "color": "ffffff"}).json()["errors"][0]["code"]
        == "already_exists"
    )
    assert owner.ok("POST", "/labels", {"name": "fresh", "color": "00ff00"})["color"] == "00ff00"


# --- refs, tags, files ------------------------------------------------------------------------------


def test_hub_creates_a_tag_once(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    tag = owner.ok(
        "POST",
        "/git/tags",
        {
            "tag": "delay@v1.0.0",
            "message": "delay v1.0.0\n\nModel: delay\n",
            "object": seeded["main"],
            "type": "commit",
            "tagger": {"name": "A", "email": "a@b.invalid", "date": "2026-01-02T03:04:05Z"},
        },
    )
    body = {"ref": "refs/tags/delay@v1.0.0", "sha": tag["sha"]}
    assert owner.ok("POST", "/git/refs", body)["object"]["type"] == "tag"
    again = owner("POST", "/git/refs", body)
    assert (again.status_code, again.json()["message"]) == (422, "Reference already exists")
    assert owner.ok("GET", f"/git/tags/{tag['sha']}")["tagger"]["date"] == "2026-01-02T03:04:05Z"
    assert owner.ok("GET", "/git/ref/tags/delay@v1.0.0")["object"]["sha"] == tag["sha"]
    assert [one["ref"] for one in owner.ok("GET", "/git/matching-refs/tags/delay@")] == [
        "refs/tags/delay@v1.0.0"
    ]
    assert [one["commit"]["sha"] for one in owner.ok("GET", "/tags")] == [seeded["main"]]
    assert owner("DELETE", "/git/refs/tags/delay@v1.0.0").status_code == 204
    assert owner("POST", "/git/refs", {"ref": "refs/tags/x", "sha": "0" * 40}).status_code == 422


@pytest.mark.parametrize("name", ["refs/tags/a..b", "refs/tags/", "tags/x", "refs/tags/a b"])
def test_hub_refuses_names_that_git_refuses(owner: Client, seeded: dict[str, str], name: str) -> None:
    assert owner("POST", "/git/refs", {"ref": name, "sha": seeded["main"]}).status_code == 422


def test_hub_ruleset_binds_rest_too(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    hub.hub.add_ruleset("octo", "flights", target="tag", rules=["update", "deletion"])
    owner.ok("POST", "/git/refs", {"ref": "refs/tags/v1", "sha": seeded["main"]})
    deleted = owner("DELETE", "/git/refs/tags/v1")
    assert deleted.status_code == 422
    assert "rule violations" in deleted.json()["message"]
    moved = owner("PATCH", "/git/refs/tags/v1", {"sha": seeded["better"], "force": True})
    assert moved.status_code == 422
    shown = owner.ok("GET", "/rulesets")
    assert owner.ok("GET", f"/rulesets/{shown[0]['id']}")["rules"] == [
        {"type": "update"},
        {"type": "deletion"},
    ]


def test_hub_shows_files_commits_and_branches(owner: Client, seeded: dict[str, str]) -> None:
    assert [one["name"] for one in owner.ok("GET", "/contents/?ref=better")] == ["README.md", "train.py"]
    assert owner.ok("GET", "/contents/README.md")["encoding"] == "base64"
    raw = owner("GET", "/contents/train.py?ref=better", headers={"Accept": "application/vnd.github.raw"})
    assert raw.text == "depth = 9\n"
    assert owner("GET", "/contents/absent").status_code == 404
    assert [one["sha"] for one in owner.ok("GET", "/commits?sha=better")] == [
        seeded["better"],
        seeded["main"],
    ]
    assert owner.ok("GET", "/commits/better")["files"][0]["filename"] == "train.py"
    assert {one["name"] for one in owner.ok("GET", "/branches")} == {"main", "better"}
    assert owner.ok("GET", "/branches/better")["commit"]["sha"] == seeded["better"]
    assert owner("GET", "/branches/main/protection").json()["message"] == "Branch not protected"
    assert owner.ok("GET", f"/git/commits/{seeded['better']}")["parents"][0]["sha"] == seeded["main"]
    compared = owner.ok("GET", "/compare/main...better")
    assert (compared["status"], compared["ahead_by"]) == ("ahead", 1)


# --- releases ---------------------------------------------------------------------------------------


def _upload(client: Client, release: dict[str, Any], name: str, data: bytes) -> requests.Response:
    url = release["upload_url"].partition("{")[0]
    return client.session.post(
        url,
        params={"name": name},
        data=data,
        headers={"Content-Type": "application/octet-stream"},
        timeout=30,
    )


def test_hub_release_from_draft_to_download(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    draft = owner.ok(
        "POST", "/releases", {"tag_name": "delay@v1.0.0", "draft": True, "name": "delay v1.0.0", "body": "x"}
    )
    assert owner("GET", "/releases/tags/delay@v1.0.0").status_code == 404
    assert owner("GET", "/git/ref/tags/delay@v1.0.0").status_code == 404
    data = b"model" * 1000
    asset = _upload(owner, draft, "model file.skops", data).json()
    assert (asset["name"], asset["state"], asset["size"]) == ("model.file.skops", "uploaded", len(data))
    twice = _upload(owner, draft, "model file.skops", data)
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (422, "already_exists")
    owner.ok(
        "PATCH", f"/releases/{draft['id']}", {"draft": False, "make_latest": "true", "prerelease": False}
    )
    found = owner.ok("GET", "/releases/tags/delay@v1.0.0")
    assert owner.ok("GET", "/git/ref/tags/delay@v1.0.0")["object"]["sha"] == seeded["main"]
    got = owner("GET", found["assets"][0]["url"], headers={"Accept": "application/octet-stream"})
    assert got.content == data
    assert got.history[0].status_code == 302
    page = requests.get(found["assets"][0]["browser_download_url"], timeout=10)
    assert page.content == data
    again = owner("POST", "/releases", {"tag_name": "delay@v1.0.0"})
    assert again.json()["errors"][0]["code"] == "already_exists"


def test_hub_latest_follows_the_marks(owner: Client, hub: LocalHub, seeded: dict[str, str]) -> None:
    assert owner("GET", "/releases/latest").status_code == 404

    def make(tag: str, **more: Any) -> None:
        owner.ok("POST", "/releases", {"tag_name": tag} | more)

    make("v1")
    make("v2-rc", prerelease=True)
    assert owner.ok("GET", "/releases/latest")["tag_name"] == "v1"
    make("v0", make_latest="false")
    assert owner.ok("GET", "/releases/latest")["tag_name"] == "v1"
    make("v2", make_latest="true")
    assert owner.ok("GET", "/releases/latest")["tag_name"] == "v2"
    newest = next(one for one in owner.ok("GET", "/releases") if one["tag_name"] == "v2")
    assert owner("DELETE", f"/releases/{newest['id']}").status_code == 204
    assert owner.ok("GET", "/releases/latest")["tag_name"] == "v1"
    assert owner("GET", "/git/ref/tags/v2").status_code == 200  # the tag outlives its release


def test_hub_drafts_are_for_writers(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    made = owner.ok("POST", "/releases", {"tag_name": "v1", "draft": True})
    reader = Client(hub, hub.bot_token(contents="read"))
    assert reader.ok("GET", "/releases") == []
    assert reader("GET", f"/releases/{made['id']}").status_code == 404
    assert len(owner.ok("GET", "/releases")) == 1


@pytest.mark.fault(4)
def test_hub_broken_upload_leaves_a_starter(make_hub: Callable[..., LocalHub], repository: Path) -> None:
    from modelrail.localhub.faults import Fault, Incoming

    def faults(request: Incoming) -> Fault | None:
        is_upload = request.path.startswith("/api/uploads/")
        return Fault(read_at_most=10) if is_upload and request.nth == 1 else None

    hub = make_hub(faults=faults)
    hub.seed(repository)
    client = Client(hub, hub.token)
    draft = client.ok("POST", "/releases", {"tag_name": "v1", "draft": True})
    with pytest.raises(requests.ConnectionError):
        _upload(client, draft, "model.skops", b"x" * 100_000)
    left = client.ok("GET", f"/releases/{draft['id']}/assets")
    assert [(one["name"], one["state"]) for one in left] == [("model.skops", "starter")]
    assert _upload(client, draft, "model.skops", b"x").status_code == 422
    assert client("DELETE", f"/releases/assets/{left[0]['id']}").status_code == 204
    assert _upload(client, draft, "model.skops", b"x").status_code == 201


def test_hub_immutable_release_keeps_its_assets(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    hub.hub.configure("octo", "flights", immutable_releases=True)
    draft = owner.ok("POST", "/releases", {"tag_name": "v1", "draft": True})
    asset = _upload(owner, draft, "a.bin", b"a").json()
    assert owner.ok("PATCH", f"/releases/{draft['id']}", {"draft": False})["immutable"] is True
    assert _upload(owner, draft, "b.bin", b"b").status_code == 422
    assert owner("DELETE", f"/releases/assets/{asset['id']}").status_code == 422


# --- deployments, statuses, checks, actions ---------------------------------------------------------


def test_hub_deployments_supersede_each_other(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    body = {
        "ref": "main",
        "auto_merge": False,
        "required_contexts": [],
        "payload": {"v": "1"},
    }
    # GitHub leaves the older ones of a production environment as they are.
    for environment, gone in (("staging", ["inactive"]), ("production", [])):
        body["environment"] = environment
        first, second = owner.ok("POST", "/deployments", body), owner.ok("POST", "/deployments", body)
        for one in (first, second):
            owner.ok("POST", f"/deployments/{one['id']}/statuses", {"state": "success", "description": "up"})
        states = owner.ok("GET", f"/deployments/{first['id']}/statuses")
        assert [one["state"] for one in states] == [*gone, "success"]
        assert [one["id"] for one in owner.ok("GET", f"/deployments?environment={environment}")] == [
            second["id"],
            first["id"],
        ]
    names = {one["name"] for one in owner.ok("GET", "/environments")["environments"]}
    assert names == {"staging", "production"}
    assert hub.hub.deployments("octo", "flights")[0]["status"]["state"] == "success"


def test_hub_deployment_wants_green_statuses_unless_told(owner: Client, seeded: dict[str, str]) -> None:
    sha = seeded["main"]
    owner.ok("POST", f"/statuses/{sha}", {"state": "failure", "context": "ci", "description": "red"})
    body = {"ref": "main", "auto_merge": False}
    assert owner("POST", "/deployments", body).status_code == 409
    owner.ok("POST", f"/statuses/{sha}", {"state": "success", "context": "ci"})
    assert owner("POST", "/deployments", body).status_code == 201
    assert owner.ok("GET", "/commits/main/status")["state"] == "success"
    assert len(owner.ok("GET", "/commits/main/statuses")) == 2


def test_hub_check_runs(owner: Client, seeded: dict[str, str]) -> None:
    made = owner.ok(
        "POST", "/check-runs", {"name": "gates", "head_sha": seeded["better"], "status": "in_progress"}
    )
    done = owner.ok(
        "PATCH",
        f"/check-runs/{made['id']}",
        {"conclusion": "success", "status": "completed", "output": {"title": "8 of 8", "summary": "all"}},
    )
    assert (done["status"], done["output"]["title"]) == ("completed", "8 of 8")
    assert owner.ok("GET", "/commits/better/check-runs?check_name=gates")["total_count"] == 1


def test_hub_queues_dispatches(
    hub: LocalHub, owner: Client, repository: Path, git: Callable[..., str]
) -> None:
    workflows = repository / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "promote.yml").write_text("on:\n  workflow_dispatch:\n", encoding="utf-8")
    (workflows / "other.yml").write_text("on: push\n", encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Workflows")
    hub.seed(repository)
    path = "/actions/workflows/promote.yml/dispatches"
    assert owner("POST", path, {"ref": "main", "inputs": {"version": "v1.0.0"}}).status_code == 204
    assert owner("POST", "/actions/workflows/other.yml/dispatches", {"ref": "main"}).status_code == 422
    assert owner("POST", "/actions/workflows/absent.yml/dispatches", {"ref": "main"}).status_code == 404
    assert (
        owner("POST", "/dispatches", {"event_type": "retrain", "client_payload": {"a": 1}}).status_code == 204
    )
    first, second = hub.hub.dispatches("octo", "flights")
    assert (first["workflow"], first["ref"], first["inputs"]) == (
        "promote.yml",
        "refs/heads/main",
        {"version": "v1.0.0"},
    )
    assert (second["event"], second["payload"]) == ("repository_dispatch", {"a": 1})
    assert hub.hub.take_dispatch(first["id"]) is True
    assert hub.hub.take_dispatch(first["id"]) is False
    assert len(hub.hub.dispatches("octo", "flights")) == 1


def test_hub_runs_and_artifacts(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    run = hub.hub.start_run(
        "octo",
        "flights",
        workflow="evaluate.yml",
        event="pull_request",
        head_branch="better",
        head_sha=seeded["better"],
    )
    made = hub.hub.add_artifact(run["id"], "records", b"PK\x05\x06" + b"\0" * 18)
    hub.hub.finish_run(run["id"], "success")
    assert owner.ok("GET", f"/actions/runs/{run['id']}")["conclusion"] == "success"
    assert owner.ok("GET", "/actions/runs?event=pull_request&status=success")["total_count"] == 1
    listed = owner.ok("GET", f"/actions/runs/{run['id']}/artifacts?name=records")["artifacts"]
    assert listed[0]["digest"] == made["digest"]
    assert owner("GET", listed[0]["archive_download_url"]).content.startswith(b"PK")
    reader = Client(hub, hub.bot_token(contents="read"))
    assert reader("GET", f"/actions/runs/{run['id']}").status_code == 403


# --- who approved -----------------------------------------------------------------------------------


def test_hub_keeps_reviews_of_a_pull_request(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    number = hub.hub.open_pull_request("octo", "flights", "better", "main", "Better", user="ana")["number"]
    path = f"/pulls/{number}/reviews"
    made = owner.ok("POST", path, {"event": "APPROVE", "body": "good"})
    assert (made["state"], made["author_association"]) == ("APPROVED", "OWNER")
    assert made["commit_id"] == seeded["better"]
    stranger = Client(hub, hub.hub.token_for("stranger"))
    assert stranger.ok("POST", path, {"event": "APPROVE"})["author_association"] == "NONE"
    author = Client(hub, hub.hub.token_for("ana"))
    assert author("POST", path, {"event": "APPROVE"}).status_code == 422
    assert owner("POST", path, {"event": "REQUEST_CHANGES"}).status_code == 422
    listed = Client(hub, hub.bot_token(pull_requests="read")).ok("GET", path)
    assert [one["user"]["login"] for one in listed] == ["octo", "stranger"]


def test_hub_keeps_what_reviewers_said_to_a_run(hub: LocalHub, owner: Client, seeded: dict[str, str]) -> None:
    run = hub.hub.start_run(
        "octo", "flights", workflow="promote.yml", event="workflow_dispatch", head_branch="main",
        head_sha=seeded["main"],
    )  # fmt: skip
    path = f"/actions/runs/{run['id']}/approvals"
    assert owner.ok("GET", path) == []
    hub.hub.approve_run(run["id"], "production", "ada", "ship it")
    (said,) = Client(hub, hub.bot_token(actions="read")).ok("GET", path)
    assert (said["state"], said["user"]["login"], said["comment"]) == ("approved", "ada", "ship it")
    assert [place["name"] for place in said["environments"]] == ["production"]
    refused = Client(hub, hub.bot_token(contents="write"))("GET", path)
    assert refused.headers["x-accepted-github-permissions"] == "actions=read"
    assert owner("GET", "/actions/runs/999999/approvals").status_code == 404
