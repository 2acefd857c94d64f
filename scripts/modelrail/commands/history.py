"""`modelrail history`: the events of a model, newest first."""

from __future__ import annotations

import heapq
import json
import time

import click

from modelrail import settings
from modelrail.adapters.actions_io import say
from modelrail.adapters.git import open_repository
from modelrail.commands import _options, _registry
from modelrail.core import selectors
from modelrail.report import tables

EPILOG = """\b
Examples:
  modelrail history delay
  modelrail history --json | jq '.[0]'
"""


@click.command("history", epilog=EPILOG)
@_options.argument("model", "history", required=False)
@_options.fetch
@_options.as_json
def command(model: str | None, fetch: bool | None, as_json: bool) -> None:
    """Print the events of MODEL, or of all models: number, age, stage, version, reason, run."""
    found = settings.read()
    git = open_repository(found)
    if model:
        _registry.check_model_name(model)
    states = _registry.look(found, git, model, fetch, [model] if model else None)
    if model:
        events = list(reversed(selectors.model_state(states, model).events))
    else:
        # Each model's own order holds; between models the clock is all there is.
        newest_first = [reversed(state.events) for state in states.values()]
        events = list(heapq.merge(*newest_first, key=lambda event: -event.time))
    if as_json:
        click.echo(
            json.dumps([_registry.event_document(event) for event in events], indent=2, ensure_ascii=False)
        )
    elif events:
        several = not model and len(states) > 1
        click.echo(tables.history(events, time.time(), several=several, color=_registry.wants_color(found)))
    else:
        say("The registry is empty: no version is registered yet.")
