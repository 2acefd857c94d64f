"""The bootstrap of medians without touching most rows: the same law as the plain one, for far less work.

A resample moves a median by a few standard errors of the share below it, no more: only rows in a window of
ranks around each model's median can become the median of a resample. All other rows matter by their number
alone, below or above the window of the one model and of the other: four cells. How often the cells and the
window are drawn is multinomial, and so is what is drawn within the window given their number; the resamples
therefore have the law of Efron's bootstrap (1979, Ann. Stat. 7:1-26) with both models on the same draws, and
no density is estimated. That the spread of a sample median hangs on counts around it alone is the argument of
Woodruff 1952, JASA 47:635-646, and of Maritz & Jarrett 1978, JASA 73:194-196.

See `windows.py` for the draws, and for how wide a window is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from modelrail.core.inference import windows
from modelrail.core.inference.contrast import Clusters
from modelrail.core.inference.resample import how_many
from modelrail.core.metrics import errors
from modelrail.core.metrics.estimate import Floats, Ints, View

RANKS = 8  # of the window, further to either side: standard errors of few rows are rough


def of_absolute_errors(views: Sequence[View], clusters: Clusters | None, *, seed: int) -> Floats:
    """Replicates of `errors.median_ae`: (models, resamples)."""
    ordered = [errors.absolute_in_order(view) for view in views]
    return replicates(ordered, views[0].weights, clusters, seed=seed)


def replicates(
    ordered: Sequence[tuple[Ints, Floats]], weights: Floats | None, clusters: Clusters | None, *, seed: int
) -> Floats:
    """Medians of each model's quantity under each resample of the rows (or of the clusters).

    `ordered`: by model, the rows in rising order of the quantity, and its values in that order.
    """
    rows = ordered[0][0].size
    inside, below = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=np.int8)
    for model, (order, _) in enumerate(ordered):
        low, high = _window(order, weights, clusters)
        inside[order[low:high]] = True
        below[order[:low]] += 1 << model
    near, cells = np.flatnonzero(inside), 1 << len(ordered)
    cell = np.where(inside, np.int8(cells), below)
    draw = windows.draws(windows.Zones(near, cell, cells), weights, clusters, seed=seed)
    medians = [
        _median(
            order[inside[order]], values[inside[order]], near, [c for c in range(cells) if c >> model & 1]
        )
        for model, (order, values) in enumerate(ordered)
    ]
    count = how_many(near.size + (0 if clusters is None else clusters.count))
    found = np.full((len(ordered), count), np.nan)
    for column in range(count):
        far, mass = draw()
        total = float(far.sum() + mass.sum())
        if total > 0:
            for model, median in enumerate(medians):
                found[model, column] = median(far, mass, total)
    return found


def _window(order: Ints, weights: Floats | None, clusters: Clusters | None) -> tuple[int, int]:
    """The ranks that can hold the median of a resample."""
    mass = np.ones(order.size) if weights is None else weights[order]
    upto = np.cumsum(mass)
    half = upto[-1] / 2
    pulls = np.where(upto < half, 0.5, -0.5) * mass
    if clusters is not None:
        pulls = Clusters(clusters.codes[order], clusters.count).sums(pulls)
    reach = windows.WIDTH * float(np.sqrt(pulls @ pulls))
    low, high = np.searchsorted(upto, [half - reach, half + reach])
    return max(0, int(low) - RANKS), min(order.size, int(high) + RANKS)


def _median(
    rows: Ints, values: Floats, near: Ints, below: list[int]
) -> Callable[[Floats, Floats, float], float]:
    """A function from masses to one model's median; of two middle rows the mean, as `errors.median_ae`."""
    places, last = np.searchsorted(near, rows), rows.size - 1

    def median(far: Floats, mass: Floats, total: float) -> float:
        upto = np.cumsum(mass[places])
        half, slack = total / 2 - float(far[below].sum()), 1e-9 * total
        low, high = np.searchsorted(upto, [half - slack, half + slack])
        return float(values[min(int(low), last)] + values[min(int(high), last)]) / 2

    return median
