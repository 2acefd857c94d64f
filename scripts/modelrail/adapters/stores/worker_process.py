"""Starts worker.py: in our own environment if it has the library, else in a tool environment made for it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelrail.errors import NotFoundError, ToolMissingError, UnavailableError
from modelrail.settings import Settings

TIMEOUT = 3600.0  # seconds for one file
_HERE = Path(__file__).resolve()
_SCRIPTS = _HERE.parents[
    3
]  # the folder that holds the package; beside it the requirement files, in a checkout


def call(
    library: str,
    job: Mapping[str, Any],
    *,
    settings: Settings,
    extra: Mapping[str, str] | None = None,
    hide: Sequence[str] = (),
) -> None:
    """Have one file moved. Raises NotFoundError, UnavailableError, ToolMissingError.

    `hide`: an address with its credentials and how it may be shown.
    """
    name = {"dvc": "DVC remote", "mlflow": "MLflow store"}[library]
    interpreter = _interpreter(library)
    env = settings.child_environ(
        {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", **(extra or {})}
    )
    try:
        done = subprocess.run(
            [interpreter, "-P", "-W", "ignore", str(_HERE.with_name("worker.py"))],
            input=json.dumps(dict(job)).encode(), capture_output=True, timeout=TIMEOUT, env=env, check=False,
            cwd=settings.workspace,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"The {name} did not answer within {TIMEOUT:.0f} s.") from None
    said = done.stdout.decode("utf-8", "replace").strip().splitlines()
    try:
        answer = json.loads(said[-1])
    except (IndexError, ValueError):
        tail = done.stderr.decode("utf-8", "replace").strip()[-1000:]
        answer = {"error": f"its process ended with {done.returncode}. {tail}"}
    if not answer:
        return
    why = str(answer["error"])[:1000]
    if hide:
        why = why.replace(hide[0], hide[1])
    if answer.get("missing"):
        raise NotFoundError(
            f"The {name} does not have the file of {job.get('tag') or job['path']}.",
            why=why,
            next="Was it cleaned up there? The version stays registered; its bytes must be restored.",
        )
    raise UnavailableError(
        f"The {name} could not be used.", why=why, next="Check its address and credentials, and try again."
    )


def _interpreter(library: str) -> str:
    if importlib.util.find_spec(library) is not None:
        return sys.executable
    here = str(_SCRIPTS)
    if (_SCRIPTS.parent / "requirements" / f"{library}.txt").is_file():
        # A checkout, as in an action: `register` and `fetch` start without the heavy libraries.
        from modelrail import toolenv, toolenv_build

        extras = ("core", library)
        try:
            environment = toolenv.find(here, extras) or toolenv_build.build(
                here, extras, toolenv.folder(), toolenv.name(here, extras)
            )
        except toolenv_build.BuildError as error:
            raise ToolMissingError(error.what, why=error.tail, next=error.remedy) from None
        return toolenv.python(environment)
    raise ToolMissingError(
        f"{library} is not installed, and this model's bytes are kept with it.",
        next=f"Install it with modelrail: pip install 'modelrail[{library}]'.",
    )
