"""GitHub's refusals as errors that say which permission, setting or event is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelrail.errors import GitHubError, NotFoundError, PermissionMissingError, UnavailableError


class AnswerLostError(UnavailableError):
    """A POST may or may not have had its effect: the caller reads back before it decides."""


class UnprocessableError(GitHubError):
    """422: the request is understood and refused; `codes` are GitHub's own (`already_exists`, ...)."""

    def __init__(self, what: str, *, why: str = "", codes: tuple[str, ...] = ()) -> None:
        super().__init__(what, why=why)
        self.codes = codes


# What a call needs when GitHub's answer does not say so itself; the first match counts.
_NEEDED = (
    (r"/issues/(comments/)?\d+", "pull-requests: write"),
    (r"/releases|/git/refs", "contents: write"),
    (r"/deployments", "deployments: write"),
    (r"/check-runs", "checks: write"),
    (r"/statuses", "statuses: write"),
    (r"/dispatches", "actions: write"),
    (r"/actions/", "actions: read"),
    (r"/pulls", "pull-requests: read"),
    (r"/user$", "a personal access token"),
)


def needed_permission(method: str, path: str, header: str = "") -> str:
    """The permission as a workflow writes it. `header` is X-Accepted-GitHub-Permissions:
    alternatives parted by `;`, each `name=level`, joined by `,`.
    """
    alternatives = []
    for choice in header.split(";"):
        pairs = re.findall(r"([a-z_]+)=([a-z]+)", choice)
        if pairs:
            alternatives.append(" and ".join(f"{name.replace('_', '-')}: {level}" for name, level in pairs))
    if alternatives:
        return " or ".join(alternatives)
    for pattern, permission in _NEEDED:
        if re.search(pattern, path):
            return permission.replace(": write", ": read") if method == "GET" else permission
    return "contents: read" if method == "GET" else "contents: write"


def denied(method: str, path: str, status: int, message: str, headers: Mapping[str, str]) -> GitHubError:
    """401 and 403 that are no rate limit."""
    if status == 401:
        return PermissionMissingError(
            f"GitHub does not accept the token for {method} {path}.",
            why=message,
            next="Give a valid token: GITHUB_TOKEN in a workflow (`github.token`), or MODELRAIL_TOKEN.",
        )
    if "locked" in message.lower():
        return GitHubError(
            f"GitHub refused {method} {path}: the conversation is locked.",
            why=message,
            next="Unlock the conversation.",
        )
    permission = needed_permission(method, path, headers.get("X-Accepted-GitHub-Permissions", ""))
    grant = permission.split(" or ")[0].replace(" and ", ", ")
    return PermissionMissingError(
        f"GitHub refused {method} {path}: the token lacks the permission `{permission}`.",
        why=message,
        next=(
            f"Add `permissions: {{{grant}}}` to the job that calls modelrail. "
            "A pull request from a fork never gets a token that writes: post its report from "
            "a `workflow_run` workflow."
        ),
    )


def gone(method: str, path: str, message: str, *, has_token: bool) -> NotFoundError:
    """404 and 410. GitHub also answers 404 where the token may not look."""
    hint = (
        "If it exists, the token cannot see it: it needs access to this repository "
        f"(for this call `{needed_permission(method, path)}`)."
        if has_token
        else "No token was given; a private repository is invisible without one."
    )
    return NotFoundError(f"GitHub has nothing at {path}.", why=message, next=hint)
