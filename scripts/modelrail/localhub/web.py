"""The web application and its server: loopback only, one thread a request."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import flask
import werkzeug.serving
from werkzeug.exceptions import HTTPException

import modelrail
from modelrail.localhub import githttp, pages
from modelrail.localhub.answers import ApiError
from modelrail.localhub.faults import Faults
from modelrail.localhub.rest import base, gitdata, policy, repositories, talk, work

if TYPE_CHECKING:
    from modelrail.localhub.server import Hub, Middleware

LOG = logging.getLogger(__name__)


def application(hub: Hub) -> flask.Flask:
    app = flask.Flask(
        __name__, static_folder="static", static_url_path="/_static", template_folder="templates"
    )
    app.extensions["modelrail-world"] = hub
    app.extensions["modelrail-rate-limit"] = base.RateLimit(hub.hourly_limit, hub.clock)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for module in (repositories, policy, gitdata, talk, work, githttp, pages):
        app.register_blueprint(module.routes)
    app.before_request(_refuse_strangers)
    app.after_request(_finish)
    app.register_error_handler(ApiError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)

    @app.get("/_hub")
    def about() -> flask.Response:
        """For other processes of this machine: which folder this hub keeps."""
        return flask.jsonify(
            {
                "modelrail": modelrail.__version__,
                "state": str(hub.state.resolve()),
                "url": hub.url,
                "pid": os.getpid(),
            }
        )

    return app


def _is_api() -> bool:
    return flask.request.path.startswith(("/api/", "/_hub"))


def _refuse_strangers() -> None:
    """A page of another site must not reach this hub by a name that resolves to loopback."""
    host = flask.request.host.rpartition(":")[0] or flask.request.host
    if host not in {"127.0.0.1", "localhost"}:
        raise ApiError(421, "This hub answers only as 127.0.0.1 or localhost.")


def _finish(answer: flask.Response) -> flask.Response:
    return base.finish(answer) if flask.request.path.startswith("/api/") else pages.finish(answer)


def _refuse(error: ApiError) -> flask.Response:
    return base.refuse(error) if _is_api() else pages.refuse(error.status, error.message)


def _refuse_http(error: HTTPException) -> flask.Response:
    return base.refuse_http(error) if _is_api() else pages.refuse(error.code or 500, error.name)


class _Handler(werkzeug.serving.WSGIRequestHandler):
    """Requests are logged only where somebody listens to this logger."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        LOG.log(logging.WARNING if type == "error" else logging.INFO, message, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
        LOG.info("%s %s %s", self.command, self.path, code)


def start(hub: Hub, port: int, middleware: Middleware | None) -> werkzeug.serving.BaseWSGIServer:
    """A bound server, not yet serving. The checks see what GitHub would answer; faults lie around them."""
    githttp.install_hooks(hub)
    app = application(hub).wsgi_app
    if middleware is not None:
        app = middleware(app)  # type: ignore[assignment]
    if hub.faults is not None:
        app = Faults(app, hub.faults)
    return werkzeug.serving.make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler)
