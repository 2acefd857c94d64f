"""The comparison as a whole: verdicts, gates, slices, and every input that must not pass."""

from __future__ import annotations

import itertools
import re

import msgspec
import numpy as np
import polars as pl
import pytest

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.comparison import compare
from modelrail.core.slices import members as slices
from modelrail.errors import ComparisonError
from modelrail.report import rows, svg_forest
from support_compare import binary, evaluation, gate, metric, model, run

METRICS = ("roc_auc", "average_precision", "accuracy", "recall", "f1", "log_loss", "brier")
AUC = gate("roc_auc", no_worse_than=0.01)


def row(comparison: records.Comparison, name: str) -> records.MetricRow:
    return next(one for one in comparison.metrics if one.metric == name and one.slice is None)


# --- verdicts --------------------------------------------------------------------------------------------


def test_a_better_model_passes():
    found = run(model(metrics=METRICS, gates=(AUC, gate("roc_auc", 1, min=0.7))), *binary(4000, skill=2.0))
    assert found.verdict == "pass"
    assert row(found, "roc_auc").verdict == "better"
    assert row(found, "brier").verdict == "better"  # lower is better
    assert row(found, "brier").difference < 0
    assert found.headline.startswith("Both gates pass: ROC AUC rises by 0.0")
    assert found.correction == "holm"


def test_a_worse_model_fails():
    found = run(model(metrics=METRICS, gates=(AUC,)), *binary(4000, skill=1.0))
    assert (found.verdict, row(found, "roc_auc").verdict) == ("fail", "worse")
    assert found.headline.startswith("ROC AUC falls by 0.1")
    assert "4,000 rows" in found.headline


def test_the_same_bytes_for_the_same_input():
    policy = model(metrics=METRICS, gates=(AUC,), slices=(config.Slice(column="carrier"),))
    once, again = (msgspec.json.encode(run(policy, *binary(500))) for _ in range(2))
    assert once == again


def test_order_of_rows_does_not_matter():
    policy = model(metrics=METRICS, gates=(AUC,))
    truth, candidate, baseline = binary(500)
    mixed = candidate.sample(fraction=1, shuffle=True, seed=1)
    straight, shuffled = run(policy, truth, candidate, baseline), run(policy, truth, mixed, baseline)
    assert straight == shuffled


def test_no_margin_no_not_worse():
    """Failing to find a difference is not evidence of equality."""
    found = run(model(metrics=("roc_auc",), gates=(gate("roc_auc", min=0.5),)), *binary(1000, seed=1))
    assert row(found, "roc_auc").verdict == "inconclusive"
    assert re.search(
        r"^no clear change, known to ±0.0\d+; about [\d,]+ rows would settle it", row(found, "roc_auc").note
    )


def test_every_answer_left_open_says_what_would_settle_it():
    """As many rows as the correction for the family asks for; or that it is out of sight."""
    metrics = (*METRICS, "mcc", "kappa", "log_loss")
    found = run(model(metrics=metrics, gates=(AUC,)), *binary(800, skill=1.62, seed=2))
    left = [one for one in found.metrics if one.verdict == "inconclusive" and one.interval]
    assert left
    for one in left:
        needed = int(re.search(r"(?:about|more than) ([\d,]+) rows", one.note)[1].replace(",", ""))
        assert needed > found.rows, one


def test_a_loss_within_the_margin_is_not_worse():
    found = run(model(gates=(gate("roc_auc", no_worse_than=0.1),)), *binary(20000, skill=1.4))
    assert row(found, "roc_auc").interval.high < 0
    assert (row(found, "roc_auc").verdict, found.verdict) == ("not worse", "pass")


def test_a_margin_that_the_rows_cannot_settle_is_inconclusive_and_says_what_would():
    found = run(model(gates=(gate("roc_auc", no_worse_than=0.001),)), *binary(400, seed=3))
    assert found.verdict == "inconclusive"
    assert "rows the difference is known to ±0.0" in found.gates[0].detail
    assert "would settle it" in found.gates[0].detail
    assert found.headline.startswith("These rows cannot say whether")


