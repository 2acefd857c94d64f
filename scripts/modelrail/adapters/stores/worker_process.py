"""Starts worker.py: in our own environment if it has the library, else in a tool environment made for it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelrail import toolenv
from modelrail.adapters import own_environment
from modelrail.errors import NotFoundError, ToolMissingError, UnavailableError
from modelrail.settings import Settings

TIMEOUT = 3600.0  # seconds for one file
_HERE = Path(__file__).resolve()


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
    interpreter = _interpreter(library, job, settings)
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


def _interpreter(library: str, job: Mapping[str, Any], settings: Settings) -> str:
    """Our own where it has the library and what the remote asks for, else one that is made for it."""
    extras: tuple[str, ...] = ("core", library)
    if library == "dvc":
        texts = [job["configuration"]] if "configuration" in job else toolenv.configurations(job["root"])
        extras = toolenv.with_remotes(extras, [*texts, settings.dvc_remote.reveal()])
    if all(importlib.util.find_spec(extra.replace("-", "_")) for extra in extras if extra != "core"):
        return sys.executable
    # A checkout, as in an action: `register` and `fetch` start without the heavy libraries.
    prepared = own_environment.python(extras)
    if prepared is not None:
        return str(prepared)
    if importlib.util.find_spec(library) is not None:
        return sys.executable  # DVC itself names the package that is missing
    raise ToolMissingError(
        f"{library} is not installed, and this model's bytes are kept with it.",
        next=f"Install it with modelrail: pip install 'modelrail[{','.join(extras[1:])}]'.",
    )
