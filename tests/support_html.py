"""Records as the flights example leaves them, with pictures: 5 metrics, 31 slices, curves of both models."""

from __future__ import annotations

import itertools
import math
import random
from statistics import NormalDist
from typing import Any

import msgspec

import support_records as sample
from modelrail import records
from modelrail.report.view import ModelRecords

METRICS = ("roc_auc", "average_precision", "brier", "log_loss", "balanced_accuracy")
HIGHER = {
    "roc_auc": True,
    "average_precision": True,
    "brier": False,
    "log_loss": False,
    "balanced_accuracy": True,
}
VALUES = {
    "roc_auc": 0.7312,
    "average_precision": 0.4127,
    "brier": 0.1372,
    "log_loss": 0.4312,
    "balanced_accuracy": 0.6514,
}
GAINS = {
    "roc_auc": 0.0111,
    "average_precision": 0.0176,
    "brier": -0.0003,
    "log_loss": -0.0041,
    "balanced_accuracy": 0.0082,
}
HALF = {
    "roc_auc": 0.005,
    "average_precision": 0.0085,
    "brier": 0.0008,
    "log_loss": 0.0024,
    "balanced_accuracy": 0.0064,
}
CARRIERS = {
    "9E": 1494,
    "AA": 2882,
    "AS": 62,
    "B6": 4984,
    "DL": 4251,
    "EV": 3412,
    "F9": 58,
    "FL": 263,
    "HA": 31,
    "MQ": 2261,
    "OO": 2,
    "UA": 5066,
    "US": 1786,
    "VX": 489,
    "WN": 1057,
    "YV": 16,
}
ORIGINS = {"EWR": 10475, "JFK": 10023, "LGA": 7616}
DISTANCES = {"80 to 502": 7031, "over 502 to 872": 7040, "over 872 to 1389": 7022, "over 1389 to 4983": 7021}
HOURS = {
    "5 to 7": 4210,
    "over 7 to 9": 4108,
    "over 9 to 11": 2988,
    "over 11 to 13": 2902,
    "over 13 to 15": 4012,
    "over 15 to 17": 3999,
    "over 17 to 19": 3811,
    "over 19 to 23": 2084,
}
SLICES = [
    (column, value, rows)
    for column, found in (
        ("carrier", CARRIERS),
        ("origin", ORIGINS),
        ("distance", DISTANCES),
        ("hour", HOURS),
    )
    for value, rows in found.items()
]
TOTAL = 28_114


def rows(*, worse: str = "EV", scale: float = 1.0) -> tuple[records.MetricRow, ...]:
    """All rows of a comparison; `worse` is the carrier that loses, `scale` widens every interval."""
    found = [row(metric, None, TOTAL, GAINS[metric], HALF[metric] * scale) for metric in METRICS]
    rng = random.Random(7)
    for column, value, size in SLICES:
        for metric in METRICS:
            side = 1 if HIGHER[metric] else -1
            half = HALF[metric] * scale * math.sqrt(TOTAL / size)
            move = GAINS[metric] + rng.gauss(0, half / 2.2)
            if value == worse:
                move = -side * 8 * HALF[metric]
            found.append(row(metric, (column, value), size, move, half))
    return tuple(found)


def row(
    metric: str, where: tuple[str, str] | None, size: int, move: float, half: float, margin: float = 0.02
) -> records.MetricRow:
    side = 1 if HIGHER[metric] else -1
    good = side * move
    verdict = (
        "better"
        if good > half
        else "worse"
        if good < -half
        else "not worse"
        if good > half - margin
        else "inconclusive"
    )
    note = ""
    if size < 100:
        verdict, note = "inconclusive", "fewer than 100 rows"
    if size < 5:
        return sample.metric(
            metric,
            None,
            None,
            0,
            0,
            "inconclusive",
            higher=HIGHER[metric],
            where=where,
            rows=size,
            note="one class only",
        )
    value = VALUES[metric]
    return sample.metric(
        metric,
        value,
        value + move,
        move - half,
        move + half,
        verdict,
        higher=HIGHER[metric],
        where=where,
        rows=size,
        note=note,
    )


def pick(found: tuple[records.MetricRow, ...], metric: str, value: str | None = None) -> records.MetricRow:
    return next(
        row for row in found if row.metric == metric and (row.slice.value if row.slice else None) == value
    )


