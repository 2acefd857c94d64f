"""Classification by probability: means of a loss a row, and calibration."""

from __future__ import annotations

import math

import numpy as np

from modelrail.core.metrics.estimate import Estimate, View, mean_of, support_of, undefined

EPSILON = float(np.finfo(np.float64).eps)  # probabilities are clipped as scikit-learn clips them


def log_loss(view: View) -> Estimate:
    probabilities = view.output
    if probabilities.ndim == 2:
        of_truth = probabilities[np.arange(len(probabilities)), view.truth.astype(np.int64)]
    else:
        of_truth = 1 - probabilities
        np.copyto(of_truth, probabilities, where=view.truth.astype(bool))
    np.clip(of_truth, EPSILON, 1 - EPSILON, out=of_truth)
    np.log(of_truth, out=of_truth)
    return mean_of(view, np.negative(of_truth, out=of_truth))


def brier(view: View) -> Estimate:
    """Binary: (score - truth)^2; several classes: that, summed over the classes (Brier 1950)."""
    if view.output.ndim == 2:
        squares = (view.output**2).sum(axis=1)
        of_truth = view.output[np.arange(view.size), view.truth.astype(np.int64)]
        return mean_of(view, squares - 2 * of_truth + 1)
    gap = np.subtract(view.output, view.truth, dtype=np.float64)
    return mean_of(view, np.square(gap, out=gap))


def top_k_accuracy(view: View, *, k: int) -> Estimate:
    """Share of rows whose class is among the k most probable; of equal ones the later class ranks higher."""
    codes = view.truth.astype(np.int64)
    of_truth = view.output[np.arange(view.size), codes][:, None]
    classes = np.arange(view.output.shape[1])[None, :]
    above = (view.output > of_truth) | ((view.output == of_truth) & (classes > codes[:, None]))
    return mean_of(view, (above.sum(axis=1) < k).astype(np.float64))


def calibration_error(view: View, *, bins: int = 10) -> Estimate:
    """Expected calibration error: |mean score - share of positives|, over bins of equal width, by rows.

    With several classes: of the most probable class (Guo et al. 2017, ICML). Within its bin a row pulls the
    gap in the direction of the gap's sign. A gap that may well be zero cannot shrink beyond it: its absolute
    value is a folded normal, whose smaller spread its rows' pulls are scaled to (Leone et al. 1961,
    Technometrics 3:543-550). The value itself is biased upwards on few rows (Roelofs et al. 2022, AISTATS),
    alike for both models.
    """
    if not view.size:
        return undefined("there are no rows", (0,))
    support, rests_on = view.size, ""
    if view.output.ndim == 2:
        best = view.output.argmax(axis=1)
        score, truth = view.output[np.arange(view.size), best], best == view.truth
    else:
        score, truth = view.output, view.truth.astype(bool)
        support, rests_on = support_of(truth, support)
    gap = score - truth
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    mass = np.bincount(place, weights=view.weights, minlength=bins).astype(np.float64)
    sums = np.bincount(place, weights=view.pull(gap), minlength=bins)
    mean = np.divide(sums, mass, out=np.zeros(bins), where=mass > 0)
    around = view.pull(gap - mean[place])
    error = np.sqrt(np.bincount(place, weights=around**2, minlength=bins))
    distance = np.divide(np.abs(sums), error, out=np.full(bins, np.inf), where=error > 0)
    scale = np.array([_folded(one) for one in distance])
    value = float(np.abs(sums).sum() / view.size)
    within = np.sign(sums)[place] * scale[place] * around
    return Estimate(value, within + view.pull(np.abs(mean)[place] - value), support, rests_on=rests_on)


def _folded(distance: float) -> float:
    """Standard deviation of |X| where X is normal around `distance` with standard deviation one."""
    if distance > 6:
        return 1.0
    mean = math.sqrt(2 / math.pi) * math.exp(-(distance**2) / 2) + distance * math.erf(
        distance / math.sqrt(2)
    )
    return math.sqrt(max(1 + distance**2 - mean**2, 0.0))
