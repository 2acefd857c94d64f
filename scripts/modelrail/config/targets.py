"""The label of modelrail.yaml: a column, or, of several labels a row, a column each."""

from __future__ import annotations

from modelrail.config.fields import Fields, text
from modelrail.config.yaml_strict import Items, Scalar, shown

SEPARATOR = "|"


def columns(fields: Fields, task: str) -> tuple[str, ...]:
    """The columns, where `target` is a list that names one a label; else none."""
    node = fields.node("target")
    if not isinstance(node, Items):
        return ()
    if len(node.items) < 2:
        hint = "Name every label's column; one label alone is a binary task."
        fields.fault("target", "a list of labels needs at least two columns.", hint)
    elif task and task != "multilabel":
        fields.fault("target", f"a list of columns does not fit a {task} task.", "Name one column.")
    found = [
        text(fields.faults, item, f"{fields.at('target')}[{index}]") for index, item in enumerate(node.items)
    ]
    known = tuple(name for name in found if name)
    for name in dict.fromkeys(name for name in known if known.count(name) > 1):
        fields.fault("target", f"{shown(name)} is listed twice.", "Keep one of them.")
    return known


def separator(fields: Fields, task: str, targets: tuple[str, ...]) -> str:
    """What parts the labels of a text."""
    if "separator" not in fields:
        return SEPARATOR
    if task != "multilabel" or targets:
        where = "beside a list of columns" if targets else f"a {task or 'this'} task"
        fields.fault("separator", f"separator does not fit {where}.", "Leave it out.")
    node = fields.node("separator")
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value == " ":
        return node.value  # a blank parts as well as a comma
    return fields.text("separator") or SEPARATOR
