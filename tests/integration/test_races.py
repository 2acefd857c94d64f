"""Real processes: racing for one state and for twenty, and killed at every step of a write."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelrail.adapters.registry import tagging
from support_git import LocalHub, run_git
from support_races import copies, counting_git, finish, start
from support_registry import CONFIG, Project, project

RACERS = 20


@pytest.mark.fault(1)
@pytest.mark.parametrize("machines", ["many", "one"])
def test_twenty_models_are_written_at_once(hub: LocalHub, tmp_path: Path, machines: str) -> None:
    """All land, over git's own server; nothing is lost, nothing is double. One machine wastes no push."""
    consumer = project(tmp_path, remote=hub.authorized_url())
    calls = counting_git(tmp_path / "bin", "push")
    ready = []
    for number, copy in enumerate(copies(consumer, RACERS, one_machine=machines == "one")):
        # Each names its own model alone: twenty times twenty models would be read, and nothing else proven.
        mine = CONFIG.replace("  delay:\n", f"  m{number}:\n")
        (copy.root / "modelrail.yaml").write_text(mine, encoding="utf-8")
        copy.train(f"model {number}", model=f"m{number}", new=False, first=True)
        ready.append((copy, f"m{number}"))
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    racers = [start(copy, "register", "--model", model, "--no-release", PATH=path) for copy, model in ready]
    ends = finish(racers)
    assert [code for code, _ in ends] == [0] * RACERS, [err for code, err in ends if code]
    assert set(consumer.remote_tags()) == {
        tag for number in range(RACERS) for tag in (f"m{number}@v1.0.0", f"m{number}#staging#1")
    }
    said = consumer.run("verify")
    assert said.out == f"✓ {2 * RACERS} tags, {2 * RACERS + 1} ledger commits, {RACERS} versions: one story\n"
    pushes = len(calls.read_text(encoding="utf-8").splitlines())
    assert pushes >= RACERS
    assert machines == "many" or pushes == RACERS


@pytest.mark.fault(1)
@pytest.mark.parametrize("machines", ["many", "one"])
def test_twenty_promotions_for_one_stage(hub: LocalHub, tmp_path: Path, machines: str) -> None:
    consumer = project(tmp_path, remote=hub.authorized_url())
    consumer.release("one")
    consumer.run("promote", "delay", "v1.0.0")
    consumer.release("two")
    racers = [
        start(copy, "promote", "delay", "v1.0.1", "--reason", f"racer {number}")
        for number, copy in enumerate(copies(consumer, RACERS, one_machine=machines == "one"))
    ]
    ends = finish(racers)
    # The first one wins; the others lost the race (5), or came when it was done (0).
    assert {code for code, _ in ends} <= {0, 5}, [err for code, err in ends if code not in {0, 5}]
    assert all("changed by somebody else" in err for code, err in ends if code == 5)
    numbers = sorted(int(tag.rpartition("#")[2]) for tag in consumer.remote_tags() if "#" in tag)
    assert numbers == [1, 2, 3, 4]
    assert consumer.run("verify").code == 0


@pytest.mark.fault(1)
@pytest.mark.parametrize("command", ["rollback", "unassign"])
def test_two_rollbacks_at_once_go_one_back(
    three_in_production: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What was asked of one state is not done to the next one, and who came first is named."""
    consumer = three_in_production
    other = consumer.clone(tmp_path / "other")
    other.git("config", "user.name", "Grace")
    other.environ["MODELRAIL_CACHE"] = str(tmp_path / "machine")  # a machine of its own: it takes no turns
    push, racing = tagging.push, [True]

    def overtaken(*arguments: Any, **options: Any) -> tagging.Pushed:
        if racing and racing.pop():
            assert finish([start(other, "rollback", "delay", "--reason", "bad")])[0][0] == 0
        return push(*arguments, **options)

    monkeypatch.setattr(tagging, "push", overtaken)
    options = ("--stage", "production") if command == "unassign" else ()
    said = consumer.run(command, "delay", *options, "--reason", "bad too", code=5)
    assert "delay#production was changed by somebody else in between" in said.err
    assert "Grace: delay v1.0.1 is back in production" in said.err
    assert [tag for tag in consumer.remote_tags() if "production" in tag and tag.endswith(("#7", "#8"))] == [
        "delay#production#7"
    ]
    assert consumer.run("which", "delay#production", "--fetch").out == "v1.0.1\n"


# --- killed ----------------------------------------------------------------------------------------------

# A `git` that kills its caller: before it did its work, after it, or in the midst of it.
KILLER = """#!/bin/sh
if [ "$1" = "$KILL_AT" ] && [ ! -e "$KILL_ONCE" ]; then
  : > "$KILL_ONCE"
  case "$KILL_WHEN" in
    before) kill -9 $PPID; exit 1 ;;
    after) "$REAL_GIT" "$@"; kill -9 $PPID; exit 1 ;;
    midst) (sleep 0.3; exec setsid "$REAL_GIT" "$@") >/dev/null 2>&1 & kill -9 $PPID; exit 1 ;;
  esac
