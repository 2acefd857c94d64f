"""`modelrail score-sealed`: candidate and baseline on the sealed test set, and the verdict.

Runs where the sealed data can be read, from the default branch, and runs no code of a pull request: of the
other run it takes record files and one model file, under limits. Configuration, gates and environment are
those of this checkout; what the other run said of its own scores is thrown away.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from modelrail import __version__, records
from modelrail.adapters import files, git
from modelrail.adapters.actions_io import outputs, say
from modelrail.commands import _context, _options, _verbs
from modelrail.config import resolved as modelrail_config
from modelrail.errors import ModelrailError, NotFoundError, RecordError

if TYPE_CHECKING:
    from modelrail.adapters.registry import versions
    from modelrail.adapters.running import predictor

EPILOG = """\b
Example:
  modelrail score-sealed --against production
"""
NOTE = (
    "The test set is sealed: gates, slices, metrics and environment are those of the default branch at {}, "
    "whatever this change makes of them."
)
_RANK = {"fail": 0, "inconclusive": 1, "pass": 2}
# What the other run may have left in place of a verdict. None of it is looked at.
_CLAIMS: tuple[type[records.Record], ...] = (
    records.Evaluation, records.Comparison, records.Evidence, records.Lineage, records.Places, records.Plots,
    *records.EXTRAS,
)  # fmt: skip


@click.command("score-sealed", epilog=EPILOG)
@click.option(
    "--against", default="production", show_default=True, metavar="STAGE", help="The stage of the baseline."
)
@_options.config
@_options.models
@_options.out
@_options.as_json
@_options.dry_run
def command(
    against: str, config: str, models: tuple[str, ...], out: str, as_json: bool, dry_run: bool
) -> None:
    """Score candidate and baseline on the sealed test set, and apply the gates.

    For the models whose test set is sealed. Loads .onnx and .skops files by built-in predictors and runs
    nothing else. Under `workflow_run` the candidate is the other run's. The exit code does not follow the
    verdict.
    """
    whole = _context.open_context(config, models, out)
    sealed = tuple(model for model in whole.models if model.data.sealed is not None)
    context = structs.replace(whole, models=sealed)
    if dry_run:
        for model in sealed:
            say(f"{model.name}: would score the candidate on the sealed {model.data.sealed}")
        return
    other = _other_run(context)
    refused = _take(context, other) if other is not None else None
    made: dict[str, records.Comparison] = {}

    def one(model: modelrail_config.Model) -> dict[str, object]:
        folder = context.folder(model)
        _verbs.discard(folder, *_CLAIMS)
        if refused is not None:
            raise refused
        found = _score(model, context, against, config, trusted=other is None)
        made[model.name] = found
        (folder / records.Sealed.FILE).unlink(missing_ok=True)
        say(f"{model.name}: {found.verdict} ({found.rows:,} sealed rows)")
        return {"verdict": found.verdict, "rows": found.rows, "headline": found.headline}

    found, error = _verbs.each(context, "score-sealed", one)
    if as_json:
        click.echo(json.dumps({"models": found}, indent=2, ensure_ascii=False))
    if sealed:
        verdicts = [comparison.verdict for comparison in made.values()]
        worst = min(verdicts, key=_RANK.__getitem__, default="fail")
        outputs(context.settings, {"verdict": worst if error is None else "fail"})
    if error is not None:
        raise error


def _other_run(context: _context.Context) -> Mapping[str, Any] | None:
    if context.settings.event_name != "workflow_run":
        return None
    found = context.settings.event.get("workflow_run")
    if not isinstance(found, Mapping) or found.get("event") != "pull_request":
        raise RecordError("The run that finished was not of a pull request: nothing of it is scored.")
    return found


def _take(context: _context.Context, other: Mapping[str, Any]) -> ModelrailError | None:
    """The other run's records and candidates, below `out`; why not, when they are refused."""
    from modelrail.adapters import sealed
    from modelrail.adapters.github import artifact
    from modelrail.adapters.github import client as github
    from modelrail.adapters.running import model_files

    if context.out.exists():
        raise RecordError(
            f"{context.out.name} is there already.",
            next="The default branch must not hold it: nothing here may come from another place.",
        )
    client, run_id = github.connect(context.settings), int(other["id"])
    try:
        artifact.take(client, run_id, context.out)
        wanted = {}
        for model in context.models:
            folder, name = context.folder(model), Path(model.model).name
            if files.exists(records.Candidate, folder):
                wanted[f"{folder.name}/{model_files.FOLDER}/{name}"] = folder / model_files.FOLDER / name
        if wanted:
            artifact.take_files(client, run_id, artifact.MODEL, wanted, sealed.MAX_MODEL)
    except (RecordError, NotFoundError) as error:
        return error
    return None


