"""Thousands of tags: a question about one model starts the same few programs and reads that model's refs."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import modelrail
from modelrail.adapters.git import Git
from support_git import run_git
from support_registry import Project, project

BENCH = Path(modelrail.__file__).parents[1] / "bench_registry.py"
FEW, MANY = 300, 3_000  # tags; of ten and of a hundred models, so that each has thirty
QUESTIONS = [
    ("which", "m1#production"), ("which", "m1@latest"), ("history", "m1"), ("show", "m1"), ("describe", "m1"),
]  # fmt: skip


@dataclass
class Counted:
    """What git was started with, and how much it answered."""

    calls: list[tuple[str, ...]] = field(default_factory=list)
    answered: int = 0


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Project]:
    """Packed refs, made by fast-import; each with a remote that holds the same."""
    bench = runpy.run_path(str(BENCH))
    found = {}
    for tags in (FEW, MANY):
        place = tmp_path_factory.mktemp("many") / "repository"
        bench["make"](place, tags, tags // 30)
        subprocess.run(["git", "remote", "add", "origin", str(place)], cwd=place, check=True)
        found[tags] = Project(place, str(place))
    return found


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    found, real = Counted(), subprocess.run

    def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        done = real(command, **options)
        found.calls.append(tuple(command[1:]))
        found.answered += len(done.stdout or b"")
        return done

    def stream(git: Git, *arguments: str, feed: Sequence[str]) -> Iterator[bytes]:
        found.calls += [tuple(feed), arguments]
        for block in streamed(git, *arguments, feed=feed):
            found.answered += len(block)
            yield block

    streamed = Git.stream
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(Git, "stream", stream)
    return found


@pytest.mark.fault(34)
@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_about_one_model_does_not_depend_on_the_others(
    registries: dict[int, Project], counted: Counted, question: tuple[str, ...]
) -> None:
    seen = []
    for consumer in registries.values():
        counted.calls, counted.answered = [], 0
        consumer.run(*question)
        seen.append(([call[0] for call in counted.calls], counted.answered))
    (few, little), (many, much) = seen
    assert few == many
    assert len(many) <= 6
    assert much == pytest.approx(little, rel=0.05)  # longer numbers of runs and tags, no more of them


@pytest.mark.fault(34)
def test_a_fetch_for_one_model_names_that_model_alone(
    registries: dict[int, Project], counted: Counted
) -> None:
    """Exact or prefix refspecs: nothing that the remote would answer with all of its tags."""
    consumer = registries[MANY]
    consumer.run("which", "m1#production", "--fetch")
    asked = [call for call in counted.calls if call[0] in {"fetch", "ls-remote", "for-each-ref"}]
    refs = [part for call in asked for part in call if "refs/" in part and not part.startswith("--format")]
    assert refs
    assert all("/m1@" in ref or "/m1#" in ref for ref in refs), refs
    mirrored = consumer.git("for-each-ref", "--format=%(refname)", "refs/modelrail/remote").splitlines()
    assert len(mirrored) == 30


@pytest.mark.fault(34)
def test_a_write_starts_few_programs(tmp_path: Path, counted: Counted) -> None:
    """And talks to the remote twice: to read what it decides on, and to push."""
    consumer = project(tmp_path)
    consumer.release("one")
    counted.calls = []
    consumer.run("promote", "delay", "v1.0.0", "--evidence", consumer.evidence_file())
    started = [call[0] for call in counted.calls]
    assert [name for name in started if name in {"fetch", "ls-remote", "push"}] == ["fetch", "push"]
    assert len(started) <= 17, started


@pytest.mark.fault(34)
def test_a_registry_of_thousands_is_shown_by_one_reading(
    registries: dict[int, Project], counted: Counted
) -> None:
    consumer = registries[MANY]
    said = consumer.run("show", "--json")
    assert [call[0] for call in counted.calls].count("for-each-ref") == 1
    assert len(counted.calls) <= 6
    assert len(said.json) == MANY // 30
    last = said.json["m1"]["stages"]["production"]
    assert last["version"] == said.json["m1"]["latest"] == "v1.10.0"


def test_models_whose_names_begin_alike_are_each_whole(tmp_path: Path) -> None:
    """`a#…`, `a/b#…`, `a/b@…`, `a@…`, `a1#…`: a model's tags do not stand together in git's order."""
    import os

    from modelrail.adapters.registry import reading as registry
    from modelrail.core.registry import history

    run_git(tmp_path, "init", "--quiet")
    run_git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "x")
    for model in ("a", "a/b", "a1", "a-b", "d=a", "A", "a_b"):
        for tag in (
            f"{model}@v1.0.0",
            f"{model}#s#1",
            f"{model}#s/t#2",
            f"{model}@v1.0.0!",
            f"{model}@deprecated",
        ):
            run_git(tmp_path, "tag", "-a", "-m", "x", tag)
    git = Git(tmp_path, environ=os.environ)
    whole = history.fold(registry.read(git))
    assert len(whole) == 7
    assert registry.glance(git) == registry.overview(git)
    for model, state in registry.overview(git).items():
        one = whole.pop(model)
        assert (state.counter, set(state.versions), set(state.stages)) == (2, {"v1.0.0"}, {"s", "s/t"})
        assert (state.deprecated is None) == (one.deprecated is None)
        assert state.versions["v1.0.0"].deregistered is not None
    assert whole == {}
