"""Is this the answer to the question? Strict checks on a prediction table, by column.

A predictor is a stranger's program. Its table must have one row for each key of the test set, no other row,
and finite numbers; what comes back is sorted like the test set and has the target's own type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from modelrail.core import digits
from modelrail.core.rows import label_sets
from modelrail.errors import DataError, PredictionError

PREDICTION = "prediction"
SCORE = "score"
EXAMPLES = 3
BOUNDS = ("lower", "upper")  # of predicted intervals
Task = Literal["binary", "multiclass", "multilabel", "regression", "ranking"]
NUMBERS = ("regression", "ranking")  # tasks whose target and prediction are numbers


def check_truth(
    truth: pl.DataFrame, *, key: str, target: str, task: Task, labels: LabelColumns | None = None
) -> None:
    """The test set itself: keys unique and present, every row labelled. Raises DataError with counts."""
    if truth.height == 0:
        raise DataError("The test set has no rows.", next="Evaluation needs labelled rows.")
    nulls = truth[key].null_count()
    if nulls:
        raise DataError(
            f"The key column {key!r} of the test set is empty in"
            f" {nulls:,} of {digits.counted(truth.height)}.",
            next="Every row needs a key of its own: it pairs candidate and baseline.",
        )
    extra = truth.height - truth[key].n_unique()
    if extra:
        twice = truth[key].filter(truth[key].is_duplicated()).unique(maintain_order=True)
        raise DataError(
            f"The key column {key!r} of the test set is not unique:"
            f" {extra:,} of {digits.counted(truth.height)} repeat a key ({_examples(twice)}).",
            next="Every row needs a key of its own: it pairs candidate and baseline.",
        )
    if task == "multilabel":
        _check_labels(truth, labels or LabelColumns((target,)))
        return
    missing = _missing(truth[target])
    if missing:
        raise DataError(
            f"The target {target!r} of the test set has no value in"
            f" {missing:,} of {digits.counted(truth.height)}.",
            next="Take these rows out of the test set, or label them.",
        )
    if task in NUMBERS and not truth[target].dtype.is_numeric():
        raise DataError(f"The target {target!r} of a {task} task is not a number but {truth[target].dtype}.")
    if task == "binary" and truth[target].n_unique() > 2:
        raise DataError(
            f"The target {target!r} has {truth[target].n_unique():,} values; a binary task has two.",
            next="Set `task: multiclass` or `task: regression`.",
        )


def check(
    frame: pl.DataFrame,
    truth: pl.DataFrame,
    *,
    key: str,
    target: str,
    task: Task,
    who: str,
    labels: LabelColumns | None = None,
) -> pl.DataFrame:
    """The table in the order of `truth`, columns key, `prediction`, scores. Raises PredictionError.

    `who` names the predictor in messages ("The candidate's predictor").
    """
    if task == "multilabel":
        frame = _listed(frame, labels or LabelColumns((target,)), who)
    missing = [name for name in (key, PREDICTION) if name not in frame.columns]
    if missing:
        raise PredictionError(
            f"{who} returned no column {missing[0]!r}.",
            why=f"Its columns: {', '.join(frame.columns[:20]) or 'none'}.",
            next=f"The output needs the columns {key!r} and 'prediction'.",
        )
    scores = score_columns(frame.columns, task)
    frame = frame.select(key, PREDICTION, *scores)
    frame = frame.with_columns(_keys_like(frame[key], truth[key], who))
    _check_keys(frame[key], truth[key], who)
    ordered = truth.select(key).join(frame, on=key, how="left", maintain_order="left")
    if task == "multilabel":
        return ordered.with_columns(_finite(ordered[name], who, probability=True) for name in scores)
    return ordered.with_columns(
        _predictions_like(ordered[PREDICTION], truth[target], task, who),
        *(_finite(ordered[name], who, probability=task not in NUMBERS) for name in scores),
    )


def score_columns(columns: list[str], task: Task) -> list[str]:
    """The score columns that mean something for this task; others are dropped."""
    if task == "binary":
        return [name for name in columns if name == SCORE]
    if task in {"multiclass", "multilabel"}:
        return [name for name in columns if name.startswith(f"{SCORE}:")]
    return [name for name in columns if name in BOUNDS] if task == "regression" else []


# --- several labels a row --------------------------------------------------------------------------------


@dataclass(frozen=True)
class LabelColumns:
    """Where the labels of the truth stand: in a column a label, or in one of lists or text."""

    columns: tuple[str, ...]
    separator: str = label_sets.SEPARATOR

    @property
    def one_each(self) -> bool:
        return len(self.columns) > 1


def _check_labels(truth: pl.DataFrame, labels: LabelColumns) -> None:
    try:
        if labels.one_each:
            label_sets.of_columns(truth, labels.columns, labels.columns)
        else:
            label_sets.of_values(truth[labels.columns[0]], labels.separator)
    except label_sets.LabelSetError as error:
        raise DataError(
            f"The labels of the test set cannot be read: {error}.",
            next="Name a column of 0 and 1 for each label, or one column of lists or of text.",
        ) from None


def _listed(frame: pl.DataFrame, labels: LabelColumns, who: str) -> pl.DataFrame:
    """The predicted labels as lists, however they were written. Raises PredictionError."""
    scores = score_columns(frame.columns, "multilabel")
    frame = frame.with_columns(_finite(frame[name], who, probability=True) for name in scores)
    try:
        found = label_sets.of_predictions(frame, labels.separator)
    except label_sets.LabelSetError as error:
        raise PredictionError(f"{who} returned labels that cannot be read: {error}.") from None
    if found is None:
        return frame
    known = set(labels.columns)
    strange = [name for name in label_sets.names(found) if name not in known] if labels.one_each else []
    strange += [
        name.removeprefix(f"{SCORE}:")
        for name in scores
        if labels.one_each and name.removeprefix(f"{SCORE}:") not in known
    ]
    if strange:
        raise PredictionError(
            f"{who} returned {strange[0][:40]!r}, which is no label of the target.",
            why=f"The labels: {', '.join(labels.columns)[:200]}.",
        )
    return frame.with_columns(found.alias(PREDICTION))


# --- keys and values -------------------------------------------------------------------------------------


def _keys_like(keys: pl.Series, truth: pl.Series, who: str) -> pl.Series:
    nulls = keys.null_count()
    if nulls:
        raise PredictionError(
            f"{who} returned {digits.counted(nulls)} without a key.",
            next=f"Copy {truth.name!r} from the input.",
        )
    if keys.dtype == truth.dtype:
        return keys
    try:
        return keys.cast(truth.dtype, strict=True)
    except pl.exceptions.PolarsError:
        raise PredictionError(
            f"{who} returned keys of another type: {keys.dtype} instead of {truth.dtype}.",
            why=f"For example {_examples(keys)} where the test set has {_examples(truth)}.",
        ) from None


def _check_keys(keys: pl.Series, truth: pl.Series, who: str) -> None:
    repeated = keys.len() - keys.n_unique()
    known = keys.is_in(truth.implode())
    unknown = int((~known).sum())
    absent = truth.filter(~truth.is_in(keys.implode()))
    faults = []
    if repeated:
        twice = keys.filter(keys.is_duplicated()).unique(maintain_order=True)
        faults.append(f"{digits.counted(repeated, verb='repeat')} a key ({_examples(twice)})")
    if unknown:
        faults.append(
            f"{digits.counted(unknown, verb='have')} a key that was not asked for"
            f" ({_examples(keys.filter(~known))})"
        )
    if absent.len():
        faults.append(f"{digits.counted(absent.len(), verb='are')} missing ({_examples(absent)})")
    if faults:
        raise PredictionError(
            f"{who} did not return one row for each of the {truth.len():,} keys: {'; '.join(faults)}.",
            why=f"It returned {digits.counted(keys.len())}.",
            next="Return exactly one row for every row of the input, with its key.",
        )


def _predictions_like(values: pl.Series, truth: pl.Series, task: Task, who: str) -> pl.Series:
    if task in NUMBERS:
        return _finite(values, who)
    missing = _missing(values)
    if missing:
        raise PredictionError(f"{who} returned no class in {missing:,} of {digits.counted(values.len())}.")
    if values.dtype == truth.dtype:
        return values
    cast = values
    if values.dtype.is_float() and not truth.dtype.is_float():
        cast = values.cast(pl.Int64, strict=False)  # 1.0 is the class 1; 0.7 is a score, and stays unequal
    if truth.dtype == pl.Boolean and cast.dtype == pl.String:
        cast = cast.str.to_lowercase().replace_strict({"true": 1, "false": 0, "1": 1, "0": 0}, default=None)
    if truth.dtype == pl.Boolean:
        cast = cast.cast(pl.Int64, strict=False)
        cast = cast.set(~cast.is_in([0, 1]), None).cast(pl.Boolean)
    elif isinstance(truth.dtype, (pl.Enum, pl.Categorical)):
        cast = cast.cast(pl.String, strict=False)
    else:
        cast = cast.cast(truth.dtype, strict=False)
    wrong = cast.is_null()
    if values.dtype.is_float() and not truth.dtype.is_float():
        wrong = wrong | (values != values.round(0))
    if wrong.any():
        raise PredictionError(
            f"{who} returned values that are no classes of the target in {digits.counted(int(wrong.sum()))}"
            f" ({_examples(values.filter(wrong))}).",
            why=f"The target {truth.name!r} has values like {_examples(truth.unique(maintain_order=True))}.",
            next="`prediction` holds the class; the probability goes into `score`.",
        )
    return cast.alias(values.name)


def _finite(values: pl.Series, who: str, *, probability: bool = False) -> pl.Series:
    if not values.dtype.is_numeric():
        raise PredictionError(
            f"{who} returned {values.dtype} in the column {values.name!r}; it must hold numbers."
        )
    numbers = values.cast(pl.Float64)
    bad = numbers.is_null() | ~numbers.is_finite().fill_null(value=False)
    if bad.any():
        shown = ", ".join(
            "null" if value is None else str(value) for value in values.filter(bad).unique().head(3)
        )
        raise PredictionError(
            f"{who} returned {int(bad.sum()):,} values in {values.name!r}"
            f" that are not finite numbers ({shown}).",
            next="Every row needs a number.",
        )
    if probability:
        outside = (numbers < 0) | (numbers > 1)
        if outside.any():
            raise PredictionError(
                f"{who} returned {int(outside.sum()):,} values in {values.name!r} outside 0 to 1"
                f" ({_examples(numbers.filter(outside))}).",
                next="A score is the probability of the class.",
            )
    return numbers


def _missing(values: pl.Series) -> int:
    nulls = values.null_count()
    return nulls + int(values.is_nan().sum() or 0) if values.dtype.is_float() else nulls


def _examples(values: pl.Series) -> str:
    shown = [str(value)[:40] for value in values.head(EXAMPLES).to_list()]
    return ", ".join(shown) + (" …" if values.len() > EXAMPLES else "")
