"""Whole sets of records, as the verbs would write them: for tests of the report, and to look at it."""

from __future__ import annotations

from typing import Any

from modelrail import records
from modelrail.report.view import ModelRecords, Run

COMMIT = "9d0e771c" * 5
BASE = "3f1c2ab0" * 5
RUN = Run(url="https://github.com/example/flights/actions/runs/812", commit=COMMIT, tool="0.1.0")


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def fingerprint(**changes: Any) -> records.Fingerprint:
    values: dict[str, Any] = {
        "commit": COMMIT,
        "code": "c0de" * 10,
        "dirty": False,
        "train": records.DataVersion(
            path="data/train.parquet", digest="md5:" + "5b" * 16, source="dvc", rows=166_158
        ),
        "test": records.DataVersion(
            path="data/test.parquet", digest="md5:" + "7e" * 16, source="dvc", rows=28_114
        ),
        "params": digest("a"),
        "environment": digest("e"),
    }
    return records.Fingerprint(**{**values, **changes})


def candidate(model: str = "delay", **changes: Any) -> records.Candidate:
    values: dict[str, Any] = {
        "model": model,
        "fingerprint": fingerprint(),
        "file": records.ModelFile(name="model.skops", digest=digest("1"), size=1_234_567, format="skops"),
        "params": {"model.max_depth": "9", "model.learning_rate": "0.1", "seed": "0"},
        "metrics": {"train_auc": 0.81},
        "train_seconds": 41.7,
        "tracking": records.TrackingRun(run_id="0f" * 16, experiment="delay", uri="sqlite:///mlflow.db"),
        "run": records.RunRef(),
    }
    return records.Candidate(**{**values, **changes})


def evaluation(model: str = "delay", *, bootstrap: bool = False, **changes: Any) -> records.Evaluation:
    def scored(role: Any, version: str | None, commit: str, model_digest: str) -> records.Scored:
        table = records.Predictions(
            digest=digest("3"), rows=28_114, columns=("flight_id", "prediction", "score")
        )
        return records.Scored(
            role=role,
            version=version,
            commit=commit,
            model_digest=model_digest,
            predictions=table,
            seconds=2.5,
            cached=False,
        )

    present = records.Baseline(
        status="present",
        stage="production",
        version="v1.2.1",
        sequence=7,
        commit=BASE,
        model_digest=digest("2"),
        evidence_digest=digest("9"),
        since="2026-10-29T08:12:00Z",
    )
    values: dict[str, Any] = {
        "model": model,
        "task": "binary",
        "test": fingerprint().test,
        "truth": records.Predictions(digest=digest("4"), rows=28_114, columns=("flight_id", "late")),
        "candidate": scored("candidate", None, COMMIT, digest("1")),
        "baseline": None if bootstrap else scored("baseline", "v1.2.1", BASE, digest("2")),
        "baseline_ref": records.Baseline(status="absent", stage="production") if bootstrap else present,
        "run": records.RunRef(),
    }
    return records.Evaluation(**{**values, **changes})


def interval(low: float, high: float, method: str = "paired-normal") -> records.Interval:
    return records.Interval(low=low, high=high, confidence=0.95, method=method)


def metric(
    name: str,
    before: float | None,
    after: float | None,
    low: float,
    high: float,
    verdict: Any,
    *,
    higher: bool = True,
    where: tuple[str, str] | None = None,
    rows: int = 28_114,
    note: str = "",
) -> records.MetricRow:
    compared = before is not None and after is not None
    return records.MetricRow(
        metric=name,
        slice=records.SliceRef(column=where[0], value=where[1]) if where else None,
        rows=rows,
        higher_is_better=higher,
        candidate=after,
        baseline=before,
        difference=after - before if after is not None and before is not None else None,
        interval=interval(low, high) if compared else None,
        verdict=verdict,
        note=note,
    )


def gate(
    index: int,
    title: str,
    row: records.MetricRow | None,
    outcome: Any,
    *,
    severity: Any = "block",
    detail: str = "",
) -> records.GateRow:
    return records.GateRow(
        path=f"models.delay.gates[{index}]",
        title=title,
        metric=row.metric if row else None,
        slice=row.slice if row else None,
        severity=severity,
        outcome=outcome,
        baseline=row.baseline if row else None,
        candidate=row.candidate if row else None,
        difference=row.difference if row else None,
        interval=row.interval if row else None,
        verdict=row.verdict if row else "not compared",
        detail=detail,
    )


