"""The bootstrap of recall at a precision, looking one by one at the rows near the threshold alone.

A threshold keeps the precision p when D, the sum of (positive - p) over the rows from it on upward, is not
negative; the value is the recall at the lowest such threshold. Where D is many of its standard errors above
zero every resample keeps the precision, and below the last threshold where it is not as far beneath zero none
does: the threshold of a resample lies between. See `windows.py` for the draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from modelrail.core.inference import windows
from modelrail.core.inference.contrast import Clusters
from modelrail.core.inference.resample import how_many
from modelrail.core.metrics.estimate import Floats, Ints, View

ROUNDING = 1 - 1e-12  # as `ranking.recall_at_precision` has it


def at_precision(
    views: Sequence[View], clusters: Clusters | None, *, seed: int, at_precision: float
) -> Floats:
    """Replicates of `ranking.recall_at_precision`: (models, resamples)."""
    positive = views[0].truth.astype(bool)
    found = [_window(view, positive, at_precision, clusters) for view in views]
    inside, cell = np.zeros(positive.size, dtype=bool), positive.astype(np.int8)
    for model, window in enumerate(found):
        inside[window.within] = True
        cell[window.above] += 2 << model
    cells, near = 2 << len(views), np.flatnonzero(inside)
    cell[inside] = cells
    weights = views[0].weights
    draw = windows.draws(windows.Zones(near, cell, cells), weights, clusters, seed=seed)
    true = positive[near].astype(np.float64)
    recalls = [
        _recall(window, near, inside, at_precision, _having(cells, 2 << model))
        for model, window in enumerate(found)
    ]
    count = how_many(near.size + (0 if clusters is None else clusters.count))
    values = np.full((len(views), count), np.nan)
    of_positive = _having(cells, 1)
    for column in range(count):
        far, mass = draw()
        right = mass * true
        positives = float(far[of_positive].sum() + right.sum())
        if positives > 0:
            for model, recall in enumerate(recalls):
                values[model, column] = min(recall(far, mass, right) / positives, 1.0)
    return values


@dataclass(frozen=True)
class _Window:
    above: Ints  # rows by falling score
    within: Ints
    ends: Ints  # places in `within` where a block of equal scores ends


def _having(cells: int, bit: int) -> Ints:
    codes = np.arange(cells)
    return codes[codes & bit > 0]


def _window(view: View, positive: np.ndarray, precision: float, clusters: Clusters | None) -> _Window:
    ranks = view.ranks
    order = ranks.order[::-1].astype(np.int64)
    ends = np.cumsum(ranks.sizes[::-1]).astype(np.int64) - 1
    pulls = view.pull(positive - precision)[order]
    kept = np.cumsum(pulls)[ends]
    reach = windows.WIDTH * np.sqrt(np.maximum(_squares(pulls, order, clusters)[ends], 0))
    surely, maybe = np.flatnonzero(kept >= reach), np.flatnonzero(kept >= -reach)
    start = int(ends[surely[-1]]) + 1 if surely.size else 0
    stop = int(ends[maybe[-1]]) + 1 if maybe.size else start
    chosen = ends[(ends >= start) & (ends < stop)] - start
    return _Window(order[:start], order[start:stop], chosen)


def _squares(pulls: Floats, order: Ints, clusters: Clusters | None) -> Floats:
    """After each row, the sum over clusters of the square of what each has pulled so far."""
    if clusters is None:
        return np.cumsum(pulls * pulls)
    codes = clusters.codes[order]
    together = np.argsort(codes, kind="stable")
    mine = pulls[together]
    before = np.cumsum(mine) - mine
    first = np.searchsorted(codes[together], np.arange(clusters.count))
    before -= before[np.minimum(first, mine.size - 1)][codes[together]]
    steps = np.empty(pulls.size)
    steps[together] = (2 * before + mine) * mine
    return np.cumsum(steps)


def _recall(
    window: _Window, near: Ints, inside: np.ndarray, precision: float, above: Ints
) -> Callable[[Floats, Floats, Floats], float]:
    """A function from masses (of cells, of near rows, of near rows that are positive) to what is found."""
    lead = np.searchsorted(near, window.above[inside[window.above]])
    within = np.searchsorted(near, window.within)
    found_above = above[above & 1 > 0]

    def recall(far: Floats, mass: Floats, right: Floats) -> float:
        taken = far[above].sum() + mass[lead].sum()
        found = far[found_above].sum() + right[lead].sum()
        upto = found + np.cumsum(right[within])[window.ends]
        good = np.flatnonzero(upto >= precision * (taken + np.cumsum(mass[within])[window.ends]) * ROUNDING)
        return float(upto[good[-1]] if good.size else found)

    return recall
