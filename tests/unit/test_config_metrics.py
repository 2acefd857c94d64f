"""Metrics of modelrail.yaml with parameters, and the columns that weigh, group and order rows."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest
import yaml

from modelrail.config import schema as config_schema
from support_config import VALID, changed, faults, parse
from support_metrics import CASES

VALIDATOR = jsonschema.Draft7Validator(config_schema.schema())
TREE: dict[str, Any] = yaml.safe_load(VALID)
# What the schema cannot say, since it does not know the task.
BEYOND = (
    "does not fit",
    "needs it",
    "needs its parameter",
    "is not a metric of a",
    "out of range",
    "listed twice",
)


def tree(metrics: list[Any], task: str = "binary", **data: Any) -> dict[str, Any]:
    made = copy.deepcopy(TREE)
    model = made["models"]["delay"]
    model |= {"metrics": metrics, "task": task, "gates": [{"metric": metrics[0], "min": 0}]}
    model["data"] |= {"query": "list"} if task == "ranking" else {}
    model["data"] |= data
    return made


def text(made: dict[str, Any]) -> str:
    return yaml.safe_dump(made, sort_keys=False)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_metric_can_be_written(case):
    written = {case.name: case.params} if case.params else case.name
    made = tree([written], case.task)
    VALIDATOR.validate(made)
    (found,) = parse(text(made)).models[0].metrics
    assert (found.name, found.params) == (case.name, case.params)
    assert len(parse(text(made)).models[0].gates) == 1


def test_labels():
    written = [
        {"recall": {"at_precision": 0.6}},
        {"f1": {"threshold": "tuned"}},
        {"profit": {"function": "business.money:profit", "higher_is_better": True}},
        {"train_loss": {"reported": True, "higher_is_better": False}},
    ]
    found = parse(text(tree(written))).models[0].metrics
    assert [one.label for one in found] == [
        "recall(at_precision=0.6)", "f1(threshold=tuned)", "profit", "train_loss"
    ]  # fmt: skip
    (costs,) = parse(text(tree([{"expected_cost": {"costs": {"a>b": 5}}}], "multiclass"))).models[0].metrics
    assert costs.label == "expected_cost(a>b=5)"


def test_a_gate_names_a_metric_of_ones_own():
    made = tree(["roc_auc", {"profit": {"function": "m:f", "higher_is_better": True}}])
    made["models"]["delay"]["gates"] = [{"metric": "profit", "no_worse_than": "1%"}]
    model = parse(text(made)).models[0]
    assert model.gates[0].metric == model.metrics[1]


VALUES: list[Any] = [
    None, True, 0, -1, 0.5, 1, 2, 3.0, 1e6, "", " ", "x", "tuned", "macro", "a>b", {}, [], {"a>b": 1},
    {"a>b": -1}, {"x": 1}, "m:f", "m.n:f", "m:f()",
]  # fmt: skip
KEYS = [
    ("recall", "at_precision"), ("f1", "threshold"), ("f1", "average"), ("f1", "class"),
    ("f_beta", "beta"),
    ("calibration_error", "bins"), ("expected_cost", "costs"), ("mase", "scale"), ("ndcg", "k"),
    ("f1", "odd"),
    ("roc_auc", "threshold"), ("brier", "x"), ("own", "function"), ("own", "reported"), ("a b", "function"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_schema_and_checker_agree(name, key):
    for task in ("binary", "multiclass", "regression", "ranking"):
        for value in VALUES:
            own = {"higher_is_better": True} if key in {"function", "reported"} else {}
            made = tree([{name: {key: value, **own}}], task)
            found = [line for line in faults(text(made)) if not any(words in line for words in BEYOND)]
            by_schema = [error.message[:200] for error in VALIDATOR.iter_errors(made)]
            if not by_schema or faults(text(made)) == found:
                assert bool(found) == bool(by_schema), (task, value, found, by_schema)


WORDS = {
    "out of its range": (
        {"recall": {"at_precision": 60}}, "binary", "expected a number between 0 and 1, found 60"
    ),
    "of another task": ({"f1": {"average": "micro"}}, "binary", "average does not fit f1 in a binary task"),
    "missing": ("f_beta", "binary", "f_beta needs its parameter beta"),
    "missing inside": ({"f_beta": {"threshold": 0.3}}, "binary", "f_beta needs it: recall counts"),
    "not tunable": ({"recall": {"threshold": "tuned"}}, "binary", "recall has no best threshold"),
    "no class pair": ({"expected_cost": {"costs": {"late": 1}}}, "multiclass", "does not name two classes"),
    "none to give": ({"mae": {"x": 1}}, "regression", "mae takes no parameters. Write `mae`."),
    "two at once": ({"f1": {"average": "micro", "class": "a"}}, "multiclass", "one class has no average"),
    "no function": (
        {"profit": {"function": "profit()", "higher_is_better": True}}, "binary",
        "is not written module:function",
    ),
    "unknown with parameters": ({"f3": {"beta": 2}}, "binary", 'unknown metric "f3"'),
    "a scorer's name": ("f1_weighted", "multiclass", "Write `{f1: {average: weighted}}`."),
    "a scorer's name of another task": ("precision_samples", "multiclass", 'Did you mean "precision"?'),
}  # fmt: skip


@pytest.mark.fault(17)
@pytest.mark.parametrize("name", WORDS)
def test_words(name):
    written, task, expected = WORDS[name]
    found = faults(
        text(tree(["accuracy", written] if task in {"binary", "multiclass"} else ["mae", written], task))
    )
    assert any(expected in line for line in found), found


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("data", "task", "expected"),
    [
        ({"time": "day"}, "binary", "rows are taken together by group or by time, not both"),
        ({"weight": "late"}, "binary", '"late" is the target'),
        ({"block": 7}, "binary", "without time, block does not fit"),
        ({"query": "q"}, "binary", "query does not fit a binary task"),
    ],
)
def test_roles_of_columns(data, task, expected):
    found = faults(text(tree(["accuracy"], task, **data)))
    assert any(expected in line for line in found), found


def test_a_ranking_needs_lists():
    made = tree(["mrr"], "ranking")
    del made["models"]["delay"]["data"]["query"]
    assert any("a ranking task needs it" in line for line in faults(text(made)))


def test_columns_in_the_resolved_form():
    made = tree(["accuracy"], weight="w", time="day", block=7)
    del made["models"]["delay"]["data"]["group"]
    data = parse(text(made)).models[0].data
    assert (data.weight, data.time, data.block) == ("w", "day", 7)
    assert data.columns == ("flight_id", "late", "w", "day")


def test_the_sample_of_the_design():
    assert parse(
        changed(("[roc_auc, brier]", "[roc_auc, average_precision, brier, {recall: {at_precision: 0.6}}]"))
    )


@pytest.mark.fault(17)
@pytest.mark.parametrize("named", ["max_error", {"loss": {"reported": True, "higher_is_better": False}}])
@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"no_worse_than": 0.1}, "no_worse_than"),
        ({"better_by": "1%"}, "better_by"),
        ({"within": 0.1}, "within"),
        ({"max": 1, "confidence": 0.9}, "confidence"),
        ({"max": {"value": 1, "confidence": 0.9}}, "max"),
        ({"max": {"value": 1}}, "max"),
        ({"max": 1, "slices": "carrier"}, "slices"),
    ],
)
def test_a_gate_that_no_test_set_could_decide_is_a_fault(
    named: Any, rule: dict[str, Any], where: str
) -> None:
    made = tree([named], "regression")
    label = named if isinstance(named, str) else "loss"
    made["models"]["delay"]["gates"] = [{"metric": label, "max": 1}]
    assert faults(text(made)) == []
    made["models"]["delay"]["gates"] = [{"metric": label, **rule}]
    (line,) = faults(text(made))
    assert f"models.delay.gates[0].{where}: {label} " in line
    made["models"]["delay"]["gates"] = [{"metric": "mae", **rule}]
    assert faults(text(made)) == []
