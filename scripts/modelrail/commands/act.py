"""`modelrail act EVENT`: this repository's own workflows, on this machine, against the local hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from modelrail import settings
from modelrail.commands import _options
from modelrail.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from modelrail.localhub.act_events import Source
    from modelrail.localhub.act_runner import Run

EVENTS = ("pull_request", "push", "workflow_run", "workflow_dispatch")


@click.command(
    epilog="""\b
Examples:
  modelrail act pull_request --head my-branch
  modelrail act pull_request --pull-request 3 --expect-job evaluate
  modelrail act push
  modelrail act workflow_dispatch --workflow promote.yml --input model=delay --input version=v1.2.0"""
)
@_options.argument("event", "act", type=click.Choice(EVENTS))
@click.option("--workflow", default="", metavar="FILE", help="Only this file of .github/workflows.")
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of a workflow_dispatch."
)
@click.option("--expect-job", "expected", multiple=True, metavar="NAME", help="Fail unless this job ran.")
@click.option("--pull-request", type=int, default=None, metavar="N", help="Default: the newest open one.")
@click.option("--head", default="", metavar="BRANCH", help="Of this branch; opened when there is none.")
@click.option("--type", "activity", default="opened", show_default=True, help="Activity of the pull request.")
@click.option("--ref", default="", help="Branch or tag of a push or a dispatch; default: the default branch.")
@click.option("--run-id", type=int, default=None, help="The completed run that a workflow_run follows.")
@click.option("--follow/--no-follow", default=False, help="Afterwards also run what listens to workflow_run.")
@click.option(
    "--hub", "hub_url", default="", metavar="URL", help="Default: the server of the remote `origin`."
)
@click.option("--repository", default="", metavar="OWNER/NAME", help="Default: that of the remote `origin`.")
@click.option("--user", default="", metavar="LOGIN", help="Who acts; default: the repository's owner.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME=VALUE", help="A secret of the repository.")
@click.option("--timeout", type=float, default=3600.0, show_default=True, help="Seconds for one workflow.")
@click.option("--verbose", is_flag=True, help="Print the steps' own output too.")
@_options.as_json
def command(
    event: str,
    workflow: str,
    inputs: Sequence[str],
    expected: Sequence[str],
    pull_request: int | None,
    head: str,
    activity: str,
    ref: str,
    run_id: int | None,
    follow: bool,
    hub_url: str,
    repository: str,
    user: str,
    secrets: Sequence[str],
    timeout: float,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run this repository's workflows on this machine with act.

    They run against the local hub (`modelrail hub start`), offline: our own actions come from this checkout
    of modelrail, GitHub's own few from stand-ins. What is run is what the hub has: push first.
    """
    from modelrail.adapters.actions_io import say
    from modelrail.localhub import act_runner, server

    surroundings = settings.read()
    url, name = _where(hub_url, repository, surroundings)
    runner = act_runner.Runner(
        server.locate(url),
        url,
        name,
        surroundings,
        say,
        act_runner.Options(secrets=_pairs(secrets, "--secret"), verbose=verbose, timeout=timeout),
    )
    source, actor = runner.events, user or runner.owner
    if event == "pull_request":
        if head and not pull_request:
            pull_request = source.pull_request_of(head, actor)
        happening = source.pull_request(pull_request or source.newest_pull_request(), activity)
    elif event == "push":
        happening = source.push(_full_ref(ref, source), actor)
    elif event == "workflow_run":
        if run_id is None:
            raise UsageError("A workflow_run needs --run-id, the run that it follows.")
        happening = source.workflow_run(run_id, actor)
    else:
        values = _pairs(inputs, "--input")
        happening = source.workflow_dispatch(workflow, _full_ref(ref, source), values, actor)
    runs = runner.run(happening, workflow)
    if follow:
        runs += runner.followers(runs, actor)
    if as_json:
        click.echo(json.dumps({"event": event, "runs": [run.as_dict() for run in runs]}, indent=2))
    else:
        click.echo("\n".join(_line(run) for run in runs))
    act_runner.check(runs, expected)


def _line(run: Run) -> str:
    mark = "✓" if run.conclusion == "success" else "✗"
    seconds = sum(job.seconds for job in run.jobs)
    result = f"{run.conclusion}, {len(run.jobs)} jobs, {seconds:.1f} s"
    return f"{mark} {run.name} ({run.workflow}): {result}  {run.url}"


def _full_ref(ref: str, source: Source) -> str:
    if not ref:
        return f"refs/heads/{source.default_branch}"
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"


def _pairs(values: Sequence[str], option: str) -> dict[str, str]:
    wrong = [value for value in values if "=" not in value or value.startswith("=")]
    if wrong:
        raise UsageError(f"{option} takes NAME=VALUE, not {wrong[0].partition('=')[0]!r}.")
    return dict(value.split("=", 1) for value in values)


def _where(url: str, repository: str, surroundings: settings.Settings) -> tuple[str, str]:
    """The hub's address and the repository on it: as given, else from the environment, else from `origin`."""
    from urllib.parse import urlsplit

    from modelrail.adapters.git import Git

    if not (url and repository):
        origin = Git(surroundings.workspace, environ=surroundings.environ).attempt(
            "remote", "get-url", "origin"
        )
        found = urlsplit(origin.stdout.decode().strip()) if origin.returncode == 0 else urlsplit("")
        if found.scheme in {"http", "https"} and found.hostname:
            port = f":{found.port}" if found.port else ""
            url = url or f"{found.scheme}://{found.hostname}{port}"
            repository = repository or found.path.strip("/").removesuffix(".git")
    if not (url and repository):
        raise NotFoundError(
            "Which hub, and which repository on it?",
            next="Run this in a clone of a repository of the hub, or give --hub and --repository.",
        )
    return url.rstrip("/"), repository
