"""From a catalog entry to its function, parameters bound."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, cast

from modelrail.core.metrics.catalog import Metric
from modelrail.core.metrics.estimate import Estimate, Floats, View

UNKNOWN = -1  # code of a class that no row has


def of_cells(metric: Metric, classes: Sequence[str] = ()) -> Callable[[Floats], Estimate]:
    return cast(
        "Callable[[Floats], Estimate]", partial(_load(metric.function), **_arguments(metric, classes))
    )


def of_rows(metric: Metric, classes: Sequence[str] = ()) -> Callable[[View], Estimate]:
    return cast("Callable[[View], Estimate]", partial(_load(metric.function), **_arguments(metric, classes)))


def _arguments(metric: Metric, classes: Sequence[str]) -> dict[str, Any]:
    found = dict(metric.fixed)
    for parameter in metric.parameters:
        if parameter.name not in metric.params or parameter.kind in {"threshold", "test"}:
            continue
        value = metric.params[parameter.name]
        if parameter.kind == "class":
            found["cls"] = _code(str(value), classes)
        elif parameter.kind == "costs":
            found["costs"] = {
                pair: cost for names, cost in value.items() if UNKNOWN not in (pair := _pair(names, classes))
            }
        else:
            found[parameter.name] = int(value) if parameter.kind == "whole" else value
    return found


def _pair(names: str, classes: Sequence[str]) -> tuple[int, int]:
    truth, _, predicted = names.partition(">")
    return _code(truth.strip(), classes), _code(predicted.strip(), classes)


def _code(name: str, classes: Sequence[str]) -> int:
    return list(classes).index(name) if name in classes else UNKNOWN


@cache
def _load(function: str) -> Callable[..., Estimate]:
    module, _, name = function.partition(":")
    return cast(
        "Callable[..., Estimate]", getattr(importlib.import_module(f"modelrail.core.metrics.{module}"), name)
    )
