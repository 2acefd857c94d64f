"""One thing that `modelrail doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "warn", "fail", "skip"]
Area = Literal["configuration", "data", "workflows", "git", "github"]
AREAS: tuple[Area, ...] = ("configuration", "data", "workflows", "git", "github")


@dataclass(frozen=True, kw_only=True)
class Finding:
    area: Area
    check: str  # stable name, for --json
    result: Result
    what: str
    next: str = ""
