"""What `init` decides: guesses from what lies in the repository, and the text of the first modelrail.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from modelrail.config.yaml_strict import resolve

OUT_FOLDER = "modelrail-out"


class Table(NamedTuple):
    """A CSV table's header, and what its first rows hold."""

    columns: tuple[str, ...]
    unique: frozenset[str] = frozenset()  # columns with no value twice
    values: Mapping[str, frozenset[str]] = {}  # of the columns with few distinct ones


class Script(NamedTuple):
    """A file that trains."""

    path: str
    model_files: tuple[str, ...] = ()  # that it names
    metrics_files: tuple[str, ...] = ()
    kind: Literal["class", "number", ""] = ""  # what its estimator predicts
    mlflow: bool = False
    splits: bool = False  # into training and test rows, by itself


class Pipeline(NamedTuple):
    """What dvc.yaml or an MLproject says about training."""

    command: str = ""
    model_files: tuple[str, ...] = ()
    metrics_files: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    artifacts: Mapping[str, str] = {}  # name -> path
    mlproject: bool = False
    dvc: bool = False  # dvc.yaml has stages


class Found(NamedTuple):
    """What lies in the model's folder; paths are relative to it, `.dvc` endings taken off."""

    tables: tuple[str, ...] = ()
    scripts: tuple[Script, ...] = ()  # the likeliest first
    files: frozenset[str] = frozenset()  # of the folder itself
    read: Mapping[str, Table] = {}  # the CSV tables
    pipeline: Pipeline = Pipeline()
    gto: Mapping[str, int] = {}  # models of GTO's tags -> versions
    by_dvc: bool = False  # there is a .dvc folder


class Answers(NamedTuple):
    name: str
    path: str
    task: str
    train: str
    test: str
    target: str
    key: str
    group: str
    query: str
    env: str
    params: str
    train_command: str
    predict_command: str
    model_file: str
    metrics_file: str
    positive: str


QUESTIONS = {
    "name": "Name of the model (tags carry it)",
    "test": "Test table (Parquet or CSV)",
    "train": "Training table, or empty",
    "target": "Column of the label",
    "key": "Column that names a row, with no value twice",
    "task": "Task",
    "query": "Column of the lists that are ranked",
    "train_command": "Command that trains",
    "model_file": "File that training writes",
    "env": "Requirements file of training and prediction, or empty",
}
"""What is asked for, in this order; `query` of a ranking task alone."""

OPTIONAL = ("train", "env")  # these may stay empty

_TARGETS = ("target", "label", "y", "class", "outcome")
_QUERIES = ("query_id", "qid", "query")
_PARAMS = ("params.yaml", "params.yml", "params.json", "params.toml")
_KEYS = ("id", "key", "row_id", "index", "uuid")


def guesses(found: Found, given: Mapping[str, str]) -> dict[str, str]:
    """What can be read off the repository; nothing is guessed that was given."""
    made: dict[str, str] = {}
    for role in ("test", "train"):
        near = [table for table in found.tables if re.search(rf"(^|[/_.-]){role}", table)]
        made[role] = min(near, key=lambda table: (table.count("/"), len(table), table)) if near else ""
    tables = {**made, **given}
    table = found.read.get(tables["test"]) or found.read.get(tables["train"]) or Table(())
    header = table.columns
    made["target"] = _column(header, _TARGETS)
    named = tuple(name for name in header if name in table.unique)
    made["key"] = _column(named, _KEYS) or next((name for name in named if name.lower().endswith("_id")), "")
    made["query"] = _column(header, _QUERIES)
    script = found.scripts[0] if found.scripts else Script("")
    made["task"] = _task({**made, **given}["target"], table, script)
    made["train_command"] = found.pipeline.command or (f"python {script.path}" if script.path else "")
    files = found.pipeline.model_files or tuple(found.pipeline.artifacts.values()) or script.model_files
    made["model_file"] = files[0] if len(files) == 1 else ""
    made["env"] = "requirements.txt" if "requirements.txt" in found.files else ""
    reported = found.pipeline.metrics_files or script.metrics_files
    made["metrics_file"] = reported[0] if len(reported) == 1 else ""
    made["params"] = next((name for name in _PARAMS if name in found.files), "")
    task = {**made, **given}["task"]
    made["positive"] = _positive(table.values.get({**made, **given}["target"])) if task == "binary" else ""
    names = list(found.gto) or list(found.pipeline.artifacts)
    made["name"] = names[0] if len(names) == 1 else ""
    return {key: value for key, value in made.items() if value and key not in given}


def _task(target: str, table: Table, script: Script) -> str:
    """By the label's values, and by the estimator where they leave it open; "" when that is still open."""
    values = table.values.get(target)
    if values is not None and len(values) == 2:
        return "binary"
    if script.kind == "number":
        return "regression"
    if target not in table.columns:
        return ""
    if values is None or any(_NUMBER.fullmatch(value) and not _WHOLE.fullmatch(value) for value in values):
        return "regression"
    words = any(not _WHOLE.fullmatch(value) for value in values)
    return "multiclass" if words or script.kind == "class" else ""


def _positive(values: frozenset[str] | None) -> str:
    """The class that counts as positive when nobody says which; "" where that is plain, as of 0 and 1."""
    if values is None or len(values) != 2 or not all(isinstance(resolve(one), str) for one in values):
        return ""
    return max(values)


