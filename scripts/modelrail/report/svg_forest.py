"""Forest plots as strips in a table: the difference, its interval, zero, and the margin of a gate.

Right is always better, whatever the metric's own direction. Positions are percentages, so that a strip is as
wide as its cell on any screen while its marks keep their shape. The numbers stand in the same row of the
table, so a strip itself is hidden from screen readers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from modelrail import records
from modelrail.report.svg import tick_labels, ticks

_MARKS = {
    "better": "M0-6.5L6.5 5H-6.5z",
    "worse": "M0 6.5L6.5-5H-6.5z",
    "not worse": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    "inconclusive": "M0-6.5L6.5 0L0 6.5L-6.5 0z",
    "not compared": "M-4-4h8v8h-8z",
}
_KINDS = {"not worse": "same", "inconclusive": "open", "not compared": "none"}
_EDGE = 3.0  # per cent of the strip kept free at each end


class Span(Struct, frozen=True, kw_only=True):
    """One row as distances in the good direction."""

    value: float
    low: float
    high: float
    margin: float | None
    verdict: str

    @property
    def reach(self) -> float:
        parts = (self.value, self.low, self.high, self.margin or 0.0)
        found = max(abs(part) for part in parts)
        return found if math.isfinite(found) else 1.0


def span(
    row: records.MetricRow | records.GateRow, margin: float | None, *, higher_is_better: bool
) -> Span | None:
    """None when there is no difference to draw, or its interval is of something else (a value's own)."""
    if row.difference is None or (isinstance(row, records.GateRow) and row.interval_of == "candidate"):
        return None
    if row.interval is not None and not row.interval.low <= row.difference <= row.interval.high:
        return None
    side = 1.0 if higher_is_better else -1.0
    low, high = (row.interval.low, row.interval.high) if row.interval else (row.difference, row.difference)
    low, high = sorted((side * low, side * high))
    return Span(
        value=side * row.difference,
        low=low,
        high=high,
        margin=None if margin is None else side * margin,
        verdict=row.verdict,
    )


def strip(found: Span | None, reach: float | None = None) -> Markup:
    """One strip; without `reach` it has a scale of its own."""
    if found is None:
        return Markup("")
    scale = (found.reach if reach is None else reach) or 1.0

    def place(value: float) -> str:
        inside = min(1.0, max(-1.0, value / scale))
        return f"{50 + inside * (50 - _EDGE):.1f}%"

    parts = []
    if found.margin is not None:
        if found.margin < 0:
            width = min(1.0, -found.margin / scale) * (50 - _EDGE)
            parts.append(
                f'<rect class="tol" x="{place(found.margin)}" y="0" width="{width:.1f}%" height="24"/>'
            )
        at = place(found.margin)
        parts.append(f'<line class="margin" x1="{at}" x2="{at}" y1="0" y2="24"/>')
    low, high = place(found.low), place(found.high)
    parts.append('<line class="zero" x1="50%" x2="50%" y1="0" y2="24"/>')
    parts.append(f'<line class="ci" x1="{low}" x2="{high}" y1="12" y2="12"/>')
    for value, end, tip in ((found.low, low, "M8-5L0 0L8 5"), (found.high, high, "M-8-5L0 0L-8 5")):
        if abs(value) > scale * 1.000001:  # it goes on beyond the strip
            parts.append(f'<svg x="{end}" y="12" class="mk on"><path d="{tip}"/></svg>')
        else:
            parts.append(f'<line class="cap" x1="{end}" x2="{end}" y1="8" y2="16"/>')
    mark = _MARKS.get(found.verdict, _MARKS["not compared"])
    parts.append(f'<svg x="{place(found.value)}" y="12" class="mk"><path d="{mark}"/></svg>')
    kind = _KINDS.get(found.verdict, found.verdict)
    return Markup(  # noqa: S704 - made of numbers and of names above
        f'<svg class="strip {kind}" width="100%" height="24" aria-hidden="true">{"".join(parts)}</svg>'
    )


def axis(reach: float, *, higher_is_better: bool) -> Markup:
    """The ticks above strips of one scale, in the metric's own sign."""
    values = [value for value in ticks(-reach, reach, 4) if abs(value) <= reach]
    parts = []
    for value, words in zip(values, tick_labels(values), strict=True):
        at = 50 + (value if higher_is_better else -value) / reach * (50 - _EDGE)
        sign = "+" if value > 0 else ""
        parts.append(
            f'<text class="tick mid" x="{at:.1f}%" y="13">{sign}{words}</text>'
            f'<line class="axis" x1="{at:.1f}%" x2="{at:.1f}%" y1="18" y2="24"/>'
        )
    return Markup(  # noqa: S704 - made of numbers
        f'<svg class="strip" width="100%" height="24" aria-hidden="true">{"".join(parts)}</svg>'
    )


def margins(gates: Sequence[records.GateRow], row: records.MetricRow) -> float | None:
    """Where the policy's border lies for a metric on these rows, if a gate draws one.

    A gate over slices keeps the border of the slice that decided; that of a relative margin differs from
    slice to slice, so it is drawn for that one alone.
    """
    for gate in gates:
        if gate.margin is None or gate.metric != row.metric:
            continue
        if gate.slice == row.slice:
            return gate.margin
        same_column = gate.slice and row.slice and gate.slice.column == row.slice.column
        if same_column and "%" not in gate.title.partition("by at most ")[2]:
            return gate.margin
    return None
