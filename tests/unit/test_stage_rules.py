"""A stage of several versions, and who may put one there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import support_records
from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.registry import history, registration, transitions, verification, withdrawals
from modelrail.core.registry.decisions import Decision
from modelrail.core.registry.history import ModelState
from modelrail.errors import ConfigError, NotFoundError, RefusedError
from support_registry import CONFIG, as_event, asked, digest_of, evidence, policy

SHADOW = CONFIG + "      shadow: {versions: 2, first: allowed}\n"
LETTERS = {f"v1.0.{at}": str(at + 1) for at in range(4)}


class Paper:
    """A registry in memory, with four versions."""

    def __init__(self, rules: config.Model) -> None:
        self.rules, self.events, self.calls = rules, list[records.Event](), 0
        for version, letter in LETTERS.items():
            carried = evidence(digest=support_records.digest(letter))
            self.keep(registration.register(self.state, rules, carried, letter, version, self.asked()))

    @property
    def state(self) -> ModelState:
        return history.fold(self.events).get("delay") or ModelState(model="delay")

    def asked(self, **changes: Any) -> Any:
        self.calls += 1
        return asked(operation=f"{self.calls}/x", reason="why", **changes)

    def keep(self, decision: Decision) -> Decision:
        self.events += [as_event(tag) for tag in decision.tags]
        return decision

    def promote(self, version: str, stage: str = "shadow", **changes: Any) -> Decision:
        there = self.state.stages.get(stage)
        baseline = there and records.Baseline(
            status="present", stage=stage, version=there.version, sequence=there.sequence
        )
        carried = evidence(
            digest=support_records.digest(LETTERS[version]), baseline=baseline, version=version
        )
        if there is None:
            ref = records.Baseline(status="absent", stage=stage)
            carried = evidence(digest=support_records.digest(LETTERS[version]), baseline=ref, version=version)
        request = self.asked(**changes)
        return self.keep(
            transitions.promote(self.state, self.rules, version, stage, carried, digest_of(carried), request)
        )

    def unassign(self, version: str = "") -> Decision:
        return self.keep(withdrawals.unassign(self.state, self.rules, "shadow", self.asked(), version))

    @property
    def shadow(self) -> list[str]:
        return [there.version for there in self.state.standing("shadow")]


@pytest.fixture
def paper() -> Paper:
    return Paper(policy(SHADOW))


def test_as_many_stand_as_the_policy_lets_and_the_oldest_leaves(paper: Paper) -> None:
    paper.promote("v1.0.0")
    assert paper.promote("v1.0.1").replaced == ""
    assert paper.shadow == ["v1.0.1", "v1.0.0"]
    assert "is in shadow already" in paper.promote("v1.0.0").note
    assert paper.promote("v1.0.2").replaced == "v1.0.0"
    assert paper.shadow == ["v1.0.2", "v1.0.1"]
    assert paper.events[-1].trailers["Beside"] == "v1.0.1"
    with pytest.raises(RefusedError, match=r"v1.0.1 is in shadow"):
        withdrawals.deregister(paper.state, "v1.0.1", paper.asked())


def test_one_of_several_is_taken_out(paper: Paper) -> None:
    paper.promote("v1.0.0")
    paper.promote("v1.0.1")
    with pytest.raises(NotFoundError, match=r"v1.0.3 is not in shadow"):
        paper.unassign("v1.0.3")
    paper.unassign("v1.0.0")
    assert paper.shadow == ["v1.0.1"]
    paper.promote("v1.0.2")
    paper.unassign()
    assert paper.shadow == ["v1.0.1"]
    paper.unassign()
    assert paper.shadow == []


def test_a_rollback_leaves_what_stands_beside(paper: Paper) -> None:
    for version in ("v1.0.0", "v1.0.1", "v1.0.2"):
        paper.promote(version)
    paper.keep(transitions.rollback(paper.state, paper.rules, "shadow", "v1.0.0", paper.asked()))
    assert paper.shadow == ["v1.0.0", "v1.0.1"]
    assert paper.state.versions["v1.0.2"].unhealthy is not None
    # The last healthy one before stands there: it is what is left.
    paper.keep(transitions.rollback(paper.state, paper.rules, "shadow", None, paper.asked()))
    assert paper.shadow == ["v1.0.1"]


def test_a_version_that_was_taken_back_is_found_beside_another_too(paper: Paper) -> None:
    paper.promote("v1.0.0")
    paper.promote("v1.0.1")
    gone = as_event(withdrawals.deregister(paper.state, "v1.0.2", paper.asked()).tags[0])
    paper.events.append(msgspec.structs.replace(gone, version="v1.0.0", tag="delay@v1.0.0!"))
    (found,) = verification.check_state({"delay": paper.state})
    assert "holds v1.0.0, which was taken back" in found.what


def test_only_those_named_may_put_a_version_there() -> None:
    paper = Paper(policy(CONFIG.replace("manual, first", "manual, by: [Ana, bo], first")))
    with pytest.raises(RefusedError, match=r"eve may not put a version of delay into production") as refused:
        paper.promote("v1.0.3", "production", actor="eve")
    assert "stages.production.by" in refused.value.why
    assert paper.promote("v1.0.3", "production", actor="ana").changed
    with pytest.raises(RefusedError, match="eve may not"):
        transitions.rollback(paper.state, paper.rules, "production", None, paper.asked(actor="eve"))
    with pytest.raises(
        RefusedError, match="eve may not take a version of delay out of production"
    ) as refused:
        withdrawals.unassign(paper.state, paper.rules, "production", paper.asked(actor="eve"))
    assert "stages.production.by" in refused.value.why
    assert withdrawals.unassign(paper.state, paper.rules, "production", paper.asked(actor="Bo")).changed


def test_nobody_is_asked_where_a_version_enters_by_itself() -> None:
    with pytest.raises(ConfigError) as wrong:
        policy(CONFIG.replace("{enter: on-pass}", "{enter: on-pass, by: [ana]}"))
    assert "nobody is asked" in wrong.value.faults[0].what


@pytest.mark.fault(6)
def test_a_repeated_withdrawal_is_the_first_one_whatever_came_between(paper: Paper) -> None:
    request = paper.asked()
    first = paper.keep(withdrawals.deprecate(paper.state, request))
    paper.promote("v1.0.0")  # which takes the word back
    again = withdrawals.deprecate(paper.state, request)
    assert (again.changed, again.tag) == (False, first.tag)


@pytest.mark.fault(6)
def test_a_repeated_registration_is_no_new_version_though_the_first_was_taken_back(paper: Paper) -> None:
    carried, request = evidence(digest=support_records.digest("9")), paper.asked()
    paper.keep(registration.register(paper.state, paper.rules, carried, "9", "v2.0.0", request))
    paper.keep(withdrawals.unassign(paper.state, paper.rules, "staging", paper.asked()))
    paper.keep(withdrawals.deregister(paper.state, "v2.0.0", paper.asked()))
    again = registration.register(paper.state, paper.rules, carried, "9", "v2.0.1", request)
    assert (again.changed, again.version, again.tag) == (False, "v2.0.0", "delay@v2.0.0")
