"""`modelrail evaluate`: candidate and baseline on the same rows of today's test set."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelrail import records
from modelrail.adapters import files, git
from modelrail.adapters.actions_io import say
from modelrail.commands import _base, _context, _options, _others, _outputs, _sealed, _verbs
from modelrail.config import resolved as modelrail_config
from modelrail.errors import GitError, NotFoundError

if TYPE_CHECKING:
    from modelrail.adapters import shards
    from modelrail.adapters.registry import versions
    from modelrail.adapters.running import predictor
    from modelrail.core.registry.history import ModelState, Registered

EPILOG = """\b
Examples:
  modelrail evaluate --model delay
  modelrail evaluate delay@v1.3.0 --against production
  modelrail evaluate --shard 2/8
"""


@click.command("evaluate", epilog=EPILOG)
@_options.argument("selector", "evaluate", required=False, metavar="[SELECTOR]")
@click.option(
    "--against", default="production", show_default=True, metavar="STAGE", help="The stage of the baseline."
)
@click.option(
    "--shard",
    default="",
    metavar="I/N",
    help="Score the I-th of N equal parts of the test set; `compare` puts the parts together.",
)
@_options.config
@_options.models
@_options.out
@_options.as_json
@_options.dry_run
def command(
    selector: str | None,
    against: str,
    shard: str,
    config: str,
    models: tuple[str, ...],
    out: str,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Score candidate and baseline on the same rows.

    The predictor gets the test set without its label column. The baseline runs from its own commit, in its
    own environment. With SELECTOR a registered version is scored again in the candidate's place. Writes
    evaluation.json and the prediction tables.
    """
    from modelrail.adapters import shards
    from modelrail.core.registry import selectors

    part = shards.parse(shard)
    if shard and part is None:
        raise click.BadParameter("write it as 2/8: the second of eight parts.", param_hint="--shard")
    chosen = selectors.parse(selector) if selector else None
    context = _context.open_context(config, [chosen.model] if chosen else models, out)

    def one(model: modelrail_config.Model) -> dict[str, object]:
        if model.stage(against) is None:
            raise NotFoundError(
                f"{model.name} has no stage {against!r}.",
                next=f"It has: {', '.join(stage.name for stage in model.stages) or 'none'}.",
                path=f"models.{model.name}.stages",
                file=config,
            )
        return _evaluate(model, context, against, chosen, config, shard=part, dry_run=dry_run)

    def place(model: modelrail_config.Model) -> Path:
        folder = context.folder(model)
        return folder if part is None else part.place(folder)

    found, error = _verbs.each(context, "evaluate", one, record=not dry_run, place=place)
    if not dry_run:
        _outputs.tell(
            context.settings,
            {
                model: {
                    "baseline-version": str(result["baseline_version"]),
                    "rows": int(str(result["rows"])),
                }
                for model, result in found.items()
                if "rows" in result  # else sealed: scored elsewhere
            },
        )
    if as_json:
        click.echo(json.dumps({"models": found}, indent=2, ensure_ascii=False))
    if error is not None:
        raise error


