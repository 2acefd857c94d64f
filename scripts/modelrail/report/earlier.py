"""Earlier runs of the same pull request, carried by the comment itself in one hidden line.

The line is read back from a comment of our own author only, strictly and under limits, and is only shown: no
verdict comes from it. What does not parse is no history, never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from modelrail.records import GateOutcome
from modelrail.report.visible import clip, visible

MOST = 10  # besides the present one
LINE_BYTES = 8000
_HEADLINE = 160
_PREFIX, _SUFFIX = "<!-- modelrail:runs ", " -->"
_LINE = re.compile(rf"{_PREFIX}([\x21-\x7e ]{{2,{LINE_BYTES}}}){_SUFFIX}")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


class Earlier(Struct, frozen=True, forbid_unknown_fields=True):
    commit: str
    verdict: GateOutcome
    headline: str


def read(body: str) -> tuple[Earlier, ...]:
    """The runs that a comment knows of, its own first; () when it has none that can be read.

    They stand in its last line. What a program printed stands above that, and may look the same.
    """
    found = _LINE.fullmatch(body.rstrip().rpartition("\n")[2])
    if found is None:
        return ()
    try:
        runs = msgspec.json.decode(found[1], type=tuple[Earlier, ...], strict=True)
    except (msgspec.DecodeError, RecursionError):
        return ()
    kept = [run for run in runs if _COMMIT.match(run.commit) and len(run.headline) <= 2 * _HEADLINE]
    return tuple(kept[: MOST + 1])


def following(
    before: Sequence[Earlier], commit: str, verdict: GateOutcome, headline: str
) -> tuple[Earlier, ...]:
    """The runs with this one first. The same commit with the same answer is the same run."""
    if not _COMMIT.match(commit):
        return ()
    now = Earlier(commit, verdict, clip(visible(headline), _HEADLINE))
    rest = [run for run in before if run != now]
    return (now, *rest[:MOST])


def line(runs: Sequence[Earlier]) -> str:
    """The hidden line. Whatever means something to HTML, Markdown or GitHub is written as an escape in it."""
    kept = list(runs)
    while kept:
        text = json.dumps(
            [msgspec.to_builtins(run) for run in kept], separators=(",", ":"), ensure_ascii=True
        )
        text = re.sub(r"[^A-Za-z0-9 .,:;\[\]{}\"\\_%()+/]", lambda char: f"\\u{ord(char[0]):04x}", text)
        if len(text) <= LINE_BYTES:
            return f"{_PREFIX}{text}{_SUFFIX}"
        kept.pop()
    return ""


_PASSING = (
    (re.compile(r"\[run\]\([^)\s]*\)"), "[run]"),
    (re.compile(r"evidence `sha256:[0-9a-f]{12,64}`"), "evidence"),
    # Rows of the lineage: two cells, the second one code. A metric or slice of such a name has more.
    (re.compile(r"^\| (?:evidence|training time|MLflow run) \| `[^`|\n]*` \|$", re.MULTILINE), ""),
)


def same(posted: str, new: str) -> bool:
    """Whether two comments say the same, apart from which run measured it and how long it took.

    It compares what people see, so that nothing hidden in a comment can keep it from being corrected.
    """
    return _steady(posted) == _steady(new)


def _steady(body: str) -> str:
    text = body.replace("\r\n", "\n").strip()
    for pattern, shown in _PASSING:
        text = pattern.sub(shown, text)
    return text
