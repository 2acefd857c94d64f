"""A hub in the background: started, found again, ended. `server.json` in its state folder says where."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelrail.errors import ConflictError, NotFoundError, UnavailableError

PATIENCE = 20.0  # seconds for a start or an end
# This very package, installed or not (scripts/modelrail-run), and none that the caller's folder may hold.
_START = """\
import sys
sys.path.insert(0, {scripts!r})
from modelrail.__main__ import main
raise SystemExit(main())
"""


@dataclass(frozen=True)
class Place:
    """Where a hub serves."""

    url: str
    pid: int
    state: Path

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v3"


def note(state: Path, url: str) -> Path:
    """Written by the process that serves, once it does."""
    path = state / "server.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    temporary.replace(path)
    return path


def find(state: Path) -> Place | None:
    """The hub that serves this folder now; a stale note (crash, reboot) counts as none."""
    try:
        found = json.loads((state / "server.json").read_text(encoding="utf-8"))
        place = Place(str(found["url"]), int(found["pid"]), state)
        with urllib.request.urlopen(f"{place.url}/_hub", timeout=3) as answer:  # noqa: S310 - written by `note`
            said = json.load(answer)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Somebody else may have got the port meanwhile: the folder must be the same.
    return place if Path(str(said.get("state"))) == state.resolve() and said.get("pid") == place.pid else None


def start(state: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> Place:
    """Start `modelrail hub serve` on its own and wait until it answers. Its words go to `hub.log`."""
    running = find(state)
    if running:
        raise ConflictError(
            f"A hub already serves {state} at {running.url} (process {running.pid}).",
            next="Use it, or end it with: modelrail hub stop",
        )
    state.mkdir(parents=True, exist_ok=True)
    log = state / "hub.log"
    code = _START.format(scripts=str(Path(__file__).resolve().parents[2]))
    with log.open("ab") as stream:
        child = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-X",
                "utf8",
                "-c",
                code,
                "hub",
                "serve",
                "--state",
                str(state),
                *arguments,
            ],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = find(state)
        if found and found.pid == child.pid:
            return found
        if child.poll() is not None:
            break
        time.sleep(0.05)
    child.kill()
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
    raise UnavailableError("The hub did not start.", why=f"See {log}.", tail=tail)


def stop(state: Path) -> Place:
    """End the hub of this folder and wait for its end. What it holds stays."""
    found = find(state)
    if found is None:
        (state / "server.json").unlink(missing_ok=True)
        raise NotFoundError(f"No hub serves {state}.", next="Nothing is to be stopped.")
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not _alive(found.pid):
            (state / "server.json").unlink(missing_ok=True)
            return found
        time.sleep(0.05)
    raise UnavailableError(f"The hub (process {found.pid}) did not end within {PATIENCE:.0f} s.")


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # our own child, in tests: it must not stay as a zombie
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