def _score(
    model: modelrail_config.Model, context: _context.Context, against: str, config_file: str, *, trusted: bool
) -> records.Comparison:
    from modelrail.adapters import evaluation, sealed
    from modelrail.adapters.data import kept_tables
    from modelrail.adapters.registry import versions
    from modelrail.adapters.running import environments, predictor
    from modelrail.core.comparison import compare
    from modelrail.core.policy import circumstances, since_baseline
    from modelrail.core.policy import rules as policy
    from modelrail.core.registry import lineage

    settings, folder = context.settings, context.folder(model)
    if model.stage(against) is None:
        raise NotFoundError(f"{model.name} has no stage {against!r}.", file=config_file)
    candidate = _candidate(folder, model.name)
    path = sealed.candidate_file(model, candidate, folder)
    repository = git.open_repository(settings)
    commit = repository.head()
    state = versions.state(repository, model.name, settings)
    standing = versions.standing(state, against)
    side = predictor.Side(
        role="candidate",
        name=f"The candidate of {model.name}",
        model=model,
        root=settings.workspace,
        environment=environments.prepare(model, settings.workspace, settings),
        path=path,
        file=candidate.file,
        code=None,  # no cache: sealed rows leave nothing behind
    )
    with (
        sealed.question(model, commit, settings, repository) as question,
        tempfile.TemporaryDirectory(prefix="modelrail-sealed-") as place,
    ):
        work = Path(place)
        truth = kept_tables.store(question.truth, "truth", work)
        answer = predictor.score(side, question, settings)
        theirs = _baseline(model, context, standing, question, config_file, repository)
        scored = None
        if theirs is not None and standing.registered is not None:
            scored = evaluation.scored(
                theirs[0], theirs[1], work, version=standing.ref.version, commit=standing.registered.commit
            )
        record = records.Evaluation(
            model=model.name,
            task=model.task,
            test=question.test,
            truth=truth,
            candidate=evaluation.scored(
                side, answer, work, version=None, commit=candidate.fingerprint.commit
            ),
            baseline=scored,
            baseline_ref=standing.ref,
            run=_verbs.run_ref(settings),
            # What a stranger's record says of its own changes would choose the gates that apply.
            changed=since_baseline.changed(candidate, question.test.digest, standing.registered, None)
            if trusted
            else None,
            test_before=since_baseline.test_before(standing.registered),
            test_uses=since_baseline.test_uses(state.versions.values(), question.test.digest),
        )
        comparison = compare.compare(
            model,
            record,
            evaluation_digest=files.write(record, folder),
            truth=question.truth,
            candidate=answer.frame,
            baseline=theirs[1].frame if theirs else None,
            policy=records.PolicyRef(
                commit=commit, digest=policy.digest(model), changed=False, source="base"
            ),
            notes=(NOTE.format(commit[:7]),),
            around=circumstances.Around(today=dt.datetime.now(dt.UTC).date()),
        )
    files.write(comparison, folder)  # and no pictures: their points would tell labels one by one
    if model.metrics:
        files.write(lineage.build(state, model.metrics[0].label, against), folder)
    evidence = records.Evidence(
        model=model.name,
        candidate=candidate,
        data=None,
        evaluation=record,
        comparison=comparison,
        modelrail=__version__,
    )
    files.write(evidence, folder)
    return comparison


def _candidate(folder: Path, model: str) -> records.Candidate:
    """The record of the training; a failure before it is told on."""
    if files.exists(records.Failure, folder):
        failure = files.read(records.Failure, folder)
        if failure.command != "score-sealed":
            raise RecordError(
                f"{failure.command} of {model} failed: {failure.what}"[:1000],
                why=failure.why,
                next=failure.next or "Look at the log of the run that trained.",
                tail=failure.tail,
            )
    return files.read(records.Candidate, folder)


def _baseline(
    model: modelrail_config.Model,
    context: _context.Context,
    standing: versions.Standing,
    question: predictor.Question,
    config_file: str,
    repository: git.Git,
) -> tuple[predictor.Side, predictor.Answer] | None:
    from modelrail.adapters import evaluation, sealed
    from modelrail.adapters.registry import versions
    from modelrail.adapters.running import predictor
    from modelrail.core.rows import definitions

    settings, registered = context.settings, standing.registered
    if registered is None:
        return None
    with (
        evaluation.as_baseline(registered.version),
        tempfile.TemporaryDirectory(prefix="modelrail-baseline-") as parent,
        evaluation.registered_side(
            "baseline",
            registered,
            model=model.name,
            path=versions.model_file(repository, registered, settings, Path(parent)),
            config_file=config_file,
            settings=settings,
            git=repository,
        ) as found,
    ):
        sealed.check_side(found)
        definitions.same_question(model, found.model, question.truth[model.data.target])
        side = dataclasses.replace(found, code=None)
        return side, predictor.score(side, question, settings)
