"""`modelrail history`: the events of a model, newest first."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

import click

from modelrail.adapters.actions_io import say
from modelrail.adapters.registry import ledger
from modelrail.commands import _options, _reading, _registry, _terminal
from modelrail.core import pick
from modelrail.core.registry import audit, description, selectors
from modelrail.core.registry.history import ModelState
from modelrail.records import Event
from modelrail.report import tables

EXPORTS = ("csv", "json", "html")

EPILOG = """\b
Examples:
  modelrail history delay
  modelrail history --format html > audit.html
  modelrail history delay#production --format '{sequence} {version} {trailers.Reason}'
"""


@click.command("history", epilog=EPILOG)
@_options.argument("selector", "history", required=False)
@_options.fetch
@_options.remote
@click.option(
    "--format", "form", default="", metavar="csv|json|html|FIELD",
    help="Export for an audit; or print one field of each event, or a line made of several.",
)  # fmt: skip
@_options.as_json
def command(selector: str | None, fetch: bool | None, remote: str, form: str, as_json: bool) -> None:
    """Print the events of a model, or of all models: number, age, stage, version, reason, run.

    As csv, json or html it is the whole record for an audit: who, what, when, why, evidence, approvals.
    SELECTOR: NAME for all of the model, NAME@v1.2.3 for one version, NAME#STAGE for one stage.
    """
    wanted = selectors.parse(selector) if selector else None
    with _reading.place(remote) as place:
        found = place.settings
        model = wanted.model if wanted else None
        states = place.states(model, fetch, [model] if model else None, with_ledger=form == "html")
        tip = ledger.tip(place.git) if form == "html" else ""
    events = _events(selectors.model_state(states, wanted.model), wanted) if wanted else audit.events(states)
    if form in EXPORTS:
        click.echo(_export(form, states, events, found.repository, tip), nl=False)
    elif form:
        for event in events:
            click.echo(pick.render(form, _registry.event_document(event)))
    elif as_json:
        click.echo(
            json.dumps([_registry.event_document(event) for event in events], indent=2, ensure_ascii=False)
        )
    elif events:
        several = wanted is None and len(states) > 1
        style = _terminal.style(found)
        click.echo(tables.history(events, time.time(), several=several, color=style.color, fit=style.width))
    elif wanted:
        say(f"{wanted} has no event.")
    else:
        say("The registry is empty: no version is registered yet.")


def _export(
    form: str, states: Mapping[str, ModelState], events: Sequence[Event], repository: str, tip: str
) -> str:
    from modelrail.report import audit as pages

    rows = [audit.row(event) for event in events]
    if form == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    if form == "csv":
        return pages.to_csv(rows)
    return pages.to_html(states, rows, now=int(time.time()), repository=repository, tip=tip)


def _events(state: ModelState, wanted: selectors.Selector) -> list[Event]:
    """Newest first: of a version what is about it, of a stage what entered and left it."""
    events = state.events
    if wanted.version:
        events = description.about(state, wanted.version)
    elif wanted.stage:
        events = tuple(event for event in events if event.stage == wanted.stage)
    return list(reversed(events))
