"""The sealed test set, read in a job that runs no code of a pull request.

The tables are fetched into a worktree of the judging commit, which is gone again before any model is loaded:
a model file that could make its reader open other files would find none.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from modelrail import records
from modelrail.adapters.data import dvc, tables
from modelrail.adapters.git import Git
from modelrail.adapters.running import inputs, model_files, predictor
from modelrail.config import resolved as config
from modelrail.core.registry import fingerprint
from modelrail.core.rows import columns, predictions
from modelrail.errors import DataError, RecordError, UnsafeModelError
from modelrail.settings import Settings

FORMATS = frozenset({"onnx", "skops"})
MAX_MODEL = 512 * 1024 * 1024  # bytes of a candidate's file


@contextlib.contextmanager
def question(model: config.Model, commit: str, settings: Settings, git: Git) -> Iterator[predictor.Question]:
    """The test set of `commit` with its labels in memory alone. Raises DataError."""
    data = model.data
    with TemporaryDirectory(prefix="modelrail-features-") as folder:
        with git.worktree(commit) as tree:
            local = settings.workspace / ".dvc" / "config.local"
            if local.is_file():  # a laptop's own credentials
                shutil.copyfile(local, tree / ".dvc" / "config.local")
            source = inputs.place(model, tree, data.test)
            test, truth = _tables(model, source, tree, settings, git)
            features = Path(folder) / f"features{tables.kind(source)}"
            tables.copy_without(source, features, [data.target] if data.sealed == "rows" else [])
        predictions.check_truth(truth, key=data.key, target=data.target, task=model.task)
        yield predictor.Question(
            features=features,
            test=test,
            truth=truth,
            key=data.key,
            target=data.target,
            group=data.group,
            task=model.task,
            positive=model.positive,
        )


def _tables(
    model: config.Model, source: Path, tree: Path, settings: Settings, git: Git
) -> tuple[records.DataVersion, pl.DataFrame]:
    data, names = model.data, columns.of(model)
    if data.sealed == "rows":
        digest = inputs.sealed_digest(source, tree)
        dvc.pull([source], settings, tree)
        truth = tables.read(source, names)
        version = records.DataVersion(path=data.test, digest=digest, source="dvc", rows=truth.height)
        return version, truth
    sealed = inputs.place(model, tree, str(data.labels))
    digest = inputs.sealed_digest(sealed, tree)
    dvc.pull([source, sealed], settings, tree)
    open_part = inputs.version(model, tree, data.test, git)
    rows = tables.read(source, [name for name in names if name != data.target])
    truth = _joined(rows, tables.read(sealed, [data.key, data.target]), data.key)
    both = fingerprint.digest_mapping({"test": open_part.digest, "labels": digest})
    version = records.DataVersion(path=str(data.labels), digest=both, source="dvc", rows=truth.height)
    return version, truth.select(list(dict.fromkeys(names)))


def _joined(rows: pl.DataFrame, labels: pl.DataFrame, key: str) -> pl.DataFrame:
    """Each row with its label; a row without one is found by the check of the truth."""
    known = set(rows[key].to_list())
    foreign = sum(value not in known for value in labels[key].to_list())
    if foreign or labels[key].n_unique() != labels.height:
        raise DataError(
            f"The sealed labels do not fit the test set by {key!r}.",
            why=f"{foreign:,} of {labels.height:,} labels name no row of it."
            if foreign
            else "A key stands twice among the labels.",
            next="The two tables have one row for each key, of the same type.",
        )
    return rows.join(labels, on=key, how="left", maintain_order="left")


def candidate_file(model: config.Model, candidate: records.Candidate, folder: Path) -> Path:
    """The model file of a job that is not trusted, if it is what this configuration awaits.

    Raises RecordError, UnsafeModelError.
    """
    awaited = Path(model.model).name
    if candidate.model != model.name or candidate.file.name != awaited:
        raise RecordError(
            f"The run left {candidate.file.name!r} of {candidate.model!r}; awaited is {awaited} of"
            f" {model.name}.",
            next="The sealed test set goes by the default branch's modelrail.yaml: rename there first.",
        )
    _only_data(f"The candidate of {model.name}", awaited, candidate.file.format)
    path = model_files.locate(candidate.file, folder)
    if path.stat().st_size > MAX_MODEL:
        raise RecordError(f"{awaited} has more than {MAX_MODEL:,} bytes; it is not scored.")
    return path


def check_side(side: predictor.Side) -> None:
    """A registered version is scored here under the same terms. Raises UnsafeModelError."""
    _only_data(side.name, side.file.name, "custom" if side.model.predict else side.file.format)


def _only_data(who: str, name: str, written: str) -> None:
    # By the suffix as well: what a record calls a format is that record's word.
    if written not in FORMATS or model_files.format_of(name, predict=None) != written:
        raise UnsafeModelError(
            f"{who} is not loaded where the sealed test set is read: {name} may run code.",
            next="Only .onnx and .skops files with a built-in predictor are scored there.",
        )
