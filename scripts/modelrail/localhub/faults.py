"""A seam for tests: decide for each request what goes wrong with it.

    def faults(request: Incoming) -> Fault | None:
        if request.method == "POST" and request.path.endswith("/comments") and request.nth == 1:
            return Fault(cut="after")  # the comment is there, its answer is lost
        return None

    Hub(state, faults=faults)

Pages and git requests pass here as well; `request.path` tells them apart.
"""

from __future__ import annotations

import collections
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True)
class Incoming:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # lower-case names
    nth: int  # 1 for the first request with this method and path
    total: int  # 1 for the first request at all


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to one request. Without `status` or `cut` it is served, late or in pieces."""

    delay: float = 0.0  # seconds before anything happens
    status: int = 0  # answer this instead; nothing else happens
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Server Error"
    cut: Literal["", "before", "after", "body"] = ""
    # before: the connection ends, nothing was done. after: it was done, the answer is lost.
    # body: it was done, and the answer ends half-way.
    read_at_most: int = -1  # bytes of the request's body that arrive before the connection ends
    drip: float = 0.0  # seconds between two pieces of the answer


Decide = Callable[[Incoming], Fault | None]
PIECE = 512


class _Short:
    """A request body that ends early, as when the client's line breaks."""

    def __init__(self, stream: BinaryIO, left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            return b""
        block = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block

    readline = read


class Faults:
    """WSGI middleware that applies them."""

    def __init__(self, application: WSGIApplication, decide: Decide) -> None:
        self._application = application
        self._decide = decide
        self._seen: collections.Counter[tuple[str, str]] = collections.Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        fault = self._decide(self._incoming(environ))
        if fault is None:
            return self._application(environ, start_response)
        time.sleep(fault.delay)
        if fault.cut == "before":
            _cut(environ)
        if fault.status:
            _drain(environ)
            return _answer(fault, start_response)
        if fault.read_at_most >= 0:
            environ["wsgi.input"] = _Short(environ["wsgi.input"], fault.read_at_most)
        answer = self._application(environ, start_response)
        if fault.cut == "after" or fault.read_at_most >= 0:
            for _ in answer:
                pass
            _close(answer)
            _cut(environ)
        return _slowly(answer, fault, environ) if fault.drip or fault.cut == "body" else answer

    def _incoming(self, environ: WSGIEnvironment) -> Incoming:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self._lock:
            self._seen[method, path] += 1
            nth, total = self._seen[method, path], self._seen.total()
        headers = {
            key[5:].lower().replace("_", "-"): str(value)
            for key, value in environ.items()
            if key[:5] == "HTTP_"
        }
        return Incoming(method, path, environ.get("QUERY_STRING", ""), headers, nth, total)


def _drain(environ: WSGIEnvironment) -> None:
    """Read what was sent: on a connection that stays open it would be taken for the next request."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0 and (block := environ["wsgi.input"].read(min(left, 65536))):
        left -= len(block)


def _answer(fault: Fault, start_response: StartResponse) -> list[bytes]:
    data = json.dumps({"message": fault.message, "status": str(fault.status)}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(data))} | dict(fault.headers)
    start_response(f"{fault.status} Fault", list(headers.items()))
    return [data]


def _slowly(answer: Iterable[bytes], fault: Fault, environ: WSGIEnvironment) -> Iterator[bytes]:
    data = b"".join(answer)
    _close(answer)
    if fault.cut == "body":
        yield data[: len(data) // 2]
        _cut(environ)
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]
        time.sleep(fault.drip)


def _close(answer: Any) -> None:
    if hasattr(answer, "close"):
        answer.close()


def _cut(environ: WSGIEnvironment) -> None:
    """End the connection without another byte."""
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("fault: the connection is cut")
