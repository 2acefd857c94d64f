"""What every test stands on: an empty home, no configuration of this machine's git, and a local GitHub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support_git import LocalHub, run_git

if TYPE_CHECKING:
    from modelrail.localhub.server import Running

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
