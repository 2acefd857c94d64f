"""`modelrail verify`: every way of tampering is found, named with both objects, and told apart."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelrail import plans
from modelrail.adapters.git import Git
from modelrail.adapters.registry import reading as registry
from modelrail.adapters.registry import tagging
from modelrail.core.registry import tags
from support_registry import Project, project

LEDGER = "refs/heads/modelrail/ledger"


_made: list[Path] = []


@pytest.fixture
def consumer(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two versions, one after the other in production, then a rollback; made once, a copy for each test."""
    if not _made:
        place = tmp_path_factory.mktemp("template")
        found = project(place)
        for text in ("one", "two"):
            found.release(text)
            found.run("promote", "delay", found.run("which", "delay").out.strip())
        found.run("rollback", "delay", "--reason", "bad")
        _made.append(place)
    for name in ("consumer", "remote.git"):
        shutil.copytree(_made[0] / name, tmp_path / name)
    copy = Project(tmp_path / "consumer", str(tmp_path / "remote.git"))
    copy.git("remote", "set-url", "origin", copy.remote)
    return copy


def findings(consumer: Project, code: int, *arguments: str) -> list[dict[str, Any]]:
    said = consumer.run("verify", "--json", *arguments, code=code)
    assert said.json["ok"] is (code == 0)
    found: list[dict[str, Any]] = said.json["findings"]
    return found


def only(consumer: Project, code: int, kind: str, subject: str) -> dict[str, Any]:
    (found,) = findings(consumer, code)
    assert (found["kind"], found["subject"]) == (kind, subject)
    return found


def retag(consumer: Project, tag: str, *options: str) -> str:
    consumer.git("tag", "-f", *options, tag, "HEAD~1")
    consumer.git("push", "--quiet", "--force", "origin", f"refs/tags/{tag}")
    return consumer.git("rev-parse", tag)


def ledger(consumer: Project) -> str:
    return consumer.git("ls-remote", "origin", LEDGER).split("\t")[0]


def test_an_honest_record_is_one_story(consumer: Project) -> None:
    said = consumer.run("verify")
    assert said.out == "✓ 7 tags, 8 ledger commits, 2 versions: one story\n"
    assert said.outputs == {"ok": "true", "findings": "0", "tip": ledger(consumer)}


@pytest.mark.fault(31)
def test_a_moved_tag(consumer: Project) -> None:
    before = consumer.remote_tags()["delay@v1.0.0"]
    after = retag(consumer, "delay@v1.0.0", "-a", "-m", "moved")
    found = only(consumer, 23, "moved", "delay@v1.0.0")
    assert (found["expected"], found["found"]) == (before, after)
    said = consumer.run("verify", code=23)
    assert before in said.out
    assert after in said.out
    assert said.outputs["ok"] == "false"


@pytest.mark.fault(31)
def test_a_deleted_tag(consumer: Project) -> None:
    before = consumer.remote_tags()["delay#production#4"]
    consumer.git("push", "--quiet", "--delete", "origin", "refs/tags/delay#production#4")
    assert only(consumer, 23, "deleted", "delay#production#4")["expected"] == before


@pytest.mark.fault(31)
def test_a_lightweight_tag_in_place_of_one(consumer: Project) -> None:
    before = consumer.remote_tags()["delay@v1.0.1"]
    after = retag(consumer, "delay@v1.0.1")
    found = only(consumer, 23, "lightweight", "delay@v1.0.1")
    assert (found["expected"], found["found"]) == (before, after)


@pytest.mark.fault(31)
def test_a_tag_made_by_hand(consumer: Project) -> None:
    made = retag(consumer, "delay#production#6", "-a", "-m", "mine now")
    found = only(consumer, 23, "unlisted", "delay#production#6")
    assert (found["expected"], found["found"]) == ("", made)


