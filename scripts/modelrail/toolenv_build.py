"""Builds one of the tool's virtual environments: hashes required, bytecode compiled, whole or not at all.

uv does the work (a large environment takes seconds with it and minutes with pip). Where it is not installed,
a hash-locked copy is fetched by pip into the tool's cache; where even that fails, pip alone does it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

from modelrail import toolenv

EXIT_CODE = 10  # errors.EnvironmentFailedError.code; errors.py is not imported this early


class BuildError(Exception):
    """What failed, with the last lines of the installer."""

    def __init__(self, what: str, tail: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.tail, self.remedy = what, tail, remedy


def report(error: BuildError) -> int:
    lines = [f"✗ {error.what}", *(f"  | {line}" for line in error.tail.splitlines()[-15:])]
    if error.remedy:
        lines.append(f"  {error.remedy}")
    _say("\n".join(lines))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        text = f"{error.what} {error.remedy}".replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        sys.stdout.write(f"::error title=modelrail%3A environment::{text}\n")
    return EXIT_CODE


def build(here: str, extras: tuple[str, ...], place: str, name: str) -> str:
    """Build the environment `name` under `place`; another process that does the same is waited for."""
    environment = os.path.join(place, name)
    try:
        os.makedirs(place, exist_ok=True)
        with _locked(f"{environment}.lock", name):
            # The process that held the lock built it. Not every name is one that `find` knows: devenv.py's.
            ready = environment if toolenv.is_complete(environment) else toolenv.find(here, extras)
            if ready is not None:
                return ready
            shutil.rmtree(environment, ignore_errors=True)
            started = time.monotonic()
            _say(f"modelrail: preparing its tools ({', '.join(extras)}) …")
            _install(environment, toolenv.requirement_files(here, extras), place)
            _compile(environment, here)
            with open(os.path.join(environment, toolenv.COMPLETE), "w", encoding="ascii") as stream:
                stream.write("1\n")
            _say(f"modelrail: tools ready after {time.monotonic() - started:.1f} s, in {environment}")
    except OSError as error:
        raise BuildError(
            f"The tool's environment cannot be written: {error}",
            remedy="Free some space, or name another folder with MODELRAIL_CACHE.",
        ) from None
    return environment


@contextlib.contextmanager
def _locked(path: str, name: str) -> Iterator[None]:
    with open(path, "w", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say(f"modelrail: another process prepares {name}; waiting for it …")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _install(environment: str, files: list[str], place: str) -> None:
    uv = shutil.which("uv") or _bootstrap(files, place)
    failed = ""
    if uv:
        failed = _with_uv(uv, environment, files)
        if not failed:
            return
        _say("modelrail: uv did not succeed; trying pip …")
        shutil.rmtree(environment, ignore_errors=True)
    failed = _with_pip(environment, files) or ""
    if failed:
        shutil.rmtree(environment, ignore_errors=True)
        raise BuildError(
            "The tool's own packages could not be installed.",
            failed,
            "Check the network and the package index of this machine; the files are requirements/*.txt.",
        )


def _bootstrap(files: list[str], place: str) -> str:
    """The path of a uv that pip put into the cache, or "" when pip could not."""
    lock = os.path.join(os.path.dirname(files[0]), "uv.txt")
    folder = os.path.join(place, f"uv-{_version(lock)}")
    program = os.path.join(folder, "bin", "uv")
    if os.path.exists(program):
        return program
    # --target needs no virtual environment, which Debian's python3 cannot make without a further package.
    unfinished = f"{folder}.{os.getpid()}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", unfinished]
    try:
        if _failure([*command, "--require-hashes", "--no-deps", "-r", lock]):
            return ""
        with contextlib.suppress(OSError):  # another process was faster: its copy is as good
            os.rename(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return program if os.path.exists(program) else ""


def _version(lock: str) -> str:
    with open(lock, encoding="utf-8") as stream:
        return next((line.split("==")[1].split()[0] for line in stream if line.startswith("uv==")), "0")


def _interpreter() -> str:
    """The file behind whatever link was called: an environment must outlive the link."""
    return os.path.realpath(sys.executable)


def _with_uv(uv: str, environment: str, files: list[str]) -> str:
    made = _failure([uv, "venv", "--quiet", "--no-project", "--python", _interpreter(), environment])
    if made:
        return made
    command = [uv, "pip", "install", "--quiet", "--python", toolenv.python(environment), "--require-hashes"]
    return _failure([*command, *(part for path in files for part in ("-r", path))])


def _with_pip(environment: str, files: list[str]) -> str:
    made = _failure([_interpreter(), "-m", "venv", environment])
    if made:
        return f"{made}\n(Debian and Ubuntu keep venv in a package of its own: python3-venv.)"
    command = [
        toolenv.python(environment),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--require-hashes",
    ]
    return _failure([*command, *(part for path in files for part in ("-r", path))])


def _failure(command: list[str]) -> str:
    """The last lines of a command that failed, or "" when it succeeded."""
    # Whatever environment the caller works in must not be the one that is installed into.
    dropped = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    env = {key: value for key, value in os.environ.items() if key not in dropped}
    env.update(
        PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", UV_NO_PROGRESS="1", UV_PYTHON_DOWNLOADS="never"
    )
    env.setdefault("UV_LINK_MODE", "copy" if sys.platform == "darwin" else "hardlink")
    try:
        # Not where the caller stands: `-m pip` would import that folder's files, uv would obey its settings.
        done = subprocess.run(
            command,
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=1800,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return (done.stderr + done.stdout).decode("utf-8", "replace").strip() or f"exit code {done.returncode}"


def _compile(environment: str, here: str) -> None:
    """Bytecode for the packages, and for modelrail itself where its folder can be written.

    -I ignores PYTHONDONTWRITEBYTECODE, which some machines set and which would make every import slow.
    A package that holds a file of another Python's syntax fails on that file alone, which does not matter.
    """
    interpreter = toolenv.python(environment)
    command = [interpreter, "-I", "-m", "compileall", "-q", "-j", "0"]
    library = os.path.join(environment, "lib")
    for path in (library, os.path.join(here, "modelrail")):
        subprocess.run(
            [*command, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
