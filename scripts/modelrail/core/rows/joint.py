"""The rows counted by (truth, candidate, baseline): all that a count metric needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from modelrail.core.metrics.estimate import Estimate, Floats, Ints

PIECE = 1 << 20  # rows counted at a time
DENSE_CELLS = 1 << 16  # up to 40 classes the joint table is counted densely


@dataclass(frozen=True)
class Joint:
    """The rows counted by (truth, candidate, baseline): all a count metric needs, mergeable by addition."""

    truth: Ints
    candidate: Ints
    baseline: Ints
    counts: Floats  # rows, by weight
    squares: Floats  # sums of squared weights: what the variance is made of; equal to the counts without
    cell_of_row: Ints
    classes: int

    @classmethod
    def count(
        cls, truth: Ints, candidate: Ints, baseline: Ints, classes: int, weights: Floats | None = None
    ) -> Joint:
        if classes**3 <= DENSE_CELLS:
            cells = np.arange(classes**3)
            counts, cell_of_row = _dense(truth, candidate, baseline, classes)
        else:
            codes = (truth.astype(np.int64) * classes + candidate) * classes + baseline
            cells, cell_of_row, counts = np.unique(codes, return_inverse=True, return_counts=True)
        rest, last = np.divmod(cells, classes)
        first, second = np.divmod(rest, classes)
        counted: Floats = counts.astype(np.float64)
        squares = counted
        if weights is not None:
            counted = np.bincount(cell_of_row, weights, cells.size).astype(np.float64, copy=False)
            squares = np.bincount(cell_of_row, weights**2, cells.size).astype(np.float64, copy=False)
        return cls(first, second, last, counted, squares, cell_of_row, classes)

    def confusion(self, predicted: Ints) -> Floats:
        flat = np.bincount(
            self.truth * self.classes + predicted, weights=self.counts, minlength=self.classes**2
        )
        return flat.astype(np.float64, copy=False).reshape(self.classes, self.classes)

    def class_counts(self) -> Floats:
        per_class = np.bincount(self.truth, weights=self.counts, minlength=self.classes)
        return per_class.astype(np.float64, copy=False)


def _dense(truth: Ints, candidate: Ints, baseline: Ints, classes: int) -> tuple[Ints, Ints]:
    """Counts and codes of the joint cells, piece by piece: only the codes, two bytes a row, stay."""
    counts = np.zeros(classes**3, dtype=np.int64)
    cell_of_row = np.empty(truth.size, dtype=np.uint16)
    for start in range(0, truth.size, PIECE):
        part = slice(start, start + PIECE)
        codes = truth[part].astype(np.int64) * classes
        codes += candidate[part]
        codes *= classes
        codes += baseline[part]
        counts += np.bincount(codes, minlength=classes**3)
        cell_of_row[part] = codes
    return counts, cell_of_row.view()  # type: ignore[return-value] # smaller integers do as well


def confusion(truth: Ints, predicted: Ints, classes: int, weights: Floats | None = None) -> Floats:
    """Rows, by weight, of each class and prediction."""
    cells = truth.astype(np.int64) * classes + predicted
    flat = np.bincount(cells, weights=weights, minlength=classes**2)
    return flat.astype(np.float64, copy=False).reshape(classes, classes)


def disagreements(per_class: Floats) -> Floats:
    """Pseudo-rows, by class and wrong answer: one model right and the other wrong; as many the other way.

    They weigh one row in each direction altogether, spread evenly over the classes that are there; a wrong
    answer falls on the other classes by their share of the rows. For accuracy this is Bonett and Price's
    interval, for recall (half a row a cell among the positives) Agresti and Min's.
    """
    present = per_class > 0
    share = np.where(present, per_class, 0) / per_class.sum()
    rest = np.where(present & (share < 1), 1 - share, 1.0)
    weights: Floats = present[:, None] / present.sum() * share[None, :] / rest[:, None]
    np.fill_diagonal(weights, 0.0)
    if present.sum() == 1:  # the truth holds one class: wrong answers fall evenly on the others
        weights = np.where(present[:, None], 1 / max(len(per_class) - 1, 1), 0.0) * (
            1 - np.eye(len(per_class))
        )
    return weights


def with_pseudo_rows(weights: Floats, counts: Floats) -> Floats:
    """One model's table with the pseudo-rows of both directions: right in the one, wrong in the other."""
    return counts + weights + np.diag(weights.sum(axis=1))


def spread_with(weights: Floats, function: Callable[[Floats], Estimate], counts: Floats) -> Floats:
    """What each cell pulls in the table that the pseudo-rows are part of.

    As in both papers they count below the line as well: ten positive rows and one more are eleven. Taken at
    the table without them a pseudo-row of a rare class would pull by the weight of a whole row of ten.
    """
    return function(with_pseudo_rows(weights, counts)).influence


def pulls_of(one: Floats, two: Floats) -> Floats:
    """What the pseudo-rows pull, in the order of their weights and, the other way, once more."""
    right_one, right_two = np.diag(one)[:, None], np.diag(two)[:, None]
    return np.stack((right_one - two, one - right_two)).ravel()
