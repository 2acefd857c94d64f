"""Model files in MLflow's artifact store: under the run that trained the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from modelrail.adapters.running.tracking import public_uri
from modelrail.adapters.stores import worker_process
from modelrail.errors import RecordError, UsageError

if TYPE_CHECKING:
    from modelrail.records import Event
    from modelrail.settings import Settings

FOLDER = "modelrail"  # of the run's artifacts; what the training logged itself stays apart
_RUN = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")


def location(source: Path, run_id: str) -> str:
    if not _RUN.match(run_id):
        raise RecordError(
            "The candidate has no MLflow run, so its file has no place in the MLflow store.",
            next="Train with --tracking and MLFLOW_TRACKING_URI set, or use another store.",
        )
    return f"{run_id}/{FOLDER}/{source.name}"


class MlflowArtifacts:
    name = "mlflow"

    def __init__(self, settings: Settings, root: Path) -> None:
        self._settings, self._root = settings, root

    def publish(self, source: Path, location: str) -> None:
        self._call({"do": "publish", "path": str(source)}, location)

    def fetch(self, event: Event, location: str, dest: Path) -> None:
        self._call({"do": "fetch", "path": str(dest), "tag": event.tag}, location)

    def _call(self, job: dict[str, str], location: str) -> None:
        uri = self._settings.tracking_uri
        if not uri:
            raise UsageError(
                "The MLflow store has no address.",
                next="Set MLFLOW_TRACKING_URI to the server that trainings are logged to.",
            )
        run, _, artifact = location.partition("/")
        if not _RUN.match(run) or not artifact:
            raise RecordError(f"{location!r} is no location in an MLflow store.")
        worker_process.call(
            "mlflow",
            {**job, "kind": "mlflow", "uri": uri, "run": run, "artifact": artifact},
            settings=self._settings,
            hide=(uri, public_uri(uri)),
        )
