"""Which files changed since the baseline: from git itself, whatever the files are called."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import support_records as sample
from modelrail import records
from modelrail.adapters import code_changes
from modelrail.adapters.git import Git
from modelrail.config import resolved as config

Edit = Callable[..., str]


@pytest.fixture
def model() -> config.Model:
    text = (
        "version: 1\nmodels:\n  delay:\n    path: m\n    train: python train.py\n    model: model.skops\n"
        "    task: binary\n    data: {test: test.csv, target: y, key: id}\n    metrics: [roc_auc]\n"
        "    gates: [{metric: roc_auc, min: 0.5}]\n"
    )
    from modelrail.config import check as config_check

    return config_check.parse(text, "modelrail.yaml").models[0]


@pytest.mark.fault(26)
def test_files_lines_and_hostile_names(repository: Path, git: Edit, model: config.Model) -> None:
    folder = repository / "m"
    folder.mkdir()
    (folder / "train.py").write_text("a\nb\nc\n")
    (folder / "old.py").write_text("x\n")
    (folder / "test.csv").write_text("id,y\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "one")
    before = git(repository, "rev-parse", "HEAD").strip()
    (folder / "train.py").write_text("a\nB\nc\nd\n")
    (folder / "old.py").unlink()
    (folder / "test.csv").write_text("id,y\n1,0\n")
    evil = "$(touch pwned);\n\t':x'.py"
    (folder / evil).write_text("z\n")
    (folder / "blob.bin").write_bytes(b"\0" * 40)
    (repository / "README.md").write_text("outside of the model\n")
    # An attribute of the change itself runs nothing and hides nothing.
    (folder / ".gitattributes").write_text("*.py diff=evil\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "two")
    after = git(repository, "rev-parse", "HEAD").strip()
    given = Git(repository, environ=os.environ)
    evaluation = sample.evaluation()
    evaluation = msgspec.structs.replace(
        evaluation, baseline_ref=msgspec.structs.replace(evaluation.baseline_ref, commit=before)
    )
    candidate = sample.candidate(fingerprint=sample.fingerprint(commit=after))
    found = code_changes.find(given, model, evaluation, candidate)
    assert found is not None
    assert {one.path: (one.kind, one.added, one.removed) for one in found.files} == {
        "m/.gitattributes": ("added", 1, 0),
        "m/blob.bin": ("added", None, None),
        f"m/{evil}": ("added", 1, 0),
        "m/old.py": ("removed", 0, 1),
        "m/train.py": ("changed", 2, 1),
    }
    assert found.total == 5
    assert not list(repository.rglob("pwned"))
    unknown = msgspec.structs.replace(
        evaluation, baseline_ref=msgspec.structs.replace(evaluation.baseline_ref, commit="f" * 40)
    )
    assert code_changes.find(given, model, unknown, candidate) is None
    assert records.CodeChanges.FILE == "code-changes.json"
