"""Model bytes in a real DVC remote and a real MLflow store, and DVC's own reading of our registry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelrail.adapters import files
from support_git import LocalHub
from support_registry import CONFIG, Project, project

pytest.importorskip("dvc")
pytest.importorskip("mlflow")

DVC = str(Path(sys.executable).with_name("dvc"))


def dvc(root: Path, *arguments: str) -> str:
    done = subprocess.run([DVC, *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def with_store(name: str) -> str:
    return CONFIG.replace("    train: python train.py\n", f"    train: python train.py\n    store: {name}\n")


@pytest.fixture
def dvc_project(tmp_path: Path) -> Project:
    """A consumer whose DVC remote is a folder beside it, named relative to the repository."""
    found = project(tmp_path, with_store("dvc"))
    found.environ["MODELRAIL_CACHE"] = str(tmp_path / "cache")
    dvc(found.root, "init", "--quiet")
    dvc(found.root, "remote", "add", "--default", "storage", "../storage")
    found.commit("dvc")
    return found


def model_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_dvc_keeps_the_model_and_gives_it_back(dvc_project: Project, tmp_path: Path) -> None:
    dvc_project.release("the bytes of one")
    trailers = dvc_project.run("which", "delay", "--format", "tag").out.strip()
    told = dvc_project.git("for-each-ref", "--format=%(contents)", f"refs/tags/{trailers}")
    assert "Store: dvc" in told
    assert "Store-Location: md5:" in told
    stored = [path for path in (tmp_path / "storage").rglob("*") if path.is_file()]
    assert [path.read_text() for path in stored] == ["the bytes of one"]
    said = dvc_project.run("fetch", "delay@v1.0.0", "-o", "got", "--json")
    assert said.json["path"] == "got/model.skops"
    assert said.outputs["digest"] == files.digest_bytes(b"the bytes of one")
    assert (dvc_project.root / "got" / "model.skops").read_text() == "the bytes of one"
    assert model_files(dvc_project.root / "got") == ["model.skops"]


def test_bytes_that_changed_in_the_remote_are_refused(dvc_project: Project, tmp_path: Path) -> None:
    dvc_project.release("the bytes of one")
    (stored,) = [path for path in (tmp_path / "storage").rglob("*") if path.is_file()]
    assert dvc_project.run("verify", "--assets", "--json").json["ok"]  # without a GitHub
    stored.chmod(0o644)
    stored.write_text("other bytes, same place")
    (found,) = dvc_project.run("verify", "--assets", "--json", code=25).json["findings"]
    assert (found["kind"], found["subject"]) == ("asset", "delay@v1.0.0")
    refused = dvc_project.run("fetch", "delay", "-o", "got", code=8)
    assert "is not the file that delay@v1.0.0 registered" in refused.err
    assert model_files(dvc_project.root / "got") == []
    stored.unlink()
    missing = dvc_project.run("fetch", "delay", "-o", "got", code=7)
    assert "does not have the file of delay@v1.0.0" in missing.err


def test_a_store_that_cannot_be_reached_leaves_no_tag(dvc_project: Project, tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("a file where a folder should be")
    dvc_project.train("two")
    said = dvc_project.run("register", code=18)
    assert "The DVC remote could not be used." in said.err
    assert not [tag for tag in dvc_project.remote_tags() if tag.startswith("delay")]


def test_a_dry_run_stores_nothing(dvc_project: Project, tmp_path: Path) -> None:
    dvc_project.train("two")
    said = dvc_project.run("register", "--dry-run")
    assert "would store model.skops in dvc as md5:" in said.err
    assert not (tmp_path / "storage").exists()


def test_dvc_gives_the_model_to_who_has_no_clone(hub: LocalHub, tmp_path: Path) -> None:
    """Of a private repository, whose configuration DVC itself could not even read."""
    hub.hub.configure(hub.owner, hub.repo, private=True)
    found = project(tmp_path, with_store("dvc"), remote=hub.authorized_url())
    found.environ["MODELRAIL_CACHE"] = str(tmp_path / "cache")
    dvc(found.root, "init", "--quiet")
    dvc(found.root, "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    found.commit("dvc")
    found.release("the bytes of one")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    reader = Project(elsewhere, "", hub.environ(hub.bot_token(contents="read")))
    reader.environ["MODELRAIL_CACHE"] = str(tmp_path / "another")
    said = reader.run("fetch", "delay@v1.0.0", "-o", "got", "--remote", hub.git_url)
    assert said.outputs["digest"] == files.digest_bytes(b"the bytes of one")
    assert model_files(elsewhere / "got") == ["model.skops"]
    (stored,) = [path for path in (tmp_path / "storage").rglob("*") if path.is_file()]
    stored.chmod(0o644)
    stored.write_text("other bytes, same place")
    reader.environ["MODELRAIL_CACHE"] = str(tmp_path / "empty")
    refused = reader.run("fetch", "delay", "-o", "again", "--remote", hub.git_url, code=8)
    assert "is not the file that delay@v1.0.0 registered" in refused.err
    assert model_files(elsewhere / "again") == []


@pytest.mark.slow
def test_mlflow_keeps_the_model_under_its_run(tmp_path: Path) -> None:
    found = project(tmp_path, with_store("mlflow"))
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    found.environ |= {"MODELRAIL_CACHE": str(tmp_path / "cache"), "MLFLOW_TRACKING_URI": uri}
    run = new_run(uri, tmp_path / "artifacts")
    found.train("no run")
    give_run(found, None, uri)
    refused = found.run("register", code=8)
    assert "has no MLflow run" in refused.err
    found.train("the bytes of one")
    give_run(found, run, uri)
    found.run("register")
    assert [path.read_text() for path in (tmp_path / "artifacts").rglob("model.skops")] == [
        "the bytes of one"
    ]
    got = found.run("fetch", "delay@v1.0.0", "-o", "got", "--format", "{store} {path}").out
    assert got == "mlflow got/model.skops\n"
    assert (found.root / "got" / "model.skops").read_text() == "the bytes of one"
    nothing = {"MLFLOW_TRACKING_URI": "", "MODELRAIL_CACHE": str(tmp_path / "empty")}
    without = found.run("fetch", "delay", env=nothing, code=2)
    assert "MLFLOW_TRACKING_URI" in without.err


def new_run(uri: str, artifacts: Path) -> str:
    program = (
        "import sys; from mlflow.tracking import MlflowClient as C; c = C(tracking_uri=sys.argv[1]);"
        "e = c.create_experiment('delay', artifact_location=sys.argv[2]);"
        "r = c.create_run(e); c.set_terminated(r.info.run_id); print(r.info.run_id)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, uri, artifacts.as_uri()],
        capture_output=True, text=True, check=False, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def give_run(found: Project, run: str | None, uri: str) -> None:
    """The records as if the training had been tracked in this run, or not at all."""
    from modelrail import records

    folder = files.folder(found.root / "modelrail-out", "delay")
    evidence = files.read(records.Evidence, folder)
    tracking = records.TrackingRun(run_id=run, experiment="delay", uri=uri) if run else None
    candidate = msgspec.structs.replace(evidence.candidate, tracking=tracking)
    files.write(candidate, folder)
    files.write(msgspec.structs.replace(evidence, candidate=candidate), folder)


# --- DVC reads our registry ------------------------------------------------------------------------------


@pytest.mark.slow
def test_dvc_reads_the_registry_that_we_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a consumer needs: a dvc.yaml with `artifacts:`, and the model file tracked at the commit."""
    found = project(tmp_path)
    found.environ["MODELRAIL_CACHE"] = str(tmp_path / "cache")
    dvc(found.root, "init", "--quiet")
    dvc(found.root, "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    (found.root / "dvc.yaml").write_text("artifacts:\n  delay: {path: build/model.skops, type: model}\n")
    for content, version in (("one", "v1.0.0"), ("two", "v1.1.0")):
        (found.root / "build").mkdir(exist_ok=True)
        (found.root / "build" / "model.skops").write_text(content)
        dvc(found.root, "add", "--quiet", "build/model.skops")
        dvc(found.root, "push", "--quiet")
        found.train(content)
        found.run("register", "--bump", "minor", "--no-release")
        found.run("promote", "delay", version, "--evidence", found.evidence_file())
    found.run("rollback", "delay", "--reason", "errors at noon")
    commit = {
        version: found.git("rev-parse", f"delay@{version}^{{commit}}") for version in ("v1.0.0", "v1.1.0")
    }

    import dvc.api as api

    monkeypatch.chdir(tmp_path)
    for repo in (str(found.root), f"file://{found.remote}"):
        show: Any = api.artifacts_show
        assert show("delay", repo=repo) == {"path": "build/model.skops", "rev": commit["v1.1.0"]}
        assert show("delay", version="v1.0.0", repo=repo)["rev"] == commit["v1.0.0"]
        # Rolled back, within the same second as the promotion: the event number decides.
        assert show("delay", stage="production", repo=repo)["rev"] == commit["v1.0.0"]
        assert show("delay", stage="staging", repo=repo)["rev"] == commit["v1.1.0"]
    got = tmp_path / "got.skops"
    dvc(tmp_path, "artifacts", "get", found.remote, "delay", "--stage", "production", "-o", str(got))
    assert got.read_text() == "one"
    assert (
        files.digest_file(got)
        == found.run("which", "delay#production", "--format", "model_digest").out.strip()
    )
