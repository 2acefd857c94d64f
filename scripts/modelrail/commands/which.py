"""`modelrail which`: the version that a selector means, for scripts."""

from __future__ import annotations

import json

import click

from modelrail.adapters.registry import reading as registry
from modelrail.commands import _options, _reading
from modelrail.core import pick
from modelrail.core.registry import selectors

EPILOG = """\b
Examples:
  modelrail which delay#production
  git checkout "$(modelrail which delay@latest --format commit)"
"""


@click.command("which", epilog=EPILOG)
@_options.argument("selector", "which")
@_options.fetch
@_options.remote
@_options.form
@_options.as_json
def command(selector: str, fetch: bool | None, remote: str, form: str, as_json: bool) -> None:
    """Print the version that SELECTOR means: NAME, NAME@latest, NAME@v1.2.3 or NAME#STAGE."""
    with _reading.place(remote) as place:
        # A stage and the latest version are told by few tags.
        named = selectors.parse(selector).version is not None
        read = registry.states if named or as_json or form else registry.glance
        _, chosen = place.select(selector, fetch, read=read)
    if not as_json and not form:
        click.echo(chosen.version)
        return
    event = chosen.registered.event
    document = {
        "model": chosen.model,
        "version": chosen.version,
        "stage": chosen.assigned.stage if chosen.assigned else None,
        "sequence": chosen.assigned.sequence if chosen.assigned else None,
        "since": chosen.assigned.event.time if chosen.assigned else event.time,
        "tag": event.tag,
        "commit": chosen.registered.commit,
        "model_file": event.trailers.get("Model-File"),
        "model_digest": chosen.registered.model_digest or None,
        "evidence_digest": chosen.registered.evidence_digest or None,
    }
    click.echo(pick.render(form, document) if form else json.dumps(document, indent=2, ensure_ascii=False))
