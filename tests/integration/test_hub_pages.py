"""The pages: every one opens, shows what is there, and runs nothing that a comment holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from support_git import LocalHub

pytest.importorskip("flask")
HOSTILE = """<!-- modelrail:marker -->
| a | b |
|:--|--:|
| 1 | 2 |

<details><summary>More</summary>

inside **bold** <sub>small</sub>

</details>
<script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">x</a>
<style>body{display:none}</style><iframe src="http://evil"></iframe><svg onload=alert(4)></svg>
[y](javascript:alert(5)) <p style="position:fixed">over</p> <form action=/x><button>z</button></form>
"""


@pytest.fixture
def filled(hub: LocalHub, repository: Path, git: Callable[..., str]) -> LocalHub:
    sha = hub.seed(repository)
    git(repository, "checkout", "--quiet", "-b", "topic")
    (repository / "train.py").write_text("print('<b>')\n", encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Topic <script>")
    trailers = "Model: delay\nSequence: 1\nEvidence-Digest: sha256:00"
    message = f"delay v1.0.0 is in production\n\nAll gates passed.\n\n{trailers}"
    git(repository, "tag", "-a", "delay#production#1", "-m", message)
    git(repository, "push", "--quiet", hub.authorized_url(), "delay#production#1")
    git(repository, "push", "--quiet", hub.authorized_url(), "HEAD:refs/heads/modelrail/ledger")
    hub.seed(repository, "topic")
    hub.hub.open_pull_request(
        "octo", "flights", "topic", "main", "Title <script>alert(0)</script>", HOSTILE, labels=["x"]
    )
    hub.hub.comment("octo", "flights", 1, HOSTILE, "github-actions[bot]")
    run = hub.hub.start_run(
        "octo", "flights", workflow="ci.yml", event="push", head_branch="topic", head_sha=sha
    )
    hub.hub.finish_run(run["id"], "success")
    headers = {"Authorization": f"Bearer {hub.token}"}
    base = f"{hub.api_url}/repos/octo/flights"
    requests.post(
        f"{base}/releases", json={"tag_name": "delay@v1.0.0", "body": HOSTILE}, headers=headers, timeout=10
    )
    body = {"ref": "main", "environment": "production", "auto_merge": False, "required_contexts": []}
    made = requests.post(f"{base}/deployments", json=body, headers=headers, timeout=10).json()
    requests.post(
        f"{base}/deployments/{made['id']}/statuses", json={"state": "success"}, headers=headers, timeout=10
    )
    return hub


PAGES = {
    "/": "octo/flights",
    "/octo/flights": "Begin",
    "/octo/flights/pulls": "#1",
    "/octo/flights/pull/1": "github-actions[bot]",
    "/octo/flights/releases": "Latest",
    "/octo/flights/releases/tag/delay@v1.0.0": "delay@v1.0.0",
    "/octo/flights/tags": "Evidence-Digest",
    "/octo/flights/ledger": "modelrail/ledger",
    "/octo/flights/deployments": "active",
    "/octo/flights/actions": "success",
    "/octo/flights/pulls?state=closed": "No closed pull request",
}


def test_hub_pages_show_what_is_there_and_run_nothing(filled: LocalHub) -> None:
    for path, expected in PAGES.items():
        answer = requests.get(filled.url + path, timeout=10)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert expected in answer.text, path
        lowered = answer.text.lower()
        for bad in (
            "<script",
            "onerror=",
            '="javascript:',
            "<iframe",
            "onload=",
            "position:fixed",
            "<form",
            "display:none",
        ):
            assert bad not in lowered.replace("&lt;script", ""), f"{path}: {bad}"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_hub_renders_a_comment_as_github_does(filled: LocalHub) -> None:
    text = requests.get(f"{filled.url}/octo/flights/pull/1", timeout=10).text
    for part in (
        "<summary>More</summary>",
        "<sub>small</sub>",
        "<strong>bold</strong>",
        '<td align="right">2</td>',
    ):
        assert part in text
    assert "modelrail:marker" not in text


def test_hub_pages_of_nothing(hub: LocalHub) -> None:
    assert "Nothing has been pushed yet" in requests.get(f"{hub.url}/octo/flights", timeout=10).text
    for path in (
        "/octo/absent",
        "/octo/flights/pull/9",
        "/octo/flights/ledger",
        "/octo/flights/commit/zz",
        "/x/y/z/w",
    ):
        answer = requests.get(hub.url + path, timeout=10)
        assert (answer.status_code, "<h1>404</h1>" in answer.text) == (404, True), path
    hub.hub.configure("octo", "flights", private=True)
    assert requests.get(f"{hub.url}/octo/flights", timeout=10).status_code == 404


def test_hub_pages_take_no_writes(hub: LocalHub) -> None:
    assert requests.post(f"{hub.url}/octo/flights/pulls", timeout=10).status_code == 405
