"""View -> plain text for a terminal: the same facts in the same order, aligned, nothing hidden in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from modelrail.report import rows
from modelrail.report.changes import short
from modelrail.report.inert import program_line, visible
from modelrail.report.view import MARKS, ModelView, View

_ROWS = 40  # of one table; the rest is counted


def text(view: View) -> str:
    blocks = [_model(model) for model in view.models]
    if not blocks:
        blocks = ["⛔ Nothing was evaluated: there is no record of any model."]
    if len(view.models) > 1:
        n = view.counts
        words = f"{n['pass']} pass, {n['fail']} blocked, {n['inconclusive']} undecided"
        blocks.insert(0, f"{MARKS[view.verdict]} {len(view.models)} models: {words}")
    return "\n\n".join(blocks) + "\n"


def _model(model: ModelView) -> str:
    lines = [f"{MARKS[model.verdict]} {visible(model.sentence)}", f"  {visible(model.headline)}"]
    if model.failure is not None:
        lines += [f"  {visible(part)}" for part in (model.failure.why, model.failure.path) if part]
        lines += [f"  | {program_line(line)}" for line in model.failure.tail.splitlines()[-20:]]
    now = f"{model.version} now" if model.version else "now"
    if model.gates:
        lines += [
            "",
            *_table(("gate", now, "this change", "difference (interval)", "result"), _gates(model.gates)),
        ]
    if model.metrics:
        heading = ("metric", now, "this change", "difference (interval)", "result")
        lines += ["", *_table(heading, [_metric(row)[1:] for row in model.metrics])]
    worse = [row for row in model.slices if row.verdict in {"worse", "inconclusive"}]
    if model.slices:
        lines += ["", f"  Slices: {model.slices_summary}"]
    if worse:
        titles = ("slice", "metric", now, "this change", "difference (interval)", "result")
        lines += _table(titles, [_metric(row) for row in worse])
    facts = [
        ("Next", model.next + (f" The rule is {model.rule}." if model.rule else "")),
        ("Changed", model.changes_summary),
        ("Data", model.checks_summary),
        ("Measured", model.context),
        ("Now", model.since),
        ("Trend", f"{model.trend.words} {model.trend.bars}" if model.trend else ""),
        *(("Note", note) for note in model.notes),
        ("Evidence", short(model.evidence)),
    ]
    lines += ["", *(f"  {name + ':':<10}{visible(value)}" for name, value in facts if value)]
    return "\n".join(line.rstrip() for line in lines)


def _gates(found: Sequence[rows.GateView]) -> list[tuple[str, ...]]:
    return [
        (
            gate.title,
            gate.baseline,
            f"{gate.candidate} for {gate.where}" if gate.where else gate.candidate,
            gate.difference,
            f"{gate.mark} {gate.words}",
        )
        for gate in found
    ]


def _metric(row: rows.MetricView) -> tuple[str, ...]:
    note = f": {row.note}" if row.note else ""
    return (
        row.where,
        row.name,
        row.baseline,
        row.candidate,
        row.difference,
        f"{row.mark} {row.words}{note}".strip(),
    )


def _table(heading: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    shown = [[visible(cell, 80) for cell in row] for row in (heading, *body[:_ROWS])]
    widths = [max(_width(row[column]) for row in shown) for column in range(len(heading))]
    lines = [
        "  " + "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        for row in shown
    ]
    if len(body) > _ROWS:
        lines.append(f"  … and {len(body) - _ROWS:,} more")
    return lines


def _width(cell: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in cell
    )
