"""The policy's gates over the measured results.

* `min`, `max`: by the candidate's value; with `confidence` written out, its whole interval must lie on the
  good side.
* `no_worse_than` passes when non-inferiority is shown, fails when the candidate is worse than the baseline
  beyond doubt *and* the best estimate lies beyond the margin, and is inconclusive otherwise: more rows
  would tell.
* `within` passes when the whole interval lies within the margin on both sides (two one-sided tests,
  Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657-680), and fails when it lies outside.
* `better_by` passes when the whole interval lies above the margin, and fails when it lies below.
* `slices`: the rule holds for every slice of the column. It passes when every judged slice passes (no
  correction: a conjunction), and fails when any fails, where "worse beyond doubt" is corrected by Holm over
  the slices. Slices with fewer rows than `min_rows`, or a value that rests on too few of them, are not
  judged; they are counted in the detail. The worst slice is the one shown.

How often equal models fail: at the confidence c, all relative gates on all rows together at most (1 - c) / 2
of the time (one family under Holm), and each gate over slices at most (1 - c) / 2 (a family of its own). A
pull request has the sum of these: 5% for gates on all rows and one over slices at 95% (docs/calibration.md).

A block gate that fails makes the verdict `fail`, one that is inconclusive makes it `inconclusive`. A waived
row keeps its outcome and blocks nothing. A policy without any blocking gate does not promote: it fails and
says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import digits, wording
from modelrail.core.comparison import decide
from modelrail.core.comparison.measured import ALONE, Measured
from modelrail.core.inference.contrast import Contrast
from modelrail.core.inference.family import holm
from modelrail.core.inference.power import rows_to_settle
from modelrail.core.metrics.catalog import Metric
from modelrail.core.policy import waivers


@dataclass(frozen=True)
class SliceResult:
    ref: records.SliceRef
    measured: Mapping[str, Measured]  # by metric label
    min_rows: int

    def judged(self, label: str) -> bool:
        found = self.measured[label]
        return found.rows >= self.min_rows and found.enough


@dataclass(frozen=True)
class Results:
    """Everything that was measured, and what it is about."""

    model: config.Model  # with the policy's gates and stages
    metrics: Mapping[str, Metric]  # by label
    whole: Mapping[str, Measured]
    slices: Mapping[str, Sequence[SliceResult]]  # by column
    baseline: records.Baseline
    same_model: bool
    today: dt.date | None = None  # for waivers


def evaluate(results: Results) -> tuple[records.GateRow, ...]:
    """One row a gate, in the policy's order, and rows for what is missing from the policy."""
    rows = [_policy_row(results)] if not any(gate.severity == "block" for gate in results.model.gates) else []
    first = _first_version(results)
    rows += [] if first is None else [first]
    whole = [gate for gate in results.model.gates if _relative(gate) and not gate.slices]
    adjusted = dict(
        zip(
            (gate.path for gate in whole),
            holm([_p(results.whole[gate.metric.label]) for gate in whole]),
            strict=True,
        )
    )
    for gate in results.model.gates:
        if _relative(gate) and results.baseline.status == "absent":
            rows.append(_without_baseline(results, gate))
        elif gate.slices:
            rows.append(_over_slices(results, gate))
        else:
            p_value = adjusted.get(gate.path, 1.0)
            rows.append(_judge(results, gate, results.whole[gate.metric.label], None, p_value, len(whole)))
    return tuple(rows)


def verdict(rows: Sequence[records.GateRow]) -> records.GateOutcome:
    outcomes = {row.outcome for row in rows if row.blocks}
    return "fail" if "fail" in outcomes else "inconclusive" if "inconclusive" in outcomes else "pass"


# --- one gate on some rows -------------------------------------------------------------------------------


