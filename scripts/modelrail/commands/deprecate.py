"""`modelrail deprecate`: say that nobody shall begin to use a model."""

from __future__ import annotations

import click

from modelrail.commands import _options, _withdraw
from modelrail.core.registry import withdrawals

EPILOG = """\b
Example:
  modelrail deprecate delay --reason "replaced by delay-v2"
"""


@click.command("deprecate", epilog=EPILOG)
@_options.argument("model", "deprecate")
@_withdraw.reason
@_options.as_json
@_options.dry_run
def command(model: str, reason: str, as_json: bool, dry_run: bool) -> None:
    """Mark MODEL as deprecated. Its stages stay as they are; any later event of it takes the mark away."""
    _withdraw.carry_out(
        f"deprecate/{model}", model, reason,
        lambda state, asked, _: withdrawals.deprecate(state, asked),
        lambda decision: f"{decision.model} is deprecated",
        as_json=as_json, dry_run=dry_run,
    )  # fmt: skip
