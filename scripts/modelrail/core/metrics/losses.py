"""Means of a loss a row, and smooth functions of such means."""

from __future__ import annotations

import numpy as np

from modelrail.core.metrics.estimate import Estimate, Floats, View, undefined

EPSILON = float(np.finfo(np.float64).eps)  # probabilities are clipped as scikit-learn clips them


def log_loss(view: View) -> Estimate:
    probabilities = view.output
    if probabilities.ndim == 2:
        of_truth = probabilities[np.arange(len(probabilities)), view.truth.astype(np.int64)]
    else:
        of_truth = np.where(view.truth.astype(bool), probabilities, 1 - probabilities)
    return _mean(-np.log(np.clip(of_truth, EPSILON, 1 - EPSILON)))


def brier(view: View) -> Estimate:
    """Binary: (score - truth)^2; several classes: that, summed over the classes (Brier 1950)."""
    if view.output.ndim == 2:
        truth = np.eye(view.output.shape[1])[view.truth.astype(np.int64)]
        return _mean(((view.output - truth) ** 2).sum(axis=1))
    return _mean((view.output - view.truth.astype(np.float64)) ** 2)


def mae(view: View) -> Estimate:
    return _mean(np.abs(view.output - view.truth.astype(np.float64)))


def rmse(view: View) -> Estimate:
    squares = (view.output - view.truth.astype(np.float64)) ** 2
    if not squares.size:
        return undefined("there are no rows", squares.shape)
    mean = float(squares.mean())
    root = mean**0.5
    return Estimate(root, (squares - mean) / (2 * root) if root else np.zeros(squares.size), squares.size)


def r2(view: View) -> Estimate:
    """1 - MSE / variance of the truth, which is estimated on the same rows and carries its own influence."""
    truth = view.truth.astype(np.float64)
    if truth.size < 2:
        return undefined("R² needs two rows at least", truth.shape, truth.size)
    squares = (view.output - truth) ** 2
    around = (truth - truth.mean()) ** 2
    mean, variance = float(squares.mean()), float(around.mean())
    if not variance:
        return undefined("the target is the same on every row", truth.shape, truth.size)
    ratio = mean / variance
    return Estimate(1 - ratio, -((squares - mean) - ratio * (around - variance)) / variance, truth.size)


def _mean(losses: Floats) -> Estimate:
    if not losses.size:
        return undefined("there are no rows", losses.shape)
    value = float(losses.mean())
    return Estimate(value, losses - value, losses.size)
