"""`modelrail hub`: the local GitHub stand-in, in the foreground or in the background."""

from __future__ import annotations

import importlib.util
import json
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from modelrail import settings
from modelrail.adapters.actions_io import say
from modelrail.commands import _options
from modelrail.errors import NotFoundError, ToolMissingError, UsageError

if TYPE_CHECKING:
    from modelrail.localhub.daemon import Place
    from modelrail.localhub.server import Hub

F = TypeVar("F", bound=Callable[..., Any])
NEEDED = {"flask": "flask", "markdown_it": "markdown-it-py", "nh3": "nh3"}

state_option = click.option(
    "--state", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="The folder that holds everything; default: `hub` in modelrail's cache folder.",
)  # fmt: skip


def _serving(function: F) -> F:
    for option in (
        click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free one."),
        click.option(
            "--repository",
            "repositories",
            multiple=True,
            metavar="OWNER/NAME",
            help="Create this repository if it is not there (repeatable).",
        ),
        click.option("--verbose", is_flag=True, help="Log every request to stderr."),
        _options.as_json,
        state_option,
    ):
        function = option(function)
    return function


@click.group(
    "hub",
    epilog="""\b
Example:
  modelrail hub start --repository octo/flights
  git push http://x:TOKEN@127.0.0.1:PORT/octo/flights.git main
  modelrail hub stop
""",
)
def command() -> None:
    """A GitHub for this machine: REST, Git over HTTP, pages to look at.

    It listens on 127.0.0.1 only and wants a token for everything but its pages.
    """


@command.command(
    "serve",
    epilog="""\b
Example:
  modelrail hub serve --port 8765 --repository octo/flights
""",
)
@_serving
def serve(state: Path | None, port: int, repositories: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Serve in the foreground, until Ctrl-C."""
    _require_extra()
    from modelrail.localhub import daemon
    from modelrail.localhub.server import Hub

    folder = _folder(state)
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    running_there = daemon.find(folder)
    if running_there:
        raise UsageError(f"A hub already serves {folder} at {running_there.url}.", next="modelrail hub stop")
    hub = Hub(folder)
    _create(hub, repositories)
    end = threading.Event()

    def finish(_number: int, _frame: FrameType | None) -> None:
        end.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    with hub.serve(port) as running:
        noted = daemon.note(hub.state, running.url)
        place = daemon.Place(running.url, 0, hub.state)
        _print(_summary(place, hub, repositories), as_json)
        say("Ctrl-C ends it.")
        # An event, not a join: a signal must get through at once.
        while not end.wait(3600):
            pass
        noted.unlink(missing_ok=True)


@command.command(
    "start",
    epilog="""\b
Example:
  modelrail hub start --repository octo/flights --json
""",
)
@_serving
def start(state: Path | None, port: int, repositories: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Serve in the background; prints the address and a token."""
    _require_extra()
    from modelrail.localhub import daemon
    from modelrail.localhub.server import Hub

    folder = _folder(state)
    for name in repositories:
        _split(name)
    arguments = ["--port", str(port), *(["--verbose"] if verbose else [])]
    place = daemon.start(folder, arguments, settings.read().environ)
    hub = Hub(folder)
    try:
        _create(hub, repositories)
        _print(_summary(place, hub, repositories), as_json)
    finally:
        hub.close()


@command.command(
    "stop",
    epilog="""\b
Example:
  modelrail hub stop
""",
)
@_options.as_json
@state_option
def stop(state: Path | None, as_json: bool) -> None:
    """End the hub in the background. What it holds stays in its folder."""
    from modelrail.localhub import daemon

    place = daemon.stop(_folder(state))
    if as_json:
        click.echo(json.dumps({"stopped": place.url, "state": str(place.state)}, indent=2))
    else:
        say(f"The hub at {place.url} has ended; its state stays in {place.state}.")


@command.command(
    "status",
    epilog="""\b
Example:
  modelrail hub status --json
""",
)
@_options.as_json
@state_option
def status(state: Path | None, as_json: bool) -> None:
    """Where the hub serves and what it holds; exit code 7 when none runs."""
    _require_extra()
    from modelrail.localhub import daemon
    from modelrail.localhub.server import Hub

    folder = _folder(state)
    place = daemon.find(folder)
    if place is None:
        raise NotFoundError(f"No hub serves {folder}.", next="Start one with: modelrail hub start")
    hub = Hub(folder)
    try:
        names = [str(repo["full_name"]) for repo in hub.repositories()]
    finally:
        hub.close()
    _print(_about(place) | {"repositories": names}, as_json)


def _folder(state: Path | None) -> Path:
    return (state or settings.read().cache / "hub").absolute()


def _require_extra() -> None:
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ToolMissingError(
            f"modelrail hub needs {', '.join(missing)}.", next='Install it with: pip install "modelrail[hub]"'
        )


def _split(name: str) -> tuple[str, str]:
    owner, slash, rest = name.partition("/")
    if not (owner and slash and rest) or "/" in rest:
        raise UsageError(f"{name!r} is not OWNER/NAME.")
    return owner, rest


def _create(hub: Hub, names: tuple[str, ...]) -> None:
    from modelrail.localhub.answers import ApiError

    present = {repo["full_name"].lower() for repo in hub.repositories()}
    for name in names:
        owner, rest = _split(name)
        if name.lower() in present:
            continue
        try:
            hub.create_repository(owner, rest)
        except ApiError:
            raise UsageError(f"GitHub takes no repository of the name {name!r}.") from None


def _about(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {"url": place.url, "api-url": place.api_url, "state": str(place.state)}
    return found | {"pid": place.pid} if place.pid else found


def _summary(place: Place, hub: Hub, names: tuple[str, ...]) -> dict[str, Any]:
    """With a token of each owner that was named."""
    owners = dict.fromkeys(_split(name)[0] for name in names)
    known = [str(repo["full_name"]) for repo in hub.repositories()]
    return _about(place) | {
        "repositories": known,
        "tokens": {owner: hub.token_for(owner) for owner in owners},
    }


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"Pages         {found['url']}")
    click.echo(f"REST          {found['api-url']}")
    for name in found["repositories"]:
        click.echo(f"Git           {found['url']}/{name}.git")
    for owner, token in found.get("tokens", {}).items():
        click.echo(f"Token         {token}   ({owner})")
    click.echo(f"State         {found['state']}")
    if "pid" in found:
        click.echo(f"Process       {found['pid']}")