def _judge(
    results: Results,
    gate: config.Gate,
    measured: Measured,
    part: records.SliceRef | None,
    p_value: float,
    family: int,
) -> records.GateRow:
    metric = results.metrics[gate.metric.label]
    said = decide.answer(
        metric, measured, gate.no_worse_than or gate.within, p_value=p_value, confidence=gate.confidence,
        same_model=results.same_model, family=family,
    )  # fmt: skip
    outcome, why = _rule(gate, metric, measured, said.verdict, results)
    bound = gate.with_confidence and not _relative(gate)
    interval = (decide.own_interval if bound else decide.shown_interval)(metric, measured, gate.confidence)
    waived = None
    if outcome != "pass":
        waived = waivers.waived(results.model.waivers, gate, part, results.baseline.stage, results.today)
    return records.GateRow(
        path=gate.path,
        title=_title(results, gate),
        metric=gate.metric.label,
        slice=part,
        waived=waived,
        severity=gate.severity,
        outcome=outcome,
        baseline=measured.baseline,
        candidate=measured.candidate,
        difference=None if measured.difference is None else measured.difference.estimate,
        interval=interval,
        interval_of="candidate" if bound else "difference",
        verdict=said.verdict if _relative(gate) else "not compared",
        detail=why,
        margin=_border(gate, metric, measured),
    )


def _border(gate: config.Gate, metric: Metric, measured: Measured) -> float | None:
    """The difference at which the rule turns, for pictures: the decision itself needs no division."""
    margin, side = (gate.better_by, 1.0) if gate.better_by else (gate.no_worse_than or gate.within, -1.0)
    if margin is None or (margin.relative and measured.baseline is None):
        return None
    size = margin.value * abs(measured.baseline or 0.0) if margin.relative else margin.value
    return decide.sign(metric) * side * size


def _rule(
    gate: config.Gate, metric: Metric, measured: Measured, said: records.MetricVerdict, results: Results
) -> tuple[records.GateOutcome, str]:
    if measured.point_only and measured.candidate is not None:
        return _by_value_alone(gate, measured)
    if measured.candidate is None or not measured.enough:
        return "inconclusive", measured.note or "the value is not defined on these rows"
    if gate.min is not None:
        return _bound(gate, measured, gate.min, 1.0)
    if gate.max is not None:
        return _bound(gate, measured, gate.max, -1.0)
    if measured.difference is None:
        return "inconclusive", measured.note
    if gate.no_worse_than is not None:
        return _no_worse(gate, metric, measured, said)
    if gate.within is not None:
        return _within(gate, metric, measured)
    return _better(gate, metric, measured, results)


def _bound(
    gate: config.Gate, measured: Measured, limit: float, side: float
) -> tuple[records.GateOutcome, str]:
    assert measured.candidate is not None  # noqa: S101 - checked by the caller
    word = "the floor of" if side > 0 else "the ceiling of"
    value, bound = wording.number(measured.candidate), wording.number(limit, 6)
    holds = side * (measured.candidate - limit) >= 0
    if not gate.with_confidence:
        return ("pass", "") if holds else ("fail", f"{value} misses {word} {bound}")
    low, high = sorted(side * (end - limit) for end in measured.contrasts[ALONE].bounds(gate.confidence))
    if low >= 0:
        return "pass", ""
    if high < 0:
        return "fail", f"{value} misses {word} {bound}"
    distance = side * (measured.candidate - limit)
    needed = rows_to_settle(measured.rows, (high - low) / 2, distance)
    why = f"{value} is not {gate.confidence * 100:g}% sure to keep {word} {bound}"
    return "inconclusive", "; ".join(text for text in (why, wording.size_hint(needed, measured.rows)) if text)


def _by_value_alone(gate: config.Gate, measured: Measured) -> tuple[records.GateOutcome, str]:
    """A value without an interval: a floor or a ceiling that asks for no confidence, and nothing else."""
    limit = gate.min if gate.min is not None else gate.max
    if limit is None or gate.with_confidence:
        return (
            "inconclusive",
            "the value has no interval: only `min` or `max` without `confidence` can judge it",
        )
    return _bound(gate, measured, limit, 1.0 if gate.min is not None else -1.0)


