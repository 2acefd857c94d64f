"""Real git and a local GitHub: what test modules import, while conftest.py holds the fixtures.

A module of its own: there are several `conftest`s, and an import finds
whichever was collected last.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelrail.localhub.server import Hub, Running


def run_git(root: Path, *arguments: str) -> str:
    """Run git in `root` and return its stdout; a failure shows git's own words."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


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
