"""Git over HTTP on real repositories: who may push, what a rule refuses, what follows a push."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support_git import LocalHub

pytest.importorskip("flask")
Git = Callable[..., str]


def attempt(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)


def test_hub_clones_what_was_pushed(hub: LocalHub, repository: Path, git: Git, tmp_path: Path) -> None:
    (repository / "big.bin").write_bytes(
        bytes(range(256)) * 20_000
    )  # beyond http.postBuffer: a chunked request
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Five megabytes")
    git(repository, "tag", "-a", "delay@v1.0.0", "-m", "delay v1.0.0")
    git(repository, "push", "--quiet", "--atomic", hub.authorized_url(), "main", "delay@v1.0.0")
    clone = hub.clone(tmp_path / "clone")
    assert (clone / "big.bin").read_bytes() == (repository / "big.bin").read_bytes()
    assert git(clone, "tag") == "delay@v1.0.0"
    assert [one["ref"] for one in hub.hub.pushes("octo", "flights")] == [
        "refs/heads/main",
        "refs/tags/delay@v1.0.0",
    ]


def test_hub_serves_shallow_clones_and_exact_commits(
    hub: LocalHub, repository: Path, git: Git, tmp_path: Path
) -> None:
    first = hub.seed(repository)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Second")
    hub.seed(repository)
    clone = hub.clone(tmp_path / "clone", "--depth=1")
    assert attempt(clone, "cat-file", "-e", first).returncode != 0
    git(clone, "fetch", "--quiet", "--depth=1", "origin", first)
    assert attempt(clone, "cat-file", "-e", first).returncode == 0


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_hub_refuses_git_without_a_token(hub: LocalHub, repository: Path, token: str) -> None:
    hub.seed(repository)
    url = hub.git_url.replace("http://", f"http://x:{token}@") if token else hub.git_url
    done = attempt(repository, "-c", "core.askPass=true", "ls-remote", url)
    assert done.returncode == 128
    assert "Authentication failed" in done.stderr or "could not read" in done.stderr


@pytest.mark.fault(10)
def test_hub_read_token_cannot_push(hub: LocalHub, repository: Path) -> None:
    hub.seed(repository)
    url = hub.authorized_url(hub.bot_token(contents="read"))
    assert attempt(repository, "ls-remote", url).returncode == 0
    done = attempt(repository, "push", url, "HEAD:refs/heads/other")
    assert done.returncode == 128
    assert "403" in done.stderr


def test_hub_hides_private_repositories(hub: LocalHub, repository: Path) -> None:
    hub.hub.configure("octo", "flights", private=True)
    done = attempt(repository, "ls-remote", hub.authorized_url(hub.hub.token_for("stranger")))
    assert done.returncode == 128
    assert "not found" in done.stderr


def test_hub_keeps_pull_refs_to_itself(hub: LocalHub, repository: Path) -> None:
    hub.seed(repository)
    done = attempt(repository, "push", hub.authorized_url(), "HEAD:refs/pull/1/head")
    assert done.returncode != 0


def test_hub_creating_a_ref_twice_fails(hub: LocalHub, repository: Path, git: Git) -> None:
    hub.seed(repository)
    git(repository, "tag", "-a", "v1", "-m", "one")
    git(repository, "push", "--quiet", hub.authorized_url(), "v1")
    assert (
        attempt(repository, "push", "--quiet", hub.authorized_url(), "v1").returncode == 0
    )  # identical: a no-op
    git(repository, "tag", "-f", "-a", "v1", "-m", "two")
    done = attempt(repository, "push", hub.authorized_url(), "v1")
    assert done.returncode == 1
    assert "already exists" in done.stderr


@pytest.mark.fault(12)
def test_hub_ruleset_refuses_a_push(hub: LocalHub, repository: Path, git: Git) -> None:
    hub.seed(repository)
    git(repository, "tag", "v1")
    git(repository, "push", "--quiet", hub.authorized_url(), "v1")
    hub.hub.add_ruleset("octo", "flights", target="tag", rules=["update", "deletion"])
    hub.hub.add_ruleset(
        "octo", "flights", target="branch", include=["~DEFAULT_BRANCH"], rules=["non_fast_forward"]
    )
    deleted = attempt(repository, "push", hub.authorized_url(), "--delete", "v1")
    assert deleted.returncode == 1
    assert "Cannot delete this protected ref" in deleted.stderr
    git(repository, "commit", "--quiet", "--amend", "--allow-empty", "-m", "Rewritten")
    forced = attempt(repository, "push", "--force", hub.authorized_url(), "HEAD:main")
    assert forced.returncode == 1
    assert "Cannot force-push" in forced.stderr
    assert (
        attempt(repository, "push", "--force", hub.authorized_url(), "HEAD:refs/heads/free").returncode == 0
    )


@pytest.mark.fault(11)
def test_hub_guards_workflows_against_bots(hub: LocalHub, repository: Path, git: Git) -> None:
    folder = repository / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ci.yml").write_text("on: push\n", encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Old workflows")
    old = git(repository, "rev-parse", "HEAD")
    (folder / "ci.yml").write_text("on: [push, pull_request]\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "-am", "New workflows")
    hub.seed(repository)
    hub.hub.configure("octo", "flights", guard_workflows=True)
    bot = hub.authorized_url(hub.bot_token(contents="write"))
    refused = attempt(repository, "push", bot, f"{old}:refs/tags/back")
    assert refused.returncode == 1
    assert "without `workflows` permission" in refused.stderr
    assert attempt(repository, "push", bot, "HEAD:refs/tags/now").returncode == 0
    allowed = hub.authorized_url(hub.bot_token(contents="write", workflows="write"))
    assert attempt(repository, "push", allowed, f"{old}:refs/tags/back").returncode == 0


@pytest.mark.fault(1)
def test_hub_atomic_push_leaves_nothing_when_one_ref_fails(hub: LocalHub, repository: Path, git: Git) -> None:
    hub.seed(repository)
    git(repository, "tag", "a")
    git(repository, "push", "--quiet", hub.authorized_url(), "a")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Next")
    git(repository, "tag", "-f", "a")
    git(repository, "tag", "b")
    assert attempt(repository, "push", "--atomic", hub.authorized_url(), "a", "b").returncode == 1
    assert git(hub.hub.repository_path("octo", "flights"), "tag") == "a"


def test_hub_sees_a_merge_made_by_git(hub: LocalHub, repository: Path, git: Git) -> None:
    hub.seed(repository)
    git(repository, "checkout", "--quiet", "-b", "topic")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Topic")
    hub.seed(repository, "topic")
    assert hub.hub.open_pull_request("octo", "flights", "topic", "main", "Topic")["merged"] is False
    hub.seed(repository, "main")
    assert hub.hub.pull_request("octo", "flights", 1)["merged"] is True
