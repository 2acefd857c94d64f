"""Checks that every data set must pass, schema or not: read lazily, by column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import polars as pl

from modelrail import records
from modelrail.adapters.data import tables
from modelrail.config import resolved as config
from modelrail.core import digits

Table = Literal["train", "test"]

# Reported, and left to the gates: equal feature rows can be honest, and a test set of one class is a question
# of evidence (`inconclusive`), not of broken data.
ADVISORY = frozenset({"leakage", "target_classes"})


def passed(checks: list[records.DataCheck]) -> bool:
    """Whether the data may be used: no check failed but advisory ones."""
    return all(check.passed or check.check in ADVISORY for check in checks)


def check_table(model: config.Model, table: Table, path: Path) -> list[records.DataCheck]:
    """Columns there, target labelled and not constant, key (of the test set) present and unique."""
    data = model.data
    present = tables.columns(path)
    sliced = {f"slice {name}": name for part in model.slices for name in part.reads}
    needed = {
        **({"target": data.target} if not data.targets else {f"label {name}": name for name in data.targets}),
        **({"key": data.key} if table == "test" else {}),
        **({"group": data.group} if data.group and table == "test" else {}),
        **(sliced if table == "test" else {}),
    }
    checks = [
        _check(
            table, "column_present", name, name in present, 0 if name in present else 1, f"the {role} column"
        )
        for role, name in needed.items()
    ]
    total = tables.count(path)
    checks.append(_check(table, "rows", None, total > 0, 0 if total else 1, digits.counted(total)))
    for name in data.label_columns:
        if total and name in present:
            checks += _target(model, name, table, path, total)
    if total and table == "test" and data.key in present:
        checks += _key(data.key, path, total)
    return checks


def _target(
    model: config.Model, name: str, table: Table, path: Path, total: int
) -> Iterator[records.DataCheck]:
    values = tables.read(path, [name])[name]
    missing = values.null_count() + (int(values.is_nan().sum() or 0) if values.dtype.is_float() else 0)
    if model.task == "multilabel" and values.dtype in (pl.String, pl.Null):
        missing = 0  # an empty text is a row without labels
    yield _check(
        table,
        "target_present",
        name,
        missing == 0,
        missing,
        f"{digits.of_all(missing, total, 'rows', 'have')} no label",
    )
    known = values.drop_nulls().n_unique()
    constant = _check(
        table,
        "target_varies",
        name,
        known > 1,
        0 if known > 1 else total,
        digits.counted(known, "different values"),
    )
    yield (
        constant
        if table == "train"
        else _check(table, "target_classes", name, known > 1, constant.failures, constant.detail)
    )
    if model.task == "binary" and known > 2:
        yield _check(table, "target_binary", name, False, known, f"{known:,} classes; a binary task has two")
    if model.task == "regression" and not values.dtype.is_numeric():
        yield _check(table, "target_numeric", name, False, total, f"{values.dtype} instead of a number")


def _key(name: str, path: Path, total: int) -> Iterator[records.DataCheck]:
    keys = tables.read(path, [name])[name]
    nulls = keys.null_count()
    yield _check(
        "test",
        "key_present",
        name,
        nulls == 0,
        nulls,
        f"{digits.of_all(nulls, total, 'rows', 'have')} no key",
    )
    extra = total - keys.n_unique()
    twice = keys.filter(keys.is_duplicated()).unique(maintain_order=True).head(3).to_list() if extra else []
    detail = f"{digits.counted(extra, verb='repeat')} a key" + (
        f" ({', '.join(str(item)[:40] for item in twice)})" if twice else ""
    )
    yield _check("test", "key_unique", name, extra == 0, extra, detail)


def check_pair(model: config.Model, train: Path, test: Path) -> list[records.DataCheck]:
    """The two tables against each other: the same columns and types, and rows that stand in both."""
    free = {model.data.key, model.data.group}
    left, right = tables.columns(train), tables.columns(test)
    checks = []
    for name in [*left, *(name for name in right if name not in left)]:
        if name in free:
            continue
        if name not in right or name not in left:
            where = "train" if name in left else "test"
            checks.append(_check("test", "same_columns", name, False, 1, f"only in {where}"))
        elif _family(left[name]) != _family(right[name]):
            checks.append(
                _check("test", "same_types", name, False, 1, f"{left[name]} in train, {right[name]} in test")
            )
    if not checks:
        checks.append(_check("test", "same_columns", None, True, 0, digits.counted(len(left), "columns")))
    return checks + list(_leakage(model, train, test, left, right))


def _leakage(
    model: config.Model, train: Path, test: Path, left: dict[str, Any], right: dict[str, Any]
) -> Iterator[records.DataCheck]:
    """How many test rows also stand in the training set: by all features, and by key."""
    data = model.data
    features = [
        name
        for name in left
        if name in right
        and name not in {data.key, data.group, *data.label_columns}
        and _family(left[name]) == _family(right[name])
    ]
    total = tables.count(test)
    if features:
        seen = _hashes(train, features, left).unique()
        asked = _hashes(test, features, right)
        both = int(asked.is_in(seen.implode()).sum())
        yield _check(
            "test",
            "leakage",
            None,
            both == 0,
            both,
            f"{digits.of_all(both, total, 'test rows', 'repeat')} the features of a training row",
        )
    if data.key in left and data.key in right and _family(left[data.key]) == _family(right[data.key]):
        seen_keys = tables.scan(train).select(pl.col(data.key).cast(right[data.key], strict=False)).unique()
        both_keys = tables.scan(test).select(data.key).join(seen_keys, on=data.key, how="semi")
        same = both_keys.select(pl.len()).collect().item()
        yield _check(
            "test",
            "leakage",
            data.key,
            same == 0,
            int(same),
            f"{digits.of_all(same, total, 'test keys', 'stand')} in the training set too",
        )


def _hashes(path: Path, features: list[str], types: dict[str, Any]) -> pl.Series:
    """One 64-bit hash a row, over values of a common type, so that int32 and int64 of one number agree."""
    common = [_common(name, types[name]).alias(name) for name in features]
    return tables.scan(path).select(pl.struct(common).hash(0).alias("hash")).collect()["hash"]


def _common(name: str, dtype: Any) -> pl.Expr:
    family = _family(dtype)
    if family == "number":
        return pl.col(name).cast(pl.Float64, strict=False)
    return pl.col(name).cast(pl.String) if family == "text" else pl.col(name)


def _family(dtype: Any) -> str:
    if dtype.is_numeric():
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    return str(dtype.base_type())


def _check(
    table: Table, name: str, column: str | None, ok: bool, failures: int, detail: str
) -> records.DataCheck:
    return records.DataCheck(
        table=table, check=name, column=column, passed=ok, failures=failures, detail=detail
    )
