"""What `deregister`, `unassign` and `deprecate` share: one event with a reason, and a line about it."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from modelrail import plans
from modelrail.commands import _approvals, _registry
from modelrail.config import resolved as config
from modelrail.core.registry.decisions import Asked, Decision
from modelrail.core.registry.history import ModelState

reason = click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the tag.")


def carry_out(
    key: str,
    model: str,
    why: str,
    decide: Callable[[ModelState, Asked, config.Model | None], Decision],
    line: Callable[[Decision], str],
    *,
    as_json: bool,
    dry_run: bool,
    after: Callable[[config.Config, ModelState], plans.Plan] | None = None,
    file: str = config.FILE,
) -> None:
    """Ask, push, say. `after`: what follows on GitHub, where there is one and a modelrail.yaml to go by."""
    found, git = _registry.opened()
    _registry.check_model_name(model)
    loaded = _registry.configuration(found, file)
    policy = loaded.model(model) if loaded else None
    github = _registry.client(found) if after and loaded else None
    approved = _approvals.read(found, github)
    asked = _registry.asked(found, git, key, why, keep=not dry_run, approvals=approved)

    def step_of(state: ModelState) -> _registry.Step:
        decision = decide(state, asked, policy)
        follows = after(loaded, state) if after and loaded and decision.changed else ()
        return _registry.Step(decision, follows)

    step, done = _registry.carry_out(
        step_of,
        found=found, git=git, github=github, model=model, dry_run=dry_run, operation=asked.operation,
        signing=loaded.signing if loaded else None,
    )  # fmt: skip
    decision = step.decision
    _registry.tell(done, dry_run=dry_run)
    if as_json:
        document = _registry.stage_document(decision, done, dry_run=dry_run)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif decision.changed:
        click.echo(f"{'would: ' if dry_run else '✓ '}{line(decision)}")
    else:
        click.echo(f"= {model}: nothing to do, {decision.note}")
