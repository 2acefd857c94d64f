"""What the user's scripts and pipelines say, for `init`: read as text, never run."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from modelrail.adapters.git import Git
from modelrail.core.registry import tags
from modelrail.core.starting.starter import Pipeline, Script, Table

MAX_BYTES = 1_000_000
MAX_ROWS = 5_000
_MODEL_FILE = re.compile(r"""["']([\w./-]+\.(?:skops|onnx|joblib|pkl))["']""")
_SAVED = re.compile(r"""\.save_model\(\s*\w+\s*,\s*(?:path\s*=\s*)?["']([\w./-]+)["']""")
# Opened by its whole name: of `folder / "metrics.json"` a guess would be wrong, and a training that writes it
# would be said not to.
_METRICS_FILE = re.compile(r"""\b(?:open|Path)\(\s*["']((?![/.])[\w./-]*metrics[\w-]*\.(?:json|ya?ml))["']""")
_REPORTED = re.compile(r"(?![/.])[\w./-]+\.(?:json|ya?ml)")
_LIBRARIES = ("sklearn", "xgboost", "lightgbm", "catboost", "torch", "tensorflow", "keras", "statsmodels")
_IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
_CLASSIFIES = re.compile(r"\b\w*(?:Classifier|LogisticRegression|SVC|NaiveBayes|GaussianNB|MultinomialNB)\b")
_REGRESSES = re.compile(r"\b(?:\w*Regressor|LinearRegression|Ridge|Lasso|ElasticNet|SVR)\b")
_ENDS = (".skops", ".onnx", ".joblib", ".pkl")


def script(path: Path, name: str) -> Script | None:
    """A Python file that trains, by what it imports and calls; None for others."""
    text = _text(path)
    imported = set(_IMPORT.findall(text))
    trains = ".fit(" in text and imported & {*_LIBRARIES, "mlflow"}
    if not trains and path.name != "train.py":
        return None
    classifies, regresses = _CLASSIFIES.search(text), _REGRESSES.search(text)
    return Script(
        path=name,
        model_files=tuple(dict.fromkeys([*_MODEL_FILE.findall(text), *_SAVED.findall(text)])),
        metrics_files=tuple(dict.fromkeys(_METRICS_FILE.findall(text))),
        kind="" if bool(classifies) == bool(regresses) else "class" if classifies else "number",
        mlflow="mlflow" in imported,
        splits="train_test_split(" in text,
    )


def table(path: Path) -> Table | None:
    """Header and some rows of a CSV file; other kinds are not opened."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            header = tuple(next(rows, ()))
            values: list[set[str]] = [set() for _ in header]
            count = 0
            for row in rows:
                if len(row) != len(header):
                    continue
                for seen, value in zip(values, row, strict=True):
                    seen.add(value)
                count += 1
                if count == MAX_ROWS:
                    break
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    return Table(
        columns=header,
        unique=frozenset(name for name, seen in zip(header, values, strict=True) if len(seen) == count),
        values={
            name: frozenset(seen) for name, seen in zip(header, values, strict=True) if len(seen) <= 1000
        },
    )


def pipeline(folder: Path) -> Pipeline:
    """The stage of dvc.yaml that trains, else the `main` of an MLproject."""
    found = _mapping(folder / "dvc.yaml")
    artifacts = {
        str(name): str(value["path"])
        for name, value in _dict(found.get("artifacts")).items()
        if isinstance(value, dict) and value.get("path") and tags.is_name(str(name))
    }
    stages = {name: _dict(stage) for name, stage in _dict(found.get("stages")).items()}
    outs = tuple(
        name for stage in stages.values() for name in _names(stage.get("outs")) if _is_table(name, stage)
    )
    chosen = stages.get("train") or next((stages[name] for name in stages if "train" in str(name)), {})
    command = chosen.get("cmd")
    if not isinstance(command, str) or "${" in command or "\n" in command or chosen.get("wdir"):
        command = ""
    models = [name for name in _names(chosen.get("outs")) if name.endswith(_ENDS)]
    reported = (
        []
        if chosen.get("wdir")
        else [name for name in _names(chosen.get("metrics")) if _REPORTED.fullmatch(name)]
    )
    if not command:
        main = _dict(_dict(_mapping(folder / "MLproject").get("entry_points")).get("main"))
        said = main.get("command")
        command = said if isinstance(said, str) and "{" not in said and "\n" not in said else ""
    return Pipeline(
        command=command, model_files=tuple(models), metrics_files=tuple(reported),
        tables=outs, artifacts=artifacts,
        mlproject=(folder / "MLproject").is_file(), dvc=bool(stages),
    )  # fmt: skip


def gto_models(git: Git) -> dict[str, int]:
    """Models that tags of this repository name by GTO's grammar, and how many versions each has."""
    done = git.attempt("tag", "--list", "*@v*")
    found: dict[str, int] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else ():
        name = tags.parse_name(line)
        if name is not None:
            found[name.model] = found.get(name.model, 0) + 1
    return found


def _is_table(name: str, stage: dict[str, Any]) -> bool:
    return name.lower().endswith((".csv", ".parquet")) and "${" not in name and not stage.get("wdir")


def _names(value: Any) -> Iterable[str]:
    """Outputs of a stage: texts, or mappings of one key."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict) and item:
            yield str(next(iter(item)))


def _mapping(path: Path) -> dict[str, Any]:
    try:
        return _dict(yaml.safe_load(_text(path)))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.read(MAX_BYTES)
    except (OSError, UnicodeDecodeError):
        return ""
