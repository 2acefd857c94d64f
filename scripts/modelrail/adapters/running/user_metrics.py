"""Metrics of the user's own, in the user's environment: `module:function` of the model's folder.

The code is that of the commit whose policy judges: on a pull request the base commit, so that no change
judges itself. It gets arrays, a time limit and no token; what it answers is read as hostile data.
"""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelrail import records
from modelrail.adapters import process
from modelrail.adapters.git import Git
from modelrail.adapters.running import environments
from modelrail.adapters.running.environments import Environment
from modelrail.config import resolved as config
from modelrail.core.inference import resample
from modelrail.core.metrics.catalog import Metric
from modelrail.core.rows import user_arrays
from modelrail.core.rows.pairing import Rows, UserCall, UserValues
from modelrail.errors import ComparisonError
from modelrail.settings import Settings

RUNNER = Path(__file__).with_name("user_metric_runner.py")
REFUSED = 3
MOST = 1000  # resamples: a user's function costs what it costs
MAX_ANSWER = 64 * 1024 * 1024


@dataclass(frozen=True)
class Runner:
    model: config.Model
    root: Path
    environment: Environment
    settings: Settings

    def __call__(self, metric: Metric, rows: Rows) -> UserValues:
        """Raises ComparisonError, with the last lines of the function, when it fails."""
        with tempfile.TemporaryDirectory(prefix="modelrail-metric-") as place:
            folder = Path(place)
            request = _request(metric, rows, folder)
            (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
            done = process.run(
                [self.environment.python, RUNNER, folder / "request.json"],
                cwd=self.root / self.model.path,
                env=self.environment.activate(self.settings.child_environ({"PYTHONUNBUFFERED": "1"})),
                timeout=self.model.predict_timeout,
                echo=False,  # what it prints, it prints thousands of times
            )
            _succeeded(metric, done, self.model.predict_timeout)
            return _answer(metric, Path(request["answer"]), len(request["models"]))


@contextlib.contextmanager
def runner(
    model: config.Model, policy: records.PolicyRef, settings: Settings, git: Git
) -> Iterator[UserCall | None]:
    """What calls the model's own metrics; None when it has none."""
    own = [
        metric
        for metric in (*model.metrics, *(gate.metric for gate in model.gates))
        if "function" in metric.params
    ]
    if not own:
        yield None
        return
    with contextlib.ExitStack() as stack:
        root = settings.workspace
        if policy.source == "base":
            root = stack.enter_context(git.worktree(policy.commit))
        yield Runner(model, root, environments.prepare(model, root, settings), settings)


def _request(metric: Metric, rows: Rows, folder: Path) -> dict[str, Any]:
    shared, each, groups = user_arrays.of(rows)
    for name, values in shared.items():
        np.save(folder / f"shared.{name}.npy", values)
    models = []
    for index, own in enumerate(each):
        for name, values in own.items():
            np.save(folder / f"{index}.{name}.npy", values)
        models.append({name: f"shared.{name}" for name in shared} | {name: f"{index}.{name}" for name in own})
    if groups is not None:
        np.save(folder / "groups.npy", groups)
    return {
        "function": metric.params["function"],
        "folder": str(folder),
        "answer": str(folder / "answer.json"),
        "models": models,
        "rows": rows.size,
        "groups": "groups" if groups is not None else "",
        "seed": rows.paired.seed,
        "resamples": min(MOST, resample.how_many(rows.size)),
    }


def _succeeded(metric: Metric, done: process.Finished, limit: float) -> None:
    function = f"{metric.params['function']} (the metric {metric.name})"
    if done.timed_out:
        raise ComparisonError(
            f"{function} did not finish within {limit:g} s.",
            next="It is called once a resample of rows: make it faster, or raise `timeout: {predict: …}`.",
            tail=done.tail,
        )
    if done.code == REFUSED:
        said = [line for line in done.tail.splitlines() if line.startswith("modelrail: ")]
        reason = said[-1].removeprefix("modelrail: ") if said else done.tail
        raise ComparisonError(f"{function} cannot be called: {reason}.", tail=done.tail)
    if done.code:
        raise ComparisonError(f"{function} failed.", next="Its last lines say why.", tail=done.tail)


def _answer(metric: Metric, path: Path, models: int) -> UserValues:
    """Numbers and nothing else; what is no number is no value."""
    broken = ComparisonError(f"{metric.params['function']} left no usable answer.")
    try:
        if path.stat().st_size > MAX_ANSWER:
            raise broken
        found = json.loads(path.read_bytes())
        values, replicates = found["values"], found["replicates"]
        if len(values) != models or len(replicates) != models:
            raise broken
        told = tuple(None if value is None else float(value) for value in values)
        table = np.array([[math.nan if one is None else float(one) for one in row] for row in replicates])
    except (OSError, ValueError, TypeError, KeyError):
        raise broken from None
    return UserValues(told, table, "the function has no value on these rows")