fi
exec "$REAL_GIT" "$@"
"""

STEPS = [
    ("fetch", "before"), ("fetch", "after"), ("unpack-objects", "before"), ("unpack-objects", "after"),
    ("push", "before"), ("push", "midst"), ("push", "after"), ("update-ref", "before"),
    ("update-ref", "after"),
]  # fmt: skip


_made: list[Path] = []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """One hub for all that are killed; each has a repository of its own."""
    from modelrail.localhub.server import Hub

    hub = Hub(tmp_path_factory.mktemp("hub"))
    running = hub.serve(port=0)
    yield LocalHub(hub, running, "octo", "", hub.token_for("octo"))
    running.close()


@pytest.fixture
def three_in_production(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, server: LocalHub
) -> Project:
    """Made once, a copy for each test, its remote behind git's own server."""
    if not _made:
        place = tmp_path_factory.mktemp("template")
        found = project(place)
        for text in ("one", "two", "three"):
            found.release(text)
            found.run("promote", "delay", found.run("which", "delay").out.strip())
        found.train("four")
        _made.append(place)
    there = replace(server, repo=tmp_path.name)
    there.hub.create_repository(there.owner, there.repo)
    run_git(
        _made[0] / "remote.git", "push", "--quiet", there.authorized_url(),
        "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*",
    )  # fmt: skip
    shutil.copytree(_made[0] / "consumer", tmp_path / "consumer")
    copy = Project(tmp_path / "consumer", there.authorized_url())
    copy.git("remote", "set-url", "origin", copy.remote)
    return copy


def wait_for(consumer: Project, tag: str) -> None:
    """The push that outlived its client arrives."""
    for _ in range(100):
        if tag in consumer.remote_tags():
            return
        time.sleep(0.1)
    raise AssertionError(f"{tag} never came")


