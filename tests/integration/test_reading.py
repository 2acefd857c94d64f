"""Reading the registry: describe, diff, one field, selectors, another repository without a clone."""

from __future__ import annotations

from pathlib import Path

import pytest

from support_git import run_git
from support_registry import Project, project


@pytest.fixture
def flights(tmp_path: Path) -> Project:
    """v1.0.0 in production, then v1.1.0 in production, then rolled back."""
    found = project(tmp_path)
    found.environ["MODELRAIL_CACHE"] = str(tmp_path / "cache")
    for content, version in (("one", "v1.0.0"), ("two", "v1.1.0")):
        found.train(content)
        found.run("register", "--bump", "minor", "--no-release")
        found.run(
            "promote", "delay", version, "--reason", f"ship {content}",
            "--evidence", found.evidence_file(),
        )  # fmt: skip
    found.run("rollback", "delay", "--reason", "errors at noon")
    return found


def test_describe_tells_a_reviewer_everything(flights: Project) -> None:
    said = flights.run("describe", "delay@v1.1.0").out
    for part in ("delay v1.1.0", "left by a rollback", "errors at noon", "ship two", "model digest",
                 "ROC AUC", "Gates: pass", "code (git tree)", "environment", "registered"):  # fmt: skip
        assert part in said, part
    document = flights.run("describe", "delay#production", "--json").json
    assert document["version"] == "v1.0.0"
    assert document["stages"]["production"]["reason"] == "errors at noon"
    assert document["metrics"][0]["interval"]["confidence"] == 0.95
    assert document["fingerprint"]["commit"] == document["commit"]
    assert document["events"][0]["event"] == "register"


def test_describe_without_evidence_says_so(flights: Project) -> None:
    for ref in ("refs/modelrail/ledger/tip", "refs/remotes/origin/modelrail/ledger"):
        flights.git("update-ref", "-d", ref)
    said = flights.run("describe", "delay@v1.1.0")
    assert "Its evidence is not at hand" in said.out
    assert "model digest" in said.out
    assert "Gates: pass" in flights.run("describe", "delay@v1.1.0", "--fetch").out


def test_an_ordinary_clone_has_the_evidence(flights: Project, tmp_path: Path) -> None:
    clone = flights.clone(tmp_path / "clone")
    assert "Gates: pass" in clone.run("describe", "delay@v1.1.0").out


def test_a_cached_evidence_with_other_bytes_is_not_used(flights: Project, tmp_path: Path) -> None:
    digest = flights.run("which", "delay@v1.1.0", "--format", "evidence_digest").out.strip()
    place = tmp_path / "cache" / "evidence" / f"{digest.removeprefix('sha256:')}.json"
    place.parent.mkdir(parents=True)
    place.write_text("{}")
    assert "Gates: pass" in flights.run("describe", "delay@v1.1.0").out


def test_diff_names_what_changed(flights: Project) -> None:
    document = flights.run("diff", "delay@v1.0.0", "@v1.1.0", "--json").json
    assert document["from"]["version"] == "v1.0.0"
    assert document["to"]["version"] == "v1.1.0"
    assert {row["metric"] for row in document["metrics"]}
    assert document["files"] == ["M train.py"]
    commit = next(row for row in document["code"] if row["what"] == "commit")
    assert commit["same"] is False
    said = flights.run("diff", "delay#production", "delay@v1.1.0").out
    assert "v1.0.0 (delay#production) → v1.1.0" in said
    assert "M train.py" in said
    assert "Environment: the same" in said


def test_one_field(flights: Project) -> None:
    assert flights.run("show", "delay", "--format", "stages.production.version").out == "v1.0.0\n"
    assert flights.run("show", "delay", "--format", "stages.canary.version").out == "\n"
    assert flights.run("show", "--format", r"{model}\t{latest}").out == "delay\tv1.1.0\n"
    assert flights.run("which", "delay#production", "--format", "tag").out == "delay@v1.0.0\n"
    lines = flights.run("history", "delay#production", "--format", "{sequence} {trailers.Reason}").out
    assert lines.splitlines()[0].endswith("errors at noon")
    refused = flights.run("which", "delay", "--format", "nonsense", code=2)
    assert "Fields: model, version" in refused.err


def test_history_of_a_version_and_of_a_stage(flights: Project) -> None:
    of_version = flights.run("history", "delay@v1.1.0", "--json").json
    assert {event["event"] for event in of_version} == {"register", "assign"}
    assert of_version[0]["trailers"]["Rollback-From"] == "v1.1.0"
    assert {event["stage"] for event in flights.run("history", "delay#production", "--json").json} == {
        "production"
    }
    assert flights.run("history", "nothing", code=7)


def test_another_repository_is_read_without_a_clone(flights: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    reader = Project(elsewhere, "", {"MODELRAIL_CACHE": str(tmp_path / "cache")})
    address = f"file://{flights.remote}"
    assert reader.run("which", "delay#production", "--remote", address).out == "v1.0.0\n"
    assert reader.run("show", "--remote", address, "--json").json["delay"]["latest"] == "v1.1.0"
    assert "errors at noon" in reader.run("history", "delay", "--remote", address).out
    assert "Gates: pass" in reader.run("describe", "delay@v1.1.0", "--remote", address).out
    assert list(elsewhere.iterdir()) == []
    assert reader.run("show", "--remote", "--upload-pack=true", code=2)


def test_a_remote_gives_tags_and_no_files(flights: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelrail.commands import _reading

    monkeypatch.chdir(flights.root)
    run_git(Path(flights.remote), "config", "uploadpack.allowFilter", "true")
    with _reading.place(f"file://{flights.remote}") as place:
        place.states("delay", None, ["delay"])
        listed = place.git.text(
            "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)", "--unordered"
        )
        kinds = listed.split()
    assert "tree" not in kinds
    assert "blob" not in kinds
    assert kinds.count("commit") == 2  # the tagged ones, not the history before them


def test_the_audit_export(flights: Project) -> None:
    rows = flights.run("history", "--format", "json").json
    assert [row["action"] for row in rows][:2] == ["rollback", "promote"]
    assert rows[0]["reason"] == "errors at noon"
    assert rows[0]["actor"] == "Test"
    assert rows[0]["approved_by"] is rows[0]["approvals"] is None  # a laptop asks nobody
    assert rows[0]["time"].endswith("Z")
    lines = flights.run("history", "--format", "csv").out.splitlines()
    assert lines[0].startswith("time,model,action,version,stage,")
    assert len(lines) == len(rows) + 1
    page = flights.run("history", "--format", "html").out
    assert page.startswith("<!doctype html>")
    assert "errors at noon" in page
    assert flights.git("rev-parse", "refs/modelrail/ledger/tip") in page


def test_a_model_of_which_nothing_is_registered_yet(tmp_path: Path) -> None:
    """A workflow asks before the first release: empty, and no failure."""
    found = project(tmp_path)
    assert found.run("show", "delay").outputs == {
        "version": "", "stage-staging": "", "stage-production": "",
        "stages": '{"staging":"","production":""}',
    }  # fmt: skip
    found.run("show", "other", code=7)
