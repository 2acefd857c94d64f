"""The release of a version, and what is said about it on the pull request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from modelrail import __version__, plans, records, settings
from modelrail.adapters import files
from modelrail.adapters.actions_io import say
from modelrail.adapters.stores import release_assets
from modelrail.commands import _records
from modelrail.config import resolved as config
from modelrail.core.registry import statement, verification
from modelrail.core.registry.decisions import Decision
from modelrail.core.registry.history import ModelState

CARD, REPORT = "model-card.md", "report.html"
# What a release and the ledger both hold of a version: the same bytes.
SHARED = (records.Evidence.FILE, CARD, statement.FILE, statement.PROVENANCE_FILE)


def of(
    decision: Decision,
    state: ModelState,
    policy: config.Model,
    evidence: records.Evidence,
    digest: str,
    file: Path,
    folder: Path,
    place: Path,
    *,
    run_url: str,
    published: bool,
    shared: Mapping[str, bytes],
    leads: bool = True,
) -> plans.PublishRelease | None:
    """The release with the model, its evidence, its card and the checksums; None when it is published.

    A run that died between tag and release is completed by the next one with the same model bytes. If that
    one measured anew, its evidence is not the one that the tag names and is left out: better none than that.
    `shared`: card and statements as the ledger has them; what it has not is left out, but for the card.
    `leads`: the model's releases may be the repository's latest.
    """
    if published:
        return None
    from modelrail.report import render

    version, kept = decision.version, True
    if not decision.changed:
        kept = digest == state.versions[version].evidence_digest
        if not kept:
            say(
                f"⚠ {decision.tag} names another evidence than this run's; its release goes without."
                f" Before a promotion run:  modelrail evaluate {decision.model}@{version}"
            )
    assets: list[plans.Asset] = []
    if policy.store == "release":
        assets += release_assets.assets(file, evidence.candidate.file.digest, place)
    if kept:
        name = records.Evidence.FILE
        assets.append(
            plans.Asset(name=name, path=folder / name, digest=digest, media_type="application/json")
        )
        assets += [
            _written(place, name, shared[name], statement.MEDIA_TYPE)
            for name in (statement.FILE, statement.PROVENANCE_FILE)
            if name in shared
        ]
        assets.append(_written(place, REPORT, _report(evidence, digest, folder, run_url), "text/html"))
    if kept and CARD in shared:
        card = shared[CARD]
    else:
        card = render.model_card(evidence, version, evidence_digest=digest if kept else "").encode()
    assets.append(_written(place, CARD, card, "text/markdown"))
    sums = "".join(f"{asset.digest.removeprefix('sha256:')}  {asset.name}\n" for asset in assets)
    assets.append(_written(place, verification.SUMS, sums.encode(), "text/plain"))
    final, newest = _final(decision, state, policy)
    return plans.PublishRelease(
        tag=decision.tag,
        title=f"{decision.model} {version}",
        body=render.release_notes(evidence, version, run_url=run_url, evidence_digest=digest if kept else ""),
        assets=tuple(assets),
        prerelease=not final,
        latest=newest and leads,
    )


def _final(decision: Decision, state: ModelState, policy: config.Model) -> tuple[bool, bool]:
    """Whether the version is in the last stage, and its newest there: it enters now, or has entered since."""
    if not policy.stages:
        return False, False
    last = policy.stages[-1].name
    if decision.changed:
        entered = last in decision.entered
        return entered, entered
    there = [standing.version for standing in state.standing(last)]
    return decision.version in there, there[:1] == [decision.version]


def _report(evidence: records.Evidence, digest: str, folder: Path, run_url: str) -> bytes:
    """The HTML report of this evidence: made here, as no markup is taken from the job that trained."""
    from modelrail.report import html, view

    found = _records.load(folder, evidence.model, None, _records.Budget(), dry_run=True)
    commit = evidence.candidate.fingerprint.commit
    run = view.Run(url=run_url, commit=commit, tool=__version__, merging=False)
    return html.html(view.build([replace(found, evidence_digest=digest)], run)).encode()


def _written(place: Path, name: str, data: bytes, media_type: str) -> plans.Asset:
    files.write_bytes(place / name, data)
    return plans.Asset(name=name, path=place / name, digest=files.digest_bytes(data), media_type=media_type)


def comment(
    model: str,
    found: settings.Settings,
    *,
    decision: Decision | None = None,
    reason: str = "",
    release_url: str = "",
) -> str:
    """What the merged pull request is told about one model."""
    from modelrail.report import render

    return render.registered_comment(
        model,
        version=decision.version if decision else "",
        stages=decision.entered if decision else (),
        reason=reason,
        release_url=release_url,
        run_url=found.run_url,
        tag=decision.tag if decision else "",
    )
