"""`modelrail rollback`: put an earlier version back into a stage. No force flag: it is one more event."""

from __future__ import annotations

import json

import click

from modelrail.adapters.actions_io import outputs
from modelrail.commands import _approvals, _on_github, _options, _registry
from modelrail.core.registry import transitions
from modelrail.core.registry.history import ModelState

EPILOG = """\b
Examples:
  modelrail rollback delay --reason "p95 doubled in canary"
  modelrail rollback delay --stage staging --to v1.2.0 --reason "bad data of June"
"""


@click.command("rollback", epilog=EPILOG)
@_options.argument("model", "rollback")
@click.option(
    "--stage", default="production", show_default=True, metavar="STAGE", help="The stage to change."
)
@click.option("--to", default="", metavar="VERSION", help="Default: the last healthy version before.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the tag.")
@_options.config
@_options.as_json
@_options.dry_run
def command(model: str, stage: str, to: str, reason: str, config: str, as_json: bool, dry_run: bool) -> None:
    """Put an earlier version of MODEL back into a stage.

    The version that is left is marked, and no automatic rollback chooses it again; rolling back twice goes
    two versions back.
    """
    found, git = _registry.opened()
    loaded, policy = _registry.load_policy(found, config, model)
    github = _registry.client(found)
    asked = _registry.asked(
        found, git, f"rollback/{model}/{stage}/{to or 'previous'}", reason,
        keep=not dry_run, approvals=_approvals.read(found, github),
    )  # fmt: skip

    def decide(state: ModelState) -> _registry.Step:
        decision = transitions.rollback(state, policy, stage, to or None, asked)
        tag = state.versions[decision.version].event.tag
        left = state.versions.get(decision.replaced)
        left_tag = left.event.tag if left else ""
        after = _on_github.entered(loaded, policy, decision, state, tag, left_tag)
        return _registry.Step(decision, after)

    step, done = _registry.carry_out(
        decide,
        signing=loaded.signing,
        found=found,
        git=git,
        github=github,
        model=model,
        dry_run=dry_run,
        operation=asked.operation,
    )
    decision = step.decision
    _registry.tell(done, dry_run=dry_run)
    if not dry_run:
        outputs(found, _registry.stage_outputs(decision))
    if as_json:
        document = _registry.stage_document(decision, done, dry_run=dry_run)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    click.echo(_registry.stage_line(decision, dry_run=dry_run))
