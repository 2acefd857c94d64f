"""The reusable workflows and their callers fit each other, and read like an API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support_workflows import ACTIONS, CALLERS, OURS, REUSABLE, ROOT, ids, load, triggers

CALLS = [
    (path, name, job)
    for path in [*CALLERS.values(), *REUSABLE.values()]
    for name, job in load(path)["jobs"].items()
    if "uses" in job
]


def called(use: str) -> dict[str, Any]:
    match = OURS.match(use)
    assert match, use
    return load(ROOT / str(match["path"]))


def test_the_workflows_that_users_copy() -> None:
    assert set(CALLERS) == {"pull-request", "report", "sealed", "release", "promote", "rollback"}
    assert set(REUSABLE) == {"evaluate", "sealed", "release", "promote", "rollback"}


@pytest.mark.parametrize("path", CALLERS.values(), ids=ids)
def test_a_caller_is_short(path: Path) -> None:
    assert 10 <= len(path.read_text(encoding="utf-8").splitlines()) <= 25


@pytest.mark.parametrize("path", REUSABLE.values(), ids=ids)
def test_inputs_and_outputs_are_typed_and_described(path: Path) -> None:
    call = triggers(load(path))["workflow_call"]
    for name, field in call["inputs"].items():
        assert field["type"] in {"string", "boolean", "number"}, name
        assert field["description"].strip(), name
        assert field.get("required") or "default" in field, name
    for group in ("outputs", "secrets"):
        for name, field in call.get(group, {}).items():
            assert field["description"].strip(), name


@pytest.mark.parametrize("path", REUSABLE.values(), ids=ids)
def test_every_input_is_used_and_every_used_input_declared(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    declared = set(triggers(load(path))["workflow_call"]["inputs"])
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == declared


@pytest.mark.parametrize("path", REUSABLE.values(), ids=ids)
def test_outputs_name_outputs_of_jobs(path: Path) -> None:
    document = load(path)
    for field in triggers(document)["workflow_call"]["outputs"].values():
        named = re.findall(r"jobs\.([\w-]+)\.outputs\.([\w-]+)", field["value"])
        assert named
        for job, output in named:
            target = document["jobs"][job]
            if "uses" in target:
                assert output in triggers(called(target["uses"]))["workflow_call"]["outputs"]
            else:
                assert output in target["outputs"]


def test_outputs_are_the_same_whichever_job_does_the_work() -> None:
    """With `shards`, `score` and `compare` do what `evaluate` does without: an output must name both."""
    document = load(REUSABLE["evaluate"])
    whole = document["jobs"]["evaluate"]
    apart = {"evaluate": document["jobs"]["score"], "compare": document["jobs"]["compare"]}
    for name, value in whole["outputs"].items():
        (step,) = re.findall(r"steps\.([\w-]+)\.outputs", value)
        told = triggers(document)["workflow_call"]["outputs"].get(name)
        if step in apart and told is not None:
            assert apart[step]["outputs"][name] == value
            job = {"evaluate": "score", "compare": "compare"}[step]
            assert told["value"] == f"${{{{ jobs.{job}.outputs.{name} || jobs.evaluate.outputs.{name} }}}}"


@pytest.mark.parametrize(("path", "name", "job"), CALLS, ids=ids)
def test_a_call_gives_what_the_called_workflow_takes(path: Path, name: str, job: dict[str, Any]) -> None:
    call = triggers(called(job["uses"]))["workflow_call"]
    given = job.get("with", {})
    assert set(given) <= set(call["inputs"])
    assert {key for key, field in call["inputs"].items() if field.get("required")} <= set(given)
    assert set(job.get("secrets", {})) <= set(call.get("secrets", {}))


@pytest.mark.parametrize("path", [*REUSABLE.values(), *CALLERS.values()], ids=ids)
def test_a_step_gives_what_our_action_takes(path: Path) -> None:
    for job in load(path)["jobs"].values():
        for step in job.get("steps", []):
            match = OURS.match(step.get("uses", ""))
            if match:
                inputs = load(ACTIONS[str(match["path"]).removeprefix("actions/")])["inputs"]
                given = set(step.get("with", {}))
                assert given <= set(inputs), step["name"]
                assert {key for key, field in inputs.items() if field.get("required")} <= given, step["name"]


@pytest.mark.parametrize("path", REUSABLE.values(), ids=ids)
def test_steps_read_outputs_that_the_action_has(path: Path) -> None:
    for job in load(path)["jobs"].values():
        by_id = {step["id"]: step for step in job.get("steps", []) if "id" in step}
        for value in job.get("outputs", {}).values():
            step, output = re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", value)[0]
            match = OURS.match(by_id[step]["uses"])
            if match:
                assert output in load(ACTIONS[str(match["path"]).removeprefix("actions/")])["outputs"], output


def test_dispatched_workflows_offer_what_they_pass_on() -> None:
    for name in ("promote", "rollback"):
        document = load(CALLERS[name])
        offered = triggers(document)["workflow_dispatch"]["inputs"]
        used = set(re.findall(r"inputs\.([a-z-]+)", CALLERS[name].read_text(encoding="utf-8")))
        assert used == set(offered)


def test_reviewers_apply_to_what_changes_a_stage() -> None:
    for name in ("promote", "rollback"):
        (job,) = load(REUSABLE[name])["jobs"].values()
        stage = {"promote": "to", "rollback": "stage"}[name]
        # An empty stage is the command's default, so it must ask that one's reviewers, not nobody's.
        default = load(ACTIONS[name])["inputs"][stage]["default"]
        assert job["environment"] == f"${{{{ inputs.environment || inputs.{stage} || '{default}' }}}}"


def test_report_follows_the_pull_request_workflow_by_its_name() -> None:
    followed = triggers(load(CALLERS["report"]))["workflow_run"]["workflows"]
    assert followed == [load(CALLERS["pull-request"])["name"]]


def test_records_and_model_have_the_same_names_on_both_sides() -> None:
    kept, taken = set(), set()
    for path in [*REUSABLE.values(), *CALLERS.values()]:
        for job in load(path)["jobs"].values():
            for step in job.get("steps", []):
                if "upload-artifact" in step.get("uses", ""):
                    kept.add(step["with"]["name"])
                if "download-artifact" in step.get("uses", ""):
                    taken.add(step["with"].get("name") or step["with"]["pattern"])
    shard = "shard-${{ matrix.shard }}-of-${{ inputs.shards }}"
    assert kept == {"modelrail-records", "modelrail-model", "modelrail-scored", "mlflow-store", shard}
    assert taken == {
        "modelrail-records",
        "modelrail-scored",
        "modelrail-*",
        shard.replace("${{ matrix.shard }}", "*"),
    }


def test_what_is_registered_is_attested_whatever_became_of_the_job() -> None:
    """Of several models one may have failed, or the attempt that registered may have died right after."""
    job = load(REUSABLE["release"])["jobs"]["attest"]
    assert "needs.register.outputs.registered == 'true'" in job["if"]
    assert "needs.register.outputs.attestations != '[{}]'" in job["if"]  # a matrix of no subject
    assert "result" not in job["if"]


def test_a_comparison_of_shards_is_never_skipped() -> None:
    """GitHub counts a skipped check as one that passed."""
    job = load(REUSABLE["evaluate"])["jobs"]["compare"]
    assert job["if"] == "${{ always() && inputs.shards > 1 }}"
    assert set(job["needs"]) == {"evaluate", "score"}


@pytest.mark.parametrize("path", [*CALLERS.values(), *REUSABLE.values()], ids=ids)
def test_no_run_that_writes_waits_for_another(path: Path) -> None:
    """GitHub keeps one waiting run a group and cancels the others; one may wait days for its reviewers.

    A registration would be lost, a rollback would wait for a promotion. The registry orders writers itself.
    """
    document = load(path)
    groups = [
        found["concurrency"] for found in (document, *document["jobs"].values()) if "concurrency" in found
    ]
    for group in groups:
        own_group = re.search(r"github\.(run_id|sha|event\.workflow_run\.id)", group["group"])
        assert own_group or (path.stem == "pull-request" and group["cancel-in-progress"] is True), group
