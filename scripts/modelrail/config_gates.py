"""Metrics, slices and gates of modelrail.yaml, as config_check.py reads them."""

from __future__ import annotations

import re

from modelrail import config, config_schema
from modelrail.config_fields import Faults, Fields, near, text
from modelrail.core import metric_names
from modelrail.core.metrics import catalog
from modelrail.yaml_strict import Node, Scalar, Table, kind, shown

FUTURE_GATES = ("leakage", "drift", "robustness", "latency", "fairness", "calibration")
GATE_HINTS = {
    "slice": 'Did you mean "slices"?',
    "minimum": 'Did you mean "min"?',
    "at_least": 'Did you mean "min"?',
    "maximum": 'Did you mean "max"?',
    "at_most": 'Did you mean "max"?',
    "margin": 'Did you mean "no_worse_than"?',
    "not_worse_than": 'Did you mean "no_worse_than"?',
    "better_than": 'Did you mean "better_by"?',
    "gate": "A gate is `{metric: roc_auc, min: 0.7}`.",
}


def metrics(fields: Fields, task: str) -> tuple[config.Metric, ...]:
    """The metrics as listed; each once."""
    found: list[config.Metric] = []
    for index, node in enumerate(fields.items("metrics")):
        path = f"{fields.at('metrics')}[{index}]"
        metric = _metric(fields.faults, node, path, task)
        if metric is None:
            continue
        if metric in found:
            fields.faults.add(path, f"{metric.label} is listed twice.", "Keep one of them.", node.line)
        else:
            found.append(metric)
    return tuple(found)


def _metric(faults: Faults, node: Node, path: str, task: str) -> config.Metric | None:
    """A metric that fits the task."""
    if isinstance(node, Table) and len(node.entries) == 1 and next(iter(node.entries)) in catalog.names():
        name = next(iter(node.entries))
        faults.add(path, "parameters of metrics are not in this version.", f"Write `{name}`.", node.line)
        return None
    name = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
    if not name:
        faults.add(path, f"expected the name of a metric, found {kind(node)}.", _known(task), node.line)
        return None
    if name not in catalog.names():
        other = metric_names.OTHER_NAMES.get(name.lower())
        known = catalog.names(task or None)
        hint = f'Did you mean "{other}"?' if other in known else near(name.lower(), known) or _known(task)
        faults.add(path, f"unknown metric {shown(name)}.", hint, node.line)
        return None
    if task and catalog.find(name, task) is None:
        faults.add(path, f"{name} is not a metric of a {task} task.", _known(task), node.line)
        return None
    return config.Metric(name=name)


def _known(task: str) -> str:
    names = ", ".join(catalog.names(task or None))
    return f"For {task}: {names}." if task else f"Known: {names}."


def slices(fields: Fields, target: str) -> tuple[config.Slice, ...]:
    found: list[config.Slice] = []
    for index, node in enumerate(fields.items("slices")):
        path = f"{fields.at('slices')}[{index}]"
        one = _slice(fields.faults, node, path)
        if one is None:
            continue
        column = shown(one.column)
        if any(other.column == one.column for other in found):
            fields.faults.add(path, f"the column {column} is listed twice.", "Keep one of them.", node.line)
        elif one.column == target:
            hint = "A slice by the label holds one class alone; recall and precision say what it would."
            fields.faults.add(path, f"{column} is the target.", hint, node.line)
        else:
            found.append(one)
    return tuple(found)


def _slice(faults: Faults, node: Node, path: str) -> config.Slice | None:
    if not isinstance(node, Table):
        column = text(faults, node, path)
        return None if column is None else config.Slice(column=column)
    inner = Fields(faults, node, path, config_schema.SLICE_TABLE)
    column = inner.text("column")
    bins, rows = inner.integer("bins"), inner.integer("min_rows")
    if column is None:
        return None
    return config.Slice(column=column, bins=bins, min_rows=config_schema.MIN_ROWS if rows is None else rows)


def gates(
    fields: Fields, task: str, listed: tuple[config.Metric, ...], sliced: tuple[config.Slice, ...]
) -> tuple[tuple[config.Gate, ...], tuple[config.Metric, ...]]:
    """The gates, and the metrics with those added that only gates name."""
    found: list[config.Gate] = []
    named = list(listed)
    columns = [one.column for one in sliced]
    for index, node in enumerate(fields.items("gates")):
        path = f"{fields.at('gates')}[{index}]"
        if isinstance(node, Table) and _is_future(fields.faults, node, path):
            continue
        inner = Fields(fields.faults, node, path, config_schema.DEFINITIONS["gate"], GATE_HINTS)
        gate = None if inner.broken else _gate(inner, task, columns)
        if gate is None:
            continue
        found.append(gate)
        if gate.metric not in named:
            named.append(gate.metric)
    return tuple(found), tuple(named)


