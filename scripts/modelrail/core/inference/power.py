"""What a test set could have shown, and how many rows would settle an open question."""

from __future__ import annotations

import math

MIN_SUPPORT = 10  # rows that a value must rest on before an interval means anything
MIN_CLUSTERS = 6  # clusters, likewise: below, cluster-robust errors are far too small (Cameron & Miller 2015)
BEYOND = 1000  # times the rows: further than anybody plans


def rows_for_support(rows: int, support: int, needed: int = MIN_SUPPORT) -> int | None:
    """Rows at which the support would be enough, at the same share; None when the share is unknown."""
    return None if support <= 0 else math.ceil(rows * needed / support)


def rows_to_settle(rows: int, half_width: float, distance: float) -> int | None:
    """Rows at which the interval, shrinking by the square root, would clear a bound at this distance.

    None where the bound cannot be cleared, or not by so many rows as BEYOND allows.
    """
    if distance <= 0 or half_width <= 0:
        return None
    factor = (half_width / distance) ** 2
    return None if factor > BEYOND else round_up(rows * factor)


def round_up(value: float) -> int:
    """Up, to two significant digits: these are orders of magnitude, not promises."""
    if value <= 10:
        return math.ceil(value)
    unit = 10 ** (math.floor(math.log10(value)) - 1)
    return int(math.ceil(value / unit) * unit)
