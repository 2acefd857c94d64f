"""A small consumer repository with a real model, and factories for the configuration's parts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelrail import settings
from modelrail.adapters.running import environments
from modelrail.adapters.running.environments import Environment
from modelrail.config import resolved as config

TRAIN = """
import json, sys
import pandas as pd
import skops.io
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

params = yaml.safe_load(open("params.yaml"))
table = pd.read_parquet("data/train.parquet")
model = make_pipeline(StandardScaler(), LogisticRegression(C=params["C"], max_iter=1000))
model.fit(table.drop(columns=["sick", "id"]), table["sick"])
skops.io.dump(model, "build/model.skops")
accuracy = model.score(table.drop(columns=["sick", "id"]), table["sick"])
json.dump({"train_accuracy": float(accuracy)}, open("m.json", "w"))
print("::set-output name=x::y")
"""

CONFIG = """
version: 1
models:
  cells:
    task: binary
    data: {train: data/train.parquet, test: data/test.parquet, target: sick, key: id}
    params: params.yaml
    train: python train.py
    model: build/model.skops
    metrics_file: m.json
    metrics: [roc_auc]
    slices: [{column: size, bins: 3}]
    gates:
      - {metric: roc_auc, min: 0.9}
    stages:
      production: {enter: manual, first: allowed}
"""


def model(**changes: Any) -> config.Model:
    """A resolved model; `data` may be given as a mapping."""
    data = {"test": "data/test.parquet", "train": "data/train.parquet", "target": "sick", "key": "id"}
    values: dict[str, Any] = {
        "name": "cells", "path": ".", "task": "binary", "env": None, "params": None,
        "train": "python train.py", "model": "build/model.skops", "predict": None, "metrics_file": None,
        "positive": None, "metrics": (config.Metric(name="roc_auc"),), "slices": (), "gates": (),
        "stages": (config.Stage(name="production"),), "store": "release", "allow_pickle": False,
        "train_timeout": 60.0, "predict_timeout": 60.0,
    }  # fmt: skip
    values |= changes
    values["data"] = config.Data(**{**data, **changes.get("data", {})})
    return config.Model(**values)


def surroundings(root: Path, **environ: str) -> settings.Settings:
    """Settings as on a laptop, with a cache of their own."""
    import os

    base = {name: os.environ[name] for name in ("PATH", "HOME")}
    return settings.read({**base, "MODELRAIL_CACHE": str(root.parent / "cache"), **environ}, root)


def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Real cells: 400 rows to train on, 169 to test on, a key, a label, and four features."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    names = ["size", "texture", "border", "area"]
    frame = pl.DataFrame({name: found.data[:, index] for index, name in enumerate(names)})
    frame = frame.with_columns(id=pl.int_range(1000, 1000 + frame.height), sick=pl.Series(1 - found.target))
    return frame[:400], frame[400:]


def project(root: Path, text: str = CONFIG, script: str = TRAIN) -> Path:
    """Write and commit the consumer repository."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "data").mkdir()
    train, test = tables()
    train.write_parquet(root / "data/train.parquet")
    test.write_parquet(root / "data/test.parquet")
    (root / "modelrail.yaml").write_text(text, encoding="utf-8")
    (root / "params.yaml").write_text("C: 1.0\n", encoding="utf-8")
    (root / "train.py").write_text(script, encoding="utf-8")
    (root / ".gitignore").write_text("build/\nm.json\nmodelrail-out/\n", encoding="utf-8")
    if not (root / ".git").exists():
        run(root, "git", "init", "--quiet")
    commit(root, "A model")
    return root


def commit(root: Path, message: str) -> str:
    run(root, "git", "add", "-A")
    run(root, "git", "commit", "--quiet", "-m", message)
    return run(root, "git", "rev-parse", "HEAD")


def run(root: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.strip()


def this_python(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Let the interpreter of the tests be the user's environment, so that nothing is built."""
    found = Environment(Path(sys.executable), "sha256:" + "e" * 64)
    monkeypatch.setattr(environments, "prepare", lambda *_: found)
    return found
