"""The model that a training wrote: its format, its digest, and a copy in the records folder."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import Literal

from modelrail import records
from modelrail.adapters import files
from modelrail.config import resolved as config
from modelrail.errors import ConfigError, RecordError, TrainingError, UnsafeModelError

FOLDER = "model"
Format = Literal["skops", "onnx", "joblib", "mlflow", "custom"]
_SUFFIXES: dict[str, Format] = {
    ".skops": "skops", ".onnx": "onnx", ".joblib": "joblib", ".pkl": "joblib", ".pickle": "joblib",
}  # fmt: skip


def format_of(name: str, *, predict: str | None) -> Format:
    """By suffix; a packed folder is an MLflow model unless a command of the user reads it."""
    found = _SUFFIXES.get(Path(name).suffix.lower())
    if found:
        return found
    return "mlflow" if name.endswith(".tar") and predict is None else "custom"


def check_policy(model: config.Model, kind: Format) -> None:
    """What can be refused before an hour of training. Raises UnsafeModelError, ConfigError."""
    if kind == "joblib" and not model.allow_pickle:
        raise UnsafeModelError(
            f"{model.model} is a pickle, which runs code when it is loaded.",
            next="Write a .skops or .onnx file instead, or set `allow_pickle: true` for this model.",
            path=f"models.{model.name}.model",
            file=config.FILE,
        )
    if kind == "custom" and model.predict is None:
        raise ConfigError(
            f"There is no built-in predictor for {Path(model.model).name}.",
            next="Write a .skops, .onnx or .joblib file or an MLflow model, or give a `predict:` command.",
            path=f"models.{model.name}.model",
            file=config.FILE,
        )


def check_name(model: config.Model) -> None:
    """The same for the name alone; a name without a suffix may become an MLflow folder."""
    if Path(model.model).suffix:
        check_policy(model, format_of(model.model, predict=model.predict))


def copy(model: config.Model, source: Path, folder: Path) -> records.ModelFile:
    """Put the trained model into the records folder; a folder becomes one deterministic .tar."""
    place = folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if source.is_dir():
        if not (source / "MLmodel").is_file() and model.predict is None:
            raise TrainingError(
                f"{model.model} is a folder without an MLmodel file.",
                next="Write a file or an MLflow model, or give a `predict:` command that reads the folder.",
                path=f"models.{model.name}.model",
            )
        kind: Format = "mlflow" if (source / "MLmodel").is_file() else "custom"
        copied = place / f"{source.name}.tar"
        pack(source, copied)
    else:
        kind = format_of(source.name, predict=model.predict)
        check_policy(model, kind)
        copied = place / source.name
        shutil.copyfile(source, copied)
    size = copied.stat().st_size
    if size == 0:
        raise TrainingError(f"The training wrote an empty model file: {model.model}.")
    return records.ModelFile(name=copied.name, digest=files.digest_file(copied), size=size, format=kind)


def pack(source: Path, dest: Path) -> None:
    """A .tar whose bytes depend on names and contents alone. Raises TrainingError on links and devices."""
    with tarfile.open(dest, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise TrainingError(f"The model folder holds {path.name}, which is no ordinary file.")
            entry = tarfile.TarInfo(path.relative_to(source).as_posix())
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size, entry.mode = path.stat().st_size, 0o644
                with path.open("rb") as stream:
                    archive.addfile(entry, stream)


def locate(file: records.ModelFile, folder: Path) -> Path:
    """The copied model of a record, its bytes verified (fault 20). Raises RecordError."""
    if file.name != os.path.basename(file.name) or file.name in {"", ".", ".."}:  # noqa: PTH119
        raise RecordError(f"The record names {file.name!r} as model file, which is no plain file name.")
    path = folder / FOLDER / file.name
    if path.is_symlink() or not path.is_file():
        raise RecordError(f"The model file {path} does not exist.", next="Run `modelrail train` first.")
    actual = files.digest_file(path)
    if actual != file.digest:
        raise RecordError(
            f"The model file {file.name} is not the one that was trained.",
            why=f"Its digest is {actual}; the record says {file.digest}.",
            next="Train again: only the evaluated bytes may go on.",
        )
    return path