def gates(found: tuple[records.MetricRow, ...], worse: str | None) -> tuple[records.GateRow, ...]:
    def with_margin(gate: records.GateRow, margin: float | None) -> records.GateRow:
        return msgspec.structs.replace(gate, margin=margin)

    auc = pick(found, "roc_auc")
    every = [
        with_margin(sample.gate(0, "ROC AUC, at least 0.65", auc, "pass"), None),
        with_margin(sample.gate(1, "ROC AUC, may fall by at most 0.01", auc, "pass"), -0.01),
        with_margin(
            sample.gate(2, "Brier score, may rise by at most 3%", pick(found, "brier"), "pass"), 0.0041
        ),
        with_margin(
            sample.gate(
                3, "ROC AUC, every origin, may fall by at most 0.02", pick(found, "roc_auc", "LGA"), "pass"
            ),
            -0.02,
        ),
        sample.gate(
            5,
            "Drift of the training data",
            None,
            "fail",
            severity="warn",
            detail="2 of 14 columns: dewpoint, month.",
        ),
    ]
    row = pick(found, "roc_auc", worse or "US")
    every.insert(
        4,
        with_margin(
            sample.gate(
                4,
                "ROC AUC, every carrier, may fall by at most 0.04",
                row,
                "fail" if worse else "pass",
                detail="3 of 16 slices are too small to judge" if worse else "",
            ),
            -0.04,
        ),
    )
    return tuple(every)


def curve_points(skill: float, count: int = 160) -> list[tuple[float, float]]:
    """A ROC curve of two normal distributions."""
    normal = NormalDist()
    places = [index / (count - 1) for index in range(count)]
    return [(x, 0.0 if x <= 0 else 1.0 if x >= 1 else normal.cdf(skill + normal.inv_cdf(x))) for x in places]


def plots(
    model: str = "delay", *, baseline: bool = True, comparison: str = sample.digest("c")
) -> records.Plots:
    share = 0.22
    sides: list[tuple[Any, float]] = [("candidate", 0.92), *([("baseline", 0.86)] if baseline else [])]
    roc, recall, calibration, confusion = [], [], [], []
    for role, skill in sides:
        points = curve_points(skill)
        roc.append(records.Curve(role=role, x=tuple(x for x, _ in points), y=tuple(y for _, y in points)))
        found = [(y, share * y / (share * y + (1 - share) * x)) for x, y in points if y > 0]
        recall.append(records.Curve(role=role, x=tuple(x for x, _ in found), y=tuple(y for _, y in found)))
        means = [0.03, 0.06, 0.1, 0.14, 0.18, 0.23, 0.28, 0.35, 0.45, 0.62]
        bend = 0.92 if role == "candidate" else 1.12
        calibration.append(
            records.Curve(
                role=role,
                x=tuple(means),
                y=tuple(min(1.0, x**bend * 0.98) for x in means),
                count=(2811,) * 10,
            )
        )
        right = 1410 if role == "candidate" else 1322
        false = 1102 if role == "candidate" else 1093
        confusion.append(
            records.ConfusionMatrix(
                role=role, labels=("on time", "late"), counts=((21_930 - false, false), (6184 - right, right))
            )
        )
    return records.Plots(
        model=model,
        comparison=comparison,
        roc=tuple(roc),
        precision_recall=tuple(recall),
        calibration=tuple(calibration),
        confusion=tuple(confusion),
    )


def flights(model: str = "delay", worse: str | None = "EV", **changes: Any) -> ModelRecords:
    """A run of the example: blocked by one carrier, or passing without `worse`."""
    found = rows(worse=worse or "-")
    passed = worse is None
    comparison = sample.comparison(
        model,
        metrics=found,
        gates=gates(found, worse),
        verdict="pass" if passed else "fail",
        headline="ROC AUC rises by 1.1 points (95% interval 0.6 to 1.6); all 5 blocking gates pass."
        if passed
        else "ROC AUC for carrier EV falls by 4.0 points (95% interval 2.6 to 5.4, 3,412 rows), "
        "hidden behind a better average.",
        short="All 5 blocking gates pass; ROC AUC rose by 1.1 points [0.6, 1.6]"
        if passed
        else "ROC AUC for carrier EV fell by 4.0 points [2.6, 5.4]",
        notes=("Intervals allow for rows of the same day being alike (31 groups).",),
    )
    values: dict[str, Any] = {
        "model": model,
        "data": sample.data_report(model),
        "candidate": sample.candidate(model),
        "evaluation": sample.evaluation(model),
        "comparison": comparison,
        "baseline": sample.baseline(),
        "evidence_digest": sample.digest("7"),
        "plots": plots(model),
        "history": sample.history(model),
    }
    return ModelRecords(**{**values, **changes})


def regression(model: str = "duration") -> ModelRecords:
    def errors(role: Any, spread: float, shift: float) -> records.Histogram:
        normal = NormalDist(shift, spread)
        edges = [-120.0, *(-40 + 4.0 * index for index in range(21)), 190.0]
        counts = [
            round(28_114 * (normal.cdf(high) - normal.cdf(low))) for low, high in itertools.pairwise(edges)
        ]
        return records.Histogram(role=role, edges=tuple(edges), counts=tuple(counts))

    mae = sample.metric("mae", 14.21, 13.02, -1.4, -0.98, "better", higher=False)
    rmse = sample.metric("rmse", 22.8, 22.6, -0.7, 0.3, "not worse", higher=False)
    found = tuple(
        sample.metric(
            "mae", 14.2, 14.2 + move, move - 0.6, move + 0.6, verdict, higher=False, where=("origin", value)
        )
        for value, move, verdict in (
            ("EWR", -1.6, "better"),
            ("JFK", -1.2, "better"),
            ("LGA", 0.1, "inconclusive"),
        )
    )
    gate = sample.gate(0, "MAE, may rise by at most 0.5", mae, "pass")
    comparison = sample.comparison(
        model,
        metrics=(mae, rmse, *found),
        gates=(msgspec.structs.replace(gate, margin=0.5),),
        headline="MAE falls by 1.2 (95% interval 0.98 to 1.4, 28,114 rows); the gate passes.",
        short="The gate passes; MAE fell by 1.2 [0.98, 1.4], and lower is better",
    )
    return flights(
        model,
        comparison=comparison,
        evaluation=sample.evaluation(model, task="regression"),
        plots=records.Plots(
            model=model,
            comparison=sample.digest("c"),
            errors=(errors("candidate", 15, -1), errors("baseline", 19, 3)),
        ),
    )


