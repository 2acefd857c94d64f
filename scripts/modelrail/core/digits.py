"""How many decimals a difference is worth: as many as its interval supports."""

from __future__ import annotations

import math
import re

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


_ONE = {"are": "is", "have": "has", "repeat": "repeats", "stand": "stands", "were": "was"}
_PLURAL = re.compile(r"\b(row|list|group|block|slice|value|column|key|tag|commit|version)s\b")


def counted(amount: int, noun: str = "rows", verb: str = "") -> str:
    """`1 row is`, `2 rows are`, `1 row of the rarest class`: noun and verb are given in their plural."""
    if amount == 1:
        noun = _PLURAL.sub(r"\1", noun, count=1)
        verb = _ONE.get(verb, verb)
    return f"{amount:,} {noun} {verb}".rstrip()


def of_all(amount: int, total: int, noun: str, verb: str) -> str:
    """`1 of 300 rows has`: the noun goes by what there is, the verb by how many of them."""
    return f"{amount:,} of {counted(total, noun)} {_ONE.get(verb, verb) if amount == 1 else verb}"
