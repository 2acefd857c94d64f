"""The registry commands in CI, against the local GitHub: releases, labels, comments, deployments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from modelrail.adapters import files
from modelrail.adapters.github import releases as github_releases
from modelrail.commands import _statements
from support_git import LocalHub
from support_registry import CONFIG, Project, Said, project

ASSETS = {
    "model.skops", "evidence.json", "statement.intoto.json", "provenance.intoto.json", "model-card.md",
    "report.html", "SHA256SUMS",
}  # fmt: skip


@pytest.fixture
def consumer(hub: LocalHub, tmp_path: Path) -> Project:
    """Works as a job does: bot token, server URL as remote of modelrail, no identity of git."""
    found = project(tmp_path, remote=hub.authorized_url())
    token = hub.bot_token(contents="write", pull_requests="write", deployments="write")
    found.environ = hub.environ(
        token, GITHUB_ACTIONS="true", GITHUB_RUN_ID="812", GITHUB_ACTOR="octo", GITHUB_WORKFLOW="release"
    )
    return found


def merged(consumer: Project, hub: LocalHub, content: str, *labels: str, verdict: str = "pass") -> int:
    """A pull request that was merged, and the records of its release run."""
    branch = f"branch-{content}"
    consumer.git("checkout", "--quiet", "-b", branch)
    (consumer.root / "train.py").write_text(f"# {content}\n", encoding="utf-8")
    consumer.git("commit", "--quiet", "-am", content)
    consumer.git("push", "--quiet", "origin", branch)
    pull = hub.hub.open_pull_request(
        hub.owner, hub.repo, branch, "main", content, "", hub.owner, labels=list(labels)
    )
    hub.hub.merge(hub.owner, hub.repo, pull["number"], hub.owner)
    consumer.git("checkout", "--quiet", "main")
    consumer.git("pull", "--quiet", "origin", "main")
    consumer.train(content, verdict=verdict, new=False)
    return int(pull["number"])


def releases(hub: LocalHub) -> list[Any]:
    return list(hub.hub.releases(hub.owner, hub.repo))


def comments(hub: LocalHub, number: int) -> list[str]:
    return [comment["body"] for comment in hub.hub.comments(hub.owner, hub.repo, number)]


def test_from_merge_to_production_and_back(hub: LocalHub, consumer: Project) -> None:
    number = merged(consumer, hub, "one")
    said = consumer.run("register")
    assert said.outputs["version"] == "v1.0.0"
    (release,) = releases(hub)
    assert said.outputs["release-url"] == release["html_url"]
    assert {asset["name"] for asset in release["assets"]} == ASSETS
    assert (release["draft"], release["prerelease"]) == (False, True)
    (comment,) = comments(hub, number)
    assert comment.startswith("<!-- modelrail:register -->")
    assert "v1.0.0" in comment

    said = consumer.run("promote", "delay", "v1.0.0", "--reason", "first", env={"GITHUB_RUN_ID": "813"})
    assert said.outputs["changed"] == "true"
    assert "⚠" not in said.err
    (release,) = releases(hub)
    assert release["prerelease"] is False
    (deployment,) = hub.hub.deployments(hub.owner, hub.repo)
    assert deployment["environment"] == "production"
    tag = consumer.git("cat-file", "-p", "delay#production#2")
    assert "tagger github-actions[bot] <41898282+" in tag
    assert f"Run: {hub.url}/octo/flights/actions/runs/813" in tag
    assert "Operation: 813/promote/delay/production/v1.0.0" in tag

    merged(consumer, hub, "two", "modelrail:major")
    assert consumer.run("register", env={"GITHUB_RUN_ID": "814"}).outputs["version"] == "v2.0.0"
    consumer.run("promote", "delay", "v2.0.0", env={"GITHUB_RUN_ID": "815"})
    said = consumer.run("rollback", "delay", "--reason", "bad", env={"GITHUB_RUN_ID": "816"})
    assert said.outputs["version"] == "v1.0.0"
    lines = consumer.run("history", "delay").out.splitlines()
    assert lines[0].endswith("release #816")
    latest = requests.get(
        f"{hub.api_url}/repos/octo/flights/releases/latest",
        headers={"Authorization": f"Bearer {hub.token}"}, timeout=10,
    ).json()  # fmt: skip
    assert latest["tag_name"] == "delay@v1.0.0"
    flags = {release["tag_name"]: release["prerelease"] for release in releases(hub)}
    assert flags == {"delay@v1.0.0": False, "delay@v2.0.0": True}


def test_a_failed_verdict_is_said_on_the_merged_pull_request(hub: LocalHub, consumer: Project) -> None:
    number = merged(consumer, hub, "worse", verdict="fail")
    said = consumer.run("register", code=4)
    assert said.outputs["registered"] == "false"
    (comment,) = comments(hub, number)
    assert "no version is registered" in comment
    assert releases(hub) == []
    assert consumer.remote_tags() == {}


def killed_before_its_release(consumer: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that registers ends after its tags are pushed."""
    with monkeypatch.context() as patch:
        patch.setattr(github_releases, "publish", _die)
        with pytest.raises(RuntimeError, match="killed"):
            consumer.run("register")