@pytest.mark.fault(31)
def test_a_tag_that_was_moved_in_this_clone_alone(consumer: Project) -> None:
    consumer.git("tag", "-f", "-a", "-m", "moved", "delay@v1.0.0", "HEAD~1")
    assert only(consumer, 23, "moved", "delay@v1.0.0")["found"] == consumer.git("rev-parse", "delay@v1.0.0")


@pytest.mark.fault(31)
@pytest.mark.parametrize("change", ["move", "delete", "add"])
def test_nothing_is_built_on_a_record_that_was_changed(consumer: Project, change: str) -> None:
    if change == "move":
        retag(consumer, "delay@v1.0.0", "-a", "-m", "moved")
    elif change == "add":
        retag(consumer, "delay#production#6", "-a", "-m", "mine now")
    else:
        consumer.git("push", "--quiet", "--delete", "origin", "refs/tags/delay#production#2")
    before = consumer.remote_tags()
    for arguments in (
        ("promote", "delay", "v1.0.1"),
        ("rollback", "delay", "--reason", "x"),
        ("register",),
    ):
        assert "modelrail verify" in consumer.run(*arguments, code=23).err
    assert consumer.remote_tags() == before


@pytest.mark.fault(31)
@pytest.mark.parametrize("where", ["clone", "clone, seen before", "elsewhere"])
def test_nothing_is_deployed_from_a_record_that_was_changed(
    consumer: Project, tmp_path: Path, where: str
) -> None:
    """`fetch` checks the tag against the ledger before it checks bytes against the tag."""
    arguments = ["fetch", "delay#production", "--dry-run"]
    if where == "elsewhere":
        arguments += ["--remote", consumer.remote]
    if where == "clone, seen before":
        arguments.append("--no-fetch")
    assert "delay@v1.0.0" in consumer.run(*arguments).err
    before = consumer.remote_tags()["delay@v1.0.0"]
    after = retag(consumer, "delay@v1.0.0", "-a", "-m", "delay v1.0.0\n\nModel-Digest: sha256:" + "6" * 64)
    said = consumer.run(*arguments, code=23)
    assert "delay@v1.0.0 was moved" in said.err
    assert before in said.err
    assert after in said.err


def test_a_clone_that_lacks_tags_or_has_newer_ones_is_no_finding(consumer: Project) -> None:
    consumer.git("tag", "-d", "delay#production#2")
    consumer.git("tag", "-a", "-m", "x", "delay@v9.0.0")
    consumer.run("fetch", "delay#production", "--dry-run", "--no-fetch")


@pytest.mark.fault(32)
def test_a_rewound_ledger(consumer: Project) -> None:
    seen = ledger(consumer)
    consumer.git("push", "--quiet", "--force", "origin", f"{seen}~2:{LEDGER}")
    (found,) = [found for found in findings(consumer, 24) if found["kind"] == "ledger"]
    assert (found["expected"], found["found"]) == (seen, ledger(consumer))
    assert "rewound" in found["what"]
    assert "rewound" in consumer.run("rollback", "delay", "--reason", "x", code=24).err


@pytest.mark.fault(32)
def test_a_rewound_ledger_and_its_tags_deleted_fool_no_one_who_saw_more(
    consumer: Project, tmp_path: Path
) -> None:
    seen = ledger(consumer)
    consumer.git(
        "push", "--quiet", "--force", "origin", f"{seen}~1:{LEDGER}", ":refs/tags/delay#production#5"
    )
    consumer.run("rollback", "delay", "--reason", "x", code=24)
    assert {found["kind"] for found in findings(consumer, 24)} == {"ledger", "deleted"}
    # A clone that never saw it cannot know: that is what the other clones are for.
    stranger = consumer.clone(tmp_path / "stranger")
    assert findings(stranger, 0) == []


