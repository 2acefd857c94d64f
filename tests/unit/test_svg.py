"""Pictures of any numbers: sound, and read the right way round."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import support_html
import support_records as sample
from modelrail import records
from modelrail.report import (
    svg,
    svg_forest,
)
from support_page import Page, made

HUGE = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(min_value=-(2**63), max_value=2**64 - 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(HUGE, max_size=6), st.lists(HUGE, max_size=6), st.lists(COUNTS, max_size=6))
def test_pictures_of_any_numbers_are_sound(x: list[float], y: list[float], counts: list[int]) -> None:
    curve = records.Curve(role="candidate", x=tuple(x), y=tuple(y), count=tuple(counts))
    size = len(counts)
    plots = records.Plots(
        model="m",
        comparison="d",
        roc=(curve,),
        precision_recall=(curve,),
        calibration=(curve,),
        errors=(records.Histogram(role="candidate", edges=tuple(sorted(x)), counts=tuple(counts)),),
        confusion=(
            records.ConfusionMatrix(
                role="candidate", labels=tuple("abcdef"[:size]), counts=tuple(tuple(counts) for _ in counts)
            ),
            records.ConfusionMatrix(role="baseline", labels=("a",), counts=((1, 2),)),
        ),
    )
    extras = (
        records.Robustness(
            model="m",
            curves=(
                records.RobustnessCurve(
                    perturbation="p", unit="u", metric="mae", levels=tuple(x), candidate=tuple(y)
                ),
            ),
        ),
        records.Distributions(
            model="m",
            reference="r",
            current="c",
            distance="d",
            columns=(
                records.ColumnDistribution(
                    column="c",
                    labels=tuple("abc"),
                    reference=tuple(counts),
                    current=tuple(counts),
                    distance=x[0] if x else None,
                ),
            ),
        ),
        records.Importances(
            model="m",
            method="",
            features=tuple(
                records.Importance(feature="f", candidate=one, baseline=two)
                for one, two in zip(x, y, strict=False)
            ),
        ),
    )
    found = msgspec.structs.replace(support_html.flights(), plots=plots, extras=extras)
    text = made(found)
    Page(text)
    for shape in re.findall(r'(?: d| x| y| width| height| cx| cy| viewBox)="([^"]*)"', text):
        assert "nan" not in shape
        assert "inf" not in shape


@settings(max_examples=100, deadline=None)
@given(HUGE, HUGE, HUGE, HUGE, st.booleans())
def test_strips_of_any_numbers_are_sound(
    value: float, low: float, high: float, margin: float, higher: bool
) -> None:
    row = msgspec.structs.replace(
        support_html.rows()[0],
        difference=value,
        interval=sample.interval(*sorted((low, high))),
        higher_is_better=higher,
    )
    text = str(svg_forest.strip(svg_forest.span(row, margin, higher_is_better=higher)))
    for place in re.findall(r'="(-?[\d.]+|\w+)%"', text):
        assert 0 <= float(place) <= 100


def test_right_is_better_for_either_direction() -> None:
    higher = sample.metric("roc_auc", 0.7, 0.75, 0.04, 0.06, "better")
    lower = sample.metric("brier", 0.2, 0.15, -0.06, -0.04, "better", higher=False)
    for row in (higher, lower):
        span = svg_forest.span(row, None, higher_is_better=row.higher_is_better)
        assert span is not None
        assert 0 < span.low < span.value < span.high


def test_the_margin_of_a_gate_over_slices_is_drawn_in_its_column() -> None:
    found = support_html.rows()
    drawn = support_html.gates(found, "EV")
    assert svg_forest.margins(drawn, support_html.pick(found, "roc_auc", "AA")) == -0.04
    assert svg_forest.margins(drawn, support_html.pick(found, "roc_auc", "LGA")) == -0.02
    assert svg_forest.margins(drawn, support_html.pick(found, "roc_auc")) == -0.01
    assert svg_forest.margins(drawn, support_html.pick(found, "log_loss", "AA")) is None
    relative = [
        msgspec.structs.replace(gate, title="ROC AUC, every carrier, may fall by at most 4%")
        for gate in drawn
    ]
    assert svg_forest.margins(relative, support_html.pick(found, "roc_auc", "AA")) is None
    assert svg_forest.margins(relative, support_html.pick(found, "roc_auc", "EV")) == -0.04


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.05, 0.05, ["\u22120.04", "\u22120.02", "0.00", "0.02", "0.04"]),
        (0, 30_000, ["0", "10,000", "20,000", "30,000"]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[str]) -> None:
    assert svg.tick_labels(svg.ticks(low, high)) == expected


def test_reading_off_a_curve() -> None:
    points = [(0.0, 0.0), (0.5, 0.8), (0.5, 0.9), (1.0, 1.0)]
    assert svg.at(points, 0.25) == pytest.approx(0.4)
    assert svg.at(points, 1.0) == 1.0
    assert svg.at(points, 1.5) is None
    assert svg.at([], 0.5) is None
