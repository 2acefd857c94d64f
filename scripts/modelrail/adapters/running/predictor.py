"""Score one table with one model, in the user's environment and the model's own folder.

The predictor is the user's `predict` command or the built-in one for the file's format. It is given a copy
of the test set without the label column, a time limit, and no token; its answer is checked row by row.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from modelrail import __version__, records
from modelrail.adapters import files, process
from modelrail.adapters.actions_io import say
from modelrail.adapters.data import tables
from modelrail.adapters.running.environments import Environment
from modelrail.config import resolved as config
from modelrail.core.registry import fingerprint
from modelrail.core.rows import predictions
from modelrail.errors import DataError, PredictionError, UnsafeModelError
from modelrail.settings import Settings

RUNNER = Path(__file__).with_name("predict_runner.py")
REFUSED = 3  # the runner's exit code for a reason that it gives in words


@dataclass(frozen=True, kw_only=True)
class Side:
    """One model to score: `model` is the configuration at its own commit, `root` the files of that commit."""

    role: str  # "candidate", "baseline": for messages
    name: str  # "The candidate", "The baseline v1.2.0"
    model: config.Model
    root: Path
    environment: Environment
    path: Path
    file: records.ModelFile
    code: str | None  # tree of the repository; None when files differ from it: then nothing is cached


@dataclass(frozen=True, kw_only=True)
class Question:
    """What both sides are asked: today's test set and how its columns are called."""

    features: Path
    test: records.DataVersion
    truth: pl.DataFrame
    key: str
    target: str
    group: str | None
    task: predictions.Task
    positive: str | None
    labels: predictions.LabelColumns | None = None  # of a multilabel task
    shard: str = ""  # which part of the test set it is


@dataclass(frozen=True)
class Answer:
    frame: pl.DataFrame
    seconds: float
    cached: bool


def score(side: Side, question: Question, settings: Settings) -> Answer:
    """The checked predictions of one side, from the cache when nothing differs. Raises PredictionError."""
    if side.file.format == "joblib" and not side.model.allow_pickle:
        raise UnsafeModelError(
            f"{side.name} is a pickle ({side.file.name}), which runs code when it is loaded.",
            next="Write a .skops or .onnx file, or set `allow_pickle: true` for this model.",
        )
    place = _cache_place(side, question, settings)
    if place is not None and (found := _from_cache(place, side, question)) is not None:
        say(f"{side.name}: predictions from the cache.")
        return found
    with tempfile.TemporaryDirectory(prefix="modelrail-predict-") as folder:
        answer = _run(side, question, settings, Path(folder))
    if place is not None:
        _to_cache(place, answer)
    return answer


def _run(side: Side, question: Question, settings: Settings, folder: Path) -> Answer:
    output = folder / f"predictions{question.features.suffix}"
    model = _unpacked(side, folder)
    if side.model.predict:
        command = _command(side.model.predict, model, question.features, output)
    else:
        command = [
            str(side.environment.python),
            str(RUNNER),
            str(_request(side, question, model, output, folder)),
        ]
    environ = side.environment.activate(
        settings.child_environ(
            {
                "MODELRAIL_MODEL": str(model),
                "MODELRAIL_INPUT": str(question.features),
                "MODELRAIL_OUTPUT": str(output),
                "PYTHONUNBUFFERED": "1",
            }
        )
    )
    say(f"{side.name}: scoring {question.truth.height:,} rows.")
    done = process.run(
        command,
        cwd=side.root / side.model.path,
        env=environ,
        timeout=side.model.predict_timeout,
        prefix=f"  {side.role} │ ",
    )
    who = f"{side.name}'s predictor"
    if done.timed_out:
        raise PredictionError(
            f"{who} did not finish within {side.model.predict_timeout:g} s.",
            next="Raise `timeout: {predict: …}`, or find out what it waits for.",
            tail=done.tail,
        )
    if done.code == REFUSED and not side.model.predict:
        raise _refusal(side, done)
    if done.code:
        raise PredictionError(
            f"{who} failed {_how(done.code)}.", next="Its last lines say why.", tail=done.tail
        )
    if not output.is_file():
        raise PredictionError(
            f"{who} wrote no predictions.",
            why="It ended without an error, and its output file does not exist.",
            next="Write a table with the key and a column 'prediction' to {output} ($MODELRAIL_OUTPUT).",
            tail=done.tail,
        )
    return Answer(_checked(output, side, question, done.tail), done.seconds, cached=False)


def _how(code: int) -> str:
    return f"(signal {-code})" if code < 0 else f"(exit code {code})"