def test_a_look_at_an_older_tip_is_not_taken_for_a_rewound_ledger(
    consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands in one clone fetch past each other, or the server answers from a copy that lags."""
    bring, looks = registry._fetch, []

    def late(git: Git, refspecs: list[str], *, shallow: bool) -> None:
        bring(git, refspecs, shallow=shallow)
        looks.append(refspecs)
        if len(looks) == 1:
            consumer.git("update-ref", "refs/modelrail/incoming/ledger", f"{ledger(consumer)}~1")

    monkeypatch.setattr(registry, "_fetch", late)
    consumer.run("unassign", "delay", "--stage", "staging", "--reason", "x")
    assert len(looks) == 2
    assert findings(consumer, 0) == []


@pytest.mark.fault(32)
def test_a_rewritten_ledger_is_found_by_who_never_saw_the_true_one(
    consumer: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same trees, words and times, another author: the tags name the parents, so the chain does not close."""
    seen = ledger(consumer)
    root = consumer.git("rev-list", "--max-parents=0", seen)
    # Within the same second, our own name would give the very same commits.
    somebody = ("-c", "user.name=Somebody else")
    parent = consumer.git(
        *somebody, "commit-tree", f"{root}^{{tree}}", "-m", consumer.git("log", "-1", "--format=%B", root)
    )
    for commit in consumer.git("rev-list", "--reverse", f"{root}..{seen}").splitlines():
        monkeypatch.setenv("GIT_COMMITTER_DATE", consumer.git("log", "-1", "--format=%cD", commit))
        message = consumer.git("log", "-1", "--format=%B", commit)
        parent = consumer.git(*somebody, "commit-tree", f"{commit}^{{tree}}", "-p", parent, "-m", message)
    consumer.git("push", "--quiet", "--force", "origin", f"{parent}:{LEDGER}")
    stranger = consumer.clone(tmp_path / "stranger")
    found = findings(stranger, 24)
    assert {"delay@v1.0.0", "delay#production#5"} <= {
        one["subject"] for one in found if "names another ledger commit" in one["what"]
    }
    assert "rewritten" in findings(consumer, 24)[0]["what"]


@pytest.mark.fault(32)
def test_a_commit_of_somebody_else_on_the_ledger(consumer: Project) -> None:
    seen = ledger(consumer)
    more = consumer.git("commit-tree", f"{seen}^{{tree}}", "-p", seen, "-m", "hello")
    consumer.git("push", "--quiet", "origin", f"{more}:{LEDGER}")
    assert "names no tag" in only(consumer, 24, "ledger", more)["what"]


@pytest.mark.fault(32)
def test_a_forked_ledger(consumer: Project) -> None:
    seen = ledger(consumer)
    side = consumer.git("commit-tree", f"{seen}~1^{{tree}}", "-p", f"{seen}~1", "-m", "side")
    merge = consumer.git("commit-tree", f"{seen}^{{tree}}", "-p", seen, "-p", side, "-m", "merge")
    consumer.git("push", "--quiet", "origin", f"{merge}:{LEDGER}")
    assert any("forks" in found["what"] for found in findings(consumer, 24))


@pytest.mark.fault(32)
def test_a_ledger_that_is_gone(consumer: Project) -> None:
    consumer.git("push", "--quiet", "--delete", "origin", LEDGER)
    assert "is gone" in consumer.run("rollback", "delay", "--reason", "x", code=24).err
    assert "is gone" in findings(consumer, 24)[0]["what"]


def forge(consumer: Project, changes: dict[str, str], parent: str, message: str, date: str = "") -> str:
    """Push a ledger commit of our own: the tree as it is, but for these links (an empty one is taken out)."""
    env = {**os.environ, "GIT_INDEX_FILE": str(consumer.root.parent / "forged-index")}
    if date:
        env["GIT_COMMITTER_DATE"] = date

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=consumer.root, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("read-tree", ledger(consumer))
    for path, oid in changes.items():
        entry = ["--add", "--cacheinfo", f"160000,{oid},{path}"] if oid else ["--force-remove", path]
        git("update-index", *entry)
    commit = git("commit-tree", git("write-tree"), *(["-p", parent] if parent else []), "-m", message)
    git("push", "--quiet", "--force", "origin", f"{commit}:{LEDGER}")
    return commit


@pytest.mark.fault(31)
def test_a_ledger_that_takes_in_a_tag_made_by_hand(consumer: Project, tmp_path: Path) -> None:
    """Only the first commit may list what stood before it: another that says the same is no modelrail's."""
    made, seen = retag(consumer, "delay@v9.0.0", "-a", "-m", "mine now"), ledger(consumer)
    listed = {"events/delay/0000/delay@v9.0.0": made}
    commit = forge(consumer, listed, seen, "Begin\n\nAgain.\n\nAdopted: 1")
    for clone in (consumer, consumer.clone(tmp_path / "stranger")):
        told = {found["subject"]: found for found in findings(clone, 24)}
        assert "only the first one may" in told[commit]["what"]
        assert told[commit]["found"] == commit
        assert told["delay@v9.0.0"]["found"] == made
        assert "has no commit of it" in told["delay@v9.0.0"]["what"]


@pytest.mark.fault(32)
@pytest.mark.parametrize("shallow", [False, True])
def test_a_list_with_more_than_the_commits_tell(consumer: Project, tmp_path: Path, shallow: bool) -> None:
    """The last commit made again with the same words and the same time, and one tag more in its list."""
    made, seen = retag(consumer, "delay@v9.0.0", "-a", "-m", "mine now"), ledger(consumer)
    said, date = (consumer.git("log", "-1", f"--format={what}", seen) for what in ("%B", "%cD"))
    forge(consumer, {"events/delay/0000/delay@v9.0.0": made}, f"{seen}~1", said, date)
    options = ("--depth=1", "--no-tags") if shallow else ()
    consumer.git("clone", "--quiet", *options, "file://" + consumer.remote, str(tmp_path / "stranger"))
    found = only(Project(tmp_path / "stranger", consumer.remote), 24, "ledger", "delay@v9.0.0")
    assert (found["expected"], found["found"]) == ("", made)


@pytest.mark.fault(32)
def test_a_tag_of_before_the_ledger_that_is_listed_no_more(tmp_path: Path) -> None:
    consumer = project(tmp_path)
    consumer.git("tag", "-a", "delay@v0.1.0", "-m", "gto's")
    consumer.git("push", "--quiet", "origin", "delay@v0.1.0")
    consumer.release("one")
    assert findings(consumer, 0) == []
    before, seen = consumer.remote_tags()["delay@v0.1.0"], ledger(consumer)
    said, date = (consumer.git("log", "-1", f"--format={what}", seen) for what in ("%B", "%cD"))
    forge(consumer, {"events/delay/0000/delay@v0.1.0": ""}, f"{seen}~1", said, date)
    consumer.git("push", "--quiet", "--delete", "origin", "refs/tags/delay@v0.1.0")
    found = only(consumer.clone(tmp_path / "stranger"), 24, "ledger", "delay@v0.1.0")
    assert (found["expected"], found["found"]) == (before, "")


def push(consumer: Project, **names: tuple[str, int]) -> dict[str, str]:
    """Tags as modelrail makes them, past every check of what they say: name -> (kind's version, time)."""
    git = Git(consumer.root, environ=os.environ)
    registry.fetch(git, ["delay"], with_ledger=True)
    made = tuple(
        plans.Tag(
            name=name, target=consumer.git("rev-parse", "HEAD"), time=time,
            message=tags.message("x", (), {"Model": "delay", "Version": version}),
        )
        for name, (version, time) in names.items()
    )  # fmt: skip
    return tagging.push(git, plans.PushTags(tags=made, operation="1/x"), "x <x@y>").objects


def test_events_out_of_order(consumer: Project) -> None:
    at = 4_000_000_000
    names = {"delay#staging#9": ("v1.0.0", at), "delay#staging#8": ("v1.0.0", at + 1)}
    made = push(consumer, **names)
    found = only(consumer, 27, "order", "delay#staging#8")
    assert (found["expected"], found["found"]) == (made["delay#staging#9"], made["delay#staging#8"])
    assert "no higher number" in found["what"]
    late = push(consumer, **{"delay#staging#10": ("v1.0.0", at)})
    assert [found["found"] for found in findings(consumer, 27) if "not later" in found["what"]] == [
        late["delay#staging#10"]
    ]


def test_a_stage_that_holds_what_was_taken_back(consumer: Project) -> None:
    before = consumer.remote_tags()["delay#production#5"]
    made = push(consumer, **{"delay@v1.0.0!": ("v1.0.0", 4_000_000_000)})
    found = only(consumer, 27, "state", "delay#production#5")
    assert (found["expected"], found["found"]) == (made["delay@v1.0.0!"], before)


@pytest.mark.fault(20)
def test_a_later_measurement_that_was_changed_in_the_ledger(consumer: Project) -> None:
    consumer.train("two", version="v1.0.1", new=False)
    consumer.run(
        "promote", "delay", "v1.0.1", "--reason", "measured anew", "--evidence", consumer.evidence_file()
    )
    assert findings(consumer, 0) == []
    path = consumer.git("ls-tree", "-r", "--name-only", ledger(consumer), "models/delay/v1.0.1/evidence/")
    forge(consumer, {path: ""}, ledger(consumer), "nothing to see here")
    told = {found["kind"]: found for found in findings(consumer, 24)}
    assert told["evidence"]["subject"] == "delay#production#6"
    assert told["evidence"]["expected"] == f"sha256:{Path(path).stem}"


@pytest.mark.fault(20)
def test_evidence_that_was_changed_in_the_ledger(consumer: Project, tmp_path: Path) -> None:
    """By one who can push there: the list of events is whole, a file of a version is another."""
    place = tmp_path / "worktree"
    consumer.git("worktree", "add", "--quiet", "--detach", str(place), ledger(consumer))
    work = Project(place, consumer.remote)
    path = place / "models/delay/v1.0.0/evidence.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"pass"', '"fail"'), encoding="utf-8")
    # Links to tag objects are no files: the index keeps them as they are.
    work.git("add", "models")
    work.git("commit", "--quiet", "-m", "nothing to see here")
    work.git("push", "--quiet", "origin", f"HEAD:{LEDGER}")
    kinds = {(found["kind"], found["subject"]) for found in findings(consumer, 24)}
    assert ("evidence", "delay@v1.0.0") in kinds


@pytest.mark.fault(13)
def test_a_shallow_clone_without_tags_verifies_the_whole(consumer: Project, tmp_path: Path) -> None:
    remote = "file://" + consumer.remote
    shallow = Project(tmp_path / "shallow", remote)
    consumer.git("clone", "--quiet", "--depth=1", "--no-tags", remote, str(shallow.root))
    assert findings(shallow, 0) == []
    assert shallow.git("rev-list", "--count", "HEAD") == "1"
    retag(consumer, "delay@v1.0.0", "-a", "-m", "moved")
    assert {found["kind"] for found in findings(shallow, 23)} == {"moved"}


def test_a_registry_without_a_ledger(tmp_path: Path) -> None:
    consumer = project(tmp_path)
    assert "no ledger yet" in consumer.run("verify").err
    consumer.git("tag", "-a", "delay@v1.0.0", "-m", "gto's")
    consumer.git("push", "--quiet", "origin", "delay@v1.0.0")
    assert findings(consumer, 0) == []
    consumer.git("tag", "delay@v2.0.0")
    consumer.git("push", "--quiet", "origin", "delay@v2.0.0")
    assert findings(consumer, 23)[0]["kind"] == "lightweight"