def test_surely_worse_but_perhaps_within_the_margin_is_inconclusive():
    """More rows would tell; that it is worse is said, that it is worse by more than the margin is not."""
    found = run(model(gates=(gate("roc_auc", no_worse_than=0.015),)), *binary(6000, skill=1.4, seed=2))
    interval = found.gates[0].interval
    assert interval.low < -0.015 < found.gates[0].difference < interval.high < 0
    assert (found.gates[0].outcome, found.gates[0].verdict) == ("inconclusive", "worse")


@pytest.mark.parametrize(("skill", "outcome"), [(1.9, "pass"), (1.5, "fail"), (1.66, "inconclusive")])
def test_better_by(skill, outcome):
    found = run(model(gates=(gate("roc_auc", better_by=0.02),)), *binary(6000, skill=skill))
    assert found.gates[0].outcome == outcome


def test_a_rise_that_is_not_enough_is_told_with_what_was_asked():
    found = run(model(gates=(gate("roc_auc", better_by=0.3),)), *binary(4000, skill=2.2))
    assert found.verdict == "fail"
    assert re.fullmatch(r"ROC AUC rises by .*; the gate asks for “ROC AUC, better by 0\.3”\.", found.headline)
    assert re.fullmatch(r"ROC AUC rose by .*; the gate asks for “ROC AUC, better by 0\.3”", found.short)


def test_relative_margins_follow_the_direction():
    truth, candidate, baseline = binary(20000, skill=1.5)
    one = config.Margin(value=0.02, relative=True)
    for name in ("brier", "roc_auc"):
        found = run(model(gates=(gate(name, no_worse_than=one),)), truth, candidate, baseline)
        assert found.gates[0].outcome == "pass", name
    worse = candidate.with_columns(
        score=pl.col("score") * 0.8 + 0.1
    )  # the ranking stays, the probabilities blur
    assert (
        run(model(gates=(gate("brier", no_worse_than=one),)), truth, worse, baseline).gates[0].outcome
        == "fail"
    )
    assert (
        run(model(gates=(gate("roc_auc", no_worse_than=one),)), truth, worse, baseline).gates[0].outcome
        == "pass"
    )


def test_relative_margin_of_a_negative_baseline():
    """R² below zero: 10% worse is further down, not closer to zero."""
    rng = np.random.default_rng(0)
    truth = pl.DataFrame({"id": np.arange(3000), "late": rng.normal(size=3000)})
    noise = rng.normal(size=3000) * 2
    baseline = pl.DataFrame({"id": np.arange(3000), "prediction": noise})
    candidate = pl.DataFrame({"id": np.arange(3000), "prediction": noise * 1.0001})
    rule = gate("r2", no_worse_than=config.Margin(value=0.1, relative=True))
    found = run(model("regression", gates=(rule,)), truth, candidate, baseline)
    assert found.gates[0].baseline < -3
    assert found.gates[0].outcome == "pass"
    off = candidate.with_columns(pl.col("prediction") * 1.3)
    assert run(model("regression", gates=(rule,)), truth, off, baseline).gates[0].outcome == "fail"


def test_a_floor_by_value_and_with_confidence():
    tables = binary(300, seed=2)
    value = row(run(model(gates=(gate("recall", min=0.0),)), *tables), "recall").candidate
    just_below = value - 0.01
    assert run(model(gates=(gate("recall", min=just_below),)), *tables).verdict == "pass"
    sure = run(model(gates=(gate("recall", min=just_below, with_confidence=True),)), *tables)
    assert sure.verdict == "inconclusive"
    assert "would settle it" in sure.gates[0].detail
    assert (
        run(model(gates=(gate("recall", min=value - 0.3, with_confidence=True),)), *tables).verdict == "pass"
    )
    failed = run(model(gates=(gate("recall", min=value + 0.2, with_confidence=True),)), *tables)
    assert failed.verdict == "fail"
    # The interval is of the value, says so, and does not stand behind the difference as if it were its own.
    (told,) = failed.gates
    assert told.interval_of == "candidate"
    assert told.interval.low < told.candidate < told.interval.high
    (shown,) = rows.gates(failed.gates)
    assert re.fullmatch(r"[+\u2212]0\.\d+, this change: 0\.\d+ … 0\.\d+", shown.difference)
    assert svg_forest.span(told, told.margin, higher_is_better=True) is None
    assert "misses the floor of" in failed.headline


