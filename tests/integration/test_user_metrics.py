"""A function of the user's own, run in another Python: what it gets, what it may answer, how it may fail."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from modelrail import settings
from modelrail.adapters.running import user_metrics
from modelrail.adapters.running.environments import Environment
from modelrail.core.comparison.measure import Subset
from modelrail.core.metrics import catalog
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired
from modelrail.errors import ComparisonError
from support_compare import model

CODE = """
import os, sys
import numpy as np

def profit(truth, prediction, distance, unit=2.0):
    print("::error::a word on the side")
    return float((unit * truth * prediction * distance).mean())

def mean_score(score): return score.mean()
def undefined(truth): return float("nan")
def text(truth): return "high"
def crash(truth): raise RuntimeError("no such price")
def hang(truth):
    import time
    time.sleep(60)
def odd(truth, price): return 1.0
def secret(truth): return float("GITHUB_TOKEN" in os.environ or "MODELRAIL_TOKEN" in os.environ)
"""


@pytest.fixture
def runner(tmp_path: Path) -> user_metrics.Runner:
    (tmp_path / "money.py").write_text(CODE)
    policy = msgspec.structs.replace(model(), predict_timeout=20.0)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GITHUB_TOKEN": "t0ken"}
    environment = Environment(Path(sys.executable), "sha256:0")
    return user_metrics.Runner(policy, tmp_path, environment, settings.read(environ, tmp_path))


def paired(clusters: bool = False) -> Paired:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    outputs = [Output(rng.integers(0, 2, 300), rng.random(300)) for _ in range(2)]
    codes = np.arange(300) // 10 if clusters else None
    table = pl.DataFrame({"distance": rng.random(300), "carrier": ["AA", "EV", None] * 100})
    return Paired("binary", truth, ("0", "1"), *outputs, codes, 30 if clusters else 0, table)


def measured(runner, name, rows=None, clusters=False):
    metric = catalog.bind(name, "binary", {"function": f"money:{name}", "higher_is_better": True})
    return Subset(replace(paired(clusters), user=runner), rows).measure(metric)


def test_values_and_interval(runner):
    found, data = measured(runner, "profit"), paired()
    gains = [2 * data.truth * one.labels * data.table["distance"].to_numpy() for one in data.outputs]
    assert (found.candidate, found.baseline) == pytest.approx(tuple(gain.mean() for gain in gains))
    spread = (gains[0] - gains[1]).std(ddof=1) / 300**0.5
    assert found.difference.error == pytest.approx(spread, rel=0.1)
    again = measured(runner, "profit").difference
    assert again.bounds(0.95) == found.difference.bounds(0.95)


def test_groups_are_drawn_whole_and_slices_stand_alone(runner):
    assert measured(runner, "mean_score", clusters=True).difference.error > 0
    assert measured(runner, "profit", rows=np.arange(50)).rows == 50


def test_no_value_is_undefined(runner):
    found = measured(runner, "undefined")
    assert found.candidate is None
    assert "no value on these rows" in found.note


def test_no_token_reaches_it(runner):
    assert measured(runner, "secret").candidate == 0.0


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crash", "money:crash (the metric crash) failed"),
        ("text", "it returned str, not a number"),
        ("odd", "its argument 'price' is none of"),
        ("absent", "the module 'money' has no function 'absent'"),
    ],
)
def test_what_it_does_wrong_is_said(runner, name, words):
    with pytest.raises(ComparisonError) as caught:
        measured(runner, name)
    assert words in caught.value.what
    if name == "crash":
        assert "no such price" in caught.value.tail


@pytest.mark.fault(39)
def test_it_does_not_hang_for_ever(runner):
    short = replace(runner, model=msgspec.structs.replace(runner.model, predict_timeout=1.5))
    with pytest.raises(ComparisonError, match="did not finish within"):
        measured(short, "hang")
