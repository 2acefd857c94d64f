"""The bootstrap, for what has no influence function: rows (or whole clusters) drawn anew, as weights.

A resample is a vector of weights over the same rows, so that everything that was sorted stays sorted and one
resample costs a few passes over the rows (Efron 1979; the exact multinomial, not its Poisson approximation).
Both models get the same draws: the difference is paired. The draws follow from the seed alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, cast

import numpy as np

from modelrail.core.inference.contrast import Clusters
from modelrail.core.metrics.entry import Metric
from modelrail.core.metrics.estimate import Estimate, Floats, View

MOST, LEAST = 2000, 200
WORK = 4e7  # rows x resamples that one metric on one set of rows may cost
UNDEFINED = 0.1  # share of the resamples that may have no value


class Faster(Protocol):
    """The same resamples as `replicates` draws, in law, at less cost: one metric's own way."""

    def __call__(self, views: Sequence[View], clusters: Clusters | None, *, seed: int) -> Floats: ...


def faster(metric: Metric) -> Faster | None:
    """The way of its own that the catalog names for a metric; None: `replicates` is all there is."""
    if not metric.resampler:
        return None
    module, _, name = metric.resampler.partition(":")
    function = getattr(importlib.import_module(f"modelrail.core.inference.{module}"), name)
    return cast("Faster", partial(function, **metric.params))


def how_many(rows: int) -> int:
    """2,000 up to 20,000 rows, then fewer: with many rows a normal interval needs the spread alone."""
    return int(min(MOST, max(LEAST, WORK / max(rows, 1))))


def draws(rows: int, clusters: Clusters | None, seed: int) -> Callable[[], Floats]:
    """A function that gives the next vector of counts a row."""
    rng = np.random.default_rng([seed, rows])
    units = rows if clusters is None else clusters.count

    def following() -> Floats:
        found = np.bincount(rng.integers(0, units, units), minlength=units).astype(np.float64)
        return found if clusters is None else found[clusters.codes]

    return following


def replicates(
    function: Callable[[View], Estimate], views: Sequence[View], clusters: Clusters | None, *, seed: int
) -> Floats:
    """Values of each view (rows) under each resample (columns); NaN where one is not defined."""
    rows = views[0].size
    count = how_many(rows)
    following = draws(rows, clusters, seed)
    found = np.full((len(views), count), np.nan)
    for column in range(count):
        drawn = following()
        weights = drawn if views[0].weights is None else drawn * views[0].weights
        total = weights.sum()
        if total <= 0:
            continue
        weights = weights * (rows / total)
        for row, view in enumerate(views):
            value = function(view.reweighted(weights)).value
            found[row, column] = np.nan if value is None else value
    return found
