"""The registry commands on a plain git remote: no GitHub, no token."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support_registry import CONFIG, Project, project

GTO = Path(sys.executable).parent / "gto"


@pytest.fixture
def consumer(tmp_path: Path) -> Project:
    return project(tmp_path)


def gto(root: Path, *arguments: str) -> object:
    done = subprocess.run([str(GTO), *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def promote(consumer: Project, version: str, **env: str) -> str:
    said = consumer.run("promote", "delay", version, "--evidence", consumer.evidence_file(), env=env)
    return said.out


def two_in_production(consumer: Project) -> None:
    consumer.release("one")
    promote(consumer, "v1.0.0")
    consumer.release("two")
    promote(consumer, "v1.0.1")


def test_register_tags_and_enters_staging(consumer: Project) -> None:
    said = consumer.release("one")
    assert said.outputs["registered"] == "true"
    assert said.outputs["version"] == "v1.0.0"
    assert said.outputs["tag"] == "delay@v1.0.0"
    assert set(consumer.remote_tags()) == {"delay@v1.0.0", "delay#staging#1"}
    assert consumer.local_tags() == consumer.remote_tags()
    body = consumer.git("tag", "-l", "--format=%(contents)", "delay#staging#1")
    assert body.splitlines()[0] == "delay v1.0.0 is in staging"
    assert "Sequence: 1" in body
    assert "Model-Digest: sha256:" in body


def test_without_github_the_file_stays_on_this_machine(consumer: Project, tmp_path: Path) -> None:
    """A laptop and a plain remote: the next evaluation still finds the baseline's bytes."""
    here = {"MODELRAIL_CACHE": str(tmp_path / "cache")}
    consumer.train("one")
    assert "kept in this machine's cache alone" in consumer.run("register", env=here).err
    consumer.run("fetch", "delay@v1.0.0", "--to", "got", env=here)
    assert (consumer.root / "got" / "model.skops").read_bytes() == b"one"


def test_register_again_is_nothing_new(consumer: Project) -> None:
    consumer.release("one")
    said = consumer.run("register")
    assert said.outputs["registered"] == "false"
    assert said.outputs["version"] == "v1.0.0"
    assert len(consumer.remote_tags()) == 2


def test_register_refuses_a_verdict(consumer: Project) -> None:
    consumer.train("worse", verdict="fail")
    said = consumer.run("register", code=4)
    assert said.outputs["registered"] == "false"
    assert consumer.remote_tags() == {}


def test_each_model_is_told_by_its_name(tmp_path: Path) -> None:
    several = project(tmp_path, CONFIG + CONFIG.partition("models:\n")[2].replace("  delay:", "  taxi:"))
    several.train("one")
    several.train("two", model="taxi", new=False)
    said = several.run("register").outputs
    assert json.loads(said["models"]) == {
        name: {"registered": True, "version": "v1.0.0", "tag": f"{name}@v1.0.0", "release-url": ""}
        for name in ("delay", "taxi")
    }
    assert (said["registered"], said["version"], said["tag"]) == ("true", "v1.0.0", "")
    several.train("three")
    several.train("worse", model="taxi", new=False, verdict="fail")
    said = several.run("register", code=4).outputs
    told = json.loads(said["models"])
    assert (told["delay"]["tag"], told["taxi"]["registered"]) == ("delay@v1.0.1", False)
    assert (said["registered"], said["version"], said["tag"]) == ("true", "", "")


@pytest.mark.fault(20)
def test_register_refuses_changed_bytes(consumer: Project) -> None:
    consumer.train("one")
    (consumer.root / "modelrail-out/delay/model/model.skops").write_bytes(b"other")
    consumer.run("register", code=8)
    assert consumer.remote_tags() == {}


def test_register_refuses_records_of_another_evaluation(consumer: Project) -> None:
    consumer.train("one")
    other = (consumer.root / "modelrail-out/delay/comparison.json").read_bytes()
    consumer.train("two")
    (consumer.root / "modelrail-out/delay/comparison.json").write_bytes(other)
    consumer.run("register", code=8)
    assert consumer.remote_tags() == {}


