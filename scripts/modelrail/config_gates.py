"""Metrics, slices and gates of modelrail.yaml, as config_check.py reads them."""

from __future__ import annotations

import math
import re
from typing import Any

from modelrail import config, config_schema
from modelrail.config_fields import Fields, Faults, near, number, text
from modelrail.core import metric_names
from modelrail.yaml_strict import Node, Scalar, Table, join, kind, shown

FUTURE_GATES = ("leakage", "drift", "robustness", "latency", "fairness", "calibration")
GATE_HINTS = {
    "slice": 'Did you mean "slices"?', "minimum": 'Did you mean "min"?', "at_least": 'Did you mean "min"?',
    "maximum": 'Did you mean "max"?', "at_most": 'Did you mean "max"?', "margin": 'Did you mean "no_worse_than"?',
    "not_worse_than": 'Did you mean "no_worse_than"?', "better_than": 'Did you mean "better_by"?',
}  # fmt: skip


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
    """`roc_auc`, or `{recall: {at_precision: 0.6}}`."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return config.Metric(name=node.value) if _fits(faults, node.value, path, task, node.line) else None
    if not (isinstance(node, Table) and len(node.entries) == 1):
        hint = "Write `roc_auc`, or `{recall: {at_precision: 0.6}}`."
        faults.add(path, f"expected a metric, found {kind(node)}.", hint, node.line)
        return None
    (name, inner), *_ = node.entries.items()
    if not _fits(faults, name, path, task, node.line):
        return None
    params = _params(faults, name, inner, join(path, name), task)
    return None if params is None else config.Metric(name=name, params=params)


def _fits(faults: Faults, name: str, path: str, task: str, line: int) -> bool:
    info = metric_names.METRICS.get(name)
    known = metric_names.for_task(task) or tuple(metric_names.METRICS)
    if info is None:
        other = metric_names.OTHER_NAMES.get(name.lower())
        hint = f'Did you mean "{other}"?' if other in known else near(name.lower(), known)
        faults.add(path, f"unknown metric {shown(name)}.", hint or f"Known: {', '.join(known)}.", line)
        return False
    if task and task not in info.tasks:
        hint = f"For {task}: {', '.join(known)}."
        faults.add(path, f"{name} is not a metric of a {task} task.", hint, line)
        return False
    return True


def _params(faults: Faults, name: str, node: Node, path: str, task: str) -> dict[str, float] | None:
    known = metric_names.METRICS[name].params
    if not known:
        faults.add(path, f"{name} takes no parameters.", f"Write `{name}`.", node.line)
        return None
    if task and task not in metric_names.PARAMETER_TASKS:
        faults.add(path, f"{name} takes no parameters in a {task} task.", f"Write `{name}`.", node.line)
        return None
    if not isinstance(node, Table) or not node.entries:
        hint = f"Write `{{{name}: {{{next(iter(known))}: 0.6}}}}`."
        what = "an empty mapping" if isinstance(node, Table) else kind(node)
        faults.add(path, f"expected the parameters of {name}, found {what}.", hint, node.line)
        return None
    found: dict[str, float] = {}
    for key, value in node.entries.items():
        here = join(path, key)
        param = known.get(key)
        if param is None:
            hint = near(key, known) or f"Known: {', '.join(known)}."
            faults.add(here, "unknown parameter.", hint, node.lines[key])
            continue
        amount = number(faults, value, here)
        if amount is None:
            continue
        if not param.low < amount < param.high:
            faults.add(
                here, f"{amount:g} does not lie between {param.low:g} and {param.high:g}.", "", value.line
            )
            continue
        found[key] = amount
    return found if len(found) == len(node.entries) else None


def slices(fields: Fields, target: str) -> tuple[config.Slice, ...]:
    found: list[config.Slice] = []
    for index, node in enumerate(fields.items("slices")):
        path = f"{fields.at('slices')}[{index}]"
        one = _slice(fields.faults, node, path)
        if one is None:
            continue
        if any(other.column == one.column for other in found):
            fields.faults.add(
                path, f"the column {shown(one.column)} is listed twice.", "Keep one of them.", node.line
            )
        elif one.column == target:
            hint = "A slice by the label holds one class alone; use recall or precision."
            fields.faults.add(path, f"{shown(one.column)} is the target.", hint, node.line)
        else:
            found.append(one)
    return tuple(found)


def _slice(faults: Faults, node: Node, path: str) -> config.Slice | None:
    if not isinstance(node, Table):
        column = text(faults, node, path)
        return None if column is None else config.Slice(column=column)
    schema = config_schema.DEFINITIONS["slice"]["oneOf"][1]
    inner = Fields(faults, node, path, schema)
    column = inner.text("column")
    bins, rows = inner.integer("bins"), inner.integer("min_rows")
    if column is None:
        return None
    return config.Slice(column=column, bins=bins, min_rows=30 if rows is None else rows)


def gates(
    fields: Fields, task: str, listed: tuple[config.Metric, ...], sliced: tuple[config.Slice, ...]
) -> tuple[tuple[config.Gate, ...], tuple[config.Metric, ...]]:
    """The gates, and the metrics with those added that only gates name."""
    found: list[config.Gate] = []
    shown_metrics = list(listed)
    for index, node in enumerate(fields.items("gates")):
        path = f"{fields.at('gates')}[{index}]"
        if isinstance(node, Table) and "gate" in node.entries:
            _future(fields.faults, node, path)
            continue
        inner = Fields(fields.faults, node, path, config_schema.DEFINITIONS["gate"], GATE_HINTS)
        gate = None if inner.broken else _gate(inner, task, listed, sliced, [one.column for one in sliced])
        if gate is None:
            continue
        found.append(gate)
        if gate.metric not in shown_metrics:
            shown_metrics.append(gate.metric)
    return tuple(found), tuple(shown_metrics)


def _future(faults: Faults, node: Table, path: str) -> None:
    named = node.entries["gate"]
    line = node.lines["gate"]
    if isinstance(named, Scalar) and named.value in FUTURE_GATES:
        hint = "Take the gate out until a version of modelrail has it."
        faults.add(f"{path}.gate", f"the gate {named.value} is not in this version.", hint, line)
        return
    hint = "A gate is `{metric: roc_auc, min: 0.7}`."
    faults.add(f"{path}.gate", "unknown key.", hint, line)


def _gate(
    fields: Fields,
    task: str,
    listed: tuple[config.Metric, ...],
    sliced: tuple[config.Slice, ...],
    columns: list[str],
) -> config.Gate | None:
    metric = _gate_metric(fields, task, listed)
    rules = [rule for rule in config_schema.RULES if rule in fields]
    if len(rules) != 1:
        every = ", ".join(config_schema.RULES)
        what = f"has {' and '.join(rules)}" if rules else "has no rule"
        hint = "Make one gate of each." if rules else "Add one, as `no_worse_than: 0.005`."
        fields.faults.add(
            fields.path, f"exactly one of {every} is needed; this gate {what}.", hint, fields.line
        )
    lows = {rule: _bound(fields, rule, metric) for rule in ("min", "max")}
    margins = {rule: _margin(fields, rule) for rule in ("no_worse_than", "better_by")}
    column = fields.text("slices")
    if column is not None and column not in columns:
        hint = near(column, columns) or (
            f"There are: {', '.join(columns)}." if sliced else f"Add `slices: [{column}]` to the model."
        )
        fields.fault("slices", f"{shown(column)} is not one of the model's slices.", hint)
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
        min=lows["min"],
        max=lows["max"],
        no_worse_than=margins["no_worse_than"],
        better_by=margins["better_by"],
        slices=column,
        severity=severity,  # type: ignore[arg-type] # `choice` allows these values alone, or a fault is noted
        confidence=0.95 if confidence is None else confidence,
    )


def _gate_metric(fields: Fields, task: str, listed: tuple[config.Metric, ...]) -> config.Metric | None:
    """A bare name means the listed metric of that name, with the parameters it has there."""
    node = fields.node("metric")
    if node is None:
        return None
    metric = _metric(fields.faults, node, fields.at("metric"), task)
    if metric is None or metric.params:
        return metric
    same = [one for one in listed if one.name == metric.name]
    if metric in same or not same:
        return metric
    if len(same) > 1:
        labels = " or ".join(one.label for one in same)
        hint = "Write the parameters here too, as `{recall: {at_precision: 0.6}}`."
        fields.fault("metric", f"{metric.name} may mean {labels}.", hint)
        return None
    return same[0]


def _bound(fields: Fields, rule: str, metric: config.Metric | None) -> float | None:
    value = fields.number(rule)
    if value is None or metric is None:
        return value
    info = metric_names.METRICS[metric.name]
    if not info.low <= value <= info.high:
        span = (
            f"between {info.low:g} and {info.high:g}"
            if math.isfinite(info.high)
            else f"at {info.low:g} or above"
        )
        if not math.isfinite(info.low):
            span = f"at {info.high:g} or below"
        hint = f"Is `{value / 100:g}` meant?" if info.low <= value / 100 <= info.high and value > 1 else ""
        fields.fault(rule, f"{metric.name} lies {span}; {value:g} cannot be met or missed.", hint)
    return value


_PERCENT = re.compile(config_schema.PERCENT.replace("$", r"\Z"))


def _margin(fields: Fields, rule: str) -> config.Margin | None:
    """`0.005`, absolute, or `1%` of the baseline's value."""
    node: Any = fields.node(rule)
    if node is None:
        return None
    if isinstance(node, Scalar) and isinstance(node.value, str):
        if _PERCENT.match(node.value) and len(node.value) < 20:
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
