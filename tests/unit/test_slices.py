"""Which rows belong to which slice, combinations and expressions included."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelrail.config import resolved as config
from modelrail.core.slices import expressions, row_conditions
from modelrail.core.slices import members as slices
from modelrail.core.slices.expressions import Among, Column, Compare, Join, Missing, Not, Value
from modelrail.errors import ComparisonError

TABLE = pl.DataFrame(
    {
        "carrier": ["EV", "UA", None, "EV", "B6"],
        "origin": ["JFK", "LGA", "JFK", "EWR", "JFK"],
        "distance": [100.0, 2000.0, 1500.0, float("nan"), 1000.0],
        "count": [1, 2, 3, 4, None],
        "late": [True, False, None, True, False],
        "day": [dt.date(2013, 1, day) for day in range(1, 6)],
    }
)


def holds(text: str) -> list[int]:
    return np.flatnonzero(row_conditions.rows(expressions.parse(text), TABLE, "here")).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("distance > 1000", [1, 2]),
        ("distance >= 1000 and carrier != 'UA'", [4]),  # no carrier: neither equal nor different
        ("carrier in ['EV', 'UA']", [0, 1, 3]),
        ("carrier not in ['EV', 'UA']", [4]),
        ("carrier is missing or distance is missing", [2, 3]),
        ("not (distance > 1000)", [0, 4]),
        ("late == true", [0, 3]),
        ("distance > count and count <= 2", [0, 1]),
        ("1000 < distance", [1, 2]),
        ("day >= '2013-01-04'", [3, 4]),
        ("count in [1, 4.0]", [0, 3]),
    ],
)
def test_the_rows_of_an_expression(text: str, rows: list[int]) -> None:
    assert holds(text) == rows


@pytest.mark.parametrize(
    "text", ["distance > '1000'", "carrier == 5", "late > true", "day > 'soon'", "carrier == day", "day == 5"]
)
def test_types_that_cannot_be_compared(text: str) -> None:
    with pytest.raises(ComparisonError, match="here"):
        holds(text)


NUMBERS = st.none() | st.floats(-3, 3).map(round) | st.just(float("nan"))
LEAVES = (
    st.builds(
        Compare,
        st.sampled_from(expressions.COMPARISONS),
        st.sampled_from([Column("x"), Column("y")]),
        st.sampled_from([Column("x"), Column("y")])
        | st.integers(-2, 2).map(lambda value: Value(float(value))),
    )
    | st.builds(Missing, st.just(Column("x")))
    | st.builds(Among, st.just(Column("y")), st.just((Value(0.0), Value(1.0))))
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(Join, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def reference(tree: expressions.Tree, row: dict[str, float | None]) -> bool | None:
    """Three-valued logic, written down plainly."""
    if isinstance(tree, Join):
        found = [reference(part, row) for part in tree.parts]
        strong = tree.how == "or"
        return strong if strong in found else None if None in found else not strong
    if isinstance(tree, Not):
        inner = reference(tree.inner, row)
        return None if inner is None else not inner
    if isinstance(tree, Missing):
        return row[tree.column.name] is None
    if isinstance(tree, Among):
        value = row[tree.column.name]
        return None if value is None else value in {one.value for one in tree.values}
    sides = [row[side.name] if isinstance(side, Column) else side.value for side in (tree.left, tree.right)]
    if None in sides:
        return None
    one, two = sides
    known = {"==": one == two, "!=": one != two, "<": one < two, "<=": one <= two}
    return (known | {">": one > two, ">=": one >= two})[tree.operator]


@settings(max_examples=200, deadline=None)
@given(tree=TREES, x=st.lists(NUMBERS, min_size=4, max_size=4), y=st.lists(NUMBERS, min_size=4, max_size=4))
def test_expressions_agree_with_a_plain_reading(
    tree: expressions.Tree, x: list[float | None], y: list[float | None]
) -> None:
    table = pl.DataFrame({"x": x, "y": y}, schema={"x": pl.Float64, "y": pl.Float64}, strict=False)
    known = [
        {name: None if value is None or math.isnan(value) else value for name, value in row.items()}
        for row in table.to_dicts()
    ]
    found = row_conditions.rows(tree, table, "here").tolist()
    assert found == [bool(reference(tree, row)) for row in known]


def labels(values: list[object], **how: int) -> list[str]:
    """Of the slices of one column; no row without one."""
    cut = slices.cut(pl.DataFrame({"x": values}), config.Slice(column="x", **how))
    assert cut.sizes.sum() == len(values)
    return list(cut.labels)


def test_every_slice_has_a_name_of_its_own() -> None:
    assert labels([True, False, None]) == ["false", "true", "(missing)"]
    assert labels([20130101.0, 20130102.0, None, 0.1, 1.0]) == [
        "0.1", "1", "20130101", "20130102", "(missing)",
    ]  # fmt: skip
    long = "x" * 80
    assert labels([long + "a", long + "b"]) == [long, f"{long} #2"]
    assert labels(["(missing)", None]) == ["(missing)", "(missing) #2"]
    assert labels([20130101, 20130102, 20130103], bins=3) == [
        "20130101 to 20130102", "over 20130102 to 20130103",
    ]  # fmt: skip
    assert labels([0.1, 0.25, 1.0], bins=3)[0] == "0.1 to 0.25"
    near = labels([1.00000001, 1.00000002, 1.00000003], bins=3)
    assert near == ["1.00000001 to 1.00000002", "over 1.00000002 to 1.00000003"]


def test_lists_are_nothing_to_slice_by() -> None:
    table = pl.DataFrame({"x": [[1], [2], [1]]})
    with pytest.raises(ComparisonError, match="holds List"):
        slices.cut(table, config.Slice(column="x"))


def test_a_combination() -> None:
    wanted = config.Slice(
        column="carrier & origin", parts=(config.Slice(column="carrier"), config.Slice(column="origin"))
    )
    found = {label: rows.tolist() for label, rows in slices.cut(TABLE, wanted).rows()}
    assert found == {
        "B6 & JFK": [4], "EV & EWR": [3], "EV & JFK": [0], "UA & LGA": [1], "(missing) & JFK": [2],
    }  # fmt: skip


def test_a_combination_with_bins() -> None:
    distance = config.Slice(column="distance", bins=2)
    wanted = config.Slice(column="both", parts=(config.Slice(column="origin"), distance))
    found = slices.cut(TABLE, wanted)
    assert sorted(label for label, rows in found.rows() if rows.size) == sorted(found.labels)
    assert "JFK & 100 to 1000" in found.labels
    assert found.sizes.sum() == TABLE.height


def test_an_expression_is_one_slice_without_a_value() -> None:
    wanted = config.Slice(column="far", where="distance > 1000", where_columns=("distance",))
    cut = slices.cut(TABLE, wanted)
    assert [(label, rows.tolist()) for label, rows in cut.rows()] == [("", [1, 2])]
    assert cut.sizes.tolist() == [2]


def test_too_many_combinations() -> None:
    numbers = pl.DataFrame({"a": np.arange(6000) // 2, "b": np.arange(6000) % 2})
    wanted = config.Slice(column="a & b", parts=(config.Slice(column="a"), config.Slice(column="b")))
    with pytest.raises(ComparisonError, match="6,000 combinations"):
        slices.cut(numbers, wanted)


def test_an_absent_column_of_an_expression() -> None:
    wanted = config.Slice(column="far", where="miles > 1", where_columns=("miles",))
    with pytest.raises(ComparisonError, match="'miles'"):
        slices.cut(TABLE, wanted)
