"""`modelrail report`: the records of a run as a report: on stdout, in the job summary, on the pull request.

In CI this runs in a job of its own that can write to the pull request but has nothing of it checked out. The
records come from a job that ran the pull request's code, so they are hostile data: what they say is shown,
what they name (paths, URLs, pull requests) is never followed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelrail import __version__, settings
from modelrail.adapters import files
from modelrail.adapters.actions_io import annotate, outputs, say, summary
from modelrail.commands import _options, _posting, _records, _terminal
from modelrail.core import pull_choice
from modelrail.errors import FilesystemError, NotFoundError, RecordError
from modelrail.report import html, junit, render, text, view

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub

EPILOG = """\b
Examples:
  modelrail report --format text
  modelrail report --format html > report.html
  modelrail report --pull-request 42 --comment --dry-run
"""


@click.command("report", epilog=EPILOG)
@_options.config
@_options.models
@_options.out
@click.option(
    "--format", "form", type=click.Choice(["md", "html", "json", "junit", "text"]), default=None,
    help="What is printed. Default: `text` on a terminal, else `md`.",
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
    form: str | None,
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
    client = _client(surroundings)
    try:
        _take(surroundings, client, place, dry_run=dry_run)
        names = _records.names(place, models, config_file if surroundings.in_ci else None, dry_run=dry_run)
        budget = _records.Budget()
        found = [
            _records.load(files.folder(place, name), name, client, budget, dry_run=dry_run) for name in names
        ]
    except (RecordError, NotFoundError) as error:
        found = [_records.refused(error)]
    shown = view.build(found, _run(surroundings))
    _print(shown, "json" if as_json else form or _terminal.usual(surroundings), surroundings)
    if not dry_run:
        _keep(shown, place)
        path = place / "report.md"
        within = path.is_relative_to(surroundings.workspace)
        relative = path.relative_to(surroundings.workspace).as_posix() if within else str(path)
        outputs(surroundings, {"verdict": shown.verdict, "report-path": relative})
        if to_summary:
            _summarize(shown, surroundings)
    url = ""
    # In the run itself alone: what follows it posts what it finds, and a claim to be sealed silences nothing.
    waiting = [
        one.model
        for one in found
        if _workflow_run(surroundings) is None and _records.pending(files.folder(place, one.model))
    ]
    if waiting:
        say(f"{', '.join(waiting)}: the test set is sealed; the workflow `sealed.yml` posts the report.")
    elif comment if comment is not None else surroundings.in_ci and bool(surroundings.token):
        bases = {one.comparison.policy.commit for one in found if one.comparison is not None}
        url = _comment(shown, surroundings, client, pull_request, bases, dry_run=dry_run)
    if not dry_run:
        outputs(surroundings, {"comment-url": url})


def _client(surroundings: settings.Settings) -> GitHub | None:
    if not (surroundings.token and surroundings.repository):
        return None
    from modelrail.adapters.github import client as github

    return github.connect(surroundings)


def _take(surroundings: settings.Settings, client: GitHub | None, place: Path, *, dry_run: bool) -> None:
    """Under `workflow_run` the records are the other run's: take them from its artifact, under limits.

    A folder that is there already was put there by an earlier step, and is read instead.
    """
    other = _workflow_run(surroundings)
    if other is None or place.exists() or client is None or _silent(other):
        return
    run_id = int(other["id"])
    if dry_run:
        say(f"would take the records of run {run_id}")
        return
    from modelrail.adapters.github import artifact

    count = artifact.take(client, run_id, place)
    say(f"{count} records of run {run_id}")


def _run(surroundings: settings.Settings) -> view.Run:
    """The run that measured: under `workflow_run` it is the other one, as GitHub's event names it."""
    other = _workflow_run(surroundings)
    if other is not None:
        url, commit = str(other.get("html_url", "")), str(other.get("head_sha", ""))
    else:
        pull = surroundings.pull_request
        url, commit = surroundings.run_url, str(pull["head"]["sha"]) if pull else surroundings.sha
    merging = not surroundings.in_ci or other is not None or bool(surroundings.pull_request)
    return view.Run(url=url, commit=commit, tool=__version__, merging=merging)


def _workflow_run(surroundings: settings.Settings) -> Mapping[str, Any] | None:
    found = surroundings.event.get("workflow_run")
    return found if surroundings.event_name == "workflow_run" and isinstance(found, Mapping) else None


# --- where it goes ---------------------------------------------------------------------------------------


