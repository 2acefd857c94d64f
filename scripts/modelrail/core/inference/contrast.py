"""One number with its standard error: `candidate - factor * baseline`, from influence values.

`factor` 1 is the difference, 0 the candidate alone, and 1 -+ r the question "worse by more than the share
r?" (a linear hypothesis, so that the baseline's own noise is accounted for; Laster & Johnson 2003, Stat.
Med. 22:187).

Rows are independent, or come in clusters: then the influence values are summed by cluster first, and the
spread of these sums counts (Liang & Zeger 1986, Biometrika 73:13-22). The interval uses Student's t. Where
it hangs on a few rows the variance is known by few degrees of freedom only (Satterthwaite 1946: 2 v^2 /
var(v)). For independent rows that matters at one end: few heavy rows on both sides make Student's t err on
the safe side, since they raise the spread with the estimate (Efron 1969, JASA 64:1278-1302); on one side
they make it miss at the end that they lean to (Johnson 1978, JASA 73:536-544). So the end to which the rows
lean has Satterthwaite's degrees of freedom, the other n - 1, whatever the rows weigh. Clusters of unlike size
have Satterthwaite's at both ends.

The end nearer to zero may have a standard error of its own, that of models which can be exchanged
(near.py, exchange.py): it is the one that tells whether there is a difference at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from modelrail.core.inference import bounded, skewed, student
from modelrail.core.inference.few import Few
from modelrail.core.inference.near import Near
from modelrail.core.inference.skewed import Skewed
from modelrail.core.metrics.estimate import Floats, Ints

MANY = 1000  # replicates from which their own quantiles are the interval; with fewer, their spread


PIECE = 1 << 20  # rows worked on at a time


def pieces(rows: int, size: int = PIECE) -> Iterator[slice]:
    """The rows in order, some at a time."""
    return (slice(start, start + size) for start in range(0, rows, size))


@dataclass(frozen=True)
class Contrast:
    estimate: float
    error: float  # standard error
    df: float
    floor: float = 0.0  # smallest half-width at 95%, where no spread was seen though the models differ
    replicates: Floats | None = None  # of the bootstrap, ascending
    skew: Skewed | None = None  # of a mean of few or skewed pulls
    tested: float | None = None  # the p-value of another test of zero, where one was asked for
    lean: float = 0.0  # 1: the rows' skewness makes the upper end uncertain, -1: the lower one
    df_lean: float = math.inf  # degrees of freedom at that end
    range: bounded.Range | None = None  # of a value by itself; it lies strictly within
    few: Few | None = None  # of a difference that few rows of one class make up
    near: Near | None = None  # of a difference: the end nearer to zero, where it has its own spread

    def bounds(self, confidence: float) -> tuple[float, float]:
        if self.replicates is not None and self.error and self.replicates.size >= MANY:
            tail = (1 - confidence) / 2
            low, high = (float(end) for end in np.quantile(self.replicates, [tail, 1 - tail]))
            return self._nearer(low, high, confidence)
        if not self.error:
            half = self.half_width(confidence)
            return self.estimate - half, self.estimate + half
        if self.skew is not None:
            below, above = self.skew.reach(confidence, *self._freedom())
        else:
            below, above = (student.critical(confidence, df) for df in self._freedom())
            if self.range is not None:
                return bounded.interval(self.estimate, self.error, self.range, below, above)
        low, high = self.estimate - below * self.error, self.estimate + above * self.error
        if self.few is not None and self.few.side > 0:
            high = max(high, self.estimate + self.few.reach(confidence, above))
        elif self.few is not None:
            low = min(low, self.estimate - self.few.reach(confidence, below))
        return self._nearer(low, high, confidence)

    def with_near(self, error: float, df: float | None = None) -> Contrast:
        """With a standard error of its own at the end that is nearer to zero, where it has one.

        `df`: where it is known better or worse than the other one is.
        """
        if error <= 0 or not self.error or not self.estimate:
            return self
        upper = self.estimate < 0
        df = self._freedom()[upper] if df is None else df
        return replace(self, near=Near(error, 1 if upper else -1, df))

    def _nearer(self, low: float, high: float, confidence: float) -> tuple[float, float]:
        if self.near is None:
            return low, high
        end = self.near.end(self.estimate, confidence)
        return (end, high) if self.near.side < 0 else (low, end)

    def half_width(self, confidence: float) -> float:
        if not self.error:
            return self.floor * math.log((1 - confidence) / 2) / math.log(0.025) if self.floor else 0.0
        low, high = self.bounds(confidence)
        return (high - low) / 2

    def _freedom(self) -> tuple[float, float]:
        """Degrees of freedom at the lower end and at the upper."""
        further = min(self.df, self.df_lean)
        return further if self.lean < 0 else self.df, further if self.lean > 0 else self.df

    def p_value(self) -> float:
        """Two-sided, of the hypothesis that the true value is zero.

        The interval's own test, turned round, unless another was asked for.
        """
        if self.tested is not None:
            return self.tested
        if not self.error:
            return 1.0 if abs(self.estimate) <= self.floor else 0.0
        of_near = None if self.near is None else self.near.p_value(self.estimate)
        if of_near is not None:
            return of_near
        below, above = self._freedom()
        df = below if self.estimate > 0 else above  # of the end that is nearer to zero
        if self.skew is not None:
            return self.skew.p_value(self.estimate / self.error, df)
        normal = student.two_sided_p(self.estimate / self.error, df)
        if self.replicates is None or self.replicates.size < MANY:
            return normal
        count = self.replicates.size
        beyond = min(int((self.replicates <= 0).sum()), int((self.replicates >= 0).sum()))
        return min(1.0, 2 * beyond / count) if beyond else min(normal, 2 / count)

    def moved(self, sign: float, shift: float) -> Contrast:
        """The contrast times `sign` (1 or -1), plus `shift`."""
        values = None if self.replicates is None else np.sort(sign * self.replicates + shift)
        skew = self.skew.mirrored() if self.skew is not None and sign < 0 else self.skew
        few = self.few.mirrored() if self.few is not None and sign < 0 else self.few
        near = self.near.mirrored() if self.near is not None and sign < 0 else self.near
        return replace(
            self, estimate=sign * self.estimate + shift, replicates=values, skew=skew, tested=None,
            lean=sign * self.lean, range=None, few=few, near=near,
        )  # fmt: skip


@dataclass(frozen=True)
class Clusters:
    """Cluster codes 0..count-1 of some rows."""

    codes: Ints
    count: int

    def sums(self, per_row: Floats) -> Floats:
        return np.bincount(self.codes, weights=per_row, minlength=self.count).astype(np.float64, copy=False)

    def means_where(self, rows: Ints, values: Floats) -> Floats:
        """By cluster that has any of these rows, its part of their mean: the mean of the parts is theirs."""
        codes = self.codes[rows]
        present = np.bincount(codes, minlength=self.count) > 0
        sums: Floats = np.bincount(codes, weights=values, minlength=self.count)[present].astype(np.float64)
        sums *= sums.size / values.size
        return sums

    def sums_of_difference(self, one: Floats, two: Floats, factor: float) -> Floats:
        """Sums of `one - factor * two`, piece by piece: no such array of all rows is made."""
        found = np.zeros(self.count)
        for part in pieces(one.size, max(PIECE, 4 * self.count)):
            pulls = one[part] - factor * two[part]
            found += np.bincount(self.codes[part], weights=pulls, minlength=self.count)
        return found


def from_rows(
    estimate: float,
    influence: Floats,
    clusters: Clusters | None,
    against: Floats | None = None,
    factor: float = 0.0,
    *,
    seed: int | None = None,
) -> Contrast:
    """The contrast whose rows pull it by `influence`, less `factor` times `against` where that is given.

    `seed`: it is one of means, for which the bootstrap-t is asked where the pulls are skewed.
    """
    n = influence.size
    if against is not None and factor and clusters is None:
        found = [_moments(influence[part] - factor * against[part]) for part in pieces(n)]
        second, third, fourth = (math.fsum(sums) for sums in zip(*found, strict=True))
        made = _contrast(estimate, second, fourth, units=n, n=n)
        made = _leaning(made, third, n)
        if seed is None or not skewed.possible(second, fourth):
            return made
        return replace(made, skew=skewed.find(influence - factor * against, seed))
    pulls = influence
    if clusters is not None:
        pulls = (
            clusters.sums_of_difference(influence, against, factor)
            if against is not None and factor
            else clusters.sums(influence)
        )
    second, third, fourth = _moments(pulls)
    made = _contrast(estimate, second, fourth, units=pulls.size, n=n)
    if clusters is None:
        made = _leaning(made, third, n)
    if seed is None or not skewed.possible(second, fourth):
        return made
    return replace(made, skew=skewed.find(pulls, seed))


def from_cells(
    estimate: float,
    influence: Floats,
    counts: Floats,
    pseudo: Floats,
    pseudo_counts: Floats,
    *,
    rows: float | None = None,
) -> Contrast:
    """The same where rows collapse to cells; with weights, `counts` are sums of squared ones (of mean one).

    `pseudo` and `pseudo_counts` are rows that were not seen but might have been: one in each direction of
    disagreement, spread over the classes (Agresti & Min 2005; Bonett & Price 2012). They enter the spread
    alone, so that few or no disagreements do not pretend to certainty. `influence` is of the table that they
    are part of (`joint.spread_with`).
    """
    values, weights = np.concatenate((influence, pseudo)), np.concatenate((counts, pseudo_counts))
    squares = values * values
    n = float(weights.sum()) if rows is None else rows + float(pseudo_counts.sum())
    # No fourth moment: the pseudo-rows already widen what hangs on few rows, as both papers measured it.
    return _contrast(estimate, float(weights @ squares), 0.0, units=n, n=n)


def from_cell_clusters(
    estimate: float, influence: Floats, clusters: Clusters, pseudo: Floats, pseudo_counts: Floats
) -> Contrast:
    """Cells, but the rows in clusters: `influence` is by row; each pseudo-row is a cluster of its own."""
    second, _, fourth = _moments(clusters.sums(influence))
    squares = pseudo * pseudo
    second += float(pseudo_counts @ squares)
    fourth += float(pseudo_counts @ (squares * squares))
    return _contrast(
        estimate, second, fourth, units=clusters.count, n=influence.size + float(pseudo_counts.sum())
    )


def widened(found: Contrast, values: list[float]) -> Contrast:
    """By the variance between values of several random ways to compute the same number."""
    if len(values) < 2 or not found.error:
        return found
    by_splits = float(np.std(values, ddof=1))
    near = found.near and replace(found.near, error=math.hypot(found.near.error, by_splits))
    return replace(found, error=math.hypot(found.error, by_splits), near=near)


def from_replicates(estimate: float, values: Floats) -> Contrast:
    """From the bootstrap's replicates of the contrast; those without a value are left out."""
    known = np.sort(values[np.isfinite(values)])
    error = float(known.std(ddof=1)) if known.size > 1 else 0.0
    return Contrast(estimate, error, math.inf, replicates=known)


