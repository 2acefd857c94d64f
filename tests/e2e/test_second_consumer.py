"""Somebody else's model: `modelrail init` beside a training script and two tables, then a pull request."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from modelrail import settings, toolenv
from modelrail.adapters.running import environments
from modelrail.commands.act import command as act
from modelrail.commands.init import command as init
from modelrail.config import check as config_check
from support_workflows import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CACHE = Path(toolenv.folder()).parent
DATA = """
import pathlib
import pandas as pd
from sklearn.datasets import load_breast_cancer

table = load_breast_cancer(as_frame=True).frame
table.columns = [name.replace(" ", "_") for name in table.columns]
table.insert(0, "id", [f"p{number:03}" for number in range(len(table))])
pathlib.Path("data").mkdir()
table[::2].to_csv("data/train.csv", index=False)
table[1::2].to_csv("data/test.csv", index=False)
"""
TRAIN = """
import pathlib
import pandas as pd
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rows = pd.read_csv("data/train.csv")
model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0)).fit(
    rows.drop(columns=["id", "target"]), rows["target"]
)
pathlib.Path("build").mkdir(exist_ok=True)
skops.io.dump(model, "build/model.skops")
"""


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a stranger has before they hear of modelrail: tables, a script, requirements."""
    monkeypatch.setenv("MODELRAIL_CACHE", str(CACHE))
    monkeypatch.chdir(repository)
    example = ROOT / "examples" / "flights"
    # The same bytes as the example's, so that both share one environment.
    (repository / "requirements.txt").write_bytes((example / "requirements.txt").read_bytes())
    (repository / "train.py").write_text(TRAIN, encoding="utf-8")
    model = config_check.load(example / "modelrail.yaml").models[0]
    python = environments.prepare(model, example, settings.read(cwd=example)).python
    subprocess.run([str(python), "-c", DATA], cwd=repository, check=True)
    return repository


def test_init_then_the_first_comment(project: Path, hub: Any, git: Callable[..., str]) -> None:
    done = CliRunner().invoke(init, ["--name", "tumour", "--task", "binary"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "modelrail")
    hub.seed(project)

    # All that is edited: a gate in modelrail.yaml, a setting in the training script.
    git(project, "checkout", "--quiet", "-b", "softer")
    gate = "      - {metric: roc_auc, no_worse_than: 0.01}\n"
    edit(project / "modelrail.yaml", gate, "      - {metric: roc_auc, min: 0.95}\n" + gate)
    edit(project / "train.py", "C=1.0", "C=0.1")
    git(project, "commit", "--quiet", "--all", "-m", "Softer")
    hub.seed(project, "softer")
    done = CliRunner().invoke(
        act,
        [
            "pull_request", "--head", "softer", "--json",  # opens the pull request
            "--hub", hub.url, "--repository", hub.repository,
            "--expect-job", "model / evaluate", "--expect-job", "model / report",
        ],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["runs"][0]["conclusion"] == "success"

    (comment,) = hub.hub.comments("octo", "flights", 1)
    assert comment["user"]["login"] == "github-actions[bot]"
    title, _, reason = (line for line in comment["body"].partition("### ")[2].splitlines()[:3])
    assert title.startswith("✅ Fine to merge")
    assert "`tumour`" in reason
    assert "ROC AUC" in comment["body"]
    assert "284 rows" in comment["body"]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, text
    path.write_text(text.replace(old, new), encoding="utf-8")
