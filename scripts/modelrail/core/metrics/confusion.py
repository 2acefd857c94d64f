"""Metrics of the confusion matrix: value and influence of each cell.

`counts[k, j]` is the number (or the weight) of rows of class k that were predicted as j. In a binary task
class 1 is the positive one. Each value is a smooth function of the cells' shares; influences are its
derivatives, written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from modelrail.core.metrics.estimate import Estimate, Floats, undefined

ONE_CLASS = "the rows hold one class only"
NO_ROWS = "there are no rows"


def accuracy(counts: Floats) -> Estimate:
    total = counts.sum()
    if not total:
        return undefined(NO_ROWS, counts.shape)
    right = np.eye(len(counts))
    value = float(np.trace(counts) / total)
    return Estimate(value, right - value, int(total))


def balanced_accuracy(counts: Floats) -> Estimate:
    """Mean recall over the classes that stand in the truth (as scikit-learn does)."""
    per_class = counts.sum(axis=1)
    present = per_class > 0
    if present.sum() < 2:
        return undefined(ONE_CLASS, counts.shape, _rarest(per_class))
    recalls = np.divide(np.diag(counts), per_class, out=np.zeros(len(counts)), where=present)
    share = np.divide(counts.sum(), per_class, out=np.zeros(len(counts)), where=present) / present.sum()
    influence = (np.eye(len(counts)) - recalls[:, None]) * share[:, None]
    return Estimate(float(recalls[present].mean()), influence, _rarest(per_class))


# --- right answers over a mix of true and predicted rows -------------------------------------------------


def precision(counts: Floats, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return _family(counts, 0.0, average, cls, "no row is predicted positive")


def recall(counts: Floats, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return _family(counts, 1.0, average, cls, "the rows hold no positive one")


def f1(counts: Floats, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return f_beta(counts, beta=1.0, average=average, cls=cls)


def f_beta(counts: Floats, *, beta: float, average: str = "macro", cls: int | None = None) -> Estimate:
    of_truth = beta**2 / (1 + beta**2)
    return _family(counts, of_truth, average, cls, "the rows hold no positive one")


def specificity(counts: Floats) -> Estimate:
    """Recall of the negative class."""
    return _of_class(counts, 1.0, 0, "the rows hold no negative one")


def _family(counts: Floats, of_truth: float, average: str, cls: int | None, why: str) -> Estimate:
    """Right answers over `of_truth` x rows of the class + the rest x rows predicted as it."""
    if cls is None and len(counts) == 2 and average == "binary":
        cls = 1
    if cls is not None:
        return _of_class(counts, of_truth, cls, why)
    if average == "micro":
        return accuracy(counts)
    mean = _weighted if average == "weighted" else _macro
    return mean(counts, of_truth=of_truth, of_predicted=1 - of_truth)


def _of_class(counts: Floats, of_truth: float, cls: int, why: str) -> Estimate:
    if not 0 <= cls < len(counts):
        return undefined("no row has that class", counts.shape)
    over, under = np.zeros_like(counts), np.zeros_like(counts)
    over[cls, cls] = 1.0
    under[cls, :] += of_truth
    under[:, cls] += 1 - of_truth
    below = float((counts * under).sum())
    rows = counts[cls].sum() if of_truth else counts[:, cls].sum()
    if not below or not rows:
        return undefined(why, counts.shape)
    value = float(counts[cls, cls]) / below
    return Estimate(value, (over - value * under) * (counts.sum() / below), int(rows))


def _macro(counts: Floats, *, of_truth: float, of_predicted: float) -> Estimate:
    """Mean over the classes that stand in truth or predictions, as scikit-learn does; 0 where 0 / 0."""
    per_class, predicted = counts.sum(axis=1), counts.sum(axis=0)
    seen = per_class + predicted > 0
    if (per_class > 0).sum() < 2:
        return undefined(ONE_CLASS, counts.shape, _rarest(per_class))
    total, right = counts.sum(), np.diag(counts)
    under = of_truth * per_class + of_predicted * predicted
    scale = np.divide(total, under, out=np.zeros(len(counts)), where=under > 0) / seen.sum()
    pull = right / total * scale**2 * seen.sum()  # each class's ratio x scale
    influence = np.diag(scale) - of_truth * pull[:, None] - of_predicted * pull[None, :]
    return Estimate(float(right @ scale / total), influence, _rarest(per_class))


def _weighted(counts: Floats, *, of_truth: float, of_predicted: float) -> Estimate:
    """Mean over the classes by their share of the truth."""
    per_class, predicted = counts.sum(axis=1), counts.sum(axis=0)
    if (per_class > 0).sum() < 2:
        return undefined(ONE_CLASS, counts.shape, _rarest(per_class))
    total, right = counts.sum(), np.diag(counts)
    under = of_truth * per_class + of_predicted * predicted
    ratio = np.divide(right, under, out=np.zeros(len(counts)), where=under > 0)
    scale = np.divide(per_class, under, out=np.zeros(len(counts)), where=under > 0)
    value = float(per_class @ ratio / total)
    influence = (
        (ratio - value)[:, None]
        + np.diag(scale)
        - of_truth * (scale * ratio)[:, None]
        - of_predicted * (scale * ratio)[None, :]
    )
    return Estimate(value, influence, _rarest(per_class))


# --- agreement and cost ----------------------------------------------------------------------------------


def mcc(counts: Floats) -> Estimate:
    """Matthews' correlation, for several classes after Gorodkin 2004, Comput. Biol. Chem. 28:367-374."""
    if not counts.sum():
        return undefined(NO_ROWS, counts.shape)
    share = counts / counts.sum()
    truth, predicted = share.sum(axis=1), share.sum(axis=0)
    # By what is there, not by 1 - sum of squares: of weights that is a rounding error away from zero.
    if min(np.count_nonzero(truth), np.count_nonzero(predicted)) < 2:
        why = ONE_CLASS if np.count_nonzero(truth) < 2 else "every row is predicted alike"
        return undefined(why, counts.shape, _rarest(counts.sum(axis=1)))
    of_truth, of_predicted = 1 - float(truth @ truth), 1 - float(predicted @ predicted)
    right, chance = float(np.trace(share)), float(truth @ predicted)
    root = (of_truth * of_predicted) ** 0.5
    value = (right - chance) / root
    of_right = np.eye(len(counts)) - right
    of_chance = predicted[:, None] + truth[None, :] - 2 * chance
    spread = (truth - truth @ truth)[:, None] / of_truth + (predicted - predicted @ predicted)[
        None, :
    ] / of_predicted
    return Estimate(value, (of_right - of_chance) / root + value * spread, _rarest(counts.sum(axis=1)))


