"""The JSON schema of a metric: its name, or its name with parameters, from the catalog."""

from __future__ import annotations

from modelrail.config.schema_parts import TEXT, Schema, table, text
from modelrail.core.metrics import catalog
from modelrail.core.metrics.entries import REPORTED, USER

FUNCTION = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
PAIR = r"^[^>]+>[^>]+$"
OWN_NAME = r"^[A-Za-z][A-Za-z0-9_]{0,59}$"


def _parameter(one: catalog.Parameter) -> Schema:
    about = {"description": one.meaning[:1].upper() + one.meaning[1:] + "."}
    if one.kind in {"choice", "test"}:
        return {"enum": list(one.choices), **about}
    if one.kind == "flag":
        return {"type": "boolean", **about}
    if one.kind == "function":
        return {"type": "string", "pattern": FUNCTION, "maxLength": 200, **about}
    if one.kind == "column":
        return text(about["description"], "naive_error")
    if one.kind == "class":
        return {"type": ["string", "integer", "boolean"], "pattern": TEXT, "maxLength": 1000, **about}
    if one.kind == "costs":
        return {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": PAIR, "maxLength": 200},
            "additionalProperties": {"type": "number", "minimum": 0},
            "examples": [{"late>on_time": 5}],
            **about,
        }
    limits: Schema = {}
    if one.kind == "whole":
        limits |= {} if one.low is None else {"minimum": int(one.low) + 1}
        limits |= {} if one.high is None else {"maximum": int(one.high) - 1}
        return {"type": "integer", **limits, **about}
    limits |= {} if one.low is None else {"exclusiveMinimum": one.low}
    limits |= {} if one.high is None else {"exclusiveMaximum": one.high}
    number = {"type": "number", **limits}
    if one.kind == "threshold":
        return {"oneOf": [number, {"const": catalog.TUNED}], **about}
    return number | about


def _parameters(name: str) -> Schema | None:
    found = {
        one.name: _parameter(one)
        for entry in catalog.METRICS
        if entry.name == name
        for one in entry.parameters
    }
    return table(found, (), f"Parameters of {name}.") | {"minProperties": 1} if found else None


PARAMETERS: dict[str, Schema] = {name: found for name in catalog.names() if (found := _parameters(name))}
OWN: tuple[Schema, ...] = tuple(
    table(
        {one.name: _parameter(one) for one in entry.parameters},
        tuple(one.name for one in entry.parameters),
        about,
    )
    for entry, about in (
        (USER, "A metric of your own; runs in the model's environment, its interval is by the bootstrap."),
        (REPORTED, "A number that training reports: it has no interval."),
    )
)

METRIC: Schema = {
    "description": "A metric by name, or its name with parameters; it must fit the task.",
    "examples": ["roc_auc", {"recall": {"at_precision": 0.6}}],
    "oneOf": [
        {"enum": list(catalog.names())},
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "propertyNames": {"pattern": OWN_NAME},
            "properties": PARAMETERS | {name: False for name in catalog.names() if name not in PARAMETERS},
            "additionalProperties": {"oneOf": list(OWN)},
        },
    ],
}
# A gate may also name a metric of the user's own by the name that `metrics` gave it.
NAMED_METRIC: Schema = METRIC | {"oneOf": [{"type": "string", "pattern": OWN_NAME}, METRIC["oneOf"][1]]}
