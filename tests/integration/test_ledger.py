"""The ledger branch: what it holds, how it grows, how it begins; what GTO and DVC still read beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelrail.adapters import files
from modelrail.adapters.git import Git
from modelrail.adapters.registry import ledger
from modelrail.adapters.registry import reading as registry
from modelrail.core.registry import ledger as layout
from modelrail.errors import ModelrailError
from modelrail.settings import Secret
from support_git import LocalHub, run_git
from support_registry import Project, project

GTO = Path(sys.executable).parent / "gto"
LEDGER = "refs/heads/modelrail/ledger"


@pytest.fixture
def consumer(tmp_path: Path) -> Project:
    return project(tmp_path)


def tip(consumer: Project) -> str:
    return consumer.git("ls-remote", "origin", LEDGER).split("\t")[0]


def ledger_files(consumer: Project, commit: str = "") -> list[str]:
    return consumer.git("ls-tree", "-r", "--name-only", commit or tip(consumer)).splitlines()


def gto_show(consumer: Project) -> object:
    done = subprocess.run(
        [str(GTO), "show", "--json"], cwd=consumer.root, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_one_commit_an_event_and_a_file_once(consumer: Project) -> None:
    consumer.release("one")
    first = tip(consumer)
    assert ledger_files(consumer) == [
        "events/delay/0000/delay#staging#1", "events/delay/0000/delay@v1.0.0",
        "models/delay/v1.0.0/evidence.json", "models/delay/v1.0.0/model-card.md",
        "models/delay/v1.0.0/provenance.intoto.json", "models/delay/v1.0.0/statement.intoto.json",
    ]  # fmt: skip
    consumer.run("promote", "delay", "v1.0.0")
    subjects = consumer.git("log", "--reverse", "--format=%s", tip(consumer)).splitlines()
    assert subjects == [
        "Begin the ledger", "delay v1.0.0", "delay v1.0.0 is in staging", "delay v1.0.0 is in production",
    ]  # fmt: skip
    changed = consumer.git("diff", "--name-only", first, tip(consumer)).splitlines()
    assert changed == ["events/delay/0000/delay#production#2"]
    assert consumer.git("rev-list", "--merges", tip(consumer)) == ""
    # No worktree was touched, and the branch holds no workflow.
    assert consumer.git("status", "--porcelain") == ""


def test_tag_and_commit_name_each_other(consumer: Project) -> None:
    consumer.release("one")
    for commit in consumer.git("rev-list", "--max-count=2", tip(consumer)).splitlines():
        said = consumer.git("log", "-1", "--format=%(trailers:only,unfold)", commit)
        facts = dict(line.split(": ", 1) for line in said.splitlines())
        assert consumer.remote_tags()[facts["Tag"]] == facts["Tag-Object"]
        body = consumer.git("cat-file", "-p", facts["Tag-Object"])
        assert f"Ledger: {consumer.git('rev-parse', f'{commit}~1')}" in body
        assert facts["Ledger"] == consumer.git("rev-parse", f"{commit}~1")


def test_a_later_measurement_is_kept_beside_the_first(consumer: Project) -> None:
    for text in ("one", "two"):
        consumer.release(text)
        consumer.run("promote", "delay", consumer.run("which", "delay").out.strip())
    consumer.release("three")
    consumer.run("rollback", "delay", "--reason", "bad")
    consumer.train("three", version="v1.0.2", new=False)
    consumer.run("promote", "delay", "v1.0.2", "--evidence", consumer.evidence_file())
    digest = files.digest_file(consumer.root / consumer.evidence_file()).removeprefix("sha256:")
    assert f"models/delay/v1.0.2/evidence/{digest}.json" in ledger_files(consumer)
    consumer.run("verify")


def test_a_write_costs_the_same_however_long_the_ledger(consumer: Project) -> None:
    """Counted in objects: blobs and the touched folders; a hundred events more change nothing."""
    consumer.release("one")
    consumer.run("promote", "delay", "v1.0.0")

    def written(*arguments: str) -> int:
        before = set(consumer.git("cat-file", "--batch-all-objects", "--batch-check").splitlines())
        consumer.run(*arguments)
        after = set(consumer.git("cat-file", "--batch-all-objects", "--batch-check").splitlines())
        return len(after - before)

    first = written("unassign", "delay", "--stage", "production", "--reason", "x")
    for _ in range(3):
        consumer.run("promote", "delay", "v1.0.0", "--to", "staging", code=None)
    grown = _grow(consumer, 250)
    assert written("unassign", "delay", "--stage", "staging", "--reason", "x") == first
    shards = {path.split("/")[2] for path in ledger_files(consumer) if path.startswith("events/delay/")}
    assert shards == {"0000", "0001", "0002"}
    assert all(
        sum(path.startswith(f"events/delay/{shard}/") for path in ledger_files(consumer)) <= 100
        for shard in shards
    )
    assert grown == 250


def _grow(consumer: Project, count: int) -> int:
    """Many events in one push."""
    import os

    from modelrail import plans
    from modelrail.adapters.git import Git
    from modelrail.adapters.registry import reading as registry
    from modelrail.adapters.registry import tagging
    from modelrail.core.registry import history, tags

    git = Git(consumer.root, environ=os.environ)
    state = history.fold(registry.read(git, "delay"))["delay"]
    made = tuple(
        plans.Tag(
            name=f"delay#staging#{state.counter + at}", target=state.versions["v1.0.0"].target,
            time=state.last_time + at,
            message=tags.message("x", (), {"Model": "delay", "Version": "v1.0.0", "Stage": "staging"}),
        )
        for at in range(1, count + 1)
    )  # fmt: skip
    return len(tagging.push(git, plans.PushTags(tags=made, operation="grow"), "x <x@y>").objects)


# --- adoption --------------------------------------------------------------------------------------------


def test_a_repository_of_gto_is_adopted_and_nothing_rewritten(consumer: Project) -> None:
    for number, text in enumerate(("one", "two"), 1):
        consumer.commit(text)
        for arguments in (
            ("register", "delay", "--version", f"v{number}.0.0"),
            ("assign", "delay", "--version", f"v{number}.0.0", "--stage", "production"),
            ("register", "other/model", "--version", f"v{number}.0.0"),
        ):
            subprocess.run([str(GTO), *arguments], cwd=consumer.root, check=True, capture_output=True)
    consumer.git("push", "--quiet", "origin", "--tags")
    before = consumer.remote_tags()
    consumer.run("rollback", "delay", "--reason", "bad")
    root = consumer.git("rev-list", "--max-parents=0", tip(consumer))
    assert (
        consumer.git("log", "-1", "--format=%s", root) == "Begin the ledger with 6 tags that stood before it"
    )
    listed = consumer.git("ls-tree", "-r", root).splitlines()
    named = {
        line.rpartition("/")[2].replace("~", "/"): line.split()[2] for line in listed if "\tevents/" in line
    }
    assert named == before
    after = consumer.remote_tags()
    assert {tag: after[tag] for tag in before} == before
    assert consumer.run("verify").code == 0
    shown = gto_show(consumer)
    assert isinstance(shown, dict)
    assert shown["delay"]["stage"] == {"production": "v1.0.0"}


# --- clones ----------------------------------------------------------------------------------------------


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    "options", [("--depth=1", "--no-tags"), ("--filter=blob:none",), ("--filter=tree:0", "--no-checkout")]
)
def test_any_clone_can_write(consumer: Project, tmp_path: Path, options: tuple[str, ...]) -> None:
    for text in ("one", "two"):
        consumer.release(text)
        consumer.run("promote", "delay", consumer.run("which", "delay").out.strip())
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        consumer.git("--git-dir", consumer.remote, "config", key, "true")
    remote = f"file://{consumer.remote}"
    consumer.git("clone", "--quiet", *options, remote, str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", remote)
    (clone.root / "modelrail.yaml").write_text((consumer.root / "modelrail.yaml").read_text(encoding="utf-8"))
    count = clone.git("rev-list", "--count", "HEAD")
    for version in ("v1.0.0", "v1.0.1"):
        clone.run("rollback", "delay", "--to", version, "--reason", "bad")
    assert clone.git("rev-list", "--count", "HEAD") == count
    clone.run("verify")
    consumer.run("verify")


def missing(clone: Project, what: str) -> int:
    """Objects that the clone lacks and its remote has promised."""
    return clone.git("rev-list", "--objects", "--missing=print", what).count("\n?")


def job(hub: LocalHub, at: Path) -> Project:
    """As a workflow checks out: shallow, without tags, and with no credentials left behind."""
    hub.clone(at, "--depth=1", "--no-tags", "--branch=main")
    run_git(at, "remote", "set-url", "origin", hub.git_url)
    token = hub.bot_token(contents="write", deployments="write")
    return Project(
        at, hub.git_url,
        hub.environ(token, GITHUB_ACTIONS="true", GITHUB_RUN_ID="900", GITHUB_ACTOR="octo"),
    )  # fmt: skip


@pytest.mark.fault(34)
def test_a_job_brings_of_the_ledger_only_what_it_reads(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone that is new each time does not grow with the number of versions; each file comes when read."""
    consumer = project(tmp_path, remote=hub.authorized_url())
    for text in ("one", "two", "three"):
        consumer.release(text)
        consumer.run("promote", "delay", consumer.run("which", "delay").out.strip())
    hub.hub.configure(hub.owner, hub.repo, private=True)
    clone = job(hub, tmp_path / "job")
    assert clone.run("rollback", "delay", "--reason", "bad").outputs["version"] == "v1.0.1"
    every = missing(clone, ledger.REF)
    assert every == 3 * 4
    clone.run("describe", "delay@v1.0.0")
    assert missing(clone, ledger.REF) == every - 1
    calls = []
    real = Git._once

    def counted(git: Git, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        calls.append(arguments)
        return real(git, *arguments, **options)

    monkeypatch.setattr(Git, "_once", counted)
    assert clone.run("verify").code == 0
    assert missing(clone, ledger.REF) == every - 3  # the evidence of all; cards and statements of none
    assert sum("--stdin" in call for call in calls if call[0] == "fetch") == 1

    # Of the versions' own commits, which evaluations check out, nothing is left behind; nor is the user's
    # own remote another than it was.
    consumer.release("four")
    clone.run("show", "--fetch")
    assert "delay@v1.0.3" in clone.git("tag").split()
    for tag in clone.git("tag").split():
        assert missing(clone, f"{tag}^{{commit}}") == 0
    settings = clone.git("config", "--list", "--local")
    assert "remote.origin.promisor" not in settings
    assert "extensions.partialclone" not in settings


@pytest.mark.fault(8)
def test_a_file_of_the_ledger_that_cannot_be_brought_is_not_absent(hub: LocalHub, tmp_path: Path) -> None:
    consumer = project(tmp_path, remote=hub.authorized_url())
    consumer.release("one")
    clone = job(hub, tmp_path / "job")
    git, unknown = (
        Git(clone.root, remote=hub.git_url, token=Secret(token), server_url=hub.url, environ=os.environ)
        for token in (clone.environ["GITHUB_TOKEN"], "")
    )
    registry.fetch(git, ["delay"], with_ledger=True)
    path = "models/delay/v1.0.0/evidence.json"
    with pytest.raises(ModelrailError, match="could not be read"):
        ledger.document(unknown, ledger.tip(unknown), path)
    kept = consumer.git("cat-file", "blob", f"{tip(consumer)}:{path}")
    assert (ledger.document(git, ledger.tip(git), path) or b"").decode().strip() == kept


def test_a_repository_that_cannot_be_partial_gets_the_whole_ledger(consumer: Project, tmp_path: Path) -> None:
    consumer.release("one")
    consumer.run("promote", "delay", "v1.0.0")
    consumer.git("--git-dir", consumer.remote, "config", "uploadpack.allowFilter", "true")
    remote = f"file://{consumer.remote}"
    consumer.git(
        "clone", "--quiet", "--depth=1", "--no-tags", "--branch=main", remote, str(tmp_path / "clone")
    )
    clone = Project(tmp_path / "clone", remote)
    clone.git("config", "extensions.somebodys", "own")  # git refuses to change the format of such a one
    clone.run("describe", "delay@v1.0.0", "--fetch")
    assert missing(clone, ledger.REF) == 0


# --- what the tags point at ------------------------------------------------------------------------------


def test_a_retrain_without_a_commit_is_a_version_that_gto_tells_apart(consumer: Project) -> None:
    consumer.release("one")
    consumer.run("promote", "delay", "v1.0.0")
    consumer.train("two", new=False)
    assert consumer.run("register").outputs["version"] == "v1.0.1"
    head = consumer.git("rev-parse", "HEAD")
    assert consumer.git("rev-parse", "delay@v1.0.0^{commit}") == head
    twin = consumer.git("rev-parse", "delay@v1.0.1^{commit}")
    assert twin != head
    assert consumer.git("rev-parse", f"{twin}^{{tree}}", f"{twin}^") == "\n".join(
        consumer.git("rev-parse", f"{head}^{{tree}}", head).splitlines()
    )
    assert consumer.run("which", "delay@v1.0.1", "--json").json["commit"] == head
    assert gto_show(consumer) == {
        "delay": {
            "version": "v1.0.1", "stage": {"staging": "v1.0.1", "production": "v1.0.0"},
            "registered": True, "active": True,
        }
    }  # fmt: skip
    consumer.run("promote", "delay", "v1.0.1")
    assert consumer.git("rev-parse", "delay#production#4^{commit}") == twin
    consumer.run("verify")


@pytest.mark.fault(11)
def test_a_rollback_to_other_workflows_goes_through_the_ledger(hub: LocalHub, tmp_path: Path) -> None:
    consumer = project(tmp_path, remote=hub.authorized_url())
    workflow = consumer.root / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    versions = []
    for text in ("one", "two"):
        workflow.write_text(f"name: {text}\non: push\njobs: {{}}\n", encoding="utf-8")
        consumer.release(text)
        versions.append(consumer.run("which", "delay").out.strip())
        consumer.run("promote", "delay", versions[-1])
    hub.hub.configure(hub.owner, hub.repo, guard_workflows=True)
    token = hub.bot_token(contents="write", deployments="write")
    consumer.environ = hub.environ(
        token, GITHUB_ACTIONS="true", GITHUB_RUN_ID="900", GITHUB_ACTOR="octo", GITHUB_WORKFLOW="rollback"
    )
    said = consumer.run("rollback", "delay", "--reason", "bad")
    assert said.outputs["version"] == versions[0]
    tag = said.outputs["tag"]
    ledger = consumer.git("rev-parse", f"{tip(consumer)}~1")
    assert consumer.git("rev-parse", f"{tag}^{{commit}}") == ledger
    assert consumer.run("which", "delay#production", "--fetch").out.strip() == versions[0]
    assert consumer.run("verify").outputs["ok"] == "true"


# --- withdrawals -----------------------------------------------------------------------------------------


def test_a_version_is_taken_back(consumer: Project) -> None:
    consumer.release("one")
    consumer.run("promote", "delay", "v1.0.0")
    consumer.release("two")
    said = consumer.run("deregister", "delay", "v1.0.0", "--reason", "leak", code=6)
    assert "is in production" in said.err
    consumer.run("promote", "delay", "v1.0.1")
    said = consumer.run("deregister", "delay", "v1.0.0", "--reason", "leak")
    assert said.out == "✓ delay v1.0.0 is taken back\n"
    assert "nothing to do" in consumer.run("deregister", "delay", "v1.0.0", "--reason", "leak").out
    consumer.run("rollback", "delay", "--reason", "bad", code=6)
    consumer.run("rollback", "delay", "--to", "v1.0.0", "--reason", "bad", code=7)
    assert consumer.run("verify").code == 0
    shown = gto_show(consumer)
    assert isinstance(shown, dict)
    assert shown["delay"]["version"] == "v1.0.1"


def test_the_provenance_names_the_configuration_that_was_used(consumer: Project, tmp_path: Path) -> None:
    """As the repository names it, wherever it is named from; of a file elsewhere no more than its name."""

    def named(version: str) -> str:
        place = layout.version_folder("delay", version)
        file = f"refs/modelrail/ledger/tip:{place}/provenance.intoto.json"
        stated = json.loads(consumer.git("show", file))
        return str(stated["predicate"]["buildDefinition"]["externalParameters"]["configuration"])

    text = (consumer.root / "modelrail.yaml").read_text(encoding="utf-8")
    (consumer.root / "conf").mkdir()
    used = {"v1.0.0": "modelrail.yaml", "v1.0.1": "conf/other.yaml", "v1.0.2": "conf/other.yaml"}
    used["v1.0.3"] = str(tmp_path / "apart.yaml")
    for version, file in used.items():
        (consumer.root / file).write_text(text, encoding="utf-8")
        consumer.train(version)
        given = str(consumer.root / file) if version == "v1.0.2" else file
        assert consumer.run("register", "--config", given).outputs["version"] == version
    assert {version: named(version) for version in used} == {**used, "v1.0.3": "apart.yaml"}


def test_who_may_not_change_a_stage_may_not_empty_it(consumer: Project, tmp_path: Path) -> None:
    """By whichever file says so; a file that is named must be there."""
    consumer.release("one")
    consumer.run("promote", "delay", "v1.0.0", "--evidence", consumer.evidence_file())
    file = consumer.root / "modelrail.yaml"
    text, take = file.read_text(encoding="utf-8"), ("unassign", "delay", "--stage", "production")
    file.write_text(text.replace("enter: manual", "enter: manual, by: [ana]"), encoding="utf-8")
    before = consumer.remote_tags()
    said = consumer.run(*take, "--reason", "x", env={"GITHUB_ACTOR": "eve"}, code=6)
    assert "eve may not take a version of delay out of production." in said.err
    file.rename(consumer.root / "other.yaml")
    consumer.run(*take, "--reason", "x", "--config", "other.yaml", env={"GITHUB_ACTOR": "eve"}, code=6)
    consumer.run(*take, "--reason", "x", "--config", "absent.yaml", code=3)
    event = tmp_path / "event.json"
    event.write_text('{"repository": {"default_branch": "main"}}', encoding="utf-8")
    elsewhere = {
        "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REF": "refs/heads/mine",
    }  # fmt: skip
    assert "was started on refs/heads/mine" in consumer.run(*take, "--reason", "x", env=elsewhere, code=6).err
    assert consumer.remote_tags() == before
    ana = {"GITHUB_ACTOR": "Ana"}
    consumer.run(*take, "--reason", "x", "--config", "other.yaml", env=ana)
    assert set(consumer.remote_tags()) - set(before) == {"delay#production!#3"}


def test_a_stage_is_emptied_and_a_model_deprecated(consumer: Project) -> None:
    consumer.release("one")
    said = consumer.run("unassign", "delay", "--stage", "staging", "--reason", "over", "--json")
    assert (said.json["tag"], said.json["sequence"]) == ("delay#staging!#2", 2)
    assert "empty already" in consumer.run("unassign", "delay", "--stage", "staging", "--reason", "over").out
    consumer.run("unassign", "delay", "--stage", "moon", "--reason", "over", code=7)
    consumer.run("unassign", "delay", "--stage", "staging", "--reason", " ", code=2)
    assert consumer.run("show", "delay", "--json").json["delay"]["stages"] == {}
    assert consumer.run("deprecate", "delay", "--reason", "old").out == "✓ delay is deprecated\n"
    assert consumer.run("show", "delay", "--json").json["delay"]["deprecated"] is True
    assert "deprecated already" in consumer.run("deprecate", "delay", "--reason", "old").out
    consumer.release("two")
    assert consumer.run("show", "delay", "--json").json["delay"]["deprecated"] is False
    assert consumer.run("deprecate", "delay", "--reason", "old", "--json").json["tag"] == "delay@deprecated#4"
    assert consumer.run("verify").code == 0
