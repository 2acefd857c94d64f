"""What a registry command imports: no numbers, no network, no sub-command that was not asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
HEAVY = {
    "numpy",
    "polars",
    "pandas",
    "scipy",
    "sklearn",
    "mlflow",
    "dvc",
    "requests",
    "urllib3",
    "flask",
    "jinja2",
}


def imported(folder: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "modelrail", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(SCRIPTS)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("show",),
        ("show", "--help"),
        ("history",),
        ("describe", "--help"),
        ("diff", "--help"),
        ("register", "--help"),
        ("promote", "--help"),
    ],
)
def test_registry_commands_stay_light(repository: Path, arguments: tuple[str, ...]) -> None:
    found = imported(repository, *arguments)
    assert "click" in found
    assert not {name.partition(".")[0] for name in found} & HEAVY


def test_help_imports_no_subcommand(repository: Path) -> None:
    found = imported(repository, "--help")
    assert not {
        name
        for name in found
        if name.startswith(("modelrail.commands.", "modelrail.adapters", "msgspec", "yaml"))
    }
