"""The in-toto statements about a version: in the ledger, beside the release, and for GitHub to attest."""

from __future__ import annotations

import json
from pathlib import Path

from modelrail import records, settings
from modelrail.core.registry import statement


def repository_url(found: settings.Settings) -> str:
    return f"{found.server_url}/{found.repository}" if found.repository else ""


def policy_file(root: Path, file: Path) -> str:
    """The configuration as the repository (at `root`) names it; of one outside of it the bare name."""
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return file.name


def both(
    evidence: records.Evidence, version: str, digest: str, *, repository: str, policy: str
) -> dict[str, bytes]:
    """The statements by file name. `policy`: the path of the configuration."""
    return {
        statement.FILE: statement.judged(evidence, version, digest),
        statement.PROVENANCE_FILE: statement.provenance(
            evidence, repository_url=repository, policy_file=policy
        ),
    }


def subject(evidence: records.Evidence, version: str, digest: str) -> dict[str, str]:
    """What a step of GitHub's attestation action needs to know of one version."""
    content = statement.predicate(evidence, version, digest)
    return {
        "name": evidence.candidate.file.name,
        "digest": evidence.candidate.file.digest,
        "predicate-type": statement.JUDGED,
        "predicate": json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True),
    }
