"""`modelrail compare`: the metrics of both models on the same rows, the gates, the verdict."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import msgspec

from modelrail import __version__, records
from modelrail.adapters import code_changes, files, git
from modelrail.adapters.actions_io import say
from modelrail.commands import _base, _context, _options, _outputs, _verbs
from modelrail.config import resolved as modelrail_config
from modelrail.errors import GateError, ModelrailError, NotFoundError, RecordError

if TYPE_CHECKING:
    import polars as pl

EPILOG = """\b
Examples:
  modelrail compare
  modelrail compare --model delay --policy-ref "$(git rev-parse origin/main)" --fail-on never
"""

_ORDER = {"pass": 0, "inconclusive": 1, "fail": 2}


@click.command("compare", epilog=EPILOG)
@click.option(
    "--policy-ref",
    default="",
    metavar="COMMIT",
    help="Read the policy from modelrail.yaml of this commit; default: the base of the pull request, else the"
    " working tree.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["verdict", "never"]),
    default="verdict",
    show_default=True,
    help="`verdict`: exit 4 unless every verdict is pass.",
)
@_options.config
@_options.models
@_options.out
@_options.as_json
@_options.dry_run
def command(
    policy_ref: str,
    fail_on: str,
    config: str,
    models: tuple[str, ...],
    out: str,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Compare candidate and baseline on the same rows, and apply the gates.

    Reads evaluation.json and the prediction tables that it names; writes comparison.json and evidence.json.
    Verdicts are pass, fail or inconclusive; only pass promotes.
    """
    context = _context.open_context(config, models, out)
    made: dict[str, records.Comparison] = {}

    def one(model: modelrail_config.Model) -> dict[str, object]:
        if model.data.sealed is not None:
            say(f"{model.name}: the test set is sealed; `modelrail score-sealed` compares.")
            return {}
        comparison = _compare(model, context, policy_ref, config, write=not dry_run)
        made[model.name] = comparison
        if not as_json:
            click.echo(_text(comparison, context, model) + "\n", nl=False)
        found: dict[str, object] = msgspec.to_builtins(comparison)
        return found

    found, error = _verbs.each(context, "compare", one, record=not dry_run)
    if as_json:
        click.echo(json.dumps({"models": found}, indent=2, ensure_ascii=False))
    if made:
        worst = max(made.values(), key=lambda comparison: _ORDER[comparison.verdict])
        verdict = worst.verdict if error is None else "fail"
        by_model = {
            model.name: _told(made[model.name], context, model) if model.name in made else {"verdict": "fail"}
            for model in context.models
        }
        _outputs.tell(
            context.settings,
            by_model,
            {"verdict": verdict, "report-path": _report_path(context, list(made))},
        )
    if error is not None:
        raise error
    stopped = [comparison for comparison in made.values() if comparison.verdict != "pass"]
    if stopped and fail_on == "verdict":
        raise _gate_error(stopped)


def _told(
    comparison: records.Comparison, context: _context.Context, model: modelrail_config.Model
) -> dict[str, str | int | bool]:
    """One model in the output `models`."""
    return {
        "verdict": comparison.verdict,
        "rows": comparison.rows,
        "report-path": _verbs.shown(context.folder(model) / records.Comparison.FILE, context),
    }


def _text(comparison: records.Comparison, context: _context.Context, model: modelrail_config.Model) -> str:
    """What the report shows of it, for a terminal."""
    from modelrail.commands import _terminal
    from modelrail.report import text, view

    folder = context.folder(model)
    history = files.read(records.Lineage, folder) if files.exists(records.Lineage, folder) else None
    found = view.ModelRecords(
        model=model.name,
        candidate=files.read(records.Candidate, folder),
        evaluation=files.read(records.Evaluation, folder),
        comparison=comparison,
        history=history,
    )
    return text.text(view.build([found], view.Run()), _terminal.style(context.settings))


def _gate_error(stopped: list[records.Comparison]) -> GateError:
    first = stopped[0]
    row = next((row for row in first.gates if row.blocks and row.outcome == first.verdict), None)
    word = "fails its gates" if first.verdict == "fail" else "cannot be judged on these rows"
    others = f" ({len(stopped) - 1} more like it)" if len(stopped) > 1 else ""
    return GateError(
        f"{first.model} {word}{others}.",
        why=first.headline,
        next="It is not promoted. `--fail-on never` leaves the verdict to a later step.",
        path=row.path if row else "",
    )


