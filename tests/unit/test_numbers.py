"""Numbers, sizes and times as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelrail import records
from modelrail.report import numbers, rows
from modelrail.report.visible import clip


def interval(low: float, high: float) -> records.Interval:
    return records.Interval(low=low, high=high, confidence=0.95, method="x")


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.0678, 0.0364, 0.0993, "+0.068 (+0.036 … +0.099)"),
        (0.0111, 0.0061, 0.0161, "+0.011 (+0.006 … +0.016)"),
        (-0.00032, -0.00112, 0.00049, "\u22120.0003 (\u22120.0011 … +0.0005)"),
        (-0.041, -0.053, -0.029, "\u22120.041 (\u22120.053 … \u22120.029)"),
        (1234.567, 1100.0, 1370.0, "+1,235 (+1,100 … +1,370)"),
        (-0.0, -0.02, 0.02, "0.000 (\u22120.020 … +0.020)"),
        (0.0, 0.0, 0.0, "0.0000 (0.0000 … 0.0000)"),
    ],
)
def test_as_many_digits_as_the_interval_supports(
    value: float, low: float, high: float, expected: str
) -> None:
    bounds = interval(low, high)
    assert numbers.difference(value, bounds, numbers.decimals(value, bounds)) == expected


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1e12))
def test_numbers_never_fail_and_stay_short(value: float, width: float) -> None:
    bounds = interval(value - width, value + width) if abs(value) < 1e300 else None
    places = numbers.decimals(value, bounds, value)
    for shown in (numbers.plain(value, places), numbers.signed(value, places)):
        assert len(shown) < 25
        assert "-" not in shown


def test_sizes_times_counts() -> None:
    assert [numbers.size(amount) for amount in (0, 999, 1_234_567, 5_400_000_000)] == [
        "0 bytes",
        "999 bytes",
        "1.2 MB",
        "5.4 GB",
    ]
    assert [numbers.seconds(value) for value in (0.04, 41.7, 600)] == ["0.0 s", "42 s", "10 min"]
    assert numbers.plural(1, "row") == "1 row"
    assert numbers.metric_name("roc_auc") == "ROC AUC"
    assert rows.summary(()) == ""
    assert clip("abcdef", 3) == "ab…"
