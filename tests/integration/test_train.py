"""Training runs in the user's environment and leaves a record of everything the model is a function of."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import support_models as support
from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.running import training
from modelrail.cli import cli
from modelrail.errors import (
    ConfigError,
    DataError,
    GitError,
    ModelrailError,
    TrackingError,
    TrainingError,
    UnsafeModelError,
)

# As a training, without a package to import: what most of these tests look at is around the script.
PLAIN = """
import json, os, pathlib
print("::set-output name=x::y")
pathlib.Path("build/model.skops").write_text("a model")  # max_iter=1000
json.dump({"train_accuracy": 0.9}, open("m.json", "w"))
"""
SCRIPTS = str(Path(__file__).parents[2] / "scripts")


def train(root: Path, *arguments: str) -> Result:
    os.chdir(root)
    return CliRunner().invoke(cli, ["train", "--no-tracking", *arguments], prog_name="modelrail")


def failed(result: Result) -> ModelrailError:
    assert isinstance(result.exception, ModelrailError), result.exception
    return result.exception


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository whose copies the tests change."""
    return support.project(tmp_path_factory.mktemp("train") / "repo", script=PLAIN)


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repo"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))
    support.this_python(monkeypatch)
    return root


def rewrite(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def candidate(root: Path) -> records.Candidate:
    return files.read(records.Candidate, root / "modelrail-out/cells")


def test_the_candidate_and_its_fingerprint(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    (project / "train.py").write_text(support.TRAIN)  # a real model
    support.commit(project, "A real model")
    result = train(project, "--json")
    assert result.exception is None, result.output
    found = candidate(project)
    mark = found.fingerprint
    assert mark.commit == support.run(project, "git", "rev-parse", "HEAD")
    assert mark.code == support.run(project, "git", "rev-parse", "HEAD^{tree}")
    assert not mark.dirty
    assert mark.train is not None
    assert (mark.train.rows, mark.test.rows, mark.train.source) == (400, 169, "git")
    assert found.params == {"C": "1.0"}
    assert found.metrics["train_accuracy"] > 0.8
    model = project / "modelrail-out/cells/model/model.skops"
    assert (found.file.format, found.file.digest) == ("skops", files.digest_file(model))
    assert json.loads(result.stdout)["models"]["cells"]["model_digest"] == found.file.digest
    assert found.file.digest in (tmp_path / "out").read_text()


def test_changed_code_is_said(project: Path) -> None:
    rewrite(project, "train.py", "max_iter=1000", "max_iter=999")
    said = train(project)
    assert said.exception is None
    assert candidate(project).fingerprint.dirty
    assert "cells: trained from what no commit holds, so it cannot be registered: train.py\n" in said.stderr


def test_what_training_writes_is_no_changed_code(project: Path) -> None:
    """Also where somebody committed it: the second training is of the same code as the first."""
    assert train(project).exception is None
    support.run(project, "git", "add", "--force", "build/model.skops", "m.json")
    support.run(project, "git", "commit", "--quiet", "-m", "The model as well")
    for name in ("build/model.skops", "m.json"):
        (project / name).write_bytes(b"changed by the training before")
    said = train(project)
    assert said.exception is None
    assert not candidate(project).fingerprint.dirty
    assert "no commit holds" not in said.stderr


def test_a_dry_run_writes_nothing(project: Path) -> None:
    result = train(project, "--dry-run", "--json")
    assert result.exception is None
    assert json.loads(result.stdout)["models"]["cells"]["command"] == "python train.py"
    assert not (project / "modelrail-out").exists()


def test_no_token_reaches_the_script(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    script = f"\nimport os; json.dump(dict(os.environ), open({str(seen)!r}, 'w'))\n"
    (project / "train.py").write_text(PLAIN + script)
    for name in ("GITHUB_TOKEN", "MODELRAIL_TOKEN", "ACTIONS_RUNTIME_TOKEN", "GH_TOKEN", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(tmp_path / "s3cret"))
    assert train(project).exception is None
    environ = json.loads(seen.read_text())
    assert "s3cret" not in json.dumps(environ)
    assert environ["PATH"].startswith(str(Path(sys.executable).parent))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; print('out of cheese'); sys.exit(3)", "failed with exit code 3"),
        ("pass", "did not write build/model.skops"),
        ("open('build/model.skops','w').write('x')", "did not write m.json"),
        ("open('build/model.skops','w'); open('m.json','w').write('{}')", "empty model file"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by signal 9"),
    ],
)
def test_a_training_that_fails_leaves_the_earlier_model(project: Path, script: str, words: str) -> None:
    """A model of yesterday is neither taken for today's nor lost."""
    (project / "build").mkdir()
    (project / "build/model.skops").write_text("yesterday")
    (project / "m.json").write_text("{}")
    (project / "train.py").write_text(script)
    error = failed(train(project))
    assert isinstance(error, TrainingError)
    assert words in error.what
    if "empty" not in words:
        assert (project / "build/model.skops").read_text() == "yesterday"
    assert not files.exists(records.Candidate, project / "modelrail-out/cells")
    failure = files.read(records.Failure, project / "modelrail-out/cells")
    assert (failure.code, failure.command) == (11, "train")
    if "cheese" in script:
        assert "out of cheese" in failure.tail
    assert not list(project.rglob(".modelrail-earlier-*"))


def test_what_a_killed_training_set_aside_comes_back(project: Path) -> None:
    (project / "build").mkdir()
    (project / "build/model.skops").write_text("yesterday")
    run = ["-c", "import sys; from modelrail.__main__ import main; sys.exit(main(sys.argv[1:]))"]
    (project / "train.py").write_text(
        "import os, signal, time; open('build/model.skops', 'w').write('half')\n"
        "os.kill(os.getppid(), signal.SIGKILL); time.sleep(0.2)"
    )
    done = subprocess.run(
        [sys.executable, *run, "train", "--no-tracking"],
        cwd=project, env={**os.environ, "PYTHONPATH": SCRIPTS}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(project.rglob(".modelrail-earlier-*"))
    (project / "train.py").write_text("import sys; sys.exit(3)")
    result = train(project)
    assert "is again what it was before" in result.stderr
    assert "failed with exit code 3" in failed(result).what
    assert (project / "build/model.skops").read_text() == "yesterday"
    assert not list(project.rglob(".modelrail-earlier-*"))


def test_what_a_running_training_set_aside_stays(tmp_path: Path) -> None:
    aside = tmp_path / f".modelrail-earlier-{os.getppid()}-x"
    aside.mkdir()
    (aside / "m").write_text("of the other")
    with training.set_aside([tmp_path / "m"]):
        (tmp_path / "m").write_text("mine")
    assert (aside / "m").read_text() == "of the other"


def test_a_training_that_hangs_is_ended(project: Path) -> None:
    (project / "train.py").write_text("import time; time.sleep(60)")
    rewrite(project, "modelrail.yaml", "    train: python", "    timeout: {train: 1s}\n    train: python")
    assert "did not finish within 1 s" in failed(train(project)).what


@pytest.mark.fault(16)
def test_a_metric_that_is_nan_names_itself(project: Path) -> None:
    (project / "train.py").write_text(PLAIN + "\nopen('m.json','w').write('{\"auc\": NaN}')\n")
    error = failed(train(project))
    assert "'auc' in m.json is nan" in error.what
    assert not files.exists(records.Candidate, project / "modelrail-out/cells")


@pytest.mark.fault(25)
def test_a_pickle_is_refused_before_the_training(project: Path) -> None:
    rewrite(project, "modelrail.yaml", "model.skops", "model.pkl")
    (project / "train.py").write_text("open('ran','w')")
    error = failed(train(project))
    assert isinstance(error, UnsafeModelError)
    assert error.path == "models.cells.model"
    assert not (project / "ran").exists()


def test_a_format_that_nobody_reads(project: Path) -> None:
    rewrite(project, "modelrail.yaml", "model.skops", "model.bin")
    error = failed(train(project))
    assert isinstance(error, ConfigError)
    assert "predict:" in error.next


def test_the_models_own_folder_is_never_moved(project: Path) -> None:
    support_error = failed_training(project, support.model(model="."))
    assert isinstance(support_error, ConfigError)
    assert (project / "train.py").exists()


def failed_training(root: Path, model: Any) -> ModelrailError:
    from modelrail.adapters.running import training
    from modelrail.adapters.running.environments import Environment

    with pytest.raises(ModelrailError) as caught:
        training.run(model, root, Environment(Path(sys.executable), "x"), support.surroundings(root), {})
    return caught.value


def test_data_that_is_not_there(project: Path) -> None:
    (project / "data/train.parquet").unlink()
    error = failed(train(project))
    assert isinstance(error, DataError)
    assert "data/train.parquet" in error.what


def test_outside_a_repository(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "repo"
    shutil.copytree(made, root, ignore=shutil.ignore_patterns(".git"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    support.this_python(monkeypatch)
    monkeypatch.chdir(root)
    assert isinstance(failed(train(root)), GitError)


def test_the_other_models_are_trained_after_one_failed(project: Path) -> None:
    text = (project / "modelrail.yaml").read_text()
    model = text.split("models:\n")[1]
    bad = model.replace("cells:", "bad:").replace("python train.py", "python nowhere.py")
    (project / "modelrail.yaml").write_text(f"version: 1\nmodels:\n{bad}{model}")
    error = failed(train(project))
    assert "bad" in error.what
    assert candidate(project).model == "cells"
    assert files.exists(records.Failure, project / "modelrail-out/bad")


def test_a_folder_becomes_the_same_archive_every_time(tmp_path: Path) -> None:
    from modelrail.adapters.running import model_files

    digests = set()
    for number in (1, 2):
        folder = tmp_path / str(number) / "m"
        (folder / "sub").mkdir(parents=True)
        (folder / "MLmodel").write_text("flavors: {}\n")
        (folder / "sub" / "b").write_bytes(b"2")
        os.utime(folder / "MLmodel", (number, number))
        file = model_files.copy(support.model(model="m"), folder, tmp_path / f"out{number}")
        digests.add(file.digest)
        assert (file.name, file.format) == ("m.tar", "mlflow")
    assert len(digests) == 1
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(TrainingError, match="link"):
        model_files.copy(support.model(model="m"), folder, tmp_path / "out3")


# --- MLflow ----------------------------------------------------------------------------------------------


def test_a_run_in_the_embedded_store_that_the_script_joins(project: Path) -> None:
    pytest.importorskip("mlflow")
    joined = "\nimport mlflow\nwith mlflow.start_run():\n    mlflow.log_metric('inner', 0.25)\n"
    (project / "train.py").write_text(PLAIN + joined)
    os.chdir(project)
    result = CliRunner().invoke(cli, ["train", "--tracking"], prog_name="modelrail")
    assert result.exception is None, result.exception
    found = candidate(project)
    assert found.tracking is not None
    assert found.tracking.uri == "sqlite:///modelrail-out/mlflow.db"
    run = read_run(project / "modelrail-out/mlflow.db", found.tracking.run_id)
    assert run["params"] == {"C": "1.0"}
    assert run["metrics"]["inner"] == 0.25
    assert run["metrics"]["train_accuracy"] == found.metrics["train_accuracy"]
    assert run["tags"]["mlflow.source.git.commit"] == found.fingerprint.commit
    assert run["tags"]["modelrail.model_digest"] == found.file.digest
    assert run["status"] == "FINISHED"


def read_run(store: Path, run_id: str) -> dict[str, Any]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(store)) as base:
        found: dict[str, Any] = {
            name: dict(base.execute(f"select key, value from {table} where run_uuid = ?", (run_id,)))
            for name, table in (("params", "params"), ("metrics", "latest_metrics"), ("tags", "tags"))
        }
        found["status"] = base.execute("select status from runs where run_uuid = ?", (run_id,)).fetchone()[0]
    return found


def test_a_tracker_that_was_asked_for_and_fails(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@127.0.0.1:9/")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.chdir(project)
    error = failed(CliRunner().invoke(cli, ["train"], prog_name="modelrail"))
    assert isinstance(error, TrackingError)
    assert "s3cret" not in str(error)
    assert not files.exists(records.Candidate, project / "modelrail-out/cells")


def test_credentials_are_not_written_down() -> None:
    from modelrail.adapters.running.tracking import public_uri

    assert public_uri("https://me:pw@ml.example:8/x?token=1") == "https://ml.example:8/x"
    assert public_uri("postgresql://u:p@db/mlflow") == "postgresql://db/mlflow"
    assert public_uri("sqlite:///a/b.db") == "sqlite:///a/b.db"
    assert public_uri("databricks") == "databricks"
