"""`scripts/bench calibration`: do the intervals hold what they say?

Simulated test sets, many of each size, with two models whose true difference is known: the share of intervals
that hold it (coverage) at 90, 95 and 99%, balanced and rare classes, and how often a whole comparison of two
equally good models says `better` or `worse` (`--pull-requests`). The standard error of a share stands beside
it; what lies outside 94-96% (93-97% at 200 rows) by more than twice that is marked. The last column is what a
normal interval holds at 95% that knows the true spread of the difference (over the runs): where it is off,
too, the data's few steps are the cause and not our estimate of the spread. `--values`: the intervals of a
value by itself, which floors are held against, and on which side of them the true value lay.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import ALONE
from modelrail.core.metrics import catalog
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired

LEVELS = (0.90, 0.95, 0.99)
SIZES = {200: 2000, 1000: 2000, 10_000: 500, 100_000: 60, 1_000_000: 12}  # rows: runs
BOUNDS = {200: (0.93, 0.97)}
USUAL = (0.94, 0.96)
Maker = Callable[[np.random.Generator, int], Paired]


# --- test sets: two models that make unlike errors of the same size ----------------------------------------


def binary(
    rate: float,
    *,
    clusters: bool = False,
    weights: bool = False,
    skills: tuple[float, float] = (1.8, 1.8),
    noise: float = 0.6,
) -> Maker:
    def make(rng: np.random.Generator, n: int) -> Paired:
        truth = (rng.random(n) < rate).astype(np.int64)
        common = rng.normal(size=n)
        count = max(20, n // 20)
        codes = rng.integers(0, count, n) if clusters else None
        outputs = []
        for skill in skills:
            raw = (
                skill * truth + 0.8 * common + noise * rng.normal(size=n) + math.log(rate / (1 - rate)) - 0.4
            )
            if codes is not None:
                raw = raw + 0.5 * rng.normal(size=count)[codes]
            score = 1 / (1 + np.exp(-raw))
            outputs.append(Output((score > min(0.5, 3 * rate)).astype(np.int64), score))
        if codes is not None:
            codes = np.unique(codes, return_inverse=True)[1]
        weight = rng.gamma(2.0, 0.5, n) if weights else None
        groups = 0 if codes is None else int(codes.max()) + 1
        return Paired("binary", truth, ("0", "1"), *outputs, codes, groups, pl.DataFrame(), weights=weight)

    return make


def of_positive(count: int, *, clusters: bool = False) -> Maker:
    """About so many positive rows, whatever the rows, but half of them at most; one model is better."""

    def make(rng: np.random.Generator, n: int) -> Paired:
        return binary(min(count / n, 0.5), skills=(2.8, 1.8), noise=0.2, clusters=clusters)(rng, n)

    return make


def multiclass(rng: np.random.Generator, n: int) -> Paired:
    shares = np.array([0.6, 0.25, 0.1, 0.05])
    truth = rng.choice(4, n, p=shares)
    common = rng.normal(size=(n, 4))
    outputs = []
    for _ in range(2):
        raw = 1.5 * np.eye(4)[truth] + 0.8 * common + 0.6 * rng.normal(size=(n, 4)) + np.log(shares)
        chances = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
        outputs.append(Output(chances.argmax(axis=1), chances))
    return Paired("multiclass", truth, tuple("abcd"), *outputs, None, 0, pl.DataFrame())


def multilabel(rng: np.random.Generator, n: int) -> Paired:
    """Labels of a row go together, and so do the errors."""
    common = rng.normal(size=(n, 1))
    truth = ((common + rng.normal(size=(n, 3))) > (0.0, 0.8, 1.4)).astype(np.int8)
    outputs = []
    for _ in range(2):
        raw = 1.6 * truth + 0.6 * common + 0.6 * rng.normal(size=(n, 3)) - 0.8
        outputs.append(Output((raw > 0).astype(np.int8), 1 / (1 + np.exp(-raw))))
    return Paired("multilabel", truth, tuple("abc"), *outputs, None, 0, pl.DataFrame())


def regression(heavy: bool) -> Maker:
    def make(rng: np.random.Generator, n: int) -> Paired:
        truth = rng.gamma(2.0, 1.0, n) + 0.5
        common = rng.normal(size=n)
        outputs = []
        for _ in range(2):
            noise = rng.standard_t(5, n) if heavy else rng.normal(size=n)
            outputs.append(Output(None, truth + 0.5 * (0.7 * common + 0.7 * noise)))
        return Paired("regression", truth, (), *outputs, None, 0, pl.DataFrame())

    return make


def ranking(rng: np.random.Generator, n: int) -> Paired:
    queries = np.arange(n) // 5
    truth = rng.integers(0, 3, n).astype(float)
    common = rng.normal(size=n)
    outputs = [Output(None, 0.7 * truth + 0.7 * common + 0.7 * rng.normal(size=n)) for _ in range(2)]
    count = int(queries.max()) + 1
    return Paired("ranking", truth, (), *outputs, queries, count, pl.DataFrame(), queries=queries)


@dataclass(frozen=True)
class Scenario:
    make: Maker
    metrics: tuple[tuple[str, dict[str, Any]], ...]
    task: str = "binary"
    differ: bool = False  # the true difference is not zero but the mean over the runs


def _named(*names: str, **params: dict[str, Any]) -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple((name, params.get(name, {})) for name in names)


LABELS = _named(
    "accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "mcc", "kappa",
    "expected_cost",
    expected_cost={"false_negative": 5.0},
)  # fmt: skip
SCORES = _named(
    "roc_auc", "average_precision", "brier", "log_loss", "calibration_error", "precision_at_k",
    precision_at_k={"k": 0.1},
)  # fmt: skip
ERRORS = _named("mae", "rmse", "r2", "wape", "smape", "pinball", pinball={"quantile": 0.9})
SLOW = (("recall", {"at_precision": 0.6}), ("f1", {"threshold": "tuned"}))
SCENARIOS: dict[str, Scenario] = {
    "balanced": Scenario(binary(0.4), LABELS + SCORES),
    "rare 5%": Scenario(binary(0.05), LABELS + SCORES),
    "rare 2%": Scenario(binary(0.02), LABELS + SCORES),
    "rare 1%": Scenario(binary(0.01), LABELS + SCORES),
    "rare 5%, one better": Scenario(binary(0.05, skills=(2.8, 1.8), noise=0.2), LABELS + SCORES, differ=True),
    "rare 1%, one better": Scenario(binary(0.01, skills=(2.8, 1.8), noise=0.2), LABELS + SCORES, differ=True),
    **{
        f"{count} positive rows, one better": Scenario(of_positive(count), _named("roc_auc"), differ=True)
        for count in (13, 25, 80, 400)
    },
    "25 positive rows, by group, one better": Scenario(
        of_positive(25, clusters=True), _named("roc_auc"), differ=True
    ),
    "weights": Scenario(binary(0.3, weights=True), LABELS[:7] + SCORES),
    "groups": Scenario(binary(0.3, clusters=True), LABELS[:7] + SCORES),
    "classes": Scenario(
        multiclass,
        _named("accuracy", "balanced_accuracy", "f1", "mcc", "log_loss", "brier", "roc_auc"),
        "multiclass",
    ),
    "labels": Scenario(
        multilabel,
        (
            *(("f1", {"average": average}) for average in ("macro", "micro", "weighted", "samples")),
            *_named("accuracy", "hamming_loss", "jaccard", "roc_auc", "average_precision"),
        ),
        "multilabel",
    ),
    "errors": Scenario(regression(False), ERRORS, "regression"),
    "errors, heavy tails": Scenario(regression(True), ERRORS, "regression"),
    "lists": Scenario(ranking, _named("ndcg", "map", "mrr", ndcg={"k": 3}, map={"k": 3}), "ranking"),
    "bootstrap": Scenario(binary(0.3), SLOW),
    "bootstrap, errors": Scenario(regression(True), _named("median_ae"), "regression"),
}


# --- counting ----------------------------------------------------------------------------------------------


@dataclass
class Tally:
    judged: int = 0
    held: dict[float, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))
    differences: list[float] = field(default_factory=list)
    true: float = 0.0
    below: int = 0  # of the intervals at 95%, so many have the true difference below them, and above
    above: int = 0

    def share(self, level: float) -> float:
        return self.held[level] / self.judged if self.judged else math.nan

    def error(self, level: float) -> float:
        return math.sqrt(level * (1 - level) / self.judged) if self.judged else math.nan

    def oracle(self, level: float) -> float:
        """The share of `estimate -+ z * true spread` that hold the true difference."""
        seen = np.abs(np.array(self.differences) - self.true)
        spread = math.sqrt(float(seen @ seen) / seen.size) if seen.size else math.nan
        reach = NormalDist().inv_cdf((1 + level) / 2) * spread
        return float((seen <= reach).mean()) if seen.size else math.nan


def coverage(scenario: Scenario, rows: int, runs: int, seed: int = 0) -> dict[str, Tally]:
    """How many of the intervals hold the true difference: zero, or what models differ by over the runs."""
    rng = np.random.default_rng([seed, rows])
    bound = {}
    for name, params in scenario.metrics:
        metric = catalog.bind(name, scenario.task, params)
        assert metric is not None
        bound[f"{name}{params or ''}"] = metric
    found = {label: Tally() for label in bound}
    ends: dict[str, list[list[tuple[float, float]]]] = {label: [] for label in bound}
    for _ in range(runs):
        subset = Subset(scenario.make(rng, rows))
        for label, metric in bound.items():
            measured = subset.measure(metric)
            if not measured.enough or measured.difference is None:
                continue
            found[label].judged += 1
            found[label].differences.append(measured.difference.estimate)
            ends[label].append([measured.difference.bounds(level) for level in LEVELS])
    for label, tally in found.items():
        tally.true = float(np.mean(tally.differences)) if scenario.differ and tally.judged else 0.0
        for bounds in ends[label]:
            for level, (low, high) in zip(LEVELS, bounds, strict=True):
                tally.held[level] += low <= tally.true <= high
                if level == 0.95:
                    tally.below += tally.true < low
                    tally.above += tally.true > high
    return found


def values(scenario: Scenario, rows: int, runs: int) -> dict[str, tuple[int, float, float]]:
    """Of a value by itself: how many intervals were made, and in how many the true value lay below and above.

    What is true is measured on a million rows.
    """
    metrics = {
        f"{name}{params or ''}": catalog.bind(name, scenario.task, params)
        for name, params in scenario.metrics
    }
    large = Subset(scenario.make(np.random.default_rng(99), 1_000_000))
    found = {}
    true = {label: large.measure(metric).candidate for label, metric in metrics.items() if metric is not None}
    counts = {label: [0, 0, 0] for label in true}
    rng = np.random.default_rng([5, rows])
    for _ in range(runs):
        subset = Subset(scenario.make(rng, rows))
        for label, metric in metrics.items():
            measured = subset.measure(metric) if metric is not None else None
            if measured is None or not measured.enough or ALONE not in measured.contrasts:
                continue
            low, high = measured.contrasts[ALONE].bounds(0.95)
            known = true[label] or 0.0
            for at, hit in enumerate((True, known < low, known > high)):
                counts[label][at] += hit
    for label, (judged, below, above) in counts.items():
        found[label] = (judged, below / max(judged, 1), above / max(judged, 1))
    return found


def off(tally: Tally, rows: int) -> bool:
    """Outside the promise at 95% by more than twice the standard error of the simulation."""
    low, high = BOUNDS.get(rows, USUAL)
    slack = 2 * tally.error(0.95)
    return bool(tally.judged >= 100) and not low - slack <= tally.share(0.95) <= high + slack


def pull_requests(count: int, rows: int) -> dict[str, float]:
    """Whole comparisons of equally good models, by family: eight metrics, three slices, three gates."""
    from bench_compare import METRICS, bench_model, bench_records
    from modelrail import records
    from modelrail.core.comparison import compare

    outcomes: dict[str, int] = {}
    rng = np.random.default_rng(1)
    make = binary(0.3)
    model = bench_model(METRICS, slices=("carrier",))
    gated = {gate.metric.label for gate in model.gates if gate.slices}
    for _ in range(count):
        paired = make(rng, rows)
        keys = np.arange(rows)
        truth = pl.DataFrame({"id": keys, "late": paired.truth, "carrier": rng.choice(["A", "B", "C"], rows)})
        sides = [
            pl.DataFrame({"id": keys, "prediction": one.labels, "score": one.scores})
            for one in paired.outputs
        ]
        evaluation = bench_records(rows)
        made = compare.compare(
            model, evaluation, evaluation_digest="", truth=truth,
            candidate=sides[0], baseline=sides[1],
            policy=records.PolicyRef(commit="0" * 40, digest="", changed=False, source="head"),
        )  # fmt: skip
        families: dict[str, set[str]] = {"all rows": set(), "slices of a gate": set(), "other slices": set()}
        for one in made.metrics:
            of_slices = "slices of a gate" if one.metric in gated else "other slices"
            families[of_slices if one.slice else "all rows"].add(one.verdict)
        for family, said in families.items():
            for word in ("better", "worse"):
                key = f"any {word}, {family}"
                outcomes[key] = outcomes.get(key, 0) + (word in said)
        for gate in made.gates:
            key = f"gate on {gate.metric}{', by slice' if gate.slice else ''}: {gate.outcome}"
            outcomes[key] = outcomes.get(key, 0) + 1
        outcomes[f"verdict {made.verdict}"] = outcomes.get(f"verdict {made.verdict}", 0) + 1
    return {name: total / count for name, total in sorted(outcomes.items())}


def lines(name: str, rows: int, runs: int, found: dict[str, Tally], seconds: float) -> Iterable[str]:
    yield f"{name}, {rows:,} rows, {runs:,} runs ({seconds:.0f} s)"
    for label, tally in found.items():
        shares = "  ".join(f"{tally.share(level):6.1%}" for level in LEVELS)
        mark = "  <-- outside" if off(tally, rows) else ""
        judged = "" if tally.judged == runs else f"  judged {tally.judged / runs:.0%}"
        known = f"  spread known: {tally.oracle(0.95):6.1%}"
        if tally.true and tally.judged:
            known += (
                f"  true below: {tally.below / tally.judged:.1%}, above: {tally.above / tally.judged:.1%}"
            )
        yield f"  {label:<44} {shares}  ±{tally.error(0.95):.1%}{known}{judged}{mark}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench calibration", description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="test set sizes; default: 200 to 1,000,000")
    parser.add_argument("--runs", type=int, help="simulated test sets of each size; default: fewer of larger")
    parser.add_argument("--values", action="store_true", help="the intervals of values, not of differences")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS))
    parser.add_argument(
        "--pull-requests", type=int, default=2000, help="simulated comparisons of equal models"
    )
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)

    result: dict[str, Any] = {}
    for name in chosen.scenario or SCENARIOS:
        for rows in chosen.rows or SIZES:
            runs = chosen.runs or SIZES.get(rows, 500)
            if name.startswith("bootstrap") and not chosen.runs:
                runs = min(runs, 400)
            if name.startswith("bootstrap") and rows > 10_000:
                continue
            begin = time.process_time()
            if chosen.values:
                of_values = values(SCENARIOS[name], rows, runs)
                result[f"{name}, {rows}"] = of_values
                if not chosen.json:
                    print(f"{name}, {rows:,} rows, {runs:,} runs: values, 95%")
                    for label, (judged, below, above) in of_values.items():
                        sides = f"true below {below:6.1%}  true above {above:6.1%}"
                        print(
                            f"  {label:<44} {judged:>6,} holds {1 - below - above:6.1%}  {sides}", flush=True
                        )
                continue
            found = coverage(SCENARIOS[name], rows, runs)
            result[f"{name}, {rows}"] = {
                label: {
                    "judged": tally.judged,
                    **{f"{level:.0%}": tally.share(level) for level in LEVELS},
                    "95% with the spread known": tally.oracle(0.95),
                }
                for label, tally in found.items()
            }
            if not chosen.json:
                print("\n".join(lines(name, rows, runs, found, time.process_time() - begin)), flush=True)
    if chosen.pull_requests:
        result["pull requests"] = pull_requests(chosen.pull_requests, 1000)
        if not chosen.json:
            print(f"{chosen.pull_requests:,} pull requests of equally good models, 1,000 rows each")
            for name, share in result["pull requests"].items():
                print(f"  {name:<44} {share:6.1%}")
    if chosen.json:
        print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
