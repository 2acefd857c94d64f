"""Operations of this clone that began and were not seen to end.

A CI run has an id that survives its repetition; on a laptop the id is kept here until the operation ended, so
that a command that was killed and is typed again is the same operation: it finds what it did, and does not do
it twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from modelrail.adapters.git import Git
from modelrail.errors import GitError

LOCAL = "local-"
KEPT = 24 * 3600.0  # seconds: an older one is another intention


def begin(git: Git, key: str) -> str:
    """The id for this request: that of an equal one that did not end, else a new one."""
    path = _path(git, key)
    fresh = f"{LOCAL}{os.urandom(6).hex()}"
    if path is None:
        return fresh
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime < KEPT:
            known = path.read_text(encoding="utf-8").strip()
            if known:
                return known
    with contextlib.suppress(OSError):  # a read-only checkout: it works all the same, without the memory
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fresh, encoding="utf-8")
    return fresh


def end(git: Git, operation: str) -> None:
    """The request was answered, one way or the other."""
    origin, _, key = operation.partition("/")
    path = _path(git, key) if origin.startswith(LOCAL) else None
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _path(git: Git, key: str) -> Path | None:
    try:
        folder = git.facts()[1] / "modelrail" / "pending"
    except GitError:
        return None
    return folder / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
