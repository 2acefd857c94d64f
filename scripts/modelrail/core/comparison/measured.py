"""What a measurement gave: both values, the contrasts between them, and why one may be absent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from modelrail.core.inference.bounded import Range
from modelrail.core.inference.contrast import Contrast
from modelrail.core.inference.mcnemar import McNemar
from modelrail.core.metrics.catalog import Metric
from modelrail.core.metrics.estimate import Estimate
from modelrail.core.rows.joint import Joint
from modelrail.errors import ComparisonError

DIFFERENCE, ALONE = 1.0, 0.0  # factors of the baseline in a contrast


@dataclass(frozen=True)
class Measured:
    """`contrasts[k]` is candidate - k * baseline; empty where a value is not defined."""

    rows: int
    candidate: float | None
    baseline: float | None
    contrasts: dict[float, Contrast]
    enough: bool  # whether the rows carry an interval at all
    note: str = ""  # why not, or why a value is absent
    identical: bool = False  # both models said the same on every row
    mcnemar: McNemar | None = None  # where it was asked for, and rows are independent and weigh alike
    point_only: bool = False  # a value that can have no interval: what training reported, a maximum

    @property
    def tested(self) -> bool:
        """Whether there is a test of no difference, which counts in its family."""
        return self.enough and DIFFERENCE in self.contrasts

    @property
    def difference(self) -> Contrast | None:
        return self.contrasts.get(DIFFERENCE)


def by_mcnemar(found: Measured, joint: Joint) -> Measured:
    if found.difference is None:
        return found
    right, theirs = joint.candidate == joint.truth, joint.baseline == joint.truth
    test = McNemar(*(int(joint.counts[one & ~two].sum()) for one, two in ((right, theirs), (theirs, right))))
    contrasts = found.contrasts | {DIFFERENCE: replace(found.difference, tested=test.p_value())}
    return replace(found, contrasts=contrasts, mcnemar=test)


def combine(one: Estimate, two: Estimate | None, factor: float) -> float:
    assert one.value is not None  # noqa: S101 - contrasts are made of defined values only
    return one.value if two is None or not factor else one.value - factor * (two.value or 0.0)


def floored(metric: Metric, found: Contrast, support: int) -> Contrast:
    """Models that differ without any spread (both perfect, say): what n rows cannot rule out is 3/n.

    Hanley & Lippman-Hand 1983, "If nothing goes wrong, is everything all right?", JAMA 249:1743-1745.
    """
    if found.error or metric.span is None:
        return found
    return Contrast(found.estimate, 0.0, found.df, floor=min(1.0, -math.log(0.025) / support) * metric.span)


def ranged(metric: Metric, found: Contrast, support: int) -> Contrast:
    """A value by itself: its interval keeps to the metric's range, and is the wider the nearer its end."""
    if metric.biased or found.skew is not None or found.replicates is not None:
        return found
    if not found.error or not (_inside(metric.low, found.estimate) and _inside(found.estimate, metric.high)):
        return floored(metric, replace(found, error=0.0), support) if metric.span is not None else found
    return replace(found, range=Range(metric.low, metric.high, counts=metric.family == "cells"))


def _inside(low: float | None, high: float | None) -> bool:
    return low is None or high is None or high - low > ROUNDING


ROUNDING = 1e-12  # of the values: what sums in another order differ by


def without_rounding(found: Contrast, one: Estimate, two: Estimate | None) -> Contrast:
    """A difference, or a spread of it, that is no more than rounding is none."""
    scale = ROUNDING * max(abs(known.value or 0.0) for known in (one, two) if known is not None)
    if found.error > scale:
        return found
    estimate = found.estimate if abs(found.estimate) > scale else 0.0
    return replace(found, estimate=estimate, error=0.0, skew=None)


def refuse_non_finite(metric: Metric, *estimates: Estimate | None) -> None:
    for found in estimates:
        if found is None or found.value is None:
            continue
        if not (math.isfinite(found.value) and bool(np.isfinite(found.influence).all())):
            raise ComparisonError(
                f"{metric.name} is not a finite number on these predictions.",
                next="Look for extreme values in the column 'prediction'; a missing number is never a pass.",
            )
