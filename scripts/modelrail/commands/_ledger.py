"""What the ledger keeps of a version, and how its evidence is found there."""

from __future__ import annotations

from pathlib import Path

from modelrail import plans, records
from modelrail.adapters import files
from modelrail.adapters.git import Git
from modelrail.adapters.registry import ledger
from modelrail.commands import _statements
from modelrail.commands._release import CARD, SHARED
from modelrail.core.registry import ledger as layout
from modelrail.core.registry.history import ModelState

REPORT = "report.md"
MAX_REPORT = 1024 * 1024


def of_version(
    model: str,
    version: str,
    evidence: records.Evidence,
    digest: str,
    folder: Path,
    *,
    repository_url: str,
    policy_file: str,
) -> tuple[plans.Document, ...]:
    """Evidence, model card and, where one was rendered, the report of a new version."""
    from modelrail.report import render

    place = layout.version_folder(model, version)
    card = render.model_card(evidence, version, evidence_digest=digest)
    name = records.Evidence.FILE
    found = [
        plans.Document(path=f"{place}/{name}", data=files.read_bytes(folder / name)),
        plans.Document(path=f"{place}/{CARD}", data=card.encode()),
    ]  # fmt: skip
    found += [
        plans.Document(path=f"{place}/{kept}", data=data)
        for kept, data in _statements.both(
            evidence, version, digest, repository=repository_url, policy=policy_file
        ).items()
    ]
    report = folder / REPORT
    if report.is_file() and not report.is_symlink():
        found.append(plans.Document(path=f"{place}/{REPORT}", data=files.read_bytes(report, MAX_REPORT)))
    return tuple(found)


def of_promotion(
    git: Git, state: ModelState, version: str, digest: str, data: bytes
) -> tuple[plans.Document, ...]:
    """The evidence of a promotion, unless the ledger has it: a version may be measured anew."""
    tip = ledger.tip(git)
    if ledger.evidence(git, tip, state.model, version, digest) is not None:
        return ()
    registered = state.versions[version]
    place = layout.version_folder(state.model, version)
    name = (
        records.Evidence.FILE
        if registered.evidence_digest == digest
        else layout.later_evidence(digest)
    )  # fmt: skip
    return (plans.Document(path=f"{place}/{name}", data=data),)


def named_evidence(git: Git, state: ModelState, version: str) -> tuple[records.Evidence, str, bytes] | None:
    """The evidence that a version's tag names, as record and bytes; None where the ledger has none."""
    registered = state.versions[version]
    digest = registered.evidence_digest
    data = ledger.evidence(git, ledger.tip(git), state.model, version, digest)
    if data is None:
        return None
    return files.decode(data, records.Evidence, f"evidence.json of {registered.event.tag}"), digest, data


def first_evidence(
    git: Git, state: ModelState, version: str, place: Path
) -> tuple[records.Evidence, str, Path] | None:
    """The evidence that a version's tag names, laid into a folder, for the release that it lacks.

    The run that completes it may have measured anew; what is published is what the tag names.
    """
    kept = named_evidence(git, state, version)
    if kept is None:
        return None
    record, digest, data = kept
    files.write_bytes(place / records.Evidence.FILE, data)
    return record, digest, place


def shared(git: Git, state: ModelState, version: str) -> dict[str, bytes]:
    """What the ledger keeps of a version that its release has too, by file name: the same bytes."""
    tip, place = ledger.tip(git), layout.version_folder(state.model, version)
    found = {name: ledger.document(git, tip, f"{place}/{name}") for name in SHARED}
    return {name: data for name, data in found.items() if data is not None}