def _print(shown: view.View, form: str, surroundings: settings.Settings) -> None:
    if form == "json":
        click.echo(render.as_json(shown))
        return
    if form == "text":
        body = text.text(shown, _terminal.style(surroundings))
    elif form == "html":
        body = html.html(shown)
    elif form == "junit":
        body = junit.junit(shown)
    else:
        body = render.markdown(shown, render.SUMMARY_BUDGET)
    click.echo(body, nl=False)


def _keep(shown: view.View, place: Path) -> None:
    """The whole report, and one in each model's folder. Where that fails, it is still posted."""
    try:
        _write(shown, place)
    except FilesystemError as error:
        say(f"The report is not kept: {error.what}")


def _write(shown: view.View, place: Path) -> None:
    whole = render.markdown(shown, render.SUMMARY_BUDGET)
    files.write_bytes(place / "report.md", whole.encode())
    page = html.html(shown).encode()
    files.write_bytes(place / html.FILE, page)
    files.write_bytes(place / junit.FILE, junit.junit(shown).encode())
    for model in shown.models:
        alone = view.View(verdict=model.verdict, models=(model,), run=shown.run)
        folder = files.folder(place, model.name)
        if folder.is_dir() and not folder.is_symlink():
            single = len(shown.models) == 1  # then it is the same, and is not rendered again
            body = whole if single else render.markdown(alone, render.SUMMARY_BUDGET)
            files.write_bytes(folder / "report.md", body.encode())
            files.write_bytes(folder / html.FILE, page if single else html.html(alone).encode())


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
    bases: Collection[str],
    *,
    dry_run: bool,
) -> str:
    """Post it; returns the comment's URL, or "" when there is no pull request that waits for it."""
    choice = pull_choice.Choice(number=pull_request) if pull_request else _choose(surroundings, client, bases)
    number = choice.number
    if number is None:
        if choice.words:
            say(f"{choice.words} Nothing is posted.")
            if surroundings.in_ci:
                annotate("notice", choice.words, title="modelrail: nothing is posted")
        return ""
    if dry_run:
        say(f"would post {len(render.markdown(shown).encode()):,} bytes on pull request {number}")
        return ""
    if client is None:
        from modelrail.adapters.github import client as github

        client = github.connect(surroundings)  # raises, and says what is missing
    url = _posting.comment(shown, client, number)
    _posting.check(shown, client)
    return url


def _choose(
    surroundings: settings.Settings, client: GitHub | None, bases: Collection[str]
) -> pull_choice.Choice:
    """The pull request of this run, from what GitHub says of the event; none when none waits for a report."""
    pull, other = surroundings.pull_request, _workflow_run(surroundings)
    if pull is not None:
        head = pull_choice.of_github(pull).head
        if _read_only(pull, surroundings.actor):
            return pull_choice.Choice(number=None, words=_LATER)
        now = client.pull_request(int(pull["number"])) if client is not None else pull
        return pull_choice.choose([pull_choice.of_github(now)], head)
    if other is not None and client is not None:
        reason = _silent(other)
        if reason:
            return pull_choice.Choice(number=None, words=reason)
        repository = other.get("head_repository") or {}
        head = pull_choice.Head(
            owner=str((repository.get("owner") or {}).get("login", "")),
            branch=str(other.get("head_branch") or ""),
            commit=str(other.get("head_sha") or ""),
        )
        known = head.owner and head.branch
        listed = client.pulls_of_head(head.owner, head.branch) if known else []
        return pull_choice.choose([pull_choice.of_github(found) for found in listed], head, bases)
    return pull_choice.Choice(number=None)


_LATER = (
    "This run's token cannot comment, as the pull request comes from a fork or from Dependabot. "
    "The workflow `report.yml` (on `workflow_run`) posts the report."
)


def _read_only(pull: Mapping[str, Any], actor: str) -> bool:
    """Whether GitHub gave the pull request's own run a token that can only read."""
    ours = ((pull.get("base") or {}).get("repo") or {}).get("full_name")
    theirs = ((pull.get("head") or {}).get("repo") or {}).get("full_name")  # null: the fork is gone
    return (bool(ours) and ours != theirs) or actor == "dependabot[bot]"


def _silent(other: Mapping[str, Any]) -> str:
    """Why a finished run has no report to post; "" when it has."""
    if other.get("event") != "pull_request":
        return f"The run that finished was of the event {other.get('event')!r}, not of a pull request."
    if other.get("conclusion") not in {"success", "failure", "timed_out"}:
        return f"The run ended as {other.get('conclusion')!r}: it measured nothing."
    return ""
