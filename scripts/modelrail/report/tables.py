"""Text tables for a terminal: what stands in which stage, and what happened. The clock is an argument."""

from __future__ import annotations

import functools
import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence

from modelrail.core.registry.history import Assigned, ModelState
from modelrail.core.registry.tags import one_line
from modelrail.records import Event

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
MAX_REASON = 60  # columns; the tag holds all of it
# How long a reason is, and whether a run's workflow is named: the widest first.
_FORMS = (
    *((reason, True) for reason in range(MAX_REASON, 19, -4)),
    *((reason, False) for reason in (*range(36, 7, -4), 0)),
)


def age(seconds: float) -> str:
    """`now`, `5 min`, `2 h`, `3 d`, `2 y`: one unit, rounded down."""
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    if seconds < 730 * _DAY:
        return f"{int(seconds // _DAY)} d"
    return f"{int(seconds // (365 * _DAY))} y"


def width(text: str) -> int:
    """Columns that a terminal gives the text: wide characters take two, combining ones none."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_columns, text))


@functools.cache
def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def clip(text: str, columns: int) -> str:
    """One inert line of at most so many columns; what is cut ends with `…`."""
    clean = one_line(text)
    if width(clean) <= columns:
        return clean
    kept, used = "", 0
    for char in clean:
        used += width(char)
        if used > columns - 1:
            break
        kept += char
    return kept.rstrip() + "…"


def aligned(rows: Sequence[Sequence[str]], *, gap: int = 2, right: Sequence[int] = ()) -> list[str]:
    """Rows as lines, columns aligned by their width on a terminal. Rows may be shorter than others."""
    columns = max((len(row) for row in rows), default=0)
    own = [[width(cell) for cell in row] for row in rows]
    widths = [max((of[at] for of in own if at < len(of)), default=0) for at in range(columns)]
    between = " " * gap
    lines = []
    for row, of in zip(rows, own, strict=True):
        cells = [cell + " " * (wide - taken) for cell, taken, wide in zip(row, of, widths, strict=False)]
        for at in right:
            if at < len(row):
                cells[at] = " " * (widths[at] - of[at]) + row[at]
        lines.append(between.join(cells).rstrip())
    return lines


def folded(lines: Sequence[str], fit: int) -> list[str]:
    """Lines of at most `fit` columns (0: as they are); what follows stands below the line's second part."""
    if not fit:
        return list(lines)
    found: list[str] = []
    for line in lines:
        if width(line) <= fit:
            found.append(line)
            continue
        # `  name   value …`: what follows stands below the value, else two blanks further in.
        start = len(line) - len(line.lstrip())
        gap = re.search(r"\S {2,}(?=\S)", line)
        at = gap.end() if gap and gap.end() <= fit // 2 else start
        indent = at if at > start else start + 2
        parts = textwrap.wrap(line[at:], fit - indent, break_on_hyphens=False)
        found += [line[:at] + parts[0], *(" " * indent + part for part in parts[1:])]
    return found


def _styled(text: str, style: str, *, color: bool) -> str:
    return f"{style}{text}{_PLAIN}" if color and text else text


# --- show ------------------------------------------------------------------------------------------------


def stage_columns(states: Mapping[str, ModelState], known: Sequence[str] = ()) -> list[str]:
    """The stages of the configuration in its order, then others that hold a version, by name."""
    found = {stage for state in states.values() for stage in state.stages}
    return list(dict.fromkeys([*known, *sorted(found)]))


def show(states: Mapping[str, ModelState], stages: Sequence[str], now: float, *, color: bool = False) -> str:
    """MODEL, LATEST, and a column a stage: version and since when."""
    head = ["MODEL", "LATEST", *(part for stage in stages for part in (one_line(stage).upper(), ""))]
    rows = [head]
    for name, state in sorted(states.items()):
        latest = state.latest.version if state.latest else "-"
        row = [one_line(name), f"{latest} (deprecated)" if state.deprecated else latest]
        for stage in stages:
            row += _stage_cell(state, state.stages.get(stage), now)
        rows.append(row)
    lines = aligned(_join_pairs(rows))
    return "\n".join([_styled(lines[0], _BOLD, color=color), *lines[1:]])