def multiclass(model: str = "species", classes: int = 24) -> ModelRecords:
    rng = random.Random(3)
    labels = tuple(f"class {index:02}" for index in range(classes))

    def matrix(role: Any) -> records.ConfusionMatrix:
        counts = [
            [rng.randrange(0, 9) if i != j else 150 + rng.randrange(60) for j in range(classes)]
            for i in range(classes)
        ]
        return records.ConfusionMatrix(role=role, labels=labels, counts=tuple(tuple(row) for row in counts))

    return flights(
        model,
        worse=None,
        plots=records.Plots(
            model=model, comparison=sample.digest("c"), confusion=(matrix("candidate"), matrix("baseline"))
        ),
    )


def extras(model: str = "delay") -> tuple[records.Extra, ...]:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun")
    return (
        records.Distributions(
            model=model,
            reference="training data",
            current="test data",
            distance="population stability index",
            columns=(
                records.ColumnDistribution(
                    column="dewpoint",
                    labels=("below 20", "20 to 40", "40 to 60", "over 60"),
                    reference=(40_000, 60_000, 50_000, 16_158),
                    current=(20, 1200, 9400, 17_494),
                    distance=1.71,
                    limit=0.25,
                    outcome="fail",
                ),
                records.ColumnDistribution(
                    column="month",
                    labels=months,
                    reference=(27_004, 24_951, 28_834, 28_330, 28_796, 28_243),
                    current=(0, 0, 0, 0, 0, 28_114),
                    distance=0.9,
                    limit=0.25,
                    outcome="fail",
                ),
                records.ColumnDistribution(
                    column="distance",
                    labels=("short", "middle", "long"),
                    reference=(55_000, 56_000, 55_158),
                    current=(9400, 9300, 9414),
                    distance=0.002,
                    limit=0.25,
                    outcome="pass",
                ),
            ),
        ),
        records.Robustness(
            model=model,
            curves=(
                records.RobustnessCurve(
                    perturbation="noise on the weather",
                    unit="standard deviations",
                    metric="roc_auc",
                    levels=(0, 0.5, 1, 1.5, 2),
                    candidate=(0.742, 0.736, 0.719, 0.701, 0.688),
                    baseline=(0.731, 0.729, 0.72, 0.709, 0.7),
                    outcome="pass",
                ),
                records.RobustnessCurve(
                    perturbation="missing departure hour",
                    unit="share of rows",
                    metric="roc_auc",
                    levels=(0, 0.25, 0.5, 1),
                    candidate=(0.742, 0.71, 0.68, 0.61),
                    baseline=(0.731, 0.705, 0.681, 0.633),
                    outcome="inconclusive",
                    note="two levels only",
                ),
            ),
        ),
        records.Fairness(
            model=model,
            groups=tuple(
                records.FairnessGroup(
                    column="origin",
                    value=value,
                    metric="recall",
                    rows=size,
                    candidate=now,
                    baseline=was,
                    outcome="pass",
                )
                for (value, size), now, was in zip(
                    ORIGINS.items(), (0.44, 0.41, 0.38), (0.43, 0.42, 0.39), strict=True
                )
            ),
        ),
        records.Importances(
            model=model,
            method="Permutation importance, loss of ROC AUC",
            features=tuple(
                records.Importance(feature=name, candidate=value, baseline=was)
                for name, value, was in (
                    ("hour", 0.061, 0.064),
                    ("precip", 0.032, 0.02),
                    ("carrier", 0.021, 0.022),
                    ("visibility", 0.012, 0.009),
                    ("distance", -0.001, 0.001),
                )
            ),
        ),
    )


SITUATIONS: dict[str, tuple[ModelRecords, ...]] = {
    "fail": (flights(),),
    "pass": (flights(worse=None, extras=extras()),),
    "inconclusive": sample.SITUATIONS["inconclusive"],
    "failure": sample.SITUATIONS["training-failed"],
    "first": sample.SITUATIONS["bootstrap"],
    "three": (flights(), flights("fraud/card", worse=None), sample.training_failed("churn")),
    "regression": (regression(),),
    "multiclass": (multiclass(),),
    "nothing": (),
}
