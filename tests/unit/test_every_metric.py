"""Every metric of the catalog through a whole comparison, down to the bytes of comparison.json."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from modelrail.adapters import files
from modelrail.config import resolved as config
from modelrail.core.comparison import plots
from support_compare import DIGEST, gate, model, run
from support_metrics import CASES, CLASSES, drawn

TASKS = ("binary", "multiclass", "multilabel", "regression", "ranking")
SEED = 4  # of which the binary rows hold enough of both classes
WAYS = ("plain", "weighted", "grouped", "in time", "first version")


def tables(task: str, n: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    rows = drawn(task, seed, n, tied=False)
    rng = np.random.default_rng(seed)
    shared: dict[str, Any] = {
        "id": np.arange(n), "w": rows.weights, "g": rng.integers(0, 12, n), "t": np.arange(n) // 4,
        "part": rng.choice(["a", "b"], n), **{name: rows.columns[name] for name in rows.columns},
    }  # fmt: skip
    if rows.queries is not None:
        shared["list"] = rows.queries
    names = np.array(CLASSES)
    if task == "multiclass":
        shared["late"] = names[rows.truth]
    elif task == "multilabel":
        shared["late"] = [[CLASSES[at] for at in np.flatnonzero(row)] for row in rows.truth]
    else:
        shared["late"] = rows.truth
    found = []
    for shift in (0.0, 0.02):
        own: dict[str, Any] = {"id": np.arange(n)}
        if task == "multilabel":
            score = np.clip(rows.output + shift * rng.normal(size=(n, 3)), 0, 1)
            own["prediction"] = [[CLASSES[at] for at in np.flatnonzero(row > 0.5)] for row in score]
            own |= {f"score:{name}": score[:, at] for at, name in enumerate(CLASSES)}
        elif task == "multiclass":
            raw = rows.output + np.abs(shift * rng.normal(size=(n, 3)))
            raw /= raw.sum(axis=1, keepdims=True)
            own["prediction"] = names[raw.argmax(axis=1)]
            own |= {f"score:{name}": raw[:, at] for at, name in enumerate(CLASSES)}
        elif task == "binary":
            own["score"] = np.clip(rows.output + shift * rng.normal(size=n), 0, 1)
            own["prediction"] = (own["score"] > 0.5).astype(np.int64)
        else:
            own["prediction"] = np.abs(rows.output + shift * rng.normal(size=n)) + 1e-3
            own |= {"lower": own["prediction"] - 0.5, "upper": own["prediction"] + 0.5}
        found.append(pl.DataFrame(own))
    return pl.DataFrame(shared), found[0], found[1]


def metrics(task: str) -> tuple[config.Metric, ...]:
    found = [config.Metric(name=case.name, params=case.params) for case in CASES if case.task == task]
    return tuple({one.label: one for one in found}.values())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("task", TASKS)
def test_every_metric_is_written_with_its_slices_gates_and_pictures(task: str, way: str) -> None:
    truth, ours, theirs = tables(task, 240, SEED)
    roles = {"weighted": {"weight": "w"}, "grouped": {"group": "g"}, "in time": {"time": "t"}}.get(way, {})
    wanted = metrics(task)
    gates = [
        gate(one, 2 * index, no_worse_than=config.Margin(value=0.1, relative=True))
        for index, one in enumerate(wanted)
    ]
    gates += [gate(one, 2 * index + 1, within=config.Margin(value=0.5)) for index, one in enumerate(wanted)]
    query = {"query": "list"} if task == "ranking" else {}
    policy = model(
        task, metrics=wanted, gates=tuple(gates), slices=(config.Slice(column="part"),), **roles, **query
    )
    baseline = None if way == "first version" else theirs
    found = run(policy, truth, ours, baseline)
    assert files.encode(found)
    assert files.encode(plots.plots(policy, DIGEST, truth, ours, baseline))
    whole = [row for row in found.metrics if row.slice is None]
    assert [row.metric for row in whole] == [one.label for one in wanted]
    assert all(row.candidate is not None for row in whole)
    if baseline is not None:
        without = {row.metric for row in whole if row.interval is None}
        assert without <= {"max_error"}, without
