"""The experiment tracker: one MLflow run a training, by a worker process (`mlflow_worker.py`).

Without a configured tracker the runs go to an embedded SQLite store in the records folder. A tracker that was
configured and fails is an error; the embedded one only warns, since nothing depends on it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from modelrail import records
from modelrail.adapters.actions_io import say
from modelrail.errors import ModelrailError, ToolMissingError, TrackingError
from modelrail.settings import Settings

START_TIMEOUT = 180.0  # seconds: import, migrate an empty SQLite store on a busy machine, or ask a server
FINISH_TIMEOUT = 180.0


def public_uri(uri: str) -> str:
    """A tracking URI as it may be written down: without user, password and query."""
    parts = urlsplit(uri)
    if not parts.netloc:
        return uri.partition("?")[0]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


class Tracker:
    """One run. Made by `open_run`; `close` may be called at any point and any number of times."""

    def __init__(
        self, settings: Settings, out: Path, experiment: str, tags: Mapping[str, str], *, explicit: bool
    ) -> None:
        self.explicit = explicit
        self.experiment = settings.environ.get("MLFLOW_EXPERIMENT_NAME") or experiment
        self.uri = settings.tracking_uri or f"sqlite:///{out / 'mlflow.db'}"
        self._shown = public_uri(self.uri) if settings.tracking_uri else f"sqlite:///{out.name}/mlflow.db"
        artifacts = "" if settings.tracking_uri else (out / "mlartifacts").as_uri()
        if not settings.tracking_uri:
            out.mkdir(parents=True, exist_ok=True)
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._run: str | None = None
        self._failed = ""
        self._child = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("mlflow_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=settings.workspace,
            start_new_session=True,
            env=settings.child_environ(
                {
                    "MLFLOW_DISABLE_TELEMETRY": "true",
                    "DO_NOT_TRACK": "true",
                    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": settings.environ.get(
                        "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3"
                    ),
                    "MLFLOW_HTTP_REQUEST_TIMEOUT": settings.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
                }
            ),
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(
            {
                "start": {
                    "uri": self.uri,
                    "experiment": self.experiment,
                    "artifacts": artifacts,
                    "tags": dict(tags),
                }
            }
        )

    @property
    def run(self) -> records.TrackingRun | None:
        """The run, once it exists; None when the tracker failed and that is tolerable."""
        if self._run is None and not self._failed:
            answer = self._receive(START_TIMEOUT)
            self._run = answer.get("run_id")
        if self._run is None:
            return None
        return records.TrackingRun(run_id=self._run, experiment=self.experiment, uri=self._shown)

    def environ(self) -> dict[str, str]:
        """What lets a training script's own MLflow calls join the run."""
        if self.run is None or self._run is None:
            return {}
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_RUN_ID": self._run,
            "MLFLOW_EXPERIMENT_NAME": self.experiment,
        }

    def finish(
        self, *, params: Mapping[str, str], metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> None:
        self._end("FINISHED", params, metrics, tags)

    def fail(self) -> None:
        """Mark the run as failed; never hides the error that brought us here."""
        with contextlib.suppress(ModelrailError):
            self._end("FAILED", {}, {}, {})

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._child.stdin is not None:
                self._child.stdin.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def _end(
        self, status: str, params: Mapping[str, str], metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> None:
        if self.run is None:
            return
        self._send(
            {
                "finish": {
                    "status": status,
                    "params": dict(params),
                    "metrics": dict(metrics),
                    "tags": dict(tags),
                }
            }
        )
        self._receive(FINISH_TIMEOUT)

    def _listen(self) -> None:
        if self._child.stdout is not None:
            with contextlib.suppress(ValueError, OSError):
                for line in self._child.stdout:
                    self._answers.put(json.loads(line))
        self._answers.put({"error": "its process ended"})

    def _send(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a dead worker is seen by its missing answer
            if self._child.stdin is not None:
                self._child.stdin.write(json.dumps(message) + "\n")
                self._child.stdin.flush()

    def _receive(self, timeout: float) -> dict[str, Any]:
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            answer = {"error": f"no answer within {timeout:.0f} s"}
        if "error" in answer:
            self._failed = str(answer["error"])
            error = TrackingError(
                f"MLflow did not take the run ({self._shown}).",
                why=self._failed[:500].replace(self.uri, self._shown),
                next="Check MLFLOW_TRACKING_URI and its credentials, or train with --no-tracking.",
            )
            if self.explicit:
                raise error
            say(f"! {error.what} {error.why} The training goes on without it.")
        return answer


def open_run(
    settings: Settings, out: Path, experiment: str, tags: Mapping[str, str], *, wanted: bool | None
) -> Tracker | None:
    """Start a run in the background, or None when tracking is off or not available.

    `wanted` is the user's word: True and False are orders, None means "if it can be done".
    """
    if wanted is False:
        return None
    explicit = wanted is True or bool(settings.tracking_uri)
    if importlib.util.find_spec("mlflow") is None:
        if explicit:
            raise ToolMissingError(
                "MLflow is not installed.",
                next="pip install 'modelrail[mlflow]', or train with --no-tracking.",
            )
        return None
    return Tracker(settings, out, experiment, tags, explicit=explicit)
