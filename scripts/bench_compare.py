"""`scripts/bench compare`: what a comparison costs, against the peers on the same rows in the same run.

Peers resample. Their full cost (2,000 resamples of a million rows) is hours, so they run a few resamples and
the time is multiplied; the columns say how many were really run. The cost of scipy and scikit-learn is linear
in the number of resamples, so that this is fair to them.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.comparison import compare
from modelrail.core.comparison.measure import Subset
from modelrail.core.metrics import catalog
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired

RESAMPLES = 2000
METRICS = (
    "roc_auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "recall",
    "f1",
    "log_loss",
    "brier",
)
COUNT_METRICS = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
DIGEST = "sha256:" + "0" * 64


def drawn(rows: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Truth and two scorers; the columns make 20 slices, and a month of days as groups."""
    rng = np.random.default_rng(seed)
    late = (rng.random(rows) < 0.25).astype(np.int64)
    common = rng.normal(size=rows)
    keys = np.arange(rows)
    tables = []
    for skill in (1.55, 1.5):
        raw = skill * (late - 0.25) + 0.8 * common + 0.55 * rng.normal(size=rows) - 0.5
        score = 1 / (1 + np.exp(-raw))
        tables.append(
            pl.DataFrame({"id": keys, "prediction": (score > 0.5).astype(np.int64), "score": score})
        )
    carriers = rng.choice([f"C{index:02}" for index in range(12)], rows)
    truth = pl.DataFrame(
        {
            "id": keys,
            "late": late,
            "day": keys * 31 // rows,
            "carrier": carriers,
            "origin": rng.choice(["EWR", "JFK", "LGA"], rows),
            "distance": rng.gamma(2.0, 500.0, rows),
        }
    )
    return truth, tables[0], tables[1]


def cpu(work: Callable[[], Any], repeat: int = 1) -> float:
    """CPU seconds of this process, the best of `repeat`."""
    best = float("inf")
    for _ in range(repeat):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


def arrays(truth: pl.DataFrame, one: pl.DataFrame, two: pl.DataFrame) -> Paired:
    outputs = [Output(table["prediction"].to_numpy(), table["score"].to_numpy()) for table in (one, two)]
    return Paired(
        "binary", truth["late"].to_numpy(), ("0", "1"), outputs[0], outputs[1], None, 0, pl.DataFrame()
    )


def ours(paired: Paired, *names: str) -> Callable[[], object]:
    metrics = [catalog.find(name, "binary") for name in names]

    def work() -> object:
        subset = Subset(paired)  # a fresh one: nothing of an earlier measurement is kept
        found = [subset.measure(metric) for metric in metrics if metric is not None]
        return [one.difference.bounds(0.95) for one in found if one.difference is not None]

    return work


def peers(paired: Paired, tried: int) -> dict[str, float]:
    """CPU seconds that 2,000 resamples would take, from `tried` real ones."""
    from scipy import stats
    from sklearn import metrics as sk

    truth = paired.truth
    assert paired.baseline is not None
    one, two = paired.candidate, paired.baseline

    def scipy(function: Callable[..., Any], *columns: Any) -> Callable[[], object]:
        return lambda: stats.bootstrap(
            columns, function, paired=True, vectorized=False, n_resamples=tried, method="percentile", rng=0
        )

    def loop(function: Callable[..., float], first: Any, second: Any) -> Callable[[], object]:
        def work() -> list[float]:
            rng = np.random.default_rng(0)
            found = []
            for _ in range(tried):
                rows = rng.integers(0, truth.size, truth.size)
                found.append(function(truth[rows], first[rows]) - function(truth[rows], second[rows]))
            return found

        return work

    def difference(function: Callable[..., float]) -> Callable[..., float]:
        return lambda y, a, b: function(y, a) - function(y, b)

    def accuracy(y: Any, a: Any) -> float:
        return float(np.mean(y == a))

    scale = RESAMPLES / tried
    return {
        "accuracy / scipy.stats.bootstrap": scale
        * cpu(scipy(difference(accuracy), truth, one.labels, two.labels)),
        "f1 / scipy.stats.bootstrap": scale
        * cpu(scipy(difference(sk.f1_score), truth, one.labels, two.labels)),
        "roc_auc / scipy.stats.bootstrap": scale
        * cpu(scipy(difference(sk.roc_auc_score), truth, one.scores, two.scores)),
        "roc_auc / sklearn loop": scale * cpu(loop(sk.roc_auc_score, one.scores, two.scores)),
        "average_precision / sklearn loop": scale
        * cpu(loop(sk.average_precision_score, one.scores, two.scores)),
    }


