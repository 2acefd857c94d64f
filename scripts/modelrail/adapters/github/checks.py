"""Check runs, and the commit status that says the same in one line where a token may not write them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from modelrail import plans
from modelrail.errors import PermissionMissingError

if TYPE_CHECKING:
    from modelrail.adapters.github.repository import Repository

Json = Mapping[str, Any]
MAX_DESCRIPTION = 140  # characters of a status


def publish(github: Repository, effect: plans.PublishCheck) -> str:
    """The check run of the commit, or else its status; returns the URL. The same content is not sent twice.

    Changing a check run would add its annotations once more, so that another content is a new check run:
    GitHub shows the newest of a name. Raises PermissionMissingError when neither may be written.
    """
    try:
        return _check(github, effect)
    except PermissionMissingError:
        try:
            return _status(github, effect)
        except PermissionMissingError as missing:
            raise PermissionMissingError(
                "The token may write neither check runs nor commit statuses.",
                why=missing.why,
                next="Add `permissions: {checks: write}` to the job that calls modelrail.",
            ) from None


def _check(github: Repository, effect: plans.PublishCheck) -> str:
    def find() -> Json | None:
        path = f"{github.base}/commits/{quote(effect.commit, safe='')}/check-runs"
        listed = github.http.get(path, check_name=effect.name, filter="latest", per_page=100)
        runs = listed.get("check_runs") if isinstance(listed, dict) else None
        ours = [run for run in runs or () if run.get("name") == effect.name and run.get("external_id")]
        newest = max(ours, key=lambda run: int(run["id"]), default=None)
        return newest if newest is not None and newest["external_id"] == effect.content else None

    body: dict[str, Any] = {
        "name": effect.name,
        "head_sha": effect.commit,
        "external_id": effect.content,
        "status": "completed",
        "conclusion": effect.conclusion,
        "output": {
            "title": effect.title,
            "summary": effect.summary,
            "annotations": [
                {
                    "path": note.path,
                    "start_line": note.line,
                    "end_line": note.line,
                    "annotation_level": note.level,
                    "title": note.title,
                    "message": note.message,
                }
                for note in effect.annotations
            ],
        },
    }
    if effect.url:
        body["details_url"] = effect.url
    found = find() or github.create(lambda: github.http.post(f"{github.base}/check-runs", body), find)
    return str(found.get("html_url") or found.get("url") or "")


def _status(github: Repository, effect: plans.PublishCheck) -> str:
    sha = quote(effect.commit, safe="")
    title = effect.title
    body = {
        "state": effect.conclusion,
        "context": effect.name,
        "description": title if len(title) <= MAX_DESCRIPTION else title[: MAX_DESCRIPTION - 1] + "…",
        **({"target_url": effect.url} if effect.url else {}),
    }

    def find() -> Json | None:
        """The newest status of this context, when it says the same."""
        listed = github.http.pages(f"{github.base}/commits/{sha}/statuses", limit=3, complete=False)
        newest = next((one for one in listed if one.get("context") == effect.name), None)
        same = newest is not None and all(newest.get(key) == value for key, value in body.items())
        return newest if same else None

    there: Json | None = None
    with contextlib.suppress(PermissionMissingError):  # a token may be one that writes and cannot read
        there = find()
    found = there or github.create(lambda: github.http.post(f"{github.base}/statuses/{sha}", body), find)
    return str(found.get("url") or "")
