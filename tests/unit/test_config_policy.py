"""Slices, gates, waivers and their surroundings in modelrail.yaml."""

# ruff: noqa: E501 - the policy stands whole

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest
import yaml
from test_config_schema import BEYOND_SCHEMA as METRIC_BEYOND_SCHEMA
from test_config_schema import ODD, mutate, places

from modelrail.config import resolved as config
from modelrail.config import schema as config_schema
from support_config import VALID, faults, parse

POLICY = VALID.replace(
    "slices: [carrier, {column: distance, bins: 5, min_rows: 100}]",
    """slices:
      - carrier
      - {column: distance, bins: 5, min_rows: 100}
      - [carrier, distance]
      - {columns: [carrier, origin, distance], depth: 2, min_rows: 50}
      - {name: long_haul, where: "distance > 1000 and carrier == 'EV'"}""",
).replace(
    "    stages:\n",
    """      - {metric: roc_auc, min: {value: 0.6, confidence: 0.9}, slices: [distance, carrier], only: [EV]}
      - {metric: brier, within: 0.01, name: same-brier, when: {changed: [code, environment], stage: production}}
      - {metric: recall, max: {value: 0.9}, slices: long_haul, when: {label: [risky]}}
      - {gate: leakage, max: 1%, severity: warn, when: {changed: data}}
    waivers:
      - {gate: same-brier, owner: ana, reason: new calibration, expires: 2027-03-31}
      - {metric: recall, slices: carrier, slice: EV, stage: staging, owner: bo, reason: EV ends, expires: 2027-01-01}
    slice_search: {depth: 2, min_rows: 300, metric: brier}
    test_budget: {limit: 20, severity: block}
    baselines: [latest, best, majority, {version: v1.0.0}]
    stages:
""",
)
SCHEMA = config_schema.schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
TREE: dict[str, Any] = yaml.safe_load(
    POLICY.replace("2027-03-31", "'2027-03-31'").replace("2027-01-01", "'2027-01-01'")
)
BEYOND_SCHEMA = (
    *METRIC_BEYOND_SCHEMA, "is not one of", "at character", "ways to slice", "needs a training table",
)  # fmt: skip
PLACES = [
    path
    for path in places(TREE)
    if len(path) > 2
    and "metric" not in path
    and path[2] in {"slices", "gates", "waivers", "slice_search", "test_budget", "baselines"}
]


def model() -> config.Model:
    return parse(POLICY).models[0]


def test_slices() -> None:
    assert [one.column for one in model().slices] == [
        "carrier", "distance", "carrier & distance", "origin", "carrier & origin", "origin & distance", "long_haul",
    ]  # fmt: skip
    both = model().slices[2]
    assert both.reads == ("carrier", "distance")
    assert [part.bins for part in both.parts] == [None, 5]  # cut as the column by itself
    assert model().slices[-1].reads == ("distance", "carrier")


def test_gates_and_what_surrounds_them() -> None:
    found = model()
    floor, same, ceiling = found.gates[3:]
    assert (floor.min, floor.confidence, floor.with_confidence) == (0.6, 0.9, True)
    assert (floor.slices, floor.only) == ("carrier & distance", ("EV",))
    assert same.within == config.Margin(value=0.01)
    assert same.when == config.When(changed=("code", "environment"), stage=("production",))
    assert (ceiling.max, ceiling.confidence, ceiling.with_confidence) == (0.9, 0.95, True)
    check = found.checks[0]
    assert (check.path, check.max) == ("models.delay.gates[6]", config.Margin(value=0.01, relative=True))
    assert [waiver.expires for waiver in found.waivers] == ["2027-03-31", "2027-01-01"]
    assert found.slice_search == config.SliceSearch(depth=2, min_rows=300, metric="brier")
    assert found.test_budget == config.Budget(path="models.delay.test_budget", limit=20, severity="block")
    assert [other.kind for other in found.baselines] == ["latest", "best", "majority", "version"]


def test_the_short_budget() -> None:
    text = POLICY.replace("test_budget: {limit: 20, severity: block}", "test_budget: 7")
    assert parse(text).models[0].test_budget == config.Budget(path="models.delay.test_budget", limit=7)


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("carrier == 'EV'", "carrier = 'EV'", "at character 29, '=' is not understood; write `==`."),
        ("expires: 2027-03-31", "expires: 2027-02-31", "expected a date such as 2027-03-31"),
        ("expires: 2027-03-31", "until: 2027-03-31", 'unknown key. Did you mean "expires"?'),
        (
            "gate: same-brier, owner",
            "gate: same-brie, owner",
            'is not one of the gates. Did you mean "same-brier"?',
        ),
        ("owner: ana, ", "", "waivers[0].owner: missing."),
        ("metric: recall, slices: carrier, slice: EV, ", "metric: f1, ", "f1 is not one of the gates."),
        ("when: {changed: data}", "when: {changed: date}", 'unknown word "date". Did you mean "data"?'),
        ("stage: production}", "stage: prod}", 'there is no stage "prod".'),
        ("      train: data/train.parquet\n", "", "leakage needs a training table"),
        ("confidence: 0.9}", "confidence: 90}", "90 does not lie between 0.5 and 1. Is `0.9` meant?"),
        ("name: same-brier", "name: a b", '"a b" is not a name.'),
        ("test_budget: {limit: 20, severity: block}", "test_budget: 0", "expected a whole number from 1"),
        ("baselines: [latest", "baselines: [lates", 'Did you mean "latest"?'),
        ("slices: [distance, carrier]", "slices: [distance, late]", "is not one of the model's slices."),
        ("- [carrier, distance]", "- [carrier, late]", '"late" is the target.'),
    ],
)
def test_words(old: str, new: str, said: str) -> None:
    assert POLICY.count(old) == 1
    found = faults(POLICY.replace(old, new))
    assert any(said in line for line in found), found


def test_the_policy_fits_the_schema() -> None:
    VALIDATOR.validate(TREE)
    assert faults(POLICY) == []


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path[2:])))
def test_schema_and_checker_agree(path: tuple[Any, ...]) -> None:
    for value in [*ODD[::3], "(delete)"]:
        tree = mutate(copy.deepcopy(TREE), path, value)
        found = faults(yaml.safe_dump(tree, allow_unicode=True, width=10_000))
        said_by_both = [line for line in found if not any(words in line for words in BEYOND_SCHEMA)]
        by_schema = [error.message[:200] for error in VALIDATOR.iter_errors(tree)]
        assert bool(said_by_both) == bool(by_schema), (value, found, by_schema)
