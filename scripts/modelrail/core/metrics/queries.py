"""Ranking: lists of rows (`data.query`), each ranked by its predictions; the mean over the lists.

Influence values of a list are spread over its rows, so that sums by list, or by a larger group, are right.
Ties in the predictions are averaged (NDCG) or counted against the model (the others).
"""

from __future__ import annotations

import numpy as np

from modelrail.core.metrics.estimate import Estimate, Floats, Ints, View, undefined

SMALL = 1 << 16  # span of whole numbers that need no sort to be coded
WHOLE = 1 << 63  # what a signed number of 64 bits cannot hold any more


class Lists:
    """Rows by list, each list in descending order of prediction."""

    def __init__(self, view: View) -> None:
        assert view.queries is not None  # noqa: S101 - pairing reads them for every ranking task
        truth = view.truth.astype(np.float64, copy=False)
        # Among equal predictions the least relevant row first: a constant score must not look like a ranking.
        (grades, distinct), (places, scores) = _codes(truth), _codes(view.output)
        keys = ((scores.size - 1 - places, scores.size), (grades, distinct.size))
        self.order: Ints = _order(view.queries, *keys)
        codes = view.queries[self.order]
        self.starts = (
            np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1]))) if codes.size else codes
        )
        self.sizes: Ints = np.diff(np.concatenate((self.starts, [codes.size])))
        self.place: Ints = np.arange(codes.size) - np.repeat(self.starts, self.sizes)
        self.truth = truth[self.order]
        self.ideal = distinct[_falling(view.queries, grades, distinct.size)]
        outputs = view.output[self.order]
        fresh = np.concatenate(([True], (codes[1:] != codes[:-1]) | (outputs[1:] != outputs[:-1])))
        self.ties: Ints = np.flatnonzero(fresh) if codes.size else codes
        self.tie_sizes: Ints = np.diff(np.concatenate((self.ties, [codes.size])))

    def sums(self, per_row: Floats) -> Floats:
        return np.add.reduceat(per_row, self.starts) if self.starts.size else np.zeros(0)


def _codes(values: Floats) -> tuple[Ints, Floats]:
    """Each value's place among the distinct ones, ascending, and these (of whole numbers, all between)."""
    if not values.size:
        return np.zeros(0, dtype=np.int64), values
    low, high = values.min(), values.max()
    if high - low < SMALL and bool((values == np.floor(values)).all()):  # grades are their own codes
        return (values - low).astype(np.int64), np.arange(low, high + 1)
    order = np.argsort(values)
    ordered = values[order]
    fresh = ordered[1:] != ordered[:-1]
    steps = np.zeros(values.size, dtype=np.int64)
    np.cumsum(fresh, out=steps[1:])
    found = np.empty_like(steps)
    found[order] = steps
    return found, ordered[np.concatenate(([True], fresh))]


def _joined(queries: Ints, *keys: tuple[Ints, int]) -> Ints | None:
    """Query and codes in one number that sorts like them; None where 64 bits do not hold it."""
    span = int(queries.max()) + 1 if queries.size else 1
    for _, count in keys:
        span *= max(count, 1)
    if span >= WHOLE:
        return None
    joined = queries.astype(np.int64)  # a copy
    for codes, count in keys:
        joined *= count
        joined += codes
    return joined


def _order(queries: Ints, *keys: tuple[Ints, int]) -> Ints:
    """Rows by query, then by the keys."""
    joined = _joined(queries, *keys)
    if joined is None:
        return np.lexsort((*(codes for codes, _ in reversed(keys)), queries))
    return np.argsort(joined)


def _falling(queries: Ints, grades: Ints, count: int) -> Ints:
    """The grades of each query, the highest first."""
    down = count - 1 - grades
    joined = _joined(queries, (down, count))
    if joined is None:
        return grades[np.lexsort((down, queries))]
    joined.sort()
    joined %= max(count, 1)
    return count - 1 - joined


def _lists(view: View) -> Lists:
    found: Lists = view.once("lists", lambda: Lists(view))
    return found


def ndcg(view: View, *, k: int) -> Estimate:
    """Normalised discounted cumulative gain (Jarvelin & Kekalainen 2002), gains as they are.

    Ties by McSherry & Najork 2008: equal predictions share their discounts, as scikit-learn does.
    """
    lists = _lists(view)
    discount = np.where(lists.place < k, 1 / np.log2(lists.place + 2.0), 0.0)
    shared = np.add.reduceat(discount, lists.ties) / lists.tie_sizes if lists.ties.size else discount
    gain = lists.sums(lists.truth * np.repeat(shared, lists.tie_sizes))
    best = lists.sums(lists.ideal * discount)
    return _mean(view, lists, np.divide(gain, best, out=np.zeros(gain.size), where=best > 0), best > 0)


def mrr(view: View) -> Estimate:
    """Mean of 1 / place of the first relevant row."""
    lists = _lists(view)
    place = np.where(lists.truth > 0, 1 / (lists.place + 1.0), 0.0)
    first = np.maximum.reduceat(place, lists.starts) if lists.starts.size else place
    return _mean(view, lists, first, first > 0)


def mean_average_precision(view: View, *, k: int) -> Estimate:
    """Mean over lists of the mean precision at each relevant row among the first k."""
    lists = _lists(view)
    relevant = (lists.truth > 0).astype(np.float64)
    running = np.cumsum(relevant)
    before = (
        np.repeat(running[lists.starts] - relevant[lists.starts], lists.sizes) if running.size else running
    )
    precision = np.where(lists.place < k, relevant * (running - before) / (lists.place + 1.0), 0.0)
    total = lists.sums(relevant)
    found = np.divide(lists.sums(precision), np.minimum(total, k), out=np.zeros(total.size), where=total > 0)
    return _mean(view, lists, found, total > 0)


def recall_at_k(view: View, *, k: int) -> Estimate:
    """Mean over lists of the share of relevant rows that are among the first k."""
    lists = _lists(view)
    relevant = (lists.truth > 0).astype(np.float64)
    total = lists.sums(relevant)
    found = np.divide(
        lists.sums(relevant * (lists.place < k)), total, out=np.zeros(total.size), where=total > 0
    )
    return _mean(view, lists, found, total > 0)


def _mean(view: View, lists: Lists, values: Floats, judged: np.ndarray) -> Estimate:
    """The mean over lists that hold a relevant row; a list's weight is the mean of its rows' weights."""
    n, count = view.size, int(judged.sum())
    if not count:
        return undefined("no list holds a relevant row", (n,))
    weight = judged.astype(np.float64)
    if view.weights is not None:
        weight *= lists.sums(view.weights[lists.order]) / lists.sizes
    total = float(weight.sum())
    if total <= 0:
        return undefined("no list holds a relevant row", (n,))
    value = float(weight @ values / total)
    of_list = weight * (values - value) * (n / total) / lists.sizes
    influence = np.empty(n)
    influence[lists.order] = np.repeat(of_list, lists.sizes)
    return Estimate(value, influence, count)
