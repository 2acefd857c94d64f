"""What every route uses: who asks, which repository, the body, pages, rate-limit headers, errors."""

from __future__ import annotations

import base64
import binascii
import json
import math
import threading
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from modelrail.localhub.answers import ApiError
from modelrail.localhub.store import Doc
from modelrail.localhub.world import Identity, World

PREFIX = "/api/v3"
REPO = f"{PREFIX}/repos/<owner>/<name>"
MAX_PAGE, DEFAULT_PAGE = 100, 30
MAX_JSON = 8 * 1024 * 1024
HOUR = 3600


def world() -> World:
    found: World = flask.current_app.extensions["modelrail-world"]
    return found


def token_of(header: str | None) -> str:
    """The token of an Authorization header: bearer, token, or the password of basic auth."""
    kind, _, rest = (header or "").partition(" ")
    if kind.lower() in {"bearer", "token"}:
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def who() -> Identity:
    """The identity behind the token; 401 without one or with a wrong one."""
    if "identity" not in flask.g:
        header = flask.request.headers.get("Authorization")
        token = token_of(header)
        found = world().identify(token) if token else None
        if found is None:
            raise ApiError(401, "Bad credentials" if header else "Requires authentication")
        flask.g.identity = found
        flask.g.token = token
        _count(found, token)
    identity: Identity = flask.g.identity
    return identity


def repo(owner: str, name: str, *scopes: str, level: str = "read", anyone: bool = False) -> Doc:
    """The repository, when the token may do this to it."""
    identity, found = who(), world().repository(owner, name)
    world().require(identity, found, *(scopes or ("metadata",)), level=level, anyone=anyone)
    return found


def body(*required: str) -> dict[str, Any]:
    """The JSON object of the request. An empty body is an empty object."""
    length = flask.request.content_length
    if length is not None and length > MAX_JSON:
        raise ApiError(413, "Payload Too Large")
    raw = flask.request.get_data()
    try:
        found = json.loads(raw) if raw.strip() else {}
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if not isinstance(found, dict):
        raise ApiError(400, "Body should be a JSON object")
    absent = [key for key in required if found.get(key) is None]
    if absent:
        text = ", ".join(f'"{key}"' for key in absent)
        raise ApiError(422, f"Invalid request.\n\n{text} wasn't supplied.")
    return found


def wants(media: str) -> bool:
    return media in flask.request.headers.get("Accept", "")


# --- pages ------------------------------------------------------------------------------------------


def page_numbers() -> tuple[int, int]:
    def number(name: str, default: int, most: int) -> int:
        text = flask.request.args.get(name, "")
        return min(max(int(text), 1), most) if text.isdigit() else default

    return number("page", 1, 1_000_000), number("per_page", DEFAULT_PAGE, MAX_PAGE)


def paged(items: Sequence[Any], shape: Callable[[Any], Any], *, key: str = "") -> flask.Response:
    """One page of the items, with the Link header. `key`: wrapped with `total_count`, as some routes do."""
    page, size = page_numbers()
    last = max(math.ceil(len(items) / size), 1)
    found: Any = [shape(item) for item in items[(page - 1) * size : page * size]]
    answer = flask.jsonify({"total_count": len(items), key: found} if key else found)
    links = []
    if page < last:
        links += [("next", page + 1), ("last", last)]
    if page > 1:
        links += [("first", 1), ("prev", min(page - 1, last))]
    if links:
        answer.headers["Link"] = ", ".join(f'<{_page_url(number)}>; rel="{word}"' for word, number in links)
    return answer


def _page_url(number: int) -> str:
    query = {**flask.request.args.to_dict(), "page": str(number)}
    return f"{world().url}{flask.request.path}?{urllib.parse.urlencode(query)}"


# --- rate limit -------------------------------------------------------------------------------------


class RateLimit:
    """Requests a token made in this hour. Enforced only when a limit was given."""

    def __init__(self, limit: int | None, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._used: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def count(self, token: str, *, bot: bool) -> dict[str, int]:
        limit = self._limit or (1000 if bot else 5000)
        now = int(self._clock())
        with self._lock:
            reset, used = self._used.get(token, (now + HOUR, 0))
            if now >= reset:
                reset, used = now + HOUR, 0
            used += 1
            self._used[token] = (reset, used)
        return {"limit": limit, "remaining": max(limit - used, 0), "reset": reset, "used": used}

    def exceeded(self, state: dict[str, int]) -> bool:
        return self._limit is not None and state["used"] > self._limit


def _count(identity: Identity, token: str) -> None:
    limiter: RateLimit = flask.current_app.extensions["modelrail-rate-limit"]
    flask.g.rate = limiter.count(token, bot=identity.is_bot)
    if limiter.exceeded(flask.g.rate):
        raise ApiError(403, f"API rate limit exceeded for {identity.login}.")


def finish(answer: flask.Response) -> flask.Response:
    """The headers that GitHub puts on every answer of its API."""
    answer.headers["X-GitHub-Request-Id"] = f"{world().store.next('request'):012X}"
    answer.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    answer.headers["X-GitHub-Api-Version-Selected"] = "2022-11-28"
    for key, value in flask.g.get("rate", {}).items():
        answer.headers[f"X-RateLimit-{key.title()}"] = str(value)
    answer.headers["X-RateLimit-Resource"] = "core"
    return answer


def refuse(error: ApiError) -> flask.Response:
    answer = flask.jsonify(error.body())
    answer.status_code = error.status
    answer.headers.update(error.headers)
    return answer


def refuse_http(error: HTTPException) -> flask.Response:
    """A route or method that does not exist here."""
    known = {404: "Not Found", 405: "Method Not Allowed"}
    return refuse(ApiError(error.code or 500, known.get(error.code or 0, error.name)))
