"""`modelrail unassign`: empty a stage."""

from __future__ import annotations

import click

from modelrail import plans, settings
from modelrail.commands import _on_github, _options, _registry, _withdraw
from modelrail.config import resolved as modelrail_config
from modelrail.core.registry import withdrawals
from modelrail.core.registry.history import ModelState

EPILOG = """\b
Example:
  modelrail unassign delay --stage staging --reason "the trial is over"
"""


@click.command("unassign", epilog=EPILOG)
@_options.argument("model", "unassign")
@click.option("--stage", required=True, metavar="STAGE", help="The stage to empty.")
@click.option(
    "--version", default="", metavar="VERSION", help="Where several stand: which. Default: the newest."
)
@_withdraw.reason
@_options.config
@_options.as_json
@_options.dry_run
def command(
    model: str, stage: str, version: str, reason: str, config: str, as_json: bool, dry_run: bool
) -> None:
    """Empty a stage of MODEL. What stood there before does not come back; that is what `rollback` does.

    Where the policy says who may change the stage (`by`), only they may.
    """
    _registry.refuse_other_branch(settings.read())

    def follows(loaded: modelrail_config.Config, state: ModelState) -> plans.Plan:
        policy, standing = loaded.model(model), state.standing(stage)
        left = next((one for one in standing if version in {"", one.version}), None)
        if policy is None or left is None:
            return ()
        # Of several the newest is shown; what stands there now changes only if that one left.
        newest = next(iter(standing[1:]), None) if left is standing[0] else None
        return _on_github.left(loaded, policy, state, left, newest)

    _withdraw.carry_out(
        f"unassign/{model}/{stage}" + (f"/{version}" if version else ""), model, reason,
        lambda state, asked, policy: withdrawals.unassign(state, policy, stage, asked, version),
        lambda decision: (
            f"{decision.model} {decision.version} is no longer in {decision.stage}"
            f" (event {decision.sequence})"
        ),
        as_json=as_json, dry_run=dry_run, after=follows, file=config,
    )  # fmt: skip
