"""Tables and styles for a terminal: aligned by the columns that a terminal shows, wrapped to its width.

Our own instead of a library: rich takes 70 ms of CPU to import, and would bring three packages into the job
that holds a token. Without a terminal the same text comes plain.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from modelrail.report.visible import visible

INDENT = "  "
GAP = "  "
_LONGEST = 80  # characters of a cell where there is no width to wrap to
_CODES = {"bold": "1", "dim": "2", "good": "32", "bad": "1;31", "unsure": "33"}


class Style(Struct, frozen=True):
    """What the reader's place can show. `width` 0: not a terminal, nothing is wrapped."""

    color: bool = False
    width: int = 0

    def paint(self, text: str, *names: str) -> str:
        codes = ";".join(_CODES[name] for name in names if name in _CODES)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.color and codes and text.strip() else text


PLAIN = Style()


class Column(Struct, frozen=True):
    title: str
    right: bool = False
    least: int = 0  # it may be wrapped to this width; 0: never


class Cell(Struct, frozen=True):
    text: str
    style: str = ""


def table(columns: Sequence[Column], body: Sequence[Sequence[Cell]], style: Style, most: int) -> list[str]:
    """The heading, a rule, the rows; more than `most` rows are counted. Empty columns are left out."""
    shown = [[Cell(visible(cell.text, 400), cell.style) for cell in row] for row in body[:most]]
    kept = [at for at, _ in enumerate(columns) if any(row[at].text for row in shown)]
    columns = [columns[at] for at in kept]
    shown = [[row[at] for at in kept] for row in shown]
    widths = _widths(columns, shown, style.width)
    heading = [Cell(visible(column.title, 40).upper(), "dim") for column in columns]
    lines = _row(heading, columns, widths, style)
    lines.append(INDENT + style.paint("─" * (sum(widths) + len(GAP) * (len(widths) - 1)), "dim"))
    for row in shown:
        lines += _row(row, columns, widths, style)
    if len(body) > most:
        lines.append(style.paint(f"{INDENT}… and {len(body) - most:,} more", "dim"))
    return lines


def _widths(columns: Sequence[Column], body: Sequence[Sequence[Cell]], width: int) -> list[int]:
    found = [
        max(columns_of(cell) for cell in (visible(column.title, 40), *(row[at].text for row in body)))
        for at, column in enumerate(columns)
    ]
    if not width:
        return [
            min(size, _LONGEST) if column.least else size for size, column in zip(found, columns, strict=True)
        ]
    room = width - len(INDENT) - len(GAP) * (len(found) - 1)
    while sum(found) > room:
        flexible = [at for at, column in enumerate(columns) if 0 < column.least < found[at]]
        if not flexible:
            break
        found[max(flexible, key=lambda at: found[at])] -= 1
    return found


def _row(cells: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], style: Style) -> list[str]:
    parts = [
        wrapped(cell.text, width) if column.least else [cell.text]
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    lines = []
    for at in range(max(len(part) for part in parts)):
        out = []
        for cell, column, part, width in zip(cells, columns, parts, widths, strict=True):
            text = part[at] if at < len(part) else ""
            space = " " * (width - columns_of(text))
            painted = style.paint(text, cell.style)
            out.append(space + painted if column.right else painted + space)
        lines.append((INDENT + GAP.join(out)).rstrip())
    return lines


def facts(pairs: Sequence[tuple[str, str]], style: Style) -> list[str]:
    """`Next:   look at the rows …`, later lines below the first; empty ones left out."""
    found = [(visible(name, 40), visible(value, 1000)) for name, value in pairs if value]
    size = max((len(name) for name, _ in found), default=0) + 2
    lines = []
    for name, value in found:
        room = style.width - len(INDENT) - size if style.width else 0
        first, *rest = wrapped(value, max(room, 30)) if room else [value]
        lines.append(f"{INDENT}{style.paint(f'{name}:'.ljust(size), 'dim')}{first}")
        lines += [f"{INDENT}{' ' * size}{line}" for line in rest]
    return lines


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns; a text with wide characters is cut a little early."""
    wide = columns_of(text) - len(text)
    limit = max(1, width - max(0, wide)) if columns_of(text) > width else width
    # An interval stays in one line.
    lines = textwrap.wrap(text.replace(" … ", "\xa0…\xa0"), limit, break_on_hyphens=False) or [""]
    return [line.replace("\xa0", " ") for line in lines]


def columns_of(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
