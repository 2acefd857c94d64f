"""The interval of a value by itself, where its range has an end: symmetric on a scale that has none.

Near an end the spread shrinks with the distance to it, and a sample that happens to lie closer looks surer
than it is: `value -+ t * error` of an AUC of 0.99 from a few positive rows begins too high in one case of
five. Three ways out, of which none leaves the range:

* counts: Wilson's interval (1927, JASA 22:209-212) of as many rows as would give a share this error, as for
  shares of unequally weighted or clustered rows (Franco et al. 2019, J. Surv. Stat. Methodol. 7:334-364);
* scores: the delta method on the scale of the logit (for the AUC: Qin & Hotilovac 2008, Stat. Methods Med.
  Res. 17:207-221);
* a range with one end: the delta method on the scale of the logarithm.

Differences need none of this: no end of their range is near.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Range(NamedTuple):
    """The range of a metric; `counts`: its value is a function of counts."""

    low: float | None
    high: float | None
    counts: bool = False


def interval(value: float, error: float, limits: Range, below: float, above: float) -> tuple[float, float]:
    """`below` and `above`: standard errors to each side. The value lies strictly within its range."""
    low, high = limits.low, limits.high
    if low is not None and high is not None:
        span = high - low
        share, error = (value - low) / span, error / span
        if limits.counts:
            size = share * (1 - share) / error**2
            return low + span * _wilson(share, size, -below), low + span * _wilson(share, size, above)
        centre, unit = math.log(share / (1 - share)), error / (share * (1 - share))
        return low + span * _expit(centre - below * unit), low + span * _expit(centre + above * unit)
    if low is not None:
        distance = value - low
        unit = error / distance
        return low + distance * _exp(-below * unit), low + distance * _exp(above * unit)
    if high is not None:
        distance = high - value
        unit = error / distance
        return high - distance * _exp(below * unit), high - distance * _exp(-above * unit)
    return value - below * error, value + above * error


def _wilson(share: float, size: float, reach: float) -> float:
    """The end of Wilson's interval that lies `reach` standard errors away, signed."""
    squared = reach * reach / size
    half = reach * math.sqrt(share * (1 - share) / size + squared / (4 * size))
    return min(max((share + squared / 2 + half) / (1 + squared), 0.0), 1.0)


def _expit(x: float) -> float:
    return 1 / (1 + _exp(-x))


def _exp(x: float) -> float:
    return math.exp(min(max(x, -700.0), 700.0))
