"""The language of slices: what it understands, what it refuses, and that nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelrail.core.slices import expressions
from modelrail.core.slices.expressions import Among, Column, Compare, Join, Missing, Not, Value

NAMES = st.text(st.characters(exclude_characters="`\n", exclude_categories=["Cs"]), min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_characters="\n'\"", exclude_categories=["Cs"]), max_size=8)
VALUES = st.builds(
    Value, st.floats(allow_nan=False, allow_infinity=False, width=32).map(float) | TEXTS | st.booleans()
)
COLUMNS = st.builds(Column, NAMES)
COMPARES = st.builds(Compare, st.sampled_from(expressions.COMPARISONS), COLUMNS, COLUMNS | VALUES)
LEAVES = (
    COMPARES
    | st.builds(Among, COLUMNS, st.lists(VALUES, min_size=1, max_size=3).map(tuple))
    | st.builds(Missing, COLUMNS)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(Join, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


def test_an_expression() -> None:
    tree = expressions.parse("distance > 1000 and carrier in ['EV', \"UA\"] or not (`a b` is missing)")
    assert tree == Join(
        "or",
        (
            Join(
                "and",
                (
                    Compare(">", Column("distance"), Value(1000.0)),
                    Among(Column("carrier"), (Value("EV"), Value("UA"))),
                ),
            ),
            Not(Missing(Column("a b"))),
        ),
    )
    assert expressions.columns(tree) == ("distance", "carrier", "a b")


def test_negations() -> None:
    assert expressions.parse("x is not missing") == Not(Missing(Column("x")))
    assert expressions.parse("x not in [1]") == Not(Among(Column("x"), (Value(1.0),)))
    assert expressions.parse("late == true") == Compare("==", Column("late"), Value(value=True))


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("", "expected a column or a value, found the end", 1),
        ("distance", "expected a comparison such as", 9),
        ("distance = 5", "'=' is not understood; write `==`", 10),
        ("a > 1 & b > 2", "'&' is not understood; write `and`", 7),
        ("1 < 2", "the comparison names no column", 1),
        ("1 < x < 2", "one comparison at a time", 7),
        ("x in []", "expected a column or a value", 7),
        ("x in [y]", "y stands in a list of values", 8),
        ("(x > 1", "expected `)`", 7),
        ("x > 1 y", "expected `and`, `or` or the end", 7),
        ("__import__('os')", "expected a comparison", 11),
        ("x.y > 1", "'.' is not understood", 2),
        ("x > 1e999", "out of range", 5),
        ("and > 1", "expected a column or a value", 1),
    ],
)
def test_what_is_refused_and_where(text: str, what: str, place: int) -> None:
    with pytest.raises(expressions.ExpressionError) as caught:
        expressions.parse(text)
    assert what in caught.value.what
    assert caught.value.place == place


def test_brackets_without_end() -> None:
    with pytest.raises(expressions.ExpressionError, match="levels"):
        expressions.parse("(" * 5000)
    with pytest.raises(expressions.ExpressionError, match="levels"):
        expressions.parse("not " * 5000 + "x > 1")


@given(tree=TREES)
def test_a_tree_survives_being_written(tree: expressions.Tree) -> None:
    assert expressions.parse(expressions.text(tree)) == tree


@settings(max_examples=300)
@given(text=st.text("xy01 .<>=!()[],'\"`andornotinismissing&|\n", max_size=30) | st.text(max_size=20))
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    place = 0
    try:
        tree = expressions.parse(text)
    except expressions.ExpressionError as error:
        place = error.place
    assert (1 <= place <= len(text) + 1) if place else expressions.columns(tree)
