"""The local GitHub when something goes wrong: lost answers, slow ones, many at once, a process that ends."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

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


@pytest.mark.fault(5)
def test_hub_can_lose_an_answer_after_its_effect(make_hub: Callable[..., LocalHub], repository: Path) -> None:
    from modelrail.localhub.faults import Fault, Incoming

    def faults(request: Incoming) -> Fault | None:
        return Fault(cut="after") if request.path.endswith("/git/refs") and request.nth == 1 else None

    hub = make_hub(faults=faults)
    body = {"ref": "refs/tags/v1", "sha": hub.seed(repository)}
    client = Client(hub, hub.token)
    with pytest.raises(requests.ConnectionError):
        client("POST", "/git/refs", body)
    assert client("POST", "/git/refs", body).status_code == 422
    assert client("GET", "/git/ref/tags/v1").status_code == 200


@pytest.mark.fault(8)
def test_hub_can_fail_slow_down_and_cut(make_hub: Callable[..., LocalHub]) -> None:
    from modelrail.localhub.faults import Fault, Incoming

    plan = {1: Fault(status=502), 2: Fault(cut="before"), 3: Fault(cut="body"), 4: Fault(drip=0.01)}
    hub = make_hub(faults=lambda request: plan.get(request.nth) if isinstance(request, Incoming) else None)
    client = Client(hub, hub.token)
    assert client("GET", "").status_code == 502
    with pytest.raises(requests.ConnectionError):
        client("GET", "")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client("GET", "")
    assert client.ok("GET", "")["full_name"] == "octo/flights"


@pytest.mark.fault(9)
def test_hub_can_ask_for_patience(make_hub: Callable[..., LocalHub]) -> None:
    from modelrail.localhub.faults import Fault

    hub = make_hub(
        faults=lambda request: Fault(status=429, headers={"retry-after": "7"}) if request.nth == 1 else None
    )
    answer = Client(hub, hub.token)("GET", "")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_hub_state_survives_and_is_shared(
    hub: LocalHub, owner: Client, seeded: dict[str, str], tmp_path: Path
) -> None:
    from modelrail.localhub.server import Hub, locate

    owner.ok("POST", "/releases", {"tag_name": "v1"})
    elsewhere = locate(hub.url)  # as another process would
    elsewhere.open_pull_request("octo", "flights", "better", "main", "Better")
    assert owner.ok("GET", "/pulls/1")["title"] == "Better"
    elsewhere.close()
    with Hub(hub.hub.state).serve() as again:
        url = f"{again.api_url}/repos/octo/flights/releases/tags/v1"
        answer = requests.get(url, headers={"Authorization": f"Bearer {hub.token}"}, timeout=10)
        assert answer.json()["html_url"].startswith(again.url)


@pytest.mark.fault(1)
def test_hub_lets_one_of_many_create_a_ref(hub: LocalHub, seeded: dict[str, str]) -> None:
    codes: list[int] = []
    client = Client(hub, hub.token)
    body = {"ref": "refs/tags/race", "sha": seeded["main"]}

    def create() -> None:
        codes.append(
            requests.post(
                f"{client.base}/git/refs", json=body, headers=dict(client.session.headers), timeout=30
            ).status_code
        )

    threads = [threading.Thread(target=create) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(codes) == [201] + [422] * 7


def test_hub_check_sees_what_is_not_of_github(make_hub: Callable[..., LocalHub], repository: Path) -> None:
    """The check itself: a request that GitHub would not take, and an answer that it would not give."""
    import support_openapi

    good = {
        "id": 1,
        "node_id": "x",
        "url": "http://h/x",
        "name": "bug",
        "description": "",
        "color": "fff",
        "default": True,
    }
    path = "/repos/o/r/issues/1/labels"
    import json

    assert (
        support_openapi.check_answer("GET", path, 200, json.dumps([good]).encode(), "application/json") == []
    )
    bad = support_openapi.check_answer(
        "GET", path, 200, json.dumps([good | {"default": 1}]).encode(), "application/json"
    )
    assert bad
    assert support_openapi.check_answer("GET", path, 299, b"[]", "application/json")
    assert support_openapi.check_request("GET", "/repos/o/r/nonsense", "", b"", "")
    assert support_openapi.check_request("GET", path, "page=x&colour=red", b"", "")
    assert support_openapi.check_request("POST", "/repos/o/r/git/refs", "", b'{"ref": 1}', "application/json")
    assert subprocess.run(["git", "--version"], check=True, capture_output=True).returncode == 0