def test_promote_show_history_rollback(consumer: Project) -> None:
    two_in_production(consumer)
    shown = consumer.run("show").out.splitlines()
    assert shown[0].split() == ["MODEL", "LATEST", "STAGING", "PRODUCTION"]
    assert shown[1].split() == ["delay", "v1.0.1", "v1.0.1", "now", "v1.0.1", "now"]
    said = consumer.run("rollback", "delay", "--reason", 'p95 "doubled"\nModel: forged')
    assert said.outputs == {
        "changed": "true", "version": "v1.0.0", "stage": "production", "sequence": "5",
        "tag": "delay#production#5", "replaced": "v1.0.1",
    }  # fmt: skip
    assert consumer.run("which", "delay#production").out == "v1.0.0\n"
    assert consumer.run("which", "delay").out == "v1.0.1\n"
    lines = consumer.run("history", "delay").out.splitlines()
    assert lines[0].split()[0] == "5"
    assert "v1.0.0  ← v1.0.1" in lines[0]
    assert 'rollback: "p95 "doubled" Model: forged"' in lines[0]
    assert len(lines) == 7
    document = consumer.run("show", "delay", "--json").json["delay"]
    marks = {found["version"]: found["unhealthy"] for found in document["versions"]}
    assert marks == {"v1.0.0": None, "v1.0.1": "delay#production#5"}


def test_rollback_twice_goes_two_back_and_then_refuses(consumer: Project) -> None:
    two_in_production(consumer)
    consumer.release("three")
    promote(consumer, "v1.0.2")
    for expected in ("v1.0.1", "v1.0.0"):
        assert consumer.run("rollback", "delay", "--reason", "bad").outputs["version"] == expected
    before = consumer.remote_tags()
    consumer.run("rollback", "delay", "--reason", "bad", code=6)
    assert consumer.remote_tags() == before
    consumer.run("rollback", "delay", "--reason", "  ", code=2)


@pytest.mark.fault(21)
def test_promotion_is_refused_when_production_moved(consumer: Project) -> None:
    two_in_production(consumer)
    consumer.release("three")
    consumer.run("rollback", "delay", "--reason", "bad")
    said = consumer.run("promote", "delay", "v1.0.2", "--evidence", consumer.evidence_file(), code=5)
    assert "v1.0.2 was measured against v1.0.1 (event 4); production is now v1.0.0 (event 6)." in said.err
    assert "modelrail evaluate delay@v1.0.2 --against production" in said.err
    # A new measurement of the same version answers the question again.
    consumer.train("three", version="v1.0.2", new=False)
    assert promote(consumer, "v1.0.2").startswith("✓ delay v1.0.2 is in production (event 7)")


@pytest.mark.fault(35)
def test_promotion_needs_evidence(consumer: Project) -> None:
    """A version that GTO registered has none; one of ours has it in the ledger, without GitHub."""
    for tag in ("delay@v0.9.0", "delay#staging#1"):
        consumer.git("tag", "-a", tag, "-m", "by another tool")
        consumer.git("push", "--quiet", "origin", f"refs/tags/{tag}")
    assert "no evidence" in consumer.run("promote", "delay", "v0.9.0", code=6).err
    consumer.release("one")
    version = consumer.run("which", "delay").out.strip()
    consumer.train("other")
    consumer.run("promote", "delay", version, "--evidence", consumer.evidence_file(), code=8)
    assert len(consumer.remote_tags()) == 4
    assert consumer.run("promote", "delay", version).outputs["changed"] == "true"


