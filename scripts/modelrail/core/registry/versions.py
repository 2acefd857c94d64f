"""Version names: `v` + SemVer 2.0, their order and their successors."""

from __future__ import annotations

import functools
import re
from functools import total_ordering
from typing import Literal

Bump = Literal["patch", "minor", "major"]

# SemVer's own expression, as GTO writes it; no named groups so that tags.py can embed it.
SEMVER = (
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_PARTS = re.compile(rf"v(?={SEMVER}\Z)([0-9]+)\.([0-9]+)\.([0-9]+)(?:-([^+]+))?(?:\+.*)?\Z")


@total_ordering
class Version:
    """One version name. Order is SemVer's precedence; build metadata breaks ties: the order is total."""

    __slots__ = ("_key", "major", "minor", "patch", "prerelease", "text")

    def __init__(self, text: str) -> None:
        match = _PARTS.match(text)
        if match is None:
            raise ValueError(f"{text!r} is not a version; write v1.2.3")
        self.text = text
        self.major, self.minor, self.patch = (int(match[index]) for index in (1, 2, 3))
        self.prerelease: str = match[4] or ""
        self._key = sort_key(text)

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def bump(self, part: Bump) -> Version:
        """The next release. That of a pre-release `v1.3.0-rc.1` is at least `v1.3.0`."""
        if part == "major":
            step = not (self.prerelease and self.minor == 0 and self.patch == 0)
            return Version(f"v{self.major + step}.0.0")
        if part == "minor":
            step = not (self.prerelease and self.patch == 0)
            return Version(f"v{self.major}.{self.minor + step}.0")
        return Version(f"v{self.major}.{self.minor}.{self.patch + (not self.prerelease)}")


@functools.lru_cache(maxsize=4096)  # the versions of different models are called alike
def is_version(text: str) -> bool:
    return _PARTS.match(text) is not None


@functools.lru_cache(maxsize=4096)
def sort_key(text: str) -> tuple[bool, int, int, int, bool, tuple[tuple[int, int, str], ...], str]:
    """Sorts version names by precedence; what is none (a commit id that GTO assigned) comes first."""
    match = _PARTS.match(text)
    if match is None:
        return (False, 0, 0, 0, False, (), text)
    major, minor, patch, prerelease = match.groups()
    # A release follows its pre-releases; numbers come before words; a longer list follows a shorter one.
    identifiers = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in (prerelease.split(".") if prerelease else ())
    )
    return (True, int(major), int(minor), int(patch), not prerelease, identifiers, text)