def bench_model(
    metrics: tuple[str, ...], *, slices: tuple[str | config.Slice, ...], group: str | None = None
) -> config.Model:
    parts = tuple(one if isinstance(one, config.Slice) else config.Slice(column=one) for one in slices)
    gates = tuple(
        config.Gate(
            path=f"models.bench.gates[{index}]",
            metric=config.Metric(name=name),
            no_worse_than=config.Margin(value=0.01, relative=name == "brier"),
            slices="carrier" if name == "recall" else None,
        )
        for index, name in enumerate(("roc_auc", "brier", "recall"))
    )
    return config.Model(
        name="bench",
        path=".",
        task="binary",
        env=None,
        data=config.Data(test="test.parquet", target="late", key="id", group=group),
        params=None,
        train="true",
        model="model.skops",
        predict=None,
        metrics_file=None,
        positive=None,
        metrics=tuple(config.Metric(name=name) for name in metrics),
        slices=parts,
        gates=gates,
        stages=(config.Stage(name="production"),),
        store="release",
        allow_pickle=False,
        train_timeout=1.0,
        predict_timeout=1.0,
    )


def bench_records(rows: int) -> records.Evaluation:
    predictions = records.Predictions(digest=DIGEST, rows=rows, columns=("id",))
    sides = [
        records.Scored(
            role=role,
            version=None,
            commit="0" * 40,
            model_digest=digest,
            predictions=predictions,
            seconds=1.0,
            cached=False,
        )
        for role, digest in (("candidate", DIGEST), ("baseline", "sha256:" + "1" * 64))
    ]
    return records.Evaluation(
        model="bench",
        task="binary",
        test=records.DataVersion(path="test.parquet", digest=DIGEST, source="file"),
        truth=predictions,
        candidate=sides[0],
        baseline=sides[1],
        baseline_ref=records.Baseline(status="present", stage="production"),
        run=records.RunRef(),
    )


def whole(rows: int, *, group: str | None) -> Callable[[], records.Comparison]:
    tables = drawn(rows)
    slices = ("carrier", "origin", config.Slice(column="distance", bins=5))
    model, evaluation = bench_model(METRICS, slices=slices, group=group), bench_records(rows)
    policy = records.PolicyRef(commit="0" * 40, digest=DIGEST, changed=False, source="head")
    return lambda: compare.compare(
        model,
        evaluation,
        evaluation_digest=DIGEST,
        truth=tables[0],
        candidate=tables[1],
        baseline=tables[2],
        policy=policy,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench compare", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tried", type=int, default=3, help="resamples that the peers really run")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--no-peers", action="store_true")
    chosen = parser.parse_args(arguments)

    figures: dict[str, float] = {}
    work = whole(chosen.rows, group=None)
    result = work()
    figures["compare: 8 metrics, 20 slices, CPU s"] = cpu(work)
    figures["compare with groups by day, CPU s"] = cpu(whole(chosen.rows, group="day"))
    figures["peak memory so far, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    paired = arrays(*drawn(chosen.rows))
    own = {name: cpu(ours(paired, name), 3) for name in ("accuracy", "f1", "roc_auc", "average_precision")}
    figures["five count metrics together, CPU s"] = cpu(ours(paired, *COUNT_METRICS), 3)
    for name, seconds in own.items():
        figures[f"{name}: ours, CPU s"] = seconds
    if not chosen.no_peers:
        for name, seconds in peers(paired, chosen.tried).items():
            figures[f"{name}, CPU s for {RESAMPLES:,} (from {chosen.tried})"] = seconds
            figures[f"{name}: ratio"] = seconds / own[name.partition(" /")[0]]
    slices = {row.slice for row in result.metrics if row.slice}
    if chosen.json:
        print(json.dumps({"rows": chosen.rows, "slices": len(slices), "figures": figures}, indent=2))
        return 0
    print(f"{chosen.rows:,} rows, {len(slices)} slices")
    for name, value in figures.items():
        print(f"  {name:<64} {value:>12,.3f}" if value < 100 else f"  {name:<64} {value:>12,.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
