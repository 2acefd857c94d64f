"""What is used is pinned: others' actions by commit, our own by the stamped version, packages by hash."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from modelrail import __version__, toolenv
from support_workflows import OURS, ROOT, comments, every_file, ids, uses

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.in"))


@pytest.mark.parametrize("path", every_file(), ids=ids)
def test_other_peoples_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    said = comments(path)
    for use in uses(path):
        if not OURS.match(use):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", use), use
            assert re.match(r"v\d+\.\d+\.\d+$", said[use]), f"{use} # {said[use]}"


def test_one_version_of_each_action_everywhere() -> None:
    found: dict[str, set[str]] = {}
    for path in every_file():
        for use in uses(path):
            name, _, ref = use.partition("@")
            found.setdefault(name, set()).add(ref)
    assert not {name: refs for name, refs in found.items() if len(refs) > 1}


@pytest.mark.parametrize("path", every_file(), ids=ids)
def test_our_own_actions_carry_this_version_and_exist(path: Path) -> None:
    for use in uses(path):
        match = OURS.match(use)
        if match is None:
            assert not use.startswith("modelrail/"), use
            continue
        assert match["version"] == __version__, use
        target = ROOT / (match["path"] or ".")
        assert target.is_file() or (target / "action.yml").is_file(), use


def test_every_place_names_the_same_version() -> None:
    assert PYPROJECT["project"]["version"] == __version__
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "release", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_requirement_files_are_those_of_the_packaging() -> None:
    declared = {"core": PYPROJECT["project"]["dependencies"], **PYPROJECT["project"]["optional-dependencies"]}
    for extra, wanted in declared.items():
        assert lines(ROOT / "requirements" / f"{extra}.in") == wanted, extra
    assert {path.stem for path in REQUIREMENTS} == {*declared, "dev", "uv"}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=ids)
def test_every_requirement_is_locked_with_hashes_and_names_no_index(path: Path) -> None:
    text = path.with_suffix(".txt").read_text(encoding="utf-8")
    blocks = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert blocks
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in text
    assert "index-url" not in text
    named = {re.sub(r"[._-]+", "-", re.split(r"[\[=<>~ ]", line)[0]).lower() for line in lines(path)}
    assert named <= {re.split(r"[\[=]", block)[0] for block in blocks}


def test_locked_versions_agree() -> None:
    """One environment can hold any of the extras together with the tools of the tests."""
    versions: dict[str, set[str]] = {}
    for path in REQUIREMENTS:
        for line in lines(path.with_suffix(".txt")):
            match = re.match(r"([a-z0-9._-]+)==(\S+)(?: ; (.*?))?(?: \\)?$", line)
            if match:
                versions.setdefault(f"{match[1]} {match[3] or ''}", set()).add(match[2])
    assert not {name: found for name, found in versions.items() if len(found) > 1}


def test_what_reads_a_dvc_remote_is_locked_with_the_dvc_of_all() -> None:
    """Each is complete in itself: the environment of `register` is made of core, dvc and one of them."""
    ours = {line for line in lines(ROOT / "requirements" / "dvc.txt") if "==" in line}
    for extra in toolenv.REMOTES.values():
        theirs = {line for line in lines(ROOT / "requirements" / f"{extra}.txt") if "==" in line}
        assert ours <= theirs, extra
    declared = PYPROJECT["project"]["optional-dependencies"]
    assert {name for name in declared if name.startswith("dvc-")} == set(toolenv.REMOTES.values())
