"""A small mutation fuzzer: for machines without atheris, and for the short run in the tests. Runs repeat."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_BYTES = 20_000


@dataclass(frozen=True)
class Broken:
    data: bytes
    trace: str


def mutated(seeds: Sequence[bytes], words: Sequence[bytes], dice: random.Random) -> bytes:
    """One seed, changed in some places: flipped, cut, repeated, a word put in, spliced with another."""
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        at, way = dice.randint(0, len(data)), dice.randrange(6)
        if way == 0 and data:
            data[at % len(data)] = dice.randrange(256)
        elif way == 1:
            del data[at : at + dice.choice((1, 2, 8, 64))]
        elif way == 2:
            data[at:at] = dice.choice(words)
        elif way == 3:
            data[at:at] = data[at : at + dice.choice((1, 8, 200))] * dice.choice((1, 2, 30))
        elif way == 4:
            data[at:] = dice.choice(seeds)[dice.randint(0, len(data)) :]
        else:
            data[at:at] = dice.randbytes(dice.choice((1, 4, 24)))
    return bytes(data[:MAX_BYTES])


def run(
    check: Callable[[bytes], None],
    seeds: Sequence[bytes],
    words: Sequence[bytes],
    *,
    seed: int,
    count: int | None = None,
    seconds: float | None = None,
) -> tuple[int, Broken | None]:
    """Check the seeds, then mutations, until one breaks, `count` were tried, or the time is up."""
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    done = 0
    for data in _inputs(seeds, words, random.Random(seed)):
        if done >= (count if count is not None else float("inf")) or time.monotonic() > end:
            break
        try:
            check(data)
        except Exception:  # noqa: BLE001 - any is what is looked for
            return done, Broken(data, traceback.format_exc())
        done += 1
    return done, None


def _inputs(seeds: Sequence[bytes], words: Sequence[bytes], dice: random.Random) -> Iterator[bytes]:
    yield b""
    yield from seeds
    kept = list(seeds)
    while True:
        data = mutated(kept, words, dice)
        if len(kept) < 200 and dice.random() < 0.05:
            kept.append(data)  # changes upon changes
        yield data
