"""`modelrail init`: modelrail.yaml or one more model in it, the caller workflows, a line in .gitignore."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from modelrail import settings
from modelrail.adapters import apply
from modelrail.adapters.actions_io import say
from modelrail.adapters.git import Git
from modelrail.adapters.setup import look
from modelrail.commands import _options
from modelrail.config import check as config_check
from modelrail.config import resolved as config
from modelrail.config import schema as config_schema
from modelrail.core.starting import another_model, starter
from modelrail.errors import ConfigError, ConflictError, UsageError
from modelrail.plans import WriteFile

EPILOG = """\b
Examples:
  modelrail init
  modelrail init --name delay --task binary --train data/train.parquet --test data/test.parquet \\
    --target late --key flight_id --train-command "python train.py" --model-file build/model.skops
  modelrail init --name fraud --path services/fraud    # a second model in the same file
  modelrail init --workflows-only
"""


@click.command("init", epilog=EPILOG)
@click.option("--name", metavar="NAME", help="Name of the model; default: the folder's.")
@click.option("--path", "path", metavar="DIR", help="Folder of the model.  [default: .]")
@click.option("--task", type=click.Choice(config_schema.TASKS), help="What the model predicts.")
@click.option("--train", metavar="FILE", help="Training table; '' for none.")
@click.option("--test", metavar="FILE", help="Test table.")
@click.option("--target", metavar="COLUMN", help="Column of the label.")
@click.option("--key", metavar="COLUMN", help="Column that names a row.")
@click.option("--group", metavar="COLUMN", help="Column of groups whose rows are not independent.")
@click.option("--query", metavar="COLUMN", help="Ranking: column of the lists that are ranked.")
@click.option("--env", metavar="FILE", help="Requirements file of training and prediction.")
@click.option("--params", metavar="FILE", help="Parameter file.")
@click.option("--train-command", metavar="COMMAND", help="Command that trains.")
@click.option("--predict-command", metavar="COMMAND", help="Command that predicts; default: by file type.")
@click.option("--model-file", metavar="FILE", help="File that training writes.")
@click.option("--metrics-file", metavar="FILE", help="File of the metrics that training itself reports.")
@click.option("--positive", metavar="CLASS", help="The positive class of a binary task.")
@click.option("--branch", metavar="NAME", help="Branch whose pushes release; default: the repository's.")
@click.option("--workflows/--no-workflows", default=True, help="Also write the caller workflows.")
@click.option("--workflows-only", is_flag=True, help="Write the caller workflows, and no model.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@_options.as_json
@_options.dry_run
def command(
    path: str | None,
    branch: str | None,
    workflows: bool,
    workflows_only: bool,
    force: bool,
    as_json: bool,
    dry_run: bool,
    **options: str | None,
) -> None:
    """Write modelrail.yaml and the caller workflows into this repository.

    What is not given is read off the repository (tables, training scripts, requirements, DVC and MLflow
    files, tags) or, on a terminal, asked for. In a modelrail.yaml that is there, the model is added behind
    the others. Files that are there are never replaced without --force.
    """
    surroundings = settings.read()
    root = surroundings.workspace
    _refuse_odd_places(root, path or ".")
    given = {key: value for key, value in options.items() if value is not None}
    if workflows_only and (given or path or not workflows):
        raise UsageError("--workflows-only takes neither a model's options nor --no-workflows.")
    git = Git(root, environ=surroundings.environ)
    wanted: dict[Path, str] = {}
    notes: list[str] = []
    present = root / config.FILE
    adding = present.exists() and not force
    if not workflows_only:
        before = _present(present, given, path) if adding else None
        found = look.look(root / (path or "."), git)
        answers = _answers(given, path or ".", root, found, before)
        wanted[present] = _text(answers, before, present)
        missing = look.absent(root / answers.path, (answers.train, answers.test, answers.env, answers.params))
        notes += [f"{name} does not exist yet." for name in missing] + starter.notes(found, answers)
    elif not present.exists():
        notes.append(f"There is no {config.FILE} yet: the workflows fail without it.")
    if workflows:
        release_from = branch or look.default_branch(git)
        served = {} if force else look.served(root)
        for name, caller in look.caller_workflows().items():
            by = served.get(name.removesuffix(".yml"), "")
            place = _caller_place(root, name)
            if by and (by != place.name or adding):
                if by != place.name:
                    notes.append(f"{by} does already what {name} is for; {name} is not written.")
                continue
            wanted[place] = starter.caller_text(caller, release_from)
    plan = _plan(wanted, root, force=force, added=present if adding else None)
    apply.apply(plan, settings=surroundings, git=git, github=None, dry_run=dry_run)
    _show(plan, root, notes, as_json=as_json, dry_run=dry_run)


def _present(place: Path, given: Mapping[str, str], path: str | None) -> config.Config:
    """The configuration that a model is added to. Raises ConfigError when it has faults."""
    loaded = config_check.load(place)
    names = ", ".join(model.name for model in loaded.models)
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if not given.get("name") and path is None and not terminal:
        raise ConflictError(
            f"{config.FILE} exists already; it has {names}.",
            next="`--name NAME` adds another model to it, `--workflows-only` writes the workflows alone,"
            " `--force` replaces it.",
            file=config.FILE,
        )
    if loaded.model(given.get("name", "")) is not None:
        raise ConflictError(
            f"{config.FILE} has a model {given['name']} already.",
            next="Give another --name, or edit the file.",
            file=config.FILE,
        )
    return loaded


def _text(answers: starter.Answers, before: config.Config | None, place: Path) -> str:
    """modelrail.yaml as it will be, checked. Raises ConflictError with the lines that could not be put in."""
    if before is None:
        text = starter.render(answers, config_schema.URL)
        config_check.parse(text, config.FILE)
        return text
    block = starter.block(answers)
    config_check.parse("\n".join(["version: 1", "models:", *block]) + "\n", config.FILE)
    text = another_model.added(place.read_bytes().decode("utf-8"), block) or ""
    try:
        after = config_check.parse(text, config.FILE)
    except ConfigError:
        after = None
    if after is None or after.models[:-1] != before.models or after.signing != before.signing:
        raise ConflictError(
            f"The model cannot be added to {config.FILE} as that file is written; nothing was changed.",
            next="Add these lines below `models:`, indented as the others:\n" + "\n".join(block),
            file=config.FILE,
        )
    return text


def _caller_place(root: Path, name: str) -> Path:
    """Where a caller goes: beside a workflow of the user's own that has the name already, never over it."""
    place = root / ".github" / "workflows" / name
    if place.is_file() and config_schema.REPOSITORY not in place.read_text("utf-8", "replace"):
        return place.with_name(f"model-{name}")
    return place


