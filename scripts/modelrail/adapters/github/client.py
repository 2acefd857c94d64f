"""What modelrail does on GitHub: comments, pull requests, releases, deployments. HTTP is in http.py.

Every write can be repeated: what is there is compared first, and after a lost answer it is read back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import requests

from modelrail import plans
from modelrail.adapters.github import checks as github_checks
from modelrail.adapters.github import deployments as github_deployments
from modelrail.adapters.github import http as github_http
from modelrail.adapters.github import releases as github_releases
from modelrail.adapters.github.errors import UnprocessableError
from modelrail.adapters.github.repository import Json, Repository, mapping
from modelrail.errors import (
    GitHubError,
    NotFoundError,
    PermissionMissingError,
    UnavailableError,
    UsageError,
)
from modelrail.settings import Secret, Settings

BOT = "github-actions[bot]"
MAX_BODY = 65_536  # characters of a comment


class GitHub(Repository):
    """One repository on GitHub, or on a server that speaks its API."""

    def __init__(
        self,
        api_url: str,
        token: Secret,
        repository: str,
        *,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        bot_login: str = BOT,
    ) -> None:
        http = github_http.Client(api_url, token, session=session, sleep=sleep, clock=clock)
        super().__init__(http, repository)
        self._bot_login = bot_login
        self._own_login: str | None = None

    # --- pull requests ---------------------------------------------------------------------------------

    def pull_request(self, number: int) -> Json:
        return mapping(self.http.get(f"{self.base}/pulls/{number}"))

    def pulls_of_commit(self, sha: str) -> list[Json]:
        """The pull requests that brought this commit, lowest number first."""
        found = self.http.pages(f"{self.base}/commits/{quote(sha, safe='')}/pulls")
        return sorted(found, key=lambda pull: int(pull["number"]))

    def pulls_of_head(self, owner: str, branch: str) -> list[Json]:
        """The pull requests of a head branch, open and closed, newest first.

        GitHub ignores a filter that it cannot read: the caller compares the heads.
        """
        query = {"state": "all", "head": f"{owner}:{branch}", "sort": "created", "direction": "desc"}
        return list(self.http.pages(f"{self.base}/pulls", limit=3, complete=False, **query))

    def reviews(self, number: int) -> list[Json]:
        """The reviews of a pull request, oldest first."""
        return list(self.http.pages(f"{self.base}/pulls/{number}/reviews"))

    def run_approvals(self, run_id: str) -> list[Json]:
        """What reviewers of environments said to a run, oldest first."""
        found = self.http.get(f"{self.base}/actions/runs/{quote(run_id, safe='')}/approvals")
        if not isinstance(found, list):
            raise GitHubError("GitHub's answer is not the list that its API promises.")
        return found

    # --- artifacts of runs -----------------------------------------------------------------------------

    def newest_artifact(self, run_id: int, name: str) -> Json | None:
        """The last artifact of this name that a run left: each attempt may leave its own."""
        path = f"{self.base}/actions/runs/{run_id}/artifacts"
        listed = mapping(self.http.get(path, name=name, per_page=100)).get("artifacts")
        found = [one for one in listed or () if isinstance(one, dict) and one.get("name") == name]
        return max(found, key=lambda one: int(one["id"])) if found else None

    def download_artifact(self, artifact_id: int, out: BinaryIO, max_bytes: int) -> None:
        """Stream the zip file to `out`. A cut connection is tried again."""
        path = f"{self.base}/actions/artifacts/{artifact_id}/zip"
        for attempt in range(1, github_releases.DOWNLOAD_ATTEMPTS + 1):
            out.seek(0)
            out.truncate()
            try:
                with self.http.send("GET", path, raw=True) as response:
                    github_releases.copy(response, "the artifact", out, max_bytes)
                    return
            except requests.RequestException as error:
                if attempt == github_releases.DOWNLOAD_ATTEMPTS:
                    raise UnavailableError(
                        f"The artifact could not be downloaded in {attempt} attempts.",
                        why=type(error).__name__,  # its text would hold the signed URL
                        next="Try again later.",
                    ) from None
            self.http.wait(attempt)

    # --- the sticky comment ----------------------------------------------------------------------------

    def upsert_comment(self, effect: plans.UpsertComment) -> str:
        """Create or update the one comment that carries the marker and is ours; returns its URL."""
        body = _fit(f"{effect.marker}\n{effect.body}", MAX_BODY)
        for limit in (MAX_BODY, MAX_BODY // 2, MAX_BODY // 4, 4000):
            try:
                return self._upsert(effect.pull_request, effect.marker, _fit(body, limit))
            except UnprocessableError as refused:
                # Some servers count bytes: halve as long as the length is what they refuse.
                if "too long" not in refused.why.lower() or limit == 4000:
                    raise
        raise AssertionError

    def _upsert(self, number: int, marker: str, body: str) -> str:
        gone = 0

        def find() -> Json | None:
            return self.own_comment(number, marker, after=gone)

        found = find()
        if found is not None:
            if _normal(found["body"]) == _normal(body):
                return str(found["html_url"])
            try:
                changed = self.http.patch(f"{self.base}/issues/comments/{found['id']}", {"body": body})
                return str(changed["html_url"])
            except NotFoundError:
                gone = int(found["id"])  # deleted since it was listed: create it again
        created = self.create(
            lambda: self.http.post(f"{self.base}/issues/{number}/comments", {"body": body}),
            lambda: self._if_equal(find(), body),
        )
        return self._one_of(created, find(), body)

    def _one_of(self, created: Json, first: Json | None, body: str) -> str:
        """Two jobs may post their first comment at once: the oldest stays, whoever came later updates it."""
        if first is None or int(first["id"]) >= int(created["id"]):
            return str(created["html_url"])
        if _normal(first["body"]) != _normal(body):
            try:
                self.http.patch(f"{self.base}/issues/comments/{first['id']}", {"body": body})
            except NotFoundError:  # deleted meanwhile: then ours is the one
                return str(created["html_url"])
        with contextlib.suppress(NotFoundError):
            self.http.delete(f"{self.base}/issues/comments/{created['id']}")
        return str(first["html_url"])

    @staticmethod
    def _if_equal(found: Json | None, body: str) -> Json | None:
        return found if found is not None and _normal(found["body"]) == _normal(body) else None

    def own_comment(self, number: int, marker: str, *, after: int = 0) -> Json | None:
        """The oldest comment with the marker in its first line and written by us, over all pages.

        `after`: a list may still show a comment that is gone; this one and older ones do not count.

        Anyone can write the marker, so the author must match: the configured bot, or else whom the token
        belongs to.
        """
        marked = [
            comment
            for comment in self.http.pages(f"{self.base}/issues/{number}/comments")
            if int(comment["id"]) > after
            and str(comment.get("body") or "").lstrip().split("\n", 1)[0].strip() == marker
        ]
        ours = [comment for comment in marked if _login(comment) == self._bot_login]
        if marked and not ours:
            own = self._login_of_token()
            ours = [comment for comment in marked if own and _login(comment) == own]
        return min(ours, key=lambda comment: int(comment["id"])) if ours else None

    def _login_of_token(self) -> str:
        """The login behind a personal token; "" for a workflow's token, which GitHub does not let ask."""
        if self._own_login is None:
            try:
                self._own_login = str(self.http.get("/user").get("login", ""))
            except (PermissionMissingError, NotFoundError):
                self._own_login = ""
        return self._own_login

    # --- releases --------------------------------------------------------------------------------------

    def publish_release(self, effect: plans.PublishRelease) -> str:
        """Draft, upload, verify, publish; completes a half-done one. Returns its URL."""
        return github_releases.publish(self, effect)

    def mark_release(self, effect: plans.MarkRelease) -> str:
        """Set `prerelease` and `latest` of a published release; "" when the tag has none."""
        return github_releases.mark(self, effect)

    def download_asset(
        self, release: Json, name: str, dest: Path, *, digest: str = "", max_bytes: int = 2 * 1024**3
    ) -> str:
        """Stream an asset to `dest`; returns its SHA-256. With `digest`, other bytes are refused."""
        return github_releases.download(self, release, name, dest, digest=digest, max_bytes=max_bytes)

    def asset_digests(self, release: Json, names: Iterable[str], *, max_bytes: int) -> dict[str, str]:
        """The SHA-256 of these assets, of those that are there."""
        return github_releases.digests(self, release, names, max_bytes=max_bytes)

    # --- check runs ------------------------------------------------------------------------------------

    def publish_check(self, effect: plans.PublishCheck) -> str:
        """A check run with its annotations, or the commit's status where the token may only write that."""
        return github_checks.publish(self, effect)

    # --- deployments -----------------------------------------------------------------------------------

    def set_deployment(self, effect: plans.SetDeployment) -> str:
        """A deployment of `ref` with this status, or the one that is there already. Returns its API URL."""
        return github_deployments.publish(self, effect)


