"""Labels from scores, at a fixed threshold or at one that the rows choose.

`tuned` chooses by cross-fitting: the rows (whole groups of them) fall into two halves by the seed. The best
threshold of one half labels the other, so that no row is judged by a threshold that it helped to choose and
the value carries no optimism. Each model gets its own thresholds. The halves are the same for both models and
for every slice. At the optimum the value is flat in the threshold, so that its own noise vanishes in first
order; on few rows some stays, and an interval that took the thresholds as given would hold in 92% of the
cases only, at 200 and at 1,000 rows. So the rows are halved in SPLITS ways, and the variance between the
values is added to that of the rows: then 96-97% hold (simulated, docs/calibration.md).
"""

from __future__ import annotations

import numpy as np

from modelrail.core.metrics import functions
from modelrail.core.metrics.catalog import Metric
from modelrail.core.metrics.estimate import Floats, Ints

CANDIDATES = 400  # thresholds tried, at equal steps of rank
HALVES = 2
SPLITS = 5  # ways to halve the rows, the first of which gives the value


def fixed(scores: Floats, threshold: float) -> Ints:
    return (scores >= threshold).astype(np.int8)  # a byte a row


def halves(rows: int, clusters: Ints | None, cluster_count: int, seed: int) -> Ints:
    """0 or 1 a row; rows of one cluster stay together."""
    rng = np.random.default_rng(seed)
    units = rows if clusters is None else cluster_count
    side = np.zeros(units, dtype=np.int64)
    side[rng.permutation(units)[: units // HALVES]] = 1
    return side if clusters is None else side[clusters]


def tuned(metric: Metric, truth: Ints, scores: Floats, weights: Floats | None, half: Ints) -> Ints:
    labels: Ints = np.zeros(truth.size, dtype=np.int8)  # a byte a row
    for side in range(HALVES):
        learn, use = half != side, half == side
        best = _best(metric, truth[learn], scores[learn], None if weights is None else weights[learn])
        labels[use] = scores[use] >= best
    return labels


def _best(metric: Metric, truth: Ints, scores: Floats, weights: Floats | None) -> float:
    """The middle of the thresholds whose value is within a standard error of the best.

    Near its best the value is flat, so that the very best of a few rows jumps about; the middle of the flat
    top is far steadier and as good.
    """
    if not truth.size:
        return 0.5
    function = functions.of_cells(metric)
    order = np.argsort(scores, kind="stable")
    ordered, weight = scores[order], np.ones(truth.size) if weights is None else weights[order]
    positive = np.concatenate(([0.0], np.cumsum(weight * truth[order])))
    every = np.concatenate(([0.0], np.cumsum(weight)))
    tried = np.unique(ordered[np.linspace(0, truth.size - 1, min(CANDIDATES, truth.size)).astype(np.int64)])
    below = np.searchsorted(ordered, tried, side="left")
    found: list[tuple[float, float, float]] = []  # value, its standard error, threshold
    sign = 1.0 if metric.higher_is_better else -1.0
    for threshold, place in zip(tried, below, strict=True):
        missed, rejected = positive[place], every[place]
        counts = np.array(
            [
                [rejected - missed, every[-1] - rejected - positive[-1] + missed],
                [missed, positive[-1] - missed],
            ]
        )
        said = function(counts)
        if said.value is not None:
            error = float(np.sqrt((counts * said.influence**2).sum())) / counts.sum()
            found.append((sign * said.value, error, float(threshold)))
    if not found:
        return 0.5
    best, error, _ = max(found)
    return float(np.median([threshold for value, _, threshold in found if value >= best - error]))