def _report_path(context: _context.Context, models: list[str]) -> str:
    if len(models) != 1:
        return _verbs.shown(context.out, context)
    return _verbs.shown(files.folder(context.out, models[0]) / records.Comparison.FILE, context)


def _compare(
    model: modelrail_config.Model,
    context: _context.Context,
    policy_ref: str,
    config_file: str,
    *,
    write: bool,
) -> records.Comparison:
    from modelrail.core.comparison import compare
    from modelrail.core.policy import circumstances

    folder = context.folder(model)
    if write:
        _verbs.discard(
            folder,
            records.Comparison,
            records.Evidence,
            records.Places,
            records.Plots,
            records.CodeChanges,
        )
    from modelrail.adapters import shards

    evaluation = shards.merge(folder) or files.read(records.Evaluation, folder)
    candidate = files.read(records.Candidate, folder)
    _belong_together(model, evaluation, candidate)
    judged, policy, notes, changes = _policy(
        model, context, policy_ref, config_file, set(evaluation.truth.columns)
    )
    data = files.read(records.DataReport, folder) if files.exists(records.DataReport, folder) else None
    around = circumstances.Around(
        today=dt.datetime.now(dt.UTC).date(),
        labels=_labels(context),
        data=data,
        policy_changes=changes,
    )
    wanted = set(compare.columns(judged))
    from modelrail.adapters.running import user_metrics

    repository = git.open_repository(context.settings)
    with user_metrics.runner(judged, policy, context.settings, repository) as user:
        truth = _table("truth", evaluation.truth, folder, wanted)
        ours = _table("candidate", evaluation.candidate.predictions, folder)
        scored = evaluation.baseline
        theirs = None if scored is None else _table("baseline", scored.predictions, folder)
        comparison = compare.compare(
            judged,
            evaluation,
            evaluation_digest=files.digest_file(folder / records.Evaluation.FILE),
            truth=truth,
            candidate=ours,
            baseline=theirs,
            policy=policy,
            notes=notes,
            reported=candidate.metrics,
            user=user,
            around=around,
            beside={
                scored.label or scored.version or str(index): _table(
                    f"other-{index}", scored.predictions, folder
                )
                for index, scored in enumerate(evaluation.others)
            },
        )
    if write:
        digest = files.write(comparison, folder)
        _plots(judged, digest, truth, ours, theirs, folder)
        _places(model, context, config_file, comparison, folder)
        code = code_changes.find(repository, model, evaluation, candidate)
        if code is not None:
            files.write(code, folder)
        files.write(
            records.Evidence(
                model=model.name,
                candidate=candidate,
                data=data,
                evaluation=evaluation,
                comparison=comparison,
                modelrail=__version__,
            ),
            folder,
        )
    say(f"{model.name}: {comparison.verdict} ({comparison.rows:,} rows, {len(comparison.gates)} gates)")
    return comparison


def _plots(
    model: modelrail_config.Model,
    digest: str,
    truth: pl.DataFrame,
    candidate: pl.DataFrame,
    baseline: pl.DataFrame | None,
    folder: Path,
) -> None:
    """What the report's pictures are drawn from. They decide nothing: without them it has its tables."""
    from modelrail.core.comparison import plots

    try:
        files.write(plots.plots(model, digest, truth, candidate, baseline), folder)
    except ModelrailError as error:
        say(f"{model.name}: no pictures: {error.what}")


def _places(
    model: modelrail_config.Model,
    context: _context.Context,
    config_file: str,
    comparison: records.Comparison,
    folder: Path,
) -> None:
    """The lines of the gates in this commit's file: the report's annotations stand there."""
    from modelrail.config import lines as config_lines

    path = context.settings.workspace / config_file
    text = path.read_text(encoding="utf-8-sig")
    lines = config_lines.lines(text, config_file, (gate.path for gate in comparison.gates))
    files.write(records.Places(model=model.name, file=files.in_repository(path), lines=lines), folder)


# --- what is compared ------------------------------------------------------------------------------------


