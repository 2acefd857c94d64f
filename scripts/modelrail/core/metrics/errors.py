"""Regression and forecasts: means of an error a row, and smooth functions of such means."""

from __future__ import annotations

import numpy as np

from modelrail.core import digits
from modelrail.core.metrics.estimate import Estimate, Floats, Ints, View, mean_of, ratio_of, undefined


def _truth(view: View) -> Floats:
    return view.truth.astype(np.float64, copy=False)


def absolute(view: View) -> Floats:
    """|prediction - truth| by row."""
    found: Floats = view.once("absolute errors", lambda: np.abs(view.output - _truth(view)))
    return found


def mae(view: View) -> Estimate:
    return mean_of(view, absolute(view))


def mse(view: View) -> Estimate:
    return mean_of(view, (view.output - _truth(view)) ** 2)


def rmse(view: View) -> Estimate:
    found = mse(view)
    if found.value is None:
        return found
    root = found.value**0.5
    return Estimate(root, found.influence / (2 * root) if root else found.influence * 0, found.support)


def r2(view: View) -> Estimate:
    """1 - MSE / variance of the truth, which is estimated on the same rows and carries its own influence."""
    truth = _truth(view)
    if truth.size < 2:
        return undefined("R² needs two rows at least", truth.shape, truth.size)
    squares = (view.output - truth) ** 2
    around = (truth - view.mean(truth)) ** 2
    mean, variance = view.mean(squares), view.mean(around)
    # A rounded mean leaves a variance of 1e-34 where there is none.
    if not variance or truth.min() == truth.max():
        return undefined("the target is the same on every row", truth.shape, truth.size)
    ratio = mean / variance
    pull = view.pull(-((squares - mean) - ratio * (around - variance)) / variance)
    return Estimate(1 - ratio, pull, truth.size)


def mape(view: View) -> Estimate:
    truth = np.abs(_truth(view))
    zero = int((truth == 0).sum())
    if zero:
        return undefined(f"the target is 0 in {digits.counted(zero)}", truth.shape, truth.size)
    return mean_of(view, absolute(view) / truth)


def smape(view: View) -> Estimate:
    """Mean of 2 |error| / (|target| + |prediction|), 0 where both are 0; from 0 to 2."""
    under = np.abs(_truth(view)) + np.abs(view.output)
    return mean_of(view, np.divide(2 * absolute(view), under, out=np.zeros(under.shape), where=under > 0))


def wape(view: View) -> Estimate:
    """Sum of absolute errors over the sum of absolute targets."""
    return ratio_of(view, absolute(view), np.abs(_truth(view)), "the target is 0 on every row")


def mase(view: View, *, scale: str) -> Estimate:
    """Mean absolute scaled error (Hyndman & Koehler 2006, Int. J. Forecasting 22:679-688).

    `scale` is a column with the in-sample mean absolute error of the naive forecast of the row's series.
    """
    scales = view.columns[scale]
    if bool((scales <= 0).any()):
        return undefined(f"the column {scale} is not above 0 on every row", scales.shape, view.size)
    return mean_of(view, absolute(view) / scales)


def pinball(view: View, *, quantile: float) -> Estimate:
    error = _truth(view) - view.output
    return mean_of(view, np.maximum(quantile * error, (quantile - 1) * error))


def poisson_deviance(view: View) -> Estimate:
    truth, said = _truth(view), view.output
    if bool((said <= 0).any() or (truth < 0).any()):
        return undefined("it needs predictions above 0 and targets of 0 or more", truth.shape, view.size)
    ratio = np.divide(truth, said, out=np.ones(truth.shape), where=truth > 0)
    return mean_of(view, 2 * (truth * np.log(ratio) - truth + said))


def gamma_deviance(view: View) -> Estimate:
    truth, said = _truth(view), view.output
    if bool((said <= 0).any() or (truth <= 0).any()):
        return undefined("it needs predictions and targets above 0", truth.shape, view.size)
    return mean_of(view, 2 * (np.log(said / truth) + truth / said - 1))


# --- without an influence function -----------------------------------------------------------------------


def absolute_in_order(view: View) -> tuple[Ints, Floats]:
    """The rows by rising absolute error, and these errors."""
    order: Ints = view.once("order of errors", lambda: np.argsort(absolute(view)))
    ordered: Floats = view.once("ordered errors", lambda: absolute(view)[order])
    return order, ordered


def median_ae(view: View) -> Estimate:
    """Weighted median; of two middle rows the mean, as scikit-learn does."""
    errors = absolute(view)
    if not errors.size:
        return undefined("there are no rows", errors.shape)
    order, ordered = absolute_in_order(view)
    if view.weights is None:
        half = (errors.size - 1) / 2
        value = (ordered[int(np.floor(half))] + ordered[int(np.ceil(half))]) / 2
    else:
        below = np.cumsum(view.weights[order])
        half = below[-1] / 2
        slack = 1e-9 * below[-1]  # sums of weights are rounded
        low = int(np.searchsorted(below, half - slack))
        high = int(np.searchsorted(below, half + slack))
        value = (ordered[low] + ordered[min(high, errors.size - 1)]) / 2
    return Estimate(float(value), np.zeros(errors.shape), errors.size)


def max_error(view: View) -> Estimate:
    errors = absolute(view)
    if not errors.size:
        return undefined("there are no rows", errors.shape)
    return Estimate(float(errors.max()), np.zeros(errors.shape), errors.size)


# --- predicted intervals ---------------------------------------------------------------------------------


def interval_coverage(view: View) -> Estimate:
    truth = _truth(view)
    return mean_of(
        view, ((view.columns["lower"] <= truth) & (truth <= view.columns["upper"])).astype(np.float64)
    )


def interval_width(view: View) -> Estimate:
    return mean_of(view, view.columns["upper"] - view.columns["lower"])


def interval_score(view: View, *, coverage: float) -> Estimate:
    """Width, and 2 / (1 - coverage) times the miss (Gneiting & Raftery 2007, JASA 102:359-378)."""
    truth, low, high = _truth(view), view.columns["lower"], view.columns["upper"]
    miss = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return mean_of(view, high - low + 2 / (1 - coverage) * miss)
