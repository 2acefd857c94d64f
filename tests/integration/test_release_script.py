"""scripts/release, on a copy of what it stamps."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support_workflows import ROOT


@pytest.fixture
def project(repository: Path, git: Callable[..., str]) -> Path:
    for name in ("pyproject.toml", "CHANGELOG.md", "README.md", "action.yml"):
        shutil.copy2(ROOT / name, repository / name)
    for name in ("actions", "workflows", ".github", "docs"):
        shutil.copytree(ROOT / name, repository / name)
    (repository / "scripts" / "modelrail").mkdir(parents=True)
    for name in ("scripts/release", "scripts/modelrail/__init__.py"):
        shutil.copy2(ROOT / name, repository / name)
    changelog = repository / "CHANGELOG.md"
    changelog.write_text(
        "# Changelog\n\n## [Unreleased]\n\n- Something new.\n\n## [0.0.1] - x\n\n- Old.\n", "utf-8"
    )
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Copy")
    return repository


def release(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "scripts" / "release", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_place_is_stamped_committed_and_tagged(project: Path, git: Callable[..., str]) -> None:
    done = release(project, "9.8.7")
    assert done.returncode == 0, done.stderr
    assert release(project, "--check").returncode == 0
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "describe") == "v9.8.7"
    assert "- Something new." in git(project, "tag", "-n9", "v9.8.7")
    assert 'version = "9.8.7"' in (project / "pyproject.toml").read_text(encoding="utf-8")
    assert "actions/train@v9.8.7" in (project / ".github/workflows/evaluate.yml").read_text(encoding="utf-8")
    assert "evaluate.yml@v9.8.7" in (project / "workflows/pull-request.yml").read_text(encoding="utf-8")
    changelog = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    assert (
        changelog.index("## [Unreleased]")
        < changelog.index("## [9.8.7] - ")
        < changelog.index("- Something new.")
    )
    # Other people's actions keep their own versions.
    assert "# v6.0.2" in (project / ".github/workflows/evaluate.yml").read_text(encoding="utf-8")


def test_a_dry_run_changes_nothing(project: Path, git: Callable[..., str]) -> None:
    done = release(project, "9.8.7", "--dry-run")
    assert "would change pyproject.toml" in done.stdout
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "tag", "--list") == ""


@pytest.mark.parametrize("version", ["0.0.1", "v1.0.0", "1.0", "latest"])
def test_impossible_versions(project: Path, version: str) -> None:
    assert release(project, version).returncode in {1, 2}


def test_changes_that_are_not_committed(project: Path) -> None:
    (project / "README.md").write_text("x", encoding="utf-8")
    done = release(project, "9.8.7")
    assert done.returncode == 1
    assert "Commit them first" in done.stderr


def test_a_released_version_never_changes(project: Path, git: Callable[..., str]) -> None:
    git(project, "tag", "v9.8.7")
    assert "never changes" in release(project, "9.8.7").stderr


def test_nothing_to_say(project: Path, git: Callable[..., str]) -> None:
    (project / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n## [0.0.1]\n\n- Old\n", encoding="utf-8"
    )
    git(project, "commit", "--quiet", "-a", "-m", "Nothing")
    assert "says nothing under [Unreleased]" in release(project, "9.8.7").stderr


def test_a_place_that_was_forgotten_is_found(project: Path) -> None:
    path = project / "workflows" / "promote.yml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("promote.yml@v", "promote.yml@v9"), encoding="utf-8"
    )
    done = release(project, "--check")
    assert done.returncode == 1
    assert "workflows/promote.yml" in done.stdout
