"""Equal models can be exchanged: the spread of their difference if the rows' answers change sides by lot.

The end of an interval that lies nearer to zero says whether two models differ at all. Under the hypothesis
that they do not, row by row the answers of the one could as well be the other's, and what the difference is
over such exchanges follows from the rows alone (Fisher 1935, The Design of Experiments; Pitman 1937, JRSS
Suppl. 4:119-130). Of what is counted it is the spread of the score tests, which take the variance at
equality: McNemar's for accuracy and recall (1947, Psychometrika 12:153-157), that of Leisenring, Alonzo &
Pepe for precision (2000, Biometrics 56:345-351). Where a value moves in steps or folds at zero (a list of
twenty rows, a calibration error), it is found by exchanging.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from modelrail.core.inference.contrast import Clusters
from modelrail.core.metrics.estimate import Estimate, Floats, View

ROWS = 5000  # up to so many; with more the usual spread holds (docs/calibration.md)
# The rows are given, and so the spread under exchanges is known but for the draws: of so many squares by as
# many degrees of freedom, however few the groups are.
TIMES = 100


def spread(
    function: Callable[[View], Estimate],
    views: Sequence[View],
    clusters: Clusters | None,
    *,
    by_rank: bool,
    seed: int,
) -> float:
    """Root mean square of the difference over exchanges; 0 where there are too many rows, or no value.

    `by_rank`: the metric asks for the order of the scores alone; two models' scores may be of unlike scale.
    Rows of a cluster change sides together.
    """
    one = views[0]
    if one.size > ROWS:
        return 0.0
    rng = np.random.default_rng([seed, one.size])
    units = one.size if clusters is None else clusters.count
    first, second = (_ranks(view) if by_rank else view.output for view in views)
    total = 0.0
    for _ in range(TIMES):
        turned = rng.random(units) < 0.5
        turned = turned if clusters is None else turned[clusters.codes]
        turned = turned if first.ndim == 1 else turned[:, None]
        sides = (np.where(turned, second, first), np.where(turned, first, second))
        values = [function(View(one.truth, side, one.weights)).value for side in sides]
        if None in values:
            return 0.0
        total += (values[0] - values[1]) ** 2  # type: ignore[operator] # they are there
    return math.sqrt(total / TIMES)


def _ranks(view: View) -> Floats:
    """Places of the rows in the order of their scores; equal scores share one."""
    sizes = view.ranks.sizes
    return view.ranks.scatter(np.cumsum(sizes) - sizes / 2)
