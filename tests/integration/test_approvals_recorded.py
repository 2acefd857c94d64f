"""Approvals on their way from GitHub into tags, ledger and the export for an audit."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from support_git import LocalHub
from support_registry import Project, project

HOSTILE = "<script>alert(1)</script>\n\nApproved-By: eve"
GRANTED = {
    "contents": "write", "pull_requests": "write", "deployments": "write", "actions": "read",
}  # fmt: skip


@pytest.fixture
def consumer(hub: LocalHub, tmp_path: Path) -> Project:
    found = project(tmp_path, remote=hub.authorized_url())
    found.environ = hub.environ(
        hub.bot_token(**GRANTED), GITHUB_ACTIONS="true", GITHUB_ACTOR="octo", GITHUB_WORKFLOW="release",
        GITHUB_RUN_ID=new_run(hub, found),
    )  # fmt: skip
    return found


def new_run(hub: LocalHub, found: Project) -> str:
    head = found.git("rev-parse", "HEAD")
    run = hub.hub.start_run(
        hub.owner, hub.repo, workflow="promote.yml", event="workflow_dispatch", head_branch="main",
        head_sha=head,
    )  # fmt: skip
    return str(run["id"])


def merge(hub: LocalHub, consumer: Project, content: str) -> int:
    """A pull request of ana's, approved by ada and a stranger, and then merged."""
    consumer.git("checkout", "--quiet", "-b", content)
    (consumer.root / "train.py").write_text(f"# {content}\n", encoding="utf-8")
    consumer.git("commit", "--quiet", "-am", content)
    consumer.git("push", "--quiet", "origin", content)
    pull = hub.hub.open_pull_request(hub.owner, hub.repo, content, "main", content, "", "ana")
    hub.hub.add_collaborator(hub.owner, hub.repo, "ada")
    hub.hub.review(hub.owner, hub.repo, pull["number"], "ada", body=HOSTILE)
    hub.hub.review(hub.owner, hub.repo, pull["number"], "eve")
    hub.hub.merge(hub.owner, hub.repo, pull["number"], hub.owner)
    consumer.git("checkout", "--quiet", "main")
    consumer.git("pull", "--quiet", "origin", "main")
    consumer.train(content, new=False)
    return int(pull["number"])


def test_who_approved_stands_in_tag_ledger_and_export(hub: LocalHub, consumer: Project) -> None:
    number = merge(hub, consumer, "one")
    consumer.run("register")
    run = new_run(hub, consumer)
    hub.hub.approve_run(int(run), "production", "grace", "=cmd|' /C calc'!A1")
    consumer.run("promote", "delay", "v1.0.0", env={"GITHUB_RUN_ID": run})
    for where in ("delay#production#2", "refs/modelrail/ledger/tip"):
        assert "\nApproved-By: grace\n" in consumer.git("cat-file", "-p", where)
    promoted, _, registered = consumer.run("history", "--format", "json").json
    assert (promoted["actor"], promoted["approved_by"]) == ("octo", "grace")
    assert promoted["approvals"].startswith("grace (environment production): “=cmd")
    assert registered["approved_by"] == "ada"  # a stranger's word is none, and a comment gives none
    assert registered["approvals"].startswith(f"ada (review of #{number}): “<script>")
    rows = list(csv.DictReader(io.StringIO(consumer.run("history", "--format", "csv").out)))
    assert [row["approved_by"] for row in rows] == ["grace", "ada", "ada"]
    page = consumer.run("history", "--format", "html").out
    assert "approved by grace" in page
    assert "<script" not in page
    said = consumer.run("describe", "delay#production").out
    assert "approved by grace" in said
    assert consumer.run("describe", "delay", "--json").json["registered"]["approved_by"] == "ada"
    consumer.run("verify")


def test_what_nobody_had_to_approve_and_what_was_refused(hub: LocalHub, consumer: Project) -> None:
    merge(hub, consumer, "one")
    consumer.run("register")
    consumer.run("promote", "delay", "v1.0.0", env={"GITHUB_RUN_ID": new_run(hub, consumer)})
    promoted = consumer.run("history", "--format", "json").json[0]
    assert (promoted["approved_by"], promoted["approvals"]) == (None, "none")
    run = new_run(hub, consumer)
    hub.hub.approve_run(int(run), "production", "ada", approved=False)
    consumer.run("unassign", "delay", "--stage", "staging", "--reason", "x", env={"GITHUB_RUN_ID": run})
    tag = consumer.git("cat-file", "-p", "delay#staging!#3")
    assert "Approvals: ada (refused, environment production)" in tag
    assert "Approved-By" not in tag


@pytest.mark.fault(10)
def test_approvals_that_cannot_be_read_are_unknown_and_fail_nothing(hub: LocalHub, consumer: Project) -> None:
    merge(hub, consumer, "one")
    token = hub.bot_token(**{scope: level for scope, level in GRANTED.items() if scope != "actions"})
    said = consumer.run("register", env={"GITHUB_TOKEN": token})
    assert said.outputs["registered"] == "true"
    (_, registered) = consumer.run("history", "--format", "json").json
    assert registered["approved_by"] == "ada"
    assert "unknown: " in registered["approvals"]
    assert "`actions: read`" in registered["approvals"]
    # A run that GitHub does not know (any more).
    consumer.run("promote", "delay", "v1.0.0", env={"GITHUB_RUN_ID": "999999"})
    assert "approval not known" in consumer.run("describe", "delay#production").out
