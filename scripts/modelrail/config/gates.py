"""Gates of modelrail.yaml, as check.py reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import msgspec

from modelrail.config import metrics as config_metrics
from modelrail.config import policy as config_policy
from modelrail.config import resolved as config
from modelrail.config import schema as config_schema
from modelrail.config import schema_policy as config_schema_policy
from modelrail.config import slices as config_slices
from modelrail.config.fields import Faults, Fields
from modelrail.config.yaml_strict import Scalar, Table, kind, shown
from modelrail.core.metrics import catalog

FUTURE_GATES = ("drift", "robustness", "latency", "fairness", "calibration")
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


def gates(
    fields: Fields,
    task: str,
    listed: tuple[config.Metric, ...],
    sliced: tuple[config.Slice, ...],
    stages: tuple[str, ...],
    *,
    train: bool,
) -> tuple[tuple[config.Gate, ...], tuple[config.Check, ...], tuple[config.Metric, ...]]:
    """The gates, those without a metric, and the metrics with those added that only gates name."""
    found: list[config.Gate] = []
    checks: list[config.Check] = []
    named = list(listed)
    for index, node in enumerate(fields.items("gates")):
        path = f"{fields.at('gates')}[{index}]"
        if isinstance(node, Table) and _is_future(fields.faults, node, path):
            continue
        if isinstance(node, Table) and "gate" in node.entries:
            rest = Fields(fields.faults, node, path, config_schema.DEFINITIONS["check"])
            check = config_policy.check(rest, _margin, stages, train=train)
            checks += [check] if check else []
            continue
        inner = Fields(fields.faults, node, path, config_schema.DEFINITIONS["gate"], GATE_HINTS)
        gate = None if inner.broken else _gate(inner, task, sliced, stages, listed)
        if gate is None:
            continue
        found.append(gate)
        if gate.metric.label not in {one.label for one in named}:
            named.append(gate.metric)
    names = [name for name in (*(one.name for one in found), *(one.name for one in checks)) if name]
    for name in sorted({one for one in names if names.count(one) > 1}):
        fields.fault("gates", f"the name {shown(name)} is listed twice.", "Each gate has its own.")
    return tuple(found), tuple(checks), tuple(named)


def waivers(
    fields: Fields,
    task: str,
    found: tuple[config.Gate, ...],
    checks: tuple[config.Check, ...],
    sliced: tuple[config.Slice, ...],
    stages: tuple[str, ...],
) -> tuple[config.Waiver, ...]:
    named = partial(_named_metric, task=task, named=tuple(gate.metric for gate in found))
    return config_policy.waivers(fields, found, checks, sliced, stages, named)


def _named_metric(
    fields: Fields, key: str, *, task: str, named: Sequence[config.Metric]
) -> config.Metric | None:
    node = fields.node(key)
    return None if node is None else config_metrics.metric(fields.faults, node, fields.at(key), task, named)


def slice_search(fields: Fields, task: str, listed: tuple[config.Metric, ...]) -> config.SliceSearch | None:
    inner, found = config_slices.search(fields)
    if inner is None or found is None:
        return None
    metric = _named_metric(inner, "metric", task=task, named=listed)
    if metric is not None and metric not in listed:
        hint = f"There are: {', '.join(known.label for known in listed)}."
        inner.fault("metric", f"{metric.label} is not one of the model's metrics.", hint)
    return msgspec.structs.replace(found, metric=metric.label if metric else None)


def _is_future(faults: Faults, node: Table, path: str) -> bool:
    """A gate that later versions bring: one clear fault instead of several puzzling ones."""
    named = node.entries.get("gate")
    if not (isinstance(named, Scalar) and named.value in FUTURE_GATES):
        return False
    hint = "Take this gate out until a later version of modelrail has it."
    faults.add(f"{path}.gate", f"the gate {named.value} is not in this version.", hint, node.lines["gate"])
    return True


def _gate(
    fields: Fields,
    task: str,
    sliced: tuple[config.Slice, ...],
    stages: tuple[str, ...],
    listed: tuple[config.Metric, ...],
) -> config.Gate | None:
    metric = _named_metric(fields, "metric", task=task, named=listed)
    rules = [rule for rule in config_schema.RULES if rule in fields]
    if len(rules) != 1:
        every = ", ".join(config_schema.RULES)
        what = f"this gate has {' and '.join(rules)}" if rules else "this gate has none"
        hint = "Make one gate of each." if rules else "Add one, as `no_worse_than: 0.005`."
        fields.faults.add(fields.path, f"exactly one of {every} is needed; {what}.", hint, fields.line)
    low, with_low = _bound(fields, "min", metric, task)
    high, with_high = _bound(fields, "max", metric, task)
    margins = {rule: _margin(fields, rule) for rule in ("no_worse_than", "better_by", "within")}
    if margins["within"] is not None and margins["within"].value == 0:
        fields.fault("within", "nothing lies within a margin of 0; it is out of range.", "As `within: 0.01`.")
    column, only = config_slices.resolve(fields, sliced), config_slices.names(fields, "only")
    if only and "slices" not in fields:
        fields.fault("only", "without `slices` it is out of range.", "Add `slices:` to the gate.")
    beside = _confidence(fields)
    inside = with_low if with_low is not None else with_high
    if beside is not None and inside is not None:
        fields.fault(
            "confidence", "the confidence is listed twice.", "Keep the one beside the bound's value."
        )
    confidence = beside if beside is not None else inside
    name, when = config_policy.name(fields), config_policy.when(fields, stages)
    severity = fields.choice("severity", "block")
    if metric is None:
        return None
    _can_be_decided(fields, metric, task, inside=with_low is not None or with_high is not None)
    return config.Gate(
        path=fields.path,
        metric=metric,
        name=name,
        min=low,
        max=high,
        no_worse_than=margins["no_worse_than"],
        better_by=margins["better_by"],
        within=margins["within"],
        slices=column,
        only=only,
        when=when,
        severity=severity,  # type: ignore[arg-type] # `choice` allows these values alone, or a fault is noted
        confidence=config_schema.CONFIDENCE if confidence is None else confidence,
        with_confidence=confidence is not None,
    )


def _can_be_decided(fields: Fields, metric: config.Metric, task: str, *, inside: bool) -> None:
    """Of a metric without an interval a gate can judge the value alone: all else would stay open for ever."""
    about = catalog.bind(metric.name, task, metric.params)
    if about is None or about.interval != "none":
        return
    bound = "min" if about.higher_is_better else "max"
    for rule in ("no_worse_than", "better_by", "within"):
        if rule in fields:
            what = f"{metric.label} has no interval: {rule} does not fit, no test set could decide it."
            fields.fault(rule, what, f"Judge its value: `{bound}: ...`.")
    if "confidence" in fields or inside:
        key = "confidence" if "confidence" in fields else "min" if "min" in fields else "max"
        what = f"{metric.label} has no interval: a confidence does not fit."
        fields.fault(key, what, "Take the confidence out; its value alone is judged.")
    if "slices" in fields:
        why = "is one number of all rows" if about.family == "reported" else "has no interval"
        what = f"{metric.label} {why}: slices does not fit, no slice of it is judged."
        fields.fault("slices", what, "Take `slices` out, or take another metric.")


def _confidence(fields: Fields) -> float | None:
    confidence = fields.number("confidence")
    if confidence is not None and not 0.5 < confidence < 1:
        hint = f"Is `{confidence / 100:g}` meant?" if 50 < confidence < 100 else ""
        fields.fault("confidence", f"{confidence:g} does not lie between 0.5 and 1.", hint)
    return confidence


def _bound(
    fields: Fields, rule: str, metric: config.Metric | None, task: str
) -> tuple[float | None, float | None]:
    """A bound that the metric can reach (70 is no ROC AUC), and the confidence written with it."""
    node = fields.node(rule)
    if not isinstance(node, Table):
        return _reachable(fields, rule, fields.number(rule), metric, task), None
    inner = Fields(fields.faults, node, fields.at(rule), config_schema_policy.BOUND_TABLE)
    value = _reachable(inner, "value", inner.number("value"), metric, task)
    confidence = _confidence(inner)
    return value, config_schema.CONFIDENCE if confidence is None else confidence


def _reachable(
    fields: Fields, key: str, value: float | None, metric: config.Metric | None, task: str
) -> float | None:
    about = catalog.bind(metric.name, task, metric.params) if metric else None
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
            key,
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
