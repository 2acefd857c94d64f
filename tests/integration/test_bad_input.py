"""What a first user gets wrong: a clear error, an exit code, an annotation, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import support_project as support
from modelrail.__main__ import main


@pytest.fixture
def project(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: Callable[..., str]
) -> Path:
    support.fill(repository)
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git(repository, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(repository, "push", "--quiet", "origin", "main")
    monkeypatch.chdir(repository)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))
    return repository


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))


def no_config(root: Path) -> None:
    (root / "modelrail.yaml").unlink()


def unknown_key(root: Path) -> None:
    edit(root, "modelrail.yaml", "params:", "parms:")


def no_yaml(root: Path) -> None:
    (root / "modelrail.yaml").write_text("\tversion: 1\n")


def training_fails(root: Path) -> None:
    (root / "train.py").write_text("raise SystemExit('out of cheese')")


def a_package_is_missing(root: Path) -> None:
    (root / "train.py").write_text("raise SystemExit(\"ModuleNotFoundError: No module named 'x'\")")


def training_writes_nothing(root: Path) -> None:
    (root / "train.py").write_text("")


def no_data(root: Path) -> None:
    (root / "test.csv").unlink()


def nothing(root: Path) -> None:
    """`train` runs first; the verb under test finds what the case took away."""


def no_model_file(root: Path) -> None:
    (root / "modelrail-out/delay/model/model.json").unlink()


def prediction_nan(root: Path) -> None:
    edit(root, "predict.py", 'int(float(row["x"]) > threshold)', '"nan"')


def no_candidate(root: Path) -> None:
    (root / "modelrail-out/delay/candidate.json").unlink()


def test_a_command_line_that_cannot_be_meant_is_annotated_too(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """An action with an empty required input: GitHub lets it through."""
    assert main(["promote", "delay"]) == 2
    said = capfd.readouterr().out
    assert said == "::error title=modelrail%3A usage::Missing argument 'VERSION'.\n"
    assert main(["evaluate", "--against", "nowhere"]) == 7
    assert "at models.delay.stages (modelrail.yaml)\n" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "verb", "code", "kind", "words"),
    [
        (no_config, "train", 3, "config", "Run `modelrail init`"),
        (unknown_key, "train", 3, "config", 'Did you mean "params"?'),
        (no_yaml, "train", 3, "config", "::this is not YAML"),
        (training_fails, "train", 11, "training", "out of cheese"),
        (a_package_is_missing, "train", 11, "training", "Without `env:` it runs with /"),
        (training_writes_nothing, "train", 11, "training", "did not write build/model.json"),
        (no_data, "train", 9, "data", "test.csv"),
        (no_model_file, "evaluate", 8, "record", "Run `modelrail train` first"),
        (no_candidate, "evaluate", 8, "record", "candidate.json does not exist"),
        (prediction_nan, "evaluate", 12, "prediction", "returned values that are no classes"),
        (nothing, "compare", 8, "record", "evaluation.json does not exist"),
        (nothing, "register", 8, "record", "comparison.json does not exist"),
        (nothing, "promote", 7, "not-found", "no version v1.0.0"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_mistake_is_said_clearly(
    project: Path,
    capfd: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    verb: str,
    code: int,
    kind: str,
    words: str,
) -> None:
    if verb != "train":
        assert main(["train", "--no-tracking"]) == 0
    spoil(project)
    capfd.readouterr()
    more = {"train": ["--no-tracking"], "promote": ["delay", "v1.0.0", "--to", "production"]}
    assert main([verb, *more.get(verb, [])]) == code
    printed = capfd.readouterr()
    (annotation,) = [line for line in printed.out.splitlines() if line.startswith("::error ")]
    assert f"title=modelrail%3A {kind}" in annotation
    assert words in annotation.replace("%25", "%")
    assert "Traceback" not in printed.out + printed.err
    folder = project / "modelrail-out/delay"
    written = {"train": "candidate.json", "evaluate": "evaluation.json", "compare": "comparison.json"}
    assert verb not in written or not (folder / written[verb]).exists() or spoil is no_candidate
    assert not [
        path for path in project.rglob("*") if ".modelrail-earlier" in path.name or path.suffix == ".tmp"
    ]


def test_what_follows_a_failure_leaves_it_as_the_cause(project: Path) -> None:
    training_fails(project)
    assert main(["train", "--no-tracking"]) == 11
    record = project / "modelrail-out/delay/failure.json"
    cause = record.read_bytes()
    assert main(["evaluate"]) == 8
    assert main(["compare"]) == 8
    assert record.read_bytes() == cause
    assert main(["report", "--no-comment"]) == 0
    assert "out of cheese" in (project / "modelrail-out/report.md").read_text()
