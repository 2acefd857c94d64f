"""What each gate needs, in words; and with a comparison at hand, how far it is from it."""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

from msgspec import Struct

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import digits, wording
from modelrail.core.inference.power import rows_to_settle
from modelrail.core.metrics import catalog
from modelrail.core.metrics.catalog import Metric
from modelrail.core.policy import checks, circumstances

POWER = 0.8


class Seen(Struct, frozen=True, kw_only=True):
    """The gate's row of the last comparison."""

    outcome: records.GateOutcome
    slice: str | None  # the slice that decided
    rows: int | None
    baseline: float | None
    candidate: float | None
    difference: float | None
    low: float | None
    high: float | None
    interval_of: Literal["difference", "candidate"]
    # The smallest true difference that as many rows would show to be one in 8 of 10 test sets.
    detectable: float | None
    rows_to_settle: int | None  # if the difference stays as it is; null when it is settled, or none would do
    waived: str
    detail: str


class Explained(Struct, frozen=True, kw_only=True):
    path: str
    title: str
    severity: str
    when: str  # empty: always
    needs: str
    on_failure: str
    seen: Seen | None


def explain(model: config.Model, comparison: records.Comparison | None) -> tuple[Explained, ...]:
    """One for each gate of the policy, in its order."""
    found = [_gate(model, gate, comparison) for gate in model.gates]
    found += [
        _plain(
            check.path, checks.leakage_title(check), check.severity, check.when, _leakage(check), comparison
        )
        for check in model.checks
    ]
    found.sort(key=lambda one: _place(one.path))
    budget = model.test_budget
    if budget is not None:
        needs = f"At most {budget.limit:,} registered versions were judged by this very test set."
        title = checks.budget_title(budget)
        found.append(_plain(budget.path, title, budget.severity, None, needs, comparison))
    return tuple(found)


def _place(path: str) -> int:
    return int(path.rpartition("[")[2].rstrip("]"))


def _gate(model: config.Model, gate: config.Gate, comparison: records.Comparison | None) -> Explained:
    metric = catalog.bind(gate.metric.name, model.task, gate.metric.params)
    assert metric is not None  # noqa: S101 - the configuration was checked
    single = any(one.where is not None for one in model.slices if one.column == gate.slices)
    title = wording.gate_title(gate, metric, single=single)
    row = _row(comparison, gate.path, title)
    return Explained(
        path=gate.path, title=title, severity=gate.severity, when=_when(gate.when),
        needs=_needs(gate, metric, single=single), on_failure=_failure(gate.severity),
        seen=None if row is None or comparison is None else _seen(row, comparison),
    )  # fmt: skip


def _plain(
    path: str,
    title: str,
    severity: str,
    when: config.When | None,
    needs: str,
    comparison: records.Comparison | None,
) -> Explained:
    row = _row(comparison, path, title)
    return Explained(
        path=path, title=title, severity=severity, when=_when(when), needs=needs,
        on_failure=_failure(severity),
        seen=None if row is None or comparison is None else _seen(row, comparison),
    )  # fmt: skip


# --- what it needs ---------------------------------------------------------------------------------------


def _needs(gate: config.Gate, metric: Metric, *, single: bool) -> str:
    sure = f"{gate.confidence * 100:g}%"
    text = _rule(gate, metric, sure)
    if gate.slices and not single:
        which = f"each of {', '.join(gate.only)}" if gate.only else "each of its values"
        text += f" So for {which} in {gate.slices}; slices that are too small are counted, not judged."
    elif gate.slices:
        text += f" So for the rows of {gate.slices}."
    return text


def _rule(gate: config.Gate, metric: Metric, sure: str) -> str:
    up, title = metric.higher_is_better, wording.title(metric)
    if gate.min is not None or gate.max is not None:
        bound, word, end = (
            (gate.min, "at least", "lower") if gate.min is not None else (gate.max, "at most", "upper")
        )
        limit = wording.number(bound or 0.0, 6)
        if gate.with_confidence:
            return f"The {end} end of the {sure} interval of the candidate's {title} is {word} {limit}."
        return f"The candidate's {title} is {word} {limit}, by its value alone."
    margin = gate.no_worse_than or gate.better_by or gate.within
    assert margin is not None  # noqa: S101 - one of the rules is there
    size = wording.margin(margin.value, relative=margin.relative) + (
        " of the baseline's value" if margin.relative else ""
    )
    difference = f"the {sure} interval of the difference in {title}, candidate less baseline,"
    if gate.within is not None:
        return f"The whole of {difference} lies within \N{PLUS-MINUS SIGN}{size}."
    end = "lower" if up else "upper"
    side = "above" if up else "below"
    minus = (gate.no_worse_than is not None) == up
    sign = wording.MINUS if minus else "+"
    return f"The {end} end of {difference} lies {side} {sign}{size}."


