"""Rank metrics of classes by score: one sort a model, ties handled, influence values in O(n)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from modelrail.core.metrics.estimate import FEW, Estimate, Floats, View, support_of, undefined

NO_POSITIVE = "the rows hold no positive one"


def roc_auc(view: View) -> Estimate:
    """Area under the ROC curve; the influence values are DeLong's structural components (Sun & Xu 2014).

    The component of a positive row is the share of negatives that it outranks, that of a negative row the
    share of positives that outrank it, ties counting half.
    """
    return _auc(view, _unbiased)


def _auc(view: View, factor: Callable[[int, int], float]) -> Estimate:
    positive = view.truth.astype(bool)
    n = positive.size
    count = int(positive.sum())
    support = min(count, n - count)
    positives, negatives = view.mass(positive), view.mass(~positive)
    if not support or positives <= 0 or negatives <= 0:
        return undefined("the rows hold one class only", (n,))
    ranks = view.ranks
    # Of many rows each of these arrays is large: they are worked on in place, and dropped when used.
    here = view.mass_in_blocks(positive)
    below = view.mass_in_blocks()
    below -= here
    below = _midway(below)  # negatives below, those of the block counting half
    value = float((here @ below) / positives / negatives)
    above = _midway(here)
    del here
    np.subtract(positives, above, out=above)
    influence = ranks.scatter(below)
    del below
    outranked = ranks.scatter(above)
    del above
    influence *= 1 / negatives
    influence -= value
    influence *= n / positives * factor(count, n)
    outranked *= 1 / positives
    outranked -= value
    outranked *= n / negatives * factor(n - count, n)
    np.copyto(influence, outranked, where=~positive)
    rarer, lacks = None, None
    if support <= FEW:
        of_class, mass = (positive, positives) if 2 * count <= n else (~positive, negatives)
        rarer = np.flatnonzero(of_class)
        lacks = 1 - value - influence[rarer] / (n / mass * factor(support, n))
        lacks *= 1.0 if view.weights is None else view.weights[rarer] * (support / mass)
    return Estimate(value, view.pull(influence), support, rarer=rarer, lacks=lacks)


def _midway(mass: Floats) -> Floats:
    """The mass of the blocks below and half of one's own; `mass` is used up."""
    found: Floats = np.cumsum(mass)
    mass *= 0.5
    found -= mass
    return found


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
    count = int(positive.sum())
    positives = view.mass(positive)
    support = min(count, n - count)
    if positives <= 0:
        return undefined(NO_POSITIVE, (n,))
    ranks = view.ranks
    here = view.mass_in_blocks(positive)
    at_or_above = np.cumsum(view.mass_in_blocks()[::-1])[::-1]
    some = at_or_above > 0  # else nothing but weights of zero stands there, and the numerators are 0 too
    precision = np.cumsum(here[::-1])[::-1]
    np.divide(precision, at_or_above, out=precision, where=some)
    value = float(here @ precision / positives)
    # From here on in place, as above: `here` becomes H1, `precision` what a positive row pulls.
    np.divide(here, at_or_above, out=here, where=some)
    del at_or_above, some
    second = here * precision
    np.cumsum(second, out=second)
    np.cumsum(here, out=here)
    precision += here
    del here
    precision -= value
    precision -= second
    influence = ranks.scatter(precision)
    del precision
    np.negative(second, out=second)
    influence *= _unbiased(count, n)  # as for the ROC curve: few positive rows know their spread less well
    np.copyto(influence, ranks.scatter(second), where=~positive)
    influence *= n / positives
    return Estimate(value, view.pull(influence), support)