def _stage_cell(state: ModelState, assigned: Assigned | None, now: float) -> tuple[str, str]:
    if assigned is None:
        return "-", ""
    found = state.versions.get(assigned.version)
    version = short_version(assigned.version)
    if found is not None and found.deregistered is not None:
        version += " (taken back)"
    version = ", ".join([version, *(short_version(there.version) for there in assigned.beside)])
    return version, age(now - assigned.event.time)


def _join_pairs(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Version and age of a stage stand in one cell, each aligned below its like."""
    if not rows:
        return []
    joined = [list(row[:2]) for row in rows]
    for at in range(2, len(rows[0]), 2):
        versions = max(width(row[at]) for row in rows[1:]) if len(rows) > 1 else 0
        for row, out in zip(rows, joined, strict=True):
            version, since = row[at], row[at + 1]
            out.append(
                f"{version}{' ' * (versions - width(version))}  {since}".rstrip() if since else version
            )
    return joined


def short_version(version: str) -> str:
    """A version's name; a commit that GTO assigned without a version by its first letters."""
    return version[:7] if len(version) == 40 and not version.startswith("v") else one_line(version, 40)


# --- history ---------------------------------------------------------------------------------------------


def history(
    events: Sequence[Event], now: float, *, several: bool = False, color: bool = False, fit: int = 0
) -> str:
    """One line an event, in the order given: number, age, stage, version, what carried it, run.

    `fit`: columns of the terminal; 0: there is none. Where the lines are longer the reasons get shorter, then
    the runs lose their workflows' names; the tags hold all of it.
    """
    lines: list[str] = []
    for reason, workflow in _FORMS if fit else _FORMS[:1]:
        lines = _history(events, now, several=several, reason=reason, workflow=workflow)
        if not fit or max(map(width, lines), default=0) <= fit:
            break
    return "\n".join(
        _styled(line, _DIM if _quiet(event) else "", color=color and _quiet(event))
        for event, line in zip(events, lines, strict=True)
    )


def _history(events: Sequence[Event], now: float, *, several: bool, reason: int, workflow: bool) -> list[str]:
    rows = []
    for event in events:
        number = str(event.sequence) if event.sequence is not None else "·"
        row = [number, age(now - event.time), *([one_line(event.model)] if several else []), _place(event)]
        of = run(event) if workflow else run(event).rpartition(" ")[2]
        rows.append([*row, _versions(event), _facts(event, reason), of])
    return [f"  {line}" for line in aligned(rows, right=(0,))]


def _quiet(event: Event) -> bool:
    return event.kind in {"register", "deprecate"}


def _place(event: Event) -> str:
    if event.kind == "assign":
        return one_line(event.stage or "")
    if event.kind == "unassign":
        return f"{one_line(event.stage or '')} emptied"
    return {"register": "registered", "deregister": "taken back", "deprecate": "deprecated"}[event.kind]


def _versions(event: Event) -> str:
    version = short_version(event.version or "")
    left = event.trailers.get("Rollback-From", "")
    return f"{version}  ← {short_version(left)}" if left else version


def _facts(event: Event, most: int) -> str:
    """What carried it, and the reason in at most so many columns; none with 0."""
    said = event.trailers
    reason = clip(said.get("Reason", ""), most) if most else ""
    if "Rollback-From" in said:
        return f'rollback: "{reason}"' if reason else "rollback"
    parts = [f"gates {clip(said['Gates'], 20)}" if "Gates" in said else "", f'"{reason}"' if reason else ""]
    return "  ".join(part for part in parts if part)


def run(event: Event) -> str:
    """`release.yml #812`, from the trailers Workflow and Run; on a laptop the actor's name."""
    said = event.trailers
    number = said.get("Run", "").rstrip("/").rpartition("/")[2]
    if number.isdigit():
        return f"{clip(said.get('Workflow', ''), 40)} #{number}".strip()
    return clip(said.get("Actor") or event.tagger, 40)
