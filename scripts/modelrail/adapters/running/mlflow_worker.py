"""Runs by itself beside a training: logs one run to MLflow. Standard library and mlflow only; never imported.

A process of its own, because mlflow takes seconds to import (while the training already runs), talks on
stderr, and is steered by environment variables. It reads one JSON document a line and answers each with one:
`{"start": ...}` -> `{"run_id": ...}`, `{"finish": ...}` -> `{"done": true}`; a failure is `{"error": ...}`.
"""

from __future__ import annotations

import sys

sys.path.pop(0)  # this folder holds modules named like other people's packages (inputs)

import contextlib
import json
import logging
import re
import time
import warnings
from collections.abc import Iterator
from typing import Any

MAX_PARAM = 6000  # characters, MLflow's own limit
MAX_TAG = 5000
BATCH = 100


def name(text: str) -> str:
    """What MLflow accepts as a name."""
    return re.sub(r"[^\w\-. /]", "_", text)[:250] or "_"


class Worker:
    """One run, from start to end."""

    def __init__(self) -> None:
        import mlflow

        self._mlflow = mlflow
        self._client: Any = None
        self._run = ""

    def start(self, uri: str, experiment: str, artifacts: str, tags: dict[str, str]) -> dict[str, Any]:
        self._client = self._mlflow.MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            identity = self._client.create_experiment(experiment, artifact_location=artifacts or None)
        else:
            identity = found.experiment_id
        run = self._client.create_run(identity, tags={key: value[:MAX_TAG] for key, value in tags.items()})
        self._run = run.info.run_id
        return {"run_id": self._run}

    def finish(
        self, status: str, params: dict[str, str], metrics: dict[str, float], tags: dict[str, str]
    ) -> dict[str, Any]:
        from mlflow.entities import Metric, Param, RunTag

        # What the training script itself logged stands: a parameter cannot be changed once it is there.
        there = self._client.get_run(self._run).data
        now = int(time.time() * 1000)
        new_params = [
            Param(name(key), value[:MAX_PARAM])
            for key, value in params.items()
            if name(key) not in there.params
        ]
        new_metrics = [
            Metric(name(key), value, now, 0)
            for key, value in metrics.items()
            if there.metrics.get(name(key)) != value
        ]
        new_tags = [RunTag(key, value[:MAX_TAG]) for key, value in tags.items()]
        for start in range(0, len(new_params), BATCH):
            self._client.log_batch(self._run, params=new_params[start : start + BATCH])
        for start in range(0, len(new_metrics), BATCH):
            self._client.log_batch(self._run, metrics=new_metrics[start : start + BATCH])
        self._client.log_batch(self._run, tags=new_tags)
        self._client.set_terminated(self._run, status)
        return {"done": True}


def answers(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    worker: Worker | None = None
    for line in lines:
        try:
            request = json.loads(line)
            worker = worker or Worker()
            if "start" in request:
                yield worker.start(**request["start"])
            else:
                yield worker.finish(**request["finish"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent decides what it means
            yield {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    answer = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        for reply in answers(iter(sys.stdin)):
            answer.write(json.dumps(reply) + "\n")
            answer.flush()


if __name__ == "__main__":
    main()