def error_of_cells(influence: Floats, counts: Floats, rows: float) -> float:
    """The standard error alone, without pseudo-rows."""
    second = float(counts @ (influence * influence))
    return math.sqrt(second / rows / (rows - 1)) if rows > 1 else 0.0


def _moments(pulls: Floats) -> tuple[float, float, float]:
    """Sums of second, third and fourth powers; mergeable by addition, and so made piece by piece."""
    second, third, fourth = 0.0, 0.0, 0.0
    for part in pieces(pulls.size):
        squares = pulls[part] * pulls[part]
        second += float(squares.sum())
        third += float(squares @ pulls[part])
        fourth += float(squares @ squares)
    return second, third, fourth


def _leaning(found: Contrast, third: float, units: int) -> Contrast:
    """Independent rows: Satterthwaite's degrees of freedom at the end to which they lean, else n - 1."""
    return replace(found, df=max(units - 1.0, 1.0), lean=float(np.sign(third)), df_lean=found.df)


def _contrast(estimate: float, second: float, fourth: float, *, units: float, n: float) -> Contrast:
    if units < 2 or n < 2 or second <= 0:
        return Contrast(estimate, 0.0, max(units - 1, 1.0))
    variance = second / n**2 * units / (units - 1)
    spread = fourth - second * second / units
    df = units - 1 if spread <= 0 else min(2 * second * second / spread, units - 1)
    return Contrast(estimate, math.sqrt(variance), max(df, 1.0))
