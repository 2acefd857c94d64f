"""The evidence of a registered version, wherever it is kept; only with the digest that the tag names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.registry import ledger
from modelrail.core.registry import ledger as layout
from modelrail.errors import RecordError

if TYPE_CHECKING:
    from pathlib import Path

    from modelrail.adapters.git import Git
    from modelrail.adapters.github.client import GitHub
    from modelrail.core.registry.history import Registered

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def find(
    git: Git, registered: Registered, github: GitHub | None, *, cache: Path | None = None
) -> tuple[records.Evidence, str] | None:
    """The evidence and its digest: from the cache, the ledger, or the version's release; None without any.

    Raises RecordError when what is found is not what the tag names.
    """
    digest = registered.evidence_digest
    if not _DIGEST.match(digest):
        return None
    kept = cache / "evidence" / f"{digest.removeprefix('sha256:')}.json" if cache else None
    if kept is not None and kept.is_file():
        try:
            data = files.read_bytes(kept)
        except RecordError:
            data = b""
        if files.digest_bytes(data) == digest:
            return files.decode(data, records.Evidence, f"evidence.json of {registered.event.tag}"), digest
    source = f"evidence.json of {registered.event.tag}"
    for tip in (ledger.tip(git), _tracked(git)):
        listed = ledger.evidence(git, tip, registered.event.model, registered.version, digest)
        if listed is not None:
            return files.decode(listed, records.Evidence, source), digest
    if github is None:
        return None
    from modelrail.adapters import store

    found = store.fetch_evidence(github, registered)
    if found is not None and kept is not None:
        files.write_bytes(kept, files.encode(found[0]))
    return found


def _tracked(git: Git) -> str:
    """The ledger as an ordinary clone or fetch brought it; its digest is checked like any other's."""
    done = git.attempt("rev-parse", "--verify", "--quiet", f"refs/remotes/{git.remote}/{layout.BRANCH}")
    return done.stdout.decode().strip() if done.returncode == 0 else ""
