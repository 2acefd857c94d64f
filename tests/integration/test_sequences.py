"""Any sequence of operations: the tags, the ledger, a naive model and GTO tell the same state."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelrail import plans
from modelrail.adapters.git import Git
from modelrail.adapters.registry import ledger, tagging
from modelrail.adapters.registry import reading as registry
from modelrail.config import resolved as config
from modelrail.core.registry import decisions, history, tags, transitions, verification, withdrawals
from modelrail.core.registry import ledger as layout
from modelrail.core.registry.decisions import Asked, Decision, assign_tag
from modelrail.core.registry.history import ModelState
from modelrail.errors import ModelrailError
from support_git import run_git
from support_registry import asked, policy

STAGES = ("staging", "production")


@dataclass
class Naive:
    """What a person would note down on paper."""

    versions: list[str] = field(default_factory=list)
    taken_back: set[str] = field(default_factory=set)
    unhealthy: set[str] = field(default_factory=set)
    stages: dict[str, list[str]] = field(default_factory=dict)  # what stands there, newest first
    past: dict[str, list[str]] = field(default_factory=dict)

    def put(self, stage: str, version: str, keep: list[str]) -> None:
        self.stages[stage] = [version, *(one for one in keep if one != version)]
        self.past.setdefault(stage, []).append(version)


operations = st.lists(
    st.tuples(
        st.sampled_from(
            ["register", "assign", "join", "rollback", "rollback", "unassign", "deregister", "deprecate"]
        ),
        st.sampled_from(STAGES),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=14,
)


def register(state: ModelState, number: int, who: Asked, commit: str) -> Decision:
    name = f"v{number}.0.0"
    trailers = {"Model": "delay", "Version": name, "After": str(state.counter), **who.trailers()}
    tag = plans.Tag(
        name=f"delay@{name}", target=commit, time=state.last_time + 1,
        message=tags.message(name, (), trailers),
        twin=bool(state.versions),
    )  # fmt: skip
    return Decision(
        model="delay", version=name, changed=True, tag=tag.name, tags=(tag,), operation=who.operation
    )


def assign(state: ModelState, version: str, stage: str, who: Asked, room: int) -> Decision:
    known = state.versions[version]
    reinstates = {"Reinstates": version} if known.unhealthy else {}
    tag = assign_tag(
        state, version, known.target, stage, who, number=state.counter + 1, time=state.last_time + 1,
        subject="in", summary=(), facts=reinstates,
        beside=decisions.room(state, config.Stage(name=stage, versions=room), version),
    )  # fmt: skip
    return Decision(
        model="delay", version=version, changed=True, tag=tag.name, tags=(tag,), operation=who.operation
    )


def step(git: Git, naive: Naive, kind: str, stage: str, pick: int, at: int, commit: str) -> None:
    """The operation on the registry, and on paper; both refuse the same."""
    state = history.fold_model("delay", registry.read(git, "delay", remote=True))
    who = asked(operation=f"{at}/x", reason="why")
    usable = [version for version in naive.versions if version not in naive.taken_back]
    version = usable[pick % len(usable)] if usable else "v99.0.0"
    standing = naive.stages.get(stage, [])
    current = standing[0] if standing else None
    expected = True
    try:
        if kind == "register":
            decision = register(state, len(naive.versions) + 1, who, commit)
        elif kind in {"assign", "join"} and usable:
            decision = assign(state, version, stage, who, 2 if kind == "join" else 1)
        elif kind == "rollback":
            decision = transitions.rollback(state, policy(), stage, None, who)
        elif kind == "unassign":
            decision = withdrawals.unassign(state, None, stage, who)
        elif kind == "deregister":
            decision = withdrawals.deregister(state, version, who)
        elif kind == "deprecate":
            decision = withdrawals.deprecate(state, who)
        else:
            return
    except ModelrailError:
        decision, expected = None, False
    if kind == "register":
        naive.versions.append(f"v{len(naive.versions) + 1}.0.0")
    elif kind in {"assign", "join"}:
        naive.unhealthy.discard(version)
        others = [one for one in standing if one != version]
        naive.put(stage, version, others[:1] if kind == "join" else [])
    elif kind == "rollback":
        good = [
            known
            for known in reversed(naive.past.get(stage, []))
            if known != current and known not in naive.unhealthy and known not in naive.taken_back
        ]
        assert expected == (current is not None and bool(good))
        if expected:
            assert current is not None
            naive.unhealthy.add(current)
            naive.put(stage, good[0], standing[1:])
    elif kind == "unassign":
        assert expected == bool(naive.past.get(stage))
        naive.stages.pop(stage, None)
        if standing[1:]:
            naive.stages[stage] = standing[1:]
    elif kind == "deregister":
        assert expected == (bool(usable) and not any(version in there for there in naive.stages.values()))
        if expected:
            naive.taken_back.add(version)
    if decision is not None:
        for effect in decision.push:
            assert isinstance(effect, plans.PushTags)
            tagging.push(git, effect, "x <x@example.invalid>")


def summary(state: ModelState) -> dict[str, object]:
    return {
        "stages": {stage: [there.version for there in state.standing(stage)] for stage in state.stages},
        "versions": set(state.versions),
        "taken back": {name for name, known in state.versions.items() if known.deregistered},
        "unhealthy": {name for name, known in state.versions.items() if known.unhealthy},
        "deprecated": state.deprecated is not None,
    }


def from_ledger(entries: list[layout.Entry]) -> ModelState:
    """The state as the ledger alone tells it, in the ledger's own order."""
    found = [event for entry in entries if (event := layout.event(entry)) is not None]
    return history.fold_model("delay", found)


