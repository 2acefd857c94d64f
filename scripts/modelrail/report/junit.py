"""View -> JUnit XML: a test suite a model, a test case a gate and a data check.

Only `pass` promotes, so a blocking gate that cannot be decided is a failure, of the type `inconclusive`. What
only warns is skipped with its reason: seen, and not in the way.
"""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

from modelrail.report import rows
from modelrail.report.view import ModelView, View
from modelrail.report.visible import visible

FILE = "junit.xml"
MAX_CASES = 20_000  # of one model


def junit(view: View) -> str:
    """The report as one XML document."""
    root = ET.Element("testsuites", name="modelrail")
    for model in view.models:
        root.append(_suite(model))
    if not view.models:
        suite = ET.SubElement(root, "testsuite", name="modelrail")
        case = ET.SubElement(suite, "testcase", classname="modelrail", name="a model was evaluated")
        ET.SubElement(case, "error", type="record", message="There is no record of any model.")
    for element in (*root, root):
        for name, tag in (
            ("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped"),
        ):  # fmt: skip
            element.set(name, str(sum(1 for _ in element.iter(tag))))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(model: ModelView) -> ET.Element:
    suite = ET.Element("testsuite", name=visible(model.name))
    facts = ET.SubElement(suite, "properties")
    for name, value in (
        ("verdict", model.verdict),
        ("headline", model.headline),
        ("baseline", model.version),
        ("evidence", model.evidence),
    ):
        if value:
            ET.SubElement(facts, "property", name=name, value=visible(value))
    if model.failure is not None:
        failure = model.failure
        case = _case(suite, model, failure.command, f"modelrail {failure.command}")
        error = ET.SubElement(case, "error", type=visible(failure.kind), message=visible(failure.what))
        error.text = "\n".join(visible(line) for line in (failure.why, failure.next) if line)
    for check in model.checks[:MAX_CASES]:
        where = f"{check.table}, {check.column}: " if check.column else f"{check.table}: "
        case = _case(suite, model, "data", where + check.check)
        if not check.passed:
            ET.SubElement(case, "failure", type="data", message=visible(check.detail or check.check))
    titles = Counter(gate.title for gate in model.gates)
    for gate in model.gates[:MAX_CASES]:
        name = gate.title if titles[gate.title] == 1 else f"{gate.title} ({gate.path})"
        _judge(_case(suite, model, "gates", name), gate)
    return suite


def _case(suite: ET.Element, model: ModelView, kind: str, name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=visible(f"modelrail.{model.name}.{kind}"), name=visible(name)
    )


def _judge(case: ET.Element, gate: rows.GateView) -> None:
    value = f"{gate.candidate} for {gate.where}" if gate.where else gate.candidate
    said = ", ".join(part for part in (gate.words, value, gate.difference) if part)
    if gate.row.outcome != "pass":
        if gate.blocks:
            found = ET.SubElement(case, "failure", type=gate.row.outcome, message=visible(said))
            found.text = "\n".join(visible(line) for line in (gate.detail, gate.path) if line)
        else:
            ET.SubElement(case, "skipped", message=visible(f"{said}: {gate.detail}".rstrip(": ")))
