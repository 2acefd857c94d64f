"""What git's own words mean: a missing right, or a line that failed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelrail.adapters.git import Git, denied
from modelrail.errors import GitError


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'https://github.com/octo/flights/': The requested URL returned error: 403",
        "fatal: unable to access 'https://github.com/octo/flights/': The requested URL returned error: 401",
        "error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403",
        "remote: Permission to octo/flights.git denied to github-actions[bot].",
        "git@github.com: Permission denied (publickey).",
        "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
        "fatal: Authentication failed for 'https://github.com/octo/flights/'",
    ],
)
def test_a_right_is_missing(said: str) -> None:
    assert denied(said)


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'http://127.0.0.1:40147/octo/flights/': transfer closed with data remaining",
        "fatal: unable to access 'http://127.0.0.1:54403/o/403/': The requested URL returned error: 503",
        " ! [remote rejected] 401 -> model-403@v1.0.0 (cannot lock ref)",
        "error: 403 objects were sent",
    ],
)
def test_a_number_that_is_no_status(said: str) -> None:
    assert not denied(said)


def test_a_folder_outside_any_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="is not inside a Git repository") as raised:
        Git(tmp_path, environ=os.environ).run("for-each-ref")
    assert "--remote URL" in raised.value.next


def test_a_repository_of_somebody_else(tmp_path: Path) -> None:
    git = Git(tmp_path, environ=os.environ)
    git.run("init", "--quiet")
    with pytest.raises(GitError, match="git does not trust") as raised:
        git.run("status", env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert "safe.directory" in raised.value.next
