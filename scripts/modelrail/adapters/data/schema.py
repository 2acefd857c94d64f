"""A table against the user's schema: pandera's YAML form, read strictly, checked by pandera on polars.

The file is read here and not by pandera's own reader: that one stops at the first fault, knows either
pandas' or polars' names for types but not both, and its message names no place in the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml

from modelrail import records
from modelrail.adapters.data import tables
from modelrail.errors import ConfigError, ConfigFault, DataError

# pandera's checks that a file can name -> the names of their parameters, in order.
CHECKS: dict[str, tuple[str, ...]] = {
    "equal_to": ("value",),
    "not_equal_to": ("value",),
    "greater_than": ("min_value",),
    "greater_than_or_equal_to": ("min_value",),
    "less_than": ("max_value",),
    "less_than_or_equal_to": ("max_value",),
    "in_range": ("min_value", "max_value", "include_min", "include_max"),
    "isin": ("allowed_values",),
    "notin": ("forbidden_values",),
    "str_matches": ("pattern",),
    "str_contains": ("pattern",),
    "str_startswith": ("string",),
    "str_endswith": ("string",),
    "str_length": ("min_value", "max_value"),
}
_COLUMN_KEYS = {
    "dtype",
    "nullable",
    "unique",
    "coerce",
    "required",
    "checks",
    "title",
    "description",
    "regex",
    "name",
}
_TOP_KEYS = {
    "schema_type", "version", "columns", "checks", "index", "dtype", "coerce", "strict", "name", "ordered",
    "unique", "title", "description", "report_duplicates", "unique_column_names", "add_missing_columns",
    "api",
}  # fmt: skip
_TYPES: dict[str, Any] = {
    **{f"int{bits}": getattr(pl, f"Int{bits}") for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": getattr(pl, f"UInt{bits}") for bits in (8, 16, 32, 64)},
    "float32": pl.Float32, "float64": pl.Float64, "float": pl.Float64, "int": pl.Int64,
    "bool": pl.Boolean, "boolean": pl.Boolean,
    "str": pl.String, "string": pl.String, "utf8": pl.String, "object": pl.String,
    "category": pl.Categorical, "categorical": pl.Categorical,
    "date": pl.Date, "time": pl.Time, "datetime": pl.Datetime, "datetime64[ns]": pl.Datetime("ns"),
    "datetime64[us]": pl.Datetime("us"), "datetime64[ms]": pl.Datetime("ms"),
}  # fmt: skip
EXAMPLES = 3


@dataclass(frozen=True)
class Column:
    name: str
    dtype: Any = None
    nullable: bool = False
    unique: bool = False
    coerce: bool = False
    required: bool = True
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Schema:
    columns: tuple[Column, ...]
    strict: bool = False
    unique: tuple[str, ...] = ()


def load(path: Path, name: str) -> Schema:
    """Read the YAML file; ConfigError names every fault. `name` is the path as people know it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The data schema {name} cannot be read.", why=str(error), file=name) from None
    faults: list[ConfigFault] = []
    schema = _Reader(name, faults).schema(content)
    if faults:
        raise ConfigError(
            f"The data schema {name} has {len(faults)} faults.", faults=tuple(faults), file=name
        )
    return schema


