"""One evaluation in several jobs: each scores a range of the test set's rows, `compare` puts them together.

A shard is a whole evaluation of its rows in a folder of its own, `shards/2-of-8/`. Put together, the tables
are row for row those of a single pass, so that every number that follows is the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.data import kept_tables
from modelrail.core import digits
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

    Tables are appended, not summed up: rank metrics need every score, and sums of floats would differ in
    their last digits. So the merge is exact for every metric, those of the user's own included.

    Raises RecordError when a shard is missing or failed, holds other rows than its own, or they are not of
    one evaluation.
    """
    found = _shards(folder)
    if not found:
        return None
    every = [files.read(records.Evaluation, shard.place(folder)) for shard in found]
    _belong_together(found, every)
    parts = list(zip(found, every, strict=True))
    truth = _table("truth", [(shard, one.truth) for shard, one in parts], folder)
    whole = msgspec.structs.replace(
        every[0],
        shard="",
        truth=truth,
        candidate=_side("candidate", [(shard, one.candidate) for shard, one in parts], folder),
        baseline=None
        if every[0].baseline is None
        else _side("baseline", [(shard, one.baseline) for shard, one in parts if one.baseline], folder),
        others=tuple(_others(parts, folder)),
    )
    files.write(whole, folder)
    _lineage(found[0], folder)
    return whole


def _side(role: str, parts: list[tuple[Shard, records.Scored]], folder: Path) -> records.Scored:
    """One model's answers on all rows; `role` names its table."""
    return msgspec.structs.replace(
        parts[0][1],
        predictions=_table(role, [(shard, one.predictions) for shard, one in parts], folder),
        seconds=round(sum(one.seconds for _, one in parts), 3),
        cached=all(one.cached for _, one in parts),
    )


def _others(parts: list[tuple[Shard, records.Evaluation]], folder: Path) -> Iterator[records.Scored]:
    """Further baselines that every shard could score; their tables are numbered in each shard by itself."""
    index = 0
    for wanted in parts[0][1].others:
        scored = [
            (shard, place, other)
            for shard, one in parts
            for place, other in enumerate(one.others)
            if (other.version, other.model_digest) == (wanted.version, wanted.model_digest)
        ]
        if len(scored) != len(parts):
            continue
        tables_ = [(shard, other.predictions, f"other-{place}") for shard, place, other in scored]
        yield msgspec.structs.replace(
            wanted,
            predictions=_append(f"other-{index}", tables_, folder),
            seconds=round(sum(other.seconds for _, _, other in scored), 3),
            cached=all(other.cached for _, _, other in scored),
        )
        index += 1


def _lineage(shard: Shard, folder: Path) -> None:
    """The line over the versions is not of rows: any shard's is that of the whole."""
    place = shard.place(folder)
    if files.exists(records.Lineage, place):
        files.write(files.read(records.Lineage, place), folder)


def _shards(folder: Path) -> list[Shard]:
    place = folder / FOLDER
    if place.is_symlink() or not place.is_dir():
        return []
    named = [_NAMED.match(one.name) for one in place.iterdir() if one.is_dir() and not one.is_symlink()]
    found = sorted((int(one[2]), int(one[1])) for one in named if one)
    sizes = {of for of, _ in found}
    if len(sizes) > 1:
        raise RecordError(f"There are shards of {' and of '.join(map(str, sorted(sizes)))}.", next=AGAIN)
    shards = [Shard(number, of) for of, number in found]
    twice = next((one for one, after in itertools.pairwise(shards) if one == after), None)
    if twice is not None:
        raise RecordError(f"Shard {twice} is there twice.", next=AGAIN)
    strange = [shard for shard in shards if parse(str(shard)) is None or not shard.place(folder).is_dir()]
    if strange:
        raise RecordError(f"There is no shard {strange[0]}.", next=AGAIN)
    for shard in shards:
        _refuse_failed(shard, folder)
    missing = [str(number) for of in sizes for number in range(1, of + 1) if (of, number) not in found]
    if missing:
        of = next(iter(sizes))
        raise RecordError(
            f"{len(missing)} of {of} shards are missing: {', '.join(missing[:10])}.",
            next="Nothing is compared until all rows are there; look at the jobs that evaluate them.",
        )
    return shards


def _refuse_failed(shard: Shard, folder: Path) -> None:
    """The cause, and not that a part is missing, is what the report should say."""
    place = shard.place(folder)
    if files.exists(records.Failure, place):
        failure = files.read(records.Failure, place)
        raise RecordError(
            f"Shard {shard} could not be evaluated: {failure.what}",
            why=failure.why,
            next=failure.next or "Evaluate this shard again.",
            path=failure.path,
            file=failure.file,
            tail=failure.tail,
        )


def _belong_together(found: list[Shard], every: list[records.Evaluation]) -> None:
    """All but rows and times is the same in each of them, and each holds the rows that are its own."""

    def about(one: records.Evaluation) -> dict[str, object]:
        sides = {
            role: None
            if side is None
            else (side.role, side.version, side.commit, side.model_digest, side.predictions.columns)
            for role, side in (("candidate", one.candidate), ("baseline's table", one.baseline))
        }
        return {
            "model": one.model, "task": one.task, "test set": one.test, "baseline": one.baseline_ref,
            "columns": one.truth.columns, **sides,
        }  # fmt: skip

    total = sum(one.truth.rows for one in every)
    first = about(every[0])
    for shard, one in zip(found, every, strict=True):
        if one.shard != str(shard):
            raise RecordError(
                f"The record of shard {shard} says that it is {one.shard or 'all rows'}.", next=AGAIN
            )
        other = [name for name, value in about(one).items() if value != first[name]]
        if other:
            raise RecordError(
                f"Shard {shard} is of another evaluation than shard {found[0]}.",
                why=f"Not the same: {', '.join(other)}.",
                next=AGAIN,
            )
        if one.truth.rows != shard.rows(total)[1]:
            raise RecordError(
                f"Shard {shard} holds {digits.counted(one.truth.rows)}; of {total:,} its part is"
                f" {shard.rows(total)[1]:,}.",
                why="Shards that overlap, or leave rows out, are not the test set.",
                next=AGAIN,
            )


def _table(role: str, parts: list[tuple[Shard, records.Predictions]], folder: Path) -> records.Predictions:
    return _append(role, [(shard, about, role) for shard, about in parts], folder)


def _append(
    role: str, parts: list[tuple[Shard, records.Predictions, str]], folder: Path
) -> records.Predictions:
    """One table of all shards' rows, in their order; each part is the one that its record names."""
    paths = []
    for shard, about, name in parts:
        path = kept_tables.place(shard.place(folder), name)
        if path.is_symlink() or not path.is_file() or files.digest_file(path) != about.digest:
            raise RecordError(
                f"The table {name} of shard {shard} is not the one that was evaluated.", next=AGAIN
            )
        paths.append(path)
    made = kept_tables.append(paths, role, folder)
    said = sum(about.rows for _, about, _ in parts)
    if made.rows != said:
        raise RecordError(
            f"The tables {role} of the shards have {digits.counted(made.rows)}; their records say {said:,}.",
            next=AGAIN,
        )
    return made
