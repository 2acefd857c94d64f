"""Parameters and metrics that a user's own files hold: flattened, strictly read, digested by content."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from modelrail.errors import DataError, TrainingError

MAX_DEPTH = 32


def parse(data: bytes, name: str) -> Any:
    """The content of a YAML, JSON or TOML file. Raises DataError when it is none of them."""
    try:
        text = data.decode("utf-8")
        if name.endswith(".toml"):
            return tomllib.loads(text)
        if name.endswith(".json"):
            return json.loads(text)
        return yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(
            f"The parameter file {name} cannot be read.",
            why=str(error),
            next="Write it as YAML, JSON or TOML.",
            file=name,
        ) from None


def flatten(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Leaves with dotted keys; list items are numbered (`layers.0`)."""
    if depth > MAX_DEPTH:
        raise DataError(f"{prefix} is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flatten(item, f"{prefix}.{key}" if prefix else str(key), depth + 1)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for index, item in enumerate(value):
            yield from flatten(item, f"{prefix}.{index}" if prefix else str(index), depth + 1)
    elif prefix:
        yield prefix, value


def as_text(value: Any) -> str:
    """A leaf as people write it: `true`, `0.1`, `[1, 2]`; never Python's own spelling."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def read(data: bytes, name: str) -> dict[str, str]:
    """The parameters as text by dotted key, sorted."""
    return {key: as_text(value) for key, value in sorted(flatten(parse(data, name)))}


def digest(params: Mapping[str, str]) -> str:
    """Of the values, not of the bytes: a comment or another order of keys is no other parameter set."""
    text = json.dumps(dict(sorted(params.items())), ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def metrics(data: bytes, name: str) -> dict[str, float]:
    """The metrics that a training script wrote: finite numbers all; the first that is none is named.

    Raises TrainingError.
    """
    try:
        content = parse(data, name)
        if not isinstance(content, Mapping):
            raise TrainingError(
                f"The metrics file {name} holds no mapping of names to numbers.",
                next='Write it like {"roc_auc": 0.81}.',
                file=name,
            )
        leaves = list(flatten(content))
    except DataError as error:
        raise TrainingError(error.what.replace("parameter", "metrics"), why=error.why, file=name) from None
    found: dict[str, float] = {}
    for key, value in leaves:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            shown = "null" if value is None else repr(value)
            raise TrainingError(
                f"The metric {key!r} in {name} is {shown[:80]}, which is not a finite number.",
                next="A metric that is not defined must be left out.",
                path=key,
                file=name,
            )
        found[key] = float(value)
    return found