class _Reader:
    """Walks the file once and collects every fault."""

    def __init__(self, file: str, faults: list[ConfigFault]) -> None:
        self._file = file
        self._faults = faults

    def _fault(self, path: str, what: str, hint: str = "") -> None:
        self._faults.append(ConfigFault(path, what, hint, file=self._file))

    def schema(self, content: Any) -> Schema:
        if not isinstance(content, dict) or not isinstance(content.get("columns"), dict):
            self._fault(
                "columns",
                "is missing: a schema is a mapping with `columns:`.",
                "Name each column with its dtype.",
            )
            return Schema(())
        self._unknown(content, _TOP_KEYS, "")
        if content.get("checks") or content.get("index"):
            self._fault(
                "checks" if content.get("checks") else "index",
                "is not supported.",
                "Put checks under a column.",
            )
        coerce = self._flag(content, "coerce", "", default=False)
        unique = content.get("unique") or []
        unique = [unique] if isinstance(unique, str) else unique
        if not isinstance(unique, list) or any(name not in content["columns"] for name in unique):
            self._fault("unique", "must name columns of the schema.")
            unique = []
        columns = tuple(self._column(str(name), value, coerce) for name, value in content["columns"].items())
        return Schema(columns, self._flag(content, "strict", "", default=False), tuple(unique))

    def _column(self, name: str, value: Any, coerce: bool) -> Column:
        path = f"columns.{name}"
        value = {"dtype": value} if isinstance(value, str) else value or {}
        if not isinstance(value, dict):
            self._fault(path, "must be a type or a mapping.")
            return Column(name)
        named = value.get("checks") or {}
        checks: dict[str, dict[str, Any]] = {}
        if isinstance(named, list):  # pandera's newer form: a list of mappings with options.check_name
            named = {str(_options(item).get("check_name")): item for item in named if isinstance(item, dict)}
        if not isinstance(named, dict):
            self._fault(f"{path}.checks", "must be a mapping of checks.")
            named = {}
        flat = {key: item for key, item in value.items() if key in CHECKS}
        for check, given in {**flat, **named}.items():
            found = self._check(f"{path}.checks.{check}", str(check), given)
            if found is not None:
                checks[str(check)] = found
        self._unknown(value, _COLUMN_KEYS | set(CHECKS), path)
        if value.get("regex"):
            self._fault(f"{path}.regex", "is not supported.", "Name each column.")
        return Column(
            name,
            dtype=self._dtype(value.get("dtype"), path),
            nullable=self._flag(value, "nullable", path, default=False),
            unique=self._flag(value, "unique", path, default=False),
            coerce=self._flag(value, "coerce", path, default=False) or coerce,
            required=self._flag(value, "required", path, default=True),
            checks=checks,
        )

    def _check(self, path: str, name: str, given: Any) -> dict[str, Any] | None:
        if name not in CHECKS:
            near = difflib.get_close_matches(name, CHECKS, n=1)
            self._fault(
                path,
                f"is no known check: {name}.",
                f"Did you mean {near[0]}?" if near else f"Known: {', '.join(CHECKS)}.",
            )
            return None
        names = CHECKS[name]
        if isinstance(given, dict):
            arguments = {key: item for key, item in given.items() if key != "options"}
            if set(arguments) == {"value"} and "value" not in names:
                arguments = {names[0]: arguments["value"]}
        else:
            arguments = {names[0]: given}
        wrong = sorted(set(arguments) - set(names))
        if wrong:
            self._fault(path, f"has no parameter {wrong[0]!r}.", f"It has: {', '.join(names)}.")
            return None
        required = names[:1] if name != "in_range" else names[:2]
        if name != "str_length" and any(key not in arguments for key in required):
            self._fault(path, f"needs {', '.join(required)}.")
            return None
        if "pattern" in arguments:
            try:
                re.compile(str(arguments["pattern"]))
            except re.error as error:
                self._fault(path, f"is no regular expression: {error}.")
                return None
        if names[0].endswith("_values") and not isinstance(arguments[names[0]], list):
            self._fault(path, "must be a list of values.")
            return None
        return arguments

    def _dtype(self, text: Any, path: str) -> Any:
        if text is None:
            return None
        found = _TYPES.get(str(text).lower())
        if found is None:
            self._fault(f"{path}.dtype", f"is no known type: {text}.", f"Known: {', '.join(_TYPES)}.")
        return found

    def _flag(self, content: dict[str, Any], key: str, path: str, *, default: bool) -> bool:
        value = content.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._fault(f"{path}.{key}".lstrip("."), "must be true or false.")
            return default
        return value

    def _unknown(self, content: dict[str, Any], known: set[str], path: str) -> None:
        for key in content:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                self._fault(
                    f"{path}.{key}".lstrip("."),
                    "is not known here.",
                    f"Did you mean {near[0]}?" if near else "",
                )


def _options(item: dict[str, Any]) -> dict[str, Any]:
    found = item.get("options")
    return found if isinstance(found, dict) else {}