def kappa(counts: Floats) -> Estimate:
    """Cohen's kappa; variance as Fleiss, Cohen & Everitt 1969, Psychol. Bull. 72:323-327."""
    if not counts.sum():
        return undefined(NO_ROWS, counts.shape)
    share = counts / counts.sum()
    truth, predicted = share.sum(axis=1), share.sum(axis=0)
    right, chance = float(np.trace(share)), float(truth @ predicted)
    if np.count_nonzero(truth + predicted) < 2:
        return undefined(ONE_CLASS, counts.shape, _rarest(counts.sum(axis=1)))
    of_right = np.eye(len(counts)) - right
    of_chance = predicted[:, None] + truth[None, :] - 2 * chance
    influence = (of_right * (1 - chance) - of_chance * (1 - right)) / (1 - chance) ** 2
    return Estimate((right - chance) / (1 - chance), influence, _rarest(counts.sum(axis=1)))


def expected_cost(counts: Floats, *, false_positive: float = 1.0, false_negative: float = 1.0) -> Estimate:
    """Mean cost of a row under costs of the two kinds of error.

    Where these are unlike, a few rows of the rarer class may be most of it, and then no more rows than these
    show what it is: two missed positives among two hundred rows do not tell what a third would cost.
    """
    found = _cost(counts, np.array([[0.0, false_positive], [false_negative, 0.0]]))
    if false_positive == false_negative:
        return found
    return replace(found, support=_rarest(counts.sum(axis=1)), rests_on="rows of the rarer class")


def cost_by_class(counts: Floats, *, costs: Mapping[tuple[int, int], float]) -> Estimate:
    """Mean cost of a row; errors that the matrix does not name cost 1, right answers nothing."""
    matrix = 1 - np.eye(len(counts))
    for (truth, predicted), cost in costs.items():
        matrix[truth, predicted] = cost
    return _cost(counts, matrix)


def _cost(counts: Floats, matrix: Floats) -> Estimate:
    total = counts.sum()
    if not total:
        return undefined(NO_ROWS, counts.shape)
    value = float((counts * matrix).sum() / total)
    return Estimate(value, matrix - value, int(total))


def _rarest(per_class: Floats) -> int:
    return int(per_class[per_class > 0].min()) if (per_class > 0).sum() > 1 else 0
