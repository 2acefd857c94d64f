"""What pictures of a comparison are drawn from: curves, confusion matrices, the histogram of errors.

They decide nothing. Everything is thinned to what a picture can show: at most 200 points a curve, 40 classes,
40 bins. Each model's table is paired with the truth by itself, so that a model without scores costs only
its own curves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import numpy as np
import polars as pl

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.inference.contrast import pieces
from modelrail.core.metrics import catalog
from modelrail.core.metrics.estimate import Floats, Ints
from modelrail.core.rows.output import SCORE
from modelrail.core.rows.pairing import Paired, pair

POINTS = 200  # of a curve
MANY = 1 << 20  # rows from which on curves are drawn at some thresholds only
THRESHOLDS, SAMPLE = 4097, 1 << 20
BINS = 10  # of a calibration curve
LABELS = 40  # of a confusion matrix; rarer classes are put together
COLUMNS = 40  # of the histogram of errors
REST = "all other classes"
Role = Literal["candidate", "baseline"]


def plots(
    model: config.Model,
    comparison_digest: str,
    truth: pl.DataFrame,
    candidate: pl.DataFrame,
    baseline: pl.DataFrame | None,
) -> records.Plots:
    """The pictures of one comparison, in the order candidate, baseline. Raises what pairing raises."""
    tables: dict[Role, pl.DataFrame] = {"candidate": candidate}
    if baseline is not None:
        tables["baseline"] = baseline
    paired = {role: _pair(model, truth, table) for role, table in tables.items()}
    if model.task == "binary":
        scored = {role: one for role, one in paired.items() if one.candidate.scores is not None}
        curves = {role: _ranked(one) for role, one in scored.items()}
        return records.Plots(
            model=model.name,
            comparison=comparison_digest,
            roc=tuple(_roc(role, found) for role, found in curves.items() if found.both),
            precision_recall=tuple(_precision(role, found) for role, found in curves.items() if found.both),
            calibration=tuple(_calibration(role, one) for role, one in scored.items()),
            confusion=_confusion(paired),
        )
    if model.task == "multiclass":
        return records.Plots(model=model.name, comparison=comparison_digest, confusion=_confusion(paired))
    if model.task == "regression":
        return records.Plots(model=model.name, comparison=comparison_digest, errors=_errors(paired))
    return records.Plots(model=model.name, comparison=comparison_digest)


def _pair(model: config.Model, truth: pl.DataFrame, table: pl.DataFrame) -> Paired:
    metric = catalog.find("roc_auc", "binary")
    scored = model.task == "binary" and SCORE in table.columns and metric is not None
    return pair(model, [metric] if scored and metric is not None else [], truth, table, None)


# --- curves of scores ------------------------------------------------------------------------------------


def _truth(paired: Paired) -> Ints:
    return cast("Ints", paired.truth)  # of a classification: never values


class _Ranked:
    """Weights of true and false positives at each threshold, from the highest score down; ties are one."""

    def __init__(self, truth: Ints, scores: Floats, weights: Floats | None) -> None:
        if scores.size > MANY:
            self.true, self.false = _at_quantiles(truth, scores, weights)
            return
        order = np.argsort(-scores, kind="stable")
        last = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)
        weight = np.ones(scores.size) if weights is None else weights[order]
        positive = truth.astype(np.int64)[order] * weight
        self.true = np.cumsum(positive)[last]
        self.false = np.cumsum(weight - positive)[last]

    @property
    def both(self) -> bool:
        """Rows of both classes: without them there is no curve."""
        return bool(self.true.size and self.true[-1] > 0 and self.false[-1] > 0)


def _at_quantiles(truth: Ints, scores: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """The same at a few thousand thresholds, each exact: of many rows nothing is sorted but a sample."""
    sample = scores[:: max(1, scores.size // SAMPLE)]
    edges = np.unique(np.quantile(sample, np.linspace(0, 1, THRESHOLDS)))
    counts = np.zeros((2, edges.size + 1))
    for part in pieces(scores.size):
        place = np.searchsorted(edges, scores[part], side="right")
        weight = None if weights is None else weights[part]
        every = np.bincount(place, weight, edges.size + 1)
        positive = truth[part] if weight is None else truth[part] * weight
        true = np.bincount(place, positive, edges.size + 1)
        counts += np.stack((true, every - true))
    found = np.cumsum(counts[:, ::-1], axis=1)
    some = found.sum(axis=0) > 0  # above the highest score nothing is found yet
    return found[0, some], found[1, some]


def _ranked(paired: Paired) -> _Ranked:
    scores = paired.candidate.scores
    assert scores is not None  # noqa: S101 - chosen by it
    return _Ranked(_truth(paired), scores, paired.weights)


def _roc(role: Role, found: _Ranked) -> records.Curve:
    across = np.concatenate(([0.0], found.false / found.false[-1]))
    upward = np.concatenate(([0.0], found.true / found.true[-1]))
    return _curve(role, across, upward, _thin(across + upward))


def _precision(role: Role, found: _Ranked) -> records.Curve:
    recall = found.true / found.true[-1]
    return _curve(role, recall, found.true / (found.true + found.false), _thin(recall))


def _thin(position: Floats) -> Ints:
    """At most POINTS places, evenly by their ascending position; the ends are kept."""
    if position.size <= POINTS:
        return np.arange(position.size)
    wanted = np.linspace(position[0], position[-1], POINTS)
    kept = np.unique(np.searchsorted(position, wanted))
    kept[-1] = position.size - 1
    return kept


def _curve(role: Role, x: Floats, y: Floats, kept: Ints) -> records.Curve:
    return records.Curve(role=role, x=_rounded(x[kept]), y=_rounded(y[kept]))


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def _calibration(role: Role, paired: Paired) -> records.Curve:
    """Bins of about equal size by score: its mean, and the share of positives."""
    scores = paired.candidate.scores
    assert scores is not None  # noqa: S101 - chosen by it
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1])) if scores.size else scores
    sums = np.zeros((4, edges.size + 1))  # weight, weighted score, weight of positives, rows
    for part in pieces(scores.size):
        codes = np.searchsorted(edges, scores[part], side="left")
        weight = np.ones(codes.size) if paired.weights is None else paired.weights[part]
        for row, values in enumerate((weight, weight * scores[part], weight * paired.truth[part], None)):
            sums[row] += np.bincount(codes, values, minlength=edges.size + 1)
    used = sums[0] > 0
    total, mean, share, rows = sums[:, used]
    return records.Curve(
        role=role, x=_rounded(mean / total), y=_rounded(share / total),
        count=tuple(int(count) for count in rows),
    )  # fmt: skip


# --- classes ---------------------------------------------------------------------------------------------


def _confusion(paired: Mapping[Role, Paired]) -> tuple[records.ConfusionMatrix, ...]:
    """Both over the same classes: the commonest of the truth, and the rest as one."""
    first = next(iter(paired.values()))
    names = list(dict.fromkeys(name for one in paired.values() for name in one.classes))
    of_truth = dict(zip(first.classes, np.bincount(first.truth).tolist(), strict=False))
    kept = names
    if len(names) > LABELS:
        common = sorted(names, key=lambda name: -of_truth.get(name, 0))[: LABELS - 1]
        kept = [name for name in names if name in set(common)]
    labels = (*kept, REST) if len(kept) < len(names) else tuple(kept)
    place = {name: index for index, name in enumerate(kept)}
    return tuple(_matrix(role, one, labels, place) for role, one in paired.items())


def _matrix(
    role: Role, paired: Paired, labels: tuple[str, ...], place: Mapping[str, int]
) -> records.ConfusionMatrix:
    said = paired.candidate.labels
    assert said is not None  # noqa: S101 - every classification has labels
    size = len(labels)
    codes = np.array([place.get(name, size - 1) for name in paired.classes], dtype=np.int64)
    counts = np.zeros(size * size, dtype=np.int64)
    for part in pieces(said.size):
        cells = codes[paired.truth[part].astype(np.int64)] * size + codes[said[part]]
        counts += np.bincount(cells, minlength=size * size)
    rows = counts.reshape(size, size).tolist()
    return records.ConfusionMatrix(role=role, labels=labels, counts=tuple(tuple(row) for row in rows))


# --- errors ----------------------------------------------------------------------------------------------


def _errors(paired: Mapping[Role, Paired]) -> tuple[records.Histogram, ...]:
    """Prediction less target, over bins that both share; the outermost reach to the largest errors."""
    found: dict[Role, Floats] = {}
    for role, one in paired.items():
        assert one.candidate.scores is not None  # noqa: S101 - a regression's predictions
        found[role] = one.candidate.scores - one.truth
    together = np.concatenate(list(found.values()))
    if not together.size or not np.isfinite(together).all():
        return ()
    low, high = np.quantile(together, (0.005, 0.995))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    inner = np.linspace(low, high, COLUMNS - 1)
    step = inner[1] - inner[0]
    edges = np.concatenate(([min(together.min(), low - step)], inner, [max(together.max(), high + step)]))
    return tuple(
        records.Histogram(
            role=role,
            edges=tuple(float(f"{edge:.6g}") for edge in edges),
            counts=tuple(int(count) for count in np.histogram(errors, edges)[0]),
        )
        for role, errors in found.items()
    )
