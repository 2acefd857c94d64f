"""The fold over events: order by number, stages, marks; the same state whatever order git gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelrail.core.registry import history, tags
from modelrail.core.registry.history import ModelState
from modelrail.records import Event


def event(
    tag: str, *, time: int = 0, commit: str = "c" * 40, version: str | None = None, **trailers: str
) -> Event:
    name = tags.parse_name(tag)
    assert name is not None
    return Event(
        kind=name.kind,
        model=name.model,
        version=version or name.version,
        stage=name.stage,
        sequence=name.counter,
        tag=tag,
        object=f"{abs(hash(tag)):040x}"[:40],
        commit=commit,
        time=time,
        tagger="octo",
        subject=tag,
        trailers={key.replace("_", "-"): value for key, value in trailers.items()},
    )


def fold(*events: Event) -> ModelState:
    return history.fold(events)["a"]


def standing(state: ModelState) -> dict[str, str]:
    return {stage: assigned.version for stage, assigned in state.stages.items()}


REGISTERED = (event("a@v1.0.0", time=1, After="0"), event("a@v1.1.0", time=3, After="1"))


def test_the_number_beats_the_clock() -> None:
    state = fold(
        *REGISTERED,
        event("a#prod#3", version="v1.0.0", time=2),  # a slow clock
        event("a#prod#2", version="v1.1.0", time=99),
    )
    assert standing(state) == {"prod": "v1.0.0"}
    assert state.stages["prod"].sequence == 3
    assert state.counter == 3
    assert state.last_time == 99


def test_the_number_beats_the_clock_without_a_registration_too() -> None:
    """GTO assigns commits that nobody registered: no event without a number is there."""
    state = fold(
        event("a#prod#3", version="v1.0.0", time=2), event("a#prod#2", version="v1.1.0", time=99)
    )  # fmt: skip
    assert standing(state) == {"prod": "v1.0.0"}


def test_ten_comes_after_nine() -> None:
    state = fold(
        *REGISTERED, event("a#prod#10", version="v1.0.0", time=5), event("a#prod#9", version="v1.1.0", time=5)
    )
    assert standing(state) == {"prod": "v1.0.0"}


def test_unassign_empties_and_puts_nothing_back() -> None:
    state = fold(
        *REGISTERED,
        event("a#prod#1", version="v1.0.0"),
        event("a#prod#2", version="v1.1.0"),
        event("a#prod!#3", version="v1.1.0"),
    )
    assert standing(state) == {}


def test_unassign_of_a_past_version_leaves_the_current() -> None:
    state = fold(
        *REGISTERED,
        event("a#prod#1", version="v1.0.0"),
        event("a#prod#2", version="v1.1.0"),
        event("a#prod!#3", version="v1.0.0"),
    )
    assert standing(state) == {"prod": "v1.1.0"}


def test_the_commit_speaks_only_for_tags_without_a_trailer() -> None:
    one, two = "1" * 40, "2" * 40
    state = fold(
        event("a@v1.0.0", commit=one, time=1),
        event("a@v2.0.0", commit=two, time=2),
        event("a#prod#1", commit=two, time=3),
        event("a#staging#2", commit=two, version="v1.0.0", time=4),  # its trailer says v1.0.0
        event("a#lost#3", commit="3" * 40, time=5),
    )
    assert standing(state) == {"prod": "v2.0.0", "staging": "v1.0.0", "lost": "3" * 40}
    assert state.latest is not None
    assert state.latest.version == "v2.0.0"


def test_marks() -> None:
    base = (
        *REGISTERED,
        event("a#prod#1", version="v1.0.0"),
        event("a#prod#2", version="v1.1.0"),
        event("a#prod#3", version="v1.0.0", Unhealthy="v1.1.0", Rollback_From="v1.1.0"),
    )
    state = fold(*base)
    assert state.versions["v1.1.0"].unhealthy is not None
    assert state.versions["v1.0.0"].unhealthy is None
    back = fold(*base, event("a#prod#4", version="v1.1.0", Reinstates="v1.1.0"))
    assert back.versions["v1.1.0"].unhealthy is None
    forged = fold(*base, event("a#prod#4", version="v1.0.0", Reinstates="v1.1.0"))
    assert forged.versions["v1.1.0"].unhealthy is not None


def test_a_version_taken_back_is_no_longer_the_latest_and_its_name_is_not_given_again() -> None:
    state = fold(*REGISTERED, event("a@v1.1.0!", time=9))
    assert state.latest is not None
    assert state.latest.version == "v1.0.0"
    assert state.highest == "v1.1.0"


def test_deprecated_until_something_happens() -> None:
    assert fold(*REGISTERED, event("a@deprecated", time=9)).deprecated is not None
    assert fold(*REGISTERED, event("a@deprecated", time=2)).deprecated is None


def test_an_event_of_the_same_second_stands_after_its_registration() -> None:
    state = fold(event("a#prod#1", version="v1.0.0", time=5), event("a@v1.0.0", time=5))
    assert [found.tag for found in state.events] == ["a@v1.0.0", "a#prod#1"]


def test_an_operation_is_found_again() -> None:
    state = fold(*REGISTERED, event("a#prod#1", version="v1.0.0", Operation="1/x"))
    found = state.operation("1/x")
    assert found is not None
    assert found.tag == "a#prod#1"
    assert state.operation("") is None
    assert state.operation("2/x") is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["assign", "unassign"]),
        st.sampled_from(["staging", "prod"]),
        st.integers(0, 2),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(steps, st.randoms(use_true_random=False))
def test_the_fold_agrees_with_a_naive_model(
    operations: list[tuple[str, str, int, int]], random: object
) -> None:
    events = [event(f"a@v{number}.0.0", time=number) for number in range(3)]
    naive: dict[str, str] = {}
    for at, (kind, stage, number, time) in enumerate(operations, 1):
        version = f"v{number}.0.0"
        if kind == "assign":
            naive[stage] = version
            events.append(event(f"a#{stage}#{at}", version=version, time=time))
        else:
            if naive.get(stage) == version:
                del naive[stage]
            events.append(event(f"a#{stage}!#{at}", version=version, time=time))
    random.shuffle(events)  # type: ignore[attr-defined]
    state = fold(*events)
    assert standing(state) == naive
    assert [found.sequence for found in state.events if found.sequence] == list(range(1, len(operations) + 1))


@given(
    st.permutations(
        [
            *REGISTERED,
            event("a#prod#1", version="v1.0.0"),
            event("a@v1.0.0!", time=4),
            event("a#prod", commit="c" * 40, time=7),
            event("a@deprecated", time=8),
        ]
    )
)
def test_the_order_of_reading_does_not_matter(events: list[Event]) -> None:
    assert fold(*events) == fold(*reversed(events))
