"""Which slices are served worst: every combination of slice values, up to a depth.

One pass ranks them all by their mean influence value, a group-by for each combination of columns; the worst
are then measured exactly, as any slice is. Influence values say how a row pulls the metric (Hampel 1974,
JASA 69:383-393): for a mean, such as a log loss, the ranking is exact, for a rank metric of first order.

Looking at many slices finds bad ones by chance: the p-values are corrected by Holm over all that were looked
at, those not measured counting as 1, which keeps the chance of any false find at 5% or below.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import digits, wording
from modelrail.core.comparison import decide
from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import ALONE, Measured
from modelrail.core.inference.contrast import Contrast
from modelrail.core.inference.family import CORRECTION, holm
from modelrail.core.metrics.catalog import Metric
from modelrail.core.metrics.estimate import Floats, Ints
from modelrail.core.slices import members as slices
from modelrail.errors import ComparisonError

MEASURED = 20  # of each kind
SHOWN = 5
LEVEL = 0.95
Kind = Literal["level", "difference"]


@dataclass(frozen=True)
class _Place:
    column: str
    label: str
    score: float  # standardised mean pull, the worst lowest
    rows: Ints


def search(
    whole: Subset, metric: Metric, label: str, wanted: config.SliceSearch, sliced: tuple[config.Slice, ...]
) -> records.SliceSearch | None:
    """None when this metric has no influence values, or there is nothing to combine."""
    pulls = whole.pulls(metric)
    cuts = [slices.cut(whole.paired.table, one) for one in sliced if not one.parts and one.where is None]
    if pulls is None or not cuts:
        return None
    measured = whole.measure(metric)
    kinds: list[tuple[Kind, Floats]] = [("level", pulls[0])]
    if pulls[1] is not None:
        kinds.append(("difference", pulls[1]))
    looked, found = 0, []
    for kind, values in kinds:
        places, count = _rank(cuts, values * decide.sign(metric), wanted)
        looked += count
        found += [(kind, place, Subset(whole.paired, place.rows).measure(metric)) for place in places]
    contrasts = [_contrast(kind, part, measured) for kind, _, part in found]
    p_values = [1.0 if one is None else one.p_value() for one in contrasts]
    adjusted = holm(p_values + [1.0] * (looked - len(p_values)))[: len(p_values)]
    rows = [
        _row(metric, kind, place, part, contrast, p_value)
        for (kind, place, part), contrast, p_value in zip(found, contrasts, adjusted, strict=True)
        if contrast is not None and decide.sign(metric) * contrast.estimate < 0
    ]
    direction = decide.sign(metric)
    rows.sort(key=lambda row: (row.kind, row.p_value >= 1 - LEVEL, direction * row.effect, row.slice.column))
    shown = [row for kind, _ in kinds for row in [one for one in rows if one.kind == kind][:SHOWN]]
    return records.SliceSearch(
        metric=label, depth=wanted.depth, min_rows=wanted.min_rows, looked=looked, correction=CORRECTION,
        found=tuple(shown),
    )  # fmt: skip


def note(search_: records.SliceSearch, metric: Metric) -> list[str]:
    """The finds that chance does not explain, or that there are none."""
    many = digits.counted(search_.looked, "slices", "were")
    looked = f"{many} searched for {wording.title(metric)}, Holm over all of them"
    sure = [row for row in search_.found if row.p_value < 1 - LEVEL]
    if not sure:
        return [f"{looked}: none is served worse beyond what chance explains."]
    told = [
        f"{row.slice.column} {row.slice.value} "
        + (
            f"at {wording.number(row.candidate or 0.0)}, {wording.signed(row.effect, 2)} from the whole"
            if row.kind == "level"
            else f"changes by {wording.signed(row.effect, 2)}"
        )
        + f" ({digits.counted(row.rows)})"
        for row in sure[:SHOWN]
    ]
    return [f"{looked}; served worst: {'; '.join(told)}."]


def _rank(cuts: list[slices.Slicing], pulls: Floats, wanted: config.SliceSearch) -> tuple[list[_Place], int]:
    """The lowest by standardised mean pull, and how many were looked at."""
    spread = float(pulls.std()) or 1.0
    best: list[tuple[float, slices.Slicing, int]] = []
    looked = 0
    for cut in _combinations(cuts, wanted.depth):
        sizes = cut.sizes
        sums = np.bincount(cut.codes, weights=pulls, minlength=len(cut.labels))[: len(cut.labels)]
        large = np.flatnonzero(sizes >= wanted.min_rows)
        looked += int(large.size)
        scores = sums[large] / (spread * np.sqrt(sizes[large]))
        order = np.argsort(scores, kind="stable")[:MEASURED]
        best += [(float(scores[at]), cut, int(large[at])) for at in order]
        best = sorted(best, key=lambda one: (one[0], one[1].column, one[2]))[:MEASURED]
    return [
        _Place(cut.column, cut.labels[code], score, np.flatnonzero(cut.codes == code).astype(np.int64))
        for score, cut, code in best
    ], looked


def _combinations(cuts: list[slices.Slicing], depth: int) -> Iterator[slices.Slicing]:
    """One at a time: the codes of a combination are as long as the table."""
    yield from cuts
    for size in range(2, min(depth, len(cuts)) + 1):
        for some in itertools.combinations(cuts, size):
            try:
                yield slices.combine(list(some), slices.JOIN.join(cut.column for cut in some), 1)
            except ComparisonError:
                continue  # thousands of tiny ones: none would be large enough


def _contrast(kind: Kind, part: Measured, whole: Measured) -> Contrast | None:
    if not part.enough:
        return None
    if kind == "difference":
        return part.difference
    alone = part.contrasts.get(ALONE)
    if alone is None or whole.candidate is None:
        return None
    # The whole holds the slice, so that its own noise only narrows this: the error here is on the safe side.
    return Contrast(
        alone.estimate - whole.candidate, alone.error, alone.df, alone.floor,
        lean=alone.lean, df_lean=alone.df_lean,
    )  # fmt: skip


def _row(
    metric: Metric, kind: Kind, place: _Place, part: Measured, contrast: Contrast, p_value: float
) -> records.FoundSlice:
    low, high = contrast.bounds(LEVEL)
    return records.FoundSlice(
        slice=records.SliceRef(column=place.column, value=place.label), kind=kind, rows=part.rows,
        candidate=part.candidate, baseline=part.baseline, effect=contrast.estimate,
        interval=records.Interval(low=low, high=high, confidence=LEVEL, method=metric.method),
        p_value=p_value,
    )  # fmt: skip
