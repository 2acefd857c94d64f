"""What a metric's function gives back, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEW = 5000  # rows of the rarer class that are looked at one by one, see inference/few.py


@dataclass(frozen=True)
class Estimate:
    """A value with its empirical influence values.

    `influence` holds, for each row (family `rows`) or each cell of the confusion matrix (family `cells`),
    how much one row there pulls the value: value(F + e*(row - F)) = value(F) + e*influence + o(e). Its mean
    over the rows is zero; its mean square over n is the variance of the value. Differences of influences
    are those of differences, which is why pairing, clusters and relative margins need no code of their own.

    A row of weight w pulls w times as hard: the functions multiply by the weight (`View.pull`). For a metric
    without an influence function (`interval` is not `influence` in the catalog) the values are all zero.
    """

    value: float | None  # None: not defined on these rows, `note` says why
    influence: Floats
    support: int  # how many rows the value rests on
    note: str = ""
    rests_on: str = ""  # which rows these are, where not those that the metric's entry names
    rarer: Ints | None = None  # the rows of the rarer class, where they are FEW at most
    lacks: Floats | None = None  # what each of these lacks, weights included; their mean is 1 - value


def undefined(note: str, shape: tuple[int, ...], support: int = 0) -> Estimate:
    return Estimate(None, np.zeros(shape), support, note)


def support_of(truth: NDArray[np.bool_], own: int) -> tuple[int, str]:
    """The fewer of a metric's own rows and those of the rarer class; of the latter, what they are called.

    Two positive rows among two hundred do not show what a third might have changed.
    """
    positives = int(np.count_nonzero(truth))
    rarer = min(positives, truth.size - positives)
    return (rarer, "rows of the rarer class") if rarer < own else (own, "")


class View:
    """Truth and one model's output on some rows, with what several metrics share (the sort) kept once."""

    def __init__(
        self,
        truth: NDArray[np.generic],
        output: Floats,
        weights: Floats | None = None,
        columns: Mapping[str, Floats] | None = None,
        queries: Ints | None = None,
    ) -> None:
        # Multilabel: (n, L), the truth and labels 0 or 1, or scores.
        self.truth = truth  # binary: bool; multiclass: class codes; otherwise float
        self.output = output  # binary: score; multiclass: (n, K) probabilities; otherwise prediction
        self.weights = weights  # their mean is one; None: all are one
        self.columns = columns or {}  # named columns that metrics ask for: `lower`, `upper`, a scale
        self.queries = queries  # codes of the lists that a ranking task ranks
        self._kept: dict[str, Any] = {}

    def reweighted(self, weights: Floats) -> View:
        """The same rows with other weights (their mean is one); what was sorted once stays sorted."""
        other = View(self.truth, self.output, weights, self.columns, self.queries)
        other._kept = self._kept
        return other

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Something that depends on the rows and not on their weights, made at the first asking."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @property
    def size(self) -> int:
        return len(self.truth)

    @property
    def ranks(self) -> Ranks:
        found: Ranks = self.once("ranks", lambda: Ranks.of(self.output))
        return found

    # --- weighted sums --------------------------------------------------------------------------------

    def mean(self, per_row: Floats) -> float:
        return float(per_row.mean() if self.weights is None else self.weights @ per_row / per_row.size)

    def pull(self, per_row: Floats) -> Floats:
        """What rows of these influence values pull, weights included."""
        return per_row if self.weights is None else self.weights * per_row

    def mass(self, chosen: NDArray[np.bool_]) -> float:
        """Rows that are chosen, by weight."""
        return float(chosen.sum() if self.weights is None else self.weights[chosen].sum())

    def mass_in_blocks(self, chosen: NDArray[np.bool_] | None = None) -> Floats:
        """Rows (those chosen) in each block of equal scores, by weight."""
        ranks = self.ranks
        if self.weights is None and chosen is None:
            return ranks.sizes
        if self.weights is None:
            return ranks.block_sums(cast("NDArray[np.bool_]", chosen))
        return ranks.block_sums(self.weights if chosen is None else self.weights * chosen)


def mean_of(view: View, losses: Floats) -> Estimate:
    """The (weighted) mean of a quantity a row."""
    if not losses.size:
        return undefined("there are no rows", losses.shape)
    value = view.mean(losses)
    return Estimate(value, view.pull(losses - value), losses.size)


def ratio_of(view: View, over: Floats, under: Floats, note: str) -> Estimate:
    """The ratio of two means; `note` says what it means when the lower one is zero."""
    below = view.mean(under) if under.size else 0.0
    if not below:
        return undefined(note, over.shape)
    value = view.mean(over) / below
    return Estimate(value, view.pull((over - value * under) / below), over.size)


_PIECE = (
    4_000_000  # blocks of equal scores that are worked on at once: what lies beside the result stays small
)


@dataclass(frozen=True)
class Ranks:
    """Rows in ascending order of score, ties gathered in blocks."""

    order: NDArray[np.unsignedinteger | np.signedinteger]
    # First position of each block of equal scores; None: no two are equal.
    starts: NDArray[np.unsignedinteger | np.signedinteger] | None

    @classmethod
    def of(cls, scores: Floats) -> Ranks:
        order = np.argsort(scores)
        small = np.uint32 if scores.size < 1 << 32 else np.int64  # half the memory of what stays longest
        order = order.astype(small, copy=False)
        fresh = np.empty(scores.size, dtype=bool)
        fresh[:1] = True
        ordered = scores[order]
        np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
        del ordered
        if bool(fresh.all()):
            return cls(order, None)
        return cls(order, np.flatnonzero(fresh).astype(small))

    @property
    def sizes(self) -> Floats:
        """Rows of each block."""
        if self.starts is None:
            return np.ones(self.order.size)
        found = np.empty(self.starts.size)
        np.subtract(self.starts[1:], self.starts[:-1], out=found[:-1], casting="unsafe")
        found[-1:] = self.order.size - int(self.starts[-1])
        return found

    def block_sums(self, per_row: NDArray[np.generic]) -> Floats:
        """Sum of a per-row quantity in each block."""
        if self.starts is None:
            found: Floats = per_row[self.order].astype(np.float64, copy=False)
            return found
        found = np.empty(self.starts.size)
        for blocks, rows in self._pieces():
            values = per_row[self.order[rows]].astype(np.float64, copy=False)
            found[blocks] = np.add.reduceat(values, self.starts[blocks].astype(np.int64) - rows.start)
        return found

    def scatter(self, per_block: Floats) -> Floats:
        """A per-block quantity back on the rows."""
        out = np.empty(self.order.size)
        if self.starts is None:
            out[self.order] = per_block
            return out
        for blocks, rows in self._pieces():
            starts = self.starts[blocks].astype(np.int64)
            sizes = np.diff(starts, append=rows.stop)
            out[self.order[rows]] = np.repeat(per_block[blocks], sizes)
        return out

    def _pieces(self) -> Iterator[tuple[slice, slice]]:
        """Blocks, and the rows of these blocks in the order of scores."""
        assert self.starts is not None  # noqa: S101 - the callers have looked
        count, n = self.starts.size, self.order.size
        for first in range(0, count, _PIECE):
            last = min(first + _PIECE, count)
            end = int(self.starts[last]) if last < count else n
            yield slice(first, last), slice(int(self.starts[first]), end)
