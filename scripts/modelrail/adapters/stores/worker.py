"""Moves one file to or from a DVC remote or an MLflow artifact store. A program of its own: it imports them.

Standard input holds the job as JSON, the last line of standard output the answer: `{}`, or `{"error": ...,
"missing": true}`. It may run in another environment than modelrail's and imports nothing of it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> int:
    job: dict[str, Any] = json.loads(sys.stdin.read())
    answer: dict[str, Any] = {}
    try:
        with contextlib.redirect_stdout(sys.stderr):
            {"dvc": dvc, "mlflow": mlflow}[job["kind"]](job)
    except FileNotFoundError as error:
        answer = {"error": str(error), "missing": True}
    except Exception as error:  # noqa: BLE001 - whatever a plugin of theirs raises is an answer
        answer = {"error": f"{type(error).__name__}: {error}"}
        gone = getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"  # MLflow's own word
        answer |= {"missing": True} if gone and job["do"] == "fetch" else {}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def dvc(job: dict[str, Any]) -> None:
    from dvc.repo import Repo

    with contextlib.ExitStack() as stack:
        if "configuration" in job:
            # No clone of the repository: its configuration is all that DVC needs to know.
            root = stack.enter_context(tempfile.TemporaryDirectory(prefix="modelrail-dvc-"))
            (Path(root) / ".dvc").mkdir()
            (Path(root) / ".dvc" / "config").write_text(job["configuration"], encoding="utf-8")
            repo = stack.enter_context(Repo(root, config={"core": {"no_scm": True}}))
        else:
            repo = stack.enter_context(Repo(job["root"]))
        store = repo.cloud.get_remote_odb()
        place = store.oid_to_path(job["md5"])
        if job["do"] == "publish":
            if not store.exists(job["md5"]):
                store.add(job["path"], repo.cache.local.fs, job["md5"])
            return
        if not store.exists(job["md5"]):
            raise FileNotFoundError(place)
        store.fs.get_file(place, job["path"])


def mlflow(job: dict[str, Any]) -> None:
    from mlflow.artifacts import download_artifacts
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=job["uri"])
    folder, _, name = job["artifact"].rpartition("/")
    there = {found.path for found in client.list_artifacts(job["run"], folder)}
    if job["do"] == "publish":
        if job["artifact"] not in there:
            client.log_artifact(job["run"], job["path"], folder)
        return
    if job["artifact"] not in there:
        raise FileNotFoundError(f"{job['artifact']} of the run {job['run']}")
    with tempfile.TemporaryDirectory(prefix="modelrail-mlflow-") as place:
        got = download_artifacts(
            run_id=job["run"], artifact_path=job["artifact"], dst_path=place, tracking_uri=job["uri"]
        )
        if Path(got).name != name or not Path(got).is_file():
            raise FileNotFoundError(f"{job['artifact']} is no file")
        shutil.move(got, job["path"])


if __name__ == "__main__":
    raise SystemExit(main())
