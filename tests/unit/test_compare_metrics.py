"""Metrics with parameters, weights, blocks, lists and functions of one's own in a whole comparison."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelrail.config import resolved as config
from modelrail.core.metrics import catalog
from modelrail.core.rows import thresholds, user_arrays
from modelrail.core.rows.grouping import blocks
from modelrail.core.rows.pairing import UserValues
from modelrail.errors import ComparisonError
from support_compare import binary, gate, metric, model, run

AUC = gate("roc_auc", no_worse_than=0.05)


def row(comparison, name):
    return next(one for one in comparison.metrics if one.metric == name and one.slice is None)


def test_thresholds_and_precision_make_metrics_of_their_own():
    wanted = (
        metric("recall"), metric("recall", threshold=0.3), metric("recall", at_precision=0.6),
        metric("f1", threshold="tuned"),
    )  # fmt: skip
    found = run(model(metrics=wanted, gates=(AUC,)), *binary(2000, skill=2.0))
    values = [row(found, one.label) for one in wanted]
    assert values[1].candidate > values[0].candidate
    assert [one.interval.method for one in values][2:] == ["bootstrap", "joint-cells-delta"]
    assert values[3].candidate > values[0].candidate - 0.2
    assert found.notes[-1] == "The intervals of recall at precision 0.6 are by the bootstrap, seed 0."


def test_a_tuned_threshold_never_judges_the_rows_that_chose_it():
    """Pure noise: a threshold chosen on the judged rows would find an accuracy above the share of classes."""
    rng = np.random.default_rng(0)
    tuned = catalog.bind("balanced_accuracy", "binary", {"threshold": "tuned"})
    values = []
    for _ in range(60):
        truth, scores = rng.integers(0, 2, 100), rng.random(100)
        half = thresholds.halves(100, None, 0, int(rng.integers(1000)))
        labels = thresholds.tuned(tuned, truth, scores, None, half)
        values.append(((labels == truth)[truth == 1].mean() + (labels == truth)[truth == 0].mean()) / 2)
    assert np.mean(values) == pytest.approx(0.5, abs=0.025)


def test_halves_keep_clusters_together():
    codes = np.repeat(np.arange(30), 7)
    half = thresholds.halves(codes.size, codes, 30, 1)
    assert all(len(set(half[codes == code])) == 1 for code in range(30))
    assert 0.3 < half.mean() < 0.7


def test_weights_count_in_every_metric():
    truth, candidate, baseline = binary(3000, skill=1.5)
    truth = truth.with_columns(w=pl.when(pl.col("carrier") == "EV").then(0.0).otherwise(2.0))
    names = ("roc_auc", "accuracy", "brier", "recall", "average_precision", "f1")
    policy = model(metrics=names, gates=(AUC,))
    kept = truth["carrier"] != "EV"
    part = run(policy, truth.filter(kept), candidate.filter(kept), baseline.filter(kept))
    whole = run(model(metrics=names, gates=(AUC,), weight="w"), truth, candidate, baseline)
    for name in names:
        assert row(whole, name).candidate == pytest.approx(row(part, name).candidate)
        assert row(whole, name).difference == pytest.approx(row(part, name).difference)
        high = [one.interval.high - one.difference for one in (row(whole, name), row(part, name))]
        assert high[0] == pytest.approx(high[1], rel=0.02)
    assert "Rows count by the column w." in whole.notes


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("weights", "words"), [([-1.0], "not negative"), ([None], "null"), ([0.0], "above 0")]
)
def test_bad_weights_block(weights, words):
    tables = binary(50)
    truth = tables[0].with_columns(w=pl.Series(weights * 50, dtype=pl.Float64))
    with pytest.raises(ComparisonError, match=words):
        run(model(gates=(AUC,), weight="w"), truth, *tables[1:])


def test_heavy_weights_leave_few_rows_to_rest_on():
    tables = binary(400)
    truth = tables[0].with_columns(w=pl.when(pl.col("id") < 5).then(1e6).otherwise(1.0))
    found = run(model(gates=(AUC,), weight="w"), truth, *tables[1:])
    assert found.verdict == "inconclusive"
    assert "only 1 row of the rarer class; an interval needs" in found.headline


def test_few_rows_of_a_class_show_too_little_of_a_list_or_a_calibration():
    names = (metric("precision_at_k", k=0.1), metric("lift", k=0.1), metric("calibration_error"))
    few = run(model(metrics=names, gates=(AUC,)), *binary(400, rate=0.01))
    for one in names:
        found = row(few, one.label)
        assert found.verdict == "inconclusive"
        assert "of the rarer class; an interval needs 10" in found.note, found.note
    enough = run(model(metrics=names, gates=(AUC,)), *binary(400, rate=0.2))
    assert all("an interval needs" not in row(enough, one.label).note for one in names)
    short = run(model(metrics=names, gates=(AUC,)), *binary(80, rate=0.4))
    assert "rows in the list; an interval needs 10" in row(short, names[0].label).note


def test_rows_near_in_time_widen_the_interval():
    rng = np.random.default_rng(2)
    truth, _, baseline = binary(3000, seed=3)
    days = np.arange(3000) // 30
    shock = 0.35 * rng.normal(size=100)[days]
    shifted = (pl.col("score") + pl.Series(shock)).clip(0.001, 0.999)
    candidate = baseline.with_columns(score=shifted)
    truth = truth.with_columns(day=pl.Series(days))
    plain = row(run(model(metrics=("brier",), gates=(AUC,)), truth, candidate, baseline), "brier").interval
    found = run(model(metrics=("brier",), gates=(AUC,), time="day"), truth, candidate, baseline)
    blocked = row(found, "brier").interval
    assert blocked.high - blocked.low > 2 * (plain.high - plain.low)
    assert any("close in day being alike (10 blocks)" in note for note in found.notes)


def test_blocks_are_consecutive_times():
    times = pl.Series([5, 1, 1, 2, 9, 7, 7, 3])
    assert blocks(times, 2).tolist() == [1, 0, 0, 0, 2, 2, 2, 1]
    assert blocks(times, None).max() == 1  # six distinct times, blocks of four


def test_a_largest_error_gates_by_value_alone():
    rng = np.random.default_rng(0)
    truth = pl.DataFrame({"id": range(200), "late": rng.normal(size=200)})
    tables = [
        truth.select("id", prediction=pl.col("late") + pl.Series(rng.normal(size=200) * s))
        for s in (0.1, 0.2)
    ]
    found = run(model("regression", gates=(gate("max_error", max=1.0),)), truth, *tables)
    assert found.verdict == "pass"
    assert row(found, "max_error").interval is None
    assert row(found, "max_error").baseline > row(found, "max_error").candidate
    assert row(found, "max_error").verdict == "not compared"
    relative = run(model("regression", gates=(gate("max_error", no_worse_than=0.1),)), truth, *tables)
    assert relative.verdict == "inconclusive"
    assert "has no interval" in relative.gates[0].detail


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_a_rounding_error_is_no_difference(weighted):
    """Other answers of the same value: sums in another order differ by 1e-16, which was called `worse`."""
    rng = np.random.default_rng(0)
    lists = np.repeat(np.arange(40), 10)
    relevant = np.tile(np.arange(10) == 0, 40).astype(float)
    truth = pl.DataFrame(
        {"id": range(400), "late": relevant, "q": lists, "w": rng.random(400) + 0.5, "g": lists // 2}
    )
    # The relevant row of a list is first in most and third in some, in both; the others lie as they like.
    place = np.where(lists % 7 == 0, 2.5, 9.5)
    tables = []
    for _ in range(2):
        others = np.concatenate([rng.permutation(9) + 1.0 for _ in range(40)]).reshape(40, 9)
        said = np.concatenate((np.zeros((40, 1)), others), axis=1).ravel()
        tables.append(truth.select("id", prediction=pl.Series(np.where(relevant > 0, place, said))))
    roles = {"weight": "w"} if weighted else {}
    rules = (gate("mrr", no_worse_than=0.0), gate("mrr", 1, no_worse_than=0.2))
    found = run(model("ranking", gates=rules, query="q", group="g", **roles), truth, *tables)
    one = row(found, "mrr")
    assert (one.difference, one.verdict) == (0.0, "inconclusive")
    assert [gate.outcome for gate in found.gates] == ["inconclusive", "pass"]
    errors = truth.select("id", late=pl.Series(rng.normal(size=400)), w="w", g="g")
    up, down = (errors.select("id", prediction=pl.col("late") + step) for step in (0.1, -0.1))
    policy = model("regression", metrics=("mae", "rmse"), gates=(gate("mae", max=9.0),), group="g", **roles)
    assert {line.verdict for line in run(policy, errors, up, down).metrics} == {"inconclusive"}


def test_what_cannot_be_tested_is_no_part_of_a_family():
    """Neither a maximum nor a number that training reported makes the correction of the others stricter."""
    bare = ("max_error", metric("train_loss", reported=True, higher_is_better=False))
    told = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        truth = pl.DataFrame({"id": range(200), "late": rng.normal(size=200), "part": ["a", "b"] * 100})
        tables = [
            truth.select("id", prediction=pl.col("late") + pl.Series(rng.normal(size=200) * s))
            for s in (1.0, 1.15)
        ]
        verdicts = []
        for metrics in (("mae",), ("mae", *bare)):
            policy = model("regression", metrics=metrics, slices=(config.Slice(column="part"),))
            found = run(policy, truth, *tables, reported={"train_loss": 0.4})
            verdicts.append(row(found, "mae").verdict)
        assert verdicts[0] == verdicts[1]
        told.append(verdicts[0])
        assert "train_loss" not in {one.metric for one in found.metrics if one.slice}  # it is of all rows
    assert set(told) == {"better", "inconclusive"}


def test_medians_are_compared_by_the_bootstrap():
    rng = np.random.default_rng(1)
    truth = pl.DataFrame({"id": range(500), "late": rng.normal(size=500)})
    tables = [
        truth.select("id", prediction=pl.col("late") + pl.Series(rng.normal(size=500) * s))
        for s in (0.1, 0.3)
    ]
    found = run(model("regression", gates=(gate("median_ae", no_worse_than=0.01),)), truth, *tables)
    assert (found.verdict, row(found, "median_ae").verdict) == ("pass", "better")
    again = run(model("regression", gates=(gate("median_ae", no_worse_than=0.01),)), truth, *tables)
    assert found == again


def test_what_training_reported_is_a_bare_value():
    one = metric("train_loss", reported=True, higher_is_better=False)
    tables = binary(100)
    found = run(model(gates=(gate(one, max=0.5),)), *tables, reported={"train_loss": 0.4})
    assert (found.verdict, row(found, "train_loss").verdict) == ("pass", "not compared")
    assert run(model(gates=(gate(one, max=0.3),)), *tables, reported={"train_loss": 0.4}).verdict == "fail"
    absent = run(model(gates=(gate(one, max=0.3),)), *tables)
    assert absent.verdict == "inconclusive"
    assert "did not report it" in absent.headline


def test_a_metric_of_ones_own():
    profit = metric("profit", function="m:profit", higher_is_better=True)
    truth, candidate, baseline = binary(600, skill=2.5)

    def call(asked, rows):
        assert asked.params["function"] == "m:profit"
        shared, each, groups = user_arrays.of(rows)
        assert groups is None
        assert {"truth", "late", "carrier"} <= set(shared)
        gains = [5.0 * (shared["truth"] * one["prediction"]) - one["prediction"] for one in each]
        rng = np.random.default_rng(0)
        draws = rng.integers(0, rows.size, (300, rows.size))
        return UserValues(
            tuple(gain.mean() for gain in gains), np.array([gain[draws].mean(axis=1) for gain in gains])
        )

    found = run(
        model(
            metrics=(profit,), gates=(gate(profit, no_worse_than=0.02),),
            slices=(config.Slice(column="carrier"),),
        ),
        truth, candidate, baseline, user=call,
    )  # fmt: skip
    assert (found.verdict, row(found, "profit").verdict) == ("pass", "better")
    assert len([one for one in found.metrics if one.slice]) == 3
    with pytest.raises(ComparisonError, match="cannot be called here"):
        run(model(metrics=(profit,), gates=(AUC,)), truth, candidate, baseline)


def test_a_ranking_is_judged_by_its_lists():
    rng = np.random.default_rng(4)
    truth = pl.DataFrame({"id": range(2000), "late": rng.integers(0, 3, 2000), "q": np.arange(2000) // 8})
    tables = [
        truth.select("id", prediction=pl.col("late") * s + pl.Series(rng.normal(size=2000)))
        for s in (1.5, 0.5)
    ]
    wanted = (metric("ndcg", k=3), metric("mrr"), metric("recall", k=2), metric("map", k=5))
    policy = model("ranking", metrics=wanted, gates=(gate(wanted[0], no_worse_than=0.01),), query="q")
    found = run(policy, truth, *tables)
    assert {one.verdict for one in found.metrics} == {"better"}
    assert found.gates[0].title == "NDCG@3, may fall by at most 0.01"


def test_predicted_intervals():
    rng = np.random.default_rng(5)
    truth = pl.DataFrame({"id": range(800), "late": rng.normal(size=800)})
    tables = [
        truth.select("id", prediction=pl.lit(0.0), lower=pl.lit(-w), upper=pl.lit(w)) for w in (1.65, 0.5)
    ]
    wanted = (metric("interval_coverage"), metric("interval_width"), metric("interval_score", coverage=0.9))
    policy = model("regression", metrics=wanted, gates=(gate(wanted[0], min=0.85),))
    found = run(policy, truth, *tables)
    assert found.verdict == "pass"
    assert [one.verdict for one in found.metrics] == ["better", "worse", "better"]
    with pytest.raises(ComparisonError, match="interval_coverage"):
        run(policy, truth, tables[0].drop("lower"), tables[1])
    with pytest.raises(ComparisonError, match="above the column 'upper'"):
        run(policy, truth, tables[0].with_columns(lower=pl.lit(9.0)), tables[1])


def test_classes_by_name():
    rng = np.random.default_rng(0)
    names = np.array(["ann", "bob", "cy"])
    truth = pl.DataFrame({"id": range(600), "late": names[rng.integers(0, 3, 600)]})
    said = pl.DataFrame(
        {"id": range(600), "prediction": np.where(rng.random(600) < 0.8, truth["late"], "bob")}
    )
    wanted = (
        metric("recall", **{"class": "bob"}), metric("recall", **{"class": "cy"}),
        metric("expected_cost", costs={"cy>bob": 10.0, "ann>bob": 0.0}),
        metric("precision", average="weighted"),
        metric("recall", **{"class": "nobody"}),
    )  # fmt: skip
    found = run(model("multiclass", metrics=wanted, gates=(gate(wanted[0], min=0.5),)), truth, said, said)
    values = [row(found, one.label).candidate for one in wanted]
    assert values[0] == 1.0
    assert values[1] == pytest.approx(0.8, abs=0.06)
    assert values[2] == pytest.approx(10 * (1 - values[1]) * (truth["late"] == "cy").mean())
    assert values[4] is None
