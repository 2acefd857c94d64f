"""Numbers and sentences for people, in plain text."""

from __future__ import annotations

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import digits
from modelrail.core.inference.power import BEYOND
from modelrail.core.metrics import names as metric_names
from modelrail.core.metrics.catalog import Metric

MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int = 3) -> str:
    """Three significant digits, no exponent where a person can read it without."""
    if value == 0:
        return "0"
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-6 <= abs(value) < 1e9:
        text = f"{value:,.0f}" if abs(value) >= 1 else f"{value:.{digits + 4}f}".rstrip("0")
    return text.replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    return ("+" if value > 0 else "") + number(value, digits)


def margin(value: float, *, relative: bool) -> str:
    return f"{number(value * 100)}%" if relative else number(value)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def gate_title(gate: config.Gate, metric: Metric, *, single: bool = False) -> str:
    """Such as: ROC AUC, may fall by at most 0.005; Recall, every carrier, may fall by at most 0.03."""
    parts = [capital(title(metric))]
    if gate.slices:
        values = " or ".join(gate.only)
        parts.append(
            f"{gate.slices} {values}" if values else gate.slices if single else f"every {gate.slices}"
        )
    if gate.min is not None:
        parts.append(f"at least {number(gate.min, 6)}")
    if gate.max is not None:
        parts.append(f"at most {number(gate.max, 6)}")
    if gate.no_worse_than is not None:
        way = "fall" if metric.higher_is_better else "rise"
        most = margin(gate.no_worse_than.value, relative=gate.no_worse_than.relative)
        parts.append(f"may {way} by at most {most}" if gate.no_worse_than.value else f"may not {way}")
    if gate.better_by is not None:
        parts.append(f"better by {margin(gate.better_by.value, relative=gate.better_by.relative)}")
    if gate.within is not None:
        parts.append(f"within \N{PLUS-MINUS SIGN}{margin(gate.within.value, relative=gate.within.relative)}")
    if gate.confidence != 0.95:
        parts.append(f"at {gate.confidence * 100:g}% confidence")
    return ", ".join(parts)


def title(metric: Metric) -> str:
    """What it is called, with its parameters: `ROC AUC`, `recall at precision 0.6`."""
    return metric_names.spoken(metric.title, config.written(metric.params))


def subject(metric: Metric, part: records.SliceRef | None) -> str:
    return capital(title(metric)) + (f" for {part.column} {part.value}".rstrip() if part else "")


def change(
    metric: Metric,
    difference: float,
    interval: records.Interval | None,
    rows: int,
    part: records.SliceRef | None,
) -> str:
    """Such as: Recall for carrier EV falls by 4.1 points (95% interval 2.9 to 5.3, 3,412 rows)."""
    name = subject(metric, part)
    meaning = "" if metric.higher_is_better else " (lower is better)"
    if interval is None:
        by = amount(metric, difference, None, sign=True)
        return f"{name}{meaning} changes by {by} ({digits.counted(rows)})"
    unit = " points" if metric.points else ""
    percent = f"{interval.confidence * 100:g}% interval"
    if interval.low > 0 or interval.high < 0:
        verb = "rises" if difference > 0 else "falls"
        ends = sorted((abs(interval.low), abs(interval.high)))
        span = f"{amount(metric, ends[0], interval)} to {amount(metric, ends[1], interval)}"
        by = f"{amount(metric, abs(difference), interval)}{unit}"
        return f"{name}{meaning} {verb} by {by} ({percent} {span}, {digits.counted(rows)})"
    low, high = (amount(metric, end, interval, sign=True) for end in (interval.low, interval.high))
    span = f"{low} to {high}"
    return (
        f"{name} shows no clear change, {amount(metric, difference, interval, sign=True)}{unit} "
        f"({percent} {span}, {digits.counted(rows)})"
    )


def change_short(
    metric: Metric, difference: float, interval: records.Interval, part: records.SliceRef | None
) -> str:
    """Such as: recall for carrier EV fell by 4.1 points [2.9, 5.3]; the brackets hold the interval."""
    name = subject(metric, part)
    unit = " points" if metric.points else ""
    if interval.low > 0 or interval.high < 0:
        verb = "rose" if difference > 0 else "fell"
        ends = sorted((abs(interval.low), abs(interval.high)))
        meaning = "" if metric.higher_is_better else ", and lower is better"
        by, low, high = (amount(metric, value, interval) for value in (abs(difference), *ends))
        return f"{name} {verb} by {by}{unit} [{low}, {high}]{meaning}"
    by, low, high = (
        amount(metric, value, interval, sign=True) for value in (difference, interval.low, interval.high)
    )
    return f"{name} shows no clear change: {by}{unit} [{low}, {high}]"


def decimal(value: float, places: int, *, sign: bool = False) -> str:
    text = f"{value:,.{places}f}"
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return ("+" if sign and value > 0 else "") + text.replace("-", MINUS)


def amount(metric: Metric, value: float, interval: records.Interval | None, *, sign: bool = False) -> str:
    """A difference with as many decimals as its interval supports; of shares in points."""
    if not metric.points:
        places = None if interval is None else digits.places(interval.low, interval.high)
        if places is None:
            return signed(value, 2) if sign else number(value, 2)
        return decimal(value, places, sign=sign)
    percent = value * 100
    text = f"{percent:.1f}" if abs(percent) >= 0.95 or percent == 0 else f"{percent:.2g}"
    return ("+" if sign and percent > 0 else "") + text.replace("-", MINUS)


def size_hint(needed: int | None, rows: int = 0) -> str:
    """How many rows would settle it; where that is out of sight, and `rows` are known, that it is."""
    told = rows_needed(needed, rows)
    return f"{told}, if the difference stays as it is" if needed else told


def rows_needed(needed: int | None, rows: int = 0) -> str:
    if needed:
        return f"about {needed:,} rows would settle it"
    return f"more than {rows * BEYOND:,} rows would be needed to settle it" if rows else ""
