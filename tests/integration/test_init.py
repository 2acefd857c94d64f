"""`modelrail init` in real repositories, and from a built wheel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from modelrail import config_check
from modelrail.__main__ import main

ROOT = Path(__file__).parents[2]
CALLERS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "workflows").glob("*.yml")}


@pytest.fixture
def consumer(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with what `init` can read off; it is the working directory."""
    (repository / "data").mkdir()
    (repository / "data" / "train.csv").write_text("row_id,x,target\n1,2,0\n", encoding="utf-8")
    (repository / "data" / "test.parquet.dvc").write_text("outs: []\n", encoding="utf-8")
    (repository / "train.py").write_text("dump(model, 'build/model.skops')\n", encoding="utf-8")
    (repository / "requirements.txt").write_text("scikit-learn\n", encoding="utf-8")
    monkeypatch.chdir(repository)
    return repository


def files(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def test_a_repository_gets_its_files(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--task", "binary", "--name", "churn"]) == 0
    model = config_check.load(consumer / "modelrail.yaml").models[0]
    assert (model.name, model.task, model.env) == ("churn", "binary", "requirements.txt")
    assert (model.data.train, model.data.test) == ("data/train.csv", "data/test.parquet")
    assert (model.data.target, model.data.key) == ("target", "row_id")
    assert (model.train, model.model) == ("python train.py", "build/model.skops")
    for name, text in CALLERS.items():
        assert (consumer / ".github" / "workflows" / name).read_text(encoding="utf-8") == text
    assert (consumer / ".gitignore").read_text(encoding="utf-8") == "modelrail-out/\n"
    printed = capsys.readouterr()
    assert "wrote modelrail.yaml\n" in printed.out
    assert "Next:" in printed.err


def test_a_dry_run_writes_nothing(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(consumer)
    assert main(["init", "--task", "binary", "--dry-run"]) == 0
    assert files(consumer) == before
    assert "would write .github/workflows/release.yml" in capsys.readouterr().out


def test_json_names_the_files(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--task", "binary", "--no-workflows", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["modelrail.yaml", ".gitignore"]


def test_nothing_is_replaced_silently(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (consumer / "modelrail.yaml").write_text("mine\n", encoding="utf-8")
    before = files(consumer)
    assert main(["init", "--task", "binary"]) == 5
    assert files(consumer) == before
    assert "exists already" in capsys.readouterr().err
    assert main(["init", "--task", "binary", "--force"]) == 0
    assert config_check.load(consumer / "modelrail.yaml").models


def test_a_workflow_of_the_same_name_is_left_alone(consumer: Path) -> None:
    folder = consumer / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "release.yml").write_text("on: push\n", encoding="utf-8")
    assert main(["init", "--task", "binary"]) == 0
    assert (folder / "release.yml").read_text(encoding="utf-8") == "on: push\n"
    assert (folder / "model-release.yml").read_text(encoding="utf-8") == CALLERS["release.yml"]


def test_a_changed_caller_is_a_conflict(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = consumer / ".github" / "workflows"
    folder.mkdir(parents=True)
    edited = CALLERS["release.yml"] + "# mine\n"
    (folder / "release.yml").write_text(edited, encoding="utf-8")
    before = files(consumer)
    assert main(["init", "--task", "binary"]) == 5
    assert files(consumer) == before
    assert ".github/workflows/release.yml" in capsys.readouterr().err


def test_run_again_with_force_changes_nothing_more(consumer: Path) -> None:
    assert main(["init", "--task", "binary"]) == 0
    before = files(consumer)
    assert main(["init", "--task", "binary", "--force"]) == 0
    assert files(consumer) == before


def test_what_is_missing_is_named_at_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    assert main(["init"]) == 2
    words = "Missing: --task, --test, --target, --key, --train-command, --model-file."
    assert words in capsys.readouterr().err
    assert list(files(repository)) == ["README.md"]


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "option", [["--name", "a$(touch canary)"], ["--test", "../x.csv"], ["--train-command", "echo 'x"]]
)
def test_an_answer_that_the_configuration_refuses_writes_nothing(
    consumer: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    before = files(consumer)
    assert main(["init", "--task", "binary", *option]) == 3
    assert files(consumer) == before
    assert "modelrail.yaml has" in capsys.readouterr().err


def test_a_subfolder_is_sent_to_the_root(
    consumer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(consumer / "data")
    assert main(["init", "--task", "binary"]) == 2
    assert "--path data" in capsys.readouterr().err


def test_a_model_in_a_subfolder(consumer: Path) -> None:
    inner = consumer / "services" / "fraud"
    inner.mkdir(parents=True)
    (inner / "train.py").write_text("save('m.onnx'); save(\"log.txt\")\n", encoding="utf-8")
    (inner / "test.csv").write_text("id,label\n", encoding="utf-8")
    assert main(["init", "--task", "binary", "--path", "services/fraud"]) == 0
    model = config_check.load(consumer / "modelrail.yaml").models[0]
    assert (model.name, model.path, model.data.test, model.model) == (
        "fraud",
        "services/fraud",
        "test.csv",
        "m.onnx",
    )


def test_pushes_to_the_default_branch_release(consumer: Path, git: Callable[..., str]) -> None:
    git(consumer, "branch", "-m", "trunk")
    assert main(["init", "--task", "binary"]) == 0
    text = (consumer / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert "branches: [trunk]" in text


def test_a_terminal_is_asked(consumer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["churn", "multiclass", "data/test.parquet", "", "kind", "id", "make train", "m.onnx"])
    asked: list[str] = []

    def prompt(question: str, **options: object) -> object:
        asked.append(question)
        return next(answers) or options["default"]

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main(["init"]) == 0
    model = config_check.load(consumer / "modelrail.yaml").models[0]
    assert len(asked) == 8
    assert (model.name, model.task, model.data.target) == ("churn", "multiclass", "kind")
    assert (model.data.train, model.train) == ("data/train.csv", "make train")


def test_a_wheel_carries_the_callers(tmp_path: Path, consumer: Path) -> None:
    """Built from a copy, installed by unpacking, run with this checkout out of reach."""
    pytest.importorskip("setuptools")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "workflows", source / "workflows")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "scripts" / "modelrail", source / "scripts" / "modelrail", ignore=ignored)
    build = "import sys; from setuptools import build_meta as b; b.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        names = set(archive.namelist())
    shutil.rmtree(source)
    shipped = {
        path.relative_to(ROOT / "scripts").as_posix()
        for path in (ROOT / "scripts" / "modelrail").rglob("*.py")
    }
    assert {name for name in shipped if "__pycache__" not in name} <= names
    run = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from modelrail.__main__ import main; sys.exit(main(sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", run, str(tmp_path / "installed"), "init", "--task", "binary"],
        cwd=consumer, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, text in CALLERS.items():
        assert (consumer / ".github" / "workflows" / name).read_text(encoding="utf-8") == text
