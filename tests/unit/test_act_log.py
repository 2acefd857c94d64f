"""act's JSON log as jobs and steps; hostile and broken lines included."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelrail.errors import WorkflowRunError
from modelrail.localhub import act_log
from modelrail.localhub.act_runner import Run, _job_name, check


def entry(**values: Any) -> str:
    base = {
        "job": "model/build",
        "jobID": "build",
        "level": "info",
        "stage": "Main",
        "step": "Go",
        "stepID": ["0"],
    }
    return json.dumps(base | values)


def read(*lines: str, **options: Any) -> tuple[act_log.Reader, list[str]]:
    said: list[str] = []
    reader = act_log.Reader(said.append, aliases=_job_name, **options)
    for line in lines:
        reader.line(line)
    return reader, said


def test_a_job_with_its_steps() -> None:
    reader, said = read(
        entry(stepResult="success", executionTime=1_500_000_000),
        entry(step="Stop", stepID=["1"], msg="last words\n", raw_output=True),
        entry(step="Stop", stepID=["1"], stepResult="failure", executionTime=500_000_000),
        entry(stepID=None, step=None, jobResult="failure"),
    )
    (job,) = reader.jobs.values()
    assert (job.name, job.conclusion, job.seconds) == ("build", "failure", 2.0)
    assert [(step.name, step.conclusion) for step in job.steps] == [("Go", "success"), ("Stop", "failure")]
    assert any("last words" in line for line in said)


def test_steps_stand_in_the_order_in_which_they_ran() -> None:
    reader, _ = read(
        entry(step="Second", stepID=["1"], stage="Pre", stepResult="success"),
        entry(step="First", stepID=["0"], stepResult="success"),
        entry(step="Second", stepID=["1"], stepResult="success"),
    )
    assert [step.name for step in reader.jobs["build"].steps] == ["First", "Second"]


def test_the_call_of_a_reusable_workflow_is_no_job() -> None:
    reader, _ = read(entry(stepID=None, step=None, msg="LocalRepositoryCache matched"))
    assert reader.jobs == {}


def test_annotations_and_secrets() -> None:
    reader, said = read(
        entry(command="error", arg="the token is sesame", kvPairs={"title": "sesame"}),
        entry(step="echo sesame", stepID=["2"], stepResult="failure"),
        secrets=["sesame"],
    )
    assert reader.jobs["build"].annotations == [
        {"level": "error", "message": "the token is ***", "title": "***"}
    ]
    assert "sesame" not in "".join(said)


@given(st.lists(st.one_of(st.text(), st.dictionaries(st.text(), st.integers()).map(json.dumps))))
def test_no_line_crashes(lines: list[str]) -> None:
    read(*lines)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("model/build", "build"),
        ("model/modelrail evaluate/evaluate", "model / evaluate"),
        ("build   ", "build"),
    ],
)
def test_names_as_github_shows_them(key: str, name: str) -> None:
    assert _job_name(key) == name


def test_an_expected_job_by_its_whole_or_its_last_name() -> None:
    job = act_log.Job("model / evaluate", conclusion="success")
    run = Run("w.yml", "w", "push", 1, "success", [job])
    check([run], ["evaluate"])
    check([run], ["model / evaluate", "model/evaluate"])
    with pytest.raises(WorkflowRunError, match="'valuate' did not run"):
        check([run], ["valuate"])


def test_a_job_without_a_result_did_not_run() -> None:
    run = Run("w.yml", "w", "push", 1, "success", [act_log.Job("a", conclusion="success"), act_log.Job("b")])
    with pytest.raises(WorkflowRunError, match="'b' did not run"):
        check([run], ["b"])
