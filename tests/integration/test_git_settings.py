"""Git's configuration, read once: the same answers as git itself gives to each question."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from modelrail.adapters.git import Git
from modelrail.adapters.registry.signatures import _wanted
from support_git import run_git

SIGNED = ["true", "yes", "on", "1", "2", "True", "YES", "false", "no", "off", "0", "", None]
ADDRESSES = {
    "one": [("remote.origin.url", "https://example.invalid/a.git")],
    "none": [],
    "pushed elsewhere": [
        ("remote.origin.url", "https://example.invalid/a.git"),
        ("remote.origin.pushurl", "ssh://git@example.invalid/b.git"),
    ],
    "several": [
        ("remote.origin.url", "https://example.invalid/a.git"),
        ("remote.origin.url", "https://example.invalid/b.git"),
    ],
    "rewritten": [
        ("remote.origin.url", "gh:octo/flights"),
        ("url.https://example.invalid/.insteadOf", "gh:"),
    ],
    "rewritten for pushes": [
        ("remote.origin.url", "https://example.invalid/a.git"),
        ("url.ssh://git@example.invalid/.pushInsteadOf", "https://example.invalid/"),
    ],
    "an equals sign and a line break": [("remote.origin.url", "https://example.invalid/a=b\nc")],
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    root = tmp_path / "repository"
    root.mkdir()
    run_git(root, "init", "--quiet")
    return root


@pytest.mark.parametrize("written", ADDRESSES.values(), ids=list(ADDRESSES))
@pytest.mark.parametrize("push", [False, True])
def test_an_address_is_the_one_that_git_uses(
    repository: Path, written: Sequence[tuple[str, str]], *, push: bool
) -> None:
    for key, value in written:
        run_git(repository, "config", "--add", key, value)
    command = ["git", "remote", "get-url", *(["--push"] if push else []), "origin"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    expected = done.stdout.removesuffix("\n") if done.returncode == 0 else ""
    git = Git(repository, environ=os.environ)
    assert git.url(push=push) == expected
    assert git.has_remote() is bool(written)


def test_a_remote_that_is_an_address_is_its_own(repository: Path) -> None:
    for remote in ("https://example.invalid/a", "../a.git", "git@example.invalid:a"):
        assert Git(repository, remote=remote, environ=os.environ).url() == remote


@pytest.mark.parametrize("value", SIGNED)
def test_signatures_are_wanted_where_git_wants_them(repository: Path, value: str | None) -> None:
    with (repository / ".git" / "config").open("a", encoding="utf-8") as file:
        file.write(f"[tag]\n\tgpgSign{'' if value is None else f' = {value}'}\n")
    expected = run_git(repository, "config", "--type=bool", "--get", "tag.gpgSign").strip()
    assert _wanted(Git(repository, environ=os.environ)) is (expected == "true")


def test_what_was_written_in_between_is_read_again(repository: Path) -> None:
    git = Git(repository, environ=os.environ)
    assert git.setting("user.signingkey") == ""
    git.run("config", "user.signingKey", "a")
    assert git.setting("user.signingkey") == "a"
    git.run("config", "--add", "user.signingKey", "b")
    assert git.setting("user.signingkey") == "b"


@pytest.mark.fault(34)
def test_a_fetch_is_not_held_against_every_tag_of_the_clone(tmp_path: Path) -> None:
    """git 2.41 and newer leave hidden refs out of the check; branches and mirrored tags stay in it."""
    said = tmp_path / "said"
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nenv | grep ^GIT_CONFIG_ | sort >> "{said}"\necho "$1" >> "{said}"\n')
    program.chmod(0o755)
    git = Git(tmp_path, environ={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"})
    git.run("fetch", "origin", network=True)
    git.run("push", "origin", network=True)
    assert said.read_text().splitlines() == [
        "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=fetch.hideRefs", "GIT_CONFIG_VALUE_0=refs/tags", "fetch",
        "push",
    ]  # fmt: skip
