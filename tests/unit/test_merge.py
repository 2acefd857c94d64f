"""What is counted piece by piece is what is counted at once, in any order and grouping of the pieces."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelrail import records
from modelrail.adapters.data import tables
from modelrail.core.comparison import plots
from modelrail.core.inference import contrast
from modelrail.core.inference.contrast import Clusters
from modelrail.core.rows.joint import Joint


def drawn(seed: int, rows: int, classes: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, classes, rows).astype(np.int8) for _ in range(3))


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 200),
    classes=st.integers(2, 45),  # cells counted densely, and those that occur alone
    cuts=st.lists(st.integers(0, 200), max_size=4),
    data=st.data(),
)
def test_cells_of_parts_add_up(seed, rows, classes, cuts, data):
    columns = drawn(seed, rows, classes)
    edges = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    parts = [slice(start, end) for start, end in itertools.pairwise(edges) if start < end]

    def table(rows_of_part):
        joint = Joint.count(*(column[rows_of_part] for column in columns), classes)
        found = np.zeros((classes,) * 3)
        np.add.at(found, (joint.truth, joint.candidate, joint.baseline), joint.counts)
        return found

    shuffled = data.draw(st.permutations(parts))
    assert np.array_equal(sum(table(part) for part in shuffled), table(slice(None)))


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("factor", [0.0, 1.0, 1.05])
def test_a_contrast_made_in_pieces(monkeypatch, grouped, factor):
    rng = np.random.default_rng(3)
    one, two = rng.normal(size=(2, 1000))
    clusters = Clusters(rng.integers(0, 40, 1000), 40) if grouped else None
    at_once = contrast.from_rows(0.1, one - factor * two, clusters)
    monkeypatch.setattr(contrast, "PIECE", 7)
    monkeypatch.setattr(contrast.pieces, "__defaults__", (7,))
    in_pieces = contrast.from_rows(0.1, one, clusters, two, factor)
    assert in_pieces.error == pytest.approx(at_once.error, rel=1e-12)
    assert in_pieces.df == pytest.approx(at_once.df, rel=1e-9)


def test_curves_of_many_rows_pass_through_points_of_the_exact_ones(monkeypatch):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 20_000)
    scores = np.round(rng.random(20_000) * 0.6 + 0.3 * truth, 3)
    for weights in (None, rng.integers(0, 3, 20_000).astype(float)):
        exact = plots._Ranked(truth, scores, weights)
        points = set(zip(exact.true.tolist(), exact.false.tolist(), strict=True))
        with monkeypatch.context() as patch:
            patch.setattr(plots, "MANY", 100)
            patch.setattr(plots, "SAMPLE", 500)
            thinned = plots._Ranked(truth, scores, weights)
        found = list(zip(thinned.true.tolist(), thinned.false.tolist(), strict=True))
        assert set(found) <= points
        assert len(found) > 200
        assert found[-1] == (exact.true[-1], exact.false[-1])
        assert isinstance(plots._roc("candidate", thinned), records.Curve)


def test_a_table_that_stays_on_disk_is_used_like_one_in_memory(tmp_path):
    frame = pl.DataFrame({"id": [5, 3, 9], "name": ["b", None, "a"], "score": [0.5, 0.25, 1.0]})
    tables.write(frame, tmp_path / "t.parquet")
    stored = tables.Stored(tmp_path / "t.parquet")
    order = pl.Series([2, 0, 1])
    for mine, theirs in (
        (stored, frame),
        (stored[order], frame[order]),
        (stored[order][order], frame[order][order]),
    ):
        assert (mine.columns, mine.height, mine.schema) == (theirs.columns, theirs.height, theirs.schema)
        assert all(mine[name].equals(theirs[name]) for name in frame.columns)
        wanted = (pl.col("score") > 0.3).alias("holds")
        assert mine.select(wanted).equals(theirs.select(wanted))
        assert mine.drop("id").columns == ["name", "score"]
        assert mine.drop("id")["name"].equals(theirs["name"])
    assert tables.Stored(tmp_path / "t.parquet", ["score"]).columns == ["score"]
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        stored["absent"]
