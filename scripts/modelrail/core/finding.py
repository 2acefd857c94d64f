"""One thing that `modelrail doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "warn", "fail", "skip"]
AREAS = ("configuration", "data", "workflows", "git", "github")


@dataclass(frozen=True, kw_only=True)
class Finding:
    area: str
    check: str  # stable name, for --json
    result: Result
    what: str
    next: str = ""
