"""What is different from when the baseline was registered; for conditions of gates, and for notes."""

from __future__ import annotations

from collections.abc import Iterable

from modelrail import records
from modelrail.core.registry.decisions import data_digest
from modelrail.core.registry.history import Registered


def changed(
    candidate: records.Candidate, test: str, baseline: Registered | None, baseline_code: str | None
) -> tuple[str, ...] | None:
    """Of data, params, code and environment: what differs, or is not known to be the same.

    `test` is the digest of today's test set, `baseline_code` the tree of the baseline folder. None without a
    baseline: there is nothing to differ from.
    """
    if baseline is None:
        return None
    mark, before = candidate.fingerprint, baseline.event.trailers
    same = {
        "data": before.get("Data-Digest") == data_digest(candidate) and before.get("Test-Digest") == test,
        "params": "Data-Digest" in before and before.get("Params-Digest", "") == (mark.params or ""),
        "code": baseline_code == mark.code and not mark.dirty,
        "environment": before.get("Environment-Digest") == mark.environment,
    }
    return tuple(name for name, equal in same.items() if not equal)


def test_before(baseline: Registered | None) -> str | None:
    """The digest of the test set that judged the baseline when it was registered, if its tag says so."""
    return None if baseline is None else baseline.event.trailers.get("Test-Digest")


def test_uses(versions: Iterable[Registered], test: str) -> int:
    """How many registered versions were judged by this very test set."""
    return sum(known.event.trailers.get("Test-Digest") == test for known in versions)
