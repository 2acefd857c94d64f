"""What act needs on disk: the workflows of a commit, an export of this checkout, stand-ins at their pins."""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from modelrail import __version__
from modelrail.errors import GitError, ToolMissingError, WorkflowRunError
from modelrail.localhub import act_triggers

OURS = "modelrail/modelrail"
STANDINS = Path(__file__).parent / "standins"
ROOT = Path(__file__).resolve().parents[3]
# What the composite actions and the reusable workflows are made of, and nothing else of the checkout: act
# copies the whole folder for every step that uses it.
_EXPORTED = (
    "action.yml",
    "actions",
    ".github/workflows",
    "requirements",
    "scripts/modelrail-run",
    "scripts/modelrail",
)


def git(*arguments: str, cwd: Path) -> str:
    env = {key: value for key, value in _environ().items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env=env | {"LC_ALL": "C"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GitError(f"git {arguments[0]} failed in {cwd}.", why=done.stderr.strip())
    return done.stdout.strip()


def _environ() -> Mapping[str, str]:
    from modelrail import settings

    return settings.read().environ


def check_out(bare: Path, ref: str, place: Path, repository: str) -> str:
    """The files of one ref in a repository of their own, from which act reads; returns the commit."""
    place.mkdir(parents=True)
    git("init", "--quiet", "--initial-branch=act", ".", cwd=place)
    git("fetch", "--quiet", "--no-tags", "--depth=1", bare.resolve().as_uri(), ref, cwd=place)
    git("checkout", "--quiet", "--detach", "FETCH_HEAD", cwd=place)
    # act takes owner and name from `origin`, and knows them only at this host; nothing is fetched from it.
    git("remote", "add", "origin", f"https://github.com/{repository}", cwd=place)
    return git("rev-parse", "HEAD", cwd=place)


def changed_paths(bare: Path, old: str, new: str) -> list[str] | None:
    """Paths that differ between two commits; None when the first is not there (a new branch)."""
    if not old.strip("0"):
        return None
    listed = git("diff", "--name-only", "-z", old, new, cwd=bare)
    return [path for path in listed.split("\0") if path]


def export(cache: Path) -> Path:
    """Our actions and package in a folder of their own, with bytecode; made once for every state of them."""
    if not (ROOT / "action.yml").is_file():
        raise ToolMissingError(
            "modelrail act needs a checkout of modelrail: its actions are not part of the installed package.",
            next="Clone the repository of modelrail and run scripts/modelrail-run act there.",
        )
    files = sorted(_files())
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        state = path.stat()
        digest.update(f"{path.relative_to(ROOT)}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    target = cache / "act" / f"modelrail-{digest.hexdigest()[:16]}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / "export"
        for path in files:
            copy = made / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        # act gives every copy a new path and new times: only unchecked bytecode stays valid in it.
        compileall.compile_dir(
            made / "scripts", quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was faster
                raise
    return target


def _files() -> Iterable[Path]:
    for name in _EXPORTED:
        path = ROOT / name
        if path.is_file():
            yield path
        for found in path.rglob("*") if path.is_dir() else ():
            if found.is_file() and "__pycache__" not in found.parts:
                yield found


def local_repositories(workflows: Iterable[act_triggers.Workflow], cache: Path) -> list[str]:
    """`owner/name@ref=folder` for everything that the workflows, and our own below them, use.

    Raises WorkflowRunError for what has no stand-in: nothing is fetched from outside.
    """
    exported = export(cache)
    names = [use for workflow in workflows for use in workflow.uses()]
    ours = [path for path in _files() if path.suffix == ".yml" and "standins" not in path.parts]
    names += [use for path in ours for use in act_triggers.uses_in(path.read_text(encoding="utf-8"))]
    mapped: dict[str, Path] = {}
    missing = []
    for use in dict.fromkeys(names):
        if use.startswith(("./", "docker://")) or "@" not in use:
            continue
        path, _, ref = use.partition("@")
        repository = "/".join(path.split("/")[:2])
        standin = STANDINS / path.removeprefix("actions/")
        if repository == OURS:
            if ref != f"v{__version__}":
                missing.append(f"{use} (this checkout is v{__version__})")
            mapped[f"{repository}@{ref}"] = exported
        elif path.startswith("actions/") and (standin / "action.yml").is_file():
            mapped[f"{repository}@{ref}"] = standin
        else:
            missing.append(use)
    if missing:
        raise WorkflowRunError(
            f"modelrail act has no local copy of {missing[0]}.",
            why="It runs offline; checkout, setup-python, cache, attest and artifacts have stand-ins.",
            next="Keep such steps in a workflow of their own, or use the version that is installed here."
            + (f" Also missing: {', '.join(missing[1:])}." if missing[1:] else ""),
        )
    return [f"{name}={folder}" for name, folder in mapped.items()]


def python_folder(cache: Path) -> Path:
    """A folder for the front of PATH, in which `python3` is the Python that runs this program.

    It stays: environments that a run builds point to it.
    """
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = base if os.access(base, os.X_OK) else Path(os.path.realpath(sys.executable))
    place = cache / "act" / f"python-{hashlib.sha256(str(interpreter).encode()).hexdigest()[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("python3", "python"):
        with contextlib.suppress(FileExistsError):
            (place / name).symlink_to(interpreter)
    return place