def _refuse_odd_places(root: Path, path: str) -> None:
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


def _answers(
    given: Mapping[str, str], path: str, root: Path, found: starter.Found, before: config.Config | None
) -> starter.Answers:
    """Given options, then guesses; on a terminal every question is asked with the guess as its default."""
    taken = {model.name for model in before.models} if before is not None else set()
    guessed: dict[str, str] = {}
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    values = {"path": path, **given}
    for key, question in starter.QUESTIONS.items():
        if key in values or _needless(key, values):
            continue
        guess = starter.guesses(found, values).get(key, "")
        if key == "name":
            guess = guess or starter.name_from((root / path).resolve().name)
            guess = "" if guess in taken else guess
        if terminal:
            values[key] = _ask(key, question, guess, found, values)
        elif guess or key in starter.OPTIONAL:
            values[key] = guessed[key] = guess
    missing = [key for key in starter.QUESTIONS if key not in values and not _needless(key, values)]
    if missing:
        _refuse_missing(missing, found, values)
    if values["name"] in taken:
        raise ConflictError(
            f"{config.FILE} has a model {values['name']} already.", next="Give another --name."
        )
    if guessed:
        say("Read off the repository; options correct it:")
        say(
            "".join(
                f"  --{key.replace('_', '-')} {value}\n" for key, value in guessed.items() if value
            ).rstrip()
        )
    values = {
        "group": "",
        "query": "",
        "env": "",
        "params": "",
        "predict_command": "",
        "metrics_file": "",
        "positive": "",
        **starter.guesses(found, values),
        **values,
    }
    return starter.Answers(**{key: values[key] for key in starter.Answers._fields})


