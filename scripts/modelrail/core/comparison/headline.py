"""The reason for a verdict in one plain sentence."""

from __future__ import annotations

from collections.abc import Sequence

from modelrail import records
from modelrail.core import digits, wording
from modelrail.core.comparison import decide
from modelrail.core.policy.gates import Results


def headline(results: Results, rows: Sequence[records.GateRow], verdict: records.GateOutcome) -> str:
    if verdict == "pass":
        return _passed(results, rows)
    row = _deciding(rows, verdict)
    if row.metric is None:
        return f"{wording.capital(row.detail)}."
    told = _told(results, row)
    if verdict == "fail":
        if not told:
            return f"{row.title}: {row.detail or 'failed'}."
        return f"{told}{_hidden(results, row)}{_asked(results, row)}."
    reason = row.detail or "the rows do not suffice"
    return f"These rows cannot say whether the gate “{row.title}” holds: {reason}."


def short(results: Results, rows: Sequence[records.GateRow], verdict: records.GateOutcome) -> str:
    """The same in half a line: `Recall for carrier EV fell by 4.1 points [2.9, 5.3]`."""
    if verdict == "pass":
        return _passed_short(results, rows)
    row = _deciding(rows, verdict)
    if row.metric is None:
        return row.title or row.detail
    metric = results.metrics[row.metric]
    if verdict == "inconclusive":
        return f"{digits.counted(_rows(results, row))} cannot say whether “{row.title}” holds"
    if row.difference is None or row.interval is None or not row.path or _is_floor(results, row):
        said = f" {row.detail}" if _is_floor(results, row) and row.detail else ": does not hold"
        return f"{wording.subject(metric, row.slice)}{said}" if row.path else row.title
    told = wording.change_short(metric, row.difference, row.interval, row.slice)
    return f"{told}{_asked(results, row)}"


def _deciding(rows: Sequence[records.GateRow], verdict: records.GateOutcome) -> records.GateRow:
    """A slice that the average hides comes first, then the gates in the policy's order."""
    blocking = [row for row in rows if row.blocks and row.outcome == verdict]
    return min(blocking, key=lambda one: (one.metric is not None, one.slice is None))


def _told(results: Results, row: records.GateRow) -> str:
    """What changed, for gates on the difference; nothing for floors and ceilings."""
    if row.difference is None or row.metric is None:
        return ""
    metric = results.metrics[row.metric]
    if row.interval is None or not row.path:
        return ""
    if _is_floor(results, row):
        return _floor(results, row)
    return wording.change(metric, row.difference, row.interval, _rows(results, row), row.slice)


def _asked(results: Results, row: records.GateRow) -> str:
    """What a gate wants that a change for the better can miss: without it a rise would read as the reason."""
    gate = next((one for one in results.model.gates if one.path == row.path), None)
    if gate is None or (gate.better_by is None and gate.within is None):
        return ""
    return f"; the gate asks for “{row.title}”"


def _is_floor(results: Results, row: records.GateRow) -> bool:
    """Whether the gate is on the value itself, not on its difference."""
    gate = next((one for one in results.model.gates if one.path == row.path), None)
    return gate is None or gate.min is not None or gate.max is not None


def _floor(results: Results, row: records.GateRow) -> str:
    metric = results.metrics[row.metric or ""]
    return f"{wording.subject(metric, row.slice)}: {row.detail} ({digits.counted(_rows(results, row))})"


def _hidden(results: Results, row: records.GateRow) -> str:
    if row.slice is None or row.metric is None:
        return ""
    gain = decide.improvement(results.metrics[row.metric], results.whole[row.metric])
    if gain is None or gain <= 0:
        return ""
    if _gained(results, row.metric):
        return ", hidden behind a better average"
    other = next((label for label in results.metrics if _gained(results, label)), None)
    return f", hidden behind a better {wording.title(results.metrics[other])} over all rows" if other else ""


def _gained(results: Results, label: str) -> bool:
    """Whether a metric over all rows is better beyond its interval."""
    metric, whole = results.metrics[label], results.whole[label]
    interval = decide.shown_interval(metric, whole, decide.CONFIDENCE)
    gain = decide.improvement(metric, whole)
    return interval is not None and gain is not None and gain > 0 and (interval.low > 0 or interval.high < 0)


def _passed(results: Results, rows: Sequence[records.GateRow]) -> str:
    every = _every(rows)
    if results.baseline.status == "absent":
        return f"{every}; this is the first version, with no baseline to compare with."
    if results.same_model:
        return f"{every}: the candidate is the very model that is in {results.baseline.stage}."
    best = _best(rows)
    if best is None or best.difference is None or best.metric is None:
        return f"{every}."
    metric = results.metrics[best.metric]
    told = wording.change(metric, best.difference, best.interval, _rows(results, best), best.slice)
    return f"{every}: {told}."


def _passed_short(results: Results, rows: Sequence[records.GateRow]) -> str:
    every = _every(rows)
    if results.baseline.status == "absent":
        return f"{every}; it would be the first version"
    if results.same_model:
        return f"{every}; it is the very model that is in {results.baseline.stage}"
    best = _best(rows)
    if best is None or best.difference is None or best.interval is None or best.metric is None:
        return every
    told = wording.change_short(results.metrics[best.metric], best.difference, best.interval, best.slice)
    return f"{every}; {told}"


def _every(rows: Sequence[records.GateRow]) -> str:
    gates = [row for row in rows if row.metric is not None]
    count = sum(row.outcome == "pass" for row in gates)
    waived = sum(row.waived is not None for row in rows)
    if waived:
        return f"No gate blocks ({count} of {len(gates)} pass, {waived} waived)"
    if len(gates) == 1:
        return "The gate passes" if count else "The gate does not block"
    if count == len(gates):
        return "Both gates pass" if count == 2 else f"All {count} gates pass"
    return f"All blocking gates pass ({count} of {len(gates)})"


def _best(rows: Sequence[records.GateRow]) -> records.GateRow | None:
    gates = [row for row in rows if row.metric is not None]
    return next((row for row in gates if row.verdict == "better" and row.slice is None), None) or next(
        (row for row in gates if row.difference is not None and row.interval is not None), None
    )


def _rows(results: Results, row: records.GateRow) -> int:
    label = row.metric or ""
    if row.slice is None:
        return results.whole[label].rows
    parts = results.slices[row.slice.column]
    return next(part.measured[label].rows for part in parts if part.ref == row.slice)
