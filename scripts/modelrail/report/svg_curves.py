"""ROC, precision-recall and calibration curves of both models, the histogram of errors, other lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from modelrail import records
from modelrail.report import numbers
from modelrail.report.svg import MAX_COUNT, MAX_POINTS, Figure, Frame, Names, Table, at, short, text, ticks

Points = list[tuple[float, float]]
_UNIT = (0.0, 1.0)
_FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_PLACES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
_ROLES = ("baseline", "candidate")  # the candidate is drawn last, above the other


def curves(plots: records.Plots, names: Names) -> tuple[Figure, ...]:
    """Those of ROC, precision-recall and calibration that the record holds."""
    found = (
        _rates(
            plots.roc, names, title="ROC curve", x_label="false positive rate", y_label="true positive rate",
            diagonal=True, where=0.1, words="At a false positive rate of 0.1, {} of the positives are found",
        ),
        _rates(
            plots.precision_recall, names, title="Precision and recall", x_label="recall",
            y_label="precision", diagonal=False, where=0.5,
            words="Where half of the positives are found, the precision is {}",
        ),
        _calibration(plots.calibration, names),
    )  # fmt: skip
    return tuple(figure for figure in found if figure is not None)


def _by_role(found: Sequence[records.Curve]) -> dict[str, Points]:
    return {curve.role: list(zip(curve.x, curve.y, strict=False))[:MAX_POINTS] for curve in found if curve.x}


def _rates(
    found: Sequence[records.Curve],
    names: Names,
    *,
    title: str,
    x_label: str,
    y_label: str,
    diagonal: bool,
    where: float,
    words: str,
) -> Figure | None:
    lines = _by_role(found)
    if not lines:
        return None
    frame = Frame(_UNIT, _UNIT)
    body = frame.axes(x_label, y_label, x_ticks=_FIFTHS, y_ticks=_FIFTHS)
    if diagonal:
        body.append(frame.line([(0, 0), (1, 1)], "chance"))
    body += [frame.line(lines[role], role) for role in _ROLES if role in lines]
    return Figure(
        title=title,
        text=_said(lines, names, where, words),
        width=frame.width,
        height=frame.height,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        table=_read_off(lines, names, title, x_label, y_label),
        legend=True,
    )


def _said(lines: dict[str, Points], names: Names, where: float, words: str) -> str:
    values = {role: at(points, where) for role, points in lines.items()}
    known = {role: value for role, value in values.items() if value is not None}
    if "candidate" not in known:
        return ""
    other = f"; {names.of('baseline')}: {known['baseline']:.3f}" if "baseline" in known else ""
    return words.format(f"{known['candidate']:.3f}") + f" by {names.candidate}{other}."


def _read_off(lines: dict[str, Points], names: Names, title: str, x_label: str, y_label: str) -> Table:
    shown = [role for role in reversed(_ROLES) if role in lines]
    rows = []
    for x in _PLACES:
        values = [at(lines[role], x) for role in shown]
        if any(value is not None for value in values):
            rows.append((f"{x:g}", *("\u2013" if value is None else f"{value:.3f}" for value in values)))
    return Table(
        caption=f"{title}, read off the curves",
        heading=(x_label, *(f"{y_label}, {names.of(role)}" for role in shown)),
        rows=tuple(rows),
    )


def _calibration(found: Sequence[records.Curve], names: Names) -> Figure | None:
    lines = _by_role(found)
    if not lines:
        return None
    frame = Frame(_UNIT, _UNIT)
    body = frame.axes("mean score", "share of positives", x_ticks=_FIFTHS, y_ticks=_FIFTHS)
    body.append(frame.line([(0, 0), (1, 1)], "chance"))
    for role in _ROLES:
        if role in lines:
            body += [frame.line(lines[role], role), frame.markers(lines[role][:40], role)]
    rows = [
        (names.of(curve.role), f"{x:.3f}", f"{y:.3f}", numbers.count(rows) if rows is not None else "")
        for curve in sorted(found, key=lambda curve: curve.role, reverse=True)
        for x, y, rows in _with_counts(curve)
    ]
    return Figure(
        title="Calibration",
        text=_furthest(lines, names),
        width=frame.width,
        height=frame.height,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        table=Table(
            caption="Calibration: what was predicted and what happened",
            heading=("model", "mean score", "share of positives", "rows"),
            rows=tuple(rows),
        ),
        legend=True,
    )


def _with_counts(curve: records.Curve) -> list[tuple[float, float, int | None]]:
    counts: list[int | None] = [*curve.count, *([None] * len(curve.x))]
    return list(zip(curve.x, curve.y, counts, strict=False))[:40]


def _furthest(lines: dict[str, Points], names: Names) -> str:
    points = lines.get("candidate")
    if not points:
        return ""
    x, y = max(points, key=lambda point: abs(point[1] - point[0]))
    return (
        "On the diagonal a score is the share that comes true. Furthest from it, "
        f"{names.candidate} says {x:.2f} where {y:.2f} is true."
    )


def errors(found: Sequence[records.Histogram], names: Names) -> Figure | None:
    """Prediction minus target: outlines over common bins, the outermost holding the tails."""
    usable = [one for one in found if len(one.edges) == len(one.counts) + 1 and len(one.counts) > 1]
    if not usable:
        return None
    size = (420, 280)
    inner = sorted(edge for one in usable for edge in one.edges[1:-1]) or [0.0]
    step = _median_width(usable[0])
    ends = (inner[0] - step, inner[-1] + step)
    most = max(min(count, MAX_COUNT) for one in usable for count in one.counts)
    frame = Frame(ends, (0, max(1.0, most * 1.05)), size=size, left=56)
    body = frame.axes("prediction \N{MINUS SIGN} target", "rows")
    if ends[0] < 0 < ends[1]:
        body.append(f'<path class="zero" d="M{short(frame.across(0))} {frame.top}V{frame.bottom}"/>')
    for one in sorted(usable, key=lambda one: one.role):
        body.append(_outline(frame, one, ends))
    rows = [
        (names.of(one.role), _bin(one, index), numbers.count(max(0, count)))
        for one in _in_order(usable)
        for index, count in enumerate(one.counts[:60])
    ]
    return Figure(
        title="Errors",
        text=_sentence("; ".join(_most(one, names) for one in _in_order(usable))),
        width=size[0],
        height=size[1],
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        table=Table(
            caption="Rows by size of the error",
            heading=("model", "error", "rows"),
            rows=tuple(rows),
            words=(1,),
        ),
        legend=True,
    )


def _in_order(found: Sequence[records.Histogram]) -> list[records.Histogram]:
    """The candidate first."""
    return sorted(found, key=lambda one: one.role, reverse=True)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _median_width(one: records.Histogram) -> float:
    widths = sorted(right - left for left, right in zip(one.edges, one.edges[1:], strict=False))
    return max(widths[len(widths) // 2], 1e-12)


def _outline(frame: Frame, one: records.Histogram, ends: tuple[float, float]) -> str:
    edges = [ends[0], *one.edges[1:-1], ends[1]]
    path = f"M{short(frame.across(edges[0]))} {short(frame.up(0))}"
    for count, right in zip(one.counts, edges[1:], strict=True):
        path += f"V{short(frame.up(max(0, min(count, MAX_COUNT))))}H{short(frame.across(right))}"
    path += f"V{short(frame.up(0))}"
    filled = " filled" if one.role == "candidate" else ""
    return f'<path class="line {one.role}{filled}" d="{path}"/>'


def _bin(one: records.Histogram, index: int) -> str:
    low, high = (f"{edge:.4g}".replace("-", numbers.MINUS) for edge in one.edges[index : index + 2])
    return f"{low} to {high}"


def _most(one: records.Histogram, names: Names) -> str:
    index = max(range(len(one.counts)), key=lambda place: one.counts[place])
    total = sum(max(0, min(count, MAX_COUNT)) for count in one.counts) or 1
    part = 100 * min(one.counts[index], MAX_COUNT) / total
    return f"{names.of(one.role)} errs most often by {_bin(one, index)} ({part:.0f}% of the rows)"


def lines(
    by_role: dict[str, Points],
    names: Names,
    *,
    title: str,
    x_label: str,
    y_label: str,
    said: str,
    form: Callable[[float], str],
) -> Figure | None:
    """Any two lines over one axis, such as a metric under growing noise."""
    drawn = {role: points[:MAX_POINTS] for role, points in by_role.items() if points}
    if not drawn:
        return None
    across = [x for points in drawn.values() for x, _ in points]
    upward = [y for points in drawn.values() for _, y in points]
    room = (max(upward) - min(upward)) * 0.08 or abs(upward[0]) * 0.1 or 0.1
    frame = Frame((min(across), max(across)), (min(upward) - room, max(upward) + room), left=52)
    body = frame.axes(x_label, y_label, x_ticks=ticks(*frame.x, 4))
    for role in _ROLES:
        if role in drawn:
            body += [frame.line(drawn[role], role), frame.markers(drawn[role][:40], role)]
    shown = [role for role in reversed(_ROLES) if role in drawn]
    places = sorted({x for role in shown for x, _ in drawn[role]})[:40]
    values = {role: dict(drawn[role]) for role in shown}
    rows = tuple(
        (form(x), *(form(values[role][x]) if x in values[role] else "\u2013" for role in shown))
        for x in places
    )
    return Figure(
        title=title,
        text=said,
        width=frame.width,
        height=frame.height,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        table=Table(caption=title, heading=(x_label, *(names.of(role) for role in shown)), rows=rows),
        legend=True,
    )


def bars(
    rows: Sequence[tuple[str, float, float | None]],
    names: Names,
    *,
    title: str,
    said: str,
    form: Callable[[float], str],
    of: str,
) -> Figure | None:
    """Labelled bars from zero: the candidate's filled, the baseline's a tick across."""
    if not rows:
        return None
    values = [value for _, one, two in rows for value in (one, two) if value is not None]
    low, high = min(0.0, *values), max(0.0, *values)
    frame = Frame(
        (low, high if high > low else low + 1), _UNIT, size=(560, 24 * len(rows) + 40), left=190, bottom=26
    )
    body = [
        f'<path class="gl" d="M{short(frame.across(x))} {frame.top}V{frame.bottom}"/>'
        + text(frame.across(x), frame.bottom + 15, form(x), "tick mid")
        for x in ticks(*frame.x)
    ]
    for index, (name, one, two) in enumerate(rows):
        top = frame.top + 24 * index + 3
        start, end = sorted((frame.across(0), frame.across(one)))
        wide = short(max(end - start, 1))
        body.append(text(frame.left - 8, top + 12, name, "row end", limit=30))
        body.append(f'<rect class="bar" x="{short(start)}" y="{top}" width="{wide}" height="16"/>')
        if two is not None:
            body.append(f'<path class="was" d="M{short(frame.across(two))} {top - 2}v20"/>')
    body.append(f'<path class="zero" d="M{short(frame.across(0))} {frame.top}V{frame.bottom}"/>')
    heading = ("", names.candidate, *((names.of("baseline"),) if names.baseline else ()))
    across = f" Lines across: {names.baseline}." if names.baseline else ""
    return Figure(
        title=title,
        text=f"Bars: {names.candidate}.{across} {said}".strip(),
        width=frame.width,
        height=frame.height,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        table=Table(
            caption=title,
            heading=(of, *heading[1:]),
            rows=tuple(
                (name, form(one), *(("\u2013" if two is None else form(two),) if names.baseline else ()))
                for name, one, two in rows
            ),
        ),
        scrolls=True,
    )
