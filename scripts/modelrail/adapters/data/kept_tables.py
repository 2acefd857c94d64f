"""The tables of an evaluation, beside its records: the labels, and each model's answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.data import tables

FOLDER = "predictions"


def place(folder: Path, role: str) -> Path:
    """Where the table of a role lies."""
    return folder / FOLDER / f"{role}.parquet"


def store(frame: pl.DataFrame, role: str, folder: Path) -> records.Predictions:
    """Write one table beside the records."""
    path = place(folder, role)
    tables.write(frame, path)
    return records.Predictions(
        digest=files.digest_file(path), rows=frame.height, columns=tuple(frame.columns)
    )


def append(parts: Sequence[Path], role: str, folder: Path) -> records.Predictions:
    """Tables of one kind below each other, written beside the records as `store` writes them."""
    path = place(folder, role)
    tables.append(parts, path)
    columns = tables.columns(path)
    return records.Predictions(
        digest=files.digest_file(path), rows=tables.count(path), columns=tuple(columns)
    )
