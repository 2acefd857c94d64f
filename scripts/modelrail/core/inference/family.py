"""Several tests at once: Holm's step-down correction (Holm 1979, Scand. J. Stat. 6:65-70)."""

from __future__ import annotations

from collections.abc import Sequence

CORRECTION = "holm"


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given. Any dependence between the tests is allowed."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
