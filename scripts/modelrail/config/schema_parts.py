"""Pieces that the JSON schema of modelrail.yaml is made of."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# GTO's grammar of names, without the doubled slash that git refuses in a ref.
NAME = r"^[A-Za-z0-9]([A-Za-z0-9_-]|/(?!/))*(?<![/_-])$"
# Relative, inside the repository: no leading `/`, `-`, `~` or drive; no part `..` or `.git`; no backslash.
PATH = r"^(?=.*\S)(?![-/~])(?![A-Za-z]:)(?!(.*/)?\.\.(/|$))(?!(.*/)?\.[gG][iI][tT](/|$))[^\\\x00-\x1f\x7f]+$"
PERCENT = r"^[0-9]{1,9}(\.[0-9]{1,9})? ?%$"
DURATION = r"^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
TEXT = r"\S"  # anything but blanks


def path(description: str, example: str) -> Schema:
    return {
        "type": "string",
        "pattern": PATH,
        "maxLength": 500,
        "description": description,
        "examples": [example],
    }


def text(description: str, *examples: str, **more: Any) -> Schema:
    return {
        "type": "string", "pattern": TEXT, "maxLength": 1000, "description": description,
        "examples": list(examples), **more,
    }  # fmt: skip


def texts(description: str, *examples: Any, choices: tuple[str, ...] = ()) -> Schema:
    """One text, or a list of them."""
    one: Schema = (
        {"enum": list(choices)} if choices else {"type": "string", "pattern": TEXT, "maxLength": 1000}
    )
    return {
        "description": description,
        "examples": list(examples),
        "oneOf": [one, {"type": "array", "minItems": 1, "items": one}],
    }


def choice(values: tuple[str, ...], default: str | None, description: str) -> Schema:
    found: Schema = {"enum": list(values), "description": description}
    return found | ({"default": default} if default else {})


def table(properties: Schema, required: tuple[str, ...], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def margin(description: str, *examples: Any) -> Schema:
    return {
        "description": description,
        "examples": list(examples or (0.005, "1%")),
        "oneOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": PERCENT},
        ],
    }


def duration(description: str, default: str) -> Schema:
    return {
        "type": "string", "pattern": DURATION, "default": default, "description": description,
        "examples": ["90s", "30m", "1h30m"],
    }  # fmt: skip
