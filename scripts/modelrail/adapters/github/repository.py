"""What all parts of a repository on GitHub need: its address, its releases, creation that can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from modelrail.adapters.github import http as github_http
from modelrail.adapters.github.errors import AnswerLostError, UnprocessableError
from modelrail.errors import GitHubError, NotFoundError

Json = Mapping[str, Any]


class Repository:
    """One repository on GitHub, by HTTP; what is done there is in the modules that take it."""

    def __init__(self, http: github_http.Client, repository: str) -> None:
        self.http = http
        self.repository = repository
        owner, _, name = repository.partition("/")
        self.base = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"

    def release_by_tag(self, tag: str) -> Json | None:
        """The published release of a tag; a draft has none yet."""
        try:
            return mapping(self.http.get(f"{self.base}/releases/tags/{quote(tag, safe='')}"))
        except NotFoundError:
            return None

    def create(self, send: Callable[[], Any], read_back: Callable[[], Json | None]) -> Json:
        """POST; after a lost answer look whether it had its effect, and only if not, send again."""
        for attempt in range(1, github_http.ATTEMPTS + 1):
            try:
                return mapping(send())
            except AnswerLostError:
                self.http.wait(attempt)
                found = read_back()
                if found is not None:
                    return found
                if attempt == github_http.ATTEMPTS:
                    raise
            except UnprocessableError as refused:
                found = read_back() if "already_exists" in refused.codes else None
                if found is None:
                    raise
                return found
        raise AssertionError


def mapping(value: object) -> Json:
    """The answer as an object. Raises GitHubError where it is none."""
    if not isinstance(value, dict):
        raise GitHubError("GitHub's answer is not the object that its API promises.")
    return value
