"""What a model is a function of: pure composition of digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping


def digest_parts(parts: Iterable[str]) -> str:
    """A digest over texts in order; lengths are hashed too, so that no two sequences share one."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode()
        state.update(f"{len(data)}:".encode())
        state.update(data)
    return "sha256:" + state.hexdigest()


def digest_mapping(values: Mapping[str, str]) -> str:
    return digest_parts(part for key in sorted(values) for part in (key, values[key]))


def short(digest: str, length: int = 16) -> str:
    """The first digits of a digest, for folder names."""
    return digest.rpartition(":")[2][:length]
