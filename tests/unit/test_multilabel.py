"""Several labels a row: how they are written, what modelrail.yaml says, what a scikit-learn model answers."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier

from modelrail.config import check as config_check
from modelrail.core.rows import label_sets
from modelrail.errors import ConfigError

YAML = """\
version: 1
models:
  talk:
    task: {task}
    data: {{test: test.csv, key: id, target: {target}}}
    train: "true"
    model: build/m.skops
    metrics: [{metric}]
    gates: [{{metric: {metric}, no_worse_than: 0.01}}]
"""


@pytest.fixture
def runner(monkeypatch):
    """The program that runs in the user's Python; it puts its own folder first on the path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return importlib.import_module("modelrail.adapters.running.predict_runner")


def load(task="multilabel", target="[toxic, insult]", metric="f1"):
    return config_check.parse(YAML.format(task=task, target=target, metric=metric), "modelrail.yaml")


def test_the_columns_of_the_labels_are_withheld_and_read():
    data = load().models[0].data
    assert data.label_columns == ("toxic", "insult")
    assert data.columns == ("id", "toxic", "insult")
    assert load(target='tags, separator: ";"').models[0].data.separator == ";"
    assert load(target='tags, separator: " "').models[0].data.separator == " "


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"task": "binary"}, "does not fit a binary task"),
        ({"target": "[toxic]"}, "at least two columns"),
        ({"target": "[toxic, toxic]"}, "listed twice"),
        ({"target": "[id, toxic]"}, "is the target"),
        ({"target": '[toxic, insult], separator: ";"'}, "separator does not fit"),
        ({"target": "[toxic, insult], group: insult"}, "is the target"),
        ({"metric": "log_loss"}, "not a metric of a multilabel task"),
    ],
)
def test_what_does_not_fit_is_told(changed, said):
    with pytest.raises(ConfigError) as found:
        load(**changed)
    assert said in " ".join(f"{fault.what}" for fault in found.value.faults)


@pytest.mark.parametrize(
    "values",
    [pl.Series(["b|a", "", "a | a"]), pl.Series([["b", "a"], [], ["a"]]), pl.Series(["a|b", None, "a"])],
)
def test_lists_and_text_say_the_same(values):
    sets = label_sets.of_values(values)
    assert sets.to_list() == [["a", "b"], [], ["a"]]
    assert label_sets.matrix(sets, ["a", "b", "c"]).tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_what_says_nothing_is_refused():
    for values in (pl.Series([["a"], None]), pl.Series([1.5, 2.5]), pl.Series([["a", None]])):
        with pytest.raises(label_sets.LabelSetError):
            label_sets.of_values(values)
    for column in ([1, 2], [1, None]):
        with pytest.raises(label_sets.LabelSetError):
            label_sets.of_columns(pl.DataFrame({"a": column}), ["a"], ["a"])


def test_scores_alone_are_labels_from_a_half_on():
    table = pl.DataFrame({"score:a": [0.5, 0.2], "score:b": [0.7, 0.1]})
    assert label_sets.of_predictions(table).to_list() == [["a", "b"], []]
    assert label_sets.score_matrix(table, ["b", "c", "a"]).tolist() == [[0.7, 0, 0.5], [0.1, 0, 0.2]]


@pytest.mark.parametrize("kind", [OneVsRestClassifier, MultiOutputClassifier])
def test_a_scikit_learn_model_answers_by_label(kind, runner):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 2))
    truth = (rows > 0.2).astype(int)
    model = kind(LogisticRegression()).fit(rows, truth)
    said = runner.several_labels(model, rows, {"labels": ["x", "y"]})
    assert list(said) == ["prediction:x", "prediction:y", "score:x", "score:y"]
    for index, name in enumerate("xy"):
        assert ((said[f"score:{name}"] > 0.5) == (said[f"prediction:{name}"] == 1)).all()
        assert (said[f"prediction:{name}"] == truth[:, index]).mean() > 0.8
    with pytest.raises(runner.Refusal, match="a column for each"):
        runner.several_labels(model, rows, {"labels": None})
