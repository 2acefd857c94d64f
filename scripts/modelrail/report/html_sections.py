"""Sections of the HTML report that show themselves where their record is: one entry a kind of record.

A new record kind is a class below `records.Extra` and one function here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from modelrail import records
from modelrail.report import numbers, svg_curves
from modelrail.report.svg import MAX_COUNT, Figure, Frame, Names, Table, short, text

MAX_FIGURES = 60
MAX_ROWS = 300
_OUTCOMES = {"pass": "passes", "fail": "fails", "inconclusive": "cannot be decided", None: ""}


class Section(Struct, frozen=True, kw_only=True):
    key: str  # for links inside the page
    title: str
    intro: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


def build(extras: Sequence[records.Extra], names: Names) -> tuple[Section, ...]:
    """The sections of these records, in the order of the registry."""
    found = {type(extra): extra for extra in extras}
    return tuple(
        BUILDERS[kind](found[kind], names) for kind in records.EXTRAS if kind in found and kind in BUILDERS
    )


# --- data ------------------------------------------------------------------------------------------------


def _distributions(record: records.Distributions, names: Names) -> Section:  # noqa: ARG001 - data, no models
    ordered = sorted(record.columns, key=lambda column: -(column.distance or 0.0))
    rows = tuple(
        (
            column.column,
            _value(column.distance),
            _value(column.limit),
            _OUTCOMES[column.outcome],
            column.note,
        )
        for column in ordered[:MAX_ROWS]
    )
    figures = [_columns(column, record) for column in ordered[:MAX_FIGURES]]
    return Section(
        key="distributions",
        title="How the data is distributed",
        intro=f"{record.current} beside {record.reference}, the columns that moved most first. "
        f"The distance is the {record.distance}.",
        figures=tuple(figure for figure in figures if figure is not None),
        tables=(
            Table(
                caption="Distance of each column",
                heading=("column", record.distance, "limit", "result", "note"),
                rows=rows,
                words=(3, 4),
                left_out=max(0, len(ordered) - MAX_ROWS),
            ),
        ),
    )


def _columns(column: records.ColumnDistribution, record: records.Distributions) -> Figure | None:
    """Shares of both tables: the current one as bars, the reference as a tick across."""
    size = min(len(column.labels), len(column.reference), len(column.current), 30)
    if not size:
        return None
    old, new = _shares(column.reference[:size]), _shares(column.current[:size])
    frame = Frame((0, size), (0, max(*old, *new, 1e-9) * 1.08), size=(320, 190), bottom=34)
    body = [
        f'<path class="gl" d="M{frame.left} {short(frame.up(y))}H{frame.right}"/>'
        + text(frame.left - 6, frame.up(y) + 3.5, f"{100 * y:.0f}%", "tick end")
        for y in (0, frame.y[1] / 2, frame.y[1] * 0.95)
    ]
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        left, right = frame.across(index + 0.14), frame.across(index + 0.86)
        top = frame.up(after)
        body.append(
            f'<rect class="bar" x="{short(left)}" y="{short(top)}" width="{short(right - left)}" '
            f'height="{short(max(0.5, frame.bottom - top))}"/>'
        )
        left, right = frame.across(index + 0.04), frame.across(index + 0.96)
        body.append(f'<path class="was" d="M{short(left)} {short(frame.up(before))}H{short(right)}"/>')
    body += [
        text(frame.across(index + 0.5), frame.bottom + 15, column.labels[index], "tick mid", limit=12)
        for index in sorted({0, size // 2, size - 1})
    ]
    distance = f", {record.distance} {_value(column.distance)}" if column.distance is not None else ""
    return Figure(
        title=f"{column.column}{distance}",
        text=f"Bars: {record.current}. Lines across: {record.reference}.",
        width=frame.width,
        height=frame.height,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        table=Table(
            caption=f"Shares of {column.column}",
            heading=("value", record.reference, record.current),
            rows=tuple(
                (name, f"{100 * before:.1f}%", f"{100 * after:.1f}%")
                for name, before, after in zip(column.labels, old, new, strict=False)
            ),
        ),
    )


def _shares(counts: Sequence[int]) -> list[float]:
    limited = [max(0, min(count, MAX_COUNT)) for count in counts]
    total = sum(limited) or 1
    return [count / total for count in limited]


# --- models ----------------------------------------------------------------------------------------------


def _robustness(record: records.Robustness, names: Names) -> Section:
    figures = []
    for curve in record.curves[:MAX_FIGURES]:
        by_role = {
            "candidate": list(zip(curve.levels, curve.candidate, strict=False)),
            "baseline": list(zip(curve.levels, curve.baseline, strict=False)),
        }
        metric = numbers.metric_name(curve.metric)
        outcome = _OUTCOMES[curve.outcome]
        said = "; ".join(part for part in (outcome.capitalize(), curve.note) if part)
        figures.append(
            svg_curves.lines(
                by_role, names, title=f"{metric} under {curve.perturbation}", x_label=curve.unit,
                y_label=metric, said=said, form=_value,
            )
        )  # fmt: skip
    return Section(
        key="robustness",
        title="Robustness",
        intro="How far the metric falls as the inputs are disturbed more and more.",
        figures=tuple(figure for figure in figures if figure is not None),
    )


def _fairness(record: records.Fairness, names: Names) -> Section:
    with_baseline = any(group.baseline is not None for group in record.groups)
    heading = (
        "group",
        "metric",
        "rows",
        names.candidate,
        *((names.of("baseline"),) if with_baseline else ()),
    )
    rows = tuple(
        (
            f"{group.column} {group.value}",
            numbers.metric_name(group.metric),
            numbers.count(group.rows),
            _value(group.candidate),
            *((_value(group.baseline),) if with_baseline else ()),
            "; ".join(part for part in (_OUTCOMES[group.outcome], group.note) if part),
        )
        for group in record.groups[:MAX_ROWS]
    )
    figures = []
    for metric in dict.fromkeys(group.metric for group in record.groups):
        shown = [
            (f"{group.column} {group.value}", group.candidate, group.baseline)
            for group in record.groups
            if group.metric == metric and group.candidate is not None
        ][:40]
        name = numbers.metric_name(metric)
        figures.append(
            svg_curves.bars(shown, names, title=f"{name} by group", said="", form=_value, of="group")
        )
    return Section(
        key="fairness",
        title="Fairness",
        intro="The same metric for each group. A group with few rows is shown, and decides nothing.",
        figures=tuple(figure for figure in figures if figure is not None)[:MAX_FIGURES],
        tables=(
            Table(
                caption="Groups",
                heading=(*heading, "result"),
                rows=rows,
                words=(1, len(heading)),
                left_out=max(0, len(record.groups) - MAX_ROWS),
            ),
        ),
    )


def _importances(record: records.Importances, names: Names) -> Section:
    known = [row for row in record.features if row.candidate is not None]
    ordered = sorted(known, key=lambda row: -abs(row.candidate or 0.0))
    shown = [(row.feature, row.candidate or 0.0, row.baseline) for row in ordered[:40]]
    most = f"{names.candidate.capitalize()} rests most on {ordered[0].feature}." if ordered else ""
    figure = svg_curves.bars(
        shown, names, title="What the model rests on", said=most, form=_value, of="feature"
    )
    left_out = len(record.features) - len(shown)
    return Section(
        key="importances",
        title="Importance of the features",
        intro=record.method + (f"; {left_out:,} more features are left out here." if left_out else "."),
        figures=(figure,) if figure is not None else (),
    )


def _value(value: float | None) -> str:
    if value is None:
        return "\u2013"
    return f"{value:.4g}".replace("-", numbers.MINUS)


BUILDERS: dict[type[records.Extra], Callable[[Any, Names], Section]] = {
    records.Distributions: _distributions,
    records.Robustness: _robustness,
    records.Fairness: _fairness,
    records.Importances: _importances,
}