@settings(
    max_examples=int(os.environ.get("SEQUENCES", "12")), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(operations)
def test_tags_ledger_and_a_naive_model_agree(sequence: list[tuple[str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "work"
        subprocess.run(["git", "init", "--quiet", "--bare", f"{folder}/remote"], check=True)
        subprocess.run(["git", "init", "--quiet", str(root)], check=True)
        run_git(root, "remote", "add", "origin", f"{folder}/remote")
        run_git(root, "commit", "--quiet", "--allow-empty", "-m", "begin")
        run_git(root, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        git = Git(root, environ=os.environ)
        naive = Naive()
        for at, (kind, stage, pick) in enumerate([("register", "staging", 0), *sequence]):
            step(git, naive, kind, stage, pick, at, git.head())
        registry.fetch(git, None, with_ledger=True)
        scan = registry.scan(git, "delay", remote=True)
        state = history.fold_model("delay", scan.events)
        entries, begun = ledger.log(git, ledger.tip(git))
        assert summary(from_ledger(entries)) == summary(state)
        assert [event.tag for event in from_ledger(entries).events] == [event.tag for event in state.events]
        assert summary(state) | {"deprecated": None} == {
            "stages": naive.stages, "versions": set(naive.versions), "taken back": naive.taken_back,
            "unhealthy": naive.unhealthy, "deprecated": None,
        }  # fmt: skip
        listed = ledger.index(git, ledger.tip(git))
        events = {event.tag: event for event in scan.events}
        assert listed == {tag: event.object for tag, event in events.items()}
        assert verification.check_chain(entries, listed, begun) == []
        assert verification.check_links(entries, events) == []
        assert verification.check_order(entries) == []
        assert verification.check_state({"delay": state}) == []


@pytest.mark.parametrize("seed", range(2))
def test_gto_agrees_wherever_it_can_express_it(tmp_path: Path, seed: int) -> None:
    """Register, assign, roll back: GTO orders by time and counts nothing as unhealthy, and tells the same."""
    import json
    import random
    import sys

    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "remote")], check=True)
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "work")], check=True)
    root = tmp_path / "work"
    run_git(root, "remote", "add", "origin", str(tmp_path / "remote"))
    run_git(root, "commit", "--quiet", "--allow-empty", "-m", "begin")
    git = Git(root, environ=os.environ)
    naive, dice = Naive(), random.Random(seed)
    steps = [
        "register",
        *dice.choices(["register", "assign", "assign", "join", "rollback", "deregister"], k=12),
    ]
    for at, kind in enumerate(steps):
        step(git, naive, kind, dice.choice(STAGES), dice.randrange(5), at, git.head())
    program = Path(sys.executable).parent / "gto"
    done = subprocess.run(
        [str(program), "show", "--json"], cwd=root, capture_output=True, text=True, check=True
    )
    shown = json.loads(done.stdout)["delay"]
    assert {stage: version for stage, version in shown["stage"].items() if version} == {
        stage: there[0] for stage, there in naive.stages.items()
    }
    usable = [version for version in naive.versions if version not in naive.taken_back]
    assert shown["version"] == (usable[-1] if usable else None)
