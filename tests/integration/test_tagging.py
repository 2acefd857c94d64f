"""The push: create-only, atomic, read back when the answer is unclear; races of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from modelrail import plans
from modelrail.adapters.git import Git
from modelrail.adapters.registry import blocked, tagging
from modelrail.adapters.registry import reading as registry
from modelrail.core.registry import tags
from modelrail.errors import ConflictError, GitError, RefusedError, UnavailableError, UsageError
from support_registry import CONFIG, Project, Said, project

WHO = "Octo <octo@example.invalid>"


@pytest.fixture
def consumer(tmp_path: Path) -> Project:
    return project(tmp_path)


def repo(root: Path) -> Git:
    return Git(root, environ=os.environ)


def effect(consumer: Project, *names: str, operation: str = "1/x", actor: str = "octo") -> plans.PushTags:
    head = consumer.git("rev-parse", "HEAD")
    text = tags.message("delay v1.0.0", (), {"Model": "delay", "Actor": actor, "Operation": operation})
    made = [
        plans.Tag(name=name, target=head, message=text, time=1_700_000_000 + at)
        for at, name in enumerate(names)
    ]
    return plans.PushTags(tags=tuple(made), operation=operation)


def push(git: Git, what: plans.PushTags) -> tagging.Pushed:
    return tagging.push(git, what, WHO, sleep=lambda _: None)


class Flaky(Git):
    """Pushes that end badly: before they arrive, or after."""

    def __init__(self, root: Path, *ends: str) -> None:
        super().__init__(root, environ=os.environ)
        self.ends = list(ends)
        self.pushes = 0

    def attempt(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:  # type: ignore[override]
        if arguments[0] == "fetch" and self.ends and self.ends[0] == "deaf":
            return subprocess.CompletedProcess(arguments, 128, b"", b"fatal: unable to access: timed out")
        if arguments[0] != "push":
            return super().attempt(*arguments, **options)  # type: ignore[arg-type]
        self.pushes += 1
        end = (
            self.ends[0]
            if self.ends and self.ends[0] == "deaf"
            else self.ends.pop(0)
            if self.ends
            else "fine"
        )
        if end == "hangs":
            raise UnavailableError("git push did not finish within 600 s.")
        done = None if end in {"lost", "deaf"} else super().attempt(*arguments, **options)  # type: ignore[arg-type]
        if done is not None and end == "fine":
            return done
        return subprocess.CompletedProcess(arguments, 128, b"", b"error: RPC failed; curl 56 recv failure")


def test_tags_are_annotated_and_kept_after_the_push(consumer: Project) -> None:
    git = repo(consumer.root)
    done = push(git, effect(consumer, "delay@v1.0.0", "delay#staging#1"))
    assert done.changed
    assert consumer.remote_tags() == consumer.local_tags() == done.objects
    assert consumer.git("cat-file", "-t", "delay@v1.0.0") == "tag"
    assert "tagger Octo <octo@example.invalid> 1700000000 +0000" in consumer.git(
        "cat-file", "-p", "delay@v1.0.0"
    )


@pytest.mark.fault(1)
def test_more_tags_than_a_command_line_holds_follow_the_ledger_that_was_seen(consumer: Project) -> None:
    git = repo(consumer.root)
    push(git, effect(consumer, "delay@v1.0.0"))
    many = [f"delay#staging#{at}" for at in range(1, blocked.MANY + 2)]
    assert push(git, effect(consumer, *many, operation="2/x")).changed
    assert set(consumer.remote_tags()) == {"delay@v1.0.0", *many}


def test_the_loser_leaves_nothing(consumer: Project, tmp_path: Path) -> None:
    winner = consumer.clone(tmp_path / "winner")
    push(repo(winner.root), effect(winner, "delay#staging#1", operation="2/y", actor="hubot"))
    there = consumer.remote_tags()
    with pytest.raises(ConflictError) as lost:
        push(repo(consumer.root), effect(consumer, "delay@v1.0.0", "delay#staging#1"))
    assert "hubot" in str(lost.value)
    assert consumer.remote_tags() == there
    assert consumer.local_tags() == {}


@pytest.mark.fault(6)
def test_the_same_operation_from_elsewhere_is_done(consumer: Project, tmp_path: Path) -> None:
    other = consumer.clone(tmp_path / "other")
    push(repo(other.root), effect(other, "delay#staging#1", actor="first"))
    done = push(repo(consumer.root), effect(consumer, "delay#staging#1", actor="second"))
    assert not done.changed
    assert done.event is not None
    assert done.event.trailers["Actor"] == "first"
    same = push(repo(other.root), effect(other, "delay#staging#1", actor="first"))
    assert not same.changed


@pytest.mark.fault(6)
def test_the_same_operation_with_other_evidence_is_decided_anew(consumer: Project, tmp_path: Path) -> None:
    """Its release would get this attempt's bytes under the other one's version."""
    other = consumer.clone(tmp_path / "other")
    push(repo(other.root), effect(other, "delay#staging#1"))
    mine = effect(consumer, "delay#staging#1")
    (tag,) = mine.tags
    measured = replace(tag, message=f"{tag.message.rstrip()}\nEvidence-Digest: sha256:{'9' * 64}\n")
    with pytest.raises(ConflictError):
        push(repo(consumer.root), replace(mine, tags=(measured,)))


@pytest.mark.fault(2)
@pytest.mark.fault(5)
def test_an_unclear_push_is_read_back(consumer: Project) -> None:
    git = Flaky(consumer.root, "arrives")
    done = push(git, effect(consumer, "delay#staging#1"))
    assert done.changed
    assert git.pushes == 1
    assert consumer.remote_tags() == consumer.local_tags() == done.objects


@pytest.mark.fault(2)
@pytest.mark.parametrize("end", ["lost", "hangs"])
def test_a_push_that_never_arrived_is_repeated(consumer: Project, end: str) -> None:
    git = Flaky(consumer.root, end, end)
    assert push(git, effect(consumer, "delay#staging#1")).changed
    assert git.pushes == 3
    assert set(consumer.remote_tags()) == {"delay#staging#1"}


@pytest.mark.fault(2)
def test_without_an_answer_nothing_is_claimed(consumer: Project) -> None:
    with pytest.raises(UnavailableError, match="is not known"):
        push(Flaky(consumer.root, "deaf"), effect(consumer, "delay#staging#1"))
    with pytest.raises(UnavailableError, match="did not take"):
        push(Flaky(consumer.root, *["lost"] * 4), effect(consumer, "delay#staging#1"))
    assert consumer.local_tags() == {}


@pytest.mark.fault(12)
def test_a_rule_of_the_server_is_named(consumer: Project) -> None:
    hook = Path(consumer.remote) / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH013: Repository rule violations found'\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(RefusedError, match="rule of the repository"):
        push(repo(consumer.root), effect(consumer, "delay#staging#1"))
    assert consumer.remote_tags() == consumer.local_tags() == {}


@pytest.mark.fault(33)
def test_empty_names_never_reach_git(consumer: Project) -> None:
    git = repo(consumer.root)
    push(git, effect(consumer, "delay@v1.0.0"))
    for model in ("", "/", "*", "a:"):
        with pytest.raises(UsageError):
            registry.fetch(git, [model])
        with pytest.raises(UsageError):
            registry.read(git, model)
    with pytest.raises(UsageError):
        push(git, effect(consumer, ""))
    with pytest.raises(GitError):
        git.run("push", "origin", ":refs/tags/delay@v1.0.0")
    assert set(consumer.remote_tags()) == {"delay@v1.0.0"}


def test_a_hostile_tag_is_read_as_one_event(consumer: Project) -> None:
    text = "x\n\nModel: delay\nVersion: $(id)\0refs/tags/delay#production#9\0tag\nReason: \x1b[31m"
    head = consumer.git("rev-parse", "HEAD")
    whole = f"object {head}\ntype commit\ntag delay#a#1\ntagger a <b> 5 +0000\n\n{text}"
    done = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally"],
        cwd=consumer.root, input=whole.encode(), capture_output=True, check=True,
    )  # fmt: skip
    oid = done.stdout.decode().strip()
    consumer.git("update-ref", "refs/tags/delay#a#1", oid)
    (event,) = registry.read(repo(consumer.root))
    assert (event.tag, event.stage, event.version) == ("delay#a#1", "a", None)


def test_a_moved_local_tag_is_said(consumer: Project) -> None:
    git = repo(consumer.root)
    push(git, effect(consumer, "delay@v1.0.0"))
    consumer.git("tag", "-f", "-a", "delay@v1.0.0", "-m", "moved")
    assert registry.fetch(git, ["delay"]).differing == ("delay@v1.0.0",)
    assert consumer.local_tags() != consumer.remote_tags()


def test_a_fetch_takes_the_models_tags_alone(consumer: Project, tmp_path: Path) -> None:
    push(
        repo(consumer.root),
        effect(consumer, "delay@v1.0.0", "delay2@v1.0.0", "delay/x@v1.0.0", "delay#env/a#1"),
    )
    consumer.git("tag", "-a", "unrelated", "-m", "x")
    consumer.git("push", "--quiet", "origin", "unrelated")
    other = consumer.clone(tmp_path / "other", "--no-tags")
    registry.fetch(repo(other.root), ["delay"])
    assert set(other.local_tags()) == {"delay@v1.0.0", "delay#env/a#1"}
    assert {event.tag for event in registry.read(repo(other.root), "delay", remote=True)} == set(
        other.local_tags()
    )


@pytest.mark.fault(1)
def test_processes_race_for_one_rollback(consumer: Project, tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        consumer.release(text)
        version = consumer.run("which", "delay").out.strip()
        consumer.run("promote", "delay", version, "--evidence", consumer.evidence_file())
    clones = [consumer.clone(tmp_path / f"clone{number}") for number in range(5)]
    for clone in clones:
        clone.git("config", "user.name", "racer")
        clone.git("config", "user.email", "racer@example.invalid")
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", "modelrail", "rollback", "delay", "--reason", "bad"], cwd=clone.root,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path),
                 "PYTHONPATH": str(Path(tagging.__file__).parents[3])},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for clone in clones
    ]  # fmt: skip
    codes = sorted((racer.wait(120), racer.stderr.read() if racer.stderr else "") for racer in racers)
    for racer in racers:
        for stream in (racer.stdout, racer.stderr):
            assert stream is not None
            stream.close()
    won = [code for code, _ in codes if code == 0]
    # One after the other each may win; at the same time one does. No number is used twice, nothing is half.
    numbers = sorted(int(tag.rpartition("#")[2]) for tag in consumer.remote_tags() if "#" in tag)
    assert numbers == list(range(1, len(numbers) + 1))
    assert won
    assert len(numbers) == 6 + len(won)
    assert {code for code, _ in codes} <= {0, 5, 6}, codes


TEAM = CONFIG.replace("  delay:", "  team/x:")


def remedy(said: Said) -> str:
    """The command that the error names."""
    return said.err.partition("Rename it:  ")[2].splitlines()[0]


@pytest.mark.parametrize("ref", ["refs/tags/team", "refs/heads/modelrail"])
def test_a_ref_of_the_remote_that_leaves_no_room_is_named(tmp_path: Path, ref: str) -> None:
    consumer = project(tmp_path, TEAM)
    consumer.train("one", model="team/x")
    consumer.git("push", "--quiet", "origin", f"HEAD:{ref}")
    before = consumer.git("ls-remote", "origin")
    rehearsed = consumer.run("register", "--dry-run", code=6)  # it does not promise what would be refused
    said = consumer.run("register", code=6)
    assert rehearsed.err.splitlines()[-4:] == said.err.splitlines()[-4:]
    kind, _, name = ref.removeprefix("refs/").partition("s/")
    of = {"tag": "team/x@v1.0.0", "head": "modelrail/ledger"}[kind]
    kind = {"tag": "tag", "head": "branch"}[kind]
    assert f"The {kind} {name} of the remote leaves no room for {of}; nothing was written." in said.err
    assert "cannot lock" not in said.err
    assert consumer.git("ls-remote", "origin") == before
    subprocess.run(remedy(said), shell=True, check=True, cwd=consumer.root, capture_output=True)
    consumer.run("register")
    assert f"{ref}-old" in consumer.git("ls-remote", "origin")


@pytest.mark.parametrize("many", [blocked.MANY, 0])
def test_a_tag_of_the_clone_that_leaves_no_room_stops_what_writes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Also where so many tags are asked about that no command line would hold them."""
    monkeypatch.setattr(blocked, "MANY", many)
    consumer = project(tmp_path, TEAM)
    consumer.git("tag", "team")
    consumer.train("one", model="team/x")
    said = consumer.run("register", code=6)
    assert "The tag team of this clone leaves no room for team/x@v1.0.0; nothing was written." in said.err
    assert consumer.remote_tags() == {}
    subprocess.run(remedy(said), shell=True, check=True, cwd=consumer.root, capture_output=True)
    consumer.run("register")

    other = consumer.clone(tmp_path / "other", "--no-tags")
    other.git("tag", "team")
    assert other.run("which", "team/x#staging", "--fetch").out == "v1.0.0\n"
    promote = (
        "promote",
        "team/x",
        "v1.0.0",
        "--evidence",
        str(consumer.root / consumer.evidence_file("team/x")),
    )
    assert "leaves no room for team/x#production#2" in other.run(*promote, code=6).err
    assert "team/x#production#2" not in consumer.remote_tags()


def test_a_tag_below_the_name_of_ours_is_shown_and_never_as_a_command(consumer: Project) -> None:
    consumer.git("push", "--quiet", "origin", "HEAD:refs/tags/delay@v1.0.0/$(id)")
    consumer.train("one")
    said = consumer.run("register", code=6)
    assert "The tag delay@v1.0.0/$(id) of this clone leaves no room for delay@v1.0.0;" in said.err
    assert "git push" not in said.err
    assert set(consumer.remote_tags()) == {"delay@v1.0.0/$(id)"}
