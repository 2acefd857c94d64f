"""A short run of every fuzz target, the same each time; scripts/fuzz runs them for longer."""

from __future__ import annotations

import pytest

import fuzz_engine
import fuzz_targets

COUNTS = {"report": 25, "archive": 150}


@pytest.mark.fault(17, 24, 26, 27)
@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_a_target_holds(name: str) -> None:
    check, seeds = fuzz_targets.TARGETS[name]
    found = seeds()
    count = COUNTS.get(name, 400) + len(found) + 1
    done, broken = fuzz_engine.run(check, found, fuzz_targets.WORDS, seed=5, count=count)
    assert broken is None, f"{broken.data!r}\n{broken.trace}"
    assert done == count


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_a_target_tells_honest_input_apart(name: str) -> None:
    """Seeds that a target would not take would make it prove nothing."""
    check, seeds = fuzz_targets.TARGETS[name]
    assert all(len(data) < fuzz_engine.MAX_BYTES * 5 for data in seeds())
    for data in seeds():
        check(data)


def test_the_engine_finds_what_is_there_and_repeats() -> None:
    def check(data: bytes) -> None:
        assert b"::" not in data

    found = [fuzz_engine.run(check, [b"a:b"], [b":"], seed=3, count=5000) for _ in range(2)]
    assert found[0] == found[1]
    broken = found[0][1]
    assert broken is not None
    assert b"::" in broken.data
    assert "AssertionError" in broken.trace