def roc_auc_of_classes(view: View, *, average: str = "macro") -> Estimate:
    """One class against the rest, the mean over the classes of the truth; `weighted`: by their rows."""
    codes = view.truth.astype(np.int64)
    counts = np.bincount(codes, weights=view.weights, minlength=view.output.shape[1])
    present = np.flatnonzero(counts)
    if present.size < 2:
        return undefined("the rows hold one class only", codes.shape)
    shares = (
        counts[present] / counts.sum() if average == "weighted" else np.full(present.size, 1 / present.size)
    )
    total, influence, support = 0.0, np.zeros(codes.size), codes.size
    values = []
    for code, share in zip(present, shares, strict=True):
        found = _auc(View(codes == code, view.output[:, code], view.weights), lambda _, __: 1.0)
        if found.value is None:
            return undefined(found.note, codes.shape)
        total += float(share) * found.value
        influence += share * found.influence
        values.append(found.value)
        support = min(support, found.support)
    if average == "weighted":  # the shares are estimated too
        by_code = np.zeros(view.output.shape[1])
        by_code[present] = values
        influence += view.pull(by_code[codes] - total)
    return Estimate(total, influence, support)


# --- the top of the list ---------------------------------------------------------------------------------


def precision_at_k(view: View, *, k: float) -> Estimate:
    """Share of positives among the k rows of the highest scores; k below 1 is a share of the rows.

    The influence needs the share of positives at the edge of the list: a row that enters pushes out another
    that is positive with that chance. It is estimated from the rows around the edge.
    """
    found = _top(view, k)
    if isinstance(found, str):
        return undefined(found, (view.size,))
    share, inside, at_edge = found
    positive = view.truth.astype(bool)
    value = view.mean(positive * inside) / share
    pull = (positive * inside - at_edge * (inside - share)) / share - value
    support, rests_on = support_of(positive, int(inside.sum()))
    return Estimate(value, view.pull(pull), support, rests_on=rests_on)


def lift(view: View, *, k: float) -> Estimate:
    """Precision among the top k over the share of positives among all rows."""
    found = precision_at_k(view, k=k)
    positive = view.truth.astype(bool)
    rate = view.mean(positive.astype(np.float64)) if view.size else 0.0
    if found.value is None or not rate:
        return undefined(found.note or NO_POSITIVE, (view.size,))
    value = found.value / rate
    influence = found.influence / rate - view.pull(value * (positive - rate) / rate)
    return Estimate(value, influence, found.support, rests_on=found.rests_on)


def _top(view: View, k: float) -> tuple[float, Floats, float] | str:
    """The share that k is, how much of each row is in the list (ties in part), positives at its edge."""
    n = view.size
    share = k if k < 1 else k / n if n else 1.0
    if not 0 < share < 1:
        return f"{k:g} rows are not fewer than the {n:,} there are"
    mass = view.mass_in_blocks()
    above = np.cumsum(mass[::-1])[::-1] - mass
    inside = np.clip(np.divide(share * n - above, mass, out=np.zeros(mass.size), where=mass > 0), 0, 1)
    ordered = view.ranks.order
    below = n * (1 - share)
    place = (
        round(below)
        if view.weights is None
        else int(np.searchsorted(np.cumsum(view.weights[ordered]), below))
    )
    width = max(25, int(n**0.7 / 4))
    near = ordered[max(0, place - width) : place + width]
    at_edge = float(view.truth[near].astype(np.float64).mean()) if near.size else 0.0
    return share, view.ranks.scatter(inside), at_edge


def recall_at_precision(view: View, *, at_precision: float) -> Estimate:
    """The highest recall of any threshold whose precision is at least this; 0 when none is."""
    positive: NDArray[np.bool_] = view.truth.astype(bool)
    n, count = positive.size, int(positive.sum())
    positives = view.mass(positive)
    if positives <= 0:
        return undefined(NO_POSITIVE, (n,))
    found = np.cumsum(view.mass_in_blocks(positive)[::-1])
    taken = np.cumsum(view.mass_in_blocks()[::-1])
    good = found >= at_precision * taken * (1 - 1e-12)
    value = float(found[good].max() / positives) if good.any() else 0.0
    return Estimate(min(value, 1.0), np.zeros(n), count)
