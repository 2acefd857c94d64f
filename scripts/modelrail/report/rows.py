"""Gates, metrics and slices as rows of plain text, with a mark and the word that says the same."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelrail import records
from modelrail.report import numbers
from modelrail.report.inert import Raw

_WORDS = {
    "better": ("✅", "better"),
    "not worse": ("✅", "not worse"),
    "worse": ("⛔", "worse"),
    "inconclusive": ("❔", "undecided"),
    "not compared": ("", "not compared"),
}
_RANK = {"worse": 0, "inconclusive": 1, "not worse": 2, "not compared": 3, "better": 4}


class GateView(Struct, frozen=True, kw_only=True):
    title: str
    path: str
    where: str  # the slice that decided, "carrier EV"
    baseline: str
    candidate: str
    difference: str
    mark: Raw
    words: str
    detail: str
    blocks: bool  # it keeps the candidate from passing
    warns: bool
    row: records.GateRow  # for pictures


class MetricView(Struct, frozen=True, kw_only=True):
    name: str
    where: str
    rows: str
    baseline: str
    candidate: str
    difference: str
    mark: Raw
    words: str
    note: str
    verdict: str
    badness: float  # how far it fell, in half widths of its interval
    row: records.MetricRow  # for pictures


def gates(found: Sequence[records.GateRow]) -> tuple[GateView, ...]:
    """Those that block first, then warnings, then the rest in the order of the file."""
    views = [_gate(gate) for gate in found]
    return tuple(sorted(views, key=lambda view: (not view.blocks, view.mark == "❔", not view.warns)))


def _gate(gate: records.GateRow) -> GateView:
    places = numbers.decimals(gate.difference, gate.interval, gate.baseline, gate.candidate)
    own = gate.interval_of == "candidate" and gate.interval is not None
    warn = gate.severity != "block"
    words: str
    compared = gate.verdict in {"better", "not worse", "worse"}
    if gate.outcome == "pass":
        mark, words = "✅", gate.verdict if compared and gate.verdict != "worse" else "passes"
    elif gate.outcome == "fail":
        mark, words = ("⚠️" if warn else "⛔"), gate.verdict if gate.verdict == "worse" else "fails"
    else:
        mark, words = ("⚠️" if warn else "❔"), "cannot be decided"
    if gate.waived is not None:
        mark, words = "⚠️", f"{words}, waived by {gate.waived.owner} until {gate.waived.expires}"
    elif warn and gate.outcome != "pass":
        words += ", warning only" if gate.severity == "warn" else ", for information"
    return GateView(
        title=gate.title,
        path=gate.path,
        where=_where(gate.slice),
        baseline=numbers.plain(gate.baseline, places) if gate.baseline is not None else "",
        candidate=numbers.plain(gate.candidate, places) if gate.candidate is not None else "",
        # The interval of a floor is of the value itself: beside the difference it would be read as its own.
        difference=numbers.difference(gate.difference, None if own else gate.interval, places)
        + (f"{', ' if gate.difference is not None else ''}{_own(gate.interval, places)}" if own else ""),
        mark=Raw(mark),
        words=words,
        detail=gate.detail,
        blocks=gate.blocks,
        warns=gate.outcome != "pass" and (gate.severity == "warn" or gate.waived is not None),
        row=gate,
    )


def _own(interval: records.Interval | None, places: int) -> str:
    """Such as: this change: 0.762 … 0.788."""
    if interval is None:
        return ""
    low, high = numbers.plain(interval.low, places), numbers.plain(interval.high, places)
    return f"this change: {low} … {high}"


def metrics(found: Sequence[records.MetricRow]) -> tuple[MetricView, ...]:
    return tuple(_metric(row) for row in found)


def _metric(row: records.MetricRow) -> MetricView:
    places = numbers.decimals(row.difference, row.interval, row.baseline, row.candidate)
    mark, words = _WORDS[row.verdict]
    return MetricView(
        name=numbers.metric_name(row.metric),
        where=_where(row.slice),
        rows=numbers.count(row.rows),
        baseline=numbers.plain(row.baseline, places),
        candidate=numbers.plain(row.candidate, places),
        difference=numbers.difference(row.difference, row.interval, places),
        mark=Raw(mark),
        words=words,
        note=row.note,
        verdict=row.verdict,
        badness=_badness(row),
        row=row,
    )


def _where(found: records.SliceRef | None) -> str:
    return f"{found.column} {found.value}".rstrip() if found is not None else ""


def _badness(row: records.MetricRow) -> float:
    if row.difference is None:
        return 0.0
    drop = -row.difference if row.higher_is_better else row.difference
    half = (row.interval.high - row.interval.low) / 2 if row.interval else 0.0
    return drop / half if half > 0 else drop


def _order(row: MetricView) -> tuple[int, bool, float, str, str]:
    """What has too few rows says little: it comes after what is undecided for another reason."""
    return (_RANK[row.verdict], too_small(row.row), -row.badness, row.where, row.name)


def worst_first(found: Sequence[MetricView]) -> tuple[MetricView, ...]:
    return tuple(sorted(found, key=_order))


def summary(found: Sequence[MetricView]) -> str:
    """`1 of 31 comparisons worse, 4 better, 22 not worse, 3 undecided, 1 with too few rows`."""
    if not found:
        return ""
    verdicts = ("worse", "better", "not worse", "inconclusive", "not compared")
    counts = {verdict: sum(1 for row in found if row.verdict == verdict) for verdict in verdicts}
    if counts["not compared"] == len(found):
        return f"{len(found):,} measured, none compared"
    small = sum(1 for row in found if row.verdict == "inconclusive" and too_small(row.row))
    amounts = [
        (counts["better"], "better"),
        (counts["not worse"], "not worse"),
        (counts["inconclusive"] - small, "undecided"),
        (small, "with too few rows"),
        (counts["not compared"], "not compared"),
    ]
    worse = f"{counts['worse']:,}" if counts["worse"] else "none"
    told = [f"{amount:,} {word}" for amount, word in amounts if amount]
    sliced = " comparisons" if found[0].where else ""
    return ", ".join([f"{worse} of {len(found):,}{sliced} worse", *told])


def too_small(row: records.MetricRow) -> bool:
    """Whether there were too few rows even for an interval."""
    return row.interval is None
