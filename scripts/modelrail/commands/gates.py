"""`modelrail gates explain`: what each gate needs, and how far the last comparison is from it."""

from __future__ import annotations

import json

import click
import msgspec

from modelrail import records
from modelrail.adapters import files
from modelrail.commands import _context, _options

EPILOG = """\b
Examples:
  modelrail gates explain
  modelrail gates explain --model delay --json
"""


@click.group("gates", epilog=EPILOG)
def command() -> None:
    """The policy, explained."""


@command.command("explain", epilog=EPILOG)
@_options.config
@_options.models
@_options.out
@_options.as_json
def explain(config: str, models: tuple[str, ...], out: str, as_json: bool) -> None:
    """Say in words what each gate needs.

    Where `modelrail compare` left its record, also: the values seen, the smallest difference that this test
    set can show, and how many rows would settle what is open. Reads modelrail.yaml and comparison.json.
    """
    from modelrail.core.policy import explain as core

    context = _context.open_context(config, models, out)
    document: dict[str, object] = {}
    texts = []
    for model in context.models:
        folder = context.folder(model)
        there = files.exists(records.Comparison, folder)
        comparison = files.read(records.Comparison, folder) if there else None
        found = core.explain(model, comparison)
        document[model.name] = {
            "gates": msgspec.to_builtins(found),
            "waivers": msgspec.to_builtins(model.waivers),
            "compared": comparison is not None,
        }
        texts.append(core.text(model, found, comparison))
    if as_json:
        click.echo(json.dumps({"models": document}, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(texts))
