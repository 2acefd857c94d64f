"""`modelrail init`: modelrail.yaml, the caller workflows, and a line in .gitignore."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from modelrail import config, config_check, config_schema, settings
from modelrail.adapters import apply, look
from modelrail.adapters.actions_io import say
from modelrail.adapters.git import Git
from modelrail.commands import _options
from modelrail.core import starter
from modelrail.errors import ConflictError, UsageError
from modelrail.plans import WriteFile

EPILOG = """\b
Examples:
  modelrail init
  modelrail init --name delay --task binary --train data/train.parquet --test data/test.parquet \\
    --target late --key flight_id --train-command "python train.py" --model-file build/model.skops
"""


@click.command("init", epilog=EPILOG)
@click.option("--name", metavar="NAME", help="Name of the model; default: the folder's.")
@click.option("--path", "path", metavar="DIR", default=".", show_default=True, help="Folder of the model.")
@click.option("--task", type=click.Choice(config_schema.TASKS), help="What the model predicts.")
@click.option("--train", metavar="FILE", help="Training table; '' for none.")
@click.option("--test", metavar="FILE", help="Test table.")
@click.option("--target", metavar="COLUMN", help="Column of the label.")
@click.option("--key", metavar="COLUMN", help="Column that names a row.")
@click.option("--group", metavar="COLUMN", help="Column of groups whose rows are not independent.")
@click.option("--env", metavar="FILE", help="Requirements file of training and prediction.")
@click.option("--params", metavar="FILE", help="Parameter file.")
@click.option("--train-command", metavar="COMMAND", help="Command that trains.")
@click.option("--predict-command", metavar="COMMAND", help="Command that predicts; default: by file type.")
@click.option("--model-file", metavar="FILE", help="File that training writes.")
@click.option("--branch", metavar="NAME", help="Branch whose pushes release; default: the repository's.")
@click.option("--workflows/--no-workflows", default=True, help="Also write the caller workflows.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@_options.as_json
@_options.dry_run
def command(
    path: str,
    branch: str | None,
    workflows: bool,
    force: bool,
    as_json: bool,
    dry_run: bool,
    **options: str | None,
) -> None:
    """Write modelrail.yaml and the caller workflows into this repository.

    What is not given is read off the repository (tables, training script, requirements) or, on a terminal,
    asked for. Files that are there are never replaced without --force.
    """
    surroundings = settings.read()
    root = surroundings.workspace
    _refuse_odd_places(root, path, force=force)
    given = {key: value for key, value in options.items() if value is not None}
    answers = _answers(given, path, root)
    text = starter.render(answers, config_schema.URL)
    config_check.parse(text, config.FILE)
    for name in look.absent(root / path, (answers.train, answers.test, answers.env, answers.params)):
        say(f"Note: {name} does not exist yet.")
    wanted = {root / config.FILE: text}
    git = Git(root, environ=surroundings.environ)
    if workflows:
        release_from = branch or look.default_branch(git)
        for name, caller in look.caller_workflows().items():
            wanted[_caller_place(root, name)] = starter.caller_text(caller, release_from)
    plan = _plan(wanted, root, force=force)
    apply.apply(plan, settings=surroundings, git=git, github=None, dry_run=dry_run)
    _show(plan, root, as_json=as_json, dry_run=dry_run)


def _caller_place(root: Path, name: str) -> Path:
    """Where a caller goes: beside a workflow of the user's own that has the name already, never over it."""
    place = root / ".github" / "workflows" / name
    if place.is_file() and config_schema.REPOSITORY not in place.read_text("utf-8", "replace"):
        return place.with_name(f"model-{name}")
    return place


def _refuse_odd_places(root: Path, path: str, *, force: bool) -> None:
    top = look.top_of_repository(root)
    if top is not None and top != root:
        raise UsageError(
            "This is not the root of the repository.",
            why=f"The root is {top}; workflows and modelrail.yaml are read there.",
            next=f"Run it there; --path {root.relative_to(top).as_posix()} names this folder as the model's.",
        )
    if top is None:
        say("This folder is no Git repository yet; run `git init` before the first commit.")
    if not (root / path).is_dir():
        raise UsageError(f"The folder {path} does not exist.", next="--path names the folder of the model.")
    if (root / config.FILE).exists() and not force:
        raise ConflictError(
            f"{config.FILE} exists already.", next="Edit it, or let --force replace it.", file=config.FILE
        )


