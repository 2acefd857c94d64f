"""Numbers and sentences for people, in plain text."""

from __future__ import annotations

from modelrail import config, records
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
    """Such as: ROC AUC, no worse than -0.005; Recall, every carrier, no worse than -0.03."""
    parts = [capital(metric.title) + _parameters(gate.metric)]
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
        toward = MINUS if metric.higher_is_better else "+"
        parts.append(
            f"no worse than {toward}{margin(gate.no_worse_than.value, relative=gate.no_worse_than.relative)}"
        )
    if gate.better_by is not None:
        parts.append(f"better by {margin(gate.better_by.value, relative=gate.better_by.relative)}")
    if gate.within is not None:
        parts.append(f"within \N{PLUS-MINUS SIGN}{margin(gate.within.value, relative=gate.within.relative)}")
    if gate.confidence != 0.95:
        parts.append(f"at {gate.confidence * 100:g}% confidence")
    return ", ".join(parts)


def _parameters(metric: config.Metric) -> str:
    return metric.label[len(metric.name) :]


def subject(metric: Metric, part: records.SliceRef | None) -> str:
    return capital(metric.title) + (f" for {part.column} {part.value}".rstrip() if part else "")


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
        return f"{name}{meaning} changes by {_amount(metric, difference, sign=True)} ({rows:,} rows)"
    unit = " points" if metric.points else ""
    percent = f"{interval.confidence * 100:g}% interval"
    if interval.low > 0 or interval.high < 0:
        verb = "rises" if difference > 0 else "falls"
        ends = sorted((abs(interval.low), abs(interval.high)))
        span = f"{_amount(metric, ends[0])} to {_amount(metric, ends[1])}"
        amount = f"{_amount(metric, abs(difference))}{unit}"
        return f"{name}{meaning} {verb} by {amount} ({percent} {span}, {rows:,} rows)"
    span = f"{_amount(metric, interval.low, sign=True)} to {_amount(metric, interval.high, sign=True)}"
    return (
        f"{name} shows no clear change, {_amount(metric, difference, sign=True)}{unit} "
        f"({percent} {span}, {rows:,} rows)"
    )


def change_short(
    metric: Metric, difference: float, interval: records.Interval, part: records.SliceRef | None
) -> str:
    """Such as: recall for carrier EV fell by 4.1 points [2.9, 5.3]; the brackets hold the interval."""
    name = subject(metric, part)
    unit = " points" if metric.points else ""
    if interval.low > 0 or interval.high < 0:
        verb = "rose" if difference > 0 else "fell"
        low, high = sorted((abs(interval.low), abs(interval.high)))
        meaning = "" if metric.higher_is_better else ", and lower is better"
        amount = _amount(metric, abs(difference))
        return f"{name} {verb} by {amount}{unit} [{_amount(metric, low)}, {_amount(metric, high)}]{meaning}"
    low, high = interval.low, interval.high
    span = f"[{_amount(metric, low, sign=True)}, {_amount(metric, high, sign=True)}]"
    return f"{name} shows no clear change: {_amount(metric, difference, sign=True)}{unit} {span}"


def _amount(metric: Metric, value: float, *, sign: bool = False) -> str:
    if not metric.points:
        if 1e-3 <= abs(value) < 1:  # 0.10 beside 0.057: a zero at the end is a digit that was measured
            return ("+" if sign and value > 0 else "") + f"{value:#.2g}".replace("-", MINUS)
        return signed(value, 2) if sign else number(value, 2)
    percent = value * 100
    text = f"{percent:.1f}" if abs(percent) >= 0.95 or percent == 0 else f"{percent:.2g}"
    return ("+" if sign and percent > 0 else "") + text.replace("-", MINUS)


def size_hint(rows: int | None, what: str = "rows") -> str:
    return f"about {rows:,} {what} would settle it, if the difference stays as it is" if rows else ""
