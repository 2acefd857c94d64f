"""The schema for editors and the checker agree where JSON schema can say it; nothing crashes the checker."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelrail.config import check as config_check
from modelrail.config import schema as config_schema
from modelrail.config import yaml_strict
from modelrail.config.resolved import Config
from modelrail.errors import ConfigError
from support_config import VALID, faults

SCHEMA = config_schema.schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
TREE: dict[str, Any] = yaml.safe_load(VALID)

# Not sayable in JSON schema (draft 7), or said by the checker alone.
BEYOND_SCHEMA = (
    "is not a metric of a",
    "is not one of the model's slices",
    "there is no stage",
    "go in a circle",
    "is the target",
    "listed twice",
    "out of reach",
    "has no positive class",
    "also the training table",
    "cannot be split",
    "a command is one line",
    "is out of range",
    "does not fit",
    "no metric is called",
    "needs its parameter",
    "needs it: ",
)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_the_valid_file_fits_the_schema() -> None:
    VALIDATOR.validate(TREE)


def test_every_key_is_described() -> None:
    def walk(schema: dict[str, Any], path: str) -> None:
        for key, inner in schema.get("properties", {}).items():
            assert "$ref" in inner or inner.get("description"), f"{path}.{key}"
            walk(inner, f"{path}.{key}")

    for name, definition in config_schema.DEFINITIONS.items():
        walk(definition, name)
    walk(config_schema.SLICE_TABLE, "slice")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        found += places(item, (*path, key))
    return found


PLACES = places(TREE)
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    3,
    0.5,
    1e6,
    "",
    " ",
    "x",
    "roc_auc",
    "rmse",
    "1%",
    "-1%",
    "2h",
    "90",
    "staging",
    "../up",
    "/abs",
    "-x",
    "a/../b",
    ".git/x",
    "a\\b",
    "~/x",
    "c:/x",
    "late",
    "python x.py",
    "carrier",
    [],
    {},
    ["x"],
    {"x": 1},
    [[]],
    "block",
    "manual",
    "$(id)",
    "a//b",
    "ä",
    "a\u202eb",
    "x" * 1001,
]


def mutate(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(tree)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value == "(delete)":
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_schema_and_checker_agree(path: tuple[Any, ...]) -> None:
    for value in [*ODD, "(delete)"]:
        tree = mutate(TREE, path, value)
        found = faults(yaml.safe_dump(tree, allow_unicode=True, width=10_000))
        said_by_both = [line for line in found if not any(words in line for words in BEYOND_SCHEMA)]
        by_schema = [error.message[:200] for error in VALIDATOR.iter_errors(tree)]
        assert bool(said_by_both) == bool(by_schema), (value, found, by_schema)


@pytest.mark.parametrize("place", [("models", "delay"), ("models", "delay", "data"), ("models",), ()])
def test_schema_and_checker_agree_on_added_keys(place: tuple[str, ...]) -> None:
    for key in ("extra", "a b", "x/y", "-x", "x/", "a//b", "1"):
        tree = copy.deepcopy(TREE)
        inner = tree
        for part in place:
            inner = inner[part]
        inner[key] = copy.deepcopy(TREE["models"]["delay"]) if place == ("models",) else "x"
        assert bool(faults(yaml.safe_dump(tree))) == (not VALIDATOR.is_valid(tree)), key


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(ODD[:28])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


def only_config_errors(text: str) -> None:
    """Anything but ConfigError escapes, and fails the test."""
    try:
        assert isinstance(config_check.parse(text, "f"), Config)
    except ConfigError as error:
        found = error.faults
    else:
        return
    assert found
    assert all(fault.what for fault in found)
    assert [fault.line for fault in found] == sorted(fault.line for fault in found)


@pytest.mark.fault(17)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_mutated_trees_never_crash(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    tree = TREE
    for path, value in changes:
        try:
            tree = mutate(tree, path, value)
        except (KeyError, IndexError, TypeError):
            continue
    only_config_errors(yaml.safe_dump(tree, allow_unicode=True))


@pytest.mark.fault(17)
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 6), junk=st.text(max_size=4))
def test_mutated_text_never_crashes(seed: int, count: int, junk: str) -> None:
    chance = random.Random(seed)
    text = VALID
    for _ in range(count):
        start = chance.randrange(len(text))
        end = min(len(text), start + chance.randrange(6))
        piece = chance.choice(
            ["", junk, text[start:end] * 2, "\n", ": ", "- ", "{", "]", "&a ", "*a", "!x ", "\t"]
        )
        text = text[:start] + piece + text[end:] or " "
    only_config_errors(text)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_never_crashes(text: str) -> None:
    only_config_errors(text)


@given(value=st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_written(value: float) -> None:
    assert yaml_strict.resolve(str(value)) == value