def connect(settings: Settings) -> GitHub:
    """The client for the repository of the surroundings. Raises when it or the token is missing."""
    if not settings.repository:
        raise UsageError(
            "There is no GitHub repository to talk to.",
            next="In a workflow GITHUB_REPOSITORY names it; on a laptop set GITHUB_REPOSITORY=owner/name.",
        )
    if not settings.token:
        raise PermissionMissingError(
            f"There is no token for {settings.repository}.",
            next="Hand the job its token (`github.token`), or set MODELRAIL_TOKEN.",
        )
    return GitHub(settings.api_url, settings.token, settings.repository, bot_login=settings.bot_login)


def _login(comment: Json) -> str:
    return str((comment.get("user") or {}).get("login", ""))


def _normal(body: object) -> str:
    return str(body or "").replace("\r\n", "\n").strip()


def _fit(body: str, limit: int) -> str:
    """A body of at most `limit` bytes, cut at a line, its open folds and code fences closed.

    The renderer keeps to its own budget; this is the last resort for a server with a smaller limit.
    """
    if len(body.encode()) <= limit:
        return body
    kept = body.encode()[: limit - 400].decode("utf-8", "ignore").rsplit("\n", 1)[0]
    fences = [line for line in kept.split("\n") if line.startswith("```")]
    closing = "\n" + (fences[-1].split("text")[0] if len(fences) % 2 else "")
    closing += "\n\n</details>" * max(0, kept.count("<details") - kept.count("</details>"))
    return f"{kept}{closing}\n\n_Cut: the whole report is in the job summary._\n"
