"""Fault 38: no space, nothing to write to, no git or an old one. A clear error, and nothing half-written."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import support_project
from modelrail import errors
from support_project import modelrail

if TYPE_CHECKING:
    from support_git import LocalHub

pytestmark = pytest.mark.fault(38)

LARGE = 4096  # bytes that a full disk still takes, here


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(repository: Path) -> Path:
    support_project.fill(repository)
    return repository


def all_files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


# --- a full disk -----------------------------------------------------------------------------------------


def full_disk() -> None:
    """No file grows beyond a few bytes: each write past that fails, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE, LARGE))


def tiny() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))


def test_a_record_is_written_whole_or_not_at_all(project: Path) -> None:
    done = modelrail(project, "train", "--no-tracking", prepare=tiny)
    assert done.returncode == errors.TrainingError.code, done.stderr
    assert "The report will not know why train failed" in done.stderr
    assert not list((project / "modelrail-out").rglob("*.json"))
    assert modelrail(project, "train", "--no-tracking").returncode == 0
    assert modelrail(project, "evaluate").returncode == 0
    before = all_files(project)
    done = modelrail(project, "compare", prepare=tiny)
    assert done.returncode == errors.FilesystemError.code, done.stderr
    assert "modelrail-out/delay/comparison.json could not be written: File too large." in done.stderr
    after = all_files(project)
    assert {name: data for name, data in after.items() if not name.endswith((".md", "failure.json"))} == {
        name: data for name, data in before.items() if not name.endswith((".md", "failure.json"))
    }
    assert modelrail(project, "compare").returncode == 0


def test_the_report_is_shown_even_where_it_cannot_be_kept(project: Path) -> None:
    for verb in (("train", "--no-tracking"), ("evaluate",), ("compare",)):
        assert modelrail(project, *verb).returncode == 0
    done = modelrail(project, "report", "--format", "text", prepare=tiny)
    assert done.returncode == 0, done.stderr
    assert "may become the first version" in done.stdout
    assert "The report is not kept" in done.stderr
    assert not (project / "modelrail-out" / "report.md").exists()


def test_step_outputs_on_a_full_disk(project: Path) -> None:
    done = modelrail(project, "validate-data", GITHUB_OUTPUT="/dev/full", GITHUB_ACTIONS="true")
    assert done.returncode == errors.FilesystemError.code
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_printing_to_a_full_disk(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        env = {**os.environ, "PYTHONPATH": str(support_project.SCRIPTS)}
        done = subprocess.run(
            [sys.executable, "-m", "modelrail", "show", "--json"],
            cwd=project,
            env=env,
            stdout=full,
            stderr=-1,
            check=False,
        )
    assert done.returncode == errors.FilesystemError.code, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"No space left on device" in done.stderr


# --- nothing to write to ---------------------------------------------------------------------------------


def obedient() -> None:
    """Even root obeys the permission bits of files, as every other user does."""
    drop = ctypes.CDLL(None).prctl
    for capability in (1, 2, 3):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
        drop(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.fixture
def read_only(project: Path) -> Iterator[Path]:
    folders = [project, *(path for path in project.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    yield project
    for path in folders:
        path.chmod(0o755)


@pytest.mark.parametrize(
    "verb",
    [("validate-data",), ("train", "--no-tracking"), ("init", "--task", "binary"), ("evaluate",)],
    ids=str,
)
def test_a_read_only_checkout_is_said(read_only: Path, verb: tuple[str, ...]) -> None:
    before = all_files(read_only)
    done = modelrail(read_only, *verb, prepare=obedient)
    assert done.returncode not in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    assert all_files(read_only) == before


def test_what_only_reads_works_in_a_read_only_checkout(read_only: Path) -> None:
    done = modelrail(read_only, "show", prepare=obedient)
    assert done.returncode == 0, done.stderr
    assert modelrail(read_only, "history", prepare=obedient).returncode == 0


# --- git -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "verb", [("show",), ("which", "delay"), ("history",), ("promote", "delay", "v1.0.0")], ids=str
)
def test_without_git(project: Path, tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "empty").mkdir()
    done = modelrail(project, *verb, PATH=str(tmp_path / "empty"))
    assert done.returncode == errors.ToolMissingError.code, done.stderr
    assert "git is not installed" in done.stderr
    assert "Install git 2.34 or newer" in done.stderr


@pytest.fixture
def old_git(tmp_path: Path) -> str:
    """A PATH on which git is one of 2018: it ignores configuration by environment, and so sends no token."""
    real, place = shutil.which("git"), tmp_path / "old"
    place.mkdir()
    script = place / "git"
    script.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "git version 2.17.1"; exit 0; fi\n'
        "unset GIT_CONFIG_COUNT\n"
        f'exec {real} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(stat.S_IRWXU)
    return f"{place}{os.pathsep}{os.environ['PATH']}"


def test_a_git_too_old_to_send_the_token_is_named(project: Path, old_git: str, hub: LocalHub) -> None:
    hub.hub.configure("octo", "flights", private=True)
    hub.seed(project)
    environ = hub.environ(hub.bot_token(contents="write"), GITHUB_ACTIONS="true", GITHUB_ACTOR="octo")
    assert modelrail(project, "show", **environ).returncode == 0
    done = modelrail(project, "show", **environ, PATH=old_git)
    assert done.returncode == errors.ToolMissingError.code, done.stderr
    assert "git 2.17.1 is too old" in done.stderr
    assert "2.34" in done.stderr


def test_an_old_git_that_does_what_is_asked_is_left_alone(project: Path, old_git: str) -> None:
    assert modelrail(project, "show", PATH=old_git).returncode == 0


def test_outside_a_repository(tmp_path: Path, git: Callable[..., str]) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    (place / "modelrail.yaml").write_text(support_project.CONFIG)
    done = modelrail(place, "train", "--no-tracking")
    assert done.returncode == errors.GitError.code, done.stderr
    assert "not a Git repository" in done.stderr
    git(place, "init", "--quiet")
    done = modelrail(place, "train", "--no-tracking")
    assert done.returncode == errors.GitError.code, done.stderr
