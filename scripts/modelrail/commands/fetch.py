"""`modelrail fetch`: the model file of a version; tag checked against ledger, bytes against tag."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from modelrail.adapters.actions_io import outputs, say
from modelrail.commands import _options, _reading
from modelrail.core import pick

EPILOG = """\b
Examples:
  modelrail fetch delay#production -o model
  modelrail fetch delay@v1.3.0 --remote https://github.com/octo/flights
"""


@click.command("fetch", epilog=EPILOG)
@_options.argument("selector", "fetch")
@click.option(
    "-o", "--to", default=".", show_default=True, metavar="DIR", help="The folder that the file is put into."
)
@click.option(
    "--fetch/--no-fetch", default=True, show_default=True,
    help="Check what the remote holds; otherwise this clone's tags, against the ledger that it has seen.",
)  # fmt: skip
@_options.remote
@_options.form
@_options.as_json
@_options.dry_run
def command(
    selector: str, to: str, fetch: bool, remote: str, form: str, as_json: bool, dry_run: bool
) -> None:
    """Get the model file of the version that SELECTOR means, wherever it is stored, and print its path.

    The model's tags must be those that the ledger lists (exit code 23 or 24, as of `verify`), and nothing is
    written whose SHA-256 is not the one in the version's tag (exit code 8).
    """
    with _reading.place(remote) as place:
        chosen = place.trusted(selector, fetch=fetch)
        event = chosen.registered.event
        digest = chosen.registered.model_digest
        folder = place.settings.workspace / to
        name = event.trailers.get("Model-File", "")
        if dry_run:
            path = folder / Path(name).name
            say(f"would write {path}: {event.tag}, {digest}")
        else:
            from modelrail.adapters import store

            path = store.fetch_model(
                place.git, place.github(), chosen.registered, folder,
                cache=place.settings.cache, settings=place.settings,
            )  # fmt: skip
        found = place.settings
    shown = path.relative_to(found.workspace) if path.is_relative_to(found.workspace) else path
    document = {
        "model": chosen.model, "version": chosen.version, "tag": event.tag, "path": str(shown),
        "digest": digest, "store": event.trailers.get("Store", "release"),
    }  # fmt: skip
    if not dry_run:
        values = {key: document[key] for key in ("version", "tag", "path", "digest")}
        outputs(found, {key: re.sub(r"[\r\n]", "", str(value)) for key, value in values.items()})
    if form:
        click.echo(pick.render(form, document))
    elif as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(str(shown))
