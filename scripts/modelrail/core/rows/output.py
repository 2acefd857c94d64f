"""What one model said about every row, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from modelrail.core.metrics.estimate import Floats, Ints

PREDICTION = "prediction"
SCORE = "score"


@dataclass(frozen=True)
class Output:
    """What one model said: class codes, scores (n) or class probabilities (n, K), or predicted values."""

    labels: Ints | None  # multilabel: (n, L), 0 or 1
    scores: Floats | None  # multilabel: (n, L)
    extra: Mapping[str, Floats] = field(default_factory=dict)  # `lower` and `upper` of predicted intervals

    def same_as(self, other: Output) -> bool:
        return _same(self.labels, other.labels) and _same(self.scores, other.scores)


def _same(one: Ints | Floats | None, two: Ints | Floats | None) -> bool:
    if one is None or two is None:
        return one is two
    return bool(np.array_equal(one, two))
