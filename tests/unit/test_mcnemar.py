"""McNemar's test: its values against scipy, and its place in a comparison."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from modelrail.config import resolved as config
from modelrail.core.comparison.measure import Subset
from modelrail.core.inference.mcnemar import McNemar
from modelrail.core.metrics import catalog
from modelrail.core.rows.output import Output
from modelrail.core.rows.pairing import Paired
from support_compare import binary, gate, metric, model, run


@pytest.mark.parametrize(("one", "two"), [(0, 6), (3, 9), (14, 30), (400, 420), (0, 1), (500, 500)])
def test_mid_p_is_the_exact_test_less_half_the_chance_of_what_was_seen(one, two):
    exact = stats.binomtest(min(one, two), one + two).pvalue
    expected = exact - stats.binom.pmf(min(one, two), one + two, 0.5) if one != two else 1.0
    assert McNemar(one, two).p_value() == pytest.approx(expected)
    assert McNemar(two, one).p_value() == McNemar(one, two).p_value()


def test_many_rows_take_the_asymptotic_test_and_none_say_nothing():
    test = McNemar(5200, 5000)
    assert test.p_value() == pytest.approx(stats.chi2.sf(200**2 / 10_200, 1))
    assert "asymptotic" in test.told()
    assert McNemar(0, 0).p_value() == 1.0


def test_its_level_holds_on_few_discordant_rows():
    rng = np.random.default_rng(3)
    drawn = rng.binomial(18, 0.5, 4000)
    alarms = np.mean([McNemar(int(one), 18 - int(one)).p_value() < 0.05 for one in drawn])
    assert 0.02 < alarms < 0.055


def test_it_judges_where_it_is_asked_for_and_the_record_says_so():
    truth, candidate, baseline = binary(600, skill=2.2)
    asked = metric("accuracy", test="mcnemar")
    found = run(model(metrics=(asked,), gates=(gate(asked, min=0.1),)), truth, candidate, baseline)
    said = [note for note in found.notes if "McNemar" in note]
    assert len(said) == 1
    assert "rows right by the candidate alone" in said[0]
    assert found.metrics[0].interval is not None


def test_rows_that_are_not_independent_get_none():
    rng = np.random.default_rng(1)
    truth, said = rng.integers(0, 2, 200), [rng.integers(0, 2, 200) for _ in range(2)]
    outputs = [Output(one, None) for one in said]
    wanted = catalog.bind("accuracy", "binary", {"test": "mcnemar"})
    plain = Paired("binary", truth, ("0", "1"), *outputs, None, 0, pl.DataFrame())
    grouped = Paired("binary", truth, ("0", "1"), *outputs, np.arange(200) // 4, 50, pl.DataFrame())
    judged = Subset(plain).measure(wanted)
    right = [one == truth for one in said]
    assert judged.mcnemar == McNemar(int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
    assert judged.difference.p_value() == judged.mcnemar.p_value()
    assert Subset(grouped).measure(wanted).mcnemar is None
    assert config.Metric(name="accuracy", params={"test": "mcnemar"}).label == "accuracy(test=mcnemar)"