def test_a_ceiling():
    found = run(model(gates=(gate("brier", max=0.01),)), *binary(500))
    assert found.verdict == "fail"
    assert "misses the ceiling of 0.01" in found.headline


def test_warnings_do_not_block():
    rules = (AUC, gate("recall", 1, min=0.999, severity="warn"))
    found = run(model(gates=rules), *binary(4000, skill=2.0))
    assert [one.outcome for one in found.gates] == ["pass", "fail"]
    assert found.verdict == "pass"


# --- the same model --------------------------------------------------------------------------------------


def test_the_same_model_is_not_worse_and_never_better():
    truth, candidate, _ = binary(800)
    rules = (AUC, gate("f1", 1, no_worse_than=0.0001))
    found = run(model(metrics=METRICS, gates=rules), truth, candidate, candidate, same=True)
    assert {one.verdict for one in found.metrics} == {"not worse"}
    assert found.verdict == "pass"
    assert any("same model file" in note for note in found.notes)
    claim = run(model(gates=(gate("roc_auc", better_by=0.0),)), truth, candidate, candidate, same=True)
    assert claim.verdict == "fail"


def test_a_predictor_that_changes_its_mind_is_named_and_still_never_better():
    truth, better, worse = binary(4000, skill=2.5)
    found = run(model(metrics=METRICS, gates=(AUC,)), truth, better, worse, same=True)
    assert "better" not in {one.verdict for one in found.metrics}
    assert any("not deterministic" in note for note in found.notes)


def test_equal_models_are_seldom_called_better_or_worse():
    """The family-wise rate of `better` or `worse` over seven metrics and two sets of slices stays near 5%."""
    policy = model(
        metrics=("roc_auc", "accuracy", "brier"), gates=(AUC,), slices=(config.Slice(column="carrier"),)
    )
    alarms = 0
    for seed in range(25):
        found = run(policy, *binary(600, seed=seed))
        alarms += any(one.verdict in {"better", "worse"} for one in found.metrics)
    assert alarms <= 8  # two families at 5%: 2 or 3 expected


# --- slices ----------------------------------------------------------------------------------------------


def test_a_slice_that_the_average_hides_leads_the_report():
    truth, candidate, baseline = binary(12000, skill=2.2, seed=7)
    ours = (truth["id"] % 8 == 0) & (truth["late"] == 1)
    truth = truth.with_columns(
        carrier=pl.when(pl.col("id") % 8 == 0).then(pl.lit("EV")).otherwise(pl.lit("AA"))
    )
    candidate = candidate.with_columns(
        prediction=pl.when(ours & (truth["id"] % 16 == 0)).then(0).otherwise("prediction")
    )
    rules = (AUC, gate("recall", 1, no_worse_than=0.03, slices="carrier"))
    found = run(model(gates=rules, slices=(config.Slice(column="carrier"),)), truth, candidate, baseline)
    assert found.verdict == "fail"
    assert found.gates[1].slice == records.SliceRef(column="carrier", value="EV")
    assert found.headline.startswith("Recall for carrier EV falls by ")
    assert re.fullmatch(r"Recall for carrier EV fell by [\d.]+ points \[[\d.]+, [\d.]+\]", found.short)
    assert found.headline.endswith("rows), hidden behind a better average.")
    assert found.gates[1].title == "Recall, every carrier, may fall by at most 0.03"


