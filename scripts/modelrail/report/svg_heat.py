"""Heat maps: every metric on every slice, and confusion matrices with their differences.

A cell says what it means by shape and sign as well as by colour. Small maps carry the numbers; large ones are
drawn with one path a verdict, so that 20,000 cells stay a few hundred kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from modelrail import records
from modelrail.report import numbers
from modelrail.report.rows import MetricView, too_small
from modelrail.report.svg import MAX_COUNT, Figure, Names, Table, label, short, text
from modelrail.report.visible import visible

MAX_CELLS = 24_000
MAX_LABELS = 40  # of a confusion matrix
_KINDS = {
    "worse": "worse",
    "better": "better",
    "not worse": "same",
    "inconclusive": "open",
    "not compared": "none",
}
_SIGNS = {"worse": "▼", "better": "▲", "same": "=", "open": "?", "none": "·"}
# In a field of 1 x 1: where the shape begins, and the shape from there. Full squares, triangles, bars, dots.
_SHAPES = {
    "worse": (0.0, 0.0, "h.9v.9h-.9z"),
    "better": (0.4, 0.0, "l.5.9h-.9z"),
    "open": (0.0, 0.3, "h.9v.3h-.9z"),
    "same": (0.3, 0.3, "h.3v.3h-.3z"),
    "none": (0.4, 0.4, "h.1v.1h-.1z"),
}


def slices(
    views: Sequence[MetricView], order: Sequence[records.MetricRow], most: int = MAX_CELLS
) -> Figure | None:
    """Slices down, metrics across, both as in the record. None for fewer than two slices."""
    cells: dict[tuple[tuple[str, str], str], MetricView] = {}
    for view in views:
        if view.row.slice is not None:
            cells[(view.row.slice.column, view.row.slice.value), view.row.metric] = view
    places = list(
        dict.fromkeys((row.slice.column, row.slice.value) for row in order if row.slice is not None)
    )
    metrics = list(dict.fromkeys(row.metric for row in order if row.slice is not None))
    if len(places) < 2 or not metrics:
        return None
    left_out = max(0, len(places) - max(2, most // len(metrics)))
    places = places[: len(places) - left_out]
    drawn = _numbered if len(metrics) <= 8 and len(places) <= 150 else _dense
    key = (
        "▼ worse, ▲ better, = not worse, ? undecided, · too few rows to say."
        if drawn is _numbered
        else "Squares: worse. Triangles: better. Bars: undecided. Dots: not worse."
    )
    width, height, body = drawn(places, metrics, cells)
    more = f" {left_out:,} more slices are left out here." if left_out else ""
    return Figure(
        title="Every metric on every slice",
        text=f"{key}{more} The table below has the numbers.",
        width=width,
        height=height,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        scrolls=True,
    )


Cells = dict[tuple[tuple[str, str], str], MetricView]
Drawn = tuple[int, int, list[str]]


def _numbered(places: Sequence[tuple[str, str]], metrics: Sequence[str], cells: Cells) -> Drawn:
    """Cells with sign and difference."""
    left, wide, high, top = 200, 124, 22, 28
    out: list[str] = []
    for index, metric in enumerate(metrics):
        words = numbers.metric_name(metric)
        out.append(text(left + wide * index + wide / 2, top - 12, words, "head mid", limit=18))
    y = top
    last = ""
    for place in places:
        column, value = place
        if column != last:
            out.append(text(2, y + 15, column, "head", limit=30))
            y, last = y + high, column
        rows = max(
            (cells[place, metric].row.rows for metric in metrics if (place, metric) in cells), default=0
        )
        out.append(text(left - 64, y + 15, value, "row end", limit=20))
        out.append(text(left - 10, y + 15, numbers.count(rows), "tick end"))
        for index, metric in enumerate(metrics):
            view = cells.get((place, metric))
            if view is not None:
                out.append(_cell(view, left + wide * index, y, wide - 2, high - 2))
        y += high
    return left + wide * len(metrics) + 2, y + 4, out


def _cell(view: MetricView, x: float, y: float, width: float, height: float) -> str:
    kind = _kind(view)
    shown = f"{_SIGNS[kind]} {view.difference.partition(' (')[0]}" if view.difference else _SIGNS[kind]
    hint = f"{view.where}, {view.name}: {view.words}, {view.difference or view.candidate}"
    return (
        f'<g class="cell {kind}{_strength(view)}"><title>{label(hint, 160)}</title>'
        f'<rect x="{short(x)}" y="{short(y)}" width="{short(width)}" height="{short(height)}" rx="2"/>'
        f"{text(x + width / 2, y + height / 2 + 4, shown, 'mid')}</g>"
    )


def _kind(view: MetricView) -> str:
    return "none" if view.verdict == "inconclusive" and too_small(view.row) else _KINDS[view.verdict]


def _strength(view: MetricView) -> str:
    """Two tints, by how far it moved in half widths of its interval."""
    return " strong" if view.verdict in {"worse", "better"} and abs(view.badness) > 2 else ""


def _dense(places: Sequence[tuple[str, str]], metrics: Sequence[str], cells: Cells) -> Drawn:
    """Cells of 10 x 10 without numbers: one path for all cells of a verdict."""
    left, field, top = 170, 10, 118
    paths: dict[str, list[str]] = {kind: [] for kind in _SHAPES}
    out: list[str] = []
    step = 1 if len(metrics) <= 100 else math.ceil(len(metrics) / 100)
    for index, metric in enumerate(metrics):
        if index % step == 0:
            x = left + field * index + 8
            words = label(numbers.metric_name(metric), 22)
            out.append(f'<text class="tick" transform="translate({x} {top - 5}) rotate(-90)">{words}</text>')
    row, last = 0, ""
    for place in places:
        if place[0] != last:
            row, last = row + (1 if last else 0), place[0]
            out.append(text(2, top + field * row + 9, place[0], "head", limit=14))
        out.append(text(left - 6, top + field * row + 9, place[1], "tick end", limit=16))
        for index, metric in enumerate(metrics):
            view = cells.get((place, metric))
            if view is not None:
                across, down, shape = _SHAPES[kind := _kind(view)]
                paths[kind].append(f"M{index + across:g} {row + down:g}{shape}")
        row += 1
    drawn = (f'<path class="cell {kind}" d="{"".join(path)}"/>' for kind, path in paths.items() if path)
    out.append(f'<g transform="translate({left} {top}) scale({field})">{"".join(drawn)}</g>')
    return left + field * len(metrics) + 4, top + field * row + 4, out


# --- confusion matrices ----------------------------------------------------------------------------------


class Matrix(Struct, frozen=True, kw_only=True):
    """A confusion matrix as a table: counts, shares of the row, and what changed."""

    caption: str
    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]  # label; count, note, class


def matrices(found: Sequence[records.ConfusionMatrix], names: Names) -> tuple[Matrix, ...]:
    """Both matrices of at most ten classes as tables; larger ones are a figure."""
    usable = {one.role: one for one in found if _whole(one) and len(one.labels) <= 10}
    candidate, baseline = usable.get("candidate"), usable.get("baseline")
    if candidate is None:
        return ()
    out = [_shares(candidate, names)]
    if baseline is not None:
        out.append(_shares(baseline, names))
        if baseline.labels == candidate.labels:
            out.append(_changes(candidate, baseline, names))
    return tuple(out)


def _whole(one: records.ConfusionMatrix) -> bool:
    size = len(one.labels)
    return bool(size) and len(one.counts) == size and all(len(row) == size for row in one.counts)


def _limited(one: records.ConfusionMatrix) -> list[list[int]]:
    return [[max(0, min(count, MAX_COUNT)) for count in row] for row in one.counts]


def _shares(one: records.ConfusionMatrix, names: Names) -> Matrix:
    rows = []
    for place, (name, counts) in enumerate(zip(one.labels, _limited(one), strict=True)):
        total = sum(counts) or 1
        cells = []
        for at, count in enumerate(counts):
            tint = f"t{min(4, int(5 * count / total))}"
            right = " right" if at == place else ""
            cells.append((numbers.count(count), f"{100 * count / total:.1f}%", f"{tint}{right}"))
        rows.append((name, tuple(cells)))
    return Matrix(
        caption=names.of(one.role),
        labels=one.labels,
        rows=tuple(rows),
    )


def _changes(candidate: records.ConfusionMatrix, baseline: records.ConfusionMatrix, names: Names) -> Matrix:
    rows = []
    both = zip(candidate.labels, _limited(candidate), _limited(baseline), strict=True)
    for place, (name, new, old) in enumerate(both):
        cells = []
        for at, (one, two) in enumerate(zip(new, old, strict=True)):
            move = one - two
            good = move == 0 or (move > 0) == (at == place)
            kind = "none" if move == 0 else "better" if good else "worse"
            amount = numbers.signed(move, 0) if move else "0"
            cells.append((amount, {"better": "▲ better", "worse": "▼ worse"}.get(kind, "="), kind))
        rows.append((name, tuple(cells)))
    return Matrix(
        caption=f"{names.of('candidate')} less {names.of('baseline')}",
        labels=candidate.labels,
        rows=tuple(rows),
    )


def confusion(found: Sequence[records.ConfusionMatrix], names: Names) -> Figure | None:
    """More than ten classes: where the answers moved, and the classes most often confused."""
    usable = {one.role: one for one in found if _whole(one)}
    candidate, baseline = usable.get("candidate"), usable.get("baseline")
    if candidate is None or len(candidate.labels) <= 10:
        return None
    same = baseline is not None and baseline.labels == candidate.labels
    labels = candidate.labels[:MAX_LABELS]
    new = [row[:MAX_LABELS] for row in _limited(candidate)[:MAX_LABELS]]
    old = [row[:MAX_LABELS] for row in _limited(baseline)[:MAX_LABELS]] if same and baseline else None
    longest = max(len(label) for label in labels)
    field, left, top = 16, 14 + 7 * min(18, longest), 12 + 7 * min(16, longest)
    largest = max(
        (abs(_move(new, old, i, j)) for i in range(len(labels)) for j in range(len(labels))), default=0
    )
    out = []
    for i, name in enumerate(labels):
        middle = left + field * i + field / 2 + 3
        out.append(text(left - 6, top + field * i + 12, name, "tick end", limit=18))
        out.append(
            f'<text class="tick" transform="translate({short(middle)} {top - 6}) rotate(-90)">'
            f"{label(name, 16)}</text>"
        )
        out += [
            _square(_move(new, old, i, j), largest, left + field * j, top + field * i, field, i == j)
            for j in range(len(labels))
        ]
    return Figure(
        title="What changed in the confusion matrix" if old else "Confusion matrix",
        text=(
            f"{len(labels)} classes: the true class down, the predicted one across. "
            + ("Larger squares moved more; filled ones are better, hollow ones worse." if old else "")
        ).strip(),
        width=left + field * len(labels) + 4,
        height=top + field * len(labels) + 4,
        body=Markup("".join(out)),  # noqa: S704 - made of numbers and of escaped labels
        table=_most_confused(labels, new, old, names),
        scrolls=True,
    )


def _move(new: list[list[int]], old: list[list[int]] | None, i: int, j: int) -> int:
    return new[i][j] - (old[i][j] if old else 0)


def _square(move: int, largest: int, x: float, y: float, field: int, diagonal: bool) -> str:
    if not move or not largest:
        return ""
    side = max(3.0, (field - 2) * math.sqrt(abs(move) / largest))
    good = (move > 0) == diagonal
    inset = (field - side) / 2
    return (
        f'<rect class="move {"better" if good else "worse"}" x="{short(x + inset)}" y="{short(y + inset)}" '
        f'width="{short(side)}" height="{short(side)}"/>'
    )


def _most_confused(
    labels: Sequence[str], new: list[list[int]], old: list[list[int]] | None, names: Names
) -> Table:
    pairs = [(i, j) for i in range(len(labels)) for j in range(len(labels)) if i != j and (new[i][j] or old)]
    pairs.sort(key=lambda pair: -abs(_move(new, old, *pair)) if old else -new[pair[0]][pair[1]])
    heading = ("truth", "predicted", names.candidate, *((names.of("baseline"), "difference") if old else ()))
    rows = []
    for i, j in pairs[:25]:
        more = (numbers.count(old[i][j]), numbers.signed(_move(new, old, i, j), 0)) if old else ()
        rows.append((visible(labels[i], 60), visible(labels[j], 60), numbers.count(new[i][j]), *more))
    caption = "Confusions that changed most" if old else "Classes most often confused"
    return Table(caption=caption, heading=heading, rows=tuple(rows), words=(1,))
