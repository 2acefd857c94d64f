"""Metrics of the confusion matrix: value and influence of each cell.

`counts[k, j]` is the number of rows of class k that were predicted as j. In a binary task class 1 is the
positive one. The value of each metric is a ratio of sums over cells, so that the influence of a cell is the
quotient rule.
"""

from __future__ import annotations

import numpy as np

from modelrail.core.metrics.estimate import Estimate, Floats, undefined


def accuracy(counts: Floats) -> Estimate:
    total = counts.sum()
    if not total:
        return undefined("there are no rows", counts.shape)
    right = np.eye(len(counts))
    value = float(np.trace(counts) / total)
    return Estimate(value, right - value, int(total))


def balanced_accuracy(counts: Floats) -> Estimate:
    """Mean recall over the classes that stand in the truth (as scikit-learn does)."""
    per_class = counts.sum(axis=1)
    present = per_class > 0
    if present.sum() < 2:
        return undefined("the rows hold one class only", counts.shape, _rarest(per_class))
    recalls = np.divide(np.diag(counts), per_class, out=np.zeros(len(counts)), where=present)
    share = np.divide(counts.sum(), per_class, out=np.zeros(len(counts)), where=present) / present.sum()
    influence = (np.eye(len(counts)) - recalls[:, None]) * share[:, None]
    return Estimate(float(recalls[present].mean()), influence, _rarest(per_class))


def precision(counts: Floats) -> Estimate:
    return _ratio(counts, _TRUE_POSITIVE, _PREDICTED, "no row is predicted positive")


def recall(counts: Floats) -> Estimate:
    return _ratio(counts, _TRUE_POSITIVE, _POSITIVE, "the rows hold no positive one")


def f1(counts: Floats) -> Estimate:
    if not counts[1].sum():
        return undefined("the rows hold no positive one", counts.shape)
    found = _ratio(counts, 2 * _TRUE_POSITIVE, _PREDICTED + _POSITIVE, "")
    return Estimate(found.value, found.influence, int(counts[1].sum()))


def macro_precision(counts: Floats) -> Estimate:
    return _macro(counts, of_truth=0.0, of_predicted=1.0)


def macro_recall(counts: Floats) -> Estimate:
    return _macro(counts, of_truth=1.0, of_predicted=0.0)


def macro_f1(counts: Floats) -> Estimate:
    return _macro(counts, of_truth=0.5, of_predicted=0.5)


def _macro(counts: Floats, *, of_truth: float, of_predicted: float) -> Estimate:
    """Mean over the classes that stand in truth or predictions (as scikit-learn does) of right answers over
    `of_truth` x rows of the class + `of_predicted` x rows predicted as it; 0 where that is 0.
    """
    per_class, predicted = counts.sum(axis=1), counts.sum(axis=0)
    seen = per_class + predicted > 0
    if (per_class > 0).sum() < 2:
        return undefined("the rows hold one class only", counts.shape, _rarest(per_class))
    total, right = counts.sum(), np.diag(counts)
    under = of_truth * per_class + of_predicted * predicted
    scale = np.divide(total, under, out=np.zeros(len(counts)), where=under > 0) / seen.sum()
    pull = right / total * scale**2 * seen.sum()  # each class's ratio x scale
    influence = np.diag(scale) - of_truth * pull[:, None] - of_predicted * pull[None, :]
    return Estimate(float(right @ scale / total), influence, _rarest(per_class))


_TRUE_POSITIVE = np.array([[0.0, 0.0], [0.0, 1.0]])
_PREDICTED = np.array([[0.0, 1.0], [0.0, 1.0]])
_POSITIVE = np.array([[0.0, 0.0], [1.0, 1.0]])


def _ratio(counts: Floats, over: Floats, under: Floats, why_undefined: str) -> Estimate:
    below = float((counts * under).sum())
    if not below:
        return undefined(why_undefined, counts.shape)
    value = float((counts * over).sum()) / below
    return Estimate(value, (over - value * under) * (counts.sum() / below), int(below))


def _rarest(per_class: Floats) -> int:
    return int(per_class[per_class > 0].min()) if (per_class > 0).sum() > 1 else 0