def test_a_slice_that_blocks_is_not_called_undecided_further_down():
    """The slices of one gate are one family, in the table as in the gate; the other 222 tests another."""
    truth, candidate, baseline = binary(6000, skill=1.6, seed=4)
    truth = truth.with_columns(
        carrier=pl.when(pl.col("id") % 4 == 0).then(pl.lit("EV")).otherwise(pl.lit("AA"))
    )
    lost = (truth["carrier"] == "EV") & (truth["late"] == 1) & (truth["id"] % 24 == 0)
    candidate = candidate.with_columns(prediction=pl.when(lost).then(0).otherwise("prediction"))
    rules = (AUC, gate("recall", 1, no_worse_than=0.01, slices="carrier"))
    parts = (config.Slice(column="carrier"), config.Slice(column="distance", bins=30))
    found = run(model(metrics=METRICS, gates=rules, slices=parts), truth, candidate, baseline)
    of_ev = {one.metric: one for one in found.metrics if one.slice and one.slice.value == "EV"}
    assert (found.gates[1].outcome, found.gates[1].verdict) == ("fail", "worse")
    assert of_ev["recall"].verdict == "worse"
    assert of_ev["f1"].verdict == "inconclusive"
    assert re.search(r"not once corrected for 222 tests", of_ev["f1"].note)


def test_a_gate_names_slices_as_they_are_shown():
    truth, candidate, baseline = binary(3000, skill=2.5)
    truth = truth.with_columns(far=pl.col("distance") > 900)
    parts = (config.Slice(column="far"),)
    rules = tuple(
        gate("roc_auc", index, no_worse_than=0.05, slices="far", only=(value,))
        for index, value in enumerate(("true", "yes"))
    )
    found = run(model(gates=rules, slices=parts), truth, candidate, baseline)
    assert [one.outcome for one in found.gates] == ["pass", "inconclusive"]
    assert found.gates[0].slice.value == "true"
    assert found.gates[1].detail == "no row has far yes"


def test_small_slices_are_inconclusive_and_do_not_decide():
    truth, candidate, baseline = binary(4000, skill=2.0)
    truth = truth.with_columns(carrier=pl.when(pl.col("id") < 7).then(pl.lit("HA")).otherwise("carrier"))
    rules = (gate("roc_auc", no_worse_than=0.02, slices="carrier"),)
    found = run(model(gates=rules, slices=(config.Slice(column="carrier"),)), truth, candidate, baseline)
    tiny = next(one for one in found.metrics if one.slice and one.slice.value == "HA")
    assert (tiny.verdict, tiny.rows) == ("inconclusive", 7)
    assert tiny.note
    assert found.verdict == "pass"
    told = "1 of 4 slices by carrier have too few rows to be judged; the gates speak of the others."
    assert told in found.notes  # a gate that passes says it as well
    assert found.gates[0].detail == ""


def test_no_slice_large_enough_is_inconclusive():
    rules = (gate("roc_auc", no_worse_than=0.02, slices="carrier"),)
    found = run(model(gates=rules, slices=(config.Slice(column="carrier", min_rows=5000),)), *binary(900))
    assert found.verdict == "inconclusive"
    assert "large enough" in found.headline


def test_bins_cover_every_row_once():
    values = pl.DataFrame({"distance": [1.0, 1.0, 1.0, 2.0, 3.0, None, float("nan"), 9.0]})
    cut = slices.cut(values, config.Slice(column="distance", bins=3))
    rows = np.concatenate([found for _, found in cut.rows()])
    assert sorted(rows) == list(range(8))
    assert cut.labels[-1] == slices.MISSING
    assert cut.labels[0].startswith("1 to ")


@pytest.mark.parametrize(
    "column", [["a", "b", None, "a"], [1, 2, None, 1], [True, False, None, True], [1.5, 2.0, None, 1.5]]
)
def test_slices_by_value_cover_every_row_once(column):
    cut = slices.cut(pl.DataFrame({"x": column}), config.Slice(column="x"))
    found = dict(cut.rows())
    assert sorted(itertools.chain(*found.values())) == [0, 1, 2, 3]
    assert list(found[slices.MISSING]) == [2]