def _needless(key: str, values: Mapping[str, str]) -> bool:
    return key == "query" and values.get("task") != "ranking"


def _ask(key: str, question: str, guess: str, found: starter.Found, values: Mapping[str, str]) -> str:
    kind = click.Choice(config_schema.TASKS) if key == "task" else None
    if key in {"target", "key", "query"} and (columns := _columns(found, values)):
        say(f"Columns: {', '.join(columns)}")
    default = guess if guess or key in starter.OPTIONAL else None
    answer: str = click.prompt(question, default=default, type=kind, show_default=bool(guess), err=True)
    return answer


def _columns(found: starter.Found, values: Mapping[str, str]) -> tuple[str, ...]:
    read = (found.read.get(values.get(role, "")) for role in ("test", "train"))
    return next((table.columns for table in read if table is not None), ())


def _refuse_missing(missing: list[str], found: starter.Found, values: Mapping[str, str]) -> None:
    seen = []
    if "test" in missing and found.tables:
        seen.append(f"Tables here: {', '.join(found.tables[:10])}.")
    if "test" in missing and any(script.splits for script in found.scripts):
        seen.append("The script splits its rows itself: write the test rows to a file once, and name that.")
    columns = _columns(found, values)
    if columns and {"target", "key", "query"} & set(missing):
        more = f", and {len(columns) - 40} more" if len(columns) > 40 else ""
        seen.append(f"Columns of the table: {', '.join(columns[:40])}{more}.")
        if "key" in missing and not any(
            found.read[name].unique for name in found.tables if name in found.read
        ):
            seen.append("None of them names a row: add one, like `id`, with no value twice.")
    raise UsageError(
        f"Missing: {', '.join('--' + key.replace('_', '-') for key in missing)}.",
        why="The repository does not say, and this is not a terminal where they could be asked for.",
        next=" ".join([*seen, "`modelrail init --help` has an example."]),
    )


def _plan(
    wanted: Mapping[Path, str], root: Path, *, force: bool, added: Path | None
) -> tuple[WriteFile, ...]:
    """What differs from what is there. Raises ConflictError naming every file that would be replaced."""
    present = {place: place.read_text("utf-8", "replace") for place in wanted if place.is_file()}
    replaced = [place for place, text in present.items() if text != wanted[place]]
    unasked = [place for place in replaced if place != added]
    if unasked and not force:
        names = ", ".join(place.relative_to(root).as_posix() for place in unasked)
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


def _show(plan: tuple[WriteFile, ...], root: Path, notes: list[str], *, as_json: bool, dry_run: bool) -> None:
    names = [effect.path.relative_to(root).as_posix() for effect in plan]
    purposes = {name: starter.purpose(name) for name in names}
    if as_json:
        texts = {name: effect.text for name, effect in zip(names, plan, strict=True)}
        document = {
            "dry_run": dry_run,
            "files": texts if dry_run else names,
            "purposes": purposes,
            "notes": notes,
            "next": list(NEXT),
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    width = max(map(len, names), default=0)
    for name, effect in zip(names, plan, strict=True):
        click.echo(f"{'would write' if dry_run else 'wrote'} {name:{width}}  {purposes[name]}".rstrip())
        if dry_run and name == config.FILE:
            click.echo("".join(f"  | {line}\n" for line in effect.text.splitlines()), nl=False)
    if not names:
        click.echo("Everything is there already.")
    for note in notes:
        say(f"Note: {note}")
    if not dry_run:
        say("\nNext:")
        for number, line in enumerate(NEXT, start=1):
            say(f"  {number}. {line}")
