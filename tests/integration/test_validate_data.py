"""Data checks: the built-in ones on every data set, and the user's schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

import support_models as support
from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.data import checks as data_checks
from modelrail.adapters.data import schema as data_schema
from modelrail.cli import cli
from modelrail.errors import ConfigError, DataError

SCHEMA = """
columns:
  id: {dtype: int64, unique: true, checks: {greater_than_or_equal_to: 0}}
  size: {dtype: float64, checks: {in_range: {min_value: 1, max_value: 40}}}
  sick: {dtype: int64, checks: {isin: [0, 1]}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = support.project(
        tmp_path / "repo", support.CONFIG.replace("key: id}", "key: id, schema: schema.yaml}")
    )
    (root / "schema.yaml").write_text(SCHEMA)
    monkeypatch.chdir(root)
    return root


def validate(root: Path, *arguments: str) -> Result:
    os.chdir(root)
    return CliRunner().invoke(cli, ["validate-data", *arguments], prog_name="modelrail")


def test_good_data_passes(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    result = validate(project, "--json")
    assert result.exception is None, result.output
    report = files.read(records.DataReport, project / "modelrail-out/cells")
    assert report.passed
    assert [(table.table, table.rows, table.columns) for table in report.tables] == [
        ("train", 400, 6),
        ("test", 169, 6),
    ]
    assert {check.check for check in report.checks if not check.passed} == set()
    assert json.loads(result.stdout)["models"]["cells"]["passed"] is True
    assert "true" in (tmp_path / "out").read_text()


def test_every_fault_is_told_at_once(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    test = support.tables()[1]
    broken = test.with_columns(
        size=pl.when(pl.int_range(pl.len()) < 3).then(99.0).otherwise("size"),
        sick=pl.when(pl.int_range(pl.len()) < 2).then(None).otherwise("sick"),
    ).drop("texture")
    pl.concat([broken, broken[:4]]).write_parquet(project / "data/test.parquet")
    result = validate(project, "--json")
    assert isinstance(result.exception, DataError)
    found = {
        (check["check"], check["column"]): check
        for check in json.loads(result.stdout)["models"]["cells"]["checks"]
        if not check["passed"]
    }
    assert found["target_present", "sick"]["failures"] == 4
    assert found["key_unique", "id"]["failures"] == 4
    assert found["in_range", "size"]["failures"] == 6
    assert "99.0" in found["in_range", "size"]["detail"]
    assert found["not_nullable", "sick"]["failures"] == 4
    assert found["same_columns", "texture"]["detail"] == "only in train"
    assert "false" in (tmp_path / "out").read_text()
    assert not files.read(records.DataReport, project / "modelrail-out/cells").passed
    assert "4 rows repeat a key" in str(result.exception)


@pytest.mark.fault(40)
def test_leakage_is_counted_and_left_to_the_gate(project: Path) -> None:
    train, test = support.tables()
    pl.concat([test, train[:12].with_columns(pl.col("id") + 5000)]).write_parquet(
        project / "data/test.parquet"
    )
    assert validate(project).exception is None
    report = files.read(records.DataReport, project / "modelrail-out/cells")
    counts = {
        check.column: (check.passed, check.failures) for check in report.checks if check.check == "leakage"
    }
    assert counts == {None: (False, 12), "id": (True, 0)}
    pl.concat([test, train[:5]]).write_parquet(project / "data/test.parquet")
    assert validate(project).exception is None
    report = files.read(records.DataReport, project / "modelrail-out/cells")
    assert [check.failures for check in report.checks if check.check == "leakage"] == [5, 5]


def test_rows_are_the_same_in_another_number_type(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1, 2], "a": [1, 2], "t": ["x", "y"], "sick": [0, 1]}).write_parquet(
        tmp_path / "train.parquet"
    )
    (tmp_path / "test.csv").write_text("id,a,t,sick\n8,1.0,x,0\n9,2.5,y,1\n")
    checks = data_checks.check_pair(support.model(), tmp_path / "train.parquet", tmp_path / "test.csv")
    assert [check.failures for check in checks if check.check == "leakage"] == [1, 0]


@pytest.mark.fault(18)
def test_a_test_set_of_one_class_is_no_broken_data(project: Path) -> None:
    support.tables()[1].filter(pl.col("sick") == 0).write_parquet(project / "data/test.parquet")
    assert validate(project).exception is None
    support.tables()[0].filter(pl.col("sick") == 0).write_parquet(project / "data/train.parquet")
    result = validate(project)
    assert "target_varies" in str(result.exception)


@pytest.mark.parametrize(
    ("name", "words"), [("sick", "the target column"), ("id", "the key column"), ("size", "slice")]
)
def test_a_column_that_is_not_there(project: Path, name: str, words: str) -> None:
    support.tables()[1].drop(name).write_parquet(project / "data/test.parquet")
    assert words in str(validate(project).exception)


def test_an_empty_table(project: Path) -> None:
    support.tables()[1][:0].write_parquet(project / "data/test.parquet")
    assert "0 rows" in str(validate(project).exception)


def test_a_file_that_is_not_there(project: Path) -> None:
    (project / "data/test.parquet").unlink()
    error = validate(project).exception
    assert isinstance(error, DataError)
    assert "data/test.parquet" in error.what


def test_a_path_outside_the_repository(project: Path) -> None:
    outside = project.parent / "outside.parquet"
    support.tables()[0].write_parquet(outside)
    (project / "data/train.parquet").unlink()
    (project / "data/train.parquet").symlink_to(outside)
    assert "outside the repository" in str(validate(project).exception)


# --- the schema file -------------------------------------------------------------------------------------


def load(tmp_path: Path, text: str) -> data_schema.Schema:
    (tmp_path / "s.yaml").write_text(text)
    return data_schema.load(tmp_path / "s.yaml", "data/s.yaml")


def test_every_fault_of_the_schema_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(
            tmp_path,
            """
columns:
  a: {dtype: int63}
  b: {dtype: int64, nulable: true}
  c: {dtype: string, checks: {str_matchs: x}}
  d: {dtype: float64, checks: {in_range: {min: 1}}}
  e: {dtype: string, checks: {str_matches: "("}}
  f: {nullable: maybe}
colums: {}
""",
        )
    faults = {fault.path: fault.what + fault.hint for fault in caught.value.faults}
    assert set(faults) == {
        "columns.a.dtype", "columns.b.nulable", "columns.c.checks.str_matchs", "columns.d.checks.in_range",
        "columns.e.checks.str_matches", "columns.f.nullable", "colums",
    }  # fmt: skip
    assert "str_matches" in faults["columns.c.checks.str_matchs"]
    assert "nullable" in faults["columns.b.nulable"]


@pytest.mark.parametrize("text", ["", "[]", "columns: [a]", "columns:\n\t- x"])
def test_a_schema_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("column", "values", "check", "failures"),
    [
        ("{dtype: int64}", ["a", "b"], "dtype", 1),
        ("{dtype: int64, coerce: true}", ["1", "x"], "dtype", 1),
        ("{dtype: int64, coerce: true}", ["1", "2"], None, 0),
        ("{dtype: float64}", [1.0, None], "not_nullable", 1),
        ("{dtype: float64, nullable: true}", [1.0, None], None, 0),
        ("{dtype: string, unique: true}", ["a", "a"], "field_uniqueness", 2),
        ("{dtype: string, checks: {isin: [a]}}", ["a", "b"], "isin", 1),
        ("{dtype: string, checks: {str_matches: '^a'}}", ["ab", "ba"], "str_matches", 1),
        ("{dtype: string, checks: {str_length: {max_value: 1}}}", ["a", "bb"], "str_length", 1),
        ("{dtype: int64, checks: {greater_than: 1}}", [1, 2], "greater_than", 1),
        ("{dtype: int64, checks: {notin: [7]}}", [7, 7], "notin", 2),
        ("int64", [1, 2], None, 0),
        # Both of pandera's own spellings of a check.
        ("{dtype: int64, greater_than: 1}", [1, 2], "greater_than", 1),
        (
            "{dtype: int64, checks: [{value: 1, options: {check_name: greater_than}}]}",
            [1, 2],
            "greater_than",
            1,
        ),
    ],
)
def test_each_check(tmp_path: Path, column: str, values: list[Any], check: str | None, failures: int) -> None:
    schema = load(tmp_path, f"schema_type: dataframe\nversion: 0.35.0\ncolumns:\n  a: {column}\n")
    pl.DataFrame({"a": values}).write_parquet(tmp_path / "t.parquet")
    found = [item for item in data_schema.check(schema, tmp_path / "t.parquet", "test") if not item.passed]
    assert [(item.check, item.column, item.failures) for item in found] == (
        [(check, "a", failures)] if check else []
    )


def test_a_strict_schema(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1], "b": [1]}).write_parquet(tmp_path / "t.parquet")
    schema = load(
        tmp_path, "strict: true\ncolumns: {a: int64, c: int64, d: {dtype: int64, required: false}}\n"
    )
    found = [(item.check, item.column) for item in data_schema.check(schema, tmp_path / "t.parquet", "test")]
    assert found == [("column_in_dataframe", "c"), ("column_in_schema", "b")]


def test_columns_that_are_unique_together(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 1, 1], "b": [1, 1, 2]}).write_parquet(tmp_path / "t.parquet")
    found = data_schema.check(
        load(tmp_path, "unique: [a, b]\ncolumns: {a: int64, b: int64}\n"), tmp_path / "t.parquet", "test"
    )
    assert [item.passed for item in found] == [False]
