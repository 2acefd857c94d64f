"""What every test stands on: an empty home, no configuration of this machine's git, and a local GitHub."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from modelrail.localhub.server import Hub, Running

_PRIVATE = ("GITHUB_", "MODELRAIL_", "ACTIONS_", "RUNNER_", "INPUT_", "GIT_", "MLFLOW_", "DVC_", "GH_")


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HOME is empty, git reads no file of this machine, and no variable of a surrounding CI run leaks in."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(_PRIVATE) or name in {"CI", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}:
            monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "DVC_NO_ANALYTICS": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(name, value)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Test\n\temail = test@example.invalid\n[init]\n\tdefaultBranch = main\n"
        "[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n",
        encoding="utf-8",
    )
    return home


def run_git(root: Path, *arguments: str) -> str:
    """Run git in `root` and return its stdout; a failure shows git's own words."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@pytest.fixture
def git() -> Callable[..., str]:
    """`git(folder, "commit", ...)`."""
    return run_git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A fresh repository with one commit on `main`."""
    root = tmp_path / "repository"
    root.mkdir()
    run_git(root, "init", "--quiet")
    (root / "README.md").write_text("# A repository\n", encoding="utf-8")
    run_git(root, "add", ".")
    run_git(root, "commit", "--quiet", "-m", "Begin")
    return root


@dataclass
class LocalHub:
    """A running local GitHub with one repository `octo/flights`, and what tests want from it."""

    hub: Hub
    running: Running
    owner: str
    repo: str
    token: str  # of the owner

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def api_url(self) -> str:
        return self.running.api_url

    @property
    def repository(self) -> str:
        return f"{self.owner}/{self.repo}"

    @property
    def git_url(self) -> str:
        return self.running.git_url(self.owner, self.repo)

    def bot_token(self, **permissions: str) -> str:
        """A GITHUB_TOKEN with these permissions: `bot_token(contents="write")`."""
        return self.hub.token_for("github-actions[bot]", repository=self.repository, **permissions)

    def authorized_url(self, token: str = "") -> str:
        """A remote with the token in it: for tests only."""
        return self.git_url.replace("http://", f"http://x-access-token:{token or self.token}@")

    def clone(self, to: Path, *options: str) -> Path:
        run_git(to.parent, "clone", "--quiet", *options, self.authorized_url(), str(to))
        return to

    def seed(self, root: Path, branch: str = "main") -> str:
        """Push a local repository's HEAD as a branch; returns the commit."""
        run_git(root, "push", "--quiet", self.authorized_url(), f"HEAD:refs/heads/{branch}")
        return run_git(root, "rev-parse", "HEAD")

    def environ(self, token: str = "", **more: str) -> dict[str, str]:
        """What a step of a workflow run would find in its environment."""
        return {
            "GITHUB_API_URL": self.api_url,
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_TOKEN": token or self.token,
        } | more


@pytest.fixture
def make_hub(tmp_path: Path) -> Iterator[Callable[..., LocalHub]]:
    """`make_hub(faults=...)`: a hub of its own; what crosses it is held against GitHub's OpenAPI."""
    from modelrail.localhub.server import Hub
    from support_openapi import OpenApiCheck

    started: list[tuple[Running, OpenApiCheck | None]] = []

    def make(owner: str = "octo", repo: str = "flights", *, checked: bool = True, **options: Any) -> LocalHub:
        hub = Hub(tmp_path / f"hub-{len(started)}", **options)
        check = OpenApiCheck() if checked else None
        running = hub.serve(port=0, middleware=check.middleware if check else None)
        started.append((running, check))
        hub.create_repository(owner, repo)
        return LocalHub(hub, running, owner, repo, hub.token_for(owner))

    yield make
    for running, _ in started:
        running.close()
    violations = [text for _, check in started if check for text in check.violations]
    assert not violations, "Against GitHub's OpenAPI:\n" + "\n".join(violations)


@pytest.fixture
def hub(make_hub: Callable[..., LocalHub]) -> LocalHub:
    """A running local GitHub with the empty repository `octo/flights`."""
    return make_hub()
