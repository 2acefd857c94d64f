"""Truth, candidate and baseline as arrays of one row order; what cannot be paired is refused.

Tables come in as polars frames, by column; from here on only numpy arrays travel, and nothing is an object
a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from modelrail import config
from modelrail.core import columns as read_columns
from modelrail.core import grouping, thresholds
from modelrail.core.metrics import catalog
from modelrail.core.metrics.estimate import Floats, Ints
from modelrail.errors import ComparisonError

if TYPE_CHECKING:
    from modelrail.core.measure import Subset

PREDICTION = "prediction"
SCORE = "score"
BOUNDS = ("lower", "upper")  # of predicted intervals
SHOWN = 3  # examples in a message
_ROUNDING = 1e-3  # class probabilities of a row may miss 1 by this much


@dataclass(frozen=True)
class Output:
    """What one model said: class codes, scores (n) or class probabilities (n, K), or predicted values."""

    labels: Ints | None
    scores: Floats | None
    extra: Mapping[str, Floats] = field(default_factory=dict)  # `lower` and `upper` of predicted intervals

    def same_as(self, other: Output) -> bool:
        return _same(self.labels, other.labels) and _same(self.scores, other.scores)


def _same(one: Ints | Floats | None, two: Ints | Floats | None) -> bool:
    if one is None or two is None:
        return one is two
    return bool(np.array_equal(one, two))


@dataclass(frozen=True)
class UserValues:
    """What a function of the user's own gave: a value a model, and each under the resamples."""

    values: tuple[float | None, ...]
    replicates: Floats  # (models, resamples); NaN where there is no value
    note: str = ""  # why a value is None


UserCall = Callable[[catalog.Metric, "Subset"], UserValues]


@dataclass(frozen=True)
class Paired:
    """All rows of the test set, in its own order."""

    task: catalog.Task
    truth: Ints | Floats  # class codes (binary: 1 is positive), or values
    classes: tuple[str, ...]
    candidate: Output
    baseline: Output | None
    clusters: Ints | None  # codes 0..cluster_count-1
    cluster_count: int
    table: pl.DataFrame  # the columns that slices are made of
    weights: Floats | None = None
    queries: Ints | None = None  # codes of the lists of a ranking task
    columns: Mapping[str, Floats] = field(default_factory=dict)  # of the test table, that metrics read
    seed: int = 0
    reported: Mapping[str, float] = field(default_factory=dict)  # what training wrote
    user: UserCall | None = None  # runs metrics of the user's own

    @property
    def rows(self) -> int:
        return int(self.truth.size)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (self.candidate,) if self.baseline is None else (self.candidate, self.baseline)

    def decided(self, metric: catalog.Metric) -> list[Ints]:
        """Each model's labels: its own, or those of its scores at the metric's threshold."""
        threshold = metric.threshold
        if threshold is None:
            return [output.labels for output in self.outputs if output.labels is not None]
        scores = [output.scores for output in self.outputs if output.scores is not None]
        if threshold != catalog.TUNED:
            return [thresholds.fixed(one, float(threshold)) for one in scores]
        key = f"{metric.name} {sorted(metric.params.items())}"
        if key not in self._tuned:
            half = thresholds.halves(self.rows, self.clusters, self.cluster_count, self.seed)
            truth = self.truth.astype(np.int64)
            self._tuned[key] = [thresholds.tuned(metric, truth, one, self.weights, half) for one in scores]
        return self._tuned[key]

    _tuned: dict[str, list[Ints]] = field(default_factory=dict, repr=False, compare=False)


