"""`modelrail history`: the events of a model, newest first."""

from __future__ import annotations

import heapq
import json
import time

import click

from modelrail.adapters.actions_io import say
from modelrail.commands import _options, _reading, _registry
from modelrail.core import description, pick, selectors
from modelrail.core.history import ModelState
from modelrail.records import Event
from modelrail.report import tables

EPILOG = """\b
Examples:
  modelrail history delay
  modelrail history delay#production --format '{sequence} {version} {trailers.Reason}'
"""


@click.command("history", epilog=EPILOG)
@_options.argument("selector", "history", required=False)
@_options.fetch
@_options.remote
@_options.form
@_options.as_json
def command(selector: str | None, fetch: bool | None, remote: str, form: str, as_json: bool) -> None:
    """Print the events of a model, or of all models: number, age, stage, version, reason, run.

    SELECTOR: NAME for all of the model, NAME@v1.2.3 for one version, NAME#STAGE for one stage.
    """
    wanted = selectors.parse(selector) if selector else None
    with _reading.place(remote) as place:
        found = place.settings
        model = wanted.model if wanted else None
        states = place.states(model, fetch, [model] if model else None)
    if wanted:
        events = _events(selectors.model_state(states, wanted.model), wanted)
    else:
        # Each model's own order holds; between models the clock is all there is.
        newest_first = [reversed(state.events) for state in states.values()]
        events = list(heapq.merge(*newest_first, key=lambda event: -event.time))
    if form:
        for event in events:
            click.echo(pick.render(form, _registry.event_document(event)))
    elif as_json:
        click.echo(
            json.dumps([_registry.event_document(event) for event in events], indent=2, ensure_ascii=False)
        )
    elif events:
        several = wanted is None and len(states) > 1
        click.echo(tables.history(events, time.time(), several=several, color=_registry.wants_color(found)))
    elif wanted:
        say(f"{wanted} has no event.")
    else:
        say("The registry is empty: no version is registered yet.")


def _events(state: ModelState, wanted: selectors.Selector) -> list[Event]:
    """Newest first: of a version what is about it, of a stage what entered and left it."""
    events = state.events
    if wanted.version:
        events = description.about(state, wanted.version)
    elif wanted.stage:
        events = tuple(event for event in events if event.stage == wanted.stage)
    return list(reversed(events))
