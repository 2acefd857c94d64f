"""Tables, policies and records for tests of the comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.comparison import compare

DIGEST = "sha256:" + "0" * 64
OTHER_DIGEST = "sha256:" + "1" * 64
POLICY = records.PolicyRef(commit="a" * 40, digest=DIGEST, changed=False, source="base")


def metric(name: str | config.Metric, **params: Any) -> config.Metric:
    return name if isinstance(name, config.Metric) else config.Metric(name=name, params=params)


def gate(name: str | config.Metric, index: int = 0, **rules: Any) -> config.Gate:
    for key in ("no_worse_than", "better_by"):
        if isinstance(rules.get(key), float):
            rules[key] = config.Margin(value=rules[key])
    return config.Gate(path=f"models.delay.gates[{index}]", metric=metric(name), **rules)


def model(
    task: str = "binary",
    *,
    metrics: tuple[str | config.Metric, ...] = (),
    gates: tuple[config.Gate, ...] = (),
    **more: Any,
) -> config.Model:
    roles = {name: more.pop(name, None) for name in ("group", "weight", "time", "block", "query")}
    data = config.Data(test="test.parquet", target="late", key="id", **roles)
    stages = more.pop("stages", (config.Stage(name="production", first="allowed"),))
    return config.Model(
        name="delay",
        path=".",
        task=task,
        env=None,
        data=data,
        params=None,
        train="true",
        model="model.skops",
        predict=None,
        metrics_file=None,
        positive=more.pop("positive", None),
        metrics=tuple(metric(name) for name in metrics),
        slices=more.pop("slices", ()),
        gates=gates,
        stages=stages,
        store="release",
        allow_pickle=False,
        train_timeout=60.0,
        predict_timeout=60.0,
    )


def scored(role: str, digest: str, rows: int) -> records.Scored:
    return records.Scored(
        role=role,
        version=None,
        commit="a" * 40,
        model_digest=digest,
        predictions=records.Predictions(digest=DIGEST, rows=rows, columns=("id", "prediction")),
        seconds=0.1,
        cached=False,
    )


def evaluation(
    rows: int, *, task: str = "binary", baseline: bool = True, same: bool = False
) -> records.Evaluation:
    ref = records.Baseline(status="present" if baseline else "absent", stage="production")
    return records.Evaluation(
        model="delay", task=task, test=records.DataVersion(path="test.parquet", digest=DIGEST, source="file"),
        truth=records.Predictions(digest=DIGEST, rows=rows, columns=("id", "late")),
        candidate=scored("candidate", DIGEST, rows),
        baseline=scored("baseline", DIGEST if same else OTHER_DIGEST, rows) if baseline else None,
        baseline_ref=ref, run=records.RunRef(),
    )  # fmt: skip


def run(
    policy: config.Model,
    truth: pl.DataFrame,
    candidate: pl.DataFrame,
    baseline: pl.DataFrame | None,
    *,
    same: bool = False,
    **more: Any,
) -> records.Comparison:
    return compare.compare(
        policy, evaluation(truth.height, task=policy.task, baseline=baseline is not None, same=same),
        evaluation_digest=DIGEST, truth=truth, candidate=candidate, baseline=baseline, policy=POLICY, **more,
    )  # fmt: skip


def binary(
    n: int, *, seed: int = 0, skill: float = 1.5, other: float = 1.5, rate: float = 0.3, shared: float = 0.7
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Truth and two correlated scorers; `skill` and `other` are how far they tell the classes apart."""
    rng = np.random.default_rng(seed)
    late = (rng.random(n) < rate).astype(np.int64)
    common = rng.normal(size=n)
    keys = np.arange(n)
    tables = []
    for strength in (skill, other):
        raw = strength * (late - rate) + shared**0.5 * common + (1 - shared) ** 0.5 * rng.normal(size=n)
        score = 1 / (1 + np.exp(-(raw - 0.5)))
        tables.append(
            pl.DataFrame({"id": keys, "prediction": (score > 0.5).astype(np.int64), "score": score})
        )
    truth = pl.DataFrame(
        {
            "id": keys,
            "late": late,
            "carrier": rng.choice(["AA", "EV", "UA"], n),
            "distance": rng.gamma(2.0, 500.0, n),
        }
    )
    return truth, tables[0], tables[1]
