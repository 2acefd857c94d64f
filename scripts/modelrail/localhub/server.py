"""The Hub: one state folder, its functions for tests and runners, and the server over it."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from modelrail.errors import NotFoundError
from modelrail.localhub import actions, approvals, deployments, issues, pulls, releases, repositories
from modelrail.localhub.faults import Decide
from modelrail.localhub.shapes import people, talk, work
from modelrail.localhub.world import Identity, World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Json = dict[str, Any]
Middleware = Callable[["WSGIApplication"], "WSGIApplication"]


class Hub(World):
    """A local GitHub. Thread-safe; a second process may open the same folder."""

    def __init__(
        self,
        state: Path,
        *,
        faults: Decide | None = None,
        hourly_limit: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(state, clock=clock)
        self.faults = faults
        self.hourly_limit = hourly_limit

    def serve(self, port: int = 0, *, middleware: Middleware | None = None) -> Running:
        """Serve on 127.0.0.1 in a thread; port 0: a free one. `middleware` wraps what GitHub would answer."""
        from modelrail.localhub import web

        return Running(self, web.start(self, port, middleware))

    # --- repositories --------------------------------------------------------------------------------

    def create_repository(
        self,
        owner: str,
        name: str,
        *,
        description: str = "",
        default_branch: str = "main",
        private: bool = False,
    ) -> Json:
        made = repositories.create(
            self, owner, name, description=description, default_branch=default_branch, private=private
        )
        return people.full_repository(self, made, push=True)

    def fork(self, owner: str, name: str, *, to: str) -> Json:
        found = self.repository(owner, name)
        return people.full_repository(self, repositories.create(self, to, name, fork_of=found), push=True)

    def configure(self, owner: str, name: str, **settings: Any) -> None:
        """guard_workflows, immutable_releases, private, description, default_branch, actions_policy."""
        repositories.configure(self, self.repository(owner, name), **settings)

    def add_collaborator(self, owner: str, name: str, login: str) -> None:
        found = self.repository(owner, name)
        self.store.save(found | {"collaborators": [*found["collaborators"], self.user(login)["login"]]})

    def add_ruleset(
        self,
        owner: str,
        name: str,
        *,
        target: str,
        rules: Sequence[str],
        include: Sequence[str] = ("~ALL",),
        exclude: Sequence[str] = (),
        bypass: Sequence[str] = (),
        checks: Sequence[str] = (),
        title: str = "",
    ) -> Json:
        """Forbid creation, update, deletion or non_fast_forward of the matching tags or branches."""
        repo = self.repository(owner, name)
        made = repositories.add_ruleset(
            self,
            repo,
            name=title or target,
            target=target,
            include=include,
            rules=rules,
            exclude=exclude,
            bypass=bypass,
            checks=checks,
        )
        return work.full_ruleset(self, repo, made)

    def set_environment(
        self,
        owner: str,
        name: str,
        environment: str,
        *,
        reviewers: Sequence[str] = (),
        wait_minutes: int = 0,
        protected_branches: bool = False,
    ) -> Json:
        repo = self.repository(owner, name)
        made = deployments.set_environment(
            self,
            repo,
            environment,
            reviewers=tuple(reviewers),
            wait_minutes=wait_minutes,
            protected_branches=protected_branches,
        )
        return work.environment(self, repo, made)

    def sync(self, owner: str, name: str) -> None:
        """After a change of the bare repository by path: pull requests follow."""
        pulls.follow(self, self.repository(owner, name))

    def pushes(self, owner: str, name: str) -> list[Json]:
        """Every change of a ref so far: ref, before, after, user, time; oldest first."""
        return self.store.all("push", self.repository(owner, name)["full_name"])

    # --- pull requests -------------------------------------------------------------------------------

    def open_pull_request(
        self,
        owner: str,
        name: str,
        head: str,
        base: str,
        title: str,
        body: str | None = None,
        user: str = "",
        *,
        labels: Sequence[str] = (),
    ) -> Json:
        repo = self.repository(owner, name)
        made = pulls.open_pull(
            self, repo, head=head, base=base, title=title, body=body, user=user or owner, labels=labels
        )
        return talk.pull(self, repo, made)

    def pull_request(self, owner: str, name: str, number: int) -> Json:
        repo = self.repository(owner, name)
        return talk.pull(self, repo, pulls.get(self, repo, number))

    def pull_requests(self, owner: str, name: str, state: str = "all") -> list[Json]:
        """Oldest first."""
        repo = self.repository(owner, name)
        found = pulls.select(self, repo, state=state, head="", base="", newest_first=False)
        return [talk.pull_simple(self, repo, one) for one in found]

    def close_pull_request(self, owner: str, name: str, number: int) -> None:
        issues.change(self, self.repository(owner, name), number, {"state": "closed"})

    def merge(self, owner: str, name: str, number: int, user: str = "", *, method: str = "merge") -> str:
        """The new commit on the base branch."""
        return pulls.merge(self, self.repository(owner, name), number, user=user or owner, method=method)

    def add_labels(self, owner: str, name: str, number: int, labels: Sequence[str]) -> None:
        issues.add_labels(self, self.repository(owner, name), number, labels)

    def comment(self, owner: str, name: str, number: int, body: str, user: str) -> Json:
        repo = self.repository(owner, name)
        return talk.comment(self, repo, issues.comment(self, repo, number, body, user))

    def comments(self, owner: str, name: str, number: int) -> list[Json]:
        repo = self.repository(owner, name)
        return [talk.comment(self, repo, one) for one in issues.comments(self, repo, number)]

    def review(
        self, owner: str, name: str, number: int, user: str, event: str = "APPROVE", body: str = ""
    ) -> Json:
        """APPROVE, REQUEST_CHANGES or COMMENT a pull request as this person."""
        repo = self.repository(owner, name)
        made = approvals.review(self, repo, number, user, {"event": event, "body": body})
        return talk.review(self, repo, made)

    # --- releases and deployments --------------------------------------------------------------------

    def releases(self, owner: str, name: str, *, drafts: bool = True) -> list[Json]:
        """Newest first."""
        repo = self.repository(owner, name)
        return [work.release(self, repo, one) for one in releases.listing(self, repo, drafts=drafts)]

    def leave_starter(self, owner: str, name: str, release_id: int, asset: str) -> Json:
        """What a broken upload leaves on a release."""
        repo = self.repository(owner, name)
        release = releases.get(self, repo, release_id)
        made = releases.reserve(
            self,
            repo,
            release,
            name=asset,
            label=None,
            content_type="application/octet-stream",
            user=owner,
            size=1,
        )
        return work.asset(self, repo, made)

    def deployments(self, owner: str, name: str) -> list[Json]:
        """Newest first, each with its newest status as `status` (None without one)."""
        repo = self.repository(owner, name)
        found = []
        for one in deployments.select(self, repo):
            newest = deployments.newest_status(self, repo, one)
            shaped = work.deployment(self, repo, one)
            found.append(shaped | {"status": work.deployment_status(self, repo, newest) if newest else None})
        return found

    # --- actions -------------------------------------------------------------------------------------

    def dispatches(self, owner: str, name: str) -> list[Json]:
        """Queued ones, oldest first: id, event, workflow, ref, inputs, user (or type, payload)."""
        return actions.queued(self, self.repository(owner, name))

    def take_dispatch(self, identity: int) -> bool:
        return actions.take(self, identity)

    def start_run(
        self,
        owner: str,
        name: str,
        *,
        workflow: str,
        event: str,
        head_branch: str,
        head_sha: str,
        title: str = "",
        actor: str = "",
        head_repository: str = "",
    ) -> Json:
        """`workflow` is the file; `title` its `name:`; `head_repository` "owner/name" of a fork."""
        repo = self.repository(owner, name)
        made = actions.start_run(
            self,
            repo,
            workflow=workflow,
            event=event,
            head_branch=head_branch,
            head_sha=head_sha,
            name=title,
            actor=actor,
            head_repository=head_repository,
        )
        return work.run(self, repo, made)

    def finish_run(self, run_id: int, conclusion: str) -> Json:
        made = actions.finish_run(self, run_id, conclusion)
        return work.run(self, self.repository(*made["repository"].split("/")), made)

    def approve_run(
        self, run_id: int, environment: str, user: str, comment: str = "", *, approved: bool = True
    ) -> None:
        """What a reviewer of an environment says to a run that waits for it."""
        repo = self.repository(*actions.any_run(self, run_id)["repository"].split("/"))
        approvals.approve(self, repo, run_id, environment, user, comment, approved=approved)

    def add_artifact(self, run_id: int, name: str, archive: bytes) -> Json:
        """`archive` is a zip file."""
        made = actions.add_artifact(self, run_id, name, archive)
        run = actions.any_run(self, run_id)
        return work.artifact(self, self.repository(*run["repository"].split("/")), made)

    def artifact_path(self, artifact_id: int) -> Path:
        return actions.artifact_path(self, {"id": artifact_id})


class Running:
    """A hub that serves. Leaving the `with` block ends it."""

    def __init__(self, hub: Hub, server: Any) -> None:
        self.hub = hub
        self._server = server
        self.port: int = server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        hub.serve_at(self.url)
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), name="modelrail-hub", daemon=True
        )
        self._thread.start()

    @property
    def api_url(self) -> str:
        return self.hub.api_url

    def git_url(self, owner: str, name: str) -> str:
        return f"{self.url}/{owner}/{name}.git"

    def token_for(self, login: str, *, repository: str | None = None, **permissions: str) -> str:
        return self.hub.token_for(login, repository=repository, **permissions)

    def wait(self) -> None:
        """Until somebody closes it."""
        self._thread.join()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.hub.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def locate(url: str) -> Hub:
    """The Hub behind a running server on this machine: opens the state folder that the server names."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/_hub", timeout=5) as answer:  # noqa: S310
            state = Path(json.load(answer)["state"])
    except (OSError, ValueError, KeyError) as error:
        raise NotFoundError(
            f"No local GitHub answers at {url}.", why=str(error), next="Start one with: modelrail hub start"
        ) from None
    return Hub(state)


__all__ = ["Hub", "Identity", "Running", "locate"]
