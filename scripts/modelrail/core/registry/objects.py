"""Git objects as bytes: built, named and packed without a worktree, an index, or a process for each.

A signature is made over the object without it, by whatever function the caller has.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

Kind = Literal["commit", "tree", "blob", "tag"]
Sign = Callable[[bytes], str]

BLOB, TREE, LINK = "100644", "40000", "160000"
_NUMBER = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


class Object(NamedTuple):
    """One object; its name is the SHA-1 that git gives it."""

    kind: Kind
    data: bytes

    @property
    def oid(self) -> str:
        head = f"{self.kind} {len(self.data)}\0".encode()
        return hashlib.sha1(head + self.data, usedforsecurity=False).hexdigest()


class Entry(NamedTuple):
    """A line of a tree. A `LINK` may name any object, also one that is not in the repository."""

    mode: str
    oid: str


def blob(data: bytes) -> Object:
    return Object("blob", data)


def tree(entries: dict[str, Entry]) -> Object:
    """A tree; git sorts folders as if their names ended with a slash."""

    def place(item: tuple[str, Entry]) -> bytes:
        name, entry = item
        return name.encode() + (b"/" if entry.mode == TREE else b"")

    return Object(
        "tree",
        b"".join(
            f"{entry.mode} {name}\0".encode() + bytes.fromhex(entry.oid)
            for name, entry in sorted(entries.items(), key=place)
        ),
    )


def person(who: str) -> str:
    """`Name <address>` that git takes: no bracket or line break inside."""
    name, _, address = who.rpartition(" <")
    clean = " ".join("".join(char for char in name if char not in "<>\0").split())[:100] or "unknown"
    kept = "".join(char for char in address if char not in "<>\0" and not char.isspace())
    return f"{clean} <{kept}>"


def commit(
    *, tree: str, parents: Iterable[str], who: str, time: int, message: str, sign: Sign | None = None
) -> Object:
    stamp = f"{person(who)} {time} +0000"
    head = f"tree {tree}\n" + "".join(f"parent {parent}\n" for parent in parents)
    head += f"author {stamp}\ncommitter {stamp}\n"
    plain = f"{head}\n{message}".encode()
    if sign is None:
        return Object("commit", plain)
    signature = sign(plain).strip("\n").replace("\n", "\n ")
    return Object("commit", f"{head}gpgsig {signature}\n\n{message}".encode())


def tag(
    *, target: str, name: str, who: str, time: int, message: str, sign: Sign | None = None
) -> Object:  # fmt: skip
    plain = (
        f"object {target}\ntype commit\ntag {name}\ntagger {person(who)} {time} +0000\n\n{message}"
    ).encode()
    return Object("tag", plain if sign is None else plain + sign(plain).encode())


def pack(objects: Iterable[Object]) -> bytes:
    """A pack of whole objects, as `git unpack-objects` reads it."""
    unique = {made.oid: made for made in objects}
    parts = [b"PACK" + (2).to_bytes(4, "big") + len(unique).to_bytes(4, "big")]
    for made in unique.values():
        size = len(made.data)
        byte, size = (_NUMBER[made.kind] << 4) | (size & 15), size >> 4
        while size:
            parts.append(bytes([byte | 128]))
            byte, size = size & 127, size >> 7
        parts.append(bytes([byte]))
        parts.append(zlib.compress(made.data, 1))
    body = b"".join(parts)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()
