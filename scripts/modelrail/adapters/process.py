"""Child processes: argument lists only, a time limit on the whole group, the last lines kept."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelrail.adapters import inert_stream
from modelrail.errors import ToolMissingError

TAIL_LINES = 20


@dataclass(frozen=True)
class Finished:
    """What a child left: exit code (negative: signal), wall seconds, and its last lines."""

    code: int
    seconds: float
    tail: str
    timed_out: bool


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float | None = None,
    echo: bool = True,
    prefix: str = "",
) -> Finished:
    """Run a program of the user, its output passed on to stderr line by line.

    The child has its own process group; on timeout or interrupt the whole group is ended. Nothing it
    prints is a workflow command.
    """
    started = time.monotonic()
    try:
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise ToolMissingError(f"{command[0]} is not installed or not on PATH.") from None
    last: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
    reader = threading.Thread(target=_pump, args=(child, last, echo, prefix), daemon=True)
    reader.start()
    timed_out = False
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        _end_group(child)
    except BaseException:
        _end_group(child)
        raise
    reader.join(5)
    return Finished(child.returncode, time.monotonic() - started, "\n".join(last), timed_out)


def _pump(child: subprocess.Popen[bytes], last: collections.deque[str], echo: bool, prefix: str) -> None:
    stream = child.stdout
    if stream is None:
        return
    for raw in iter(lambda: stream.readline(65536), b""):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        last.append(line[:2000])
        if echo:
            safe = inert_stream.lines(line).replace("\n", f"\n{prefix}")
            sys.stderr.write(f"{prefix}{safe}\n")
            sys.stderr.flush()


def _end_group(child: subprocess.Popen[bytes]) -> None:
    for sig, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            if sig is signal.SIGKILL:
                return
