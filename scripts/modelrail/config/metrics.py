"""Metrics of modelrail.yaml: by name, with parameters, or of the user's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modelrail.config import resolved as config
from modelrail.config.fields import Faults, Fields, near, number, text
from modelrail.config.schema_metrics import FUNCTION, OWN, OWN_NAME, PAIR, PARAMETERS
from modelrail.config.yaml_strict import Node, Scalar, Table, join, kind, shown
from modelrail.core.metrics import catalog
from modelrail.core.metrics import names as metric_names

_SHAPES = re.compile(FUNCTION.replace("$", r"\Z")), re.compile(PAIR.replace("$", r"\Z"))
_OWN_NAME = re.compile(OWN_NAME.replace("$", r"\Z"))


def listed(fields: Fields, task: str) -> tuple[config.Metric, ...]:
    """The metrics as listed; each once."""
    found: list[config.Metric] = []
    for index, node in enumerate(fields.items("metrics")):
        path = f"{fields.at('metrics')}[{index}]"
        one = metric(fields.faults, node, path, task)
        if one is None:
            continue
        if one.label in {other.label for other in found}:
            fields.faults.add(path, f"{one.label} is listed twice.", "Keep one of them.", node.line)
        else:
            found.append(one)
    return tuple(found)


def metric(
    faults: Faults, node: Node, path: str, task: str, named: Sequence[config.Metric] | None = None
) -> config.Metric | None:
    """A metric that fits the task. Where one may be named that `metrics` lists, `named` are those."""
    if isinstance(node, Table):
        return _with_parameters(faults, node, path, task)
    name = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
    if not name:
        faults.add(path, f"expected the name of a metric, found {kind(node)}.", _known(task), node.line)
        return None
    own = next((one for one in named or () if one.name == name and name not in catalog.names()), None)
    if own is not None:
        return own
    if named is not None and name not in catalog.names() and _OWN_NAME.match(name):
        faults.add(path, f"no metric is called {shown(name)}.", _meant(name, task), node.line)
        return None
    if not _fits(faults, name, path, task, node.line):
        return None
    if task and catalog.bind(name, task, {}) is None:
        entry = catalog.find(name, task) or catalog.variants(name, task)[0]
        needed = next(one for one in entry.parameters if one.default is None)
        hint = f"Write `{{{name}: {{{needed.name}: {_example(needed)}}}}}`."
        faults.add(path, f"{name} needs its parameter {needed.name}: {needed.meaning}.", hint, node.line)
        return None
    return config.Metric(name=name)


def _fits(faults: Faults, name: str, path: str, task: str, line: int) -> bool:
    if name not in catalog.names():
        faults.add(path, f"unknown metric {shown(name)}.", _meant(name, task), line)
        return False
    if task and not catalog.variants(name, task):
        faults.add(path, f"{name} is not a metric of a {task} task.", _known(task), line)
        return False
    return True


def _meant(name: str, task: str) -> str:
    known = catalog.names(task or None)
    base, _, average = name.lower().rpartition("_")
    if base in known and average in _averages(base, task):  # as scikit-learn's scorers are called
        return f"Write `{{{base}: {{average: {average}}}}}`."
    other = metric_names.OTHER_NAMES.get(name.lower())
    return f'Did you mean "{other}"?' if other in known else near(name.lower(), known) or _known(task)


def _averages(name: str, task: str) -> set[str]:
    found = [one for entry in catalog.variants(name, task) for one in entry.parameters]
    return {choice for one in found if one.name == "average" for choice in one.choices}


def _known(task: str) -> str:
    names = ", ".join(catalog.names(task or None))
    return f"For {task}: {names}." if task else f"Known: {names}."


def _example(parameter: catalog.Parameter) -> str:
    if parameter.kind == "costs":
        return "{TRUE>PREDICTED: 5}"
    if parameter.kind == "column":
        return "COLUMN"
    if parameter.kind == "whole":
        return "10"
    return f"{((parameter.low or 0) + (parameter.high or 1)) / 2:g}"


# --- parameters ------------------------------------------------------------------------------------------


def _with_parameters(faults: Faults, node: Table, path: str, task: str) -> config.Metric | None:
    if len(node.entries) != 1:
        hint = "Write `{recall: {at_precision: 0.6}}`: one name, and its parameters."
        faults.add(path, f"expected one metric with its parameters, found {kind(node)}.", hint, node.line)
        return None
    name, inner = next(iter(node.entries.items()))
    at, line = join(path, name), node.lines[name]
    given = set(inner.entries) if isinstance(inner, Table) else set()
    if name not in catalog.names() and given & {"function", "reported"}:
        return _own(faults, inner, name, at, "function" in given)
    if not _fits(faults, name, path, task, line):
        return None
    if name not in PARAMETERS:
        faults.add(at, f"{name} takes no parameters.", f"Write `{name}`.", line)
        return None
    fields = Fields(faults, inner, at, PARAMETERS[name])
    if fields.broken:
        return None
    if not given:
        faults.add(at, "the parameters are empty.", f"Write `{name}`, or name one.", line)
        return None
    entry = catalog.find(name, task, dict.fromkeys(given))
    return None if not task else _fitting(fields, name, task, entry or catalog.variants(name, task)[0])


def _fitting(fields: Fields, name: str, task: str, entry: catalog.Metric) -> config.Metric | None:
    known = {one.name: one for one in entry.parameters}
    params: dict[str, Any] = {}
    before = len(fields.faults.found)
    for key in fields.table.entries:
        if key in known:
            params[key] = _value(fields, known[key], entry)
        elif key in fields.schema["properties"]:
            with_it = f" with {entry.variant}" if entry.variant else ""
            hint = f"Known here: {', '.join(known)}." if known else f"Write `{name}`."
            fields.fault(key, f"{key} does not fit {name}{with_it} in a {task} task.", hint)
    for parameter in entry.parameters:
        if parameter.default is None and parameter.name not in fields.table.entries:
            hint = f"Add it: `{parameter.name}: {_example(parameter)}`."
            fields.fault(parameter.name, f"{name} needs it: {parameter.meaning}.", hint)
    if "average" in params and "class" in params:
        fields.fault("class", "one class has no average: `class` does not fit beside `average`.", "Keep one.")
    if len(fields.faults.found) > before or None in params.values():
        return None
    return config.Metric(name=name, params=params)


def _own(faults: Faults, node: Node, name: str, at: str, function: bool) -> config.Metric | None:
    if not _OWN_NAME.match(name):
        hint = "Letters, digits and `_`, a letter first, at most 60."
        faults.add(at, f"{shown(name)} is not a name for a metric.", hint, node.line)
        return None
    fields = Fields(faults, node, at, OWN[0] if function else OWN[1])
    direction = fields.boolean("higher_is_better", default=True)
    if function:
        what: Any = _shaped(fields, "function", 0, "module:function", "Write `business:profit`.")
    else:
        what = fields.boolean("reported", default=True)
        if not what:
            fields.fault("reported", "it can only be true; false is out of range.", "Leave the metric out.")
    if what is None:
        return None
    return config.Metric(
        name=name, params={"function" if function else "reported": what, "higher_is_better": direction}
    )


def _value(fields: Fields, parameter: catalog.Parameter, entry: catalog.Metric) -> Any:
    key = parameter.name
    node = fields.table.entries[key]
    if parameter.kind in {"choice", "test"}:
        value = node.value if isinstance(node, Scalar) else None
        if value not in parameter.choices:
            fields.fault(key, f"expected one of {', '.join(parameter.choices)}; found {kind(node)}.")
            return None
        return value
    if parameter.kind == "column":
        return fields.text(key)
    if parameter.kind == "class":
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return "1" if node.value else "0"
        if (
            isinstance(node, Scalar)
            and isinstance(node.value, int | float)
            and float(node.value).is_integer()
        ):
            return str(int(node.value))
        return fields.text(key)
    if parameter.kind == "costs":
        return _costs(fields, node, key)
    if parameter.kind == "threshold" and isinstance(node, Scalar) and node.value == catalog.TUNED:
        if not entry.tunable:
            hint = "Tune a metric that weighs both errors, as f1, or set a number."
            fields.fault(key, f"{entry.name} has no best threshold: tuned does not fit.", hint)
            return None
        return catalog.TUNED
    return _number(fields, parameter, key)


def _number(fields: Fields, parameter: catalog.Parameter, key: str) -> float | int | None:
    found = fields.number(key)
    if found is None:
        return None
    if parameter.kind == "whole" and found != int(found):
        fields.fault(key, f"expected a whole number, found {found:g}.")
        return None
    low, high = parameter.low, parameter.high
    if (low is not None and found <= low) or (high is not None and found >= high):
        span = f"between {low:g} and {high:g}" if low is not None and high is not None else f"above {low:g}"
        fields.fault(key, f"expected a number {span}, found {found:g}.")
        return None
    return int(found) if parameter.kind == "whole" else found


def _costs(fields: Fields, node: Node, key: str) -> dict[str, float] | None:
    if not isinstance(node, Table) or not node.entries:
        fields.fault(key, f"expected costs by TRUE>PREDICTED, found {kind(node)}.", "As `{late>on_time: 5}`.")
        return None
    found: dict[str, float] = {}
    for name, inner in node.entries.items():
        at = join(fields.at(key), name)
        if not _SHAPES[1].match(name) or len(name) > 200:
            hint = "As `late>on_time: 5`: the true class, `>`, the predicted one."
            fields.faults.add(at, f"{shown(name)} does not name two classes.", hint, node.lines[name])
            continue
        cost = number(fields.faults, inner, at)
        if cost is not None and cost < 0:
            fields.faults.add(at, f"a cost is not negative; found {cost:g}.", "", node.lines[name])
        elif cost is not None:
            found[name] = cost
    return found or None


def _shaped(fields: Fields, key: str, shape: int, what: str, hint: str) -> str | None:
    node = fields.node(key)
    found = None if node is None else text(fields.faults, node, fields.at(key))
    if found is not None and (not _SHAPES[shape].match(found) or len(found) > 200):
        fields.fault(key, f"{shown(found)} is not written {what}.", hint)
        return None
    return found
