"""`modelrail which`: the version that a selector means, for scripts."""

from __future__ import annotations

import json

import click

from modelrail import settings
from modelrail.adapters.git import open_repository
from modelrail.commands import _options, _registry
from modelrail.core import selectors

EPILOG = """\b
Examples:
  modelrail which delay#production
  git checkout "$(modelrail which delay@latest --json | jq -r .commit)"
"""


@click.command("which", epilog=EPILOG)
@_options.argument("selector", "which")
@_options.fetch
@_options.as_json
def command(selector: str, fetch: bool | None, as_json: bool) -> None:
    """Print the version that SELECTOR means: NAME, NAME@latest, NAME@v1.2.3 or NAME#STAGE."""
    found = settings.read()
    git = open_repository(found)
    wanted = selectors.parse(selector)
    states = _registry.look(found, git, wanted.model, fetch, [wanted.model])
    chosen = selectors.resolve(states, wanted)
    if not as_json:
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
        "commit": event.commit,
        "model_file": event.trailers.get("Model-File"),
        "model_digest": chosen.registered.model_digest or None,
        "evidence_digest": chosen.registered.evidence_digest or None,
    }
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
