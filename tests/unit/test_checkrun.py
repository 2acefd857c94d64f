"""The check run: what failed at its line, within GitHub's limits, and nothing of a stranger's choosing."""

from __future__ import annotations

import msgspec
import pytest

import support_records as sample
from modelrail import plans, records
from modelrail.config import lines as config_lines
from modelrail.core import traceback
from modelrail.report import checkrun, view
from modelrail.report.view import ModelRecords

PLACES = records.Places(
    model="delay",
    file="models/modelrail.yaml",
    lines={f"models.delay.gates[{index}]": 30 + index for index in range(5)},
)


def build(*found: ModelRecords) -> plans.PublishCheck:
    return checkrun.build(view.build(found, sample.RUN))


def with_places(**changes: object) -> ModelRecords:
    return msgspec.structs.replace(sample.worse_slice(), places=msgspec.structs.replace(PLACES, **changes))


def test_a_gate_that_fails_is_noted_at_its_line() -> None:
    check = build(with_places())
    assert (check.name, check.conclusion, check.commit) == ("modelrail", "failure", sample.COMMIT)
    assert check.title == "Do not merge: recall for carrier EV fell by 4.1 points [2.9, 5.3]"
    failure, warning = check.annotations
    assert (failure.path, failure.line, failure.level) == ("models/modelrail.yaml", 33, "failure")
    assert failure.title == "delay: Recall at precision 0.6, every carrier, may fall by at most 0.03"
    assert failure.message == (
        "worse: \u22120.041 (\u22120.053 … \u22120.029) for carrier EV. "
        "Recall for carrier EV falls by 0.041; 0.03 is tolerated."
    )
    assert (warning.line, warning.level) == (34, "warning")


def test_what_passes_is_a_success_without_notes() -> None:
    passing = msgspec.structs.replace(sample.passing(), places=PLACES)
    check = build(passing)
    assert (check.conclusion, check.annotations) == ("success", ())
    assert "may replace" in check.summary


def test_undecided_never_counts_as_success() -> None:
    assert build(sample.inconclusive()).conclusion == "failure"
    assert build().conclusion == "failure"


def test_a_failed_training_is_noted_in_its_script() -> None:
    found = sample.training_failed()
    assert found.failure is not None
    failure = msgspec.structs.replace(found.failure, file="models/train.py", line=31)
    (note,) = build(msgspec.structs.replace(found, failure=failure)).annotations
    assert (note.path, note.line, note.title) == ("models/train.py", 31, "delay: train")
    assert "exit code 1" in note.message


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "", "a\nb", "$(id)", "<img>", "x" * 300, "a\u202eb"]
)
def test_a_path_of_a_record_is_plain_or_not_named(path: str) -> None:
    assert build(with_places(file=path)).annotations == ()
    assert not traceback.is_plain(path)


def test_the_places_of_another_model_are_not_its_own() -> None:
    assert build(with_places(model="fraud")).annotations == ()


@pytest.mark.fault(28)
def test_github_s_limits_hold() -> None:
    huge = sample.huge()
    assert huge.comparison is not None
    gates = tuple(
        msgspec.structs.replace(
            sample.gate(i, f"rule {i} " + "x" * 500, None, "fail", detail="d" * 5000),
            severity="warn" if i < 100 else "block",
        )
        for i in range(300)
    )
    lines = {gate.path: 10**9 for gate in gates}
    check = build(
        msgspec.structs.replace(
            huge,
            comparison=msgspec.structs.replace(huge.comparison, gates=gates),
            places=msgspec.structs.replace(PLACES, lines=lines),
        )
    )
    assert len(check.annotations) == checkrun.MAX_ANNOTATIONS
    assert {note.level for note in check.annotations} == {"failure"}  # those that block come first
    assert all(len(note.title) <= 255 and len(note.message) <= 1000 for note in check.annotations)
    assert len(check.summary) <= checkrun.MAX_SUMMARY


def test_the_same_content_has_the_same_name_and_another_another() -> None:
    assert build(with_places()).content == build(with_places()).content
    assert build(with_places()).content != build(sample.passing()).content


# --- where things stand ------------------------------------------------------------------------------------


def test_the_line_of_a_gate() -> None:
    wanted = ["models.a/b.gates[1]", "models.a/b", "models.x", ""]
    assert config_lines.lines(YAML, "modelrail.yaml", wanted) == {
        "models.a/b.gates[1]": 5,
        "models.a/b": 2,
        "models.x": 1,
    }
    assert config_lines.lines("a: [", "modelrail.yaml", ["a"]) == {}
    assert config_lines.lines("", "modelrail.yaml", ["a"]) == {}


YAML = """models:
  a/b:
    gates:
      - {metric: auc, min: 0.7}
      - metric: brier
        max: 0.2
"""

TAIL = """Traceback (most recent call last):
  File "/home/u/repo/model/train.py", line 31, in <module>
    fit()
  File "/home/u/repo/model/../lib/fit.py", line 7, in fit
    numpy.linalg.inv(a)
  File "/usr/lib/python3/numpy/linalg.py", line 500, in inv
    raise LinAlgError
"""


def test_the_innermost_frame_in_the_repository() -> None:
    assert traceback.frames(TAIL, "/home/u/repo", "model") == [("lib/fit.py", 7), ("model/train.py", 31)]
    assert traceback.frames('  File "train.py", line 3', "/r", "a/b") == [("a/b/train.py", 3)]
    assert traceback.frames('  File "<string>", line 1\n  File "../../x", line 2', "/r") == []
    assert traceback.frames("nothing", "/r") == []
