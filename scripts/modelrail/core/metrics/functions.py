"""From a catalog entry to its function."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import cast

from modelrail.core.metrics.catalog import Metric
from modelrail.core.metrics.estimate import Estimate, Floats, View


def of_cells(metric: Metric) -> Callable[[Floats], Estimate]:
    return cast("Callable[[Floats], Estimate]", _load(metric.function))


def of_rows(metric: Metric) -> Callable[[View], Estimate]:
    return cast("Callable[[View], Estimate]", _load(metric.function))


@cache
def _load(function: str) -> object:
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(f"modelrail.core.metrics.{module}"), name)