def test_promotion_keeps_the_policy(consumer: Project) -> None:
    consumer.release("one")
    first = (consumer.root / consumer.evidence_file()).read_bytes()
    consumer.release("two")
    (consumer.root / consumer.evidence_file()).write_bytes(first)
    said = consumer.run("promote", "delay", "v1.0.0", "--evidence", consumer.evidence_file(), code=6)
    assert "v1.0.0 is not in staging, which holds v1.0.1." in said.err
    consumer.run("promote", "delay", "v1.0.0", "--to", "moon", code=7)
    consumer.run("promote", "delay", "v9.9.9", code=7)


@pytest.mark.fault(6)
def test_the_same_dispatch_twice_is_one_event(consumer: Project) -> None:
    run = {"GITHUB_RUN_ID": "812"}
    two_in_production(consumer)
    first = consumer.run("rollback", "delay", "--reason", "bad", env=run)
    again = consumer.run("rollback", "delay", "--reason", "bad", env={**run, "GITHUB_RUN_ATTEMPT": "2"})
    assert first.outputs["changed"] == "true"
    assert again.outputs == first.outputs | {"changed": "false"}
    assert "nothing to do" in again.out
    assert promote(consumer, "v1.0.0").startswith("= delay v1.0.0 is in production (event 5): nothing to do")


