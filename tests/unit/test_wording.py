"""Words that follow a number, and titles that say nothing twice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modelrail.commands import _verbs
from modelrail.config import resolved as config
from modelrail.core import digits, wording
from modelrail.core.metrics import catalog
from modelrail.errors import NotFoundError
from modelrail.report import numbers


@pytest.mark.parametrize(
    ("amount", "noun", "verb", "said"),
    [
        (1, "rows", "", "1 row"),
        (0, "rows", "", "0 rows"),
        (1200, "rows", "are", "1,200 rows are"),
        (1, "rows of the test set", "have", "1 row of the test set has"),
        (1, "rows of the rarest class", "", "1 row of the rarest class"),
        (1, "positive rows", "", "1 positive row"),
        (1, "lists with a relevant row", "", "1 list with a relevant row"),
        (1, "groups", "were", "1 group was"),
        (1, "groups of rows", "repeat", "1 group of rows repeats"),
        (1, "rows of rows", "miss", "1 row of rows miss"),
        (1, "arrows", "", "1 arrows"),
        (2, "groups of rows", "repeat", "2 groups of rows repeat"),
        (1, "different values", "", "1 different value"),
        (1, "columns", "", "1 column"),
    ],
)
def test_one_of_them(amount: int, noun: str, verb: str, said: str) -> None:
    assert digits.counted(amount, noun, verb) == said


@pytest.mark.parametrize(
    ("amount", "total", "said"),
    [
        (1, 300, "1 of 300 test keys stands"),
        (1200, 1300, "1,200 of 1,300 test keys stand"),
        (0, 1, "0 of 1 test key stand"),
        (1, 1, "1 of 1 test key stands"),
    ],
)
def test_some_of_all(amount: int, total: int, said: str) -> None:
    assert digits.of_all(amount, total, "test keys", "stand") == said


@pytest.mark.parametrize(
    ("params", "title"),
    [
        ({"average": "macro"}, "Macro F1, at least 0.5"),
        ({"average": "weighted"}, "Weighted F1, at least 0.5"),
        ({}, "Macro F1, at least 0.5"),
        ({"class": "late"}, "F1 of late, at least 0.5"),
    ],
)
def test_a_title_says_the_average_once(params: dict[str, str], title: str) -> None:
    metric = catalog.bind("f1", "multiclass", params)
    assert metric is not None
    gate = config.Gate(path="models.m.gates[0]", metric=config.Metric(name="f1", params=params), min=0.5)
    assert wording.gate_title(gate, metric) == title


@pytest.mark.parametrize(
    ("name", "task", "params", "title"),
    [
        ("recall", "binary", {"at_precision": 0.6}, "recall at precision 0.6"),
        ("recall", "ranking", {"k": 10}, "recall@10"),
        ("ndcg", "ranking", {"k": 3}, "NDCG@3"),
        ("precision_at_k", "binary", {"k": 0.1}, "precision among the top 10%"),
        ("precision_at_k", "binary", {"k": 100}, "precision among the top 100"),
        ("lift", "binary", {"k": 0.05}, "lift of the top 5%"),
        ("top_k_accuracy", "multiclass", {"k": 3}, "top-3 accuracy"),
        ("f_beta", "binary", {"beta": 2}, "F2"),
        ("f_beta", "multiclass", {"beta": 0.5, "average": "weighted"}, "weighted F0.5"),
        ("f1", "multilabel", {"average": "samples"}, "samples F1"),
        ("f1", "binary", {"threshold": "tuned"}, "F1 (threshold=tuned)"),
        ("expected_cost", "binary", {"false_negative": 5, "false_positive": 1},
         "expected cost (false_negative=5, false_positive=1)"),
        ("roc_auc", "binary", {}, "ROC AUC"),
    ],
)  # fmt: skip
def test_a_metric_is_called_the_same_in_gates_and_tables(
    name: str, task: str, params: dict[str, Any], title: str
) -> None:
    metric = catalog.bind(name, task, params)
    assert metric is not None
    assert wording.title(metric) == title
    assert numbers.metric_name(config.Metric(name=name, params=params).label) == title


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("f1(class=a, b=c)", "b=c"),
        ("f1(class=late (EU))", "f1"),
        ("f1(class=a,b)", "class=a,b"),
        ("expected_cost(late>on time=5)", "expected cost"),
        ("f1(", "F1("),
        ("My own (new)", "My own (new)"),
    ],
)
def test_a_class_can_be_called_anything(label: str, shown: str) -> None:
    assert shown.lower() in numbers.metric_name(label).lower()


def test_an_error_that_names_its_model_is_not_told_with_the_name_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = {"a": "There is no file.", "b": "b has no stage 'prod'.", "c": "cats are no dogs."}

    def work(model: Any) -> dict[str, object]:
        raise NotFoundError(said[model.name])

    context: Any = SimpleNamespace(models=[SimpleNamespace(name=name) for name in said])
    _verbs.each(context, "evaluate", work, record=False)
    told = capsys.readouterr().err.splitlines()
    assert told == ["✗ a: There is no file.", "✗ b has no stage 'prod'.", "✗ c: cats are no dogs."]
