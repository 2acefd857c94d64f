"""Writers of one machine take turns, and nothing is lost where they cannot."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelrail.adapters import apply, stores
from modelrail.adapters.git import Git
from modelrail.adapters.registry import tagging, turn
from support_races import counting_git, finish, start
from support_registry import Project, project

BACK = ("rollback", "delay", "--reason", "bad")


@pytest.fixture
def consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three versions were in production, one after the other."""
    found = project(tmp_path)
    found.environ["MODELRAIL_CACHE"] = str(tmp_path / "machine")
    for text in ("one", "two", "three"):
        found.release(text)
        found.run("promote", "delay", found.run("which", "delay").out.strip())
    monkeypatch.setattr(turn, "_in_vain", set())
    return found


@pytest.fixture
def other(consumer: Project, tmp_path: Path) -> Project:
    """Another clone on the same machine."""
    found = consumer.clone(tmp_path / "other")
    found.git("config", "user.name", "Grace")
    return found


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def of_production(consumer: Project) -> list[str]:
    return sorted(tag for tag in consumer.remote_tags() if tag.startswith("delay#production#"))


def test_two_rollbacks_of_one_machine_go_one_back(
    consumer: Project, other: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for the turn asked of the state before: the same is not done to the next one."""
    consumer.git("config", "user.name", "Ada")
    calls = counting_git(tmp_path / "bin", "fetch", "for-each-ref", "push")
    push, racers = tagging.push, []

    def first(*arguments: Any, **options: Any) -> tagging.Pushed:
        racers.append(start(other, *BACK, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}"))
        wait_until(lambda: calls.read_text(encoding="utf-8").split()[-2:] == ["fetch", "for-each-ref"])
        return push(*arguments, **options)

    monkeypatch.setattr(tagging, "push", first)
    before = of_production(consumer)
    assert consumer.run(*BACK).outputs["version"] == "v1.0.1"
    ((code, err),) = finish(racers)
    assert code == 5, err
    assert "delay#production was changed by somebody else in between" in err
    assert "Ada: delay v1.0.1 is back in production" in err
    assert of_production(consumer) == [*before, "delay#production#7"]
    assert "push" not in calls.read_text(encoding="utf-8").split()
    assert consumer.run("verify").code == 0


def test_the_turn_ends_with_the_push(consumer: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows the tags on GitHub can take minutes."""
    cache = Path(consumer.environ["MODELRAIL_CACHE"])
    real, free = apply.apply, []

    def looked(*arguments: Any, **options: Any) -> apply.Outcomes:
        with turn.of(Git(consumer.root, environ=os.environ), cache) as another:
            free.append(another.take())
        return real(*arguments, **options)

    monkeypatch.setattr(apply, "apply", looked)
    consumer.run(*BACK)
    assert free == [False, True]


def test_an_upload_is_no_turn(consumer: Project, other: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can take minutes. What another writer does meanwhile lands, and so does what follows the upload."""
    stored: list[bytes] = []

    class Store:
        def publish(self, source: Path, _location: str) -> None:
            stored.append(source.read_bytes())
            if len(stored) == 1:
                said = other.run("deprecate", "delay", "--reason", "old")
                assert "going ahead" not in said.err

    monkeypatch.setattr(stores, "by_name", lambda *_, **__: Store())
    monkeypatch.setattr(turn, "LONGEST", 1.0)
    file = consumer.root / "modelrail.yaml"
    text = file.read_text(encoding="utf-8").replace("    train: ", "    store: dvc\n    train: ")
    file.write_text(text, encoding="utf-8")
    consumer.train("four")
    assert consumer.run("register").outputs["version"] == "v1.0.3"
    assert set(stored) == {b"four"}
    assert {"delay@deprecated", "delay@v1.0.3"} <= set(consumer.remote_tags())
    assert consumer.run("verify").code == 0


# A `git` whose push hangs.
HANGING = """#!/bin/sh
if [ "$1" = push ]; then echo $$ > "$HUNG.new"; mv "$HUNG.new" "$HUNG"; exec sleep 300; fi
PATH="${PATH#*:}" exec git "$@"
"""


@pytest.fixture
def hanging(other: Project, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A writer that has the turn, and never ends."""
    folder, hung = tmp_path / "hanging", tmp_path / "hung"
    folder.mkdir()
    (folder / "git").write_text(HANGING, encoding="utf-8")
    (folder / "git").chmod(0o755)
    racer = start(other, *BACK, PATH=f"{folder}:{os.environ['PATH']}", HUNG=str(hung))
    wait_until(hung.exists)
    yield racer
    racer.kill()
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(hung.read_text(encoding="utf-8")), signal.SIGKILL)
    racer.communicate(timeout=60)


def test_one_that_hangs_is_waited_for_no_longer_than_the_bound(
    consumer: Project, hanging: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "LONGEST", 1.0)
    started = time.monotonic()
    said = consumer.run(*BACK)
    assert said.outputs["version"] == "v1.0.1"
    assert "writing to this remote for 1 s; going ahead" in said.err
    assert 1.0 <= time.monotonic() - started < 15
    assert hanging.poll() is None
    monkeypatch.setattr(turn, "LONGEST", 300.0)  # nor is it waited for once more
    assert consumer.run(*BACK).outputs["version"] == "v1.0.0"


def test_one_that_was_killed_is_not_waited_for(consumer: Project, hanging: subprocess.Popen[str]) -> None:
    """Its git lives on, and has nothing of the turn."""
    hanging.kill()
    hanging.wait(timeout=60)
    started = time.monotonic()
    said = consumer.run(*BACK)
    assert said.outputs["version"] == "v1.0.1"
    assert "going ahead" not in said.err
    assert time.monotonic() - started < turn.LONGEST / 2


def test_a_dry_run_takes_no_turn(consumer: Project, hanging: subprocess.Popen[str]) -> None:
    started = time.monotonic()
    assert "would be in production" in consumer.run(*BACK, "--dry-run").out
    assert time.monotonic() - started < turn.LONGEST / 2
    assert hanging.poll() is None


@pytest.mark.parametrize("why", ["no folder", "no file", "no flock"])
def test_without_turns_everything_works(
    consumer: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """A cache that cannot be written, and a system without flock."""
    cache = tmp_path / "no-cache"
    if why == "no folder":
        cache.write_text("a file\n", encoding="utf-8")
    elif why == "no file":
        turn.of(Git(consumer.root, environ=os.environ), cache)._path.mkdir(parents=True)  # type: ignore[union-attr]
    else:
        monkeypatch.setattr(turn, "fcntl", None)
    said = consumer.run(*BACK, env={"MODELRAIL_CACHE": str(cache)})
    assert said.outputs["version"] == "v1.0.1"
    assert "turn" not in said.err


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("https://x-access-token:a@github.com/o/r.git", "https://github.com/o/r/", True),
        ("https://github.com/o/r", "https://github.com/o/s", False),
        ("git@github.com:o/r.git", "git@github.com:o/r.git", True),
        ("{place}/remote.git", "../remote.git", True),
        ("{place}/remote.git", "file://{place}/remote.git/", True),
        ("{place}/remote.git", "{place}/consumer", False),
    ],
)
def test_one_remote_has_one_turn(tmp_path: Path, one: str, another: str, same: bool) -> None:
    """Whatever token is in its address, and from wherever a path leads to it."""
    consumer = project(tmp_path)
    found = []
    for address in (one, another):
        consumer.git("remote", "set-url", "origin", address.replace("{place}", str(tmp_path)))
        found.append(turn.of(Git(consumer.root, environ=os.environ), tmp_path / "cache"))
    for taken in found:
        assert taken.take() or same
    assert (found[0]._path == found[1]._path) is same
    assert found[1].take() is not same
    found[0].give_back()
    assert found[1].take()
    found[1].give_back()
