"""What `init` decides: guesses from what lies in the repository, and the text of the first modelrail.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from modelrail.yaml_strict import resolve

OUT_FOLDER = "modelrail-out"


class Found(NamedTuple):
    """What lies in the model's folder; paths are relative to it, `.dvc` endings taken off."""

    tables: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()  # called train.py
    files: frozenset[str] = frozenset()  # of the folder itself
    model_files: tuple[str, ...] = ()  # named in the training scripts
    columns: Mapping[str, tuple[str, ...]] = {}  # header of each CSV table


class Answers(NamedTuple):
    name: str
    path: str
    task: str
    train: str
    test: str
    target: str
    key: str
    group: str
    env: str
    params: str
    train_command: str
    predict_command: str
    model_file: str


QUESTIONS = {
    "name": "Name of the model (tags carry it)",
    "task": "Task",
    "test": "Test table (Parquet or CSV)",
    "train": "Training table, or empty",
    "target": "Column of the label",
    "key": "Column that names a row, with no value twice",
    "train_command": "Command that trains",
    "model_file": "File that training writes",
}
"""What is asked for, in this order; `train` may stay empty."""

_TARGETS = ("target", "label", "y", "class", "outcome")
_KEYS = ("id", "key", "row_id", "index", "uuid")


def guesses(found: Found, given: Mapping[str, str]) -> dict[str, str]:
    """What can be read off the repository; nothing is guessed that was given."""
    made: dict[str, str] = {}
    for role in ("test", "train"):
        near = [table for table in found.tables if re.search(rf"(^|[/_.-]){role}", table)]
        made[role] = min(near, key=lambda table: (table.count("/"), len(table), table)) if near else ""
    tables = {**made, **given}
    header = found.columns.get(tables["test"]) or found.columns.get(tables["train"]) or ()
    made["target"] = _column(header, _TARGETS)
    made["key"] = _column(header, _KEYS) or next(
        (name for name in header if name.lower().endswith("_id")), ""
    )
    made["train_command"] = f"python {found.scripts[0]}" if found.scripts else ""
    made["model_file"] = found.model_files[0] if len(found.model_files) == 1 else ""
    made["env"] = "requirements.txt" if "requirements.txt" in found.files else ""
    made["params"] = "params.yaml" if "params.yaml" in found.files else ""
    return {key: value for key, value in made.items() if value and key not in given}


def _column(header: tuple[str, ...], known: tuple[str, ...]) -> str:
    lower = {name.lower(): name for name in header}
    return next((lower[name] for name in known if name in lower), "")


def name_from(folder: str) -> str:
    """A model name out of a folder's name, or `model`."""
    text = re.sub(r"[^A-Za-z0-9]+", "-", folder).strip("-").lower()
    return text[:40].strip("-") or "model"


_POLICY = {
    "binary": (
        "roc_auc, average_precision, brier",
        ("{metric: roc_auc, no_worse_than: 0.01}", "{metric: brier, no_worse_than: 2%}"),
    ),
    "multiclass": (
        "accuracy, balanced_accuracy, log_loss",
        ("{metric: accuracy, no_worse_than: 0.01}", "{metric: log_loss, no_worse_than: 2%}"),
    ),
    "regression": (
        "rmse, mae, r2",
        ("{metric: rmse, no_worse_than: 2%}", "{metric: mae, no_worse_than: 2%}"),
    ),
}


def render(answers: Answers, schema_url: str) -> str:
    """The text of modelrail.yaml: short, and a comment where a choice was made for the user."""
    metrics, gates = _POLICY.get(answers.task, _POLICY["binary"])
    data = [
        *([f"train: {scalar(answers.train)}"] if answers.train else []),
        f"test: {scalar(answers.test)}",
        f"target: {scalar(answers.target)}",
        f"key: {scalar(answers.key)}  # names a row: pairs candidate and baseline",
        f"group: {scalar(answers.group)}  # rows of one group are not independent" if answers.group
        else "# group: day  # rows of one group are not independent",
    ]  # fmt: skip
    pickle = answers.model_file.endswith((".joblib", ".pkl", ".pickle"))
    model = [
        *([f"path: {scalar(answers.path)}  # other paths are relative to it"] if answers.path != "." else []),
        f"task: {scalar(answers.task)}",
        f"env: {scalar(answers.env)}  # training and prediction run in this environment" if answers.env
        else "# env: requirements.txt  # without it: the python3 on the PATH",
        "data:",
        *(f"  {line}" for line in data),
        *([f"params: {scalar(answers.params)}"] if answers.params else []),
        f"train: {scalar(answers.train_command)}",
        f"model: {scalar(answers.model_file)}",
        *(["# allow_pickle: true  # this kind of file runs code when it is loaded"] * pickle),
        f"predict: {scalar(answers.predict_command)}" if answers.predict_command
        else "# predict: python predict.py  # where the built-in predictor of the file type does not do",
        f"metrics: [{metrics}]",
        "# slices: [region]  # columns by whose values the metrics are also shown and gated",
        "gates:  # compared with the version in production, on the same rows",
        *(f"  - {gate}" for gate in gates),
        "stages:",
        "  staging: {enter: on-pass}",
        "  production: {from: staging, enter: manual, first: allowed}  # first: a version without a baseline",
    ]  # fmt: skip
    head = [f"# yaml-language-server: $schema={schema_url}", "version: 1", "", "models:"]
    body = [f"  {scalar(answers.name)}:", *(f"    {line}" for line in model)]
    return "\n".join([*head, *body]) + "\n"


_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+=@$ -]*\Z")


def scalar(text: str) -> str:
    """A YAML scalar that reads back as this text: plain where that is safe, else in double quotes."""
    if _PLAIN.match(text) and isinstance(resolve(text), str) and text == text.strip():
        return text
    return json.dumps(text, ensure_ascii=True)


def ignore_text(present: str) -> str | None:
    """.gitignore with the folder of records in it; None when it is there already."""
    lines = {line.strip().strip("/") for line in present.splitlines()}
    if OUT_FOLDER in lines:
        return None
    start = present if not present or present.endswith("\n") else present + "\n"
    return f"{start}{OUT_FOLDER}/\n"


def caller_text(text: str, branch: str) -> str:
    """A caller workflow for a repository whose default branch is `branch`."""
    return text.replace("branches: [main]", f"branches: [{scalar(branch)}]")