def _answers(given: Mapping[str, str], path: str, root: Path) -> starter.Answers:
    """Given options, then guesses; on a terminal every question is asked with the guess as its default."""
    found = look.look(root / path)
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    values = {"path": path, **given}
    for key, question in starter.QUESTIONS.items():
        if key in values:
            continue
        guess = starter.guesses(found, values).get(key, "")
        if key == "name":
            guess = starter.name_from((root / path).resolve().name)
        if terminal:
            values[key] = _ask(key, question, guess, found, values)
        elif guess or key == "train":
            values[key] = guess
    missing = [key for key in starter.QUESTIONS if key not in values]
    if missing:
        _refuse_missing(missing, found, values)
    values = {
        "group": "",
        "env": "",
        "params": "",
        "predict_command": "",
        **starter.guesses(found, values),
        **values,
    }
    return starter.Answers(**{key: values[key] for key in starter.Answers._fields})


def _ask(key: str, question: str, guess: str, found: starter.Found, values: Mapping[str, str]) -> str:
    kind = click.Choice(config_schema.TASKS) if key == "task" else None
    if key in {"target", "key"} and (columns := _columns(found, values)):
        say(f"Columns: {', '.join(columns)}")
    default = guess if guess or key == "train" else None
    answer: str = click.prompt(question, default=default, type=kind, show_default=bool(guess), err=True)
    return answer


def _columns(found: starter.Found, values: Mapping[str, str]) -> tuple[str, ...]:
    return found.columns.get(values.get("test", "")) or found.columns.get(values.get("train", "")) or ()


def _refuse_missing(missing: list[str], found: starter.Found, values: Mapping[str, str]) -> None:
    seen = []
    if "test" in missing and found.tables:
        seen.append(f"Tables here: {', '.join(found.tables[:10])}.")
    columns = _columns(found, values)
    if columns and {"target", "key"} & set(missing):
        seen.append(f"Columns of the table: {', '.join(columns[:40])}.")
    raise UsageError(
        f"Missing: {', '.join('--' + key.replace('_', '-') for key in missing)}.",
        why="The repository does not say, and this is not a terminal where they could be asked for.",
        next=" ".join([*seen, "`modelrail init --help` has an example."]),
    )


def _plan(wanted: Mapping[Path, str], root: Path, *, force: bool) -> tuple[WriteFile, ...]:
    """What differs from what is there. Raises ConflictError naming every file that would be replaced."""
    present = {place: place.read_text("utf-8", "replace") for place in wanted if place.is_file()}
    replaced = [place for place, text in present.items() if text != wanted[place]]
    if replaced and not force:
        names = ", ".join(place.relative_to(root).as_posix() for place in replaced)
        raise ConflictError(f"Already there, with other content: {names}.", next="Let --force replace them.")
    plan = [
        WriteFile(path=place, text=text, overwrite=place in replaced)
        for place, text in wanted.items()
        if present.get(place) != text
    ]
    ignore = root / ".gitignore"
    lines = starter.ignore_text(ignore.read_text("utf-8") if ignore.is_file() else "")
    if lines is not None:
        plan.append(WriteFile(path=ignore, text=lines, overwrite=True))
    return tuple(plan)


NEXT = (
    f"Look through {config.FILE}; your editor knows its schema.",
    "Commit these files on a branch and open a pull request: the evaluation comments on it.",
    "Try it here first: modelrail train, then modelrail evaluate, compare, report.",
    "Let `modelrail doctor` look at the settings on GitHub: rulesets, environments, permissions.",
)


def _show(plan: tuple[WriteFile, ...], root: Path, *, as_json: bool, dry_run: bool) -> None:
    names = [effect.path.relative_to(root).as_posix() for effect in plan]
    if as_json:
        texts = {name: effect.text for name, effect in zip(names, plan, strict=True)}
        document = {"dry_run": dry_run, "files": texts if dry_run else names, "next": list(NEXT)}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for name, effect in zip(names, plan, strict=True):
        click.echo(f"{'would write' if dry_run else 'wrote'} {name}")
        if dry_run and name == config.FILE:
            click.echo("".join(f"  | {line}\n" for line in effect.text.splitlines()), nl=False)
    if not dry_run:
        say("\nNext:")
        for number, line in enumerate(NEXT, start=1):
            say(f"  {number}. {line}")
