"""Resamples that look at few rows one by one: those that a value can come from. The rest is counted.

The rows outside all windows fall into a few cells within which one row is as good as another. How often the
cells and the windows are drawn is multinomial, and so is what is drawn within the windows given their number:
the law is that of the plain bootstrap (Efron 1979, Ann. Stat. 7:1-26), and both models get the same draws.

Clusters are drawn as they are, each with its masses in the cells. Rows that weigh unalike: the mass that is
drawn from a cell is taken as normal with the exact mean and variance, given how many rows it gave.

Windows are WIDTH standard errors to either side: a value beyond one has a chance of 3e-12 a resample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelrail.core.inference.contrast import Clusters
from modelrail.core.metrics.estimate import Floats, Ints

WIDTH = 7.0
Draw = Callable[[], tuple[Floats, Floats]]  # masses of the cells, and of the rows in the windows


@dataclass(frozen=True)
class Zones:
    near: Ints  # rows in the windows, ascending
    cell: NDArray[np.int8]  # by row, 0..cells-1; `cells` in the windows
    cells: int


def draws(zones: Zones, weights: Floats | None, clusters: Clusters | None, *, seed: int) -> Draw:
    """A function that gives the next resample. The draws follow from the seed and the number of rows."""
    rng = np.random.default_rng([seed, zones.cell.size])
    if clusters is None:
        return _of_rows(rng, zones, weights)
    return _of_clusters(rng, zones, weights, clusters)


def _of_rows(rng: np.random.Generator, zones: Zones, weights: Floats | None) -> Draw:
    rows, cells, near = zones.cell.size, zones.cells, zones.near
    sizes = np.bincount(zones.cell, minlength=cells + 1)
    shares = sizes / rows
    if weights is not None:
        some = np.maximum(sizes, 1)
        means = np.bincount(zones.cell, weights=weights, minlength=cells + 1) / some
        squares = np.bincount(zones.cell, weights=weights * weights, minlength=cells + 1) / some
        spreads = np.sqrt(np.maximum(squares - means * means, 0))[:cells]
        means, of_near = means[:cells], weights[near]

    def following() -> tuple[Floats, Floats]:
        drawn = rng.multinomial(rows, shares)
        far = drawn[:-1].astype(np.float64)
        which = rng.integers(0, near.size, drawn[-1]) if near.size else near
        times = np.bincount(which, minlength=near.size).astype(np.float64)
        if weights is None:
            return far, times
        noise = np.sqrt(far) * spreads * rng.standard_normal(cells)
        return np.maximum(far * means + noise, 0), times * of_near

    return following


def _of_clusters(rng: np.random.Generator, zones: Zones, weights: Floats | None, clusters: Clusters) -> Draw:
    every, count = zones.cells + 1, clusters.count
    masses = np.bincount(clusters.codes * every + zones.cell, weights=weights, minlength=count * every)
    of_cells = masses.astype(np.float64, copy=False).reshape(count, every)[:, : zones.cells]
    codes, of_near = clusters.codes[zones.near], 1.0 if weights is None else weights[zones.near]

    def following() -> tuple[Floats, Floats]:
        times = np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)
        return times @ of_cells, times[codes] * of_near

    return following
