"""`modelrail describe`: everything that a reviewer asks about one version."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import click

from modelrail.commands import _options, _reading, _terminal
from modelrail.core import pick
from modelrail.core.registry import description
from modelrail.report import version_text

EPILOG = """\b
Examples:
  modelrail describe delay@v1.3.0
  modelrail describe delay#production --format '{version} by {registered.by}'
"""


@click.command("describe", epilog=EPILOG)
@_options.argument("selector", "describe")
@_options.fetch
@_options.remote
@_options.form
@_options.as_json
def command(selector: str, fetch: bool | None, remote: str, form: str, as_json: bool) -> None:
    """Print what there is to know about the version that SELECTOR means.

    What it is made of, its metrics and gates, who registered and promoted it, when and why. Metrics and gates
    come from its evidence, whose digest the tag holds.
    """
    with _reading.place(remote) as place:
        state, chosen = place.select(selector, fetch, with_ledger=True)
        found = chosen.registered
        kept = place.evidence(found)
        surroundings = place.settings
    evidence = kept[0] if kept else None
    url = ""
    if surroundings.repository:
        tag = quote(found.event.tag, safe="@")
        url = f"{surroundings.server_url}/{surroundings.repository}/releases/tag/{tag}"
    document = description.describe(state, found, evidence, release_url=url)
    if form:
        click.echo(pick.render(form, document))
    elif as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        fit = _terminal.style(surroundings).width
        click.echo(version_text.describe(state, found, evidence, time.time(), release_url=url, fit=fit))
