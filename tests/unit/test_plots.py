"""What pictures are drawn from, against scikit-learn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import support_compare as sample
from modelrail import records
from modelrail.adapters import files
from modelrail.core.comparison import plots

sk = pytest.importorskip("sklearn.metrics")
calibration = pytest.importorskip("sklearn.calibration")


def made(n: int = 4000, **more: float) -> tuple[pl.DataFrame, records.Plots]:
    truth, candidate, baseline = sample.binary(n, skill=1.8, other=1.2, **more)
    model = sample.model(metrics=("roc_auc",))
    return (
        truth.join(candidate, on="id"),
        plots.plots(model, sample.DIGEST, truth, candidate, baseline),
    )


def test_curves_are_those_of_scikit_learn() -> None:
    table, found = made()
    truth, score = table["late"].to_numpy(), table["score"].to_numpy()
    curve = found.roc[0]
    assert curve.role == "candidate"
    assert [one.role for one in found.roc] == ["candidate", "baseline"]
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(sk.roc_auc_score(truth, score), abs=1e-3)
    fpr, tpr, _ = sk.roc_curve(truth, score, drop_intermediate=False)
    theirs = set(zip(fpr.round(6), tpr.round(6), strict=True))
    assert set(zip(curve.x, curve.y, strict=True)) <= theirs
    curve = found.precision_recall[0]
    precision, recall, _ = sk.precision_recall_curve(truth, score)
    assert set(zip(curve.x, curve.y, strict=True)) <= set(
        zip(recall.round(6), precision.round(6), strict=True)
    )
    share, mean = calibration.calibration_curve(truth, score, n_bins=10, strategy="quantile")
    curve = found.calibration[0]
    assert curve.x == pytest.approx(mean, abs=2e-3)
    assert curve.y == pytest.approx(share, abs=1e-2)
    assert sum(curve.count) == 4000


def test_curves_are_thin_ascending_and_reach_the_ends() -> None:
    _, found = made(30_000)
    for curve in (*found.roc, *found.precision_recall):
        assert 100 < len(curve.x) <= plots.POINTS
        assert list(curve.x) == sorted(curve.x)
        assert curve.x[-1] == 1.0
    assert found.roc[0].x[0] == found.roc[0].y[0] == 0.0
    assert len(files.encode(found)) < 60_000


def test_ties_are_one_threshold() -> None:
    truth = pl.DataFrame({"id": [1, 2, 3, 4], "late": [0, 1, 0, 1]})
    table = pl.DataFrame({"id": [1, 2, 3, 4], "prediction": [1, 1, 1, 1], "score": [0.5] * 4})
    found = plots.plots(sample.model(metrics=("roc_auc",)), sample.DIGEST, truth, table, None)
    assert found.roc[0].x == found.roc[0].y == (0.0, 1.0)
    assert found.calibration[0].count == (4,)


def test_one_class_or_no_scores_leave_the_curve_out() -> None:
    truth = pl.DataFrame({"id": [1, 2, 3], "late": [0, 0, 0]})
    with_score = pl.DataFrame({"id": [1, 2, 3], "prediction": [0, 0, 1], "score": [0.1, 0.2, 0.6]})
    model = sample.model(metrics=("accuracy",))
    found = plots.plots(model, sample.DIGEST, truth, with_score, with_score.drop("score"))
    assert not found.roc
    assert [curve.role for curve in found.calibration] == ["candidate"]
    assert [one.role for one in found.confusion] == ["candidate", "baseline"]


def test_confusion_counts_are_those_of_scikit_learn() -> None:
    table, found = made()
    expected = sk.confusion_matrix(table["late"].to_numpy(), table["prediction"].to_numpy())
    assert [list(row) for row in found.confusion[0].counts] == expected.tolist()
    assert found.confusion[0].labels == ("0", "1")


def test_rare_classes_are_put_together() -> None:
    rng = np.random.default_rng(0)
    names = [f"c{index:02}" for index in range(60)]
    truth = pl.DataFrame({"id": range(5000), "late": rng.choice(names, 5000)})
    table = truth.rename({"late": "prediction"})
    other = table.with_columns(prediction=pl.Series(rng.choice(names, 5000)))
    model = sample.model("multiclass", metrics=("accuracy",))
    one, two = plots.plots(model, sample.DIGEST, truth, table, other).confusion
    assert one.labels == two.labels
    assert len(one.labels) == plots.LABELS
    assert one.labels[-1] == plots.REST
    assert sum(map(sum, one.counts)) == sum(map(sum, two.counts)) == 5000
    assert all(count == 0 for i, row in enumerate(one.counts) for j, count in enumerate(row) if i != j)


def test_errors_share_their_bins_and_keep_the_tails() -> None:
    rng = np.random.default_rng(1)
    truth = pl.DataFrame({"id": range(3000), "late": rng.normal(size=3000)})
    near = truth.select("id", prediction=pl.col("late") + pl.Series(rng.normal(0.5, 0.1, 3000)))
    far = near.with_columns(prediction=pl.when(pl.col("id") == 7).then(1e6).otherwise(pl.col("prediction")))
    model = sample.model("regression", metrics=("mae",))
    one, two = plots.plots(model, sample.DIGEST, truth, near, far).errors
    assert one.edges == two.edges
    assert sum(one.counts) == sum(two.counts) == 3000
    assert one.edges[-1] > 1e5
    assert one.edges[-2] < 2  # one far row does not flatten the picture


def test_equal_errors_still_have_bins() -> None:
    truth = pl.DataFrame({"id": [1, 2], "late": [1.0, 2.0]})
    table = pl.DataFrame({"id": [1, 2], "prediction": [1.0, 2.0]})
    model = sample.model("regression", metrics=("mae",))
    (one,) = plots.plots(model, sample.DIGEST, truth, table, None).errors
    assert sum(one.counts) == 2