AUC = metric("roc_auc", 0.7312, 0.7423, 0.0061, 0.0161, "better")
AP = metric("average_precision", 0.4127, 0.4303, 0.0091, 0.0262, "better")
BRIER = metric("brier", 0.13722, 0.13690, -0.00112, 0.00049, "not worse", higher=False)
RECALL = metric("recall(at_precision=0.6)", 0.1893, 0.1921, -0.0046, 0.0103, "not worse")
EV = metric(
    "recall(at_precision=0.6)", 0.482, 0.441, -0.053, -0.029, "worse", where=("carrier", "EV"), rows=3412
)
SLICES = (
    EV,
    metric("roc_auc", 0.71, 0.745, 0.02, 0.05, "better", where=("carrier", "UA"), rows=5120),
    metric("roc_auc", 0.73, 0.731, -0.012, 0.014, "not worse", where=("carrier", "DL"), rows=4301),
    metric(
        "roc_auc", 0.70, 0.66, -0.19, 0.11, "inconclusive", where=("carrier", "HA"), rows=31, note="31 rows"
    ),
    metric(
        "roc_auc", None, None, 0, 0, "inconclusive", where=("carrier", "OO"), rows=2, note="one class only"
    ),
    *(
        metric("roc_auc", 0.72, 0.728, -0.003, 0.019, "not worse", where=("origin", name), rows=9371)
        for name in ("EWR", "JFK", "LGA")
    ),
)


def history(model: str = "delay") -> records.Lineage:
    values = (0.7012, 0.7054, 0.7051, 0.7182, None, 0.7312)
    return records.Lineage(
        model=model,
        metric="roc_auc",
        versions=tuple(
            records.Measured(version=f"v1.{index // 3}.{index % 3}", value=value)
            for index, value in enumerate(values)
        ),
        stage="production",
        version="v1.2.1",
        since=str(evaluation(model).baseline_ref.since),
        by="alice",
        reason="canary was fine for a week",
    )


def comparison(model: str = "delay", **changes: Any) -> records.Comparison:
    values: dict[str, Any] = {
        "model": model,
        "evaluation": digest("5"),
        "rows": 28_114,
        "metrics": (AUC, AP, BRIER, RECALL, *SLICES[1:]),
        "gates": (
            gate(0, "ROC AUC, at least 0.70", AUC, "pass"),
            gate(1, "ROC AUC, may fall by at most 0.005", AUC, "pass"),
            gate(2, "Brier score, may rise by at most 1%", BRIER, "pass"),
        ),
        "verdict": "pass",
        "headline": "ROC AUC rises by 0.011 (95% interval 0.006 to 0.016); all 3 gates pass.",
        "short": "All 3 gates pass; ROC AUC rose by 0.011 [0.006, 0.016]",
        "policy": records.PolicyRef(commit=BASE, digest=digest("6"), changed=False, source="base"),
        "correction": "holm",
        "seed": 0,
        "notes": (),
    }
    return records.Comparison(**{**values, **changes})


def data_report(model: str = "delay", *, passed: bool = True) -> records.DataReport:
    print_ = fingerprint()
    assert print_.train is not None
    checks = [
        records.DataCheck(table="train", check="is between 0 and 2400", column="sched_dep_time", passed=True),
        records.DataCheck(
            table="test",
            check="no missing values",
            column="dewpoint",
            passed=passed,
            failures=0 if passed else 112,
            detail="" if passed else "112 missing",
        ),
    ]
    return records.DataReport(
        model=model,
        passed=passed,
        tables=(
            records.TableSummary(table="train", version=print_.train, rows=166_158, columns=14),
            records.TableSummary(table="test", version=print_.test, rows=28_114, columns=14),
        ),
        checks=tuple(checks),
    )


def evidence(model: str = "delay", **changes: Any) -> records.Evidence:
    values: dict[str, Any] = {
        "model": model,
        "candidate": candidate(model),
        "data": data_report(model),
        "evaluation": evaluation(model),
        "comparison": comparison(model),
        "modelrail": "0.1.0",
    }
    return records.Evidence(**{**values, **changes})


def baseline() -> records.Evidence:
    """The version in production: other code, other parameters, the same data."""
    old = candidate(
        fingerprint=fingerprint(commit=BASE, code="0ld0" * 10, params=digest("b")),
        params={"model.max_depth": "6", "model.learning_rate": "0.1", "seed": "0"},
    )
    return evidence(candidate=old)


def code_changes(model: str = "delay") -> records.CodeChanges:
    return records.CodeChanges(
        model=model,
        baseline=BASE,
        candidate=COMMIT,
        total=3,
        files=(
            records.ChangedFile(path="features.py", kind="added", added=31, removed=0),
            records.ChangedFile(path="params.yaml", kind="changed", added=1, removed=1),
            records.ChangedFile(path="train.py", kind="changed", added=4, removed=2),
        ),
    )


def passing(model: str = "delay") -> ModelRecords:
    return ModelRecords(
        model=model,
        data=data_report(model),
        candidate=candidate(model),
        evaluation=evaluation(model),
        comparison=comparison(model),
        baseline=baseline(),
        evidence_digest=digest("7"),
    )


