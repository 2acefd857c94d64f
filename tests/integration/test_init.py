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

from modelrail.__main__ import main
from modelrail.config import check as config_check

ROOT = Path(__file__).parents[2]
CALLERS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "workflows").glob("[!s]*.yml")}


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
    assert "wrote modelrail.yaml  " in printed.out
    assert "Next:" in printed.err


def test_what_training_reports_and_the_parameters_are_found(consumer: Path) -> None:
    (consumer / "train.py").write_text(
        "dump(model, 'build/model.skops')\njson.dump(found, open('out/train-metrics.json', 'w'))\n"
        "open(folder / 'other-metrics.json')\nopen('/srv/metrics.json')\n",
        "utf-8",
    )
    (consumer / "params.json").write_text("{}", encoding="utf-8")
    (consumer / "data" / "test.csv").write_text("row_id,x,target\n1,2,ham\n2,2,spam\n", encoding="utf-8")
    assert main(["init", "--test", "data/test.csv", "--no-workflows"]) == 0
    model = config_check.load(consumer / "modelrail.yaml").models[0]
    assert (model.task, model.positive, model.params) == ("binary", "spam", "params.json")
    assert model.metrics_file == "out/train-metrics.json"
    assert main(["init", "--test", "data/test.csv", "--no-workflows", "--positive", "ham", "--force"]) == 0
    assert config_check.load(consumer / "modelrail.yaml").models[0].positive == "ham"


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
    assert main(["init", "--task", "binary", "--name", "x"]) == 3  # it cannot be added to either
    assert files(consumer) == before
    assert "modelrail.yaml" in capsys.readouterr().err
    assert main(["init", "--task", "binary", "--force"]) == 0
    assert config_check.load(consumer / "modelrail.yaml").models


SECOND = ["init", "--name", "fraud", "--task", "regression"]
COMMENTED = """\
# Ours.
version: 1
models:
    churn:   # the first
        task: binary
        data: {train: data/train.csv, test: data/test.parquet, target: target, key: row_id}
        train: python train.py
        model: build/model.skops
        metrics: [roc_auc]
        gates:
            - {metric: roc_auc, min: 0.5}
        # of churn
# of what follows
signing:
    format: ssh  # last
"""


def test_a_second_model_is_added_as_the_file_is_written(consumer: Path) -> None:
    place = consumer / "modelrail.yaml"
    place.write_bytes(COMMENTED.replace("\n", "\r\n").encode())
    assert main(SECOND) == 0
    text = place.read_bytes().decode()
    head, tail = text.split("        # of churn\r\n")
    assert text.replace("\r\n", "").count("\n") == 0
    added, _, rest = tail.partition("# of what follows")
    assert head + "        # of churn\r\n# of what follows" + rest == COMMENTED.replace("\n", "\r\n")
    assert added.startswith("    fraud:\r\n        task: regression\r\n")
    loaded = config_check.load(place)
    assert [model.name for model in loaded.models] == ["churn", "fraud"]
    assert loaded.signing is not None
    assert (consumer / ".github/workflows/release.yml").is_file()
    edited = consumer / ".github/workflows/release.yml"
    edited.write_text(edited.read_text() + "# mine\n")
    assert main(["init", "--name", "third", "--task", "binary"]) == 0
    assert edited.read_text().endswith("# mine\n")
    assert [model.name for model in config_check.load(place).models] == ["churn", "fraud", "third"]


@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end\n"])
def test_the_models_stand_last(consumer: Path, end: str) -> None:
    place = consumer / "modelrail.yaml"
    place.write_text(COMMENTED.partition("        # of churn")[0].rstrip() + end)
    assert main(SECOND) == 0
    text = place.read_text()
    assert text.startswith(COMMENTED.partition("        # of churn")[0].rstrip() + "\n    fraud:\n")
    assert text.endswith("# the end\n") == ("end" in end)


