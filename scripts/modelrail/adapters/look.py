"""What `init` sees: the files of the user's repository, and the caller workflows that modelrail ships."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from modelrail.adapters.git import Git
from modelrail.core.starter import Found

MAX_ENTRIES = 20_000
MAX_DEPTH = 4
_SKIP = {
    "node_modules",
    "venv",
    "env",
    "site-packages",
    "__pycache__",
    "modelrail-out",
    "mlruns",
    "build",
    "dist",
}
_TABLES = (".parquet", ".csv", ".parquet.dvc", ".csv.dvc")
_MODEL_FILE = re.compile(r"""["']([\w./-]+\.(?:skops|onnx|joblib|pkl))["']""")


def look(folder: Path) -> Found:
    """Walk the folder, within bounds; read CSV headers and the training script, nothing else."""
    tables: set[str] = set()
    scripts: list[str] = []
    entries = 0
    for place, folders, names in os.walk(folder):
        inside = Path(place).relative_to(folder)
        deep = len(inside.parts) >= MAX_DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if name not in _SKIP and name[0] != ".")
        entries += len(names)
        if entries > MAX_ENTRIES:
            break
        for name in names:
            path = (inside / name).as_posix()
            if name.lower().endswith(_TABLES):
                tables.add(path.removesuffix(".dvc"))
            elif name == "train.py":
                scripts.append(path)
    scripts.sort(key=lambda path: (path.count("/"), path))
    return Found(
        tables=tuple(sorted(tables)),
        scripts=tuple(scripts),
        files=frozenset(entry.name for entry in folder.iterdir() if entry.is_file()),
        model_files=_model_files(folder / scripts[0]) if scripts else (),
        columns={table: header for table in sorted(tables) if (header := _header(folder / table))},
    )


def _header(path: Path) -> tuple[str, ...]:
    if path.suffix.lower() != ".csv" or not path.is_file():
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return tuple(next(csv.reader([stream.readline(65_536)]), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def _model_files(script: Path) -> tuple[str, ...]:
    try:
        with script.open(encoding="utf-8") as stream:
            text = stream.read(1_000_000)
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(dict.fromkeys(_MODEL_FILE.findall(text)))


def absent(folder: Path, names: Iterable[str]) -> list[str]:
    """Those of the files that are neither there nor tracked by DVC."""
    return [
        name for name in names if name and not any((folder / f"{name}{end}").exists() for end in ("", ".dvc"))
    ]


def top_of_repository(folder: Path) -> Path | None:
    """The nearest folder upwards that holds `.git`."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def default_branch(git: Git) -> str:
    """What `origin` calls its default branch; else the usual name that exists here; else `main`."""
    done = git.attempt("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    name = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode == 0 and name.startswith("origin/"):
        return name.removeprefix("origin/")
    done = git.attempt("symbolic-ref", "--quiet", "--short", "HEAD")
    current = done.stdout.decode("utf-8", "replace").strip()
    return current if done.returncode == 0 and current in {"master", "trunk"} else "main"


def caller_workflows() -> dict[str, str]:
    """The shipped caller workflows by file name: in the installed package, or `workflows/` of a checkout."""
    packaged = resources.files("modelrail") / "workflows"
    if packaged.is_dir():
        found = {entry.name: entry.read_text(encoding="utf-8") for entry in packaged.iterdir()}
    else:
        checkout = Path(__file__).parents[3] / "workflows"
        found = {path.name: path.read_text(encoding="utf-8") for path in checkout.iterdir()}
    return {name: text for name, text in sorted(found.items()) if name.endswith(".yml")}
