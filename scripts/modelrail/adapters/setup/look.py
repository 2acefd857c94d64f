"""What `init` sees: the files of the user's repository, and the caller workflows that modelrail ships."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from modelrail.adapters.git import Git
from modelrail.adapters.setup import look_inside
from modelrail.core.doctor import callers
from modelrail.core.starting.starter import Found

MAX_ENTRIES = 20_000
MAX_DEPTH = 4
MAX_SCRIPTS = 200
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


def look(folder: Path, git: Git) -> Found:
    """Walk the folder, within bounds; read CSV tables, training scripts and pipelines, nothing else."""
    tables: set[str] = set()
    python: list[str] = []
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
            elif name.endswith(".py") and not name.startswith(("test_", "conftest")):
                python.append(path)
    pipeline = look_inside.pipeline(folder)
    tables.update(pipeline.tables)
    python.sort(key=_likely)
    scripts = [one for path in python[:MAX_SCRIPTS] if (one := look_inside.script(folder / path, path))]
    top = top_of_repository(folder)
    return Found(
        tables=tuple(sorted(tables)),
        scripts=tuple(scripts),
        files=frozenset(entry.name for entry in folder.iterdir() if entry.is_file()),
        read={name: found for name in sorted(tables)[:20] if (found := look_inside.table(folder / name))},
        pipeline=pipeline,
        gto=look_inside.gto_models(git) if top is not None else {},
        by_dvc=((top or folder) / ".dvc").is_dir(),
    )


def _likely(path: str) -> tuple[bool, bool, int, str]:
    """`train.py` first, then names with `train` in them, then what lies higher."""
    name = path.rpartition("/")[2]
    return (name != "train.py", "train" not in name, path.count("/"), path)


def served(root: Path) -> dict[str, str]:
    """What the repository's workflows have modelrail do already: purpose -> file name."""
    found: dict[str, str] = {}
    for path in sorted((root / ".github" / "workflows").glob("*.y*ml")):
        workflow = callers.read(path.name, path.read_text("utf-8", "replace")) if path.is_file() else None
        for caller in workflow.callers if workflow else ():
            found.setdefault(caller.purpose, path.name)
    return found


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


def caller_workflows(*, sealed: bool = False) -> dict[str, str]:
    """The shipped caller workflows by file name: in the installed package, or `workflows/` of a checkout."""
    packaged = resources.files("modelrail") / "workflows"
    if packaged.is_dir():
        found = {entry.name: entry.read_text(encoding="utf-8") for entry in packaged.iterdir()}
    else:
        checkout = Path(__file__).parents[4] / "workflows"
        found = {path.name: path.read_text(encoding="utf-8") for path in checkout.iterdir()}
    # sealed.yml takes report.yml's place in repositories that have an environment for it: docs/sealed.md.
    return {
        name: text
        for name, text in sorted(found.items())
        if name.endswith(".yml") and (sealed or name != "sealed.yml")
    }
