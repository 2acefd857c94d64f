"""The in-toto statements about a version: in the ledger, beside the release, and for GitHub to attest."""

from __future__ import annotations

import json

from modelrail import config, records, settings
from modelrail.core import statement


def repository_url(found: settings.Settings) -> str:
    return f"{found.server_url}/{found.repository}" if found.repository else ""


def both(evidence: records.Evidence, version: str, digest: str, repository: str) -> dict[str, bytes]:
    """The statements by file name."""
    return {
        statement.FILE: statement.judged(evidence, version, digest),
        statement.PROVENANCE_FILE: statement.provenance(
            evidence, repository_url=repository, policy_file=config.FILE
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
