"""Further baselines beside the candidate, and labels that mean something else."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest

from modelrail.config import resolved as config
from modelrail.core.comparison import compare, others
from modelrail.core.policy.circumstances import Around
from modelrail.core.rows import definitions
from modelrail.errors import ComparisonError
from support_compare import DIGEST, POLICY, binary, evaluation, gate, model, run

MAJORITY = (config.Other(kind="majority"),)


def with_majority(rules: config.Model) -> config.Model:
    return msgspec.structs.replace(rules, baselines=MAJORITY)


def test_the_majority_of_a_binary_task() -> None:
    truth, candidate, baseline = binary(2000)
    rules = with_majority(model(metrics=("roc_auc", "brier", "accuracy"), gates=(gate("roc_auc", min=0.5),)))
    found = run(rules, truth, candidate, baseline)
    rows = {row.metric: row for row in found.others}
    rate = truth["late"].mean()
    assert rows["roc_auc"].value == 0.5
    assert rows["brier"].value == pytest.approx(rate * (1 - rate))
    assert rows["accuracy"].value == pytest.approx(1 - rate)
    assert {row.verdict for row in found.others} == {"better"}
    assert "The candidate beside majority: roc_auc 0.5 (better), " in "\n".join(found.notes)
    assert found.verdict == "pass"


def test_the_majority_of_other_tasks() -> None:
    truth = pl.DataFrame({"id": range(6), "late": ["a", "b", "b", "c", "b", "a"]})
    table = others.majority(model("multiclass"), truth)
    assert table["prediction"].unique().to_list() == ["b"]
    assert table.select("score:a", "score:b", "score:c").row(0) == pytest.approx((2 / 6, 3 / 6, 1 / 6))
    numbers = pl.DataFrame({"id": range(4), "late": [1.0, 2.0, 3.0, 6.0]})
    assert others.majority(model("regression"), numbers)["prediction"].unique().to_list() == [3.0]


@pytest.mark.parametrize(
    ("labels", "positive", "named"),
    [
        ([True, False, False, False], None, "true"),
        ([True, False, False, False], "true", "true"),
        ([True, False, False, False], "1", "true"),
        ([1.0, 0.0, 0.0, 0.0], None, "1"),
        ([1.0, 0.0, 0.0, 0.0], "1", "1"),
        (["10", "9", "9", "9"], None, "10"),
        ([0, 1, 1, 1], "0", "0"),
    ],
)
def test_the_score_of_the_majority_is_the_share_of_the_positive_class(labels, positive, named) -> None:
    """However the label is written: the class is the one that the comparison takes for the positive one."""
    n = 400
    truth = pl.DataFrame({"id": range(n), "late": labels * (n // 4)})
    said = pl.DataFrame(
        {"id": range(n), "prediction": truth["late"], "score": [0.75, 0.2, 0.3, 0.1] * (n // 4)}
    )
    rules = with_majority(model(metrics=("brier",), gates=(gate("brier", max=1.0),), positive=positive))
    (row,) = run(rules, truth, said, said).others
    assert row.value == pytest.approx(0.25 * 0.75), named
    definitions.same_question(rules, model(positive=named), truth["late"])


def test_rows_of_the_majority_count_by_their_weight() -> None:
    truth = pl.DataFrame({"id": range(4), "late": ["a", "b", "b", "b"], "w": [6.0, 1.0, 1.0, 0.0]})
    table = others.majority(model("multiclass", weight="w"), truth)
    assert table.row(0) == (0, "a", 0.75, 0.25)
    numbers = pl.DataFrame({"id": range(2), "late": [1, 5], "w": [3, 1]})
    assert others.majority(model("regression", weight="w"), numbers)["prediction"].to_list() == [2.0, 2.0]


def test_a_ranking_has_no_majority_and_says_so() -> None:
    rng = np.random.default_rng(0)
    truth = pl.DataFrame({"id": range(60), "late": rng.integers(0, 3, 60), "q": np.arange(60) // 5})
    said = truth.select("id", prediction=pl.col("late") * 1.0)
    asked = config.Metric(name="ndcg", params={"k": 3})
    rules = with_majority(model("ranking", gates=(gate(asked, min=0.1),), query="q"))
    found = run(rules, truth, said, said)
    assert found.others == ()
    assert "There is no majority to predict in a ranking task." in found.notes


def test_a_baseline_that_predicts_no_intervals_is_compared_by_the_rest() -> None:
    rng = np.random.default_rng(0)
    truth = pl.DataFrame({"id": range(300), "late": rng.normal(size=300)})
    said = truth.select(
        "id", prediction=pl.col("late") + 0.1, lower=pl.col("late") - 1, upper=pl.col("late") + 1
    )
    rules = with_majority(
        model("regression", metrics=("mae", "interval_width"), gates=(gate("mae", max=9.0),))
    )
    found = run(rules, truth, said, said)
    assert [(row.name, row.metric) for row in found.others] == [("majority", "mae")]
    assert "The further baseline majority says nothing that interval_width needs." in found.notes


def test_a_version_beside_the_candidate_never_gates() -> None:
    truth, candidate, baseline = binary(4000, skill=1.5)
    *_, better = binary(4000, other=2.5)
    rules = model(metrics=("roc_auc",), gates=(gate("roc_auc", no_worse_than=0.03),))
    found = compare.compare(
        rules, evaluation(4000), evaluation_digest=DIGEST, truth=truth, candidate=candidate,
        baseline=baseline, policy=POLICY, around=Around(), beside={"v1.0.0": better},
    )  # fmt: skip
    (row,) = found.others
    assert (row.name, row.verdict) == ("v1.0.0", "worse")
    assert row.interval.high < 0
    assert found.verdict == "pass"


def test_a_further_baseline_that_cannot_be_paired_is_told() -> None:
    truth, candidate, baseline = binary(500)
    rules = model(metrics=("roc_auc",), gates=(gate("roc_auc", min=0.5),))
    found = compare.compare(
        rules, evaluation(500), evaluation_digest=DIGEST, truth=truth, candidate=candidate,
        baseline=baseline, policy=POLICY, beside={"v1.0.0": candidate.head(10)},
    )  # fmt: skip
    assert found.others == ()
    assert any(note.startswith("The further baseline v1.0.0 cannot be compared") for note in found.notes)


# --- A/A -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_same_model_is_never_better(seed: int) -> None:
    truth, candidate, _ = binary(1000, seed=seed)
    names = ("roc_auc", "brier", "accuracy", "f1", "log_loss")
    rules = model(
        metrics=names, gates=(gate("roc_auc", no_worse_than=0.01),), slices=(config.Slice(column="carrier"),)
    )
    found = run(rules, truth, candidate, candidate, same=True)
    judged = {row.verdict for row in found.metrics if "too" not in row.note and "only" not in row.note}
    assert judged == {"not worse"}
    assert found.verdict == "pass"
    assert any("same model file" in note for note in found.notes)


def test_a_predictor_of_chance_is_never_better_than_itself() -> None:
    """One model file whose answers differ from run to run: not worse at best, whatever the luck."""
    for seed in range(20):
        truth, candidate, baseline = binary(400, seed=seed, shared=0.2)
        names = ("roc_auc", "brier", "accuracy")
        found = run(
            model(metrics=names, gates=(gate("roc_auc", min=0.1),)), truth, candidate, baseline, same=True
        )
        assert "better" not in {row.verdict for row in found.metrics}


# --- other questions -------------------------------------------------------------------------------------


LABELS = pl.Series("late", np.array([0, 1, 0]))


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("theirs", "word"),
    [
        (model("regression"), "a task of the kind 'regression'"),
        (
            msgspec.structs.replace(model(), data=config.Data(test="t", target="delayed", key="id")),
            "'delayed'",
        ),
        (model(positive="0"), "the positive class '0'"),
    ],
)
def test_another_definition_of_the_label_is_refused(theirs: config.Model, word: str) -> None:
    with pytest.raises(ComparisonError) as caught:
        definitions.same_question(model(), theirs, LABELS)
    assert word in caught.value.what


@pytest.mark.parametrize("positive", [None, "1"])
def test_the_default_written_out_is_the_same_question(positive: str | None) -> None:
    definitions.same_question(model(), model(positive=positive), LABELS)
