"""Who approved, asked of GitHub before an event is written; that it cannot be read fails nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelrail.core.registry import approvals
from modelrail.core.registry.approvals import Approval, Approvals
from modelrail.errors import GitHubError, NotFoundError, PermissionMissingError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelrail.adapters.github.client import GitHub
    from modelrail.settings import Settings


def read(found: Settings, github: GitHub | None, pull: Mapping[str, Any] | None = None) -> Approvals | None:
    """Of the environments of this run, and of the pull request that was merged; None where nobody is asked.

    A run without GitHub (another CI) has no reviewers that we know of.
    """
    if not (found.run_id and found.repository):
        return None
    if github is None and not found.token:
        return Approvals(unknown=("there is no token",))
    if github is None:
        from modelrail.adapters.github import client as adapter

        github = adapter.connect(found)
    asked: list[Callable[[], tuple[Approval, ...]]] = []
    client = github
    if pull is not None:
        number, head = int(pull["number"]), str(pull["head"]["sha"])
        asked.append(lambda: approvals.of_reviews(client.reviews(number), number, head))
    asked.append(lambda: approvals.of_run(client.run_approvals(found.run_id)))
    known: list[Approval] = []
    unknown: list[str] = []
    for ask in asked:
        try:
            known += ask()
        except (GitHubError, UnavailableError, NotFoundError, ValueError) as error:
            unknown.append(_why(error))
    return Approvals(found=tuple(known), unknown=tuple(unknown))


def _why(error: Exception) -> str:
    if isinstance(error, PermissionMissingError):
        return error.what
    if isinstance(error, (GitHubError, UnavailableError, NotFoundError)):
        return f"{error.what} {error.why}".strip()
    return f"GitHub's answer is not what its API promises: {error}"
