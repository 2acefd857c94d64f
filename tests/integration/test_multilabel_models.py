"""Several labels a row, from the test table to the report."""

from __future__ import annotations

import json

import polars as pl
import pytest
from click.testing import CliRunner

import support_models as support
from modelrail import records
from modelrail.adapters import files
from modelrail.cli import cli
from modelrail.errors import DataError, PredictionError

TRAIN = "import os; os.makedirs('build', exist_ok=True); open('build/limit.txt', 'w').write('0.5')"
PREDICT = """
import sys
import polars as pl
table = pl.read_csv(sys.argv[1])
assert not {"toxic", "insult", "tags"} & set(table.columns), "the labels are here"
scores = {"toxic": pl.col("heat"), "insult": 1 - pl.col("heat") ** 2}
table.select("id", **{f"score:{name}": one for name, one in scores.items()}).write_csv(sys.argv[2])
"""
SAID = """
import sys
import polars as pl
table = pl.read_csv(sys.argv[1])
both = (
    pl.when(pl.col("heat") > 0.8).then(pl.lit("toxic; insult")).when(pl.col("heat") > 0.4)
    .then(pl.lit("toxic")).otherwise(pl.lit(""))
)
table.select("id", prediction=both).write_csv(sys.argv[2])
"""
CONFIG = """\
version: 1
models:
  talk:
    task: multilabel
    data: {{test: test.csv, key: id, target: {target}, group: thread}}
    train: python train.py
    model: build/limit.txt
    predict: python predict.py {{input}} {{output}}
    metrics: [{metrics}]
    slices: [site]
    gates: [{{metric: {{f1: {{average: micro}}}}, min: 0.3}}]
    stages: {{production: {{first: allowed}}}}
"""


def rows() -> pl.DataFrame:
    place = pl.int_range(200, eager=True)
    heat = (place * 37 % 100) / 100
    return pl.DataFrame(
        {"id": place, "site": (place % 2).cast(pl.String), "thread": place // 4, "heat": heat}
    ).with_columns(
        toxic=(pl.col("heat") + (pl.col("id") % 7) / 30 > 0.6).cast(pl.Int64),
        insult=(pl.col("heat") + (pl.col("id") % 5) / 20 > 0.85).cast(pl.Int64),
    )


@pytest.fixture
def consumer(repository, git, monkeypatch, tmp_path):
    def make(target: str, predict: str, metrics: str, table: pl.DataFrame):
        table.write_csv(repository / "test.csv")
        for name, text in {
            "train.py": TRAIN,
            "predict.py": predict,
            "modelrail.yaml": CONFIG.format(target=target, metrics=metrics),
            ".gitignore": "modelrail-out/\nbuild/\n",
        }.items():
            (repository / name).write_text(text, encoding="utf-8")
        git(repository, "add", ".")
        git(repository, "commit", "-q", "-m", "Talk")
        return repository / "modelrail-out/talk"

    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(repository)
    support.this_python(monkeypatch)
    return make


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments), prog_name="modelrail")
    if result.exception is not None:
        raise result.exception
    return result.output


def test_a_column_a_label_from_evaluate_to_report(consumer):
    metrics = "{f1: {average: micro}}, {f1: {class: insult}}, roc_auc, hamming_loss, accuracy"
    folder = consumer("[toxic, insult]", PREDICT, metrics, rows())
    run("validate-data")
    run("train", "--no-tracking")
    run("evaluate")
    text = run("compare")
    assert "F1" in text
    found = files.read(records.Comparison, folder)
    assert found.verdict == "pass"
    whole = {one.metric: one.candidate for one in found.metrics if one.slice is None}
    table = rows()
    said = {"toxic": table["heat"] >= 0.5, "insult": 1 - table["heat"] ** 2 >= 0.5}
    wrong = sum((said[name] != (table[name] == 1)).sum() for name in said)
    assert whole["hamming_loss"] == pytest.approx(wrong / 400)
    assert {one.slice.value for one in found.metrics if one.slice} == {"0", "1"}
    shown = json.loads(run("report", "--format", "json"))
    assert "F1" in json.dumps(shown)


def test_labels_as_text(consumer):
    table = (
        rows()
        .with_columns(
            tags=pl.concat_str(
                pl.when(toxic=1).then(pl.lit("toxic")),
                pl.when(insult=1).then(pl.lit("insult")),
                separator=";",
                ignore_nulls=True,
            )
        )
        .drop("toxic", "insult")
    )
    folder = consumer("tags, separator: ;".replace(";", '";"'), SAID, "f1, jaccard", table)
    run("train", "--no-tracking")
    run("evaluate")
    run("compare")
    found = files.read(records.Comparison, folder)
    assert [one.metric for one in found.metrics if one.slice is None][:2] == ["f1", "jaccard"]
    assert 0.5 < found.metrics[0].candidate < 1


def test_what_is_no_label_is_refused(consumer):
    consumer("[toxic, insult]", PREDICT.replace('"insult": 1', '"rude": 1'), "f1", rows())
    run("train", "--no-tracking")
    with pytest.raises(PredictionError, match="'rude', which is no label"):
        run("evaluate")
    consumer("[toxic, insult]", PREDICT, "f1", rows().with_columns(toxic=pl.col("toxic") * 2))
    run("train", "--no-tracking")
    with pytest.raises(DataError, match="other values than 0 and 1"):
        run("evaluate")
