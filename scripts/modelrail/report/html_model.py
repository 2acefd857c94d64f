"""What the HTML report shows of one model: rows with their strips, pictures, raw records."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec
from markupsafe import Markup
from msgspec import Struct

from modelrail import records
from modelrail.report import (
    html_comparison,
    html_sections,
    numbers,
    rows,
    svg_curves,
    svg_forest,
    svg_heat,
    svg_lineage,
)
from modelrail.report.svg import Figure, Names
from modelrail.report.view import ModelView

_KINDS = {"better": "better", "worse": "worse", "not worse": "same", "inconclusive": "open"}
_ORDER = {"worse": 0, "inconclusive": 1, "not compared": 2, "not worse": 3, "better": 4}
FOREST = 40  # slices in the forest plot
MANY = 10_000  # rows of a record that is not shown whole in any case


class Room(Struct, frozen=True, kw_only=True):
    """How much of each part is shown."""

    slices: int = 600
    metrics: int = 600
    gates: int = 500
    checks: int = 300
    changes: int = 300
    cells: int = svg_heat.MAX_CELLS
    raw: int = 1500  # rows of a record that is shown whole
    pictures: bool = True


class GateRow(Struct, frozen=True, kw_only=True):
    view: rows.GateView
    icon: str
    strip: Markup


class MetricRow(Struct, frozen=True, kw_only=True):
    view: rows.MetricView
    icon: str
    rank: int  # to sort by the result
    strip: Markup = Markup("")


class Forest(Struct, frozen=True, kw_only=True):
    """One metric over slices, all on one scale."""

    title: str
    axis: Markup
    rows: tuple[MetricRow, ...]
    left_out: int
    small: int  # slices with too few rows for an interval


class HtmlModel(Struct, frozen=True, kw_only=True):
    id: str
    view: ModelView
    room: Room
    names: Names
    gates: tuple[GateRow, ...]
    metrics: tuple[MetricRow, ...]
    slices: tuple[MetricRow, ...]
    forest: Forest | None
    heat: Figure | None
    curves: tuple[Figure, ...]
    matrices: tuple[svg_heat.Matrix, ...]
    confusion: Figure | None
    errors: Figure | None
    lineage: Figure | None
    versions: Figure | None
    sections: tuple[html_sections.Section, ...]
    raw: tuple[tuple[str, str], ...]  # title and JSON
    raw_left_out: tuple[str, ...]


def build(view: ModelView, identifier: str, room: Room) -> HtmlModel:
    source = view.source
    names = Names(baseline=view.version or ("baseline" if _compared(view) else ""))
    plots = source.plots if room.pictures else None
    gates = [gate.row for gate in view.gates if gate.row.margin is not None]  # those that draw a border
    directions = {row.row.metric: row.row.higher_is_better for row in (*view.metrics, *view.slices)}
    raw, left_out = _raw(view, room)
    return HtmlModel(
        id=identifier,
        view=view,
        room=room,
        names=names,
        gates=tuple(_gate(gate, directions) for gate in view.gates[: room.gates]),
        metrics=tuple(_metric(row, gates) for row in view.metrics[: room.metrics]),
        slices=tuple(_metric(row, None) for row in view.slices[: room.slices]),
        forest=_forest(view, gates) if room.pictures else None,
        heat=_heat(view, room) if room.pictures else None,
        curves=svg_curves.curves(plots, names) if plots else (),
        matrices=svg_heat.matrices(plots.confusion, names) if plots else (),
        confusion=svg_heat.confusion(plots.confusion, names) if plots else None,
        errors=svg_curves.errors(plots.errors, names) if plots else None,
        lineage=svg_lineage.graph(
            source.candidate, source.evaluation, source.comparison, view.changes,
            verdict=view.verdict, evidence=view.evidence,
        ) if room.pictures else None,
        versions=html_comparison.versions(
            view.trend, source.history.metric if source.history else "", names
        ) if room.pictures else None,
        sections=(
            *html_comparison.sections(view.comparison, names),
            *html_sections.build(source.extras, names),
        ) if room.pictures else (),
        raw=raw,
        raw_left_out=left_out,
    )  # fmt: skip


def _compared(view: ModelView) -> bool:
    return any(row.row.baseline is not None for row in view.metrics)


def _heat(view: ModelView, room: Room) -> Figure | None:
    rows_of_record = view.comparison.metrics if view.comparison else ()
    return svg_heat.slices(view.slices, rows_of_record, room.cells)


def _gate(gate: rows.GateView, directions: dict[str, bool]) -> GateRow:
    row = gate.row
    icon = row.outcome if row.outcome == "pass" or row.blocks else "warn"
    higher = directions.get(row.metric or "", True)
    span = svg_forest.span(row, row.margin, higher_is_better=higher)
    return GateRow(view=gate, icon=icon, strip=svg_forest.strip(span))


def _metric(view: rows.MetricView, gates: Sequence[records.GateRow] | None) -> MetricRow:
    """With gates, the row gets a strip of its own scale."""
    strip = Markup("")
    if gates is not None:
        margin = svg_forest.margins(gates, view.row)
        strip = svg_forest.strip(
            svg_forest.span(view.row, margin, higher_is_better=view.row.higher_is_better)
        )
    small = view.verdict == "inconclusive" and rows.too_small(view.row)
    icon = "none" if small else _KINDS.get(view.verdict, "none")
    return MetricRow(view=view, icon=icon, rank=_ORDER[view.verdict], strip=strip)


def _forest(view: ModelView, gates: Sequence[records.GateRow]) -> Forest | None:
    """The slices of the metric that a gate over slices names, else of the first: worst first, one scale."""
    with_difference = [row for row in view.slices if row.row.interval is not None]
    if len(with_difference) < 2:
        return None
    present = {row.row.metric for row in with_difference}
    named = [gate.metric for gate in gates if gate.slice is not None and gate.metric in present]
    metric = named[0] if named else with_difference[0].row.metric
    chosen = [row for row in with_difference if row.row.metric == metric]
    shown = chosen[:FOREST]
    higher = shown[0].row.higher_is_better
    spans = [
        (row, svg_forest.span(row.row, svg_forest.margins(gates, row.row), higher_is_better=higher))
        for row in shown
    ]
    # A slice of three rows must not squeeze the others: its interval then runs off the strip.
    reaches = sorted(span.reach for row, span in spans if span is not None and row.verdict != "inconclusive")
    everything = sorted(span.reach for _, span in spans if span is not None)
    reach = max((reaches or everything)[-1], everything[len(everything) // 2]) or 1.0
    return Forest(
        title=numbers.metric_name(metric),
        axis=svg_forest.axis(reach, higher_is_better=higher),
        rows=tuple(
            MetricRow(
                view=row, icon=_KINDS.get(row.verdict, "none"), rank=_ORDER[row.verdict],
                strip=svg_forest.strip(span, reach),
            )
            for row, span in spans
        ),
        left_out=len(chosen) - len(shown),
        small=sum(1 for row in view.slices if row.row.metric == metric) - len(chosen),
    )  # fmt: skip


# --- raw records -----------------------------------------------------------------------------------------

_HIDDEN = re.compile(r"[^\n\x20-\x7e]")


def _raw(view: ModelView, room: Room) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    source = view.source
    found = [
        source.comparison, source.evaluation, source.candidate, source.data, view.failure, *source.extras,
    ]  # fmt: skip
    shown, left_out = [], []
    for record in found:
        if record is None:
            continue
        name = str(type(record).FILE)
        if _size(record) > room.raw:
            left_out.append(name)
        else:
            shown.append((name, _json(record)))
    return tuple(shown), tuple(left_out)


def _size(record: records.Record) -> int:
    """About how many rows a record has; those of a large comparison are counted, not encoded."""
    rows = len(record.metrics) + len(record.gates) if isinstance(record, records.Comparison) else 0
    if rows > MANY:
        return rows
    # Few rows may hold long texts; what a row of ours has is well below the larger number.
    return max(rows, len(msgspec.json.encode(record)) // (1000 if rows else 400))


def _json(record: records.Record) -> str:
    """Sorted keys, and nothing but ASCII: what would be invisible stands there as its code."""
    text = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=1).decode()
    return _HIDDEN.sub(lambda found: json.dumps(found.group())[1:-1], text)
