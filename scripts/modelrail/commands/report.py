"""`modelrail report`: the records of a run as a report: on stdout, in the job summary, on the pull request.

In CI this runs in a job of its own that can write to the pull request but has nothing of it checked out. The
records come from a job that ran the pull request's code, so they are hostile data: what they say is shown,
what they name (paths, URLs, pull requests) is never followed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelrail import __version__, settings
from modelrail.adapters import files
from modelrail.adapters.actions_io import outputs, say, summary
from modelrail.commands import _options, _records
from modelrail.plans import UpsertComment
from modelrail.report import render, text, view

if TYPE_CHECKING:
    from modelrail.adapters.github import GitHub

EPILOG = """\b
Examples:
  modelrail report --format text
  modelrail report --pull-request 42 --comment --dry-run
"""


@click.command("report", epilog=EPILOG)
@_options.config
@_options.models
@_options.out
@click.option(
    "--format", "form", type=click.Choice(["md", "json", "text"]), default="md", show_default=True,
    help="What is printed.",
)  # fmt: skip
@click.option(
    "--comment/--no-comment", default=None,
    help="Post on the pull request. Default: in CI, when there is one and a token.",
)  # fmt: skip
@click.option(
    "--summary/--no-summary", "to_summary", default=True, show_default=True, help="Write the job summary."
)
@click.option(
    "--pull-request", type=click.IntRange(min=1), metavar="N", help="Default: the one of the event."
)
@_options.as_json
@_options.dry_run
def command(
    config: str,
    models: tuple[str, ...],
    out: str,
    form: str,
    comment: bool | None,
    to_summary: bool,
    pull_request: int | None,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Render the report of a run; post it as the one comment of the pull request.

    A record that is missing or malformed is reported and counts as failed. The exit code does not follow the
    verdict: `modelrail compare` does that.
    """
    surroundings = settings.read()
    place = surroundings.workspace / out
    config_file = surroundings.workspace / config
    names = _records.names(place, models, config_file if surroundings.in_ci else None, dry_run=dry_run)
    client = _client(surroundings)
    found = [_records.load(files.folder(place, name), name, client, dry_run=dry_run) for name in names]
    shown = view.build(found, _run(surroundings))
    _print(shown, "json" if as_json else form, surroundings)
    if not dry_run:
        _keep(shown, place)
        path = place / "report.md"
        within = path.is_relative_to(surroundings.workspace)
        relative = path.relative_to(surroundings.workspace).as_posix() if within else str(path)
        outputs(surroundings, {"verdict": shown.verdict, "report-path": relative})
        if to_summary:
            _summarize(shown, surroundings)
    url = ""
    if comment if comment is not None else surroundings.in_ci and bool(surroundings.token):
        url = _comment(shown, surroundings, client, pull_request, dry_run=dry_run)
    if not dry_run:
        outputs(surroundings, {"comment-url": url})


def _client(surroundings: settings.Settings) -> GitHub | None:
    if not (surroundings.token and surroundings.repository):
        return None
    from modelrail.adapters import github

    return github.connect(surroundings)


def _run(surroundings: settings.Settings) -> view.Run:
    """The run that measured: under `workflow_run` it is the other one, as GitHub's event names it."""
    other = _workflow_run(surroundings)
    if other is not None:
        url, commit = str(other.get("html_url", "")), str(other.get("head_sha", ""))
    else:
        pull = surroundings.pull_request
        url, commit = surroundings.run_url, str(pull["head"]["sha"]) if pull else surroundings.sha
    return view.Run(url=url, commit=commit, tool=__version__)


def _workflow_run(surroundings: settings.Settings) -> Mapping[str, Any] | None:
    found = surroundings.event.get("workflow_run")
    return found if surroundings.event_name == "workflow_run" and isinstance(found, Mapping) else None


# --- where it goes ---------------------------------------------------------------------------------------


def _print(shown: view.View, form: str, surroundings: settings.Settings) -> None:
    if form == "json":
        click.echo(render.as_json(shown))
        return
    body = text.text(shown) if form == "text" else render.markdown(shown, render.SUMMARY_BUDGET)
    if surroundings.in_ci:
        # A line that quotes a program's output must not be read as a workflow command.
        mark = secrets.token_hex(16)
        body = f"::stop-commands::{mark}\n{body}\n::{mark}::\n"
    click.echo(body, nl=False)


def _keep(shown: view.View, place: Path) -> None:
    """The whole report, and one in each model's folder."""
    files.write_bytes(place / "report.md", render.markdown(shown, render.SUMMARY_BUDGET).encode())
    for model in shown.models:
        alone = view.View(verdict=model.verdict, models=(model,), run=shown.run)
        folder = files.folder(place, model.name)
        if folder.is_dir() and not folder.is_symlink():
            files.write_bytes(folder / "report.md", render.markdown(alone, render.SUMMARY_BUDGET).encode())


def _summarize(shown: view.View, surroundings: settings.Settings) -> None:
    """GitHub drops a summary that is too long without a word: write the longest that fits."""
    for budget in (render.SUMMARY_BUDGET, render.BUDGET, 8000, 1000):
        if summary(surroundings, render.markdown(shown, budget)):
            return
    say("The job summary is full; the report is in its file and in the comment.")


def _comment(
    shown: view.View,
    surroundings: settings.Settings,
    client: GitHub | None,
    pull_request: int | None,
    *,
    dry_run: bool,
) -> str:
    """Post it; returns the comment's URL, or "" when there is no pull request that waits for it."""
    number = pull_request or _pull_request(surroundings, client)
    if number is None:
        return ""
    body = render.markdown(shown)
    if dry_run:
        say(f"would post {len(body.encode()):,} bytes on pull request {number}")
        return ""
    if client is None:
        from modelrail.adapters import github

        client = github.connect(surroundings)  # raises, and says what is missing
    url = client.upsert_comment(UpsertComment(pull_request=number, marker=render.MARKER, body=body))
    say(f"✓ the report is on pull request {number}: {url}")
    return url


def _pull_request(surroundings: settings.Settings, client: GitHub | None) -> int | None:
    """The pull request of this run, from the event alone; None, and said why, when none waits for it."""
    pull, other = surroundings.pull_request, _workflow_run(surroundings)
    if pull is not None:
        if _from_fork(pull):
            say(
                "The pull request comes from a fork, so this token cannot comment. "
                "The workflow `report.yml` (on `workflow_run`) posts the report."
            )
            return None
        number = int(pull["number"])
        if client is not None and client.pull_request(number)["head"]["sha"] != pull["head"]["sha"]:
            say(f"Pull request {number} has newer commits than this run; their own run will comment.")
            return None
        return number
    if other is not None and client is not None:
        head = other.get("head_repository") or {}
        owner = str((head.get("owner") or {}).get("login", ""))
        found = client.find_pull_request(owner, str(other.get("head_branch", "")), str(other["head_sha"]))
        if found is None:
            say("No open pull request has this run's commit as its newest; nothing is posted.")
            return None
        return int(found["number"])
    return None


def _from_fork(pull: Mapping[str, Any]) -> bool:
    ours = ((pull.get("base") or {}).get("repo") or {}).get("full_name")
    theirs = ((pull.get("head") or {}).get("repo") or {}).get("full_name")  # null: the fork is gone
    return bool(ours) and ours != theirs
