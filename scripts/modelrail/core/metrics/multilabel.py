"""Several labels a row: truth and predictions are matrices of 0 and 1, a column a label.

Rows are the units. Labels of one row go together, so that what a row pulls is summed over its labels before
anything is squared: no label is taken for an observation of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from modelrail.core.metrics import ranking
from modelrail.core.metrics.estimate import Estimate, Floats, Ints, View, mean_of, ratio_of, undefined

NO_LABELS = "no row has a label"
NO_BOTH = "no label stands in some rows and not in others"


def accuracy(view: View) -> Estimate:
    """Share of rows whose labels are all right, and no other."""
    return mean_of(view, (view.truth == view.output).all(axis=1).astype(np.float64))


def hamming_loss(view: View) -> Estimate:
    """Share of wrong cells, rows by labels."""
    return mean_of(view, (view.truth != view.output).mean(axis=1))


# --- right labels over a mix of true and predicted ones ----------------------------------------------------


def precision(view: View, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return _family(view, (0.0, 1.0, 0.0), average, cls, "no row is predicted to have the label")


def recall(view: View, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return _family(view, (1.0, 0.0, 0.0), average, cls, "no row has the label")


def f1(view: View, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return f_beta(view, beta=1.0, average=average, cls=cls)


def f_beta(view: View, *, beta: float, average: str = "macro", cls: int | None = None) -> Estimate:
    of_truth = beta**2 / (1 + beta**2)
    return _family(view, (of_truth, 1 - of_truth, 0.0), average, cls, "no row has the label")


def jaccard(view: View, *, average: str = "macro", cls: int | None = None) -> Estimate:
    """Right labels over those that are true or predicted."""
    return _family(view, (1.0, 1.0, 1.0), average, cls, "no row has the label")


def _family(
    view: View, under: tuple[float, float, float], average: str, cls: int | None, why: str
) -> Estimate:
    """Right labels over `under`: so much of the true, of the predicted, less so much of the right ones."""
    if not view.size:
        return undefined("there are no rows", (0,))
    if cls is not None:
        return _of_label(view, under, cls, why)
    if average in {"micro", "samples"}:
        return _by_row(view, under, average)
    return _over_labels(view, under, weighted=average == "weighted")


def _parts(view: View, under: tuple[float, float, float], label: int) -> tuple[Floats, Floats, Floats]:
    """Of one label, by row: right, what it is divided by, true."""
    true = view.truth[:, label].astype(np.float64)
    said = view.output[:, label].astype(np.float64)
    right = true * said
    return right, under[0] * true + under[1] * said - under[2] * right, true


def _of_label(view: View, under: tuple[float, float, float], label: int, why: str) -> Estimate:
    if not 0 <= label < view.truth.shape[1]:
        return undefined("no row has that label", (view.size,))
    right, below, true = _parts(view, under, label)
    found = ratio_of(view, right, below, why)
    rows = int((true if under[0] else below > 0).sum())
    if found.value is None or not rows:
        return undefined(why, (view.size,))
    return Estimate(found.value, found.influence, rows)


def _by_row(view: View, under: tuple[float, float, float], average: str) -> Estimate:
    true = view.truth.sum(axis=1, dtype=np.float64)
    said = view.output.sum(axis=1, dtype=np.float64)
    right = (view.truth.astype(bool) & view.output.astype(bool)).sum(axis=1, dtype=np.float64)
    below = under[0] * true + under[1] * said - under[2] * right
    if average == "samples":  # 0 where a row has nothing to divide by, as scikit-learn has it
        return mean_of(view, np.divide(right, below, out=np.zeros(view.size), where=below > 0))
    found = ratio_of(view, right, below, NO_LABELS)
    return Estimate(found.value, found.influence, int((below > 0).sum()), found.note)


def _over_labels(view: View, under: tuple[float, float, float], *, weighted: bool) -> Estimate:
    """Mean over the labels that stand in truth or predictions; 0 where 0 / 0. `weighted`: by true rows."""
    n = view.size
    masses, ratios, rare = [], [], n
    influence, by_truth = np.zeros(n), np.zeros(n)
    for label in range(view.truth.shape[1]):
        right, below, true = _parts(view, under, label)
        mass = view.mean(true)
        if not (mass or view.output[:, label].any()):
            continue
        here = ratio_of(view, right, below, "")
        ratio = here.value or 0.0
        share = mass if weighted else 1.0
        influence += share * here.influence
        if weighted:
            by_truth += ratio * true
            masses.append(mass)
        else:
            masses.append(1.0)
        ratios.append(ratio)
        if mass:
            rare = min(rare, int(true.sum()))
    total = sum(masses)
    if not total or not view.truth.any():
        return undefined(NO_LABELS, (n,))
    value = float(np.dot(masses, ratios) / total)
    influence /= total
    if weighted:  # the shares are estimated too
        trues = view.truth.sum(axis=1, dtype=np.float64)
        influence += view.pull((by_truth - value * trues) / total)
    return Estimate(value, influence, rare)


# --- by score --------------------------------------------------------------------------------------------


def roc_auc(view: View, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return _ranked(view, ranking.roc_auc, average, cls)


def average_precision(view: View, *, average: str = "macro", cls: int | None = None) -> Estimate:
    return _ranked(view, ranking.average_precision, average, cls)


def _ranked(view: View, function: Callable[[View], Estimate], average: str, cls: int | None) -> Estimate:
    n, labels = view.truth.shape
    if cls is not None:
        if not 0 <= cls < labels:
            return undefined("no row has that label", (n,))
        return function(_label(view, cls))
    if average == "micro":
        return _cells(view, function)
    value, weight, influence, support = 0.0, 0.0, np.zeros(n), n
    by_truth, trues = np.zeros(n), np.zeros(n)
    for one, true in _labels_of_both(view):
        found = function(one)
        if found.value is None:
            return undefined(found.note, (n,))
        share = view.mean(true) if average == "weighted" else 1.0
        value += share * found.value
        weight += share
        influence += share * found.influence
        support = min(support, found.support)
        if average == "weighted":
            by_truth += found.value * true
            trues += true
    if not weight:
        return undefined(NO_BOTH, (n,))
    value, influence = value / weight, influence / weight
    if average == "weighted":
        influence += view.pull((by_truth - value * trues) / weight)
    return Estimate(value, influence, support)


def _labels_of_both(view: View) -> Iterator[tuple[View, Floats]]:
    """Labels that some rows have and others have not: the rest have no curve."""
    for label in range(view.truth.shape[1]):
        one = _label(view, label)
        true: NDArray[np.bool_] = one.truth.astype(bool, copy=False)
        mass = view.mean(true.astype(np.float64)) if view.size else 0.0
        if mass > 0 and not true.all():
            yield one, true.astype(np.float64)


def _label(view: View, label: int) -> View:
    """One label as a binary task of its own; what was sorted for it stays sorted."""
    made: View = view.once(
        f"label {label}", lambda: View(view.truth[:, label].astype(bool), view.output[:, label])
    )
    return made if view.weights is None else made.reweighted(view.weights)


def _cells(view: View, function: Callable[[View], Estimate]) -> Estimate:
    """All cells as one list. What a row pulls is the mean over its cells; support stays in rows."""
    n, labels = view.truth.shape
    flat: View = view.once("cells", lambda: View(view.truth.astype(bool).ravel(), view.output.ravel()))
    if view.weights is not None:
        flat = flat.reweighted(np.repeat(view.weights, labels))
    found = function(flat)
    if found.value is None:
        return undefined(found.note, (n,))
    some: Ints = view.truth.sum(axis=1)
    support = min(int((some > 0).sum()), int((some < labels).sum()))
    return Estimate(found.value, found.influence.reshape(n, labels).mean(axis=1), support)