def _belong_together(
    model: modelrail_config.Model, evaluation: records.Evaluation, candidate: records.Candidate
) -> None:
    """Records of one model, one task and one candidate file; otherwise something ran in between."""
    again = "Run `modelrail evaluate` again."
    if {evaluation.model, candidate.model} != {model.name}:
        raise RecordError(
            f"The records of {model.name} are about {evaluation.model} and {candidate.model}.", next=again
        )
    if evaluation.task != model.task:
        raise RecordError(
            f"{model.name} was evaluated as {evaluation.task}; modelrail.yaml says {model.task}.", next=again
        )
    if evaluation.candidate.model_digest != candidate.file.digest:
        raise RecordError(
            f"The candidate of {model.name} is not the one that was evaluated.",
            why=f"It has {candidate.file.digest}; evaluated was {evaluation.candidate.model_digest}.",
            next=again,
        )


def _table(
    role: str, predictions: records.Predictions, folder: Path, wanted: set[str] | None = None
) -> pl.DataFrame:
    """A prediction table, its digest checked first. Raises RecordError when it is not the evaluated one."""
    from modelrail.adapters.data import kept_tables, tables

    path = kept_tables.place(folder, role)
    if path.is_symlink() or not path.is_file():
        raise RecordError(
            f"{path} does not exist.", next="Run `modelrail evaluate` again; it writes the tables."
        )
    digest = files.digest_file(path)
    if digest != predictions.digest:
        raise RecordError(
            f"{path.name} is not the table that was evaluated.",
            why=f"evaluation.json names {predictions.digest}; the file has {digest}.",
            next="Run `modelrail evaluate` again.",
        )
    present = tables.columns(path)
    table = tables.Stored(path, [name for name in present if wanted is None or name in wanted])
    if table.height != predictions.rows:
        raise RecordError(
            f"{path.name} has {table.height:,} rows; evaluation.json says {predictions.rows:,}."
        )
    return cast("pl.DataFrame", table)  # as much of one as a comparison asks for


# --- by whose rules --------------------------------------------------------------------------------------


def _policy(
    head: modelrail_config.Model,
    context: _context.Context,
    policy_ref: str,
    config_file: str,
    columns: set[str],
) -> tuple[modelrail_config.Model, records.PolicyRef, tuple[str, ...], tuple[str, ...]]:
    """The model as the policy judges it, where that was read, notes, and what the change does to it."""
    from modelrail.core.policy import changes as policy_changes
    from modelrail.core.policy import rules as policy

    repository = git.open_repository(context.settings)
    base_commit = policy_ref or _base.commit(context)
    own = policy.digest(head)
    if not base_commit:
        ref = records.PolicyRef(commit=repository.head(), digest=own, changed=False, source="head")
        return head, ref, (), ()
    if policy_ref and not re.fullmatch("[0-9a-f]{40}", policy_ref):  # a full id may have to be fetched first
        base_commit = _commit(repository, policy_ref)
    base = _base.model(repository, base_commit, config_file, head.name)
    if base is None:
        ref = records.PolicyRef(commit=repository.head(), digest=own, changed=True, source="head")
        return (
            head,
            ref,
            (f"The base commit has no policy for {head.name}: this change's own gates were applied.",),
            (),
        )
    judged, notes = policy.apply(head, base, columns)
    digest = policy.digest(base)
    ref = records.PolicyRef(commit=base_commit, digest=digest, changed=digest != own, source="base")
    if ref.changed:
        notes = ("This change edits the policy; the gates of the base commit were applied.", *notes)
    return judged, ref, notes, policy_changes.changes(base, head) if ref.changed else ()


def _commit(repository: git.Git, name: str) -> str:
    """The commit that a branch, tag or short id means here. Raises NotFoundError."""
    done = repository.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if done.returncode:
        raise NotFoundError(
            f"--policy-ref {name!r} names no commit of this clone.",
            next="Give a full commit id, which is fetched where it is missing, or fetch the branch first.",
        )
    return done.stdout.decode().strip()


def _labels(context: _context.Context) -> frozenset[str] | None:
    """The labels of the pull request; None outside of one, where nobody knows them."""
    pull_request = context.settings.pull_request
    found = pull_request.get("labels") if pull_request is not None else None
    if not isinstance(found, list):
        return None
    return frozenset(str(one["name"]) for one in found if isinstance(one, dict) and "name" in one)