_WHOLE = re.compile(r"-?\d+(?:\.0+)?")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def notes(found: Found, answers: Answers) -> list[str]:
    """What the repository shows that its owner should know now."""
    script = found.scripts[0] if found.scripts else Script("")
    said = list(_absent_columns(found, answers))
    if not answers.env:
        said.append(
            "Without `env:` training runs in the runner's python3, which has no packages: name a"
            " requirements file."
        )
    if script.mlflow or found.pipeline.mlproject:
        said.append(
            "MLflow: each training is logged to MLFLOW_TRACKING_URI; the workflows take it as"
            " `mlflow-tracking-uri`."
        )
    if script.mlflow and not script.model_files:
        said.append(
            f"{script.path} logs its model to MLflow only; let it also write the file that `model:` names,"
            " by mlflow.sklearn.save_model(model, PATH)."
        )
    if found.by_dvc:
        said.append(
            "DVC: the workflows read the remote's credentials from the secret DVC_READ_ONLY, written as in"
            " .dvc/config.local."
        )
    if found.pipeline.dvc:
        said.append("DVC: `train:` is the stage's own command; `dvc repro` would skip a training it knows.")
    if answers.name in found.gto:
        said.append(
            f"GTO: {found.gto[answers.name]} versions of {answers.name} are tagged already; its history"
            " goes on."
        )
    elif found.gto:
        said.append(f"GTO: tags name {', '.join(sorted(found.gto))}; `--name` of one continues its history.")
    if pickled(answers.model_file):
        said.append(
            f"{answers.model_file} is a pickle, which runs code when it is loaded: write .skops or .onnx,"
            " or set `allow_pickle: true`."
        )
    return said


def _absent_columns(found: Found, answers: Answers) -> Iterator[str]:
    """Columns that were named and that a table which could be read does not have."""
    for name in dict.fromkeys(filter(None, (answers.test, answers.train))):
        columns = found.read[name].columns if name in found.read else ()
        named = (*answers.target.split(", "), answers.group)
        if name == answers.test:
            named = (*named, answers.key, answers.query if answers.task == "ranking" else "")
        absent = [column for column in named if column and column not in columns]
        if columns and absent:
            yield f"{name} has no column {', '.join(absent)}; it has {', '.join(columns[:40])}."


def pickled(model_file: str) -> bool:
    return model_file.endswith((".joblib", ".pkl", ".pickle"))


EXPLAINED = {
    "modelrail.yaml": "the model, its metrics, the gates it must pass, its stages",
    "pull-request.yml": "on a pull request: trains, scores against the baseline, comments",
    "report.yml": "after it, for forks: posts the comment, running none of their code",
    "release.yml": "after a merge: trains again, registers what passed its gates",
    "promote.yml": "by hand: puts a version into a stage",
    "rollback.yml": "by hand: puts an earlier version back",
    ".gitignore": "keeps the records of local runs out of Git",
}
"""What each file is for, by its name."""


def purpose(path: str) -> str:
    """Why `init` writes this file."""
    name = path.rpartition("/")[2]
    return EXPLAINED.get(name) or EXPLAINED.get(name.removeprefix("model-"), "")


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
    "multilabel": (
        "f1, accuracy, hamming_loss",
        ("{metric: f1, no_worse_than: 0.01}", "{metric: hamming_loss, no_worse_than: 2%}"),
    ),
    "regression": (
        "rmse, mae, r2",
        ("{metric: rmse, no_worse_than: 2%}", "{metric: mae, no_worse_than: 2%}"),
    ),
    "ranking": (
        "{ndcg: {k: 10}}, {map: {k: 10}}, mrr",
        ("{metric: {ndcg: {k: 10}}, no_worse_than: 0.01}", "{metric: mrr, no_worse_than: 0.01}"),
    ),
}


def render(answers: Answers, schema_url: str) -> str:
    """The text of modelrail.yaml: short, and a comment where a choice was made for the user."""
    head = [f"# yaml-language-server: $schema={schema_url}", "version: 1", "", "models:"]
    return "\n".join([*head, *block(answers)]) + "\n"


def block(answers: Answers) -> list[str]:
    """The lines of one model below `models:`."""
    metrics, gates = _POLICY.get(answers.task, _POLICY["binary"])
    data = [
        *([f"train: {scalar(answers.train)}"] if answers.train else []),
        f"test: {scalar(answers.test)}",
        f"target: {scalar(answers.target)}",
        f"key: {scalar(answers.key)}  # names a row: pairs candidate and baseline",
        f"group: {scalar(answers.group)}  # rows of one group are not independent" if answers.group
        else "# group: day  # rows of one group are not independent",
        *([f"query: {scalar(answers.query)}  # rows of one list"] if answers.task == "ranking" else []),
    ]  # fmt: skip
    pickle = pickled(answers.model_file)
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
        *([f"metrics_file: {scalar(answers.metrics_file)}  # what training reports of itself; recorded"]
          if answers.metrics_file else []),
        f"predict: {scalar(answers.predict_command)}" if answers.predict_command
        else "# predict: python predict.py  # where the built-in predictor of the file type does not do",
        *([f"positive: {scalar(answers.positive)}  # the class that counts as positive"]
          if answers.positive else []),
        f"metrics: [{metrics}]",
        "# slices: [region]  # columns by whose values the metrics are also shown and gated",
        "gates:  # compared with the version in production, on the same rows",
        *(f"  - {gate}" for gate in gates),
        "stages:",
        "  staging: {enter: on-pass}",
        "  production: {from: staging, enter: manual, first: allowed}  # first: a version without a baseline",
    ]  # fmt: skip
    return [f"  {scalar(answers.name)}:", *(f"    {line}" for line in model)]


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
