"""One evaluation in several jobs: each scores a range of the test set's rows, `compare` puts them together.

A shard is a whole evaluation of its rows in a folder of its own, `shards/2-of-8/`. Put together, the tables
are row for row those of a single pass, so that every number that follows is the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from modelrail import records
from modelrail.adapters import files
from modelrail.errors import RecordError

FOLDER = "shards"
MOST = 1000
_WRITTEN = re.compile(r"([0-9]{1,4})/([0-9]{1,4})\Z")
_NAMED = re.compile(r"([0-9]{1,4})-of-([0-9]{1,4})\Z")
AGAIN = "Evaluate all shards again with one commit, one test set and one baseline."


@dataclass(frozen=True)
class Shard:
    number: int  # from 1
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def rows(self, total: int) -> tuple[int, int]:
        """Offset and length of its rows."""
        start, end = (total * step // self.of for step in (self.number - 1, self.number))
        return start, end - start

    def place(self, folder: Path) -> Path:
        return folder / FOLDER / f"{self.number}-of-{self.of}"


def parse(text: str) -> Shard | None:
    """`2/8`; None when it is not written so."""
    found = _WRITTEN.match(text)
    if not found:
        return None
    number, of = int(found[1]), int(found[2])
    return Shard(number, of) if 1 <= number <= of <= MOST else None


def merge(folder: Path) -> records.Evaluation | None:
    """Write the one evaluation that the shards below `folder` make; None when there are none.

    Raises RecordError when a shard is missing, or they are not of one evaluation.
    """
    found = _shards(folder)
    if not found:
        return None
    every = [files.read(records.Evaluation, shard.place(folder)) for shard in found]
    _belong_together(found, every)
    truth = _table("truth", [(shard, one.truth) for shard, one in zip(found, every, strict=True)], folder)
    sides: dict[str, records.Scored | None] = {}
    for role in ("candidate", "baseline"):
        scored = [getattr(one, role) for one in every]
        if scored[0] is None:
            sides[role] = None
            continue
        parts = [(shard, one.predictions) for shard, one in zip(found, scored, strict=True)]
        sides[role] = msgspec.structs.replace(
            scored[0],
            predictions=_table(role, parts, folder),
            seconds=round(sum(one.seconds for one in scored), 3),
            cached=all(one.cached for one in scored),
        )
    whole = msgspec.structs.replace(every[0], shard="", truth=truth, **sides)
    files.write(whole, folder)
    return whole


def _shards(folder: Path) -> list[Shard]:
    place = folder / FOLDER
    if place.is_symlink() or not place.is_dir():
        return []
    named = [_NAMED.match(one.name) for one in place.iterdir() if one.is_dir() and not one.is_symlink()]
    found = sorted((int(one[2]), int(one[1])) for one in named if one)
    sizes = {of for of, _ in found}
    if len(sizes) > 1:
        raise RecordError(f"There are shards of {' and of '.join(map(str, sorted(sizes)))}.", next=AGAIN)
    missing = [str(number) for of in sizes for number in range(1, of + 1) if (of, number) not in found]
    if missing:
        of = next(iter(sizes))
        raise RecordError(
            f"{len(missing)} of {of} shards are missing: {', '.join(missing[:10])}.",
            next="Nothing is compared until all rows are there; look at the jobs that evaluate them.",
        )
    return [Shard(number, of) for of, number in found]


def _belong_together(found: list[Shard], every: list[records.Evaluation]) -> None:
    """All but rows and times is the same in each of them."""

    def about(one: records.Evaluation) -> tuple[object, ...]:
        sides = [
            None
            if side is None
            else (side.role, side.version, side.commit, side.model_digest, side.predictions.columns)
            for side in (one.candidate, one.baseline)
        ]
        return (one.model, one.task, one.test, one.baseline_ref, one.truth.columns, *sides)

    for shard, one in zip(found, every, strict=True):
        if one.shard != str(shard):
            raise RecordError(
                f"The record of shard {shard} says that it is {one.shard or 'all rows'}.", next=AGAIN
            )
        if about(one) != about(every[0]):
            raise RecordError(f"Shard {shard} is of another evaluation than shard {found[0]}.", next=AGAIN)


def _table(role: str, parts: list[tuple[Shard, records.Predictions]], folder: Path) -> records.Predictions:
    """One table of all shards' rows, in their order; each part is the one that its record names."""
    import polars as pl

    from modelrail.adapters import evaluation, tables

    frames = []
    for shard, about in parts:
        path = shard.place(folder) / evaluation.PREDICTIONS / f"{role}.parquet"
        if path.is_symlink() or not path.is_file() or files.digest_file(path) != about.digest:
            raise RecordError(
                f"The table {role} of shard {shard} is not the one that was evaluated.", next=AGAIN
            )
        frames.append(tables.read(path))
    return evaluation.store(pl.concat(frames, how="vertical", rechunk=True), role, folder)
