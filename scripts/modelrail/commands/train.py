"""`modelrail train`: the candidate, in the user's environment, with everything it is a function of."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelrail import records
from modelrail.adapters import files, git
from modelrail.adapters.actions_io import say
from modelrail.adapters.running import environments, model_files
from modelrail.adapters.running import tracking as tracker
from modelrail.commands import _context, _options, _outputs, _verbs
from modelrail.config import resolved as modelrail_config
from modelrail.core.registry.tags import one_line

NAMED = 5  # files that differ from the commit

EPILOG = """\b
Example:
  modelrail train --model delay
"""


@click.command("train", epilog=EPILOG)
@_options.config
@_options.models
@_options.out
@click.option(
    "--tracking/--no-tracking",
    default=None,
    help="Log to MLflow (MLFLOW_TRACKING_URI, else an SQLite file in --out); default: if MLflow is there.",
)
@_options.as_json
@_options.dry_run
def command(
    config: str, models: tuple[str, ...], out: str, tracking: bool | None, as_json: bool, dry_run: bool
) -> None:
    """Train the candidate in the user's environment.

    Runs the `train` command in the model's folder, with the environment of `env`, without tokens. Writes
    candidate.json and a copy of the model file into the records folder.
    """
    context = _context.open_context(config, models, out)

    def one(model: modelrail_config.Model) -> dict[str, object]:
        return _plan(model, context) if dry_run else _train(model, context, tracking)

    found, error = _verbs.each(context, "train", one, record=not dry_run)
    if not dry_run:
        names = {"model-path": "model_path", "model-digest": "model_digest", "run-id": "run_id"}
        by_model = {
            model: {name: str(result[key]) for name, key in names.items()} for model, result in found.items()
        }
        _outputs.tell(context.settings, by_model)
    if as_json:
        click.echo(json.dumps({"models": found}, indent=2, ensure_ascii=False))
    if error is not None:
        raise error


def _plan(model: modelrail_config.Model, context: _context.Context) -> dict[str, object]:
    model_files.check_name(model)
    environment = model.env or "the python3 on PATH"
    writes = [
        _verbs.shown(context.folder(model) / name, context)
        for name in ("candidate.json", f"{model_files.FOLDER}/{Path(model.model).name}")
    ]
    say(
        f"{model.name}: would run `{model.train}` in {model.path} with {environment};"
        f" writes {', '.join(writes)}"
    )
    return {"folder": model.path, "environment": environment, "command": model.train, "writes": writes}


def _train(
    model: modelrail_config.Model, context: _context.Context, tracking: bool | None
) -> dict[str, object]:
    settings, folder = context.settings, context.folder(model)
    repository = git.open_repository(settings)
    repository.head()  # a training outside Git has no fingerprint: said before the work, not after
    model_files.check_name(model)
    _verbs.discard(folder, records.Candidate, records.Evaluation, records.Comparison, records.Evidence)
    opened = tracker.open_run(
        settings, context.out, model.name, {"modelrail.model": model.name}, wanted=tracking
    )
    try:
        candidate = _run(model, context, repository, opened)
        files.write(candidate, folder)
    except BaseException:
        if opened is not None:
            opened.fail()
        raise
    finally:
        if opened is not None:
            opened.close()
    say(
        f"✓ {model.name}: trained in {candidate.train_seconds:.1f} s,"
        f" {candidate.file.name} ({candidate.file.size:,} bytes)"
    )
    run_id = candidate.tracking.run_id if candidate.tracking else ""
    path = _verbs.shown(folder / model_files.FOLDER / candidate.file.name, context)
    return {
        "model_path": path,
        "model_digest": candidate.file.digest,
        "run_id": run_id,
        "metrics": candidate.metrics,
        "seconds": candidate.train_seconds,
        "record": _verbs.shown(folder / records.Candidate.FILE, context),
    }


def _run(
    model: modelrail_config.Model,
    context: _context.Context,
    repository: git.Git,
    opened: tracker.Tracker | None,
) -> records.Candidate:
    from modelrail.adapters.running import inputs, training

    settings, root = context.settings, context.settings.workspace
    inputs.pull(model, root, settings, train=True)
    values = inputs.parameters(model, root)
    environment = environments.prepare(model, root, settings)
    fingerprint = inputs.fingerprint(model, root, repository, environment, values)
    if fingerprint.dirty:
        edited = inputs.edited(model, root, repository, model.path)
        say(f"⚠ {model.name}: trained from what no commit holds, so it cannot be registered: {_some(edited)}")
    say(f"{model.name}: {model.train}")
    seconds = training.run(model, root, environment, settings, opened.environ() if opened else {})
    reported = training.metrics(model, root)
    candidate = records.Candidate(
        model=model.name,
        fingerprint=fingerprint,
        file=model_files.copy(model, inputs.place(model, root, model.model), context.folder(model)),
        params=values,
        packages=environments.packages(environment, settings),
        metrics=reported,
        train_seconds=round(seconds, 3),
        tracking=opened.run if opened else None,
        run=_verbs.run_ref(settings),
    )
    if opened is not None:
        opened.finish(params=values, metrics=reported, tags=_tags(candidate))
    return candidate


def _some(names: list[str]) -> str:
    """The first of them, each as one inert line."""
    first = ", ".join(one_line(name, 120) for name in names[:NAMED])
    return first if len(names) <= NAMED else f"{first} and {len(names) - NAMED} more"


def _tags(candidate: records.Candidate) -> dict[str, str]:
    """What leads from an MLflow run back to Git; the first is MLflow's own name for the commit."""
    mark = candidate.fingerprint
    found = {
        "mlflow.source.git.commit": mark.commit,
        "modelrail.commit": mark.commit,
        "modelrail.code": mark.code,
        "modelrail.dirty": str(mark.dirty).lower(),
        "modelrail.data_digest": mark.train.digest if mark.train else "",
        "modelrail.test_digest": mark.test.digest,
        "modelrail.params_digest": mark.params or "",
        "modelrail.environment": mark.environment,
        "modelrail.model_digest": candidate.file.digest,
        "modelrail.model_file": candidate.file.name,
        "modelrail.run": candidate.run.url,
    }
    return {key: value for key, value in found.items() if value}
