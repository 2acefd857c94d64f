"""Tables on disk: Parquet or CSV, by column, never more in memory than asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from modelrail.errors import DataError

SUFFIXES = (".parquet", ".csv")


def kind(path: Path) -> str:
    """`.parquet` or `.csv`. Raises DataError for anything else."""
    suffix = ".parquet" if path.suffix in {".parquet", ".pq"} else path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path.name} is neither Parquet nor CSV.",
            next="Tables are .parquet or .csv files.",
            file=str(path),
        )
    return suffix


def scan(path: Path, *, as_text: bool = False, types: Mapping[str, Any] | None = None) -> pl.LazyFrame:
    """A lazy table. `as_text` leaves a CSV's cells as they are written; `types` fixes some columns' types."""
    suffix = kind(path)
    if not path.is_file():
        raise DataError(
            f"The data file {path} does not exist.",
            next="If DVC tracks it, run `dvc pull`; else correct its path in modelrail.yaml.",
            file=str(path),
        )
    if suffix == ".parquet":
        return pl.scan_parquet(path)
    return pl.scan_csv(
        path,
        infer_schema=not as_text,
        infer_schema_length=None,  # all rows: a type must not depend on where its first decimal point stands
        schema_overrides=dict(types) if types else None,
    )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{path} cannot be read as a table.", why=str(error).splitlines()[0], file=str(path)
        ) from None


def columns(path: Path) -> dict[str, Any]:
    """Names and polars types of the columns."""
    lazy = scan(path)
    with _reading(path):
        return dict(lazy.collect_schema())


def count(path: Path) -> int:
    lazy = scan(path)
    with _reading(path):
        return int(lazy.select(pl.len()).collect().item())


def read(
    path: Path,
    names: Sequence[str] | None = None,
    *,
    types: Mapping[str, Any] | None = None,
    rows: tuple[int, int] | None = None,
) -> pl.DataFrame:
    """The named columns (all when None), in that order; of `rows` (offset, length) alone.

    Raises DataError naming an absent column.
    """
    lazy = scan(path, types=types)
    if rows is not None:
        lazy = lazy.slice(*rows)
    with _reading(path):
        if names is None:
            return lazy.collect()
        present = lazy.collect_schema().names()
        absent = [name for name in names if name not in present]
        if absent:
            raise DataError(
                f"{path.name} has no column {absent[0]!r}.",
                why=f"It has: {', '.join(present[:30])}{' …' if len(present) > 30 else ''}.",
                file=str(path),
            )
        return lazy.select(list(dict.fromkeys(names))).collect()


class Stored:
    """A Parquet file as a comparison uses a table: each column is read when it is asked for, and not kept.

    Has of polars' DataFrame what the core asks of a table (`columns`, `schema`, `height`, a column by its
    name, rows by their numbers, `select`, `drop`).
    """

    def __init__(
        self, path: Path, names: Sequence[str] | None = None, order: pl.Series | None = None
    ) -> None:
        self._path = path
        self._order = order
        present = columns(path)
        self.schema = pl.Schema({name: present[name] for name in (present if names is None else names)})
        self.height = count(path) if order is None else order.len()

    @property
    def columns(self) -> list[str]:
        return list(self.schema)

    def __getitem__(self, wanted: str | pl.Series) -> Any:
        """The column of this name; of row numbers, the table of these rows in this order."""
        if not isinstance(wanted, str):
            return Stored(self._path, self.columns, wanted if self._order is None else self._order[wanted])
        if wanted not in self.schema:
            raise pl.exceptions.ColumnNotFoundError(wanted)
        found = read(self._path, [wanted])[wanted]
        return found if self._order is None else found[self._order]

    def select(self, *expressions: pl.Expr) -> pl.DataFrame:
        lazy = scan(self._path).select(self.columns)
        with _reading(self._path):
            if self._order is None:
                return lazy.select(*expressions).collect()
            return lazy.collect()[self._order].select(*expressions)

    def drop(self, name: str) -> Stored:
        return Stored(self._path, [one for one in self.columns if one != name], self._order)


def write(frame: pl.DataFrame, path: Path) -> None:
    """A Parquet or CSV file, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind(path) == ".parquet":
        frame.write_parquet(path, statistics=False)
    else:
        frame.write_csv(path)


def append(parts: Sequence[Path], path: Path) -> None:
    """Parquet files of the same columns and types as one, in this order; never a whole part in memory.

    Raises DataError when columns or types differ.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _reading(path):
        pl.scan_parquet(list(parts)).sink_parquet(path, statistics=False, maintain_order=True)


def copy_without(
    source: Path, dest: Path, drop: Sequence[str], *, rows: tuple[int, int] | None = None
) -> None:
    """The same table without some columns, of the same kind; cells of a CSV stay as they are written.

    An unnamed index that pandas stored (`__index_level_0__`) is no column of the table and is left out; a
    named one becomes an ordinary column.
    """
    lazy = scan(source, as_text=True)
    dest.parent.mkdir(parents=True, exist_ok=True)
    with _reading(source):
        unnamed = [name for name in lazy.collect_schema().names() if name.startswith("__index_level_")]
        lazy = lazy if rows is None else lazy.slice(*rows)
        lazy = lazy.drop([*drop, *(name for name in unnamed if name not in drop)])
        if kind(source) == ".csv":
            lazy.sink_csv(dest)
        else:
            lazy.sink_parquet(dest)
