"""What a change does to the policy that judges it, in words: added, removed, loosened, tightened."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelrail.config import resolved as config
from modelrail.core import wording
from modelrail.core.metrics import catalog
from modelrail.core.policy import checks, circumstances

_SEVERITY = {"block": 2, "warn": 1, "info": 0}
RULES = ("min", "max", "no_worse_than", "better_by", "within")


def changes(base: config.Model, head: config.Model) -> tuple[str, ...]:
    """From the base's policy to the head's. Gates are the same by name, else by metric, slices and rule."""
    found = _gates(base, head)
    found += _named("waiver", [_waiver(one) for one in base.waivers], [_waiver(one) for one in head.waivers])
    found += _named("slice", [_slice(one) for one in base.slices], [_slice(one) for one in head.slices])
    found += _stages(base.stages, head.stages)
    for what, before, after in (
        ("the positive class", base.positive, head.positive),
        ("the group of rows", base.data.group, head.data.group),
        ("the weight of rows", base.data.weight, head.data.weight),
        ("the time of rows", base.data.time, head.data.time),
        ("the times of a block", base.data.block, head.data.block),
        ("the lists that are ranked", base.data.query, head.data.query),
        ("the budget of the test set", _budget(base.test_budget), _budget(head.test_budget)),
    ):
        if before != after:
            found.append(f"changed: {what}, {before or 'none'} → {after or 'none'}")
    return tuple(found)


# --- gates -----------------------------------------------------------------------------------------------

Rule = config.Gate | config.Check


def _gates(base: config.Model, head: config.Model) -> list[str]:
    before: list[Rule] = [*base.gates, *base.checks]
    after: list[Rule] = [*head.gates, *head.checks]
    found: list[str] = []
    pairs, gone, new = _pairs(before, after)
    for one, two in pairs:
        if _plain(one) == _plain(two):
            continue
        how = _direction(one, two)
        found.append(f"{how}: {_told(one, base)} → {_told(two, head)}")
    found += [f"removed: {_told(one, base)}" for one in gone]
    found += [f"added: {_told(two, head)}" for two in new]
    return found


def _pairs(
    before: Sequence[Rule], after: Sequence[Rule]
) -> tuple[list[tuple[Rule, Rule]], list[Rule], list[Rule]]:
    """Which gate became which: the very same first, then by name, then by what it is about."""
    left, right = list(before), list(after)
    pairs: list[tuple[Rule, Rule]] = []
    for same in (_plain, _name, _about):
        for one in list(left):
            key = same(one)
            two = next((other for other in right if key is not None and same(other) == key), None)
            if two is not None:
                pairs.append((one, two))
                left.remove(one)
                right.remove(two)
    return pairs, left, right


def _plain(rule: Rule) -> object:
    """The gate without its place in the file."""
    return msgspec.structs.replace(rule, path="")


def _name(rule: Rule) -> object:
    return rule.name


def _about(rule: Rule) -> object:
    if isinstance(rule, config.Check):
        return rule.kind
    return rule.metric.label, rule.slices, next(name for name in RULES if getattr(rule, name) is not None)


def _direction(one: Rule, two: Rule) -> str:
    """`loosened` or `tightened` when every difference points that way, else `changed`."""
    signs = {sign for sign in _signs(one, two) if sign}
    return "changed" if len(signs) != 1 or None in signs else "loosened" if signs == {-1} else "tightened"


def _signs(one: Rule, two: Rule) -> list[int | None]:
    """-1 looser, 1 tighter, 0 equal, None cannot be told, for each part of a gate."""
    signs: list[int | None] = [_order(_SEVERITY[one.severity], _SEVERITY[two.severity])]
    signs.append(0 if one.when == two.when else -1 if one.when is None else 1 if two.when is None else None)
    if isinstance(one, config.Check) and isinstance(two, config.Check):
        return [*signs, _margins(one.max, two.max, -1)]
    if isinstance(one, config.Check) or isinstance(two, config.Check):
        return [*signs, None]
    if (one.metric, one.slices, one.only) != (two.metric, two.slices, two.only):
        signs.append(None)
    if (one.with_confidence and two.with_confidence) or one.min is one.max is two.min is two.max:
        signs.append(_order(one.confidence, two.confidence))
    elif one.with_confidence != two.with_confidence:
        signs.append(1 if two.with_confidence else -1)
    for name, toward in (("min", 1), ("max", -1)):
        signs.append(_numbers(getattr(one, name), getattr(two, name), toward))
    for name, toward in (("no_worse_than", -1), ("better_by", 1), ("within", -1)):
        signs.append(_margins(getattr(one, name), getattr(two, name), toward))
    return signs


def _order(before: float, after: float) -> int:
    return (after > before) - (after < before)


def _numbers(before: float | None, after: float | None, toward: int) -> int | None:
    if before is None or after is None:
        return 0 if before is after else None
    return toward * _order(before, after)


def _margins(before: config.Margin | None, after: config.Margin | None, toward: int) -> int | None:
    if before is None or after is None:
        return 0 if before is after else None
    return toward * _order(before.value, after.value) if before.relative == after.relative else None


# --- words -----------------------------------------------------------------------------------------------


def _told(rule: Rule, model: config.Model) -> str:
    if isinstance(rule, config.Check):
        text = checks.leakage_title(rule)
    else:
        metric = catalog.bind(rule.metric.name, model.task, rule.metric.params)
        text = rule.metric.label if metric is None else wording.gate_title(rule, metric)
    mild = "" if rule.severity == "block" else f" ({rule.severity})"
    when = f", {circumstances.told(rule.when)}" if rule.when else ""
    return f"{text}{when}{mild}"


def _waiver(one: config.Waiver) -> str:
    where = " ".join(part for part in (one.slices, one.slice) if part)
    about = f"{one.gate or one.metric}{f' ({where})' if where else ''}"
    return f"{about} by {one.owner} until {one.expires}: {one.reason}"


def _slice(one: config.Slice) -> str:
    how = f" in {one.bins} bins" if one.bins else f" where {one.where}" if one.where else ""
    return f"{one.column}{how}, from {one.min_rows:,} rows"


def _budget(one: config.Budget | None) -> str:
    return "" if one is None else f"{one.limit:,} ({one.severity})"


def _named(what: str, before: Sequence[str], after: Sequence[str]) -> list[str]:
    found = [f"removed: {what} {one}" for one in before if one not in after]
    return found + [f"added: {what} {one}" for one in after if one not in before]


def _stages(before: Sequence[config.Stage], after: Sequence[config.Stage]) -> list[str]:
    def told(one: config.Stage) -> str:
        source = f", from {one.source}" if one.source else ""
        several = f", up to {one.versions} versions" if one.versions > 1 else ""
        by = f", by {' or '.join(one.by)}" if one.by else ""
        return f"{one.name} (enter {one.enter}{source}, first {one.first}{several}{by})"

    return _named("stage", [told(one) for one in before], [told(one) for one in after])