def test_a_model_that_cannot_be_added_is_shown(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (consumer / "modelrail.yaml").write_text(
        "version: 1\nmodels: {churn: {task: binary, data: {test: t.csv, target: y, key: id}, train: x,"
        " model: m.onnx, metrics: [roc_auc], gates: [{metric: roc_auc, min: 0.5}]}}\n"
    )
    before = files(consumer)
    assert main(SECOND) == 5
    assert files(consumer) == before
    said = capsys.readouterr().err
    assert "nothing was changed" in said
    assert "    fraud:" in said
    assert "      task: regression" in said


def test_a_second_run_adds_no_model_unasked(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--task", "binary", "--name", "churn"]) == 0
    before = files(consumer)
    assert main(["init", "--task", "binary"]) == 5
    assert "it has churn" in capsys.readouterr().err
    assert main(["init", "--task", "binary", "--name", "churn"]) == 5
    assert "has a model churn already" in capsys.readouterr().err
    assert files(consumer) == before


def test_workflows_only(consumer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (consumer / "modelrail.yaml").write_text(COMMENTED)
    assert main(["init", "--workflows-only", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["files"]) == {*(f".github/workflows/{name}" for name in CALLERS), ".gitignore"}
    assert all(found["purposes"].values())
    assert (consumer / "modelrail.yaml").read_text() == COMMENTED
    assert main(["init", "--workflows-only", "--name", "x"]) == 2


def test_a_workflow_that_calls_modelrail_already_is_kept(
    consumer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = consumer / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ml.yml").write_text(CALLERS["pull-request.yml"], encoding="utf-8")
    assert main(["init", "--task", "binary"]) == 0
    assert not (folder / "pull-request.yml").exists()
    assert (folder / "release.yml").exists()
    assert "ml.yml does already what pull-request.yml is for" in capsys.readouterr().err


def test_dvc_mlflow_scikit_learn_and_gto_are_read(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    git: Callable[..., str],
) -> None:
    monkeypatch.chdir(repository)
    (repository / "src").mkdir()
    (repository / "src/fit.py").write_text(
        "import mlflow\nfrom sklearn.ensemble import RandomForestRegressor\n"
        "model = RandomForestRegressor().fit(x, y)\nmlflow.sklearn.log_model(model, 'model')\n"
    )
    (repository / ".dvc").mkdir()
    (repository / "dvc.yaml").write_text(
        "stages:\n  split: {cmd: python split.py, outs: [data/train.csv, {data/test.csv: {cache: true}}]}\n"
        "  train: {cmd: python src/fit.py --deep, outs: [models/price.onnx]}\n"
    )
    git(repository, "tag", "price@v0.1.0")
    git(repository, "tag", "price@v0.2.0")
    assert main(["init", "--target", "price", "--key", "id"]) == 0
    said = capsys.readouterr().err
    model = config_check.load(repository / "modelrail.yaml").models[0]
    assert (model.name, model.task, model.train) == ("price", "regression", "python src/fit.py --deep")
    assert (model.model, model.data.train, model.data.test) == (
        "models/price.onnx", "data/train.csv", "data/test.csv",
    )  # fmt: skip
    for words in (
        "DVC_READ_ONLY",
        "mlflow-tracking-uri",
        "2 versions of price",
        "logs its model to MLflow only",
    ):
        assert words in said


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
    words = "Missing: --test, --target, --key, --task, --train-command, --model-file."
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
    (inner / "test.csv").write_text("id,label\n1,0\n2,1\n", encoding="utf-8")
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
    answers = iter(["churn", "data/test.parquet", "", "kind", "id", "multiclass", "make train", "m.onnx", ""])
    asked: list[str] = []

    def prompt(question: str, **options: object) -> object:
        asked.append(question)
        return next(answers) or options["default"]

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main(["init"]) == 0
    model = config_check.load(consumer / "modelrail.yaml").models[0]
    assert len(asked) == 9
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
