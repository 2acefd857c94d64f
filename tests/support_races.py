"""Real processes that race: started at once, each in a copy of a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import modelrail
from support_registry import Project

SOURCE = str(Path(modelrail.__file__).parents[1])


def start(consumer: Project, *arguments: str, **env: str) -> subprocess.Popen[str]:
    values = {
        "PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": SOURCE, "NO_PROXY": "127.0.0.1",
        "GIT_CONFIG_NOSYSTEM": "1", **consumer.environ, **env,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "modelrail", *arguments], cwd=consumer.root, env=values,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(racers: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    found = []
    for racer in racers:
        _, err = racer.communicate(timeout=300)
        found.append((racer.returncode, err))
    return found


def copies(consumer: Project, count: int, *, one_machine: bool = False) -> list[Project]:
    """Each on a machine of its own, as far as it can tell, or all on one: there they take turns."""
    made = []
    for number in range(count):
        place = consumer.root.parent / f"racer-{number}"
        shutil.copytree(consumer.root, place)
        cache = consumer.root.parent / ("machine" if one_machine else f"machine-{number}")
        made.append(Project(place, consumer.remote, {**consumer.environ, "MODELRAIL_CACHE": str(cache)}))
    return made


def counting_git(folder: Path, *counted: str) -> Path:
    """A `git` in this folder that notes a line for each call of these commands; returns where."""
    real, calls = shutil.which("git"), folder / "calls"
    folder.mkdir()
    calls.touch()
    (folder / "git").write_text(
        f"""#!/bin/sh
case "$1" in {"|".join(counted)}) echo "$1" >> '{calls}' ;; esac
exec '{real}' "$@"
""",
        encoding="utf-8",
    )
    (folder / "git").chmod(0o755)
    return calls
