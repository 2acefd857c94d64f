from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelrail.core import params
from modelrail.core.registry import fingerprint
from modelrail.errors import DataError, TrainingError


def test_nested_parameters_get_dotted_keys() -> None:
    data = b"model: {depth: 6, layers: [1, 2]}\nflag: true\nnothing:\nsteps: [{a: 1}, {a: 2}]\n"
    assert params.read(data, "params.yaml") == {
        "flag": "true", "model.depth": "6", "model.layers": "[1, 2]", "nothing": "null",
        "steps.0.a": "1", "steps.1.a": "2",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"), [("p.toml", "a.b = 1\n"), ("p.json", '{"a": {"b": 1}}'), ("p.yaml", "a: {b: 1}")]
)
def test_every_format_says_the_same(name: str, text: str) -> None:
    assert params.read(text.encode(), name) == {"a.b": "1"}


def test_a_comment_is_no_other_parameter_set() -> None:
    one, two = (
        params.digest(params.read(text, "p.yaml")) for text in (b"a: 1\nb: 2\n", b"# note\nb: 2\na: 1\n")
    )
    assert one == two
    assert one != params.digest({"a": "1"})


def test_a_broken_file_is_named() -> None:
    with pytest.raises(DataError, match=r"params\.yaml"):
        params.read(b"a: [1\n", "params.yaml")


@pytest.mark.fault(16)
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "null", '"0.9"', "true", "[]", "[1]"])
def test_a_metric_that_is_no_number_is_named(value: str) -> None:
    with pytest.raises(TrainingError, match=r"'val\.auc'"):
        params.metrics(f'{{"ok": 1, "val": {{"auc": {value}}}}}'.encode(), "m.json")


def test_a_metrics_file_that_is_a_list() -> None:
    with pytest.raises(TrainingError, match="no mapping"):
        params.metrics(b"[1]", "m.json")


def test_metrics_are_flattened() -> None:
    assert params.metrics(b'{"a": 1, "b": {"c": 0.5}}', "m.json") == {"a": 1.0, "b.c": 0.5}


@given(st.lists(st.text()), st.lists(st.text()))
def test_two_sequences_share_no_digest(one: list[str], two: list[str]) -> None:
    assert (fingerprint.digest_parts(one) == fingerprint.digest_parts(two)) == (one == two)