def test_too_many_values_ask_for_bins():
    with pytest.raises(ComparisonError, match="5,001 values") as caught:
        slices.cut(pl.DataFrame({"x": range(5001)}), config.Slice(column="x"))
    assert "bins" in caught.value.next


# --- groups ----------------------------------------------------------------------------------------------


def test_groups_widen_the_interval_and_are_told():
    truth, candidate, baseline = binary(3000)
    truth = truth.with_columns(day=pl.col("id") // 100)
    alone = run(model(gates=(AUC,)), truth, candidate, baseline)
    grouped = run(model(gates=(AUC,), group="day"), truth, candidate, baseline)
    assert row(alone, "roc_auc").difference == row(grouped, "roc_auc").difference
    assert row(alone, "roc_auc").interval != row(grouped, "roc_auc").interval
    assert any("30 groups" in note for note in grouped.notes)


def test_few_groups_are_inconclusive():
    truth, candidate, baseline = binary(3000)
    truth = truth.with_columns(day=pl.col("id") // 1000)
    found = run(model(gates=(AUC,), group="day"), truth, candidate, baseline)
    assert found.verdict == "inconclusive"
    assert "only 3 groups" in found.gates[0].detail


# --- no baseline, no gates -------------------------------------------------------------------------------


@pytest.mark.fault(14)
def test_a_first_version_needs_the_policys_word():
    truth, candidate, _ = binary(1000)
    rules = (gate("roc_auc", 0, min=0.7), gate("roc_auc", 1, no_worse_than=0.01))
    allowed = run(model(gates=rules), truth, candidate, None)
    assert allowed.verdict == "pass"
    assert allowed.gates[1].detail == "no baseline: first version, allowed by the policy"
    assert row(allowed, "roc_auc").verdict == "not compared"
    refused = run(model(gates=rules, stages=(config.Stage(name="production"),)), truth, candidate, None)
    assert refused.verdict == "fail"
    assert refused.gates[0].path == "models.delay.stages.production.first"
    assert "first: allowed" in refused.headline
    elsewhere = run(model(gates=rules, stages=()), truth, candidate, None)
    assert elsewhere.verdict == "fail"


@pytest.mark.fault(15)
def test_an_unscored_baseline_is_not_an_absent_one():
    truth, candidate, _ = binary(100)
    asked = msgspec.structs.replace(evaluation(100), baseline=None)
    with pytest.raises(ComparisonError, match="not scored"):
        compare.compare(
            model(gates=(AUC,)), asked, evaluation_digest="", truth=truth, candidate=candidate, baseline=None,
            policy=None,
        )  # fmt: skip


def test_a_policy_without_blocking_gates_promotes_nothing():
    for rules in ((), (gate("roc_auc", min=0.1, severity="warn"),)):
        found = run(model(metrics=("roc_auc",), gates=rules), *binary(1000, skill=2.0))
        assert found.verdict == "fail"
        assert found.gates[0].path == "models.delay.gates"
        assert "no gate that blocks" in found.headline


# --- bad numbers -----------------------------------------------------------------------------------------

BAD = {
    "nan": pl.lit(float("nan")),
    "infinite": pl.lit(float("inf")),
    "null": pl.lit(None, dtype=pl.Float64),
}


@pytest.mark.fault(16)
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("who", ["candidate", "baseline"])
def test_scores_that_are_no_numbers_block_and_are_named(bad, who):
    truth, *tables = binary(200)
    spoiled = pl.when(pl.col("id") == 7).then(BAD[bad]).otherwise(pl.col("score"))
    index = ["candidate", "baseline"].index(who)
    tables[index] = tables[index].with_columns(score=spoiled)
    with pytest.raises(ComparisonError) as caught:
        run(model(metrics=("roc_auc",), gates=(AUC,)), truth, *tables)
    assert "roc_auc" in caught.value.what
    assert "'score'" in caught.value.what
    assert who in caught.value.what


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.with_columns(pl.col("score").cast(pl.String)), ["roc_auc", "'score'", "String"]),
        (lambda t: t.drop("score"), ["roc_auc", "'score'", "no such column"]),
        (lambda t: t.with_columns(score=pl.col("score") * 2), ["roc_auc", "outside 0 to 1"]),
        (lambda t: t.drop("prediction"), ["accuracy", "'prediction'"]),
        (lambda t: t.with_columns(prediction=None), ["accuracy", "null"]),
        (lambda t: t.with_columns(prediction=pl.lit("maybe")), ["'prediction'", "'maybe'", "no class"]),
        (lambda t: t.with_columns(prediction=pl.col("score")), ["'prediction'", "no class"]),
    ],
)
def test_other_unusable_predictions_block(change, words):
    truth, candidate, baseline = binary(200)
    with pytest.raises(ComparisonError) as caught:
        run(model(metrics=("roc_auc", "accuracy"), gates=(AUC,)), truth, change(candidate), baseline)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.fault(16)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "x", 1e300])
