"""The user's environment: built once from `env:`, kept by digest, never mixed with modelrail's own."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelrail.adapters import process
from modelrail.adapters.actions_io import say
from modelrail.config import resolved as config
from modelrail.core.registry import fingerprint
from modelrail.errors import EnvironmentFailedError
from modelrail.settings import Settings

MARKER = ".modelrail-complete"
BUILD_TIMEOUT = 3600.0
_INCLUDE = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[\s=]+(?P<file>[^\s#]+)")
_LOCAL = re.compile(r"\s*(?:(?:-e|--editable)\b|\.{1,2}(?:/|\s|$)|/|file:|[^#]*@\s*file:)")

_ABOUT = """
import json, sys, platform
from importlib import metadata
found = ((d.metadata["Name"], d.version) for d in metadata.distributions())
packages = sorted({f"{name}=={version}".lower() for name, version in found if name})
print(json.dumps({"executable": sys.executable, "version": platform.python_version(),
                  "implementation": sys.implementation.name, "machine": platform.machine(),
                  "packages": packages}))
"""


@dataclass(frozen=True)
class Environment:
    """A Python of the user. `digest` is over interpreter version and requirements (or installed packages)."""

    python: Path
    digest: str

    def activate(self, environ: dict[str, str]) -> dict[str, str]:
        """The child's environment with this Python first, as `activate` would make it."""
        folder = self.python.parent
        made = dict(environ)
        made["PATH"] = f"{folder}:{environ['PATH']}" if environ.get("PATH") else str(folder)
        if (folder.parent / "pyvenv.cfg").is_file():
            made["VIRTUAL_ENV"] = str(folder.parent)
        return made


@dataclass(frozen=True)
class _Interpreter:
    executable: str
    version: str
    identity: tuple[str, ...]
    packages: tuple[str, ...]


def prepare(model: config.Model, root: Path, settings: Settings) -> Environment:
    """The environment of a model whose files stand below `root`; built when it is not in the cache.

    Raises EnvironmentFailedError with the installer's last lines.
    """
    base = _interpreter(settings)
    if model.env is None:
        return Environment(Path(base.executable), fingerprint.digest_parts((*base.identity, *base.packages)))
    requirements = root / model.path / model.env
    digest = requirements_digest(requirements, root, base.identity)
    place = settings.cache / "envs" / fingerprint.short(digest, 32)
    python = place / "bin" / "python"
    if not (place / MARKER).is_file():
        with _locked(place.with_name(place.name + ".lock"), place):
            if not (place / MARKER).is_file():
                _build(base, requirements, place, settings)
    return Environment(python, digest)


def packages(environment: Environment, settings: Settings) -> dict[str, str]:
    """What is installed there by name, with `python` itself; at most 400. Only shown: {} where it fails."""
    try:
        done = subprocess.run(
            [str(environment.python), "-I", "-c", _ABOUT],
            capture_output=True, text=True, timeout=120, check=True, env=settings.child_environ(),
        )  # fmt: skip
        about = json.loads(done.stdout)
        named = dict(str(one).split("==", 1) for one in about["packages"])
        return {"python": str(about["version"]), **dict(list(named.items())[:400])}
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return {}


def requirements_digest(requirements: Path, root: Path, identity: tuple[str, ...]) -> str:
    """Interpreter and the content of the file with all that it includes (`-r`, `-c`)."""
    parts = list(identity)
    seen: set[Path] = set()

    def visit(path: Path) -> None:
        place = path.resolve()
        if place in seen:
            return
        seen.add(place)
        if not place.is_relative_to(root.resolve()):
            raise EnvironmentFailedError(f"The requirements file {path} is outside the repository.")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EnvironmentFailedError(
                f"The requirements file {path} cannot be read.",
                why=str(error),
                next="`env:` in modelrail.yaml names a pip requirements file below the model's folder.",
            ) from None
        parts.append(text)
        for number, line in enumerate(text.splitlines(), 1):
            if _LOCAL.match(line):
                raise EnvironmentFailedError(
                    f"{path.name} installs from a local folder: {line.strip()}",
                    why="The environment is kept by the digest of this file and shared by all commits;"
                    " code of one commit must not be part of it.",
                    next="Leave it out: training and prediction run in the model's folder"
                    " and import from there.",
                    file=str(path),
                    line=number,
                )
            included = _INCLUDE.match(line)
            if included:
                visit(path.parent / included["file"])

    visit(requirements)
    return fingerprint.digest_parts(parts)


def _interpreter(settings: Settings) -> _Interpreter:
    """The user's `python3`: the first on PATH that is not modelrail's own."""
    own = (Path(sys.prefix) / "bin").resolve()
    folders = [
        folder
        for folder in settings.environ.get("PATH", "").split(":")
        if folder and Path(folder).resolve() != own
    ]
    search = ":".join(folders)
    found = shutil.which("python3", path=search) or shutil.which("python", path=search)
    program = found or str(getattr(sys, "_base_executable", sys.executable))
    child = settings.child_environ({"PATH": search}) if search else settings.child_environ()
    try:
        done = subprocess.run(
            [program, "-I", "-c", _ABOUT], capture_output=True, text=True, timeout=120, check=True, env=child
        )
        about = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EnvironmentFailedError(
            f"The Python of this machine, {program}, does not run.",
            why=str(error),
            next="Put a working python3 on PATH (in a workflow: actions/setup-python).",
        ) from None
    identity = (about["implementation"], about["version"], about["machine"])
    return _Interpreter(about["executable"], about["version"], identity, tuple(about["packages"]))


@contextmanager
def _locked(lock: Path, place: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process builds the environment {place.name}; waiting.")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _build(base: _Interpreter, requirements: Path, place: Path, settings: Settings) -> None:
    if place.exists():  # left by a build that did not finish
        shutil.rmtree(place)
    started = time.monotonic()
    say(f"Building the environment of {requirements.name} (Python {base.version}); kept for later runs.")
    uv = shutil.which("uv", path=settings.environ.get("PATH"))
    python = place / "bin" / "python"
    if uv:
        steps = [
            [uv, "venv", "--quiet", "--no-project", "--python", base.executable, str(place)],
            [uv, "pip", "install", "--compile-bytecode", "--python", str(python), "-r", requirements.name],
        ]
    else:
        steps = [
            [base.executable, "-m", "venv", str(place)],
            [
                str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
                "--progress-bar=off", "-r", requirements.name,
            ],
        ]  # fmt: skip
    for step in steps:
        done = process.run(
            step,
            cwd=requirements.parent,  # so that `-r other.txt` and `-c` mean what they say
            env=settings.child_environ({"UV_NO_PROGRESS": "1"}),
            timeout=BUILD_TIMEOUT,
            prefix="  env │ ",
        )
        if done.code:
            shutil.rmtree(place, ignore_errors=True)
            raise EnvironmentFailedError(
                f"The environment of {requirements.name} could not be built.",
                why=f"It did not finish within {BUILD_TIMEOUT:.0f} s." if done.timed_out else "",
                next=f"By hand: python3 -m venv /tmp/try && /tmp/try/bin/pip install -r {requirements.name}",
                file=str(requirements),
                tail=done.tail,
            )
    (place / MARKER).write_text(f"{base.version}\n", encoding="utf-8")
    say(f"The environment is ready ({time.monotonic() - started:.0f} s).")
