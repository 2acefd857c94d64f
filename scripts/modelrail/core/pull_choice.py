"""Which pull request a run's report belongs to: decided by what GitHub says of the run, never by its records.

GitHub names no pull request in `workflow_run` when the run is a fork's. Its head (owner, branch, commit) is
given, and a pull request belongs to the run when it is open and has exactly this head.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Head:
    owner: str
    branch: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class Pull:
    number: int
    state: str  # "open", "closed", "merged"
    head: Head
    base: str  # the commit of the base branch


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`number` is None when nothing is to be posted; `words` then say why."""

    number: int | None
    words: str = ""


def of_github(found: Mapping[str, Any]) -> Pull:
    """A pull request as GitHub's API or event gives it. Of a deleted fork only its user is left."""
    head = found["head"]
    owner = head.get("user") or (head.get("repo") or {}).get("owner") or {}
    merged = bool(found.get("merged_at") or found.get("merged"))
    return Pull(
        number=int(found["number"]),
        state="merged" if merged else str(found.get("state", "open")),
        head=Head(owner=str(owner.get("login", "")), branch=str(head["ref"]), commit=str(head["sha"])),
        base=str((found.get("base") or {}).get("sha", "")),
    )


def choose(pulls: Sequence[Pull], head: Head, base_commits: Collection[str] = ()) -> Choice:
    """The open pull request of this head.

    One branch may be open against two others, each with a run of its own. `base_commits` (whose rules the
    records were judged by) then choose among these, and only among these: whoever forges records can at most
    exchange the reports of their own two pull requests.
    """
    if not (head.owner and head.branch and head.commit):
        return Choice(
            number=None, words="GitHub does not say which branch this run belongs to (a deleted fork?)."
        )
    same = [pull for pull in pulls if _same_branch(pull.head, head)]
    current = [pull for pull in same if pull.state == "open" and pull.head.commit == head.commit]
    if len(current) > 1:
        current = [pull for pull in current if pull.base in base_commits]
    if len(current) == 1:
        return Choice(number=current[0].number)
    return Choice(number=None, words=_why(same, head))


def _same_branch(one: Head, other: Head) -> bool:
    return one.owner.lower() == other.owner.lower() and one.branch == other.branch


def _why(same: Sequence[Pull], head: Head) -> str:
    short = head.commit[:7]
    opened = sorted((pull for pull in same if pull.state == "open"), key=lambda pull: pull.number)
    exact = [pull for pull in opened if pull.head.commit == head.commit]
    if exact:
        numbers = " and ".join(str(pull.number) for pull in exact)
        return f"Pull requests {numbers} have the same head {short}, and this run fits none of them alone."
    if opened:
        newer = opened[0]
        return (
            f"This is the result of an older commit, {short}: pull request {newer.number} has newer commits "
            f"({newer.head.commit[:7]}), and their own run will comment."
        )
    ended = [pull for pull in same if pull.head.commit == head.commit]
    if ended:
        last = max(ended, key=lambda pull: pull.number)
        return f"Pull request {last.number} is {last.state}."
    return f"No pull request of {head.owner}:{head.branch} has the commit {short}."
