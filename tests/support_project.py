"""A whole small model for tests that run the real commands in processes of their own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from support_git import run_git

SCRIPTS = Path(__file__).parents[1] / "scripts"

CONFIG = """\
version: 1
models:
  delay:
    task: binary
    data: {train: train.csv, test: test.csv, target: label, key: id}
    train: python3 train.py
    predict: python3 predict.py
    model: build/model.json
    params: params.yaml
    metrics: [accuracy]
    gates: [{metric: accuracy, min: 0.9}]
    stages: {production: {enter: manual, first: allowed}}
"""
TRAIN = """\
import json, pathlib
pathlib.Path("build").mkdir(exist_ok=True)
noise = float(pathlib.Path("params.yaml").read_text().split(":")[1])
pathlib.Path("build/model.json").write_text(json.dumps({"threshold": 0.5 + noise}))
"""
PREDICT = """\
import csv, json, os
threshold = json.load(open(os.environ["MODELRAIL_MODEL"]))["threshold"]
rows = list(csv.DictReader(open(os.environ["MODELRAIL_INPUT"])))
with open(os.environ["MODELRAIL_OUTPUT"], "w", newline="") as stream:
    out = csv.writer(stream)
    out.writerow(["id", "prediction"])
    out.writerows([row["id"], int(float(row["x"]) > threshold)] for row in rows)
"""


def table(rows: int, seed: int) -> str:
    """`x` in [0, 1); the label is whether it is above one half."""
    dice = random.Random(seed)
    values = [dice.random() for _ in range(rows)]
    lines = [f"{seed}-{number},{value:.6f},{int(value > 0.5)}" for number, value in enumerate(values)]
    return "\n".join(["id,x,label", *lines]) + "\n"


def fill(root: Path, **changed: str) -> str:
    """Write the model into a repository and commit it; returns the commit."""
    written = {
        ".gitignore": "build/\nmodelrail-out/\n",
        "modelrail.yaml": CONFIG,
        "train.py": TRAIN,
        "predict.py": PREDICT,
        "train.csv": table(300, 1),
        "test.csv": table(300, 2),
        "params.yaml": "noise: 0.01\n",
    } | {name.replace("__", "."): text for name, text in changed.items()}
    for name, text in written.items():
        (root / name).write_text(text, encoding="utf-8")
    run_git(root, "add", ".")
    run_git(root, "commit", "--quiet", "-m", "A model")
    return run_git(root, "rev-parse", "HEAD")


def modelrail(
    root: Path, *arguments: str, prepare: Callable[[], None] | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """`modelrail ...` as a process of its own; `prepare` runs in it before."""
    return python(
        root,
        ("-c", "import sys; from modelrail.__main__ import main; sys.exit(main())", *arguments),
        prepare,
        **environ,
    )


def python(
    root: Path, arguments: Sequence[str], prepare: Callable[[], None] | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(SCRIPTS), "NO_COLOR": "1", **environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=env,
        preexec_fn=prepare,
        capture_output=True,
        text=True,
        check=False,
    )
