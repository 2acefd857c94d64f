"""What `init` guesses and writes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelrail.config import schema as config_schema
from modelrail.config import yaml_strict
from modelrail.core.starting import starter
from modelrail.core.starting.starter import Answers, Found, Pipeline, Script, Table
from support_config import faults, parse

ANSWERS = Answers(
    name="delay",
    path=".",
    task="binary",
    train="data/train.parquet",
    test="data/test.parquet",
    target="late",
    key="flight_id",
    group="",
    query="",
    env="requirements.txt",
    params="",
    train_command="python train.py",
    predict_command="",
    model_file="build/model.skops",
    metrics_file="",
    positive="",
)


def rendered(**changes: Any) -> str:
    return starter.render(ANSWERS._replace(**changes), "https://example.invalid/schema.json")


@pytest.mark.parametrize("task", config_schema.TASKS)
def test_the_first_file_is_valid_for_every_task(task: str) -> None:
    text = rendered(task=task, query="search" if task == "ranking" else "")
    assert faults(text) == []
    model = parse(text).models[0]
    assert model.gates
    assert model.stages[1].first == "allowed"  # else nothing could ever be the first


def test_the_first_line_tells_editors_the_schema() -> None:
    assert rendered().startswith("# yaml-language-server: $schema=https://example.invalid/schema.json\n")


@pytest.mark.parametrize("group", ["", "day"])
@pytest.mark.parametrize("file", ["m.skops", "m.joblib"])
@pytest.mark.parametrize("predict", ["", "python predict.py"])
def test_what_is_left_out_stays_a_comment(group: str, file: str, predict: str) -> None:
    text = rendered(group=group, model_file=file, predict_command=predict, env="", train="")
    model = parse(text).models[0]
    assert (model.data.group or "", model.predict or "") == (group, predict)
    assert (model.env, model.data.train, model.allow_pickle) == (None, None, False)
    assert ("allow_pickle" in text) == (file == "m.joblib")


@given(text=st.text(min_size=1, max_size=30))
def test_a_scalar_reads_back_as_the_text_it_was(text: str) -> None:
    written = f"key: {starter.scalar(text)}\n"
    if not text.isascii():
        assert written.isascii()
    if any(0xD800 <= ord(char) <= 0xDFFF or ord(char) > 0xFFFF for char in text):
        return  # JSON writes pairs of surrogates, which YAML reads apart; the checker then refuses the file
    root, _ = yaml_strict.parse(written, "f")
    assert isinstance(root, yaml_strict.Table)
    node = root.entries["key"]
    assert isinstance(node, yaml_strict.Scalar)
    assert node.value == text
    assert yaml.safe_load(f"key: {starter.scalar('x' + text)}") is not None


def test_columns_that_no_table_has_are_said() -> None:
    found = Found(tables=("a.csv",), read={"a.csv": Table(("id", "x", "qid"))})
    answers = ANSWERS._replace(train="", test="a.csv", target="y", key="id", task="ranking", query="q")
    assert "a.csv has no column y, q; it has id, x, qid." in starter.notes(found, answers)
    fine = answers._replace(target="x", query="qid")
    assert not [note for note in starter.notes(found, fine) if "has no column" in note]
    assert starter.guesses(found, {"test": "a.csv"})["query"] == "qid"


@pytest.mark.parametrize("name", ["yes: no", "a #b", "1", "true", "- x", "$(id)", "it's", 'a "b"', "x\ny"])
def test_odd_columns_are_quoted(name: str) -> None:
    root = yaml.safe_load(rendered(target=name))
    assert root["models"]["delay"]["data"]["target"] == name


def test_guesses_are_read_off_the_repository() -> None:
    found = Found(
        tables=("data/test.csv", "data/train.csv", "old/deep/test_1.csv"),
        scripts=(Script("train.py", ("build/m.onnx",)),),
        files=frozenset({"requirements.txt", "params.yaml"}),
        read={"data/test.csv": Table(("id", "flight_id", "Label"), frozenset({"flight_id"}))},
    )
    assert starter.guesses(found, {"env": "other.txt"}) == {
        "test": "data/test.csv",
        "train": "data/train.csv",
        "target": "Label",
        "task": "regression",
        "key": "flight_id",
        "train_command": "python train.py",
        "model_file": "build/m.onnx",
        "params": "params.yaml",
    }


@pytest.mark.parametrize(
    ("values", "kind", "task"),
    [
        ("0 1", "", "binary"), ("no yes", "number", "binary"), ("a b c", "", "multiclass"),
        ("0 1 2", "class", "multiclass"), ("0 1 2", "", None), ("0 1 2", "number", "regression"),
        ("0.5 1 2", "", "regression"),
    ],
)  # fmt: skip
def test_the_task_is_told_by_labels_and_estimator(values: str, kind: Any, task: str | None) -> None:
    table = Table(("y",), values={"y": frozenset(values.split())})
    found = Found(tables=("test.csv",), read={"test.csv": table}, scripts=(Script("t.py", kind=kind),))
    assert starter.guesses(found, {}).get("task") == task


@pytest.mark.parametrize(
    ("values", "positive"), [("even odd", "odd"), ("0 1", None), ("true false", None), ("a b c", None)]
)
def test_the_positive_class_is_written_down_where_it_is_a_word(values: str, positive: str | None) -> None:
    table = Table(("y",), values={"y": frozenset(values.split())})
    found = Found(tables=("test.csv",), read={"test.csv": table})
    assert starter.guesses(found, {}).get("positive") == positive
    assert "positive" not in starter.guesses(found, {"task": "multiclass"})
    text = rendered(positive="odd", metrics_file="out/metrics.json")
    assert (parse(text).models[0].positive, parse(text).models[0].metrics_file) == ("odd", "out/metrics.json")


@pytest.mark.parametrize(
    ("of_script", "of_pipeline", "wanted"),
    [(("m.json",), (), "m.json"), (("m.json",), ("d.json",), "d.json"), (("a.json", "b.json"), (), None)],
)
def test_the_metrics_that_training_reports_are_found(of_script: Any, of_pipeline: Any, wanted: str) -> None:
    found = Found(
        scripts=(Script("t.py", metrics_files=of_script),), pipeline=Pipeline(metrics_files=of_pipeline)
    )
    assert starter.guesses(found, {}).get("metrics_file") == wanted


def test_nothing_is_guessed_from_nothing() -> None:
    assert starter.guesses(Found(), {}) == {}


@pytest.mark.parametrize(("folder", "name"), [("My Model!", "my-model"), ("été", "t"), ("--", "model")])
def test_a_folder_gives_a_name_by_the_grammar(folder: str, name: str) -> None:
    assert starter.name_from(folder) == name


@pytest.mark.parametrize(
    ("present", "after"),
    [
        ("", "modelrail-out/\n"),
        ("x", "x\nmodelrail-out/\n"),
        ("modelrail-out/\n", None),
        ("/modelrail-out\n", None),
    ],
)
def test_the_ignored_folder_stands_once(present: str, after: str | None) -> None:
    assert starter.ignore_text(present) == after


def test_the_release_follows_the_default_branch() -> None:
    assert starter.caller_text("    branches: [main]\n", "trunk") == "    branches: [trunk]\n"
    assert starter.caller_text("    branches: [main]\n", "a, b") == '    branches: ["a, b"]\n'
