"""What one comparison says: better, not worse, worse, or that these rows cannot say.

The statistics behind the four words, so that each has a stated error rate:

* The interval of `candidate - baseline` is two-sided at the confidence c (95% unless the gate says
  otherwise).
* `better` and `worse` are tests that the true difference is not zero, at the level 1 - c over both sides,
  corrected by Holm for the family the test belongs to (all metrics on all rows; the slices that one gate
  compares; all other metrics on slices).
  With two equally good models, the chance of any `better` or `worse` in a family is at most 1 - c, half of
  it for each word. Families add up: a comparison that judges two has twice that.
* `not worse` needs a margin: non-inferiority (Blackwelder 1982, Control. Clin. Trials 3:345-353) is shown
  when the whole interval lies above -margin, which a model truly worse by the margin passes with chance (1
  - c) / 2 at most. No correction is needed: the verdict needs every gate to pass, and that a conjunction of
  tests does not inflate (intersection-union tests, Berger 1982, Technometrics 24:295-300). A relative
  margin is tested as the linear contrast candidate - (1 -+ r) x baseline, so that the noise of the baseline
  counts.
* Without a margin nobody has said what "not worse" would mean: the answer is then `better`, `worse` or
  `inconclusive`. Failing to find a difference is not evidence of equality.
* A difference can be surely below zero and yet within the margin: then it is `not worse`, since that is the
  question the policy asked.
* The very same answers on every row are `not worse`, whatever the margin, and the same model is never
  `better`.
* A value that rests on too few rows (see `power.MIN_SUPPORT`) is `inconclusive` before anything is tested.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import wording
from modelrail.core.comparison.measured import ALONE, DIFFERENCE, Measured
from modelrail.core.inference import skewed
from modelrail.core.inference.contrast import Contrast
from modelrail.core.inference.power import rows_to_settle
from modelrail.core.metrics.catalog import Metric

CONFIDENCE = 0.95  # of what is shown where no gate sets it


@dataclass(frozen=True)
class Answer:
    verdict: records.MetricVerdict
    note: str = ""


def sign(metric: Metric) -> float:
    return 1.0 if metric.higher_is_better else -1.0


def factors(margins: list[config.Margin]) -> set[float]:
    """The contrasts that these margins will ask for, whatever the sign of the baseline."""
    relative = {margin.value for margin in margins if margin.relative}
    return {DIFFERENCE} | {1 - value for value in relative} | {1 + value for value in relative}


def improvement(metric: Metric, measured: Measured) -> float | None:
    """The difference, positive when the candidate is the better one."""
    return None if measured.difference is None else sign(metric) * measured.difference.estimate


def clearance(metric: Metric, measured: Measured, margin: config.Margin, *, worse: bool) -> Contrast | None:
    """How far the candidate is on the good side of the margin: below the baseline (`worse`), or above it."""
    if measured.difference is None or measured.baseline is None:
        return None
    toward = margin.value if worse else -margin.value
    if not margin.relative:
        found, shift = measured.difference, toward
    else:
        side = 1.0 if measured.baseline >= 0 else -1.0
        found, shift = measured.contrasts[1 - sign(metric) * side * toward], 0.0
    return found.moved(sign(metric), shift)


def shown_interval(metric: Metric, measured: Measured, confidence: float) -> records.Interval | None:
    """The interval of the difference, within what the metric's range allows."""
    if measured.difference is None or not measured.enough:
        return None
    return _interval(metric, measured.difference, confidence, *_limits(metric))


def own_interval(metric: Metric, measured: Measured, confidence: float) -> records.Interval | None:
    """The interval of the candidate's value by itself."""
    found = measured.contrasts.get(ALONE)
    if found is None or not measured.enough:
        return None
    return _interval(metric, found, confidence, metric.low, metric.high)


def _limits(metric: Metric) -> tuple[float | None, float | None]:
    return (None, None) if metric.span is None else (-metric.span, metric.span)


def _interval(
    metric: Metric, found: Contrast, confidence: float, lowest: float | None, highest: float | None
) -> records.Interval:
    low, high = found.bounds(confidence)
    return records.Interval(
        low=low if lowest is None else max(low, lowest),
        high=high if highest is None else min(high, highest),
        confidence=confidence,
        method=metric.method if found.skew is None else skewed.METHOD,
    )


def answer(
    metric: Metric,
    measured: Measured,
    margin: config.Margin | None,
    *,
    p_value: float,
    confidence: float = CONFIDENCE,
    same_model: bool = False,
    family: int = 1,
) -> Answer:
    """`p_value` is the test of no difference, already corrected for its family of this size."""
    if measured.baseline is None and not measured.note and measured.difference is None:
        return Answer("not compared")
    if measured.point_only:
        return Answer("not compared", measured.note)
    if not measured.enough or measured.difference is None:
        return Answer("inconclusive", measured.note)
    if measured.identical:
        return Answer("not worse", "both models say the same on every row")
    room = None if margin is None else clearance(metric, measured, margin, worse=True)
    cleared = _low(room, confidence) > 0
    gain = improvement(metric, measured)
    assert gain is not None  # noqa: S101 - there is a difference
    significant = p_value < 1 - confidence
    if significant and gain > 0:
        return Answer("not worse", "the same model as the baseline") if same_model else Answer("better")
    if cleared:
        return Answer("not worse")
    if significant:
        return Answer("worse")
    needed = wording.rows_needed(_needed(measured, room, confidence, family), measured.rows)
    if measured.difference.p_value() < 1 - confidence:
        told = f"{confidence:.0%} interval excludes 0, but not once corrected for {family} tests (Holm)"
    else:
        half = measured.difference.half_width(confidence)
        told = f"no clear change, known to \N{PLUS-MINUS SIGN}{wording.number(half, 2)}"
    return Answer("inconclusive", f"{told}; {needed}")


def _needed(measured: Measured, room: Contrast | None, confidence: float, family: int) -> int | None:
    """Rows that would settle it: that it keeps the margin, or that it changes, at its first step of Holm."""
    assert measured.difference is not None  # noqa: S101 - the caller has looked
    sure = measured.difference.half_width(1 - (1 - confidence) / max(1, family))
    ways = [rows_to_settle(measured.rows, sure, abs(measured.difference.estimate))]
    if room is not None:
        ways.append(rows_to_settle(measured.rows, room.half_width(confidence), room.estimate))
    return min((rows for rows in ways if rows is not None), default=None)


def _low(found: Contrast | None, confidence: float) -> float:
    return float("-inf") if found is None else found.bounds(confidence)[0]
