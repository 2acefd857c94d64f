"""`modelrail deregister`: take a version back. Nothing is deleted; its name is never given again."""

from __future__ import annotations

import click

from modelrail.commands import _options, _withdraw
from modelrail.core.registry import withdrawals

EPILOG = """\b
Example:
  modelrail deregister delay v1.2.0 --reason "trained on leaked labels"
"""


@click.command("deregister", epilog=EPILOG)
@_options.argument("model", "deregister")
@_options.argument("version", "deregister")
@_withdraw.reason
@_options.as_json
@_options.dry_run
def command(model: str, version: str, reason: str, as_json: bool, dry_run: bool) -> None:
    """Take VERSION of MODEL back: no promotion and no rollback chooses it any more.

    A version that stands in a stage is refused; roll back or unassign first.
    """
    _withdraw.carry_out(
        f"deregister/{model}/{version}", model, reason,
        lambda state, asked, _: withdrawals.deregister(state, version, asked),
        lambda decision: f"{decision.model} {decision.version} is taken back",
        as_json=as_json, dry_run=dry_run,
    )  # fmt: skip
