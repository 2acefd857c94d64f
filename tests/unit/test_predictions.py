"""Fault 39, and 17, 19: what a predictor returns is believed only row by row."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelrail.core.rows import predictions
from modelrail.errors import DataError, PredictionError

TRUTH = pl.DataFrame({"id": [3, 1, 2], "y": [0, 1, 0]})


def check(
    frame: pl.DataFrame, truth: pl.DataFrame = TRUTH, task: predictions.Task = "binary"
) -> pl.DataFrame:
    return predictions.check(frame, truth, key="id", target="y", task=task, who="It")


def answer(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2, 3], "prediction": [1, 0, 1], **columns})


def test_rows_come_back_in_the_order_of_the_truth() -> None:
    found = check(answer(score=[0.9, 0.2, 0.6], extra=["a", "b", "c"]))
    assert found.to_dict(as_series=False) == {
        "id": [3, 1, 2],
        "prediction": [1, 1, 0],
        "score": [0.6, 0.9, 0.2],
    }


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (answer()[:2], r"1 row is missing \(3\)"),
        (pl.concat([answer(), answer()[:1]]), r"1 row repeats a key \(1\)"),
        (answer().with_columns(id=pl.Series([1, 2, 9])), r"1 row has a key that was not asked for \(9\)"),
        (answer().with_columns(id=pl.Series([1, None, 3])), "1 row without a key"),
        (answer().drop("prediction"), "no column 'prediction'"),
        (answer().drop("id"), "no column 'id'"),
        (answer().with_columns(id=pl.Series(["a", "b", "c"])), "keys of another type"),
        (answer().with_columns(prediction=pl.Series([1, None, 0])), "no class in 1 of 3"),
        (answer().with_columns(prediction=pl.Series([0.7, 0.2, 1.0])), r"no classes of the target in 2 rows"),
        (answer(score=[0.1, float("nan"), 0.3]), "1 values in 'score'.*nan"),
        (answer(score=[0.1, None, 0.3]), "1 values in 'score'.*null"),
        (answer(score=[0.1, float("inf"), 0.3]), "1 values in 'score'.*inf"),
        (answer(score=[0.1, 1.2, -3.0]), "2 values in 'score' outside 0 to 1"),
        (answer(score=["a", "b", "c"]), "must hold numbers"),
    ],
)
def test_every_wrong_answer_is_refused_with_its_count(frame: pl.DataFrame, words: str) -> None:
    with pytest.raises(PredictionError, match=words):
        check(frame)


@pytest.mark.parametrize("values", [[True, False, True], [1.0, 0.0, 1.0], ["1", "0", "1"], [1, 0, 1]])
def test_a_class_may_be_written_in_another_type(values: list[object]) -> None:
    assert check(answer().with_columns(prediction=pl.Series(values)))["prediction"].to_list() == [1, 1, 0]


@pytest.mark.parametrize("values", [[1, 0, 1], ["True", "false", "TRUE"], [1.0, 0.0, 1.0]])
def test_a_boolean_target(values: list[object]) -> None:
    truth = TRUTH.with_columns(pl.col("y").cast(pl.Boolean))
    found = check(answer().with_columns(prediction=pl.Series(values)), truth)
    assert found["prediction"].to_list() == [True, True, False]


def test_text_classes_and_their_scores() -> None:
    truth = TRUTH.with_columns(y=pl.Series(["01", "b", "01"]))
    frame = answer(**{"score:01": [0.1, 0.2, 0.3], "score:b": [0.9, 0.8, 0.7]})
    found = check(frame.with_columns(prediction=pl.Series(["b", "01", "b"])), truth, "multiclass")
    assert found.columns == ["id", "prediction", "score:01", "score:b"]
    assert found["prediction"].to_list() == ["b", "b", "01"]


def test_a_regression_wants_finite_numbers() -> None:
    assert check(answer(), task="regression")["prediction"].dtype == pl.Float64
    with pytest.raises(PredictionError, match="not finite"):
        check(answer().with_columns(prediction=pl.Series([1.0, float("nan"), 2.0])), task="regression")


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (TRUTH[:0], "no rows"),
        (TRUTH.with_columns(id=pl.Series([1, 1, 2])), r"not unique: 1 of 3 rows repeat a key \(1\)"),
        (TRUTH.with_columns(id=pl.Series([1, None, None])), "empty in 2 of 3"),
        (TRUTH.with_columns(y=pl.Series([1, None, 0])), "no value in 1 of 3"),
        (TRUTH.with_columns(y=pl.Series([1.0, float("nan"), 0.0])), "no value in 1 of 3"),
        (TRUTH.with_columns(y=pl.Series([1, 2, 3])), "3 values; a binary task has two"),
    ],
)
def test_a_test_set_that_cannot_pair_is_refused(truth: pl.DataFrame, words: str) -> None:
    with pytest.raises(DataError, match=words):
        predictions.check_truth(truth, key="id", target="y", task="binary")


@given(st.permutations(range(20)), st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_any_order_of_rows_gives_the_same_table(order: list[int], values: list[float]) -> None:
    truth = pl.DataFrame({"id": list(range(20)), "y": [0, 1] * 10})
    frame = pl.DataFrame({"id": order, "prediction": [1] * 20, "score": [values[key] for key in order]})
    assert check(frame, truth)["score"].to_list() == values