def pair(
    model: config.Model,
    metrics: Sequence[catalog.Metric],
    truth: pl.DataFrame,
    candidate: pl.DataFrame,
    baseline: pl.DataFrame | None,
    *,
    seed: int = 0,
    reported: Mapping[str, float] | None = None,
    user: UserCall | None = None,
) -> Paired:
    """Bring the tables into one order and coding. Raises ComparisonError naming table, column and metric."""
    key = model.data.key
    keys = _keys(truth, key, "the test set")
    tables = {"the candidate": candidate} | ({} if baseline is None else {"the baseline": baseline})
    ordered = {who: _in_order(keys, table, key, who) for who, table in tables.items()}
    target = _column(truth, model.data.target, "the test set", "every metric")
    if model.task in {"regression", "ranking"}:
        coded: Ints | Floats = _finite(target, "the test set", "every metric")
        outputs = {who: _values(table, metrics, who) for who, table in ordered.items()}
        classes: tuple[str, ...] = ()
    else:
        coded, classes, outputs = _classification(model, metrics, target, ordered)
    queries = _queries(truth, model)
    sliced = {name for wanted in read_columns.sliced(model) for name in wanted.reads}
    clusters, count = grouping.clusters(truth, model.data, queries)
    named = dict.fromkeys(name for metric in metrics for name in metric.columns)
    return Paired(
        task=model.task,
        truth=coded,
        classes=classes,
        candidate=outputs["the candidate"],
        baseline=outputs.get("the baseline"),
        clusters=clusters,
        cluster_count=count,
        table=truth if key in sliced else truth.drop(key),  # large, and of no more use
        weights=_weights(truth, model.data.weight),
        queries=queries,
        columns={
            name: _finite(_column(truth, name, "the test set", "a metric"), "the test set", "a metric")
            for name in named
        },
        seed=seed,
        reported=reported or {},
        user=user,
    )


def _values(table: pl.DataFrame, metrics: Sequence[catalog.Metric], who: str) -> Output:
    """Predicted values, and the bounds of predicted intervals where a metric asks for them."""
    said = _finite(_column(table, PREDICTION, who, _named(metrics)), who, _named(metrics))
    asking = [metric for metric in metrics if metric.needs == "intervals"]
    names = BOUNDS if asking else ()
    extra = {name: _finite(_column(table, name, who, _named(asking)), who, _named(asking)) for name in names}
    if extra and bool((extra["lower"] > extra["upper"]).any()):
        raise _not_usable(_named(asking), "lower", who, "in some rows it lies above the column 'upper'")
    return Output(None, said, extra)


def _weights(truth: pl.DataFrame, name: str | None) -> Floats | None:
    if name is None:
        return None
    found = _finite(_column(truth, name, "the test set", "every metric"), "the test set", "every metric")
    if bool((found < 0).any()) or (found.size and not found.sum() > 0):
        raise _not_usable(
            "every metric", name, "the test set", "weights are not negative, and some are above 0"
        )
    return found


def _queries(truth: pl.DataFrame, model: config.Model) -> Ints | None:
    if model.task != "ranking":
        return None
    return grouping.codes(_column(truth, model.data.query or "", "the test set", "every metric"))


# --- keys ------------------------------------------------------------------------------------------------


def _keys(table: pl.DataFrame, key: str, who: str) -> pl.Series:
    keys = _column(table, key, who, "every metric")
    if keys.null_count():
        raise ComparisonError(f"The key column {key!r} of {who} is empty in {keys.null_count():,} rows.")
    if not _rising(keys) and keys.n_unique() != keys.len():
        twice = keys.filter(keys.is_duplicated()).unique(maintain_order=True)
        raise ComparisonError(
            f"The key column {key!r} of {who} repeats {_examples(twice)}: rows cannot be paired.",
            next="Every row needs a key of its own.",
        )
    return keys


def _rising(keys: pl.Series) -> bool:
    """Strictly ascending, so that no key stands twice: seen in one pass, without a table of all keys."""
    return bool((keys[1:] > keys[:-1]).all()) if keys.len() > 1 and keys.dtype.is_integer() else False


def _in_order(keys: pl.Series, table: pl.DataFrame, key: str, who: str) -> pl.DataFrame:
    """The table's rows in the order of the truth; the same keys on both sides, or an error."""
    theirs = _column(table, key, who, "every metric")
    alike = theirs.dtype == keys.dtype and theirs.len() == keys.len() and not theirs.null_count()
    if alike and bool((theirs == keys).all()):
        return table  # the very same keys, which are checked already
    theirs = _keys(table, key, who)
    if theirs.dtype != keys.dtype:
        theirs, keys = _common(theirs, keys)
    if theirs.len() == keys.len() and bool((theirs == keys).all()):
        return table
    missing = keys.filter(~keys.is_in(theirs.implode()))
    unknown = theirs.filter(~theirs.is_in(keys.implode()))
    if missing.len() or unknown.len():
        faults = []
        if missing.len():
            faults.append(f"{missing.len():,} rows of the test set have no prediction ({_examples(missing)})")
        if unknown.len():
            faults.append(
                f"{unknown.len():,} predictions belong to no row of the test set ({_examples(unknown)})"
            )
        raise ComparisonError(
            f"{_sentence(who)} was scored on other rows: {'; '.join(faults)}.",
            why="A comparison holds only when both models are scored on the same rows.",
            next="Run `modelrail evaluate` again: it scores both on today's test set.",
        )
    place = pl.DataFrame({"key": theirs, "row": np.arange(theirs.len())})
    order = pl.DataFrame({"key": keys}).join(place, on="key", how="left", maintain_order="left")["row"]
    return table[order]


