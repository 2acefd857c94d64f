"""How many decimals a difference is worth: as many as its interval supports."""

from __future__ import annotations

import math

MOST = 6


def places(low: float, high: float) -> int | None:
    """Two digits of the half width when it begins with 1 or 2, else one; None where it says nothing.

    A half width of 0.03 to 0.1 has two as well: scores between 0 and 1 are compared by their third decimal.
    An end that is not zero is not shown as zero, where a digit more avoids it.
    """
    half = (high - low) / 2
    if not (half > 0 and math.isfinite(half)):
        return None
    if half < 10.0**-MOST:
        return MOST
    exponent = math.floor(math.log10(half))
    digits = -exponent + (1 if half / 10.0**exponent < 3 or exponent == -2 else 0)
    digits = min(MOST, max(0, digits))
    nearest = min(abs(low), abs(high))
    if low * high > 0 and nearest * 10.0**digits < 0.5 <= nearest * 10.0 ** (digits + 1):
        digits = min(MOST, digits + 1)
    return digits
