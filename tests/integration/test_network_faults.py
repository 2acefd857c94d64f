"""Every request of a version's whole life fails once, each in another way, and all comes out as ever."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelrail.adapters import git
from modelrail.adapters.github import http as github_http
from modelrail.adapters.registry import tagging
from modelrail.localhub.faults import Fault, Incoming
from support_git import LocalHub
from support_registry import project

LIMIT = "You have exceeded a secondary rate limit."
KINDS = (
    Fault(status=503),
    Fault(cut="before"),
    Fault(cut="body"),
    Fault(status=429, message=LIMIT),
    Fault(cut="after"),
    Fault(status=403, message=LIMIT, headers={"Retry-After": "0"}),
    Fault(status=502),
    Fault(status=429, message=LIMIT, headers={"Retry-After": "0"}),
    Fault(drip=0.001, delay=0.01),
)
# git takes a 403 for a want of permission, and says nothing of limits.
OF_GIT = (KINDS[0], KINDS[1], KINDS[2], KINDS[6], KINDS[8])


class Weather:
    """While it rains, the first request of each kind fails; which way, goes round."""

    def __init__(self, first: int) -> None:
        self.count, self.raining = first, False
        self.seen: Counter[tuple[str, str, str]] = Counter()
        self.lock = threading.Lock()

    def __call__(self, request: Incoming) -> Fault | None:
        if not self.raining:
            return None
        kinds = OF_GIT if request.path.endswith(("/info/refs", "-pack")) else KINDS
        with self.lock:
            self.seen[request.method, request.path, request.query] += 1
            if self.seen[request.method, request.path, request.query] > 1:
                return None
            self.count += 1
            return kinds[self.count % len(kinds)]

    def begin(self) -> None:
        self.seen.clear()
        self.raining = True


@pytest.mark.fault(5, 8, 9)
@pytest.mark.parametrize("first", [0, 4])
def test_a_whole_life_in_bad_weather(
    make_hub: Callable[..., LocalHub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(github_http, "_backoff", lambda _attempt: 0.0)
    monkeypatch.setattr(git, "pause", lambda _seconds: None)
    monkeypatch.setattr(tagging, "PAUSES", (0.0,) * len(tagging.PAUSES))
    weather = Weather(first)
    hub = make_hub(faults=weather)
    consumer = project(tmp_path, remote=hub.authorized_url())
    token = hub.bot_token(contents="write", pull_requests="write", deployments="write", checks="write")
    consumer.environ = hub.environ(token, GITHUB_ACTIONS="true", GITHUB_ACTOR="octo", GITHUB_RUN_ID="1")
    touched: dict[str, set[str]] = {}

    def run(name: str, *arguments: str, **env: str) -> Any:
        weather.begin()
        said = consumer.run(*arguments, env=env)
        weather.raining = False
        touched[name] = {f"{method} {path.rpartition('/')[2]}" for method, path, _ in weather.seen}
        return said

    for number, content in ((1, "one"), (2, "two")):
        consumer.train(content)
        assert run("register", "register", GITHUB_RUN_ID=f"r{number}").outputs["version"] == (
            "v1.0.0" if number == 1 else "v1.0.1"
        )
        version = f"v1.0.{number - 1}"
        said = run("promote", "promote", "delay", version, GITHUB_RUN_ID=f"p{number}")
        assert said.outputs["changed"] == "true"
    assert (
        run("rollback", "rollback", "delay", "--reason", "x", GITHUB_RUN_ID="b").outputs["version"]
        == "v1.0.0"
    )
    shown = run("show", "show", "delay", "--json", "--fetch").json
    assert shown["delay"]["stages"]["production"]["version"] == "v1.0.0"
    run("fetch", "fetch", "delay@v1.0.1", "--to", "got", "--fetch", MODELRAIL_CACHE=str(tmp_path / "empty"))
    assert (consumer.root / "got" / "model.skops").read_bytes() == b"two"
    run("verify", "verify")

    consumer.git("checkout", "--quiet", "-b", "change")
    consumer.git("commit", "--quiet", "--allow-empty", "-m", "Change")
    consumer.git("push", "--quiet", "origin", "change")
    pull = hub.hub.open_pull_request(hub.owner, hub.repo, "change", "main", "T", "", hub.owner)
    head = consumer.git("rev-parse", "HEAD")
    ask = ("report", "--comment", "--pull-request", str(pull["number"]), "--format", "text")
    run("report", *ask, GITHUB_SHA=head)
    (comment,) = hub.hub.comments(hub.owner, hub.repo, pull["number"])
    assert comment["body"].startswith("<!-- modelrail:report -->")
    asked, laptop = ("doctor", "--json"), {"GITHUB_ACTIONS": ""}
    fair = json.loads(consumer.run(*asked, env=laptop, code=None).out)
    weather.begin()
    assert json.loads(consumer.run(*asked, env=laptop, code=None).out) == fair
    weather.raining = False
    touched["doctor"] = {f"{method} {path.rpartition('/')[2]}" for method, path, _ in weather.seen}

    events = [tag for tag in consumer.remote_tags() if "#production#" in tag]
    assert len(events) == 3
    releases = {one["tag_name"]: one for one in hub.hub.releases(hub.owner, hub.repo)}
    assert set(releases) == {"delay@v1.0.0", "delay@v1.0.1"}
    assert not any(one["draft"] for one in releases.values())
    # It did rain on each of them, on git as on the API.
    assert {name for name, paths in touched.items() if paths} == set(touched)
    assert {"GET refs", "POST git-upload-pack", "POST git-receive-pack"} <= touched["promote"]
    assert {"POST releases", "POST assets"} <= touched["register"]
    assert {"POST comments", "POST check-runs"} <= touched["report"]
