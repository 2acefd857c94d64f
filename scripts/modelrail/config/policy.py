"""What stands around the gates in modelrail.yaml: conditions, checks, waivers, budget, further baselines."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from modelrail.config import resolved as config
from modelrail.config import schema_policy as config_schema_policy
from modelrail.config import slices as config_slices
from modelrail.config.fields import Fields, near, number
from modelrail.config.yaml_strict import Scalar, Table, kind, shown
from modelrail.core.registry.versions import is_version

ReadMetric = Callable[[Fields, str], config.Metric | None]
ReadMargin = Callable[[Fields, str], config.Margin | None]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)

WAIVER_HINTS = {
    "until": 'Did you mean "expires"?',
    "expiry": 'Did you mean "expires"?',
    "by": 'Did you mean "owner"?',
    "why": 'Did you mean "reason"?',
    "value": 'Did you mean "slice"?',
}


def name(fields: Fields) -> str | None:
    found = fields.text("name")
    if found is not None and not _NAME.match(found):
        fields.fault("name", f"{shown(found)} is not a name.", "Letters, digits, `-`, `_` and `.`.")
    return found


def when(fields: Fields, stages: tuple[str, ...]) -> config.When | None:
    node = fields.node("when")
    if node is None:
        return None
    inner = Fields(fields.faults, node, fields.at("when"), config_schema_policy.WHEN)
    if inner.broken:
        return None
    changed = config_slices.names(inner, "changed")
    for one in changed:
        if one not in config_schema_policy.CHANGES:
            known = config_schema_policy.CHANGES
            every = f"One of: {', '.join(known)}."
            inner.fault("changed", f"unknown word {shown(one)}.", near(one, known) or every)
    wanted = config_slices.names(inner, "stage")
    for one in wanted:
        if one not in stages:
            hint = near(one, stages) or f"There are: {', '.join(stages)}."
            inner.fault("stage", f"there is no stage {shown(one)}.", hint)
    return config.When(changed=changed, stage=wanted, label=config_slices.names(inner, "label"))


def check(fields: Fields, margin: ReadMargin, stages: tuple[str, ...], *, train: bool) -> config.Check | None:
    """`{gate: leakage, max: 0}`."""
    kind_ = fields.choice("gate")
    most = margin(fields, "max")
    if most is not None and not most.relative and most.value != int(most.value):
        fields.fault("max", f"expected a number of rows or a percentage; {most.value:g} is out of range.")
    if kind_ == "leakage" and not train:
        hint = "Name the training table: `data: {train: data/train.parquet, ...}`."
        fields.fault(
            "gate", "leakage needs a training table; there is no stage of the data to look at.", hint
        )
    found = config.Check(
        path=fields.path,
        kind="leakage",
        max=most or config.Margin(value=0.0),
        name=name(fields),
        severity=fields.choice("severity", "block"),  # type: ignore[arg-type] # one of these, or a fault
        when=when(fields, stages),
    )
    return found if kind_ else None


def waivers(
    fields: Fields,
    gates: tuple[config.Gate, ...],
    checks: tuple[config.Check, ...],
    sliced: tuple[config.Slice, ...],
    stages: tuple[str, ...],
    read_metric: ReadMetric,
) -> tuple[config.Waiver, ...]:
    found = []
    for index, node in enumerate(fields.items("waivers")):
        path = f"{fields.at('waivers')}[{index}]"
        inner = Fields(fields.faults, node, path, config_schema_policy.WAIVER, WAIVER_HINTS)
        if inner.broken:
            continue
        one = _waiver(inner, sliced, stages, read_metric)
        if one is None:
            continue
        found.append(one)
        _of_a_gate(inner, one, gates, checks)
    return tuple(found)


def _waiver(
    inner: Fields, sliced: tuple[config.Slice, ...], stages: tuple[str, ...], read_metric: ReadMetric
) -> config.Waiver | None:
    owner, reason, expires = inner.text("owner"), inner.text("reason"), inner.text("expires")
    gate = inner.text("gate")
    metric = read_metric(inner, "metric") if "metric" in inner else None
    if ("gate" in inner) == ("metric" in inner):
        what = "both are there" if "gate" in inner else "neither is there"
        inner.faults.add(
            inner.path, f"exactly one of gate, metric is needed; {what}.", "Name the gate.", inner.line
        )
    stage = inner.text("stage")
    if stage is not None and stage not in stages:
        every = near(stage, stages) or f"There are: {', '.join(stages)}."
        inner.fault("stage", f"there is no stage {shown(stage)}.", every)
    slices, part = config_slices.resolve(inner, sliced), inner.text("slice")
    if expires is not None and not _is_date(expires):
        inner.fault("expires", f"expected a date such as 2027-03-31, found {shown(expires)}.")
        expires = None
    if owner is None or reason is None or expires is None:
        return None
    return config.Waiver(
        path=inner.path, owner=owner, reason=reason, expires=expires, gate=gate,
        metric=metric.label if metric else None, slices=slices, slice=part, stage=stage,
    )  # fmt: skip


def _of_a_gate(
    inner: Fields, one: config.Waiver, gates: tuple[config.Gate, ...], checks: tuple[config.Check, ...]
) -> None:
    """A waiver that names no gate would be believed to do something."""
    if one.gate is not None:
        known = [gate.name for gate in gates if gate.name] + [check.kind for check in checks]
        known += [check.name for check in checks if check.name]
        if one.gate not in known:
            every = f"Names: {', '.join(known)}." if known else "Give the gate a `name:`."
            inner.fault("gate", f"{shown(one.gate)} is not one of the gates.", near(one.gate, known) or every)
    elif one.metric is not None and not any(_about(one, gate) for gate in gates):
        place = f" over {one.slices}" if one.slices else ""
        inner.fault(
            "metric", f"{one.metric}{place} is not one of the gates.", "A waiver is for a gate that is there."
        )


def _about(one: config.Waiver, gate: config.Gate) -> bool:
    return gate.metric.label == one.metric and (one.slices is None or gate.slices == one.slices)


def _is_date(value: str) -> bool:
    if not _DATE.match(value):
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def budget(fields: Fields) -> config.Budget | None:
    node, path = fields.node("test_budget"), fields.at("test_budget")
    if node is None:
        return None
    if isinstance(node, Table):
        inner = Fields(fields.faults, node, path, config_schema_policy.BUDGET_TABLE)
        limit = inner.integer("limit")
        severity = inner.choice("severity", "warn")
        return None if limit is None else config.Budget(path=path, limit=limit, severity=severity)  # type: ignore[arg-type]
    value = number(fields.faults, node, path)
    if value is None:
        return None
    if value < 1 or value != int(value):
        fields.fault("test_budget", f"expected a whole number from 1, found {value:g}.")
        return None
    return config.Budget(path=path, limit=int(value))


def baselines(fields: Fields) -> tuple[config.Other, ...]:
    found: list[config.Other] = []
    for index, node in enumerate(fields.items("baselines")):
        path = f"{fields.at('baselines')}[{index}]"
        if isinstance(node, Table):
            inner = Fields(fields.faults, node, path, config_schema_policy.VERSION_TABLE)
            version = inner.text("version")
            if version is None:
                continue
            if not (is_version(version) and re.fullmatch(r"v\d+\.\d+\.\d+", version, re.ASCII)):
                inner.fault("version", f"{shown(version)} is not a version.", "Write it like v1.0.0.")
                continue
            one = config.Other(kind="version", version=version)
        elif isinstance(node, Scalar) and node.value in config_schema_policy.OTHERS:
            one = config.Other(kind=str(node.value))  # type: ignore[arg-type]
        else:
            known = config_schema_policy.OTHERS
            word = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
            hint = near(word, known) or f"One of: {', '.join(known)}, {{version: v1.0.0}}."
            fields.faults.add(path, f"expected a baseline, found {kind(node)}.", hint, node.line)
            continue
        if one in found:
            fields.faults.add(path, "this baseline is listed twice.", "Keep one of them.", node.line)
        else:
            found.append(one)
    return tuple(found)
