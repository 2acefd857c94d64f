"""What each metric is: one entry a metric and task. A new metric is one entry here and one function.

This module imports no numpy: the configuration check and the report read it too. `function` names the point
estimate with its influence function (`module:name` below `modelrail.core.metrics`); everything else (paired
intervals, clusters, weights, slices, relative margins) follows from the influence values and is written
once, in `core/inference`.

Families, by what the function takes:

* `cells`: a function of the confusion matrix. Rows collapse to at most K x K x K joint cells (truth,
  candidate, baseline), eight for a binary task, whatever the number of rows.
* `rows`: a function of truth and score (or value) row by row.
* `user`: a function of the user's own, run in the user's environment; `reported`: a number that the
  training wrote.

An entry with a `variant` is meant when the parameter of that name is given: `{recall: {at_precision: 0.6}}`
is another computation than `recall`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from modelrail.core.metrics.entries import METRICS, REPORTED, USER
from modelrail.core.metrics.entry import TUNED, Metric, Needs, Parameter, Task

__all__ = ["METRICS", "TUNED", "Metric", "Needs", "Parameter", "Task", "bind", "find", "names", "variants"]


def find(name: str, task: str, given: Mapping[str, Any] | None = None) -> Metric | None:
    """The entry of this name for this task that the given parameters mean; without its parameters."""
    every = variants(name, task)
    for entry in every:
        if entry.variant and entry.variant in (given or {}):
            return entry
    for entry in (USER, REPORTED):
        if not every and entry.variant in (given or {}):
            return replace(entry, name=name, title=name.replace("_", " "))
    return next((entry for entry in every if not entry.variant), None)


def variants(name: str, task: str) -> tuple[Metric, ...]:
    return tuple(entry for entry in METRICS if entry.name == name and task in entry.tasks)


def bind(name: str, task: str, given: Mapping[str, Any]) -> Metric | None:
    """The metric with its parameters, ready to be measured; None when there is no such one."""
    entry = find(name, task, given)
    if entry is None:
        return None
    known = {one.name for one in entry.parameters}
    missing = [one for one in entry.parameters if one.default is None and one.name not in given]
    if missing or not set(given) <= known:
        return None
    more: dict[str, Any] = {}
    if "higher_is_better" in given:
        more["higher_is_better"] = bool(given["higher_is_better"])
    if "threshold" in given:
        more["needs"] = "scores"
    if "average" in given and entry.title.startswith("macro "):
        more["title"] = entry.title.replace("macro", str(given["average"]))
    if "class" in given:
        what = "label" if entry.tasks == ("multilabel",) else "class"
        more |= {"title": entry.title.removeprefix("macro "), "rests_on": f"rows of the {what}"}
    return replace(entry, params=dict(given), **more)


def names(task: str | None = None) -> tuple[str, ...]:
    """The names that a task knows, in the catalog's order; all names without a task."""
    return tuple(dict.fromkeys(metric.name for metric in METRICS if task is None or task in metric.tasks))
