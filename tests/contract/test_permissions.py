"""Promise S1: no code of a pull request runs with a write token; and every job has only what it needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support_workflows import CALLERS, OURS, REUSABLE, ROOT, every_file, ids, load

WORKFLOWS = [path for path in every_file() if path.name != "action.yml"]
# Actions that run the user's own code: training, prediction.
RUN_THEIR_CODE = {"train", "evaluate", "validate-data", "compare"}
LEVELS = {"none": 0, "read": 1, "write": 2}

GRANTED: dict[tuple[str, str], dict[str, str]] = {
    ("evaluate", "evaluate"): {"contents": "read"},
    ("evaluate", "score"): {"contents": "read"},
    ("evaluate", "compare"): {"contents": "read"},
    ("evaluate", "report"): {"pull-requests": "write", "checks": "write"},
    ("release", "evaluate"): {"contents": "read", "pull-requests": "write", "checks": "write"},
    ("sealed", "score"): {"actions": "read", "contents": "read"},
    ("sealed", "report"): {"pull-requests": "write", "checks": "write"},
    ("release", "sealed"): {"contents": "read"},
    ("release", "register"): {"contents": "write", "pull-requests": "write", "actions": "read"},
    ("release", "attest"): {"id-token": "write", "attestations": "write"},
    ("promote", "promote"): {"contents": "write", "deployments": "write", "actions": "read"},
    ("rollback", "rollback"): {"contents": "write", "deployments": "write", "actions": "read"},
}


def jobs() -> list[tuple[Path, str, dict[str, Any]]]:
    return [(path, name, job) for path in WORKFLOWS for name, job in load(path)["jobs"].items()]


def own_actions(job: dict[str, Any]) -> set[str]:
    found = (OURS.match(step.get("uses", "")) for step in job.get("steps", []))
    return {str(match["path"]).removeprefix("actions/") for match in found if match}


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_a_workflow_grants_nothing_and_every_job_says_what_it_needs(path: Path) -> None:
    document = load(path)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        assert isinstance(job["permissions"], dict), name


def test_the_reusable_workflows_grant_exactly_this() -> None:
    found = {(path.stem, name): job["permissions"] for path, name, job in jobs() if path in REUSABLE.values()}
    assert found == GRANTED


@pytest.mark.parametrize(("path", "name", "job"), jobs(), ids=ids)
def test_code_of_a_pull_request_meets_no_write_token(path: Path, name: str, job: dict[str, Any]) -> None:
    if own_actions(job) & RUN_THEIR_CODE:
        assert job["permissions"] == {"contents": "read"}
        assert "environment" not in job


@pytest.mark.parametrize(("path", "name", "job"), jobs(), ids=ids)
def test_a_job_that_writes_runs_no_command_of_the_repository(
    path: Path, name: str, job: dict[str, Any]
) -> None:
    if "write" in job["permissions"].values() and "steps" in job:
        assert not [step for step in job["steps"] if "run" in step]
        assert not own_actions(job) & RUN_THEIR_CODE


@pytest.mark.parametrize(("path", "name", "job"), jobs(), ids=ids)
def test_the_job_that_comments_on_a_pull_request_checks_out_nothing(
    path: Path, name: str, job: dict[str, Any]
) -> None:
    if name == "report":
        assert not [step for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert "contents" not in job["permissions"]


@pytest.mark.parametrize(("path", "name", "job"), jobs(), ids=ids)
def test_no_job_runs_until_githubs_limit_of_six_hours(path: Path, name: str, job: dict[str, Any]) -> None:
    """Also the one in which a stranger's records are read."""
    assert "timeout-minutes" in job or "uses" in job


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_no_checkout_keeps_the_token(path: Path) -> None:
    for job in load(path)["jobs"].values():
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("path", "name", "job"), jobs(), ids=ids)
def test_a_call_grants_what_the_called_jobs_ask_for(path: Path, name: str, job: dict[str, Any]) -> None:
    match = OURS.match(job.get("uses", ""))
    if match is None:
        return
    for inner in load(ROOT / str(match["path"]))["jobs"].values():
        for scope, level in inner["permissions"].items():
            granted = job["permissions"].get(scope, "none")
            assert LEVELS[granted] >= LEVELS[level], f"{scope}: {level}; GitHub starts no run at all"


SECRETS = {
    "dvc-remote": {
        "validate-data",
        "train",
        "evaluate",
        "register",
    },  # steps that pull data, or store the model
    # who logs trainings, and who reads or writes models that are stored there
    "mlflow-tracking-uri": {"train", "evaluate", "score-sealed", "register"},
    "DVC_SEALED": {"score-sealed"},  # in jobs that can only read, and run no code of a pull request
    "signing-key": {"register", "promote", "rollback"},  # none of them runs a command of the repository
}


def test_a_secret_reaches_only_the_steps_that_need_it() -> None:
    for path in REUSABLE.values():
        for job in load(path)["jobs"].values():
            assert "secrets." not in str(job.get("env", ""))
            for step in job.get("steps", []):
                for secret in re.findall(r"secrets\.([\w-]+)", str(step)):
                    match = OURS.match(step["uses"])
                    assert match
                    assert match["path"] in {f"actions/{verb}" for verb in SECRETS[secret]}


def test_whoever_meets_a_model_store_is_told_where_it_is() -> None:
    """`env` does not cross into a called workflow: with `store: mlflow` a baseline is fetched from there."""
    found = []
    for path in REUSABLE.values():
        for job in load(path)["jobs"].values():
            for step in job.get("steps", []):
                match = OURS.match(step.get("uses", ""))
                if match and str(match["path"]).removeprefix("actions/") in SECRETS["mlflow-tracking-uri"]:
                    found.append(step["env"]["MLFLOW_TRACKING_URI"])
    assert set(found) == {"${{ secrets.mlflow-tracking-uri || inputs.mlflow-tracking-uri }}"}
    assert len(found) == 6


def test_nothing_listens_to_pull_request_target() -> None:
    for path in WORKFLOWS:
        assert not re.search(r"^\s*pull_request_target:", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_no_environments_are_brought_back_where_a_token_can_write() -> None:
    """A cache may hold what a training script left there."""
    for path in [*REUSABLE.values(), *CALLERS.values()]:
        for job in load(path)["jobs"].values():
            if "write" in job["permissions"].values():
                for step in job.get("steps", []):
                    assert "actions/cache@" not in step.get("uses", "")
                    assert str(step.get("with", {}).get("cache", "false")) == "false"
