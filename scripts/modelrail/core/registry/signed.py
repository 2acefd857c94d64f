"""Signed Git objects: what was signed, and the signature, taken apart from an object's bytes."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["ssh", "gpg"]

_SSH, _PGP = b"-----BEGIN SSH SIGNATURE-----", b"-----BEGIN PGP SIGNATURE-----"
_TIME = re.compile(rb"^(?:tagger|committer) .*> ([0-9]{1,15}) [+-][0-9]{4}$", re.MULTILINE)


class Signed(NamedTuple):
    """`kind` is None for an object without a signature."""

    kind: Kind | None
    payload: bytes
    signature: bytes
    time: int  # of the tagger or committer


def take_apart(data: bytes) -> Signed:
    """A tag or a commit, as `git cat-file` prints it. Total."""
    head, _, _ = data.partition(b"\n\n")
    stamp = _TIME.search(head)
    time = int(stamp[1]) if stamp else 0
    payload, signature = _of_commit(data) if data.startswith(b"tree ") else _of_tag(data)
    kind: Kind | None = None
    if signature.startswith(_SSH):
        kind = "ssh"
    elif signature.startswith(_PGP):
        kind = "gpg"
    return Signed(kind, payload, signature if kind else b"", time)


def _of_tag(data: bytes) -> tuple[bytes, bytes]:
    """The signature of a tag is the end of its message, from the last line that begins one."""
    at = max(data.rfind(b"\n" + _SSH), data.rfind(b"\n" + _PGP))
    return (data[: at + 1], data[at + 1 :]) if at >= 0 else (data, b"")


def _of_commit(data: bytes) -> tuple[bytes, bytes]:
    """That of a commit is a header of several lines, each but the first indented by a blank."""
    head, separator, message = data.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    inside = False
    for line in head.split(b"\n"):
        if line.startswith(b"gpgsig "):
            inside = True
            signature.append(line.removeprefix(b"gpgsig "))
        elif inside and line.startswith(b" "):
            signature.append(line[1:])
        else:
            inside = False
            kept.append(line)
    text = b"\n".join(signature)
    return b"\n".join(kept) + separator + message, text + b"\n" if text else b""