def test_values_of_a_regression_that_are_no_numbers_block(value):
    truth = pl.DataFrame({"id": range(50), "late": np.linspace(0, 1, 50)})
    good = pl.DataFrame({"id": range(50), "prediction": np.linspace(0, 1, 50) ** 2})
    values = [value, *([0.5] * 49)] if not isinstance(value, str) else ["x"] * 50
    bad = pl.DataFrame({"id": range(50), "prediction": values})
    with pytest.raises(ComparisonError, match="rmse"):
        run(model("regression", gates=(gate("rmse", no_worse_than=0.1),)), truth, bad, good)


@pytest.mark.fault(16)
def test_an_unknown_metric_blocks():
    with pytest.raises(ComparisonError, match="mae cannot be computed for a binary task"):
        run(model(gates=(gate("mae", max=1.0),)), *binary(50))


# --- other rows ------------------------------------------------------------------------------------------


@pytest.mark.fault(19)
@pytest.mark.parametrize("who", ["candidate", "baseline"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.head(150), "50 rows of the test set have no prediction"),
        (lambda t: t.with_columns(pl.col("id") + 10), "10 predictions belong to no row"),
        (lambda t: pl.concat([t, t.head(1)]), "repeats 0"),
        (
            lambda t: pl.concat([t, t.head(5).with_columns(pl.col("id") + 1000)]),
            "5 predictions belong to no row",
        ),
        (
            lambda t: t.with_columns(id=pl.when(pl.col("id") == 3).then(None).otherwise("id")),
            "is empty in 1 row",
        ),
    ],
)
def test_other_rows_are_refused(who, change, words):
    truth, *tables = binary(200)
    index = ["candidate", "baseline"].index(who)
    tables[index] = change(tables[index])
    with pytest.raises(ComparisonError, match=words) as caught:
        run(model(metrics=("roc_auc",), gates=(AUC,)), truth, *tables)
    assert who in caught.value.what.lower()


def test_keys_of_another_type_still_pair():
    truth, candidate, baseline = binary(100)
    text = candidate.with_columns(pl.col("id").cast(pl.String))
    small = candidate.with_columns(pl.col("id").cast(pl.UInt16))
    policy = model(metrics=METRICS, gates=(AUC,))
    assert (
        run(policy, truth, text, baseline)
        == run(policy, truth, small, baseline)
        == run(policy, truth, candidate, baseline)
    )


# --- too little to say -----------------------------------------------------------------------------------


@pytest.mark.fault(18)
def test_an_empty_set_is_inconclusive():
    found = run(model(metrics=METRICS, gates=(AUC,)), *(table.head(0) for table in binary(10)))
    assert found.verdict == "inconclusive"
    assert {one.verdict for one in found.metrics} == {"inconclusive"}
    assert "there are no rows" in found.headline


@pytest.mark.fault(18)
@pytest.mark.parametrize("only", [0, 1])
def test_one_class_is_inconclusive(only):
    truth, candidate, baseline = binary(300)
    found = run(
        model(metrics=METRICS, gates=(AUC,)), truth.with_columns(late=pl.lit(only)), candidate, baseline
    )
    assert found.verdict == "inconclusive"
    assert row(found, "roc_auc").candidate is None
    assert "one class only" in found.headline


