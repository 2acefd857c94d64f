"""`modelrail promote`: put a registered version into a stage, carried by its evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from modelrail import records, settings
from modelrail.adapters import files
from modelrail.adapters.actions_io import outputs
from modelrail.adapters.git import Git
from modelrail.adapters.registry import ledger
from modelrail.commands import _approvals, _ledger, _on_github, _options, _registry
from modelrail.core.registry import selectors, tags, transitions
from modelrail.core.registry.history import ModelState

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub

EPILOG = """\b
Example:
  modelrail promote delay v1.3.0 --to production --reason "weekly release"
"""


@click.command("promote", epilog=EPILOG)
@_options.argument("model", "promote")
@_options.argument("version", "promote")
@click.option("--to", default="production", show_default=True, metavar="STAGE", help="The stage to enter.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the tag.")
@click.option(
    "--evidence", default="", metavar="FILE", help="A newer evidence.json than the one of the version."
)
@_options.config
@_options.as_json
@_options.dry_run
def command(
    model: str, version: str, to: str, reason: str, evidence: str, config: str, as_json: bool, dry_run: bool
) -> None:
    """Put version VERSION of MODEL into a stage.

    It needs evidence: measured against what the stage holds now, on these very bytes, with the verdict
    `pass`.
    """
    found, git = _registry.opened()
    loaded, policy = _registry.load_policy(found, config, model)
    github = _registry.client(found)
    asked = _registry.asked(
        found, git, f"promote/{model}/{to}/{version}", reason,
        keep=not dry_run, approvals=_approvals.read(found, github),
    )  # fmt: skip

    def decide(state: ModelState) -> _registry.Step:
        known = selectors.registered(state, version)
        data = None
        if transitions.already_promoted(state, version, to, asked.operation) is None:
            data = _evidence(found, evidence, git, github, state, version)
        record, digest = (None, "") if data is None else _decoded(data, evidence or known.event.tag)
        decision = transitions.promote(state, policy, version, to, record, digest, asked)
        if data is not None and decision.changed:
            kept = _ledger.of_promotion(git, state, version, digest, data)
            decision = replace(decision, documents=kept)
        after = _on_github.entered(loaded, policy, decision, state, known.event.tag)
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


def _evidence(
    found: settings.Settings, file: str, git: Git, github: GitHub | None, state: ModelState, version: str
) -> bytes | None:
    """The evidence of the file, else the one that the version's tag names: of the ledger, or the release."""
    if file:
        return _registry.read_file(found.workspace / file)
    registered = selectors.registered(state, version)
    kept = ledger.evidence(git, ledger.tip(git), state.model, version, registered.evidence_digest)
    if kept is not None:
        return kept
    if github is None:
        return None
    from modelrail.adapters import store

    fetched = store.fetch_evidence(github, registered)
    return files.encode(fetched[0]) if fetched else None


def _decoded(data: bytes, source: str) -> tuple[records.Evidence, str]:
    return files.decode(data, records.Evidence, tags.one_line(source, 200)), files.digest_bytes(data)