def _no_worse(
    gate: config.Gate, metric: Metric, measured: Measured, said: records.MetricVerdict
) -> tuple[records.GateOutcome, str]:
    assert gate.no_worse_than is not None  # noqa: S101 - the caller chose by it
    if measured.identical:
        return "pass", "both models say the same on every row"
    room = decide.clearance(metric, measured, gate.no_worse_than, worse=True)
    assert room is not None  # noqa: S101 - there is a difference
    low, _ = room.bounds(gate.confidence)
    if low > 0:
        return "pass", ""
    if said == "worse" and room.estimate <= 0:
        sure = f"{gate.confidence * 100:g}% confidence"
        return "fail", f"it is worse at {sure}, and the best estimate lies beyond the margin"
    return "inconclusive", _open(measured, room, gate.confidence, "it could be worse by more than the margin")


def _within(gate: config.Gate, metric: Metric, measured: Measured) -> tuple[records.GateOutcome, str]:
    assert gate.within is not None  # noqa: S101 - the caller chose by it
    if measured.identical:
        return "pass", "both models say the same on every row"
    below = decide.clearance(metric, measured, gate.within, worse=True)  # above the lower border
    above = decide.clearance(metric, measured, gate.within, worse=False)  # above the upper one
    assert below is not None  # noqa: S101 - there is a difference
    assert above is not None  # noqa: S101
    low, low_end = below.bounds(gate.confidence)
    high_end, high = above.bounds(gate.confidence)
    if low > 0 and high < 0:
        return "pass", ""
    if low_end < 0:
        return "fail", "it is worse by more than the margin"
    if high_end > 0:
        return "fail", "it is better by more than the margin: not the same any more"
    nearest = min(below, above, key=lambda room: abs(room.estimate))
    return "inconclusive", _open(measured, nearest, gate.confidence, "it could lie outside the margin")


def _better(
    gate: config.Gate, metric: Metric, measured: Measured, results: Results
) -> tuple[records.GateOutcome, str]:
    assert gate.better_by is not None  # noqa: S101 - the caller chose by it
    if measured.identical or results.same_model:
        return "fail", "the candidate is the baseline: it cannot be better"
    room = decide.clearance(metric, measured, gate.better_by, worse=False)
    assert room is not None  # noqa: S101 - there is a difference
    low, high = room.bounds(gate.confidence)
    if low > 0:
        return "pass", ""
    if high <= 0:
        return "fail", "it is not better by that much"
    return "inconclusive", _open(measured, room, gate.confidence, "it may or may not be better by that much")


def _open(measured: Measured, room: Contrast, confidence: float, what: str) -> str:
    half = room.half_width(confidence)
    needed = rows_to_settle(measured.rows, half, abs(room.estimate))
    known = f"\N{PLUS-MINUS SIGN}{wording.number(half, 2)}"
    able = f"{what}: on {digits.counted(measured.rows)} the difference is known to {known}"
    return "; ".join(text for text in (able, wording.size_hint(needed, measured.rows)) if text)


# --- every slice -----------------------------------------------------------------------------------------


def _over_slices(results: Results, gate: config.Gate) -> records.GateRow:
    assert gate.slices is not None  # noqa: S101 - the caller chose by it
    label = gate.metric.label
    every = [part for part in results.slices[gate.slices] if not gate.only or part.ref.value in gate.only]
    judged = [part for part in every if part.judged(label)]
    if not judged:
        note = f"no slice of {gate.slices} is large enough to judge"
        if gate.only and not every:
            note = f"no row has {gate.slices} {' or '.join(gate.only)}"
        nothing = Measured(0, None, None, {}, enough=False, note=note)
        return _judge(results, gate, nothing, None, 1.0, 1)
    adjusted = holm([_p(part.measured[label]) for part in judged])
    rows = [
        _judge(results, gate, part.measured[label], part.ref, p_value, len(judged))
        for part, p_value in zip(judged, adjusted, strict=True)
    ]
    metric = results.metrics[label]
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    # What is waived comes after what blocks: one waived slice does not hide another.
    late = any(row.blocks for row in rows)
    worst = min(
        rows,
        key=lambda row: (late and row.waived is not None, order[row.outcome], _goodness(gate, metric, row)),
    )
    return msgspec.structs.replace(
        worst, detail="; ".join(filter(None, (worst.detail, _others(rows, worst))))
    )


