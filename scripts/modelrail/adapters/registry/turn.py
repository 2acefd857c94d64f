"""Writers of one machine to one remote take turns: at once they only take each other's processor.

A courtesy, and no lock: what decides is the push. Whoever cannot have a turn (no cache, a system without
flock), or waited long enough for one, writes without. The kernel takes the turn back from a process that
ends, however it ends; no child inherits it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from pathlib import Path
from typing import Self

from modelrail.adapters.actions_io import say
from modelrail.adapters.git import Git

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None  # type: ignore[assignment]

LONGEST = 20.0  # seconds that a turn is waited for
LOOK = 0.01  # seconds between two looks at a turn that is taken
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")

_in_vain: set[Path] = set()  # turns that this process waited for so long: not once more


class Turn:
    """The turn of one remote; as a context, it is given back at the end."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._held: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def take(self) -> bool:
        """Take it, without waiting. False when another process has it, and true when there are no turns."""
        if self._held is not None or self._path is None or fcntl is None:
            return True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)  # not inheritable
        except OSError:
            return True
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(opened)
            return not isinstance(error, BlockingIOError)
        self._held = opened
        return True

    def wait(self) -> None:
        """Take it when it is free; after LONGEST go ahead without it."""
        until = time.monotonic() + LONGEST
        while not self.take():
            if self._path is None or self._path in _in_vain:
                return
            if time.monotonic() >= until:
                _in_vain.add(self._path)
                say(f"Another process has been writing to this remote for {LONGEST:.0f} s; going ahead.")
                return
            time.sleep(LOOK)

    def give_back(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


def of(git: Git, cache: Path) -> Turn:
    """The turn of the remote that `git` writes to, on this machine: of those that share this cache."""
    digest = hashlib.sha256(_address(git).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Turn(cache / "turns" / digest)


def _address(git: Git) -> str:
    """The remote as all its clones name it: whoever asks, and wherever they lie."""
    url = git.url(push=True).removeprefix("file://")
    if "://" in url:
        return _CREDENTIALS.sub("", url).rstrip("/").removesuffix(".git")
    with contextlib.suppress(OSError, ValueError):
        if (git.root / url).is_dir():
            return str((git.root / url).resolve())
    return url
