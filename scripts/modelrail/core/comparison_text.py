"""A comparison as an aligned plain-text table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from modelrail import records
from modelrail.core import wording

MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}
SHOWN_SLICES = 12


def text(comparison: records.Comparison, baseline: str) -> str:
    """Verdict, reason, gates, metrics, and the slices worth a look; `baseline` heads a column."""
    lines = [
        f"{MARKS[comparison.verdict]} {comparison.model}: {comparison.verdict}",
        f"  {comparison.headline}",
    ]
    lines += [
        "",
        *_table(("GATE", baseline.upper(), "CANDIDATE", "DIFFERENCE", ""), _gates(comparison.gates)),
    ]
    whole = [row for row in comparison.metrics if row.slice is None]
    lines += [
        "",
        *_table(("METRIC", baseline.upper(), "CANDIDATE", "DIFFERENCE", ""), [_metric(row) for row in whole]),
    ]
    parts = [row for row in comparison.metrics if row.slice is not None]
    if parts:
        lines += ["", *_slices(parts, baseline)]
    corrected = f"; {comparison.correction.capitalize()} correction within each" if parts else ""
    lines += ["", f"  {comparison.rows:,} rows; intervals are of the paired difference{corrected}."]
    lines += [f"  Note: {note}" for note in comparison.notes]
    source = "the base commit" if comparison.policy.source == "base" else "the working tree"
    changed = "; this change edits the policy" if comparison.policy.changed else ""
    lines.append(f"  Policy of {source}, {comparison.policy.commit[:7]}{changed}.")
    return _printable("\n".join(line.rstrip() for line in lines))


def _gates(rows: Sequence[records.GateRow]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for row in rows:
        about = f" [{row.slice.value or row.slice.column}]" if row.slice else ""
        mild = "" if row.severity == "block" else f" ({row.severity})"
        result = f"{MARKS[row.outcome]} {row.outcome}{mild}" + (f": {row.detail}" if row.detail else "")
        found.append(
            (row.title + about, _value(row.baseline), _value(row.candidate), _difference(row), result)
        )
    return found


def _metric(row: records.MetricRow) -> tuple[str, ...]:
    result = row.verdict + (f": {row.note}" if row.note else "")
    return (row.metric, _value(row.baseline), _value(row.candidate), _difference(row), result)


def _slices(rows: Sequence[records.MetricRow], baseline: str) -> list[str]:
    """How many of each verdict; the worse ones in full, and the better ones while there is room."""
    counts = {
        verdict: sum(row.verdict == verdict for row in rows) for verdict in ("worse", "better", "not worse")
    }
    rest = len(rows) - sum(counts.values())
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    lines = [
        f"  Slices x metrics: {', '.join(part for part in (told, f'{rest} open' if rest else '') if part)}"
    ]
    order = {"worse": 0, "better": 1}
    notable = sorted((row for row in rows if row.verdict in order), key=lambda row: order[row.verdict])
    if not notable:
        return lines
    table = [
        (
            f"{row.metric}, {row.slice.column} {row.slice.value}".rstrip() if row.slice else row.metric,
            *_metric(row)[1:],
        )
        for row in notable[:SHOWN_SLICES]
    ]
    lines += _table(("SLICE", baseline.upper(), "CANDIDATE", "DIFFERENCE", ""), table)
    if len(notable) > SHOWN_SLICES:
        lines.append(f"  and {len(notable) - SHOWN_SLICES:,} more in comparison.json")
    return lines


def _value(value: float | None) -> str:
    return "" if value is None else wording.number(value, 4)


def _difference(row: records.GateRow | records.MetricRow) -> str:
    if row.difference is None:
        return ""
    if row.interval is None:
        return wording.signed(row.difference)
    ends = f"{wording.signed(row.interval.low, 2)} … {wording.signed(row.interval.high, 2)}"
    return f"{wording.signed(row.difference, 3)} ({ends})"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head) - 1)]
    return [
        "  " + "   ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in every
    ]


def _printable(text: str) -> str:
    """Names of slices come from data: no escape sequence or direction mark reaches the terminal."""
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
