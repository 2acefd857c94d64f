"""An evaluation in shards gives the same answer as one pass, or none while a part is missing."""

from __future__ import annotations

import itertools
import shutil

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_evaluate import Consumer, consumer  # noqa: F401 - a fixture

from modelrail import records
from modelrail.adapters import files, shards
from modelrail.errors import DataError, RecordError

ROLES = ("truth", "candidate", "baseline")


@given(total=st.integers(1, 10_000), of=st.integers(1, 1000))
def test_the_shards_are_all_rows_once(total, of):
    ranges = [shards.Shard(number, of).rows(total) for number in range(1, of + 1)]
    assert ranges[0][0] == 0
    assert all(start + length == following for (start, length), (following, _) in itertools.pairwise(ranges))
    assert sum(ranges[-1]) == total


@pytest.mark.parametrize(
    "text", ["", "0/3", "4/3", "1/0", "a/b", "1/1001", "1/2/3", "-1/3", "1 / 3", "01/2x"]
)
def test_what_is_no_shard(text):
    assert shards.parse(text) is None


@pytest.fixture
def scored(consumer: Consumer) -> Consumer:  # noqa: F811
    """A baseline in production, and a candidate that was evaluated in one pass and in three shards."""
    consumer.train()
    consumer.register("v1.0.0", 1)
    script = (consumer.root / "predict.py").read_text()
    (consumer.root / "predict.py").write_text(script.replace("/ 30", "/ 40"))
    settings = (consumer.root / "modelrail.yaml").read_text()
    (consumer.root / "modelrail.yaml").write_text(f"{settings.rstrip()}\n    baselines: [latest, majority]\n")
    import support_models as support

    support.run(consumer.root, "git", "commit", "-qam", "another predictor")
    consumer.train()
    return consumer


def compared(consumer: Consumer) -> records.Comparison:  # noqa: F811
    consumer.ok("compare", "--fail-on", "never", "--policy-ref", "HEAD")
    return files.read(records.Comparison, consumer.folder)


def test_the_same_answer_as_one_pass(scored: Consumer):
    scored.ok("evaluate")
    tables = {role: scored.table(role) for role in ROLES}
    once, whole, line = compared(scored), scored.evaluation(), files.read(records.Lineage, scored.folder)
    for number in (2, 3, 1):
        scored.ok("evaluate", "--shard", f"{number}/3")
    merged = compared(scored)
    for role in ROLES:
        assert scored.table(role).equals(tables[role])
    now = scored.evaluation()
    assert now.truth == whole.truth  # to the byte
    assert now.candidate.predictions == whole.candidate.predictions
    assert (now.shard, now.truth.rows) == ("", whole.truth.rows)
    assert [one.predictions for one in now.others] == [one.predictions for one in whole.others]
    assert len(merged.others) == len(once.others) > 0
    assert files.read(records.Lineage, scored.folder) == line
    assert msgspec.structs.replace(merged, evaluation=once.evaluation) == once


@pytest.mark.fault(19)
def test_a_missing_or_foreign_shard_blocks(scored: Consumer):
    scored.ok("evaluate", "--shard", "1/2")
    error = scored.error("compare")
    assert isinstance(error, RecordError)
    assert "1 of 2 shards are missing: 2" in error.what
    scored.ok("evaluate", "--shard", "2/2")
    place = scored.folder / "shards/2-of-2"
    table = place / "predictions/candidate.parquet"
    kept = table.read_bytes()
    pl.read_parquet(table).with_columns(score=pl.lit(0.5)).write_parquet(table)
    assert "not the one that was evaluated" in scored.error("compare").what
    table.write_bytes(kept)
    record = files.read(records.Evaluation, place)
    other = msgspec.structs.replace(record.candidate, model_digest="sha256:" + "9" * 64)
    files.write(msgspec.structs.replace(record, candidate=other), place)
    assert "of another evaluation" in scored.error("compare").what
    files.write(record, place)
    fewer = msgspec.structs.replace(record.truth, rows=record.truth.rows - 5)
    files.write(msgspec.structs.replace(record, truth=fewer), place)
    assert "overlap, or leave rows out" in scored.error("compare").why
    files.write(record, place)
    extra = scored.folder / "shards/02-of-2"
    shutil.copytree(place, extra)
    assert "2/2 is there twice" in scored.error("compare").what
    extra.rename(scored.folder / "shards/1-of-3")
    assert "shards of 2 and of 3" in scored.error("compare").what


def test_a_shard_that_failed_says_why(scored: Consumer):
    scored.ok("evaluate", "--shard", "1/2")
    good = (scored.root / "predict.py").read_text()
    (scored.root / "predict.py").write_text("raise SystemExit('no memory left')\n")
    scored.error("evaluate", "--shard", "2/2")
    (scored.root / "predict.py").write_text(good)
    error = scored.error("compare")
    assert "Shard 2/2 could not be evaluated" in error.what
    assert "no memory left" in error.tail
    scored.ok("evaluate", "--shard", "2/2")
    compared(scored)


def test_one_pass_forgets_earlier_shards(scored: Consumer):
    scored.ok("evaluate", "--shard", "1/2")
    scored.ok("evaluate")
    assert not (scored.folder / "shards").exists()


def test_more_shards_than_rows(scored: Consumer):
    assert isinstance(scored.error("evaluate", "--shard", "1/1000"), DataError)
    result = scored.invoke("evaluate", "--shard", "9/8")
    assert "second of eight" in str(result.exception) + result.output
