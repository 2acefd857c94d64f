"""The search for the worst served slices: it finds what is there, and nothing that is not."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.slices import search as slice_search
from support_compare import binary, gate, model, run

WANTED = config.SliceSearch(depth=2, min_rows=100)
SLICED = (config.Slice(column="carrier"), config.Slice(column="distance", bins=4))


def searched(
    tables: tuple[pl.DataFrame, ...], metric: str = "log_loss", **more: object
) -> records.Comparison:
    rules = model(metrics=(metric,), gates=(gate("log_loss", max=50.0),), slices=SLICED)
    return run(msgspec.structs.replace(rules, slice_search=msgspec.structs.replace(WANTED, **more)), *tables)


def spoiled(n: int = 6000, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """EV flights of the longest quarter are answered backwards by the candidate."""
    truth, candidate, baseline = binary(n, seed=seed)
    far = (truth["distance"] > truth["distance"].quantile(0.75)) & (truth["carrier"] == "EV")
    score = pl.when(far).then(1 - pl.col("score")).otherwise(pl.col("score"))
    changed = candidate.with_columns(score=score)
    return truth, changed.with_columns(prediction=(changed["score"] > 0.5).cast(pl.Int64)), baseline


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "roc_auc"])
def test_the_spoiled_combination_is_found(metric: str) -> None:
    found = searched(spoiled(), metric)
    assert found.search is not None
    assert found.search.looked == 2 * (3 + 4 + 12)
    for kind in ("level", "difference"):
        worst = next(row for row in found.search.found if row.kind == kind)
        assert worst.slice.column == "carrier & distance"
        assert worst.slice.value.startswith("EV & over ")
        assert worst.p_value < 1e-6
        assert worst.rows >= 100
    note = next(note for note in found.notes if "slices were searched" in note)
    assert "served worst: carrier & distance EV & over" in note


def test_the_measured_find_is_the_slice_itself() -> None:
    truth, candidate, baseline = spoiled()
    found = searched((truth, candidate, baseline), "accuracy")
    worst = next(row for row in found.search.found if row.kind == "difference")
    far = truth["distance"] > np.quantile(truth["distance"], 0.75, method="inverted_cdf")
    here = (far & (truth["carrier"] == "EV")).to_numpy()
    right = [(side["prediction"] == truth["late"]).to_numpy()[here].mean() for side in (candidate, baseline)]
    assert (worst.rows, worst.candidate, worst.baseline) == (here.sum(), *right)


def test_chance_is_not_called_a_find() -> None:
    false = sum(
        any(row.p_value < 0.05 for row in searched(binary(2000, seed=seed)).search.found)
        for seed in range(60)
    )
    assert false <= 7  # 5% of 60 is 3; more than 7 has a chance of 1%


def test_what_was_not_measured_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 38 looked at, ten are measured: the best of them is still corrected for 38."""
    truth, candidate, baseline = binary(1500, seed=4, skill=1.2)
    every = searched((truth, candidate, baseline)).search
    monkeypatch.setattr(slice_search, "MEASURED", 5)
    some = searched((truth, candidate, baseline)).search
    assert every.looked == some.looked == 38
    assert 0 < min(row.p_value for row in every.found) < 1
    assert min(row.p_value for row in some.found) == min(row.p_value for row in every.found)


def test_small_slices_are_not_looked_at() -> None:
    found = searched(spoiled(), min_rows=1000)
    assert all(row.rows >= 1000 for row in found.search.found)
    assert found.search.looked == 2 * (3 + 4)
    shallow = searched(spoiled(), depth=1)
    assert {row.slice.column for row in shallow.search.found} <= {"carrier", "distance"}


def test_nothing_to_search() -> None:
    rules = msgspec.structs.replace(model(gates=(gate("roc_auc", min=0.1),)), slice_search=WANTED)
    found = run(rules, *binary(500))
    assert found.search is None
    assert any("No slice was searched" in note for note in found.notes)


def test_without_a_baseline_the_level_alone() -> None:
    truth, candidate, _ = spoiled()
    found = searched((truth, candidate, None))
    assert {row.kind for row in found.search.found} == {"level"}
