"""Holds every request and answer of the local GitHub against GitHub's own OpenAPI, cut to our paths."""

from __future__ import annotations

import functools
import io
import json
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
from jsonschema import Draft202012Validator, FormatChecker

SPEC = Path(__file__).parent / "contract" / "github_openapi" / "api.json"
PREFIXES = ("/api/v3", "/api/uploads")
MAX_TEXT = 600
formats = FormatChecker(formats=())


@formats.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value)
    )


@formats.checks("uri")
def _is_uri(value: object) -> bool:
    return (
        not isinstance(value, str) or value == "" or bool(re.match(r"[a-z][a-z0-9+.-]*://[^\s{}]+$", value))
    )


def _modern(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_modern(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _modern(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") is True:
        if isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
            if "enum" in found and None not in found["enum"]:
                found["enum"] = [*found["enum"], None]
        else:
            found = {"anyOf": [found, {"type": "null"}]}
    return found


@functools.cache
def spec() -> dict[str, Any]:
    loaded: dict[str, Any] = _modern(json.loads(SPEC.read_text(encoding="utf-8")))
    # GitHub's description forgets the state that its own documentation names: an upload that broke off.
    loaded["components"]["schemas"]["release-asset"]["properties"]["state"]["enum"].append("starter")
    return loaded


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        _, _, kind, name = node["$ref"].split("/")
        node = spec()["components"][kind][name]
    return node


@functools.cache
def _routes() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for path in spec()["paths"]:
        # Only these may hold slashes.
        pattern = re.sub(
            r"\\{(path|ref|branch|tag|basehead|label|name|environment_name)\\}",
            r"(?P<\1>.+)",
            re.escape(path),
        )
        pattern = pattern.replace("(?P<path>.+)", "(?P<path>.*)")  # the root folder
        pattern = pattern.replace("/repos/\\{owner\\}/\\{repo\\}", "/repos/[^/]+/[^/]+")
        pattern = re.sub(
            r"\\{(\w*id|\w+_number)\\}", lambda m: r"\d+" if m[1] != "workflow_id" else "[^/]+", pattern
        )
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", pattern)
        found.append((re.compile(pattern + r"\Z"), path))
    return found


@functools.cache
def operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    hits = [route for pattern, route in _routes() if pattern.match(path)]
    # The most particular first: `releases/latest` before `releases/{id}`.
    for route in sorted(hits, key=lambda route: (-route.count("/"), route.count("{"))):
        found = spec()["paths"][route].get(method.lower())
        if found is not None:
            return route, found
    return None


@functools.cache
def _validator(pointer: str) -> Draft202012Validator:
    schema: Any = spec()
    for part in pointer.split("/")[1:]:
        schema = schema[part.replace("~1", "/").replace("~0", "~")]
    rooted = schema | {"components": spec()["components"]} if isinstance(schema, dict) else schema
    return Draft202012Validator(rooted, format_checker=formats)


def _pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def check_request(method: str, path: str, query: str, body: bytes, kind: str) -> list[str]:
    """What is wrong with a request: unknown route, wrong parameter, a body that GitHub would not take."""
    found = operation(method, path)
    if found is None:
        return [f"{method} {path}: no such operation in the cut description"]
    route, node = found
    faults = []
    known = {}
    for parameter in map(resolve, node.get("parameters", [])):
        if parameter["in"] == "query":
            known[parameter["name"]] = parameter
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            faults.append(f"{method} {path}: unknown query parameter {name!r}")
            continue
        schema = resolve(known[name]["schema"])
        value: Any = int(text) if schema.get("type") == "integer" and text.isdigit() else text
        if "oneOf" not in schema and not jsonschema.validators.validator_for(schema)(schema).is_valid(value):
            faults.append(f"{method} {path}: query parameter {name}={text!r}")
    content = node.get("requestBody", {}).get("content", {})
    if body and "application/json" in content:
        if "json" not in kind:
            faults.append(f"{method} {path}: Content-Type {kind!r} for a JSON body")
        try:
            value = json.loads(body)
        except ValueError:
            return [*faults, f"{method} {path}: the body is not JSON"]
        pointer = _pointer(
            "paths", route, method.lower(), "requestBody", "content", "application/json", "schema"
        )
        faults += _errors(f"{method} {path} request", pointer, value)
    elif node.get("requestBody", {}).get("required") and not body:
        faults.append(f"{method} {path}: no body")
    return faults


def check_answer(method: str, path: str, status: int, body: bytes, kind: str) -> list[str]:
    """What is wrong with an answer: a status that GitHub does not give here, or another body."""
    found = operation(method, path)
    if found is None:
        return []
    route, node = found
    if (
        status in {401, 403, 429} or status >= 500
    ):  # any route may give these; they are not in every description
        return []
    responses = node["responses"]
    if str(status) not in responses and status in {400, 404, 409, 422}:
        return _refusal(
            f"{method} {path} -> {status}", body
        )  # every route may refuse; few descriptions say so
    if str(status) not in responses:
        return [f"{method} {path}: answers {status}; GitHub gives {', '.join(sorted(responses))}"]
    answer = responses[str(status)]
    pointer = _pointer("paths", route, method.lower(), "responses", str(status))
    if "$ref" in answer:
        pointer = answer["$ref"].removeprefix("#")
        answer = resolve(answer)
    content = answer.get("content", {})
    media = next((one for one in content if one.startswith("application/json")), next(iter(content), ""))
    if not media or "json" not in kind:
        return []
    try:
        value = json.loads(body)
    except ValueError:
        return [f"{method} {path}: answers {status} with what is not JSON"]
    return _errors(f"{method} {path} -> {status}", pointer + _pointer("content", media, "schema"), value)


def _refusal(where: str, body: bytes) -> list[str]:
    try:
        value = json.loads(body)
    except ValueError:
        return [f"{where}: a refusal that is not JSON"]
    return (
        [] if isinstance(value, dict) and isinstance(value.get("message"), str) else [f"{where}: no message"]
    )


def _errors(where: str, pointer: str, value: Any) -> list[str]:
    return [
        f"{where}: {error.json_path}: {error.message[:MAX_TEXT]}"
        for error in list(_validator(pointer).iter_errors(value))[:5]
    ]


class OpenApiCheck:
    """Collects violations. `middleware` wraps the hub's application."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.checked = 0
        self._lock = threading.Lock()

    def middleware(self, application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def checked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            path = environ["PATH_INFO"]
            prefix = next((one for one in PREFIXES if path.startswith(one + "/")), None)
            if prefix is None:
                return application(environ, start_response)
            return self._exchange(application, environ, start_response, path.removeprefix(prefix))

        return checked

    def _exchange(
        self,
        application: Callable[..., Iterable[bytes]],
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        path: str,
    ) -> Iterable[bytes]:
        body = b""
        if "json" in environ.get("CONTENT_TYPE", "") or environ.get("CONTENT_LENGTH", "0") in {"", "0"}:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
        elif environ["REQUEST_METHOD"] != "GET":
            body = b"\0"  # an upload: streamed on, its bytes are nobody's business here
        seen: dict[str, Any] = {}

        def note(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            seen["status"], seen["type"] = (
                int(status.split(maxsplit=1)[0]),
                dict(headers).get("Content-Type", ""),
            )
            return start_response(status, headers, *rest)

        answer = application(environ, note)
        data = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        method = environ["REQUEST_METHOD"]
        # GitHub refuses a malformed request with 400 or 422: then the request may be as wrong as it likes.
        faults = check_answer(method, path, seen["status"], data, seen["type"])
        if seen["status"] not in {400, 404, 422}:
            faults += check_request(
                method, path, environ.get("QUERY_STRING", ""), body, environ.get("CONTENT_TYPE", "")
            )
        with self._lock:
            self.checked += 1
            self.violations += faults
        return [data]


def check_sent(prepared: Any) -> list[str]:
    """The same for a request of the library `requests`, for tests without a hub."""
    url = prepared.path_url
    path, _, query = url.partition("?")
    for prefix in PREFIXES:
        path = path.removeprefix(prefix)
    body = prepared.body or b""
    data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b"\0"
    return check_request(prepared.method, path, query, data, prepared.headers.get("Content-Type", ""))
