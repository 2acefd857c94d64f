"""What a metric's function gives back, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A value with its empirical influence values.

    `influence` holds, for each row (family `rows`) or each cell of the confusion matrix (family `cells`),
    how much one row there pulls the value: value(F + e*(row - F)) = value(F) + e*influence + o(e). Its mean
    over the rows is zero; its mean square over n is the variance of the value. Differences of influences
    are those of differences, which is why pairing, clusters and relative margins need no code of their own.
    """

    value: float | None  # None: not defined on these rows, `note` says why
    influence: Floats
    support: int  # how many rows the value rests on
    note: str = ""


def undefined(note: str, shape: tuple[int, ...], support: int = 0) -> Estimate:
    return Estimate(None, np.zeros(shape), support, note)


class View:
    """Truth and one model's output on some rows, with what several metrics share (the sort) kept once."""

    def __init__(self, truth: NDArray[np.generic], output: Floats) -> None:
        self.truth = truth  # binary: bool; multiclass: class codes; regression: float
        self.output = output  # binary: score; multiclass: (n, K) probabilities; regression: prediction

    @cached_property
    def ranks(self) -> Ranks:
        return Ranks.of(self.output)


@dataclass(frozen=True)
class Ranks:
    """Rows in ascending order of score, ties gathered in blocks."""

    order: Ints
    starts: Ints  # first position of each block of equal scores
    sizes: Ints

    @classmethod
    def of(cls, scores: Floats) -> Ranks:
        order = np.argsort(scores)
        ordered = scores[order]
        edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        starts = np.concatenate(([0], edges)) if scores.size else edges
        return cls(order, starts, np.diff(np.concatenate((starts, [scores.size]))))

    def block_sums(self, per_row: NDArray[np.generic]) -> Floats:
        """Sum of a per-row quantity in each block."""
        if not self.starts.size:
            return np.zeros(0)
        return np.add.reduceat(per_row[self.order].astype(np.float64), self.starts)

    def scatter(self, per_block: Floats) -> Floats:
        """A per-block quantity back on the rows."""
        out = np.empty(self.order.size)
        out[self.order] = np.repeat(per_block, self.sizes)
        return out
