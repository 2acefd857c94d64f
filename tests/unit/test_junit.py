"""The report as test cases."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import support_html
import support_records as sample
from modelrail.report import junit, view
from modelrail.report.view import ModelRecords


def suites(*found: ModelRecords) -> ET.Element:
    return ET.fromstring(junit.junit(view.build(found, sample.RUN)).encode())


def test_gates_are_test_cases() -> None:
    root = suites(support_html.flights())
    assert root.attrib == {"name": "modelrail", "tests": "8", "failures": "1", "errors": "0", "skipped": "1"}
    (suite,) = root
    assert suite.get("name") == "delay"
    failed = suite.find(".//failure/..")
    assert failed is not None
    assert failed.get("classname") == "modelrail.delay.gates"
    assert failed.get("name") == "ROC AUC, every carrier, may fall by at most 0.04"
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("worse, 0.691 for carrier EV, \u22120.040")
    assert "models.delay.gates[4]" in (failure.text or "")
    assert {one.get("name"): one.get("value") for one in suite.iter("property")}["verdict"] == "fail"


def test_a_gate_that_cannot_be_decided_fails_with_its_own_type() -> None:
    (failure,) = suites(sample.inconclusive()).iter("failure")
    assert failure.get("type") == "inconclusive"


def test_a_run_that_passes_has_no_failure() -> None:
    root = suites(sample.passing())
    assert (root.get("failures"), root.get("errors")) == ("0", "0")


def test_a_step_that_stopped_is_an_error() -> None:
    root = suites(sample.training_failed(), sample.passing("other"))
    assert (root.get("errors"), len(root)) == ("1", 2)
    (error,) = root.iter("error")
    assert error.get("message") == "The training command failed with exit code 1."


def test_no_model_is_an_error() -> None:
    assert suites().get("errors") == "1"


def test_same_titles_stay_apart() -> None:
    found = sample.passing()
    assert found.comparison is not None
    gates = tuple(msgspec.structs.replace(gate, title="the same") for gate in found.comparison.gates)
    changed = msgspec.structs.replace(
        found, comparison=msgspec.structs.replace(found.comparison, gates=gates)
    )
    names = [
        case.get("name") for case in suites(changed).iter("testcase") if "gates" in case.get("classname", "")
    ]
    assert len(set(names)) == len(names) == 3


@pytest.mark.fault(26)
@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_is_sound_xml(text: str) -> None:
    found = sample.worse_slice()
    assert found.comparison is not None
    gate = msgspec.structs.replace(found.comparison.gates[3], title=text, detail=text)
    changed = msgspec.structs.replace(
        found, comparison=msgspec.structs.replace(found.comparison, headline=text, gates=(gate,))
    )
    assert len(list(suites(changed).iter("testcase"))) == 3