def _evaluate(
    model: modelrail_config.Model,
    context: _context.Context,
    against: str,
    selector: object,
    config_file: str,
    *,
    shard: shards.Shard | None,
    dry_run: bool,
) -> dict[str, object]:
    from modelrail.adapters import evaluation
    from modelrail.adapters import shards as shards_of
    from modelrail.adapters.data import kept_tables
    from modelrail.adapters.registry import versions
    from modelrail.core.policy import since_baseline
    from modelrail.core.registry import lineage

    if model.data.sealed is not None:
        return _sealed.leave(model, context, dry_run=dry_run)
    settings, own = context.settings, context.folder(model)
    folder = own if shard is None else shard.place(own)
    repository = git.open_repository(settings)
    state = versions.state(repository, model.name, settings)
    standing = versions.standing(state, against)
    if dry_run:
        baseline = standing.ref.version or "no baseline"
        say(f"{model.name}: would score {selector or 'the candidate'} and {baseline} on {model.data.test}")
        return {"baseline_version": standing.ref.version or "", "test": model.data.test}
    if shard is None and (own / shards_of.FOLDER).is_dir():
        shutil.rmtree(own / shards_of.FOLDER)  # of an earlier evaluation
    _verbs.discard(
        folder, records.Evaluation, records.Comparison, records.Evidence, records.Lineage, records.Places
    )
    with contextlib.ExitStack() as stack:
        version, candidate, side = _candidate(model, context, state, selector, config_file, repository, stack)
        question = stack.enter_context(
            evaluation.question(
                model,
                settings.workspace,
                settings,
                repository,
                shard,
                also=_base.columns(model, context, repository, config_file),
            )
        )
        truth = kept_tables.store(question.truth, "truth", folder)
        from modelrail.adapters.running import predictor

        answer = predictor.score(side, question, settings)
        ours = evaluation.scored(side, answer, folder, version=version, commit=candidate.fingerprint.commit)
        theirs = _baseline(model, context, standing, question, config_file, repository, folder)
        record = records.Evaluation(
            model=model.name,
            task=model.task,
            test=question.test,
            truth=truth,
            candidate=ours,
            baseline=theirs,
            baseline_ref=standing.ref,
            run=_verbs.run_ref(settings),
            shard="" if shard is None else str(shard),
            changed=since_baseline.changed(
                candidate,
                question.test.digest,
                standing.registered,
                _code(standing.registered, model, repository),
            ),
            test_before=since_baseline.test_before(standing.registered),
            test_uses=since_baseline.test_uses(state.versions.values(), question.test.digest),
            others=_others.score(model, state, question, repository, settings, config_file, folder),
        )
        files.write(record, folder)
        if model.metrics:
            files.write(lineage.build(state, model.metrics[0].label, against), folder)
    baseline = f"against {standing.ref.version} ({against})" if theirs else f"no version is in {against}"
    say(f"✓ {model.name}: {truth.rows:,} rows scored, {baseline}")
    return {
        "baseline_version": standing.ref.version or "",
        "rows": truth.rows,
        "candidate_cached": ours.cached,
        "baseline_cached": theirs.cached if theirs else False,
        "record": _verbs.shown(folder / records.Evaluation.FILE, context),
    }


def _code(registered: Registered | None, model: modelrail_config.Model, repository: git.Git) -> str | None:
    """The baseline's code, when the model's folder is still the same one."""
    if registered is None:
        return None
    try:
        return repository.tree(registered.commit, model.path)
    except GitError:
        return None


def _candidate(
    model: modelrail_config.Model,
    context: _context.Context,
    state: ModelState,
    selector: object,
    config_file: str,
    repository: git.Git,
    stack: contextlib.ExitStack,
) -> tuple[str | None, records.Candidate, predictor.Side]:
    """The candidate of this workspace, or the registered version that the selector means."""
    from modelrail.adapters import evaluation
    from modelrail.adapters.registry import versions
    from modelrail.adapters.running import model_files
    from modelrail.core.registry import selectors

    settings, folder = context.settings, context.folder(model)
    if not isinstance(selector, selectors.Selector):
        candidate = files.read(records.Candidate, folder)
        return None, candidate, evaluation.workspace_side(model, candidate, folder, settings, repository)
    registered = selectors.resolve({model.name: state}, selector).registered
    candidate = versions.restore_candidate(repository, registered, settings, folder)
    side = stack.enter_context(
        evaluation.registered_side(
            "candidate",
            registered,
            model=model.name,
            path=model_files.locate(candidate.file, folder),
            config_file=config_file,
            settings=settings,
            git=repository,
            needs=model.data.needs,
        )
    )
    return registered.version, candidate, side


def _baseline(
    model: modelrail_config.Model,
    context: _context.Context,
    standing: versions.Standing,
    question: predictor.Question,
    config_file: str,
    repository: git.Git,
    folder: Path,
) -> records.Scored | None:
    from modelrail.adapters import evaluation
    from modelrail.adapters.data import kept_tables
    from modelrail.adapters.registry import versions
    from modelrail.adapters.running import predictor
    from modelrail.core.rows import definitions

    settings = context.settings
    registered = standing.registered
    if registered is None:
        kept_tables.place(folder, "baseline").unlink(missing_ok=True)
        return None
    with (
        evaluation.as_baseline(registered.version),
        tempfile.TemporaryDirectory(prefix="modelrail-baseline-") as parent,
    ):
        path = versions.model_file(repository, registered, settings, Path(parent))
        with evaluation.registered_side(
            "baseline",
            registered,
            model=model.name,
            path=path,
            config_file=config_file,
            settings=settings,
            git=repository,
            needs=model.data.needs,
        ) as side:
            definitions.same_question(model, side.model, question.truth[model.data.label_columns[0]])
            answer = predictor.score(side, question, settings)
            return evaluation.scored(
                side, answer, folder, version=registered.version, commit=registered.commit
            )
