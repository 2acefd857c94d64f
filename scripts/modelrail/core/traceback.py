"""Which line of the user's own code a Python traceback ends in."""

from __future__ import annotations

import posixpath
import re

_FRAME = re.compile(r'^\s*File "([^"\n]{1,500})", line (\d{1,7})', re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ /+=@-]{0,199}\Z")


def frames(tail: str, root: str, folder: str = ".") -> list[tuple[str, int]]:
    """File (relative to `root`) and line of every frame below `root`, innermost first.

    `folder` is where the program ran, relative to `root`; a traceback may name files relative to it.
    """
    found: list[tuple[str, int]] = []
    for name, line in reversed(_FRAME.findall(tail)):
        path = posixpath.normpath(posixpath.join(root, folder, name))
        inside = path.startswith(root.rstrip("/") + "/")
        relative = path[len(root.rstrip("/")) + 1 :] if inside else ""
        if relative and is_plain(relative):
            found.append((relative, int(line)))
    return found


def is_plain(path: str) -> bool:
    """Whether it is a relative path of ordinary characters: fit to be named in an annotation."""
    return bool(_PLAIN.match(path)) and ".." not in path.split("/")