@pytest.mark.fault(3)
def test_killed_between_tag_and_release(
    hub: LocalHub, consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(consumer, hub, "one")
    killed_before_its_release(consumer, monkeypatch)
    assert set(consumer.remote_tags()) == {"delay@v1.0.0", "delay#staging#1"}
    assert releases(hub) == []
    said = consumer.run("register", env={"GITHUB_RUN_ATTEMPT": "2"})
    assert said.outputs["registered"] == "true"
    assert said.outputs["version"] == "v1.0.0"
    (release,) = releases(hub)
    assert said.outputs["release-url"] == release["html_url"]
    assert subjects(said) == [("model.skops", files.digest_bytes(b"one"), "v1.0.0")]
    assert len(consumer.remote_tags()) == 2
    again = consumer.run("register", env={"GITHUB_RUN_ATTEMPT": "3"})
    assert again.outputs == said.outputs
    assert consumer.run("promote", "delay", "v1.0.0").outputs["changed"] == "true"


def subjects(said: Said) -> list[tuple[str, str, str]]:
    """What GitHub is asked to attest: file, digest, and the version that the predicate speaks of."""
    return [
        (one["name"], one["digest"], json.loads(one["predicate"])["version"])
        for one in json.loads(said.outputs["attestations"])
        if one
    ]


@pytest.mark.fault(3)
def test_a_release_that_is_completed_after_the_promotion_is_a_full_one(
    hub: LocalHub, consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(consumer, hub, "one")
    killed_before_its_release(consumer, monkeypatch)
    assert "has no release" in consumer.run("promote", "delay", "v1.0.0").err
    consumer.run("register", env={"GITHUB_RUN_ATTEMPT": "2"})
    (release,) = releases(hub)
    assert release["prerelease"] is False
    latest = requests.get(
        f"{hub.api_url}/repos/octo/flights/releases/latest",
        headers={"Authorization": f"Bearer {hub.token}"}, timeout=10,
    ).json()  # fmt: skip
    assert latest["tag_name"] == "delay@v1.0.0"


def _die(*_: object) -> str:
    raise RuntimeError("killed")


@pytest.mark.fault(3)
def test_a_run_that_measured_anew_completes_the_release_with_the_evidence_of_the_tag(
    hub: LocalHub, consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(consumer, hub, "one")
    killed_before_its_release(consumer, monkeypatch)
    consumer.train("one", new=False, version="v1.0.0")  # other records, the same bytes
    consumer.run("register")
    (release,) = releases(hub)
    digests = {asset["name"]: asset["digest"] for asset in release["assets"]}
    assert set(digests) == ASSETS
    tag = consumer.git("cat-file", "-p", "delay@v1.0.0")
    assert f"Evidence-Digest: {digests['evidence.json']}" in tag
    assert consumer.run("promote", "delay", "v1.0.0").code == 0


@pytest.mark.fault(6)
def test_all_jobs_run_again_are_one_registration(hub: LocalHub, consumer: Project) -> None:
    """They train again, to other bytes of the same commit; what the first attempt registered stands."""
    merged(consumer, hub, "one")
    first = consumer.run("register", env={"GITHUB_RUN_ID": "814"})
    before, release = consumer.remote_tags(), releases(hub)
    consumer.train("other bytes", new=False, version="v1.0.0")
    again = consumer.run("register", env={"GITHUB_RUN_ID": "814", "GITHUB_RUN_ATTEMPT": "2"})
    # The answer is the first attempt's, down to what is attested: its bytes by its evidence.
    assert again.outputs == first.outputs
    assert subjects(again) == [("model.skops", files.digest_bytes(b"one"), "v1.0.0")]
    assert consumer.remote_tags() == before
    assert releases(hub) == release
    # Another run of the same commit has nothing to register, and nothing to attest.
    consumer.train("one", new=False, version="v1.0.0")
    other = consumer.run("register", env={"GITHUB_RUN_ID": "813"})
    assert (other.outputs["registered"], subjects(other)) == ("false", [])
    consumer.train("other bytes", new=False, version="v1.0.0")
    # A retrain that is meant is a run of its own.
    retrained = consumer.run("register", env={"GITHUB_RUN_ID": "815"})
    assert retrained.outputs["version"] == "v1.0.1"
    # What was taken back since is not put to work by a late attempt.
    consumer.run("deregister", "delay", "v1.0.0", "--reason", "bad", env={"GITHUB_RUN_ID": "816"})
    late = consumer.run("register", env={"GITHUB_RUN_ID": "814", "GITHUB_RUN_ATTEMPT": "3"})
    assert (late.outputs["registered"], subjects(late)) == ("false", [])


@pytest.mark.fault(6)
def test_an_attempt_that_does_not_pass_takes_nothing_back(
    hub: LocalHub, consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {"GITHUB_RUN_ID": "814"}
    number = merged(consumer, hub, "one")
    consumer.train("worse", new=False, verdict="fail")
    assert consumer.run("register", env=run, code=4).outputs["registered"] == "false"
    consumer.train("one", new=False)
    with monkeypatch.context() as patch:
        patch.setattr(github_releases, "publish", _die)
        with pytest.raises(RuntimeError, match="killed"):
            consumer.run("register", env={**run, "GITHUB_RUN_ATTEMPT": "2"})
    consumer.train("worse", new=False, verdict="fail")
    said = consumer.run("register", env={**run, "GITHUB_RUN_ATTEMPT": "3"}, code=8)
    assert "delay@v1.0.0 has no release, and this attempt has nothing to complete it with." in said.err
    consumer.train("one", new=False, version="v1.0.0")
    consumer.run("register", env={**run, "GITHUB_RUN_ATTEMPT": "4"})
    (release,), before, (told,) = releases(hub), consumer.remote_tags(), comments(hub, number)
    assert "v1.0.0" in told
    assert "staging" in told
    consumer.train("worse", new=False, verdict="fail")
    said = consumer.run("register", env={**run, "GITHUB_RUN_ATTEMPT": "5"})
    assert (said.outputs["registered"], said.outputs["version"]) == ("true", "v1.0.0")
    assert subjects(said) == [("model.skops", files.digest_bytes(b"one"), "v1.0.0")]
    assert said.outputs["release-url"] == release["html_url"]
    assert "the verdict is fail" in said.err
    assert (consumer.remote_tags(), releases(hub), comments(hub, number)) == (before, [release], [told])


@pytest.mark.fault(20)
def test_a_release_is_never_completed_with_other_bytes(
    hub: LocalHub, consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {"GITHUB_RUN_ID": "814"}
    merged(consumer, hub, "one")
    with monkeypatch.context() as patch:
        patch.setattr(github_releases, "publish", _die)
        with pytest.raises(RuntimeError, match="killed"):
            consumer.run("register", env=run)
    consumer.train("other bytes", new=False, version="v1.0.0")
    said = consumer.run("register", env={**run, "GITHUB_RUN_ATTEMPT": "2"}, code=8)
    assert "delay@v1.0.0 has no release, and this attempt trained other bytes." in said.err
    assert releases(hub) == []
    consumer.train("one", new=False, version="v1.0.0")
    consumer.run("register", env={**run, "GITHUB_RUN_ATTEMPT": "3"})
    assert len(releases(hub)) == 1


def replace_asset(hub: LocalHub, name: str, change: Callable[[bytes], bytes] | None) -> None:
    """As somebody who may write does by hand; None only deletes it."""
    headers = {"Authorization": f"Bearer {hub.token}"}
    (release,) = releases(hub)
    asset = next(found for found in release["assets"] if found["name"] == name)
    there = requests.get(
        asset["url"], headers=headers | {"Accept": "application/octet-stream"}, timeout=10
    ).content
    requests.delete(asset["url"], headers=headers, timeout=10)
    if change is not None:
        answer = requests.post(
            release["upload_url"].partition("{")[0], params={"name": name}, data=change(there), timeout=10,
            headers=headers | {"Content-Type": "application/octet-stream"},
        )  # fmt: skip
        assert answer.status_code == 201


@pytest.mark.fault(20)
def test_verify_finds_every_file_of_a_release_that_was_replaced(
    hub: LocalHub, consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a release that a later attempt completed, and where GitHub does not say an asset's digest."""
    merged(consumer, hub, "one")
    killed_before_its_release(consumer, monkeypatch)
    consumer.train("one", new=False, version="v1.0.0")
    with monkeypatch.context() as patch:  # the repository was renamed in between
        patch.setattr(_statements, "repository_url", lambda _: "https://github.com/octo/renamed")
        consumer.run("register", env={"GITHUB_RUN_ATTEMPT": "2"})
    assert consumer.run("verify", "--assets", "--json").json["ok"]

    def found() -> list[str]:
        laptop = {"GITHUB_ACTIONS": ""}  # in CI the annotation follows the document
        listed = consumer.run("verify", "--assets", "--json", env=laptop, code=25).json["findings"]
        assert {(one["kind"], one["subject"]) for one in listed} == {("asset", "delay@v1.0.0")}
        return [one["what"] for one in listed]

    shared = ["evidence.json", "model-card.md", "provenance.intoto.json", "statement.intoto.json"]
    for name in [*shared, "report.html"]:
        replace_asset(hub, name, lambda data: data + b" ")
    told = [f"{name} of the release delay@v1.0.0 is not the file that the ledger keeps." for name in shared]
    told.append("report.html of the release delay@v1.0.0 is not the file that its record names.")
    assert sorted(found()) == sorted(told)
    listed = github_releases._assets
    with monkeypatch.context() as patch:
        patch.setattr(
            github_releases, "_assets",
            lambda *given: {name: {**asset, "digest": None} for name, asset in listed(*given).items()},
        )  # fmt: skip
        assert sorted(found()) == sorted(told)
    for name in [*shared, "report.html"]:
        replace_asset(hub, name, None)
    told = [f"The release delay@v1.0.0 has no {name}, which belongs to it." for name in shared]
    assert sorted(found()) == sorted([*told, told[0].replace("evidence.json", "report.html")])

    digest = files.digest_bytes(b"one").removeprefix("sha256:").encode()
    replace_asset(hub, "SHA256SUMS", lambda data: data.replace(digest, b"0" * 64))
    assert (
        "SHA256SUMS of the release delay@v1.0.0 names other bytes for model.skops than the record." in found()
    )
    replace_asset(hub, "SHA256SUMS", lambda _: b"\xff\nnothing")
    replace_asset(hub, "model.skops", lambda _: b"two")
    assert max(found()).startswith("model.skops of the release delay@v1.0.0 is not the file that was")
    replace_asset(hub, "SHA256SUMS", None)
    replace_asset(hub, "model.skops", lambda _: b"one")
    missing = [*shared, "SHA256SUMS"]
    assert sorted(found()) == sorted(
        f"The release delay@v1.0.0 has no {name}, which belongs to it." for name in missing
    )


@pytest.mark.fault(20)
def test_replaced_evidence_is_not_used(hub: LocalHub, consumer: Project) -> None:
    from modelrail import settings
    from modelrail.adapters import store
    from modelrail.adapters.git import open_repository
    from modelrail.adapters.github import client as github
    from modelrail.adapters.registry import reading as registry
    from modelrail.core.registry import history
    from modelrail.errors import RecordError

    merged(consumer, hub, "one")
    consumer.run("register")
    (release,) = releases(hub)
    asset = next(found for found in release["assets"] if found["name"] == "evidence.json")
    headers = {"Authorization": f"Bearer {hub.token}"}
    requests.delete(asset["url"], headers=headers, timeout=10)
    other = (consumer.root / consumer.evidence_file()).read_bytes().replace(b'"0.1.0"', b'"9.9.9"')
    upload = release["upload_url"].partition("{")[0]
    answer = requests.post(
        upload, params={"name": "evidence.json"}, data=other, timeout=10,
        headers=headers | {"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 201
    found = settings.read(consumer.environ, consumer.root)
    registered = history.fold(registry.read(open_repository(found), "delay"))["delay"].versions["v1.0.0"]
    with pytest.raises(RecordError, match="not the one that its tag names"):
        store.fetch_evidence(github.connect(found), registered)
    # The promotion takes the ledger's.
    assert consumer.run("promote", "delay", "v1.0.0").outputs["changed"] == "true"


def test_a_promotion_that_is_recorded_does_not_fail_for_what_only_shows_it(
    hub: LocalHub, consumer: Project
) -> None:
    merged(consumer, hub, "one")
    consumer.run("register")
    token = hub.bot_token(contents="write")
    said = consumer.run("promote", "delay", "v1.0.0", env={"GITHUB_TOKEN": token})
    assert said.outputs["changed"] == "true"
    assert "not done: set the deployment of production" in said.err
    assert "deployments: " in said.err


@pytest.mark.fault(10)
def test_a_token_that_cannot_write_changes_nothing(hub: LocalHub, consumer: Project) -> None:
    merged(consumer, hub, "one")
    token = hub.bot_token(contents="read", pull_requests="read")
    said = consumer.run("register", code=17, env={"GITHUB_TOKEN": token})
    assert "contents: write" in said.err
    assert consumer.remote_tags() == {}
    consumer.run("register", code=17, env={"GITHUB_TOKEN": ""})


def test_model_bytes_come_from_the_release_and_the_cache(
    hub: LocalHub, consumer: Project, tmp_path: Path
) -> None:
    from modelrail import settings
    from modelrail.adapters import store
    from modelrail.adapters.git import open_repository
    from modelrail.adapters.github import client as github
    from modelrail.adapters.registry import reading as registry
    from modelrail.core.registry import history

    merged(consumer, hub, "one")
    consumer.run("register")
    found = settings.read(consumer.environ | {"HOME": str(tmp_path)}, consumer.root)
    git = open_repository(found)
    registered = history.fold(registry.read(git, "delay"))["delay"].versions["v1.0.0"]
    client = github.connect(found)
    got = store.fetch_model(git, client, registered, tmp_path / "a", cache=tmp_path / "cache")
    assert got.read_text(encoding="utf-8") == "one"
    cached = next((tmp_path / "cache" / "models").iterdir())
    assert files.digest_file(cached) == registered.model_digest
    again = store.fetch_model(git, None, registered, tmp_path / "b", cache=tmp_path / "cache")
    assert again.read_text(encoding="utf-8") == "one"
    cached.write_text("evil", encoding="utf-8")
    once_more = store.fetch_model(git, client, registered.event, tmp_path / "c", cache=tmp_path / "cache")
    assert once_more.read_text(encoding="utf-8") == "one"


def test_fetch_gets_the_file_of_a_release(hub: LocalHub, consumer: Project, tmp_path: Path) -> None:
    merged(consumer, hub, "one")
    consumer.run("register")
    said = consumer.run(
        "fetch", "delay#staging", "-o", "got", env={"MODELRAIL_CACHE": str(tmp_path / "cache")}
    )
    assert said.outputs["path"] == "got/model.skops"
    assert files.digest_file(consumer.root / "got" / "model.skops") == said.outputs["digest"]


def test_fetch_puts_the_parts_of_a_large_file_together(
    hub: LocalHub, consumer: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelrail.adapters.stores import release_assets

    monkeypatch.setattr(release_assets, "PART_BYTES", 5)
    merged(consumer, hub, "fourteen-bytes")
    consumer.run("register")
    (release,) = releases(hub)
    names = {asset["name"] for asset in release["assets"]}
    assert {"model.skops.part-001", "model.skops.part-003", "model.skops.parts.json"} <= names
    assert "model.skops" not in names
    consumer.run("fetch", "delay", "-o", "got", env={"MODELRAIL_CACHE": str(tmp_path / "cache")})
    assert (consumer.root / "got" / "model.skops").read_text() == "fourteen-bytes"


def flags(hub: LocalHub) -> dict[str, bool]:
    """Of each release whether it is a pre-release."""
    return {release["tag_name"]: release["prerelease"] for release in releases(hub)}


def latest(hub: LocalHub) -> str:
    answer = requests.get(
        f"{hub.api_url}/repos/octo/flights/releases/latest",
        headers={"Authorization": f"Bearer {hub.token}"}, timeout=10,
    )  # fmt: skip
    return str(answer.json().get("tag_name", ""))


@pytest.mark.fault(3)
def test_killed_between_the_tag_and_what_shows_it(
    hub: LocalHub, consumer: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(consumer, hub, "one")
    consumer.run("register")
    run = {"GITHUB_RUN_ID": "900"}
    with monkeypatch.context() as patch:
        patch.setattr(github_releases, "mark", _die)
        with pytest.raises(RuntimeError, match="killed"):
            consumer.run("promote", "delay", "v1.0.0", env=run)
    assert "delay#production#2" in consumer.remote_tags()
    assert (flags(hub), latest(hub)) == ({"delay@v1.0.0": True}, "")
    said = consumer.run("promote", "delay", "v1.0.0", env=run)
    assert said.outputs["changed"] == "false"
    assert (flags(hub), latest(hub)) == ({"delay@v1.0.0": False}, "delay@v1.0.0")
    assert len(hub.hub.deployments(hub.owner, hub.repo)) == 1

    merged(consumer, hub, "two")
    consumer.run("register", env={"GITHUB_RUN_ID": "901"})
    consumer.run("promote", "delay", "v1.0.1", env={"GITHUB_RUN_ID": "902"})
    with monkeypatch.context() as patch:
        patch.setattr(github_releases, "mark", _die)
        with pytest.raises(RuntimeError, match="killed"):
            consumer.run("rollback", "delay", "--reason", "bad", env={"GITHUB_RUN_ID": "903"})
    # A promotion of long ago, delivered again: what it put there does not stand any more.
    before = (flags(hub), latest(hub))
    assert before == ({"delay@v1.0.0": False, "delay@v1.0.1": False}, "delay@v1.0.1")
    consumer.run("promote", "delay", "v1.0.1", env={"GITHUB_RUN_ID": "902"})
    assert (flags(hub), latest(hub)) == before
    consumer.run("rollback", "delay", "--reason", "bad", env={"GITHUB_RUN_ID": "903"})
    assert (flags(hub), latest(hub)) == ({"delay@v1.0.0": False, "delay@v1.0.1": True}, "delay@v1.0.0")


def test_several_models_do_not_fight_over_the_latest_release(hub: LocalHub, tmp_path: Path) -> None:
    second = CONFIG.partition("models:\n")[2].replace("delay:", "taxi:").replace("model.skops", "taxi.skops")
    both = project(tmp_path, CONFIG + second, remote=hub.authorized_url())
    token = hub.bot_token(contents="write", pull_requests="write", deployments="write", actions="read")
    both.environ = hub.environ(token, GITHUB_ACTIONS="true", GITHUB_ACTOR="octo")
    runs = iter(range(1000, 1100))

    def run(*arguments: str) -> None:
        both.run(*arguments, env={"GITHUB_RUN_ID": str(next(runs))})

    for model, content in (("delay", "one"), ("taxi", "two"), ("taxi", "three")):
        both.train(content, model=model)
        run("register", "--model", model, "--bump", "minor")
        run("promote", model, "v1.1.0" if content == "three" else "v1.0.0")
        assert latest(hub) == "delay@v1.0.0"
    run("rollback", "taxi", "--reason", "bad")
    assert latest(hub) == "delay@v1.0.0"
    assert flags(hub) == {"delay@v1.0.0": False, "taxi@v1.0.0": False, "taxi@v1.1.0": True}
    places = {found["environment"] for found in hub.hub.deployments(hub.owner, hub.repo)}
    assert places == {"production/delay", "production/taxi"}


def test_of_the_deployments_of_a_stage_one_is_active(hub: LocalHub, consumer: Project) -> None:
    """GitHub takes none back by itself in an environment of the name production."""
    for content, version in (("one", "v1.0.0"), ("two", "v1.0.1")):
        merged(consumer, hub, content)
        consumer.run("register", "--bump", "patch")
        consumer.run("promote", "delay", version)
    consumer.run("rollback", "delay", "--reason", "bad")
    found = sorted(hub.hub.deployments(hub.owner, hub.repo), key=lambda one: int(one["id"]))
    assert [(one["payload"]["version"], one["status"]["state"]) for one in found] == [
        ("v1.0.0", "inactive"), ("v1.0.1", "inactive"), ("v1.0.0", "success"),
    ]  # fmt: skip


def test_a_stage_that_is_emptied_is_shown_so(hub: LocalHub, consumer: Project) -> None:
    merged(consumer, hub, "one")
    consumer.run("register")
    consumer.run("promote", "delay", "v1.0.0")
    consumer.run("unassign", "delay", "--stage", "production", "--reason", "the trial is over")
    assert flags(hub) == {"delay@v1.0.0": True}
    (deployment,) = hub.hub.deployments(hub.owner, hub.repo)
    assert deployment["status"]["state"] == "inactive"
    shown = consumer.run("show", "delay").outputs
    assert shown == {
        "version": "v1.0.0", "stage-staging": "v1.0.0", "stage-production": "",
        "stages": '{"staging":"v1.0.0","production":""}',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("leaves", "full", "active"), [("v1.0.0", "delay@v1.0.1", "v1.0.1"), ("", "delay@v1.0.0", "v1.0.0")]
)
def test_of_several_in_a_stage_one_leaves(
    hub: LocalHub, consumer: Project, leaves: str, full: str, active: str
) -> None:
    """What stays the newest is the full release and the active deployment."""
    rules = (consumer.root / "modelrail.yaml").read_text(encoding="utf-8")
    several = rules.replace("enter: manual, first", "versions: 2, enter: manual, first")
    (consumer.root / "modelrail.yaml").write_text(several, encoding="utf-8")
    for content, version in (("one", "v1.0.0"), ("two", "v1.0.1")):
        merged(consumer, hub, content)
        consumer.run("register", "--bump", "patch")
        consumer.run("promote", "delay", version)
    one = ["--version", leaves] if leaves else []
    consumer.run("unassign", "delay", "--stage", "production", *one, "--reason", "over")
    assert latest(hub) == full
    assert flags(hub) == {tag: tag != full for tag in ("delay@v1.0.0", "delay@v1.0.1")}
    states = {
        found["payload"]["version"]: found["status"]["state"]
        for found in hub.hub.deployments(hub.owner, hub.repo)
    }
    assert states == {version: "success" if version == active else "inactive" for version in states}