def _common(one: pl.Series, two: pl.Series) -> tuple[pl.Series, pl.Series]:
    if one.dtype.is_integer() and two.dtype.is_integer():
        return one.cast(pl.Int128), two.cast(pl.Int128)
    return one.cast(pl.String), two.cast(pl.String)


# --- classes and scores ----------------------------------------------------------------------------------


def _classification(
    model: config.Model,
    metrics: Sequence[catalog.Metric],
    target: pl.Series,
    ordered: dict[str, pl.DataFrame],
) -> tuple[Ints, tuple[str, ...], dict[str, Output]]:
    labelled = _named([metric for metric in metrics if metric.needs == "labels"]) or "every metric"
    truth = _labels(target, "the test set", "every metric")
    said = {
        who: _labels(_column(table, PREDICTION, who, labelled), who, labelled)
        for who, table in ordered.items()
    }
    wanted = [metric for metric in metrics if metric.needs in {"scores", "probabilities"}]
    own = any(metric.family == "user" for metric in metrics)  # it may ask for scores; they need not exist
    extra = pl.Series(
        "classes", [name.partition(":")[2] for table in ordered.values() for name in _per_class(table)]
    )
    if model.task == "binary":
        extra = extra.clear()
    names = pl.concat([*(one.names for one in (truth, *said.values())), extra.cast(pl.String)]).unique()
    classes = tuple(sorted(names.to_list(), key=_natural))
    if model.task == "binary":
        classes = _binary_classes(model, classes, truth, said)
    codes = {name: code for code, name in enumerate(classes)}
    outputs = {}
    for who, table in ordered.items():
        scores = None
        if wanted or (own and (SCORE in table.columns or _per_class(table))):
            read = _score if model.task == "binary" else _probabilities
            scores = read(table, classes, who, _named(wanted))
        outputs[who] = Output(said[who].coded(codes), scores)
    return truth.coded(codes), classes, outputs


@dataclass(frozen=True)
class Labels:
    """A column of labels: the values as they stand, and what each distinct one is called."""

    values: pl.Series
    distinct: pl.Series
    names: pl.Series

    def coded(self, codes: dict[str, int]) -> Ints:
        kind = pl.Int8 if len(codes) < 128 else pl.Int32  # a byte a row where it does
        table = [codes[name] for name in self.names.to_list()]
        found: Ints = self.values.replace_strict(
            self.distinct, pl.Series(table, dtype=kind), return_dtype=kind
        ).to_numpy()
        return found


def _labels(values: pl.Series, who: str, metric: str) -> Labels:
    """Labels by text, so that 1, 1.0 and "1" are one class and categories compare."""
    missing = values.null_count() + (int(values.is_nan().sum() or 0) if values.dtype.is_float() else 0)
    if missing:
        raise _not_usable(metric, values.name, who, f"{missing:,} rows are null or NaN")
    distinct = values.unique()
    return Labels(values, distinct, _names(distinct))


