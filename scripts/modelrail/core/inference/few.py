"""Differences that few rows make up: the end of their interval that lies further from zero.

A ROC AUC near one from a dozen positive rows often shows none of the rows that make up its error, and then
looks surer than it is: of two models that differ, `difference + t * error` ends below the true difference in
12% of the cases instead of 2.5%. What the rows of the rarer class say for the candidate and what they say
against it are two sums of positive parts. Such a sum has the gamma interval of weighted Poisson counts, which
allows for one more row like the largest (Fay & Feuer 1997, Stat. Med. 16:791-801), here with the spread of
rows whose number is given. A dozen rows tell their spread and their mean no better than a dozen rows do: the
quantile is Student's, and what of the mean may as well be none is not taken from the spread. Both sums and
the other class, of normal spread, together make the reach (MOVER, Zou & Donner 2008, Stat. Med.
27:1693-1702). It counts where it is longer than Student's, and at the end away from zero alone: whether the
models differ at all is Student's test, which holds its error rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from modelrail.core.inference import student
from modelrail.core.metrics.estimate import FEW, Floats

ROUNDING = 1e-12  # parts that are no more than this are none
# Rows in groups: what more of them say together is no sum of few parts, and Student's holds. Of rows by
# themselves it is FEW, from where on the longer reach is the same to a hundredth.
GROUPED = 200


@dataclass(frozen=True)
class Sum:
    """Of positive parts: their sum, that of their squares, and the largest."""

    total: float
    square: float
    largest: float

    @classmethod
    def of(cls, parts: Floats) -> Sum:
        return cls(float(parts.sum()), float(parts @ parts), float(parts.max(initial=0.0)))

    def above(self, z: float) -> float:
        """How far the true sum may lie above."""
        total, square = self.total + self.largest, self.square + self.largest**2
        return _quantile(total, square, z) - self.total if total > 0 else 0.0

    def below(self, z: float) -> float:
        return self.total - _quantile(self.total, self.square, -z) if self.total > 0 else 0.0


@dataclass(frozen=True)
class Few:
    """`gains`, `losses`: what rows of the rarer class say for the candidate, and against it."""

    gains: Sum
    losses: Sum
    rows: int
    around: float  # their mean square around the part of the mean that is sure, over that around zero
    rest: float  # variance that the other class brings to the difference

    @property
    def side(self) -> int:
        """1 where the longer end is the upper one, -1 where it is the lower one."""
        return 1 if self.gains.total > self.losses.total else -1

    def mirrored(self) -> Few:
        return Few(self.losses, self.gains, self.rows, self.around, self.rest)

    def reach(self, confidence: float, t: float) -> float:
        """How far that end may lie from the difference. `t`: standard errors of what is normal."""
        z = student.critical(confidence, self.rows - 1)
        more, less = (self.gains, self.losses) if self.side > 0 else (self.losses, self.gains)
        own = self.around * (more.above(z) ** 2 + less.below(z) ** 2) / self.rows**2
        return math.sqrt(own + t * t * self.rest)


def find(differences: Floats, variance: float) -> Few | None:
    """`differences`: by row of the rarer class (or by group of rows), what it says for the candidate;
    `variance`: of their mean's estimate, with what the other class brings. None where all of them are zero.
    """
    rows = differences.size
    gains, losses = differences[differences > ROUNDING], -differences[differences < -ROUNDING]
    if rows < 2 or rows > FEW or not (gains.size or losses.size):
        return None
    own = float(np.var(differences, ddof=1))
    sure = max(abs(float(differences.mean())) - math.sqrt(own / rows), 0.0)
    around = max(1 - sure * sure * rows / float(differences @ differences), 0.0)
    return Few(Sum.of(gains), Sum.of(losses), rows, around, max(variance - own / rows, 0.0))


def _quantile(mean: float, variance: float, z: float) -> float:
    """Of the gamma distribution with these moments (Wilson & Hilferty 1931, PNAS 17:684-688)."""
    ninth = variance / (9 * mean * mean)  # a ninth of the inverse of its shape
    return mean * max(1 - ninth + z * math.sqrt(ninth), 0.0) ** 3
