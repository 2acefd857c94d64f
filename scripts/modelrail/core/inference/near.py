"""The end of a difference's interval that lies nearer to zero, where it has a spread of its own.

Which one that is was settled when the difference was taken: it stays that end when a margin is added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from modelrail.core.inference import student


@dataclass(frozen=True)
class Near:
    error: float  # standard error, larger than zero
    side: int  # -1: the lower end, 1: the upper one
    df: float

    def end(self, estimate: float, confidence: float) -> float:
        return estimate + self.side * self.error * student.critical(confidence, self.df)

    def p_value(self, estimate: float) -> float | None:
        """Two-sided, of zero; None where the other end lies between the estimate and zero."""
        return student.two_sided_p(estimate / self.error, self.df) if self.side * estimate < 0 else None

    def mirrored(self) -> Near:
        return replace(self, side=-self.side)