def _names(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values.cast(pl.Int8).cast(pl.String)
    if values.dtype.is_float():
        whole = values.is_finite() & (values == values.round(0)) & (values.abs() < 2**53)
        if bool(whole.all()):
            return values.cast(pl.Int64).cast(pl.String)
    return values.cast(pl.String)


def _natural(label: str) -> tuple[bool, float, str]:
    """Numbers by value, before words."""
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label


def _binary_classes(
    model: config.Model, found: tuple[str, ...], truth: Labels, said: dict[str, Labels]
) -> tuple[str, ...]:
    """(negative, positive). The positive class is the policy's, else the greater label."""
    if len(found) > 2:
        known = set(truth.names.to_list())
        for who, labels in said.items():
            strange = sorted(set(labels.names.to_list()) - known)
            if strange and len(known) <= 2:
                raise ComparisonError(
                    f"The column {PREDICTION!r} of {who} holds {strange[0][:40]!r}: no class of the target.",
                    why=f"The target {model.data.target!r} has: {', '.join(sorted(known))[:200]}.",
                    next="`prediction` holds the class; the probability goes into `score`.",
                )
        raise ComparisonError(
            f"The target {model.data.target!r} has {len(known):,} classes; a binary task has two."
        )
    positive = model.positive
    if positive is not None:
        positive = (
            {"true": "1", "false": "0"}.get(positive.lower(), positive) if positive not in found else positive
        )
        others = [label for label in found if label != positive]
        if len(others) > 1:
            raise ComparisonError(
                f"No row has the positive class {positive!r}: the target has {' and '.join(found)}.",
                path=f"models.{model.name}.positive",
            )
        return (others[0] if others else f"not {positive}", positive)
    if len(found) == 2:
        return found
    # One class only: every metric that needs two will say so; `0` and its kin are the negative one.
    only = found[0] if found else "0"
    return (only, f"not {only}") if only in {"0", "-1"} else (f"not {only}", only)


def _per_class(table: pl.DataFrame) -> list[str]:
    return [name for name in table.columns if name.startswith(f"{SCORE}:")]


def _score(table: pl.DataFrame, classes: tuple[str, ...], who: str, metric: str) -> Floats:  # noqa: ARG001
    scores = _finite(_column(table, SCORE, who, metric), who, metric)
    return _within_one(scores, SCORE, who, metric)


def _probabilities(table: pl.DataFrame, classes: tuple[str, ...], who: str, metric: str) -> Floats:
    named = {_text(name.partition(":")[2]): name for name in _per_class(table)}
    if not named:
        raise _not_usable(metric, f"{SCORE}:<class>", who, "there are no such columns")
    out = np.zeros((table.height, len(classes)))
    for code, label in enumerate(classes):
        if label in named:  # a class that the model does not know has probability zero
            out[:, code] = _within_one(_finite(table[named[label]], who, metric), named[label], who, metric)
    off = np.abs(out.sum(axis=1) - 1) > _ROUNDING
    if off.any():
        raise _not_usable(
            metric, f"{SCORE}:<class>", who, f"in {int(off.sum()):,} rows they do not add up to 1"
        )
    return out


def _text(label: str) -> str:
    """A class as it stands in a column's name, written as `_labels` writes it."""
    if label.lower() in {"true", "false"}:
        return "1" if label.lower() == "true" else "0"
    try:
        return str(int(float(label))) if float(label).is_integer() else label
    except (ValueError, OverflowError):
        return label


def _within_one(scores: Floats, column: str, who: str, metric: str) -> Floats:
    outside = (scores < 0) | (scores > 1)
    if outside.any():
        raise _not_usable(metric, column, who, f"{int(outside.sum()):,} values lie outside 0 to 1")
    return scores


# --- columns ---------------------------------------------------------------------------------------------


def _column(table: pl.DataFrame, name: str, who: str, metric: str) -> pl.Series:
    if name not in table.columns:
        raise _not_usable(metric, name, who, "there is no such column")
    return table[name]


def _finite(values: pl.Series, who: str, metric: str) -> Floats:
    if not values.dtype.is_numeric():
        raise _not_usable(metric, values.name, who, f"it holds {values.dtype}, not numbers")
    if values.null_count():
        raise _not_usable(metric, values.name, who, f"{values.null_count():,} rows are null")
    numbers = values.cast(pl.Float64).to_numpy()
    bad = ~np.isfinite(numbers)
    if bad.any():
        raise _not_usable(metric, values.name, who, f"{int(bad.sum()):,} rows are NaN or infinite")
    return numbers


def _not_usable(metric: str, column: str, who: str, why: str) -> ComparisonError:
    return ComparisonError(
        f"{_sentence(metric)} cannot be computed: column {column!r} of {who} is not usable.",
        why=f"{_sentence(why)}.",
        next="Mend the predictor or the data, and evaluate again; a missing number is never a pass.",
    )


def _named(metrics: Sequence[catalog.Metric]) -> str:
    return ", ".join(dict.fromkeys(metric.name for metric in metrics))


def _sentence(text: str) -> str:
    return (
        text[:1].upper() + text[1:] if text.startswith(("the ", "every ", "there ", "it ", "in ")) else text
    )


def _examples(values: pl.Series) -> str:
    shown = [str(value)[:40] for value in values.head(SHOWN).to_list()]
    return ", ".join(shown) + (" …" if values.len() > SHOWN else "")