def _refusal(side: Side, done: process.Finished) -> PredictionError | UnsafeModelError:
    lines = [
        line.removeprefix("modelrail: ") for line in done.tail.splitlines() if line.startswith("modelrail: ")
    ]
    reason = lines[-1] if lines else done.tail
    if "allow" in reason:
        return UnsafeModelError(
            f"{side.name} is not loaded: {reason}.",
            next="Use types of scikit-learn, write ONNX, or give a `predict:` command that loads it.",
        )
    return PredictionError(f"{side.name} cannot be scored: {reason}.", tail=done.tail)


def _checked(path: Path, side: Side, question: Question, tail: str) -> pl.DataFrame:
    who = f"{side.name}'s predictor"
    types = {question.key: question.truth.schema[question.key]}
    if _as_text(question):
        types[predictions.PREDICTION] = pl.String()  # the class "01" must not be read as a number
    try:
        present = tables.columns(path)
        wanted = [
            question.key,
            predictions.PREDICTION,
            *predictions.score_columns(list(present), question.task),
        ]
        if question.labels is not None:
            wanted += [name for name in present if name.startswith(f"{predictions.PREDICTION}:")]
        frame = tables.read(
            path,
            [name for name in wanted if name in present],
            types={name: kind for name, kind in types.items() if name in present},
        )
        if any(name not in present for name in wanted[:2]) and question.labels is None:
            frame = tables.read(path)  # the message shows what it has instead
        return predictions.check(
            frame, question.truth, key=question.key, target=question.target, task=question.task, who=who,
            labels=question.labels,
        )  # fmt: skip
    except PredictionError as error:
        error.tail = error.tail or tail
        raise
    except DataError as error:
        raise PredictionError(
            f"{who} wrote a table that cannot be read.", why=error.why or error.what, tail=tail
        ) from None


def _as_text(question: Question) -> bool:
    """Whether the predictions are to be read as text, as the target's own values are."""
    if question.task in predictions.NUMBERS:
        return False
    if question.labels is not None:
        return question.features.suffix == ".csv"
    return bool(question.truth.schema[question.target] == pl.String)


def _command(text: str, model: Path, features: Path, output: Path) -> list[str]:
    values = {"{model}": str(model), "{input}": str(features), "{output}": str(output)}
    parts = shlex.split(text)
    for name, value in values.items():
        parts = [part.replace(name, value) for part in parts]
    return parts


def _request(side: Side, question: Question, model: Path, output: Path, folder: Path) -> Path:
    path = folder / "request.json"
    content = {
        "model": str(model),
        "format": side.file.format,
        "input": str(question.features),
        "output": str(output),
        "key": question.key,
        "group": question.group,
        "task": question.task,
        "positive": question.positive,
        "labels": question.labels.columns if question.labels and question.labels.one_each else None,
        "allow_pickle": side.model.allow_pickle,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _unpacked(side: Side, folder: Path) -> Path:
    """The model as the predictor wants it: a file, or the folder that was packed as .tar."""
    if not side.path.name.endswith(".tar") or side.file.format not in {"mlflow", "custom"}:
        return side.path
    place = folder / "model"
    place.mkdir()
    try:
        with tarfile.open(side.path) as archive:
            archive.extractall(place, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise PredictionError(f"{side.name}: {side.path.name} cannot be unpacked.", why=str(error)) from None
    return place


# --- the cache ------------------------------------------------------------------------------------------


def _cache_place(side: Side, question: Question, settings: Settings) -> Path | None:
    if side.code is None:
        return None
    key = fingerprint.digest_mapping(
        {
            "modelrail": __version__,
            "model": side.file.digest,
            "format": side.file.format,
            "test": question.test.digest,
            "code": side.code,
            "environment": side.environment.digest,
            "predict": side.model.predict or "",
            "columns": json.dumps([question.key, question.target, question.group, question.features.suffix])
            + question.shard,
            "task": f"{question.task} {question.positive}"
            + (f" {question.labels.separator}" if question.labels else ""),
        }
    )
    return settings.cache / "predictions" / fingerprint.short(key, 40)


def _from_cache(place: Path, side: Side, question: Question) -> Answer | None:
    """A cached answer passes the same checks as a fresh one; one that does not is as good as none."""
    try:
        seconds = json.loads((place / "about.json").read_text(encoding="utf-8"))["seconds"]
        return Answer(
            _checked(place / "predictions.parquet", side, question, ""), float(seconds), cached=True
        )
    except (OSError, ValueError, KeyError, TypeError, DataError, PredictionError):
        return None


def _to_cache(place: Path, answer: Answer) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as parent:
            fresh = Path(parent) / "entry"
            tables.write(answer.frame, fresh / "predictions.parquet")
            files.write_bytes(fresh / "about.json", json.dumps({"seconds": answer.seconds}).encode())
            if place.exists():
                shutil.rmtree(place)
            os.rename(fresh, place)  # noqa: PTH104
    except OSError as error:
        say(f"! The predictions could not be cached: {error}")
