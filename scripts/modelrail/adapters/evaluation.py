"""Score candidate and baseline on the same rows of today's test set, each in its own code and environment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from modelrail import records
from modelrail.adapters.data import kept_tables, tables
from modelrail.adapters.git import Git
from modelrail.adapters.running import environments, inputs, model_files, predictor
from modelrail.adapters.shards import Shard
from modelrail.config import resolved as config
from modelrail.core.registry.history import Registered
from modelrail.core.rows import columns, predictions
from modelrail.errors import DataError, ModelrailError, PredictionError, RecordError
from modelrail.settings import Settings


@contextlib.contextmanager
def question(
    model: config.Model,
    root: Path,
    settings: Settings,
    git: Git,
    shard: Shard | None = None,
    *,
    also: Sequence[str] = (),
) -> Iterator[predictor.Question]:
    """Today's test set, checked, with a copy of it that has no labels. Raises DataError.

    `also`: columns to keep beside those of the model, where the table has them.

    The copy keeps honest predictors honest. Code that runs in the same job can still open the original file:
    what a pull request claims is measured again by the release, in a job that trusts the merged code.
    """
    data = model.data
    inputs.pull(model, root, settings, train=False)
    test = inputs.version(model, root, data.test, git)
    source = inputs.place(model, root, data.test)
    there = tables.columns(source) if also else {}
    names = list(dict.fromkeys([*columns.of(model), *(name for name in also if name in there)]))
    rows = None if shard is None else _rows(shard, source)
    truth = tables.read(source, names, rows=rows)
    labels = None
    if model.task == "multilabel":
        labels = predictions.LabelColumns(data.label_columns, data.separator)
    predictions.check_truth(truth, key=data.key, target=data.target, task=model.task, labels=labels)
    with TemporaryDirectory(prefix="modelrail-features-") as folder:
        features = Path(folder) / f"features{tables.kind(source)}"
        tables.copy_without(source, features, list(data.label_columns), rows=rows)
        yield predictor.Question(
            features=features,
            test=test,
            truth=truth,
            key=data.key,
            target=data.target,
            group=data.group,
            task=model.task,
            positive=model.positive,
            labels=labels,
            shard="" if shard is None else str(shard),
        )


def _rows(shard: Shard, source: Path) -> tuple[int, int]:
    total = tables.count(source)
    if total < shard.of:
        raise DataError(f"The test set has {total:,} rows: too few for {shard.of:,} shards.")
    return shard.rows(total)


def workspace_side(
    model: config.Model, candidate: records.Candidate, folder: Path, settings: Settings, git: Git
) -> predictor.Side:
    """The candidate that was just trained here. Raises RecordError when the code is another one by now."""
    root = settings.workspace
    head = git.head()
    mark = candidate.fingerprint
    if git.tree(head, model.path) != mark.code:
        raise RecordError(
            f"The candidate of {model.name} was trained at {mark.commit[:10]}; the code here is {head[:10]}.",
            next="Run `modelrail train` again.",
        )
    # Predictions may rest on any file of the repository, on a module that was not added yet as well.
    clean = not (mark.dirty or inputs.edited(model, root, git) or git.has_untracked(".py"))
    return predictor.Side(
        role="candidate",
        name=f"The candidate of {model.name}",
        model=model,
        root=root,
        environment=environments.prepare(model, root, settings),
        path=model_files.locate(candidate.file, folder),
        file=candidate.file,
        code=git.tree(head) if clean else None,
    )


@contextlib.contextmanager
def registered_side(
    role: str,
    registered: Registered,
    *,
    model: str,
    path: Path,
    config_file: str,
    settings: Settings,
    git: Git,
    needs: tuple[str, ...] = (),
) -> Iterator[predictor.Side]:
    """A registered version: the files, the configuration and the environment of its own commit.

    `needs`: what today's configuration says is read beside the tables; that commit's own may not know it yet.
    """
    from modelrail.config import check as config_check

    name = f"The {role} {registered.version} of {model}"
    commit = registered.commit
    text = git.file_at(commit, config_file)
    if text is None:
        raise PredictionError(f"{name} has no {config_file} at its commit {commit[:10]}.")
    its_config = config_check.parse(text.decode("utf-8", "replace"), f"{config_file} at {commit[:10]}")
    own = its_config.model(model)
    if own is None:
        raise PredictionError(f"{name} is not in {config_file} at its commit {commit[:10]}.")
    file = records.ModelFile(
        name=path.name,
        digest=registered.model_digest,
        size=path.stat().st_size,
        format=model_files.format_of(path.name, predict=own.predict),
    )
    with git.worktree(commit) as tree:
        inputs.pull_beside(own, tree, settings, needs)
        yield predictor.Side(
            role=role,
            name=name,
            model=own,
            root=tree,
            environment=environments.prepare(own, tree, settings),
            path=path,
            file=file,
            code=git.tree(commit),
        )


@contextlib.contextmanager
def as_baseline(version: str) -> Iterator[None]:
    """A baseline that cannot be scored blocks, and is told apart from one that does not exist (fault 15)."""
    try:
        yield
    except ModelrailError as error:
        raise PredictionError(
            f"The baseline {version} exists and cannot be scored: {error.what}",
            why=error.why,
            next=error.next
            or "Nothing can be compared until it can. Roll back to a version that can be scored.",
            path=error.path,
            file=error.file,
            tail=error.tail,
        ) from error


def scored(
    side: predictor.Side, answer: predictor.Answer, folder: Path, *, version: str | None, commit: str
) -> records.Scored:
    return records.Scored(
        role="baseline" if side.role == "baseline" else "candidate",
        version=version,
        commit=commit,
        model_digest=side.file.digest,
        predictions=kept_tables.store(answer.frame, side.role, folder),
        seconds=round(answer.seconds, 3),
        cached=answer.cached,
    )
