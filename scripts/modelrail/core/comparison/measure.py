"""One metric on some rows: both values, and the contrasts between them with their standard errors.

Nothing here knows a metric by name. Influence values come from the catalog's functions; pairing, clusters and
relative margins are the same for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from modelrail.core import digits
from modelrail.core.comparison.measured import (
    ALONE,
    DIFFERENCE,
    Measured,
    by_mcnemar,
    combine,
    floored,
    ranged,
    refuse_non_finite,
    without_rounding,
)
from modelrail.core.inference import contrast, exchange, few, resample
from modelrail.core.inference.contrast import Clusters, Contrast
from modelrail.core.inference.power import MIN_CLUSTERS, MIN_SUPPORT, rows_for_support
from modelrail.core.metrics import catalog, functions
from modelrail.core.metrics.catalog import Metric
from modelrail.core.metrics.estimate import Estimate, Floats, Ints, View
from modelrail.core.rows import thresholds
from modelrail.core.rows.joint import Joint, confusion, disagreements, pulls_of, spread_with
from modelrail.core.rows.pairing import Paired
from modelrail.errors import ComparisonError


class Subset:
    """Some rows of the pairing; what metrics share (cells, sorts, clusters) is made once, when asked for."""

    def __init__(self, paired: Paired, rows: Ints | None = None) -> None:
        self.paired = paired
        self._rows = rows
        self.size = paired.rows if rows is None else int(rows.size)
        self._joints: dict[object, Joint] = {}

    def measure(self, metric: Metric, factors: Iterable[float] = (DIFFERENCE,)) -> Measured:
        """Both values and the contrasts for these factors of the baseline (`ALONE` is always there)."""
        if self.size == 0:
            return Measured(0, None, None, {}, enough=False, note="there are no rows")
        # Overflow in hostile values must not pass as a warning: it ends as a value that is not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            if metric.family in {"user", "reported"}:
                return self._from_outside(metric, factors)
            return self._cells(metric, factors) if metric.family == "cells" else self._by_row(metric, factors)

    def pulls(self, metric: Metric) -> tuple[Floats, Floats | None] | None:
        """By row, how much it pulls the candidate's value, and the difference; None where nothing tells."""
        if metric.interval != "influence" or metric.family not in {"cells", "rows"}:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            if metric.family == "cells":
                joint = self._joint(metric)
                cells = functions.of_cells(metric, self.paired.classes)
                alone = cells(joint.confusion(joint.candidate)).influence[joint.truth, joint.candidate]
                other = None
                if self.paired.baseline is not None:
                    other = cells(joint.confusion(joint.baseline)).influence[joint.truth, joint.baseline]
                weights = 1.0 if self.weights is None else self.weights
                mine = alone[joint.cell_of_row] * weights
                theirs = None if other is None else mine - other[joint.cell_of_row] * weights
                return mine, theirs
            function = functions.of_rows(metric, self.paired.classes)
            found = [function(view) for view in self._views_of(metric)]
            if any(one.value is None for one in found):
                return None
            first = found[0].influence
            return first, None if len(found) == 1 else first - found[1].influence

    def forget(self) -> None:
        """Drop what was sorted and counted for all metrics: of many rows it is most of the memory."""
        self._joints.clear()
        for name in ("_views", "_label_views"):
            self.__dict__.pop(name, None)

    # --- the two families ------------------------------------------------------------------------------

    def _by_row(self, metric: Metric, factors: Iterable[float]) -> Measured:
        function, views = functions.of_rows(metric, self.paired.classes), self._views_of(metric)
        one = function(views[0])
        two = function(views[1]) if len(views) > 1 else None
        if metric.interval != "influence":
            return self._resampled(metric, one, two, factors)

        mine = self._left_out(one.influence)
        theirs = None if two is None else self._left_out(two.influence)

        def make(factor: float) -> Contrast:
            seed = self.paired.seed if metric.is_mean else None
            made = contrast.from_rows(
                combine(one, two, factor), mine, self.clusters, theirs, factor, seed=seed
            )
            if two is None or not factor:
                return made
            made = replace(made, few=self._few(one, two, factor, made.error**2))
            if factor != DIFFERENCE:
                return made
            return made.with_near(self._exchanged(metric, function, views, one, two), exchange.TIMES)

        return self._finish(metric, one, two, make, factors)

    def _few(self, one: Estimate, two: Estimate, factor: float, variance: float) -> few.Few | None:
        """What the rows of the rarer class say, where they are few and the metric tells it row by row."""
        if one.rarer is None or one.lacks is None or two.lacks is None:
            return None
        parts = factor * two.lacks - one.lacks
        if self.clusters is None:
            return few.find(parts, variance)
        if parts.size > few.GROUPED:
            return None
        return few.find(self.clusters.means_where(one.rarer, parts), variance)

    def _left_out(self, influence: Floats) -> Floats:
        """What each row pulls, seen from a value without it.

        A heavy row draws the value toward itself, and its pull looks the smaller (HC3, the jackknife;
        MacKinnon & White 1985, J. Econometrics 29:305-325).
        """
        if self.weights is None or self.clusters is not None:
            return influence
        return influence / np.maximum(1 - self.weights / self.size, 0.5)

    def _resampled(
        self, metric: Metric, one: Estimate, two: Estimate | None, factors: Iterable[float]
    ) -> Measured:
        """No influence function: by the bootstrap, or the bare values."""
        if metric.interval == "none" or one.value is None or (two is not None and two.value is None):
            return self._finish(metric, one, two, lambda _: Contrast(math.nan, 0.0, 1.0), factors)
        views = self._views_of(metric)
        views = views if two is not None else views[:1]
        function, faster = functions.of_rows(metric, self.paired.classes), resample.faster(metric)
        if faster is not None:
            values = faster(views, self.clusters, seed=self.paired.seed)
        else:
            values = resample.replicates(function, views, self.clusters, seed=self.paired.seed)
        near = self._exchanged(metric, function, views, one, two)
        return self._from_values(metric, one, two, values, factors, near)

    def _exchanged(
        self,
        metric: Metric,
        function: Callable[[View], Estimate],
        views: tuple[View, ...],
        one: Estimate,
        two: Estimate | None,
    ) -> float:
        """The spread under exchanges, of a metric that asks for it on rows that carry an interval."""
        if not metric.exchanged or two is None or min(one.support, two.support) < MIN_SUPPORT:
            return 0.0
        by_rank = metric.exchanged == "ranks"
        return exchange.spread(function, views, self.clusters, by_rank=by_rank, seed=self.paired.seed)

    def _from_values(
        self,
        metric: Metric,
        one: Estimate,
        two: Estimate | None,
        values: Floats,
        factors: Iterable[float],
        near: float = 0.0,
    ) -> Measured:
        lost = float((~np.isfinite(values)).any(axis=0).mean())
        if lost > resample.UNDEFINED:
            why = f"it has no value in {lost:.0%} of the resamples"
            one = Estimate(one.value, one.influence, 0, why)
        first, second = values[0], values[-1]

        def make(factor: float) -> Contrast:
            pulls = first if two is None or not factor else first - factor * second
            made = contrast.from_replicates(combine(one, two, factor), pulls)
            return made.with_near(near, exchange.TIMES) if factor == DIFFERENCE else made

        return self._finish(metric, one, two, make, factors)

    def _from_outside(self, metric: Metric, factors: Iterable[float]) -> Measured:
        """A number that training reported, or a function of the user's own in the user's environment."""
        if metric.family == "reported":
            value = self.paired.reported.get(metric.name) if self._rows is None else None
            why = (
                "training reports all rows at once"
                if self._rows is not None
                else "training did not report it"
            )
            return Measured(
                self.size,
                value,
                None,
                {},
                enough=False,
                note="" if value is not None else why,
                point_only=True,
            )
        if self.paired.user is None:
            raise ComparisonError(
                f"{metric.name} is a function of the user's own, which cannot be called here."
            )
        said = self.paired.user(metric, self)
        estimates = [
            Estimate(
                None if value is None else value,
                np.zeros(0),
                self.size,
                "" if value is not None else said.note,
            )
            for value in said.values
        ]
        one, two = estimates[0], estimates[1] if len(estimates) > 1 else None
        if any(found.value is None for found in estimates):
            return self._finish(metric, one, two, lambda _: Contrast(math.nan, 0.0, 1.0), factors)
        return self._from_values(metric, one, two, said.replicates, factors)

    def _cells(self, metric: Metric, factors: Iterable[float]) -> Measured:
        function = functions.of_cells(metric, self.paired.classes)
        joint = self._joint(metric)
        tables = [joint.confusion(joint.candidate)]
        tables += [] if self.paired.baseline is None else [joint.confusion(joint.baseline)]
        one, two = function(tables[0]), function(tables[1]) if len(tables) > 1 else None

        @cache
        def spread(*, alone: bool) -> tuple[Floats, list[Floats]]:
            """The pseudo-rows, and what the cells of each model pull in the table that these are part of.

            A value by itself has pseudo-rows only where a class shows no spread of its own.
            """
            pseudo, used = disagreements(joint.class_counts()), tables
            if alone:
                used = tables[:1]
                right, every = np.diag(tables[0]), tables[0].sum(axis=1)
                pseudo = pseudo * ((right == 0) | (right == every))[:, None]
            pulled = [spread_with(pseudo, function, table) for table in used]
            return np.stack((pseudo, pseudo)).ravel(), pulled

        def make(factor: float) -> Contrast:
            counted, (first, *second) = spread(alone=not factor)
            pulls, against = first[joint.truth, joint.candidate], np.zeros_like(first)
            if second:
                pulls = pulls - factor * second[0][joint.truth, joint.baseline]
                against = factor * second[0]
            pseudo = pulls_of(first, against)
            value = combine(one, two, factor)
            if self.clusters is None:
                made = contrast.from_cells(value, pulls, joint.squares, pseudo, counted, rows=self.size)
            else:
                by_row = pulls[joint.cell_of_row]
                by_row = by_row if self.weights is None else by_row * self.weights
                made = contrast.from_cell_clusters(value, by_row, self.clusters, pseudo, counted)
            if factor == DIFFERENCE and two is not None and self.clusters is None:
                # Of models that are equal, one table tells what a cell pulls: that of both together. Not by
                # group: of few groups the spread is known too poorly for an end to come nearer.
                equal = function((tables[0] + tables[1]) / 2).influence
                pulls = equal[joint.truth, joint.candidate] - equal[joint.truth, joint.baseline]
                near = contrast.error_of_cells(pulls, joint.squares, self.size)
                made = made.with_near(min(near, made.error))
            return contrast.widened(made, _values_of_splits(self, metric, function, factor))

        found = self._finish(metric, one, two, make, factors)
        if metric.params.get("test") != "mcnemar" or self.clusters is not None or self.weights is not None:
            return found
        return by_mcnemar(found, joint)

    def _finish(
        self,
        metric: Metric,
        one: Estimate,
        two: Estimate | None,
        make: Callable[[float], Contrast],
        factors: Iterable[float],
    ) -> Measured:
        refuse_non_finite(metric, one, two)
        if metric.interval == "none":
            values = [None if found is None else found.value for found in (one, two)]
            known = {ALONE: values[0], DIFFERENCE: None if None in values else values[0] - values[1]}  # type: ignore[operator]
            bare = {factor: Contrast(value, 0.0, 1.0) for factor, value in known.items() if value is not None}
            return Measured(
                self.size, values[0], values[1], bare, enough=False,
                note=one.note or "this metric has no interval: its value hangs on single rows",
                identical=two is not None and self._identical, point_only=True,
            )  # fmt: skip
        wanted = {ALONE} if two is None else {ALONE, DIFFERENCE, *factors}
        note = one.note and f"candidate: {one.note}"
        if two is not None and two.value is None:
            note = f"baseline: {two.note}" if one.value is not None else one.note
            wanted = {ALONE}
        contrasts = {} if one.value is None else {factor: make(factor) for factor in sorted(wanted)}
        contrasts = {factor: without_rounding(found, one, two) for factor, found in contrasts.items()}
        identical = two is not None and self._identical
        least = one if two is None or two.value is None or one.support <= two.support else two
        support = int(min(least.support, self.size) * self._effective)
        short = self._too_few(least.rests_on or metric.rests_on, support)
        if not identical and not short:
            contrasts = {factor: floored(metric, found, support) for factor, found in contrasts.items()}
        if ALONE in contrasts and not short:
            contrasts[ALONE] = ranged(metric, contrasts[ALONE], support)
        return Measured(
            self.size, one.value, None if two is None else two.value, contrasts,
            enough=not short and not note, note=note or short, identical=identical,
        )  # fmt: skip

    def _too_few(self, rests_on: str, support: int) -> str:
        if support < MIN_SUPPORT:
            about = rows_for_support(self.size, support)
            size = f", about {about:,} rows at this share" if about and about > MIN_SUPPORT else ""
            few = digits.counted(support, rests_on)
            return f"only {few}; an interval needs {MIN_SUPPORT} or more{size}"
        if self.clusters is not None and self.clusters.count < MIN_CLUSTERS:
            groups = digits.counted(self.clusters.count, "groups")
            return f"only {groups}; an interval needs {MIN_CLUSTERS} or more"
        return ""

    # --- shared between metrics ------------------------------------------------------------------------

    def take(self, values: Any) -> Any:
        return values if self._rows is None else values[self._rows]

    def _views_of(self, metric: Metric) -> tuple[View, ...]:
        """Of scores or values; where a row has several labels, of them when the metric takes labels."""
        by_labels = self.paired.task == "multilabel" and metric.needs == "labels"
        return self._label_views if by_labels else self._views

    @cached_property
    def _label_views(self) -> tuple[View, ...]:
        truth = self.take(self.paired.truth)
        return tuple(View(truth, self.take(output.labels), self.weights) for output in self.paired.outputs)

    @cached_property
    def _views(self) -> tuple[View, ...]:
        truth = self.take(self.paired.truth)
        found = []
        for output in self.paired.outputs:
            assert output.scores is not None  # noqa: S101 - pairing read them for every metric that needs them
            extra = {
                name: self.take(values) for name, values in {**self.paired.columns, **output.extra}.items()
            }
            found.append(View(truth, self.take(output.scores), self.weights, extra, self._queries))
        return tuple(found)

    @cached_property
    def weights(self) -> Floats | None:
        """Weights whose mean is one, as every function takes them."""
        if self.paired.weights is None:
            return None
        found: Floats = self.take(self.paired.weights)
        total = found.sum()
        return found * (found.size / total) if total > 0 else found

    @cached_property
    def _effective(self) -> float:
        """The share of the rows that count when weights differ (Kish 1965, Survey Sampling)."""
        if self.weights is None:
            return 1.0
        squares = float(self.weights @ self.weights)
        return float(self.weights.sum()) ** 2 / squares / self.size if squares else 0.0

    @cached_property
    def _queries(self) -> Ints | None:
        return None if self.paired.queries is None else self.take(self.paired.queries)

    def _joint(self, metric: Metric) -> Joint:
        key = metric.threshold if metric.threshold != catalog.TUNED else (metric.name, str(metric.params))
        if key not in self._joints:
            labels = [self.take(found) for found in self.paired.decided(metric)]
            self._joints[key] = Joint.count(
                self.take(self.paired.truth), labels[0], labels[-1], len(self.paired.classes), self.weights
            )
        return self._joints[key]

    @cached_property
    def clusters(self) -> Clusters | None:
        if self.paired.clusters is None:
            return None
        if self._rows is None:
            return Clusters(self.paired.clusters, self.paired.cluster_count)
        codes = self.paired.clusters[self._rows]
        if codes.size * 4 < self.paired.cluster_count:  # a small slice of many clusters: sort what is there
            found, codes = np.unique(codes, return_inverse=True)
            return Clusters(codes.astype(np.int64), int(found.size))
        present = np.bincount(codes, minlength=self.paired.cluster_count) > 0
        return Clusters((np.cumsum(present) - 1)[codes], int(present.sum()))

    @cached_property
    def _identical(self) -> bool:
        first, second = self.paired.outputs
        bounds = ((first.extra.get(name), second.extra.get(name)) for name in first.extra)
        pairs = ((first.labels, second.labels), (first.scores, second.scores), *bounds)
        return all(
            (one is None and two is None)
            or (one is not None and two is not None and np.array_equal(self.take(one), self.take(two)))
            for one, two in pairs
        )


def _values_of_splits(
    subset: Subset, metric: Metric, function: Callable[[Floats], Estimate], factor: float
) -> list[float]:
    """The value under other ways to halve the rows that tune the threshold; none without tuning."""
    found = []
    paired = subset.paired
    for split in range(thresholds.SPLITS) if metric.threshold == catalog.TUNED else ():
        truth = subset.take(paired.truth)
        labels = [subset.take(one) for one in paired.decided(metric, split)]
        counts = [confusion(truth, one, len(paired.classes), subset.weights) for one in labels]
        values = [function(one) for one in counts]
        if all(one.value is not None for one in values):
            found.append(combine(values[0], values[1] if len(values) > 1 else None, factor))
    return found
