"""Which columns of the test table a comparison reads; no numpy, so that every command may ask."""

from __future__ import annotations

from modelrail.config import resolved as config
from modelrail.core.metrics import catalog


def of(model: config.Model) -> list[str]:
    """Each once: key, target and roles, then what slices and metrics read."""
    metrics = [
        catalog.bind(wanted.name, model.task, wanted.params)
        for wanted in (*model.metrics, *(gate.metric for gate in model.gates))
    ]
    named = [name for metric in metrics if metric is not None for name in metric.columns]
    parts = [name for wanted in sliced(model) for name in wanted.reads]
    return list(dict.fromkeys([*model.data.columns, *parts, *named]))


def sliced(model: config.Model) -> list[config.Slice]:
    """The model's slices, and columns that only a gate names."""
    found = {wanted.column: wanted for wanted in model.slices}
    for gate in model.gates:
        if gate.slices and gate.slices not in found:
            found[gate.slices] = config.Slice(column=gate.slices)
    return list(found.values())