@pytest.fixture
def killed(tmp_path: Path) -> Callable[..., None]:
    """`killed(consumer, at, when, command...)`: run it, and see it die there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(KILLER, encoding="utf-8")
    (folder / "git").chmod(0o755)
    real = shutil.which("git")
    assert real

    def run(consumer: Project, at: str, when: str, *arguments: str, **env: str) -> None:
        once = tmp_path / f"once-{time.monotonic_ns()}"
        (code, err), = finish(
            [
                start(
                    consumer, *arguments, PATH=f"{folder}:{os.environ['PATH']}", REAL_GIT=real, KILL_AT=at,
                    KILL_WHEN=when, KILL_ONCE=str(once), **env,
                )
            ]
        )  # fmt: skip
        assert code == -9, err

    return run


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    ("at", "when", "ci"),
    [*((*step, True) for step in STEPS), *((*step, False) for step in STEPS if step[0] == "push")],
)
def test_killed_at_any_step_a_rollback_happens_once(
    three_in_production: Project, killed: Callable[..., None], at: str, when: str, ci: bool
) -> None:
    consumer = three_in_production
    run = {"GITHUB_RUN_ID": "77"} if ci else {}
    command = ("rollback", "delay", "--reason", "bad")
    killed(consumer, at, when, *command, **run)
    if when == "midst":
        wait_for(consumer, "delay#production#7")
    said = consumer.run(*command, env=run)
    assert said.outputs["version"] == "v1.0.1"
    assert "delay#production#8" not in consumer.remote_tags()
    assert consumer.remote_tags()["delay#production#7"]
    assert consumer.run("verify").code == 0
    assert consumer.run("which", "delay#production").out == "v1.0.1\n"
    # It ended: typed once more it is another one, in CI the same.
    again = consumer.run(*command, env=run)
    assert again.outputs["version"] == ("v1.0.1" if ci else "v1.0.0")


# At least: two that run side by side may both be counted before either looks.
COUNTING = """#!/bin/sh
echo "$1" >> "$CALLS"
if [ "$(wc -l < "$CALLS")" -ge "$KILL_AT" ]; then "$REAL_GIT" "$@"; kill -9 $PPID; exit 1; fi
exec "$REAL_GIT" "$@"
"""


@pytest.mark.slow
@pytest.mark.fault(2)
@pytest.mark.parametrize("begins", [False, True])
def test_killed_after_every_call_of_git_a_rollback_happens_once(tmp_path: Path, begins: bool) -> None:
    """Call by call until one is not killed. `begins`: the ledger is not there yet, and begins with it."""
    template = tmp_path / "template"
    template.mkdir()
    found = project(template)
    for text in ("one", "two"):
        found.release(text)
        found.run("promote", "delay", found.run("which", "delay").out.strip())
    if begins:
        found.git("push", "--quiet", "--delete", "origin", "modelrail/ledger")
        found.git("update-ref", "-d", "refs/modelrail/ledger/tip")
        found.git("update-ref", "-d", "refs/modelrail/incoming/ledger")
    folder, real, calls = tmp_path / "bin", shutil.which("git"), tmp_path / "calls"
    assert real
    folder.mkdir()
    (folder / "git").write_text(COUNTING, encoding="utf-8")
    (folder / "git").chmod(0o755)
    command = ("rollback", "delay", "--reason", "bad")
    killed_at: list[str] = []
    while True:
        place = tmp_path / "now"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place)
        copy = Project(place / "consumer", str(place / "remote.git"))
        copy.git("remote", "set-url", "origin", copy.remote)
        before = set(copy.remote_tags())
        calls.unlink(missing_ok=True)
        (code, err), = finish(
            [
                start(
                    copy, *command, PATH=f"{folder}:{os.environ['PATH']}", REAL_GIT=real,
                    KILL_AT=str(len(killed_at) + 1), CALLS=str(calls),
                )
            ]
        )  # fmt: skip
        if code == 0:
            break
        assert code == -9, err
        killed_at.append(calls.read_text(encoding="utf-8").split()[-1])
        copy.run(*command)
        assert set(copy.remote_tags()) - before == {"delay#production#5"}, killed_at
        assert copy.local_tags() == copy.remote_tags(), killed_at
        assert copy.run("which", "delay#production").out == "v1.0.0\n", killed_at
        assert copy.run("verify").code == 0, killed_at
    assert {"fetch", "unpack-objects", "push", "update-ref"} <= set(killed_at)


@pytest.mark.fault(2)
@pytest.mark.parametrize(("at", "when"), [step for step in STEPS if step[0] in {"push", "update-ref"}])
def test_killed_at_any_step_a_registration_happens_once(
    three_in_production: Project, killed: Callable[..., None], at: str, when: str
) -> None:
    consumer = three_in_production
    before = set(consumer.remote_tags())
    killed(consumer, at, when, "register")
    if when == "midst":
        wait_for(consumer, "delay@v1.0.3")
    assert consumer.run("register").outputs["version"] == "v1.0.3"
    assert set(consumer.remote_tags()) - before == {"delay@v1.0.3", "delay#staging#7"}
    assert consumer.run("verify").code == 0


@pytest.mark.fault(7)
def test_failed_jobs_that_run_again_hours_later_find_another_state(tmp_path: Path) -> None:
    """The evidence of the run answers a question that nobody asks any more."""
    consumer = project(tmp_path)
    consumer.release("one")
    consumer.run("promote", "delay", "v1.0.0")
    consumer.release("two")
    consumer.release("three")
    consumer.run("promote", "delay", "v1.0.2")
    before = consumer.remote_tags()
    said = consumer.run(
        "promote", "delay", "v1.0.1", "--to", "production", code=None,
        env={"GITHUB_RUN_ID": "55", "GITHUB_RUN_ATTEMPT": "2"},
    )  # fmt: skip
    assert said.code in {5, 6}
    assert consumer.remote_tags() == before


@pytest.mark.fault(12)
def test_a_ruleset_refuses_and_nothing_is_left(hub: LocalHub, tmp_path: Path) -> None:
    consumer = project(tmp_path, remote=hub.authorized_url())
    consumer.release("one")
    before = consumer.git("ls-remote", "origin")
    hub.hub.add_ruleset(hub.owner, hub.repo, target="tag", rules=["creation"])
    consumer.environ = hub.environ(hub.bot_token(contents="write"), GITHUB_ACTIONS="true", GITHUB_RUN_ID="1")
    said = consumer.run("promote", "delay", "v1.0.0", code=6)
    assert "rule of the repository" in said.err
    assert consumer.git("ls-remote", "origin") == before
