"""Rank metrics of a binary task: one sort a model, ties handled, influence values in O(n)."""

from __future__ import annotations

import numpy as np

from modelrail.core.metrics.estimate import Estimate, View, undefined


def roc_auc(view: View) -> Estimate:
    """Area under the ROC curve; the influence values are DeLong's structural components (Sun & Xu 2014).

    The component of a positive row is the share of negatives that it outranks, that of a negative row the
    share of positives that outrank it, ties counting half.
    """
    positive = view.truth.astype(bool)
    n = positive.size
    positives = int(positive.sum())
    negatives = n - positives
    support = min(positives, negatives)
    if not support:
        return undefined("the rows hold one class only", (n,))
    ranks = view.ranks
    here = ranks.block_sums(positive)
    here_negative = ranks.sizes - here
    below_negative = np.cumsum(here_negative) - here_negative + here_negative / 2
    above_positive = positives - np.cumsum(here) + here / 2
    outranks = ranks.scatter(below_negative / negatives)
    outranked = ranks.scatter(above_positive / positives)
    value = float(outranks[positive].mean())
    influence = np.where(
        positive,
        (outranks - value) * (n / positives * _unbiased(positives, n)),
        (outranked - value) * (n / negatives * _unbiased(negatives, n)),
    )
    return Estimate(value, influence, support)


def _unbiased(rows_of_class: int, n: int) -> float:
    """DeLong divides each class's squares by its own count less one; the common path divides by n - 1."""
    if rows_of_class < 2:
        return 1.0
    return float(np.sqrt(rows_of_class / (rows_of_class - 1) * (n - 1) / n))


def average_precision(view: View) -> Estimate:
    """Sum of precision over the steps of recall, as scikit-learn defines it.

    With P(t), G(t) the precision and the share of rows at or above t, and p the share of positives, the
    value is E[y P(s)] / p, and the influence of a row (y, s) is [y (P(s) + H1(s) - value) - H2(s)] / p
    with  H1(s) = E[y' 1{s' <= s} / G(s')],  H2 the same with P(s') / G(s').
    """
    positive = view.truth.astype(bool)
    n = positive.size
    positives = int(positive.sum())
    support = min(positives, n - positives)
    if not positives:
        return undefined("the rows hold no positive one", (n,))
    ranks = view.ranks
    here = ranks.block_sums(positive)
    at_or_above = np.cumsum(ranks.sizes[::-1])[::-1].astype(np.float64)
    precision = np.cumsum(here[::-1])[::-1] / at_or_above
    value = float((here * precision).sum() / positives)
    first = np.cumsum(here / at_or_above)
    second = np.cumsum(here * precision / at_or_above)
    of_positive = ranks.scatter(precision + first - value - second)
    of_negative = ranks.scatter(-second)
    return Estimate(value, np.where(positive, of_positive, of_negative) * (n / positives), support)