def _is_future(faults: Faults, node: Table, path: str) -> bool:
    """A gate that later versions bring: one clear fault instead of several puzzling ones."""
    named = node.entries.get("gate")
    if not (isinstance(named, Scalar) and named.value in FUTURE_GATES):
        return False
    hint = "Take this gate out until a later version of modelrail has it."
    faults.add(f"{path}.gate", f"the gate {named.value} is not in this version.", hint, node.lines["gate"])
    return True


def _gate(fields: Fields, task: str, columns: list[str]) -> config.Gate | None:
    node = fields.node("metric")
    metric = None if node is None else _metric(fields.faults, node, fields.at("metric"), task)
    rules = [rule for rule in config_schema.RULES if rule in fields]
    if len(rules) != 1:
        every = ", ".join(config_schema.RULES)
        what = f"this gate has {' and '.join(rules)}" if rules else "this gate has none"
        hint = "Make one gate of each." if rules else "Add one, as `no_worse_than: 0.005`."
        fields.faults.add(fields.path, f"exactly one of {every} is needed; {what}.", hint, fields.line)
    low, high = _bound(fields, "min", metric, task), _bound(fields, "max", metric, task)
    no_worse_than, better_by = _margin(fields, "no_worse_than"), _margin(fields, "better_by")
    column = fields.text("slices")
    if column is not None and column not in columns:
        every = f"There are: {', '.join(columns)}." if columns else f"Add `slices: [{column}]` to the model."
        fields.fault(
            "slices", f"{shown(column)} is not one of the model's slices.", near(column, columns) or every
        )
    confidence = fields.number("confidence")
    if confidence is not None and not 0.5 < confidence < 1:
        hint = f"Is `{confidence / 100:g}` meant?" if 50 < confidence < 100 else ""
        fields.fault("confidence", f"{confidence:g} does not lie between 0.5 and 1.", hint)
    severity = fields.choice("severity", "block")
    if metric is None:
        return None
    return config.Gate(
        path=fields.path,
        metric=metric,
        min=low,
        max=high,
        no_worse_than=no_worse_than,
        better_by=better_by,
        slices=column,
        severity=severity,  # type: ignore[arg-type] # `choice` allows these values alone, or a fault is noted
        confidence=config_schema.CONFIDENCE if confidence is None else confidence,
        with_confidence=confidence is not None,
    )


def _bound(fields: Fields, rule: str, metric: config.Metric | None, task: str) -> float | None:
    """A bound that the metric can reach: 70 is no ROC AUC."""
    value = fields.number(rule)
    about = catalog.find(metric.name, task) if metric else None
    if value is None or about is None:
        return value
    above, below = about.low is None or value >= about.low, about.high is None or value <= about.high
    if not (above and below):
        span = (
            f"between {about.low:g} and {about.high:g}" if about.low is not None and about.high is not None
            else f"at {about.high:g} or below" if about.high is not None
            else f"at {about.low:g} or above"
        )  # fmt: skip
        fields.fault(
            rule,
            f"{about.name} lies {span}; {value:g} is out of reach.",
            f"Is `{value / 100:g}` meant?" if 1 < value <= 100 else "",
        )
    return value


_PERCENT = re.compile(config_schema.PERCENT.replace("$", r"\Z"))


def _margin(fields: Fields, rule: str) -> config.Margin | None:
    """`0.005`, absolute, or `1%` of the baseline's value."""
    node = fields.node(rule)
    if node is None:
        return None
    if isinstance(node, Scalar) and isinstance(node.value, str):
        if _PERCENT.match(node.value):
            return config.Margin(value=float(node.value.rstrip("% ")) / 100, relative=True)
        hint = "Write it without a sign." if node.value.lstrip().startswith(("-", "+")) else ""
        fields.fault(rule, f"expected a number or a percentage such as 1%, found {kind(node)}.", hint)
        return None
    value = fields.number(rule)
    if value is None:
        return None
    if value < 0:
        fields.fault(rule, f"a margin is not negative; found {value:g}.", f"Is `{-value:g}` meant?")
        return None
    return config.Margin(value=value)
