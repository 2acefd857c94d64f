"""Git over HTTP: the smart protocol, served by git's own `http-backend` as a CGI program."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import flask

from modelrail.localhub import receive_hook, repositories
from modelrail.localhub.answers import ApiError
from modelrail.localhub.bare import environment
from modelrail.localhub.repositories import RefChange
from modelrail.localhub.rest.base import token_of, world
from modelrail.localhub.store import Doc
from modelrail.localhub.world import Identity, World

routes = flask.Blueprint("githttp", __name__)
BLOCK = 64 * 1024
LOG = logging.getLogger(__name__)


def install_hooks(state: World) -> Path:
    """One folder of hooks for all repositories; git gets it by configuration of the process."""
    folder = state.state / "hooks"
    folder.mkdir(exist_ok=True)
    for name in ("pre-receive", "post-receive"):
        hook = folder / name
        # The interpreter of this process: a hook must not depend on what `python` on PATH is.
        hook.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -S "{Path(receive_hook.__file__).resolve()}" {name}\n',
            encoding="utf-8",
        )
        hook.chmod(0o755)
    return folder


@routes.get("/<owner>/<name>/info/refs")
def info_refs(owner: str, name: str) -> flask.Response:
    service = flask.request.args.get("service", "")
    if service not in {"git-upload-pack", "git-receive-pack"}:
        return flask.Response("Please upgrade your git client.\n", status=403, mimetype="text/plain")
    return _serve(owner, name, "info/refs", service)


@routes.post("/<owner>/<name>/git-upload-pack")
def upload_pack(owner: str, name: str) -> flask.Response:
    return _serve(owner, name, "git-upload-pack", "git-upload-pack")


@routes.post("/<owner>/<name>/git-receive-pack")
def receive_pack(owner: str, name: str) -> flask.Response:
    return _serve(owner, name, "git-receive-pack", "git-receive-pack")


def _serve(owner: str, name: str, route: str, service: str) -> flask.Response:
    state = world()
    token = token_of(flask.request.headers.get("Authorization"))
    identity = state.identify(token) if token else None
    if identity is None:
        text = "remote: Invalid username or token.\n" if token else "Authentication required.\n"
        return _text(text, 401, {"WWW-Authenticate": 'Basic realm="GitHub"'})
    try:
        repo = state.repository(owner, name.removesuffix(".git"))
        state.require(identity, repo, "contents")
    except ApiError:
        return _text("Repository not found.\n", 404)
    if service == "git-receive-pack":
        if not state.may(identity, repo, "contents", "write"):
            return _text(f"Permission to {repo['full_name']}.git denied to {identity.login}.\n", 403)
        if route == service:
            return _receive(state, repo, identity)
    return _backend(state, repo, identity, route, {})


def _text(text: str, status: int, headers: dict[str, str] | None = None) -> flask.Response:
    return flask.Response(text, status=status, headers=headers, mimetype="text/plain")


def _receive(state: World, repo: Doc, identity: Identity) -> flask.Response:
    """A push, whole: only when its effects are in the state does the client get its answer."""
    exchange = Path(tempfile.mkdtemp(prefix="push-", dir=state.state))
    try:
        policy = repositories.push_policy(state, repo, identity)
        (exchange / "policy.json").write_text(json.dumps(policy), encoding="utf-8")
        more = {
            "MODELRAIL_HUB_PUSH": str(exchange),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(state.state / "hooks"),
        }
        answer = _backend(state, repo, identity, "git-receive-pack", more)
        answer.set_data(answer.get_data())
        changes = exchange / "changes"
        if changes.exists():
            lines = (line.split(" ", 2) for line in changes.read_text(encoding="utf-8").splitlines())
            repositories.after_push(
                state, repo, identity.login, [RefChange(ref, old, new) for old, new, ref in lines]
            )
        return answer
    finally:
        shutil.rmtree(exchange, ignore_errors=True)


def _backend(state: World, repo: Doc, identity: Identity, route: str, more: dict[str, str]) -> flask.Response:
    request = flask.request
    env = environment() | {
        "GIT_PROJECT_ROOT": str(state.state / "git"),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repo['full_name']}.git/{route}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string.decode("latin-1"),
        "CONTENT_TYPE": request.content_type or "",
        "REMOTE_USER": identity.login,
        "REMOTE_ADDR": "127.0.0.1",
        **more,
    }
    if request.content_length is not None:
        env["CONTENT_LENGTH"] = str(request.content_length)
    if encoding := request.headers.get("Content-Encoding"):
        env["HTTP_CONTENT_ENCODING"] = encoding
    protocol = request.headers.get("Git-Protocol", "")
    if re.fullmatch(r"[a-z0-9=:.-]{1,64}", protocol):
        env["GIT_PROTOCOL"] = protocol
    child = subprocess.Popen(
        ["git", "http-backend"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None  # noqa: S101, PT018
    threading.Thread(target=_log, args=(child.stderr,), daemon=True).start()
    # First all of the request, then all of the answer: git writes little before it has read its input.
    _feed(request.stream, child.stdin)
    head = _head(child.stdout)
    status = int(head.pop("status", "200").split()[0])
    return flask.Response(_rest(child), status=status, headers=head)


def _feed(source: Any, sink: IO[bytes]) -> None:
    try:
        while block := source.read(BLOCK):
            sink.write(block)
    except BrokenPipeError:  # git said no before it had read all
        while source.read(BLOCK):
            pass
    finally:
        with contextlib.suppress(BrokenPipeError):
            sink.close()


def _head(stream: IO[bytes]) -> dict[str, str]:
    found = {}
    while (line := stream.readline().decode("latin-1").strip()) != "":
        key, _, value = line.partition(":")
        found[key.strip().lower()] = value.strip()
    return found or {"status": "500"}


def _rest(child: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert child.stdout is not None  # noqa: S101
    try:
        while block := child.stdout.read(BLOCK):
            yield block
    finally:
        child.stdout.close()
        child.wait()


def _log(stream: IO[bytes]) -> None:
    """Git's own complaints, for whoever looks after the server (`--verbose`)."""
    with stream:
        for line in stream:
            LOG.info("%s", line.decode("utf-8", "replace").rstrip())
