"""Register, promote, rollback: what they make, and what they refuse."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import support_records
from modelrail import records
from modelrail.core.registry import history, registration, selectors, transitions
from modelrail.core.registry.decisions import Decision
from modelrail.core.registry.history import ModelState
from modelrail.errors import (
    ConflictError,
    GateError,
    ModelrailError,
    NotFoundError,
    RecordError,
    RefusedError,
    UsageError,
)
from support_registry import CONFIG, as_event, asked, digest_of, evidence, policy

POLICY = policy()


class Registry:
    """A registry in memory: decisions are applied as their tags would be read."""

    def __init__(self) -> None:
        self.events: list[records.Event] = []
        self.calls = 0

    @property
    def state(self) -> ModelState:
        return history.fold(self.events).get("delay") or ModelState(model="delay")

    def keep(self, decision: Decision) -> Decision:
        for tag in decision.tags:
            self.events.append(as_event(tag))
        return decision

    def asked(self, **changes: Any) -> Any:
        self.calls += 1
        return asked(operation=f"{self.calls}/test", **changes)

    def evidence(self, letter: str, version: str | None = None, **changes: Any) -> records.Evidence:
        current = self.state.stages.get("production")
        baseline = None
        if current is not None:
            baseline = records.Baseline(
                status="present", stage="production", version=current.version, sequence=current.sequence
            )
        return evidence(digest=support_records.digest(letter), baseline=baseline, version=version, **changes)

    def register(self, letter: str, **changes: Any) -> Decision:
        carried = self.evidence(letter, **changes)
        version = registration.next_version(self.state, "patch")
        return self.keep(
            registration.register(self.state, POLICY, carried, digest_of(carried), version, self.asked())
        )

    def promote(
        self, version: str, *, carried: records.Evidence | None = None, reason: str = "", **changes: Any
    ) -> Decision:
        letter = self.state.versions[version].model_digest[-1]
        carried = carried or self.evidence(letter, version=version)
        request = self.asked(reason=reason, **changes)
        return self.keep(
            transitions.promote(
                self.state, POLICY, version, "production", carried, digest_of(carried), request
            )
        )

    def rollback(self, to: str | None = None, reason: str = "bad") -> Decision:
        return self.keep(
            transitions.rollback(self.state, POLICY, "production", to, self.asked(reason=reason))
        )


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    for letter, version in (("1", "v1.0.0"), ("2", "v1.0.1"), ("3", "v1.0.2")):
        found.register(letter)
        found.promote(version)
    return found


def test_dates_increase_and_numbers_follow(registry: Registry) -> None:
    times = [event.time for event in registry.events]
    assert times == sorted(set(times))
    assert [event.sequence for event in registry.events if event.sequence] == list(range(1, 7))
    slow = registry.rollback()
    assert slow.tags[0].time == times[-1] + 1


def test_the_tag_says_why(registry: Registry) -> None:
    said = registry.events[-1].trailers
    assert list(said)[:5] == ["Model", "Version", "Stage", "Sequence", "Replaces"]
    assert (said["Replaces"], said["Baseline"], said["Baseline-Sequence"]) == ("v1.0.1", "v1.0.1", "4")
    assert (said["Verdict"], said["Gates"], said["Actor"], said["Operation"]) == (
        "pass",
        "3/3",
        "octo",
        "6/test",
    )
    first = registry.events[0].trailers
    assert (first["Baseline"], first["Model-File"], first["After"]) == ("none", "model.skops", "0")
    assert first["Tracking-Run"] == "0f" * 16


@pytest.mark.fault(14)
def test_a_first_version_needs_leave() -> None:
    strict = policy(CONFIG.replace(", first: allowed", ""))
    carried = evidence()
    with pytest.raises(RefusedError, match="without a baseline"):
        registration.register(
            ModelState(model="delay"), strict, carried, digest_of(carried), "v1.0.0", asked()
        )


def test_the_verdict_decides(registry: Registry) -> None:
    for verdict in ("fail", "inconclusive"):
        with pytest.raises(GateError, match=verdict):
            registry.register("4", verdict=verdict)
    row = support_records.gate(0, "ROC AUC", support_records.AUC, "fail")
    with pytest.raises(RecordError, match="says `pass`"):
        registry.register("4", gates=(row,))


def test_a_dirty_tree_registers_nothing(registry: Registry) -> None:
    carried = registry.evidence("4")
    dirty = msgspec.structs.replace(carried.candidate.fingerprint, dirty=True)
    candidate = msgspec.structs.replace(carried.candidate, fingerprint=dirty)
    carried = msgspec.structs.replace(carried, candidate=candidate)
    with pytest.raises(RefusedError, match="no commit holds"):
        registration.register(registry.state, POLICY, carried, digest_of(carried), "v9.0.0", registry.asked())


def test_the_same_model_is_registered_once(registry: Registry) -> None:
    assert registry.register("3").changed is False
    older = evidence(digest=support_records.digest("1"))  # the first version's evidence, hours later
    again = registration.register(registry.state, POLICY, older, digest_of(older), "v9.0.0", registry.asked())
    assert (again.changed, again.version) == (False, "v1.0.0")


@pytest.mark.fault(7)
@pytest.mark.fault(21)
def test_evidence_against_a_past_state_is_refused(registry: Registry) -> None:
    registry.register("4")
    stale = registry.evidence("4", version="v1.0.3")
    registry.rollback()
    with pytest.raises(ConflictError) as refused:
        registry.promote("v1.0.3", carried=stale)
    assert (
        refused.value.what
        == "v1.0.3 was measured against v1.0.2 (event 6); production is now v1.0.1 (event 8)."
    )
    assert "modelrail evaluate delay@v1.0.3 --against production" in refused.value.next
    with pytest.raises(ConflictError):
        registration.register(
            registry.state, POLICY, stale_of(stale, "5"), "sha256:" + "0" * 64, "v1.0.9", registry.asked()
        )


@pytest.mark.fault(21)
def test_the_same_version_put_there_by_another_event_is_another_state(registry: Registry) -> None:
    registry.register("4")
    stale = registry.evidence("4", version="v1.0.3")  # against v1.0.2 (event 6)
    registry.rollback()
    registry.rollback(to="v1.0.2")
    assert registry.state.stages["production"].version == "v1.0.2"
    with pytest.raises(ConflictError, match=r"v1\.0\.2 \(event 6\); production is now v1\.0\.2 \(event 9\)"):
        registry.promote("v1.0.3", carried=stale)


def stale_of(carried: records.Evidence, letter: str) -> records.Evidence:
    other = support_records.digest(letter)
    file = msgspec.structs.replace(carried.candidate.file, digest=other)
    scored = msgspec.structs.replace(carried.evaluation.candidate, model_digest=other)
    return msgspec.structs.replace(
        carried,
        candidate=msgspec.structs.replace(carried.candidate, file=file),
        evaluation=msgspec.structs.replace(carried.evaluation, candidate=scored),
    )


@pytest.mark.fault(20)
def test_evidence_of_other_bytes_or_models_is_refused(registry: Registry) -> None:
    registry.register("4")
    for carried in (
        registry.evidence("5", version="v1.0.3"),
        registry.evidence("4", version="v1.0.2"),
        registry.evidence("4"),
        registry.evidence("4", version="v1.0.3", model="fraud"),
    ):
        if digest_of(carried) == registry.state.versions["v1.0.3"].evidence_digest:
            continue
        with pytest.raises(RecordError):
            registry.promote("v1.0.3", carried=carried)
    with pytest.raises(RefusedError, match="no evidence"):
        transitions.promote(registry.state, POLICY, "v1.0.3", "production", None, "", registry.asked())


def test_promotion_of_what_is_there_is_done(registry: Registry) -> None:
    decision = transitions.promote(registry.state, POLICY, "v1.0.2", "production", None, "", registry.asked())
    assert (decision.changed, decision.tag, decision.tags) == (False, "delay#production#6", ())


def test_a_repeated_operation_has_the_first_result(registry: Registry) -> None:
    first = registry.rollback()
    registry.calls -= 1
    again = registry.rollback()
    assert (first.changed, again.changed) == (True, False)
    assert (again.tag, again.version, again.sequence) == (first.tag, first.version, first.sequence)
    assert registry.rollback().version == "v1.0.0"


def test_rollback_goes_back_step_by_step(registry: Registry) -> None:
    assert registry.rollback().version == "v1.0.1"
    assert registry.rollback().version == "v1.0.0"
    with pytest.raises(RefusedError, match="no earlier healthy version"):
        registry.rollback()
    assert registry.rollback(to="v1.0.2").version == "v1.0.2"  # named by a person, marked or not
    assert registry.state.versions["v1.0.2"].unhealthy is None


def test_rollback_refuses(registry: Registry) -> None:
    registry.register("4")
    with pytest.raises(RefusedError, match="never was in production"):
        registry.rollback(to="v1.0.3")
    with pytest.raises(NotFoundError):
        registry.rollback(to="v7.0.0")
    with pytest.raises(UsageError, match="needs a reason"):
        registry.rollback(reason="\u202e \n")
    with pytest.raises(RefusedError, match="nothing to leave"):
        transitions.rollback(
            ModelState(model="delay"), POLICY, "production", None, registry.asked(reason="x")
        )
    with pytest.raises(NotFoundError, match="no stage 'moon'"):
        transitions.rollback(registry.state, POLICY, "moon", None, registry.asked(reason="x"))
    assert registry.rollback(to="v1.0.2").changed is False


def test_a_version_that_was_left_needs_a_reason_to_return(registry: Registry) -> None:
    registry.rollback()
    with pytest.raises(RefusedError, match="was rolled back by delay#production#7"):
        registry.promote("v1.0.2")
    assert registry.promote("v1.0.2", reason="the cause was elsewhere").changed
    assert registry.state.versions["v1.0.2"].unhealthy is None


def test_bumps() -> None:
    registry = Registry()
    assert registration.next_version(registry.state, "minor") == "v1.0.0"
    assert registration.next_version(registry.state, "minor", "v0.1.0") == "v0.1.0"
    registry.register("1")
    same = registry.evidence("2").candidate
    changed = msgspec.structs.replace(
        same, fingerprint=msgspec.structs.replace(same.fingerprint, params=support_records.digest("f"))
    )
    choose = registration.choose_bump
    assert choose("auto", [], registry.state, same) == "patch"
    assert choose("auto", [], registry.state, changed) == "minor"
    assert choose("auto", ["bug", "modelrail:patch"], registry.state, changed) == "patch"
    assert choose("auto", ["modelrail:patch", "modelrail:major"], registry.state, same) == "major"
    assert choose("patch", ["modelrail:major"], registry.state, changed) == "patch"
    with pytest.raises(UsageError):
        registration.next_version(registry.state, "patch", "1.0")


operations = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.sampled_from("123456789abcdef")),
        st.tuples(st.just("promote"), st.integers(0, 8)),
        st.tuples(st.just("rollback"), st.integers(-1, 8)),
    ),
    max_size=14,
)


@given(operations)
def test_whatever_is_asked_the_history_is_sound(asked_for: list[tuple[str, Any]]) -> None:
    """Numbers without gaps, no version changed, the stage holds what the last good decision said."""
    registry = Registry()
    production, left = None, set()
    for kind, what in asked_for:
        known = list(registry.state.versions)
        before = dict(registry.state.versions)
        try:
            if kind == "register":
                registry.register(what)
            elif kind == "promote" and known:
                done = registry.promote(known[what % len(known)], reason="r")
                production = done.version
                left.discard(done.version)
            elif kind == "rollback":
                done = registry.rollback(known[what % len(known)] if known and what >= 0 else None)
                if done.changed:
                    assert what >= 0 or done.version not in left
                    left.add(done.replaced)
                    left.discard(done.version)
                production = done.version
        except ModelrailError:
            assert registry.state.versions == before
        state = registry.state
        assert (state.stages["production"].version if "production" in state.stages else None) == production
        assert {name for name, found in state.versions.items() if found.unhealthy} == left
        for name, found in before.items():
            assert state.versions[name].event == found.event
        numbers = [event.sequence for event in registry.events if event.sequence]
        assert numbers == list(range(1, len(numbers) + 1))


def test_selectors(registry: Registry) -> None:
    states = {"delay": registry.state}
    for text, version in (
        ("delay", "v1.0.2"),
        ("delay@latest", "v1.0.2"),
        ("delay@greatest", "v1.0.2"),
        ("delay@v1.0.0", "v1.0.0"),
        ("delay#production", "v1.0.2"),
    ):
        assert selectors.resolve(states, selectors.parse(text)).version == version
    for bad in ("", "delay@", "delay@1.0", "delay#", "a b", "@v1.0.0", "delay@v1.0.0#x", "delay\n"):
        with pytest.raises(UsageError):
            selectors.parse(bad)
    for missing in ("fraud", "delay@v9.9.9", "delay#moon"):
        with pytest.raises(NotFoundError):
            selectors.resolve(states, selectors.parse(missing))
