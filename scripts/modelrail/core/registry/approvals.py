"""Who approved what a run did: reviewers of its environment, and of the pull request that was merged.

Read when the event is written, and kept in its tag: GitHub forgets a run after 400 days at most, and a review
can be dismissed later. What cannot be read is recorded as unknown, never as an approval.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from modelrail.core.registry.tags import one_line

BY, TOLD = "Approved-By", "Approvals"  # trailers
NONE, UNKNOWN = "none", "unknown"
MAX_COMMENT = 120
MAX_SAID = 20  # entries of a source
# People who can be asked to review; on a public repository anybody at all can press "approve".
COUNTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_QUOTED = str.maketrans("“”;", '"",')  # a comment ends where its quotes do, and begins no other entry
GHOST = "ghost"  # whose account is gone: GitHub's own word
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?\Z")


class Approval(Struct, frozen=True, kw_only=True):
    """One person's word. `how` says where it was given; `comment` is theirs, and untrusted."""

    by: str
    how: str
    approved: bool
    comment: str = ""

    def __str__(self) -> str:
        comment = one_line(self.comment, MAX_COMMENT).translate(_QUOTED)
        said = "" if self.approved else "refused, "
        return f"{self.by} ({said}{self.how})" + (f": “{comment}”" if comment else "")


class Approvals(Struct, frozen=True, kw_only=True):
    """What all sources said; `unknown` says why one of them could not be read."""

    found: tuple[Approval, ...] = ()
    unknown: tuple[str, ...] = ()

    def trailers(self) -> dict[str, str]:
        """`Approved-By`: the logins alone, for programs. `Approvals`: how, for people."""
        by = dict.fromkeys(approval.by for approval in self.found if approval.approved)
        told = [str(approval) for approval in self.found]
        told += [f"{UNKNOWN}: {one_line(why, 200)}" for why in self.unknown]
        return {BY: ", ".join(by), TOLD: "; ".join(told) or NONE}


def unknown(told: str | None) -> bool:
    """Whether the trailer says that some source could not be read."""
    return any(part.startswith(f"{UNKNOWN}: ") for part in (told or "").split("; "))


def of_run(entries: Iterable[Mapping[str, Any]]) -> tuple[Approval, ...]:
    """From the review history of a run. Raises ValueError for an answer that is none."""
    found = []
    for entry in entries:
        state = _text(entry, "state")
        if state not in {"approved", "rejected"}:
            continue  # "pending": still to be asked
        places = [one_line(_text(place, "name"), 60) for place in _list(entry, "environments")]
        how = f"environment {' and '.join(places)}" if places else "environment"
        found.append(
            Approval(by=_login(entry), how=how, approved=state == "approved", comment=_text(entry, "comment"))
        )
    return tuple(found[-MAX_SAID:])


def of_reviews(reviews: Iterable[Mapping[str, Any]], number: int, head: str) -> tuple[Approval, ...]:
    """From the reviews of a pull request, oldest first: each person's last word.

    `head`: the commit that was merged; a word about an earlier one says so. Raises ValueError.
    """
    last: dict[str, Approval] = {}
    for review in reviews:
        state, by = _text(review, "state").upper(), _login(review)
        if state == "DISMISSED":
            last.pop(by, None)
        elif state in {"APPROVED", "CHANGES_REQUESTED"}:
            last.pop(by, None)
            if _text(review, "author_association") not in COUNTED:
                continue
            commit = _text(review, "commit_id")
            of = "" if commit == head else f" at {commit[:7]}, before the last commit" if commit else ""
            last[by] = Approval(
                by=by, how=f"review of #{number}{of}", approved=state == "APPROVED",
                comment=_text(review, "body"),
            )  # fmt: skip
    return tuple(last.values())[-MAX_SAID:]


def _login(entry: Mapping[str, Any]) -> str:
    user = entry.get("user")
    if user is None:
        return GHOST
    login = _text(user, "login")
    if not _LOGIN.match(login):
        raise ValueError("an account without a name")
    return login


def _text(entry: Any, key: str) -> str:
    value = entry.get(key) if isinstance(entry, Mapping) else 0
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is not a text")  # noqa: TRY004 - an answer with another form
    return value


def _list(entry: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = entry.get(key)
    if not isinstance(value, list):
        raise ValueError(f"{key!r} is not a list")  # noqa: TRY004 - the same
    return value