def worse_slice(model: str = "delay") -> ModelRecords:
    gates = (
        *comparison().gates,
        gate(
            3,
            "Recall at precision 0.6, every carrier, may fall by at most 0.03",
            EV,
            "fail",
            detail="Recall for carrier EV falls by 0.041; 0.03 is tolerated.",
        ),
        gate(
            4,
            "Drift of the training data",
            None,
            "fail",
            severity="warn",
            detail="2 of 14 columns: dewpoint, month.",
        ),
    )
    return ModelRecords(
        model=model,
        data=data_report(model),
        candidate=candidate(model),
        evaluation=evaluation(model),
        comparison=comparison(
            model,
            verdict="fail",
            gates=gates,
            metrics=(AUC, AP, BRIER, RECALL, *SLICES),
            headline="Recall for carrier EV falls by 4.1 points (95% interval 2.9 to 5.3, 3,412 rows), "
            "hidden behind a better average.",
            short="Recall for carrier EV fell by 4.1 points [2.9, 5.3]",
        ),
        baseline=baseline(),
        evidence_digest=digest("7"),
    )


def inconclusive(model: str = "delay") -> ModelRecords:
    row = metric("roc_auc", 0.731, 0.722, -0.035, 0.018, "inconclusive", rows=412)
    gates = (
        gate(0, "ROC AUC, at least 0.70", row, "pass"),
        gate(
            1,
            "ROC AUC, may fall by at most 0.005",
            row,
            "inconclusive",
            detail="With 412 rows the interval reaches below \u22120.005; about 9,000 rows would settle it.",
        ),
    )
    return ModelRecords(
        model=model,
        data=data_report(model),
        candidate=candidate(model),
        evaluation=evaluation(model),
        comparison=comparison(
            model,
            verdict="inconclusive",
            gates=gates,
            metrics=(row,),
            rows=412,
            headline="ROC AUC may have fallen by as much as 0.035: 412 rows are too few to tell.",
            short="412 rows cannot say whether “ROC AUC, may fall by at most 0.005” holds",
            policy=records.PolicyRef(commit=BASE, digest=digest("6"), changed=True, source="base"),
        ),
    )


def bootstrap(model: str = "delay") -> ModelRecords:
    row = metric("roc_auc", None, 0.7312, 0, 0, "not compared")
    brier = metric("brier", None, 0.1372, 0, 0, "not compared", higher=False)
    return ModelRecords(
        model=model,
        data=data_report(model),
        candidate=candidate(model),
        evaluation=evaluation(model, bootstrap=True),
        comparison=comparison(
            model,
            metrics=(row, brier),
            gates=(gate(0, "ROC AUC, at least 0.70", row, "pass"),),
            correction="none",
            headline="There is no baseline yet; the policy allows a first version, and 1 of 1 gates passes.",
            short="The gate passes; it would be the first version",
        ),
        evidence_digest=digest("7"),
    )


def training_failed(model: str = "delay") -> ModelRecords:
    return ModelRecords(
        model=model,
        data=data_report(model),
        failure=records.Failure(
            model=model,
            command="train",
            kind="training",
            code=11,
            what="The training command failed with exit code 1.",
            why="python train.py ended after 3.2 s.",
            next="Run it on a laptop with: modelrail train --model delay",
            path="models.delay.train",
            tail='Traceback (most recent call last):\n  File "train.py", line 31, in <module>\n'
            "    fit(table[COLUMNS])\n"
            "KeyError: \"['dewpoint_f'] not in index\"",
        ),
    )


def huge(model: str = "delay") -> ModelRecords:
    many = tuple(
        metric(f"metric_{index:04d}", 0.7, 0.7 + index / 1e5, -0.01, 0.02, "not worse")
        for index in range(5000)
    )
    cut = tuple(
        metric(
            "roc_auc",
            0.7,
            0.7 - index / 1e5,
            -0.03,
            0.01,
            "worse" if index > 1990 else "not worse",
            where=("airport", f"A{index:04d}"),
        )
        for index in range(2000)
    )
    return ModelRecords(
        model=model,
        data=data_report(model),
        candidate=candidate(model),
        evaluation=evaluation(model),
        comparison=comparison(
            model,
            verdict="fail",
            metrics=many + cut,
            gates=tuple(
                gate(i, f"rule {i}", row, "fail" if i == 4321 else "pass") for i, row in enumerate(many)
            ),
            headline="ROC AUC for airport A1999 falls by 2.0 points.",
            short="ROC AUC for airport A1999 fell by 0.020 [0.010, 0.030]",
        ),
        baseline=baseline(),
        evidence_digest=digest("7"),
    )


SITUATIONS: dict[str, tuple[ModelRecords, ...]] = {
    "pass": (passing(),),
    "worse-slice": (worse_slice(),),
    "inconclusive": (inconclusive(),),
    "bootstrap": (bootstrap(),),
    "training-failed": (training_failed(),),
    "three-models": (passing("delay"), worse_slice("fraud/card"), training_failed("churn")),
    "huge": (huge(),),
}