def _leakage(check: config.Check) -> str:
    most = wording.margin(check.max.value, relative=check.max.relative)
    share = " of the test rows" if check.max.relative else " test rows"
    return f"At most {most}{share} also stand in the training table, by key or by all features."


def _when(when: config.When | None) -> str:
    return "" if when is None else circumstances.told(when)


def _failure(severity: str) -> str:
    return {"block": "blocks", "warn": "warns", "info": "is shown"}[severity]


# --- how far it is ---------------------------------------------------------------------------------------


def _row(comparison: records.Comparison | None, path: str, title: str) -> records.GateRow | None:
    """The row of this very gate: the policy may have changed since."""
    every = comparison.gates if comparison is not None else ()
    return next((row for row in every if row.path == path and row.title == title), None)


def _seen(row: records.GateRow, comparison: records.Comparison) -> Seen:
    rows = next(
        (one.rows for one in comparison.metrics if one.metric == row.metric and one.slice == row.slice), None
    )
    half = None if row.interval is None else (row.interval.high - row.interval.low) / 2
    distance = None
    if row.difference is not None and row.margin is not None:
        distance = abs(row.difference - row.margin)
    waived = row.waived
    return Seen(
        outcome=row.outcome,
        slice=None if row.slice is None else f"{row.slice.column} {row.slice.value}".rstrip(),
        rows=rows,
        baseline=row.baseline,
        candidate=row.candidate,
        difference=row.difference,
        low=None if row.interval is None else row.interval.low,
        high=None if row.interval is None else row.interval.high,
        interval_of=row.interval_of,
        detectable=None
        if half is None or row.interval is None
        else _detectable(half, row.interval.confidence),
        rows_to_settle=rows_to_settle(rows, half, distance)
        if row.outcome == "inconclusive" and rows and half and distance
        else None,
        waived="" if waived is None else f"{waived.owner} until {waived.expires}: {waived.reason}",
        detail=row.detail,
    )


def _detectable(half: float, confidence: float) -> float:
    """The half-width is what is just significant; to be seen with a chance of 80% it takes more.

    As sample sizes are planned: (z of the confidence + z of the power) standard errors.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    return half * (z + NormalDist().inv_cdf(POWER)) / z


# --- text ------------------------------------------------------------------------------------------------


def text(model: config.Model, found: tuple[Explained, ...], comparison: records.Comparison | None) -> str:
    lines = [f"{model.name}: {len(found)} gate{'' if len(found) == 1 else 's'}"]
    if comparison is None:
        lines.append("  No comparison is at hand: run `modelrail compare` to see how far each gate is.")
    for one in found:
        when = f", {one.when}" if one.when else ""
        lines += ["", f"{one.title} ({one.on_failure}{when})", f"  {one.path}", f"  Needs: {one.needs}"]
        if one.seen is not None:
            lines += _told(one.seen)
        elif comparison is not None:
            lines.append("  Not in the last comparison: the gate is new, changed, or did not apply.")
    waivers = [f"  {waiver.path}: {waiver.gate or waiver.metric}, {waiver.owner} until {waiver.expires}: "
               f"{waiver.reason}" for waiver in model.waivers]  # fmt: skip
    lines += ["", "Waivers", *waivers] if waivers else []
    return "\n".join(lines)


def _told(seen: Seen) -> list[str]:
    parts = []
    own = seen.interval_of == "candidate"
    if seen.candidate is not None:
        between = _between(seen, signed=False) if own else ""
        parts.append(f"candidate {wording.number(seen.candidate, 4)}{between}")
    if seen.baseline is not None:
        parts.append(f"baseline {wording.number(seen.baseline, 4)}")
    if seen.difference is not None and not own:
        value = wording.decimal(seen.difference, _places(seen), sign=True)
        parts.append(f"difference {value}{_between(seen, signed=True)}")
    where = f" for {seen.slice}" if seen.slice else ""
    rows = f" on {digits.counted(seen.rows)}" if seen.rows else ""
    lines = [f"  Last comparison: {seen.outcome}{where}{rows}" + (f"; {', '.join(parts)}" if parts else "")]
    if seen.detail:
        lines.append(f"  {wording.capital(seen.detail)}.")
    if seen.waived:
        lines.append(f"  Waived by {seen.waived}.")
    if seen.detectable:
        what = "distance from the limit" if own else "difference"
        lines.append(
            f"  As many rows show a true {what} of {wording.number(seen.detectable, 2)} in 8 of 10 test sets."
        )
    if seen.rows_to_settle and not seen.detail:
        lines.append(f"  {wording.capital(wording.size_hint(seen.rows_to_settle))}.")
    return lines


def _places(seen: Seen) -> int:
    places = None if seen.low is None or seen.high is None else digits.places(seen.low, seen.high)
    return digits.MOST if places is None else places


def _between(seen: Seen, *, signed: bool) -> str:
    if seen.low is None or seen.high is None:
        return ""
    low, high = (wording.decimal(end, _places(seen), sign=signed) for end in (seen.low, seen.high))
    return f" ({low} to {high})"
