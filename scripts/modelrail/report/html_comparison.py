"""Sections of what a comparison may hold beside metrics, slices and gates; and the line over the versions."""

from __future__ import annotations

from markupsafe import Markup

from modelrail import records
from modelrail.report import numbers
from modelrail.report.html_sections import Section
from modelrail.report.svg import Figure, Frame, Names, Table, short, text
from modelrail.report.trend import Trend
from modelrail.report.visible import visible

MAX_ROWS = 200
CERTAIN = 0.05
_WORDS = {"inconclusive": "undecided"}


def sections(comparison: records.Comparison | None, names: Names) -> tuple[Section, ...]:
    if comparison is None:
        return ()
    found = (_others(comparison.others, names), _search(comparison.search, names))
    return tuple(section for section in found if section is not None)


def _others(rows: tuple[records.OtherRow, ...], names: Names) -> Section | None:
    """A version that is not in the stage, a constant answer: to see where the candidate stands."""
    if not rows:
        return None
    shown = []
    for row in rows[:MAX_ROWS]:
        places = numbers.decimals(row.difference, row.interval, row.value, row.candidate)
        shown.append(
            (
                row.name,
                numbers.metric_name(row.metric),
                numbers.plain(row.value, places),
                numbers.plain(row.candidate, places),
                numbers.difference(row.difference, row.interval, places),
                _WORDS.get(row.verdict, row.verdict),
            )
        )
    return Section(
        key="others",
        title="Beside other baselines",
        intro="On the same rows. These decide nothing: the gates look at the version in place alone.",
        tables=(
            Table(
                caption="Other baselines",
                heading=(
                    "baseline",
                    "metric",
                    "its value",
                    names.candidate,
                    "difference (interval)",
                    "result",
                ),
                rows=tuple(shown),
                words=(1, 5),
                left_out=max(0, len(rows) - MAX_ROWS),
            ),
        ),
    )


def _search(search: records.SliceSearch | None, names: Names) -> Section | None:
    """The slices that a search found, and how much of that chance explains."""
    if search is None:
        return None
    metric = numbers.metric_name(search.metric)
    shown = []
    for row in search.found[:MAX_ROWS]:
        places = numbers.decimals(row.effect, row.interval, row.candidate, row.baseline)
        shown.append(
            (
                f"{row.slice.column} {row.slice.value}",
                "than all rows" if row.kind == "level" else f"than {names.of('baseline')}",
                numbers.count(row.rows),
                numbers.plain(row.candidate, places),
                numbers.difference(row.effect, row.interval, places),
                "beyond chance" if row.p_value < CERTAIN else "chance explains it",
            )
        )
    looked = numbers.plural(search.looked, "slice")
    intro = (
        f"By {metric}, over combinations of up to {numbers.plural(search.depth, 'column')} with at least "
        f"{numbers.plural(search.min_rows, 'row')}. {looked} were looked at; what is called beyond chance is "
        f"so after a correction for all of them ({visible(search.correction, 40)})."
    )
    return Section(
        key="search",
        title="The worst-served slices",
        intro=intro,
        tables=(
            Table(
                caption="Slices found by the search",
                heading=("slice", "worse", "rows", metric, "by (interval)", "sure"),
                rows=tuple(shown),
                words=(1, 5),
                left_out=max(0, len(search.found) - MAX_ROWS),
            ),
        ),
    )


def versions(trend: Trend | None, metric: str, names: Names) -> Figure | None:
    """The leading metric of the last versions, and of this change."""
    if trend is None or len(trend.points) < 3:
        return None
    values = [value for _, value in trend.points]
    room = (max(values) / 2 - min(values) / 2) * 0.3 or abs(values[0]) * 0.02 or 0.1
    last = len(values) - 1
    frame = Frame((-0.4, last + 0.4), (min(values) - room, max(values) + room), size=(640, 190), left=56)
    body = frame.axes("", numbers.metric_name(metric), x_ticks=())
    points = list(enumerate(values))
    body.append(frame.line(points[:-1], "baseline"))
    body.append(frame.markers(points[:-1], "baseline"))
    body.append(frame.markers(points[-1:], "candidate"))
    for index, (version, value) in enumerate(trend.points):
        words = version or names.candidate
        body.append(text(frame.across(index), frame.bottom + 15, words, "tick mid", limit=12))
        if index in {0, last - 1, last}:
            body.append(text(frame.across(index), frame.up(value) - 8, f"{value:.3g}", "tick mid"))
    body.append(
        f'<path class="gl" d="M{short(frame.across(last - 0.5))} {frame.top}V{frame.bottom}"/>'
    )  # what stands right of it was measured on other data
    return Figure(
        title=f"{numbers.metric_name(metric)} over the versions",
        text=trend.words,
        width=frame.width,
        height=frame.height,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        table=Table(
            caption=f"{numbers.metric_name(metric)} of the last versions",
            heading=("version", "value"),
            rows=tuple((version or names.candidate, f"{value:.6g}") for version, value in trend.points),
        ),
        scrolls=True,
    )
