"""What a terminal shows: within its width, lined up, and nothing in colour alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import support_records as sample
from modelrail.report import terminal, text, view
from modelrail.report.terminal import Cell, Column, Style

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(situation: str, style: Style) -> str:
    return text.text(view.build(sample.SITUATIONS[situation], sample.RUN), style)


@pytest.mark.parametrize("situation", sorted(set(sample.SITUATIONS) - {"huge"}))
def test_eighty_columns_are_enough(situation: str) -> None:
    lines = shown(situation, Style(width=80)).split("\n")
    assert max(terminal.columns_of(line) for line in lines) <= 80


@pytest.mark.parametrize("situation", sorted(sample.SITUATIONS))
def test_colour_adds_nothing_but_colour(situation: str) -> None:
    coloured = shown(situation, Style(color=True, width=100))
    assert "\x1b[" in coloured
    assert ANSI.sub("", coloured) == shown(situation, Style(width=100))


def test_a_long_table_is_counted() -> None:
    assert "… and 4,960 more" in shown("huge", Style(width=100))


def test_an_interval_stays_in_one_line() -> None:
    assert "(\u22120.053 … \u22120.029)" in shown("worse-slice", Style(width=80))


def test_a_column_without_a_value_is_left_out() -> None:
    assert "DIFFERENCE" not in shown("bootstrap", Style(width=80))


@given(
    st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60)), min_size=1, max_size=5),
    st.integers(min_value=40, max_value=120),
)
def test_any_text_lines_up(body: list[tuple[str, str]], width: int) -> None:
    rows = [(Cell(one), Cell(two), Cell("0.5")) for one, two in body]
    columns = (Column("one", least=8), Column("two", least=8), Column("number", right=True))
    lines = terminal.table(columns, rows, Style(width=width), 10)
    assert all(terminal.columns_of(line) <= max(width, 40) for line in lines)
    ends = {terminal.columns_of(line) for line in lines if line.endswith(" 0.5")}
    assert len(ends) == 1
    assert "\x1b" not in "".join(lines)
