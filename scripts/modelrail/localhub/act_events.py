"""The events that start workflows: their payloads, and which commit's workflows they start."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelrail.errors import NotFoundError, UsageError, WorkflowRunError
from modelrail.localhub import act_place, act_triggers, events
from modelrail.localhub.answers import ApiError

if TYPE_CHECKING:
    from modelrail.localhub.server import Hub


@dataclass(frozen=True)
class Event:
    """One event: what it is called, its payload, and the ref whose workflows it starts."""

    name: str
    payload: Mapping[str, Any]
    ref: str  # GITHUB_REF
    branch: str  # what the run shows as its branch
    head_sha: str
    actor: str
    head_repository: str = ""
    changed: Sequence[str] | None = None
    untrusted: bool = False  # from a fork: the token may read and no more, and there are no secrets


def _reasons(error: ApiError) -> str:
    """What the hub says is wrong, in its own words where it has some."""
    said = [
        str(one["message"]) for one in error.errors or () if not isinstance(one, str) and "message" in one
    ]
    return " ".join(said) or str(error)


class Source:
    """Makes the events of one repository of the hub."""

    def __init__(self, hub: Hub, repository: str) -> None:
        self.hub, self.repository = hub, repository
        self.owner, _, self.name = repository.partition("/")
        self.bare = Path(hub.repository_path(self.owner, self.name))

    @property
    def default_branch(self) -> str:
        return act_place.git("symbolic-ref", "--short", "HEAD", cwd=self.bare)

    def newest_pull_request(self) -> int:
        """The newest open one. Raises NotFoundError when there is none."""
        refs = act_place.git("for-each-ref", "--format=%(refname)", "refs/pull", cwd=self.bare).split()
        numbers = sorted({int(ref.split("/")[2]) for ref in refs}, reverse=True)
        for number in numbers:
            if self.hub.pull_request(self.owner, self.name, number)["state"] == "open":
                return number
        raise NotFoundError(
            f"{self.repository} has no open pull request.",
            next="Push a branch; `modelrail act pull_request --head BRANCH` opens one for it.",
        )

    def pull_request_of(self, branch: str, user: str) -> int:
        """The open pull request of a branch; a new one when there is none. Raises NotFoundError."""
        for pull in self.hub.pull_requests(self.owner, self.name):
            if pull["state"] == "open" and pull["head"]["ref"] == branch:
                return int(pull["number"])
        try:
            made = self.hub.open_pull_request(
                self.owner, self.name, branch, self.default_branch, branch, "", user
            )
        except ApiError as error:
            raise NotFoundError(
                f"No pull request can be opened for {branch!r}.",
                why=_reasons(error),
                next=f"Push the branch, with a commit of its own, first: git push origin {branch}",
            ) from None
        return int(made["number"])

    def pull_request(self, number: int, action: str = "opened") -> Event:
        pull = self.hub.pull_request(self.owner, self.name, number)
        merge = f"refs/pull/{number}/merge"
        head = pull["head"]
        source = (head.get("repo") or {}).get("full_name", "")
        try:
            base, merged = (self._commit(f"{merge}^1"), self._commit(merge))
        except NotFoundError:
            raise WorkflowRunError(
                f"Pull request #{number} has no merge commit: it conflicts with {pull['base']['ref']}.",
                next="Bring the branch up to date; GitHub starts no run for it either.",
            ) from None
        return Event(
            name="pull_request",
            payload=events.pull_request(self.hub, self.owner, self.name, number, action=action),
            ref=merge,
            branch=head["ref"],
            head_sha=head["sha"],
            actor=pull["user"]["login"],
            head_repository=source,
            changed=act_place.changed_paths(self.bare, base, merged),
            untrusted=source != self.repository,
        )

    def push(self, ref: str, actor: str, before: str = "") -> Event:
        after = self._commit(ref)
        if not before:
            try:
                before = self._commit(f"{ref}^1")
            except NotFoundError:
                before = "0" * 40
        return Event(
            name="push",
            payload=events.push(self.hub, self.owner, self.name, ref, before, after, user=actor),
            ref=ref,
            branch=ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
            head_sha=after,
            actor=actor,
            changed=act_place.changed_paths(self.bare, before, after),
        )

    def workflow_run(self, run_id: int, actor: str) -> Event:
        branch = self.default_branch
        return Event(
            name="workflow_run",
            payload=events.workflow_run(self.hub, self.owner, self.name, run_id, action="completed"),
            ref=f"refs/heads/{branch}",
            branch=branch,
            head_sha=self._commit(f"refs/heads/{branch}"),
            actor=actor,
        )

    def workflow_dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str], actor: str) -> Event:
        file = Path(workflow).name
        if not file:
            raise UsageError("A workflow_dispatch needs --workflow FILE.")
        # The file as it stands on the ref says which inputs there are and what they default to.
        text = act_place.git("show", f"{self._commit(ref)}:.github/workflows/{file}", cwd=self.bare)
        values = act_triggers.dispatch_inputs(act_triggers.parse(file, text), inputs)
        return Event(
            name="workflow_dispatch",
            payload=events.workflow_dispatch(
                self.hub, self.owner, self.name, file, ref=ref, inputs=values, user=actor
            ),
            ref=ref,
            branch=ref.removeprefix("refs/heads/"),
            head_sha=self._commit(ref),
            actor=actor,
        )

    def _commit(self, revision: str) -> str:
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
            cwd=self.bare, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise NotFoundError(f"{self.repository} on the hub has no {revision}.")
        return done.stdout.strip()