@pytest.mark.parametrize("verb", [("promote", "delay", "v1.0.1"), ("rollback", "delay", "--reason", "bad")])
def test_a_dispatch_on_another_branch_is_refused(
    consumer: Project, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    """Its modelrail.yaml would say who may enter a stage, and nobody has reviewed that."""
    two_in_production(consumer)
    event = tmp_path / "event.json"
    event.write_text('{"repository": {"default_branch": "main"}}')
    run = {"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_EVENT_PATH": str(event), "GITHUB_RUN_ID": "9"}
    before = consumer.remote_tags()
    said = consumer.run(*verb, env={**run, "GITHUB_REF": "refs/heads/mine"}, code=6)
    assert "started on refs/heads/mine" in said.err
    assert "The policy of stages is that of main" in said.err
    assert consumer.remote_tags() == before
    consumer.run(*verb, env={**run, "GITHUB_REF": "refs/heads/main"})


def test_dry_run_changes_nothing(consumer: Project) -> None:
    consumer.train("one")
    said = consumer.run("register", "--dry-run")
    assert "would push the tags delay@v1.0.0" in said.err
    assert consumer.remote_tags() == {}
    assert said.outputs == {}
    consumer.run("register")
    before = consumer.remote_tags()
    said = consumer.run(
        "promote", "delay", "v1.0.0", "--evidence", consumer.evidence_file(), "--dry-run", "--json"
    )
    assert said.json["plan"]
    assert consumer.remote_tags() == before


@pytest.mark.fault(13)
def test_a_shallow_clone_reads_the_remote(consumer: Project, tmp_path: Path) -> None:
    two_in_production(consumer)
    tagless = consumer.clone(tmp_path / "tagless", "--no-tags")
    assert tagless.run("which", "delay#production").out == "v1.0.1\n"
    partial = consumer.clone(tmp_path / "partial", "--depth=1")
    partial.git("tag", "--delete", "delay#production#4")  # as if it stood on an older commit
    assert partial.run("which", "delay#production").out == "v1.0.1\n"
    shallow = consumer.clone(tmp_path / "shallow", "--depth=1", "--no-tags")
    assert shallow.local_tags() == {}
    assert "show --fetch" in shallow.run("which", "delay#production", "--no-fetch", code=7).err
    assert shallow.run("which", "delay#production").out == "v1.0.1\n"
    assert shallow.run("which", "delay#production", "--fetch").out == "v1.0.1\n"
    assert shallow.run("rollback", "delay", "--reason", "bad").outputs["version"] == "v1.0.0"
    assert consumer.remote_tags()["delay#production#5"]


@pytest.mark.fault(13)
def test_an_unreachable_remote_is_never_an_empty_registry(consumer: Project, tmp_path: Path) -> None:
    two_in_production(consumer)
    consumer.git("remote", "set-url", "origin", str(tmp_path / "gone.git"))
    for arguments in (
        ("show", "delay", "--fetch"), ("which", "delay#production", "--fetch"),
        ("rollback", "delay", "--reason", "bad"),
    ):  # fmt: skip
        said = consumer.run(*arguments, code=15)
        assert "could not be read from the remote" in said.err


def test_only_the_remote_counts(consumer: Project) -> None:
    """A tag that a failed tool left in this clone is no event."""
    two_in_production(consumer)
    consumer.git("tag", "-a", "delay#production#77", "-m", "debris", "HEAD")
    said = consumer.run("rollback", "delay", "--reason", "bad")
    assert said.outputs["sequence"] == "5"
    assert said.outputs["replaced"] == "v1.0.1"


def test_a_lightweight_tag_keeps_its_number(consumer: Project) -> None:
    two_in_production(consumer)
    consumer.git("tag", "delay#production#5", "HEAD")
    consumer.git("push", "--quiet", "origin", "refs/tags/delay#production#5")
    assert consumer.run("rollback", "delay", "--reason", "bad").outputs["sequence"] == "6"


@pytest.mark.fault(37)
def test_a_slow_clock_does_not_decide(consumer: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    two_in_production(consumer)
    monkeypatch.setattr("modelrail.commands._registry.time.time", lambda: 1_000_000_000.0)
    consumer.run("rollback", "delay", "--reason", "bad")
    assert consumer.run("which", "delay#production").out == "v1.0.0\n"
    shown = gto(consumer.root, "show", "--json")
    assert shown["delay"]["stage"] == {"production": "v1.0.0", "staging": "v1.0.1"}  # type: ignore[index]


def test_gto_reads_what_we_wrote(consumer: Project) -> None:
    two_in_production(consumer)
    consumer.run("rollback", "delay", "--reason", "bad")
    shown = gto(consumer.root, "show", "--json")
    assert shown == {
        "delay": {
            "version": "v1.0.1",
            "stage": {"staging": "v1.0.1", "production": "v1.0.0"},
            "registered": True,
            "active": True,
        }
    }
    theirs = gto(consumer.root, "history", "--json")
    assert isinstance(theirs, list)
    ours = consumer.run("history", "delay", "--json").json
    names = {"registration": "register", "assignment": "assign"}
    assert [(names[event["event"]], event["version"], event["ref"]) for event in theirs] == [
        (event["event"], event["version"], event["tag"]) for event in ours
    ]


def test_we_read_what_gto_wrote(consumer: Project) -> None:
    for number, text in enumerate(("one", "two"), 1):
        consumer.commit(text)
        for arguments in (
            ("register", "delay", "--version", f"v{number}.0.0"),
            ("assign", "delay", "--version", f"v{number}.0.0", "--stage", "production"),
        ):
            subprocess.run([str(GTO), *arguments], cwd=consumer.root, check=True, capture_output=True)
    assert consumer.run("which", "delay#production").out == "v2.0.0\n"
    assert consumer.run("show", "delay", "--json").json["delay"]["stages"]["production"]["sequence"] == 2
    consumer.git("push", "--quiet", "origin", "--tags")
    said = consumer.run("rollback", "delay", "--reason", "bad")
    assert said.outputs["version"] == "v1.0.0"
    assert said.outputs["sequence"] == "3"


@pytest.mark.fault(26)
def test_hostile_names_are_refused_before_git(consumer: Project) -> None:
    for name in ("$(touch canary)", "a;b", "a\nb", "", "-x", "a//b", "a b", "\u202edelay"):
        for arguments in (("show", "--", name), ("history", "--", name), ("which", "--", name)):
            if name or arguments[0] == "which":
                consumer.run(*arguments, code=2)
    assert not (consumer.root / "canary").exists()


def test_a_second_model_and_a_missing_one(consumer: Project) -> None:
    consumer.release("one")
    said = consumer.run("which", "delai", code=7)
    assert "no model 'delai'" in said.err
    consumer.run("which", "delay#production", code=7)
    assert consumer.run("history", "--json").json[0]["model"] == "delay"
