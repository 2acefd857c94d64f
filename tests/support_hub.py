"""A bare client of the local GitHub, and a repository for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from support_git import LocalHub


class Client:
    """As little of a client as a test can do with."""

    def __init__(self, hub: LocalHub, token: str) -> None:
        self.hub = hub
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.base = f"{hub.api_url}/repos/{hub.repository}"

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        url = path if path.startswith("http") else self.base + path
        return self.session.request(method, url, json=body, timeout=30, **options)

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = self(method, path, body, **options)
        assert answer.ok, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def seed(hub: LocalHub, repository: Path, git: Callable[..., str]) -> dict[str, str]:
    """`main` with one commit, `better` with one more."""
    main = hub.seed(repository)
    git(repository, "checkout", "--quiet", "-b", "better")
    (repository / "train.py").write_text("depth = 9\n", encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Deeper trees")
    better = hub.seed(repository, "better")
    git(repository, "checkout", "--quiet", "main")
    return {"main": main, "better": better}
