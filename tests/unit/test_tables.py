from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from modelrail.adapters.data import tables
from modelrail.errors import DataError


def test_a_csv_keeps_its_cells_as_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,zip,y,note\n1,007,0,"a,b"\n2,1.50,1,\n', encoding="utf-8")
    tables.copy_without(tmp_path / "t.csv", tmp_path / "out.csv", ["y"])
    assert (tmp_path / "out.csv").read_text() == 'id,zip,note\n1,007,"a,b"\n2,1.50,\n'


def test_a_parquet_copy_has_the_other_columns_and_no_unnamed_index(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"y": [0, 1], "a": [1.5, 2.5]}, index=["x", "z"])
    frame.to_parquet(tmp_path / "t.parquet")
    tables.copy_without(tmp_path / "t.parquet", tmp_path / "out.parquet", ["y"])
    back = pd.read_parquet(tmp_path / "out.parquet")
    assert list(back.columns) == ["a"]
    assert list(back["a"]) == [1.5, 2.5]


def test_the_type_of_a_csv_column_is_that_of_all_its_rows(tmp_path: Path) -> None:
    rows = "\n".join(str(number) for number in range(20_000))
    (tmp_path / "t.csv").write_text(f"a\n{rows}\n0.5\n", encoding="utf-8")
    assert tables.columns(tmp_path / "t.csv") == {"a": pl.Float64()}


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_what_cannot_be_read_is_a_data_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="does not exist"):
        tables.count(tmp_path / name)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        tables.count(tmp_path / name)


def test_an_absent_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'c'"):
        tables.read(tmp_path / "t.csv", ["a", "c"])
    with pytest.raises(DataError, match="neither Parquet nor CSV"):
        tables.read(tmp_path / "t.xlsx")
