"""The hub's state folder: documents, bare repositories, asset files, a secret; and who is who in it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelrail.localhub.answers import ApiError, not_found
from modelrail.localhub.bare import Bare, Signature
from modelrail.localhub.store import Doc, Store

BOT = "github-actions[bot]"
LEVELS = {"read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True)
class Identity:
    """Who asks, and what the token may do. `permissions` is None for a person's classic token."""

    login: str
    permissions: dict[str, str] | None = None
    repository: str | None = None  # the only repository that the token reaches

    @property
    def is_bot(self) -> bool:
        return self.login.endswith("[bot]")


class World:
    def __init__(self, state: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.state = state.absolute()
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        self.store = Store(self.state / "hub.sqlite")
        self.clock = clock
        self.url = self._last_url()
        self.secret = self._secret()

    def close(self) -> None:
        self.store.close()

    def _secret(self) -> bytes:
        path = self.state / "secret"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), encoding="ascii")
        return path.read_bytes()

    def _last_url(self) -> str:
        path = self.state / "url"
        return path.read_text(encoding="ascii").strip() if path.exists() else "http://127.0.0.1"

    def serve_at(self, url: str) -> None:
        """Links in answers and payloads begin with this."""
        self.url = url
        (self.state / "url").write_text(url, encoding="ascii")

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v3"

    def now(self) -> int:
        return int(self.clock())

    def signature(self, text: str) -> str:
        """For links that carry their own permission (downloads)."""
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()[:40]

    # --- people and tokens -----------------------------------------------------------------------------

    def user(self, login: str) -> Doc:
        """The account of this login; made when it is first named."""
        with self.store.writing():
            found = self.store.get("user", "", login)
            kind = "Bot" if login.endswith("[bot]") else "User"
            return found or self.store.add(
                "user", "", {"login": login, "type": kind, "created_at": self.now()}, name=login
            )

    def person(self, login: str) -> Signature:
        """As whom this account commits."""
        host = "users.noreply.modelrail.invalid"
        return Signature(login, f"{login.replace('[', '-').replace(']', '')}@{host}", self.now())

    def token_for(self, login: str, *, repository: str | None = None, **permissions: str) -> str:
        """A new token. Without permissions and repository it is a person's; else what is granted and no more.

        Every granted token may read metadata, as on GitHub.
        """
        self.user(login)
        granted: dict[str, str] | None = None
        if permissions or repository or login.endswith("[bot]"):
            granted = {"metadata": "read"} | permissions
        unknown = sorted(set((granted or {}).values()) - set(LEVELS))
        if unknown:
            raise ValueError(f"a permission is read, write or admin, not {unknown[0]!r}")
        token = f"{'ghs' if granted is not None else 'ghp'}_hub{secrets.token_hex(18)}"
        digest = hashlib.sha256(token.encode()).hexdigest()
        self.store.add(
            "token", "", {"login": login, "permissions": granted, "repository": repository}, name=digest
        )
        return token

    def identify(self, token: str) -> Identity | None:
        found = self.store.get("token", "", hashlib.sha256(token.encode()).hexdigest())
        return Identity(found["login"], found["permissions"], found["repository"]) if found else None

    # --- repositories ----------------------------------------------------------------------------------

    def repository(self, owner: str, name: str) -> Doc:
        found = self.store.get("repository", "", f"{owner}/{name}".lower())
        if found is None:
            raise not_found()
        return found

    def repositories(self) -> list[Doc]:
        return self.store.all("repository")

    def repository_path(self, owner: str, name: str) -> Path:
        """The bare repository on disk."""
        repo = self.repository(owner, name)
        return self.state / "git" / str(repo["owner"]) / f"{repo['name']}.git"

    def bare(self, repo: Doc) -> Bare:
        return Bare(self.state / "git" / str(repo["owner"]) / f"{repo['name']}.git")

    # --- permissions -----------------------------------------------------------------------------------

    def owns(self, who: Identity, repo: Doc) -> bool:
        return who.login == repo["owner"] or who.login in repo["collaborators"]

    def may(self, who: Identity, repo: Doc, scope: str, level: str) -> bool:
        wanted = LEVELS[level]
        if who.permissions is not None:
            reaches = who.repository is None or who.repository.lower() == repo["full_name"].lower()
            if not reaches:
                return wanted == 1 and not repo["private"]
            if not (who.is_bot or self.owns(who, repo) or wanted == 1):
                return False
            return LEVELS.get(who.permissions.get(scope, ""), 0) >= wanted
        return self.owns(who, repo) or (wanted == 1 and not repo["private"])

    def require(
        self, who: Identity, repo: Doc, *scopes: str, level: str = "read", anyone: bool = False
    ) -> None:
        """One of the scopes at this level, or the refusal that GitHub gives.

        `anyone`: every person who can read may do it (comment, open a pull request).
        """
        if any(self.may(who, repo, scope, level) for scope in scopes):
            return
        if who.permissions is None:
            if anyone and not repo["private"]:
                return
            if repo["private"]:
                raise not_found()
            raise ApiError(403, "Must have push access to repository")
        if repo["private"] and not self.may(who, repo, "metadata", "read"):
            raise not_found()
        kind = "integration" if who.is_bot else "personal access token"
        accepted = "; ".join(f"{scope}={level}" for scope in scopes)
        raise ApiError(
            403, f"Resource not accessible by {kind}", headers={"x-accepted-github-permissions": accepted}
        )


def iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
