"""HTTP to GitHub: the token's place, retries, rate limits, pages, redirects. What calls mean is in client.py.

- The token goes into the Authorization header of requests to the API's own hosts, and nowhere else.
- A GET, PATCH or DELETE is repeated when the answer is missing or a 5xx. A POST is repeated only when it
  surely was not carried out (no connection, rate limit); else AnswerLostError tells the caller to read back.
- A rate limit is waited out exactly as GitHub asks, within a budget; beyond it the error names the time.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from modelrail import __version__
from modelrail.adapters.github.errors import AnswerLostError, UnprocessableError, denied, gone
from modelrail.errors import GitHubError, UnavailableError
from modelrail.settings import Secret

API_VERSION = "2022-11-28"
ATTEMPTS = 5  # of one request, the first one included
WAIT_BUDGET = 600.0  # seconds that one client waits for rate limits, in all
TIMEOUT = (10.0, 60.0)  # to connect; between two blocks of an answer
ANSWER_SECONDS = (
    180.0  # for one whole JSON answer: a server that drips bytes is a server that does not answer
)
ANSWER_BYTES = 64 * 1024 * 1024
MAX_PAGES = 100
BYTES = "application/octet-stream"  # as `Accept`: the file itself, left for the caller to stream
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _NoAuth(AuthBase):
    """Keeps requests from looking a host up in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Bearer(_NoAuth):
    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class Client:
    """One API with one token. `sleep` and `clock` are given by tests."""

    def __init__(
        self,
        api_url: str,
        token: Secret,
        *,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._token = token
        self._session = session or requests.Session()
        self._sleep = sleep
        self._clock = clock
        self._waited = 0.0
        self._last_write = float("-inf")
        host = urlsplit(self.api_url).hostname or ""
        # GitHub asks for a second between writes; nobody else shares a server on this machine.
        self._write_gap = 0.0 if host in _LOOPBACK else 1.0
        # api.github.com takes uploads at uploads.github.com; GitHub Enterprise Server at its own host.
        self._hosts = {self._origin(self.api_url)}
        if host.startswith("api."):
            self._hosts.add(("https", f"uploads.{host.removeprefix('api.')}", 443))

    # --- calls -----------------------------------------------------------------------------------------

    def get(self, path: str, **query: str | int) -> Any:
        return self._json(self.send("GET", path, query=query))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._json(self.send("POST", path, body=body))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._json(self.send("PATCH", path, body=body))

    def delete(self, path: str) -> None:
        self.send("DELETE", path).close()

    def upload(self, url: str, stream: BinaryIO, size: int, media_type: str, **query: str) -> Any:
        """POST a file as it lies on disk, without reading it into memory."""
        headers = {"Content-Type": media_type, "Content-Length": str(size)}
        return self._json(self.send("POST", url, query=query, stream=stream, headers=headers))

    def pages(
        self, path: str, *, limit: int = MAX_PAGES, complete: bool = True, **query: str | int
    ) -> Iterator[Any]:
        """Every item of every page, by the Link header. More than `limit` pages: an error, or with
        `complete=False` simply the end.
        """
        url, first = path, {**query, "per_page": 100}
        for _ in range(limit):
            response = self.send("GET", url, query=first)
            following = response.links.get("next", {}).get("url", "")
            items = self._json(response)
            if not isinstance(items, list):
                raise GitHubError(f"GitHub answered {path} with something that is not a list.")
            yield from items
            if not following:
                return
            url, first = self._same_host(urljoin(f"{self.api_url}/", following)), {}
        if complete:
            raise GitHubError(f"{path} has more than {limit * 100:,} entries; they are not all read.")

    # --- one request -----------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        stream: BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> requests.Response:
        """Send, wait and repeat as said above. The answer is a 2xx, its body already read when it is JSON.

        With `raw`, or when bytes were asked for, the body is left for the caller to stream.
        """
        url = path if "://" in path else f"{self.api_url}/{path.lstrip('/')}"
        data: BinaryIO | bytes | None = stream
        sent = {"Accept": "application/vnd.github+json", **(headers or {})}
        raw = raw or sent["Accept"] == BYTES
        if body is not None:
            data = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json; charset=utf-8"
        for attempt in range(1, ATTEMPTS + 1):
            if stream is not None:
                stream.seek(0)
            self._pace(method)
            try:
                response = self._follow(method, url, dict(query or {}), data, sent, raw=raw)
            except requests.RequestException as error:
                wait = self._after_exception(method, url, error, attempt)
            else:
                if response.ok:
                    return response
                wait = self._after_refusal(method, url, response, attempt)
            self._sleep(wait)
        raise AssertionError  # the last attempt raised

    def _follow(
        self,
        method: str,
        url: str,
        query: dict[str, str | int],
        data: BinaryIO | bytes | None,
        headers: dict[str, str],
        *,
        raw: bool,
    ) -> requests.Response:
        """One exchange, redirects by hand: another host never sees the token."""
        for _ in range(MAX_REDIRECTS):
            own = self._origin(url) in self._hosts
            response = self._session.request(
                method,
                url,
                params=query,
                data=data,
                headers={
                    **headers,
                    "User-Agent": f"modelrail/{__version__}",
                    **({"X-GitHub-Api-Version": API_VERSION} if own else {}),
                },
                auth=_Bearer(self._token) if own and self._token else _NoAuth(),
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            target = response.headers.get("Location", "")
            if response.status_code not in _REDIRECTS or not target:
                if not (raw and response.ok):
                    self._read(response)
                return response
            response.close()
            if method != "GET" and response.status_code not in {307, 308}:
                raise GitHubError(
                    f"GitHub answered {method} {_shown(url)} with a redirect to {_shown(target)}.",
                    next="The repository was probably renamed: use its new name.",
                )
            url, query = urljoin(url, target), {}
            if not (_secure(url) or self.trusts(url)):
                raise GitHubError(
                    f"GitHub redirects to {_shown(url)}, which is not https; it is not followed."
                )
            if method != "GET":
                self._same_host(url)
        raise GitHubError(f"GitHub redirected {method} {_shown(url)} more than {MAX_REDIRECTS} times.")

    def _read(self, response: requests.Response) -> None:
        """Read a JSON answer into memory, with a limit on its size and on its time."""
        deadline = self._clock() + ANSWER_SECONDS
        blocks, size = [], 0
        for block in response.iter_content(65536):
            blocks.append(block)
            size += len(block)
            if size > ANSWER_BYTES:
                raise GitHubError(f"GitHub's answer has more than {ANSWER_BYTES:,} bytes; it is not read.")
            if self._clock() > deadline:
                raise requests.ReadTimeout(f"the answer was not complete after {ANSWER_SECONDS:.0f} s")
        response._content = b"".join(blocks)  # noqa: SLF001 - what `response.content` would have set
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        if response.ok:
            try:
                json.loads(response.content or b"null")
            except ValueError:
                raise requests.exceptions.InvalidJSONError("the answer is not JSON") from None

    @staticmethod
    def _json(response: requests.Response) -> Any:
        return json.loads(response.content) if response.content else None

    # --- after a failure -------------------------------------------------------------------------------

    def _after_exception(
        self, method: str, url: str, error: requests.RequestException, attempt: int
    ) -> float:
        why = self._redacted(str(error))
        if method == "POST" and not _never_sent(error):
            raise AnswerLostError(f"The answer to POST {_shown(url)} was lost.", why=why) from None
        if attempt == ATTEMPTS:
            raise UnavailableError(
                f"GitHub did not answer {method} {_shown(url)} in {ATTEMPTS} attempts.",
                why=why,
                next="Try again later; https://www.githubstatus.com tells whether GitHub has a problem.",
            ) from None
        return _backoff(attempt)

    def _after_refusal(self, method: str, url: str, response: requests.Response, attempt: int) -> float:
        """The seconds to wait before the next attempt; raises when there is no point in one."""
        status, shown = response.status_code, _shown(url)
        message, codes = _explained(response)
        message = self._redacted(message)
        limited = _rate_limit(response, message, self._clock(), attempt)
        if limited is not None:
            return self._within_budget(shown, limited, attempt)
        if status >= 500:
            if method == "POST":
                raise AnswerLostError(f"GitHub answered POST {shown} with {status}.", why=message)
            if attempt < ATTEMPTS:
                return _backoff(attempt)
            raise UnavailableError(
                f"GitHub answered {method} {shown} with {status} in {ATTEMPTS} attempts.",
                why=message,
                next="Try again later; https://www.githubstatus.com tells whether GitHub has a problem.",
            )
        if status in {401, 403}:
            raise denied(method, shown, status, message, response.headers)
        if status in {404, 410}:
            raise gone(method, shown, message, has_token=bool(self._token))
        if status == 422:
            raise UnprocessableError(f"GitHub does not accept {method} {shown}.", why=message, codes=codes)
        raise GitHubError(f"GitHub answered {method} {shown} with {status}.", why=message)

    def _within_budget(self, shown: str, wait: float, attempt: int) -> float:
        if self._waited + wait <= WAIT_BUDGET and attempt < ATTEMPTS:
            self._waited += wait
            return wait
        reset = datetime.fromtimestamp(self._clock() + wait, UTC)
        raise UnavailableError(
            f"GitHub's rate limit for {shown} lasts until {reset:%Y-%m-%d %H:%M:%S} UTC.",
            why=f"Waiting {wait:.0f} s more would exceed the {WAIT_BUDGET:.0f} s that modelrail waits in all."
            if attempt < ATTEMPTS
            else f"It was still in force after {attempt} attempts.",
            next="Run the job again after that time.",
        )

    # --- small things ----------------------------------------------------------------------------------

    def wait(self, attempt: int) -> None:
        """The pause before a caller repeats a POST whose effect was not found."""
        self._sleep(_backoff(attempt))

    def token_prefix(self) -> str:
        """The first letters of the token: GitHub writes its kind there, and nothing secret."""
        return self._token.reveal()[:4]

    def trusts(self, url: str) -> bool:
        """Whether the token may go to this URL."""
        return self._origin(url) in self._hosts

    def _same_host(self, url: str) -> str:
        if not self.trusts(url):
            raise GitHubError(f"GitHub's answer leads to another host, {_shown(url)}; it is not followed.")
        return url

    def _pace(self, method: str) -> None:
        if method == "GET":
            return
        wait = self._last_write + self._write_gap - self._clock()
        if wait > 0:
            self._sleep(min(wait, self._write_gap))
        self._last_write = self._clock()

    def _redacted(self, text: str) -> str:
        token = self._token.reveal()
        return text.replace(token, "***") if token else text

    @staticmethod
    def _origin(url: str) -> tuple[str, str, int]:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _secure(url: str) -> bool:
    return urlsplit(url).scheme == "https"


def _backoff(attempt: int) -> float:
    return float(2 ** (attempt - 1))


def _shown(url: str) -> str:
    """Scheme, host and path: a signed URL's query is as good as a password."""
    return url.split("?", 1)[0]


def _never_sent(error: requests.RequestException) -> bool:
    """Whether no connection was made, so that the request cannot have had an effect."""
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _explained(response: requests.Response) -> tuple[str, tuple[str, ...]]:
    """GitHub's own words, and the codes of its `errors` list."""
    try:
        body = json.loads(response.content)
        assert isinstance(body, dict)  # noqa: S101 - handled below like any other unusable body
    except (ValueError, AssertionError):
        return response.text[:500].strip() or f"HTTP {response.status_code}", ()
    words, codes = [str(body.get("message", ""))], []
    errors = body.get("errors")
    for entry in errors if isinstance(errors, list) else []:
        if isinstance(entry, dict):
            codes.append(str(entry.get("code", "")))
            told = entry.get("message") or f"{entry.get('field', '')}: {entry.get('code', '')}"
            words.append(str(told))
        else:
            words.append(str(entry))
    return "; ".join(word for word in words if word)[:1000], tuple(codes)


def _rate_limit(response: requests.Response, message: str, now: float, attempt: int) -> float | None:
    """Seconds to wait when the answer is a rate limit, else None."""
    if response.status_code not in {403, 429}:
        return None
    after = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", after):
        return float(after)
    if after:
        try:
            return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - now)
        except ValueError:
            pass
    reset = response.headers.get("X-RateLimit-Reset", "").strip()
    if response.headers.get("X-RateLimit-Remaining", "").strip() == "0" and re.fullmatch(r"\d{1,12}", reset):
        return max(0.0, float(reset) - now)
    if response.status_code == 429 or "rate limit" in message.lower():
        return 60.0 * _backoff(attempt)  # as documented for a secondary limit that names no time
    return None