@pytest.mark.fault(18)
def test_one_class_everywhere_is_inconclusive():
    table = pl.DataFrame({"id": range(40), "prediction": [0] * 40, "score": [0.1] * 40})
    found = run(model(metrics=METRICS, gates=(AUC,)), table.select("id", late="prediction"), table, table)
    assert found.verdict == "inconclusive"


@pytest.mark.fault(18)
def test_a_tiny_set_is_inconclusive_and_says_what_size_would_do():
    found = run(model(metrics=METRICS, gates=(AUC,)), *binary(20))
    assert found.verdict == "inconclusive"
    assert "an interval needs 10 or more, about 29 rows at this share" in found.headline


def test_a_candidate_that_never_says_yes_has_no_precision():
    truth, candidate, baseline = binary(500)
    found = run(
        model(gates=(gate("precision", no_worse_than=0.1),)),
        truth,
        candidate.with_columns(prediction=0),
        baseline,
    )
    assert found.verdict == "inconclusive"
    assert "no row is predicted positive" in found.headline


# --- labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda column: column.cast(pl.Float64),
        lambda column: column.cast(pl.Boolean),
        lambda column: pl.when(column == 1).then(pl.lit("yes")).otherwise(pl.lit("no")),
    ],
)
def test_labels_of_any_type_are_the_same_classes(write):
    truth, candidate, baseline = binary(400)
    policy = model(metrics=METRICS, gates=(AUC,))
    plain = run(policy, truth, candidate, baseline)
    written = run(
        policy,
        truth.with_columns(late=write(pl.col("late"))),
        candidate.with_columns(prediction=write(pl.col("prediction"))),
        baseline.with_columns(prediction=write(pl.col("prediction"))),
    )
    assert plain.metrics == written.metrics


def test_the_positive_class_is_the_policys():
    truth, candidate, baseline = binary(400)
    usual = run(model(gates=(gate("recall", min=0.1),)), truth, candidate, baseline)
    turned = run(model(gates=(gate("recall", min=0.1),), positive="0"), truth, candidate, baseline)
    assert row(usual, "recall").candidate != row(turned, "recall").candidate


def test_several_classes():
    rng = np.random.default_rng(0)
    names = np.array(["ann", "bob", "cy"])
    truth_codes = rng.integers(0, 3, 900)
    tables = []
    for strength in (2.0, 1.0):
        raw = rng.normal(size=(900, 3)) + strength * np.eye(3)[truth_codes]
        p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
        scores = {f"score:{name}": p[:, code] for code, name in enumerate(names)}
        tables.append(pl.DataFrame({"id": np.arange(900), "prediction": names[p.argmax(axis=1)], **scores}))
    truth = pl.DataFrame({"id": np.arange(900), "late": names[truth_codes]})
    policy = model(
        "multiclass", metrics=("accuracy", "f1", "log_loss", "brier"), gates=(gate("f1", no_worse_than=0.01),)
    )
    found = run(policy, truth, *tables)
    assert {one.verdict for one in found.metrics} == {"better"}
    broken = tables[0].with_columns(pl.col("score:bob") * 0.5)
    with pytest.raises(ComparisonError, match="add up to 1"):
        run(policy, truth, broken, tables[1])


def test_titles():
    rules = [
        (gate("roc_auc", min=0.7), "ROC AUC, at least 0.7"),
        (
            gate("brier", no_worse_than=config.Margin(value=0.01, relative=True)),
            "Brier score, may rise by at most 1%",
        ),
        (gate("log_loss", better_by=0.002), "Log loss, better by 0.002"),
        (
            gate("f1", no_worse_than=0.01, confidence=0.99),
            "F1, may fall by at most 0.01, at 99% confidence",
        ),
    ]
    found = run(model(gates=tuple(rule for rule, _ in rules)), *binary(500))
    assert [one.title for one in found.gates] == [title for _, title in rules]
    assert metric("f1").label == "f1"