def _others(rows: Sequence[records.GateRow], worst: records.GateRow) -> str:
    """What the one row of a gate over slices does not show: `1 more slice fails, 2 cannot be decided`."""
    rest = [row.outcome for row in rows if row is not worst]
    failed, open_ = rest.count("fail"), rest.count("inconclusive")
    told = []
    if failed:
        told.append(f"{failed:,} more {'slice fails' if failed == 1 else 'slices fail'}")
    if open_:
        noun = "" if failed else " more slice" if open_ == 1 else " more slices"
        told.append(f"{open_:,}{noun} cannot be decided")
    return ", ".join(told)


def too_small(results: Results) -> list[str]:
    """A sentence for each column whose gates leave slices out: every verdict is without them."""
    found = {}
    for gate in results.model.gates:
        if not gate.slices or gate.slices in found:
            continue
        every = [part for part in results.slices[gate.slices] if not gate.only or part.ref.value in gate.only]
        small = sum(not part.judged(gate.metric.label) for part in every)
        if small and len(every) > small:
            found[gate.slices] = (
                f"{small:,} of {len(every):,} slices by {gate.slices} have too few rows to be judged; "
                "the gates speak of the others."
            )
    return list(found.values())


def _goodness(gate: config.Gate, metric: Metric, row: records.GateRow) -> float:
    value = row.difference if _relative(gate) else row.candidate
    return decide.sign(metric) * (value or 0.0)


# --- without a baseline, without gates -------------------------------------------------------------------


def _first_version(results: Results) -> records.GateRow | None:
    """A first version needs the policy's word (`first: allowed`); its absence is a failed gate of its own."""
    if results.baseline.status == "present":
        return None
    stage = results.model.stage(results.baseline.stage)
    if stage is not None and stage.first == "allowed":
        return None
    name = results.baseline.stage
    return _plain(
        f"models.{results.model.name}.stages.{name}.first",
        f"A baseline in {name}",
        f"there is no version in {name} to compare with, and the policy does not allow a first version;"
        f" set `first: allowed` for the stage {name} if this is the first one",
    )


def _policy_row(results: Results) -> records.GateRow:
    return _plain(
        f"models.{results.model.name}.gates",
        "At least one blocking gate",
        "the policy has no gate that blocks, so that any model would pass;"
        " add one, such as `{metric: " + next(iter(results.metrics.values())).name + ", no_worse_than: 1%}`",
    )


def _plain(path: str, title: str, detail: str) -> records.GateRow:
    return records.GateRow(
        path=path, title=title, metric=None, slice=None, severity="block", outcome="fail", baseline=None,
        candidate=None, difference=None, interval=None, verdict="not compared", detail=detail,
    )  # fmt: skip


def _without_baseline(results: Results, gate: config.Gate) -> records.GateRow:
    stage = results.model.stage(results.baseline.stage)
    allowed = stage is not None and stage.first == "allowed"
    return records.GateRow(
        path=gate.path,
        title=_title(results, gate),
        metric=gate.metric.label,
        slice=None,
        severity=gate.severity,
        outcome="pass" if allowed else "inconclusive",
        baseline=None,
        candidate=results.whole[gate.metric.label].candidate,
        difference=None,
        interval=None,
        verdict="not compared",
        detail="no baseline: first version, allowed by the policy"
        if allowed
        else "no baseline to compare with",
    )


def _relative(gate: config.Gate) -> bool:
    return gate.no_worse_than is not None or gate.better_by is not None or gate.within is not None


def _title(results: Results, gate: config.Gate) -> str:
    single = next((one.where is not None for one in results.model.slices if one.column == gate.slices), False)
    return wording.gate_title(gate, results.metrics[gate.metric.label], single=single)


def _p(measured: Measured) -> float:
    if measured.difference is None or not measured.enough:
        return 1.0
    return measured.difference.p_value()