def check(schema: Schema, path: Path, table: Literal["train", "test"]) -> list[records.DataCheck]:
    """One result a fault, and one that passed when there is none. Reads the schema's columns only."""
    present = tables.columns(path)
    checks = list(_structure(schema, present, table))
    wanted = [column for column in schema.columns if column.name in present]
    if wanted:
        checks += _validate(schema, wanted, path, table)
    if not checks:
        checks.append(
            records.DataCheck(
                table=table, check="schema", column=None, passed=True, detail=f"{len(wanted)} columns"
            )
        )
    return checks


def _structure(
    schema: Schema, present: dict[str, Any], table: Literal["train", "test"]
) -> Iterator[records.DataCheck]:
    named = {column.name for column in schema.columns}
    for column in schema.columns:
        if column.required and column.name not in present:
            yield records.DataCheck(
                table=table, check="column_in_dataframe", column=column.name, passed=False, failures=1,
                detail="the column is missing",
            )  # fmt: skip
    if schema.strict:
        for name in present:
            if name not in named:
                yield records.DataCheck(
                    table=table, check="column_in_schema", column=name, passed=False, failures=1,
                    detail="the schema is strict and does not name this column",
                )  # fmt: skip


def _validate(
    schema: Schema, wanted: list[Column], path: Path, table: Literal["train", "test"]
) -> list[records.DataCheck]:
    import pandera.polars as pandera
    from pandera.errors import SchemaErrors

    frame = tables.read(path, [column.name for column in wanted])
    form = pandera.DataFrameSchema(
        {
            column.name: pandera.Column(
                column.dtype,
                checks=[getattr(pandera.Check, name)(**given) for name, given in column.checks.items()],
                nullable=column.nullable,
                unique=column.unique,
                coerce=column.coerce and column.dtype is not None,
            )
            for column in wanted
        },
        unique=[name for name in schema.unique if name in frame.columns] or None,
    )
    try:
        form.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _distinct([_failed(error, table) for error in errors.schema_errors])
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path.name} could not be checked against its schema.", why=str(error).splitlines()[0]
        ) from None
    return []


def _distinct(found: list[records.DataCheck]) -> list[records.DataCheck]:
    """A column of the wrong type is one fault: what could not be coerced or checked adds nothing to that."""
    mistyped: dict[str | None, records.DataCheck] = {}
    for item in found:
        if item.check == "dtype" and item.failures > getattr(mistyped.get(item.column), "failures", 0):
            mistyped[item.column] = item
    others = [item for item in found if item.check != "dtype" and item.column not in mistyped]
    return [*mistyped.values(), *others]


def _failed(error: Any, table: Literal["train", "test"]) -> records.DataCheck:
    cases = error.failure_cases
    reason = getattr(error.reason_code, "name", "")
    column = getattr(error.schema, "name", None)
    name = getattr(error.check, "name", None) or str(error.check)
    detail, failures = "", 1
    if isinstance(cases, pl.DataFrame):
        failures = cases.height
        if column is None and cases.width == 1:
            column = cases.columns[0]
        shown = [str(row[0]) if len(row) == 1 else str(row) for row in cases.head(EXAMPLES).rows()]
        detail = f"for example {', '.join(shown)}"[:300]
    if reason in {"WRONG_DATATYPE", "DATATYPE_COERCION"}:
        name = "dtype"
        detail = detail or str(error).splitlines()[0][:300]
    elif reason == "CHECK_ERROR":
        detail = f"the check could not run: {str(error).splitlines()[0][:200]}"
    elif not isinstance(cases, pl.DataFrame):
        detail = str(error).splitlines()[0][:300]
    stats = getattr(error.check, "statistics", None)
    if stats and reason == "DATAFRAME_CHECK":
        limits = ", ".join(f"{key} {value}" for key, value in stats.items())
        detail = f"{limits[:150]}; {detail}"
    return records.DataCheck(
        table=table,
        check=name,
        column=None if column is None else str(column),
        passed=False,
        failures=failures,
        detail=detail,
    )
