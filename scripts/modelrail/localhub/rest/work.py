"""releases, deployments, statuses, check-runs, actions."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

import flask

from modelrail.localhub import actions, approvals, deployments, releases
from modelrail.localhub.answers import ApiError, not_found
from modelrail.localhub.rest.base import REPO, body, paged, repo, wants, who, world
from modelrail.localhub.shapes import work
from modelrail.localhub.store import Doc

routes = flask.Blueprint("work", __name__)
UPLOADS = "/api/uploads/repos/<owner>/<name>/releases/<int:identity>/assets"
MAX_ASSET = 2 * 1024**3
BLOCK = 1024 * 1024


# --- releases ---------------------------------------------------------------------------------------


def _may_write(found: Doc) -> bool:
    return world().may(who(), found, "contents", "write")


@routes.get(f"{REPO}/releases")
def list_releases(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, "contents")
    docs = releases.listing(world(), found, drafts=_may_write(found))
    return paged(docs, lambda doc: work.release(world(), found, doc))


@routes.post(f"{REPO}/releases")
def create_release(owner: str, name: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, "contents", level="write"), body("tag_name")
    made = releases.create(world(), found, who(), values)
    return flask.jsonify(work.release(world(), found, made)), 201


@routes.get(f"{REPO}/releases/latest")
def latest(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, "contents")
    return flask.jsonify(work.release(world(), found, releases.latest(world(), found)))


@routes.get(f"{REPO}/releases/tags/<path:tag>")
def by_tag(owner: str, name: str, tag: str) -> flask.Response:
    found = repo(owner, name, "contents")
    doc = releases.published_by_tag(world(), found, tag)
    if doc is None:
        raise not_found()
    return flask.jsonify(work.release(world(), found, doc))


@routes.get(f"{REPO}/releases/<int:identity>")
def get_release(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "contents")
    doc = releases.get(world(), found, identity)
    if doc["draft"] and not _may_write(found):
        raise not_found()
    return flask.jsonify(work.release(world(), found, doc))


@routes.patch(f"{REPO}/releases/<int:identity>")
def change_release(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "contents", level="write")
    doc = releases.change(world(), found, who(), identity, body())
    return flask.jsonify(work.release(world(), found, doc))


@routes.delete(f"{REPO}/releases/<int:identity>")
def delete_release(owner: str, name: str, identity: int) -> tuple[str, int]:
    releases.delete(world(), repo(owner, name, "contents", level="write"), identity)
    return "", 204


@routes.get(f"{REPO}/releases/<int:identity>/assets")
def list_assets(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "contents")
    docs = releases.assets(world(), found, releases.get(world(), found, identity))
    return paged(docs, lambda doc: work.asset(world(), found, doc))


@routes.post(UPLOADS)
def upload(owner: str, name: str, identity: int) -> tuple[flask.Response, int]:
    found = repo(owner, name, "contents", level="write")
    release, request = releases.get(world(), found, identity), flask.request
    if not request.args.get("name"):
        raise ApiError(422, 'Invalid request.\n\n"name" wasn\'t supplied.')
    size = request.content_length
    if size is None or size == 0:
        raise ApiError(400, "Bad Content-Length")
    if size >= MAX_ASSET:
        raise ApiError(422, "size must be less than or equal to 2147483648")
    taken = releases.reserve(
        world(),
        found,
        release,
        name=request.args["name"],
        label=request.args.get("label"),
        content_type=request.content_type or "application/octet-stream",
        user=who().login,
        size=size,
    )
    made = releases.receive(world(), taken, _blocks(size))
    return flask.jsonify(work.asset(world(), found, made)), 201


def _blocks(size: int) -> Iterator[bytes]:
    stream, left = flask.request.stream, size
    while left > 0 and (block := stream.read(min(BLOCK, left))):
        left -= len(block)
        yield block


@routes.get(f"{REPO}/releases/assets/<int:identity>")
def get_asset(owner: str, name: str, identity: int) -> flask.typing.ResponseReturnValue:
    found = repo(owner, name, "contents")
    doc = releases.get_asset(world(), found, identity)
    if not wants("application/octet-stream"):
        return flask.jsonify(work.asset(world(), found, doc))
    if doc["state"] != "uploaded":
        raise not_found()
    # As on GitHub: a short-lived address that carries its own permission.
    return flask.redirect(
        f"{world().url}/_assets/{found['full_name']}/{identity}?key={_key('asset', identity)}", 302
    )


@routes.patch(f"{REPO}/releases/assets/<int:identity>")
def change_asset(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "contents", level="write")
    return flask.jsonify(work.asset(world(), found, releases.change_asset(world(), found, identity, body())))


@routes.delete(f"{REPO}/releases/assets/<int:identity>")
def delete_asset(owner: str, name: str, identity: int) -> tuple[str, int]:
    releases.delete_asset(world(), repo(owner, name, "contents", level="write"), identity)
    return "", 204


def _key(kind: str, identity: int) -> str:
    return world().signature(f"{kind}:{identity}")


def _check_key(kind: str, identity: int) -> None:
    if not hmac.compare_digest(flask.request.args.get("key", ""), _key(kind, identity)):
        raise not_found()


@routes.get("/_assets/<owner>/<name>/<int:identity>")
def download_asset(owner: str, name: str, identity: int) -> flask.Response:
    _check_key("asset", identity)
    found = world().repository(owner, name)
    doc = releases.get_asset(world(), found, identity)
    releases.count_download(world(), found, identity)
    return flask.send_file(
        releases.asset_path(world(), doc),
        mimetype=doc["content_type"],
        as_attachment=True,
        download_name=doc["name"],
    )


# --- deployments ------------------------------------------------------------------------------------


@routes.get(f"{REPO}/deployments")
def list_deployments(owner: str, name: str) -> flask.Response:
    found, args = repo(owner, name, "deployments"), flask.request.args
    keys = ("sha", "ref", "task", "environment")
    docs = deployments.select(
        world(), found, **{key: args.get(key) for key in keys if args.get(key) != "none"}
    )
    return paged(docs, lambda doc: work.deployment(world(), found, doc))


@routes.post(f"{REPO}/deployments")
def create_deployment(owner: str, name: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, "deployments", level="write"), body("ref")
    return flask.jsonify(
        work.deployment(world(), found, deployments.create(world(), found, who().login, values))
    ), 201


@routes.get(f"{REPO}/deployments/<int:identity>")
def get_deployment(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "deployments")
    return flask.jsonify(work.deployment(world(), found, deployments.get(world(), found, identity)))


@routes.delete(f"{REPO}/deployments/<int:identity>")
def delete_deployment(owner: str, name: str, identity: int) -> tuple[str, int]:
    deployments.delete(world(), repo(owner, name, "deployments", level="write"), identity)
    return "", 204


@routes.get(f"{REPO}/deployments/<int:identity>/statuses")
def list_deployment_statuses(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "deployments")
    docs = deployments.deployment_statuses(world(), found, deployments.get(world(), found, identity))
    return paged(docs, lambda doc: work.deployment_status(world(), found, doc))


@routes.post(f"{REPO}/deployments/<int:identity>/statuses")
def create_deployment_status(owner: str, name: str, identity: int) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, "deployments", level="write"), body("state")
    made = deployments.add_status(world(), found, identity, who().login, values)
    return flask.jsonify(work.deployment_status(world(), found, made)), 201


# --- statuses and checks ----------------------------------------------------------------------------


@routes.post(f"{REPO}/statuses/<sha>")
def create_status(owner: str, name: str, sha: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, "statuses", level="write"), body("state")
    made = deployments.set_status(world(), found, sha, who().login, values)
    return flask.jsonify(work.status(world(), found, made)), 201


@routes.post(f"{REPO}/check-runs")
def create_check(owner: str, name: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, "checks", level="write"), body("name", "head_sha")
    return flask.jsonify(work.check(world(), found, deployments.save_check(world(), found, values))), 201


@routes.get(f"{REPO}/check-runs/<int:identity>")
def get_check(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "checks")
    return flask.jsonify(work.check(world(), found, deployments.get_check(world(), found, identity)))


@routes.patch(f"{REPO}/check-runs/<int:identity>")
def change_check(owner: str, name: str, identity: int) -> flask.Response:
    found, values = repo(owner, name, "checks", level="write"), body()
    return flask.jsonify(work.check(world(), found, deployments.save_check(world(), found, values, identity)))


# --- actions ----------------------------------------------------------------------------------------


@routes.post(f"{REPO}/actions/workflows/<workflow>/dispatches")
def dispatch(owner: str, name: str, workflow: str) -> tuple[str, int]:
    found, values = repo(owner, name, "actions", level="write"), body("ref")
    actions.dispatch_workflow(world(), found, workflow, who().login, values)
    return "", 204


@routes.post(f"{REPO}/dispatches")
def repository_dispatch(owner: str, name: str) -> tuple[str, int]:
    found, values = repo(owner, name, "contents", level="write"), body("event_type")
    actions.dispatch_repository(world(), found, who().login, values)
    return "", 204


@routes.get(f"{REPO}/actions/runs")
def list_runs(owner: str, name: str) -> flask.Response:
    found, args = repo(owner, name, "actions"), flask.request.args
    keys = ("event", "branch", "status", "head_sha", "actor")
    docs = actions.runs(world(), found, **{key: args.get(key) for key in keys})
    return paged(docs, lambda doc: work.run(world(), found, doc), key="workflow_runs")


@routes.get(f"{REPO}/actions/runs/<int:identity>")
def get_run(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "actions")
    return flask.jsonify(work.run(world(), found, actions.get_run(world(), found, identity)))


@routes.get(f"{REPO}/actions/runs/<int:identity>/approvals")
def run_approvals(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "actions")
    docs = approvals.of_run(world(), found, identity)
    return flask.jsonify([work.approval(world(), found, doc) for doc in docs])


@routes.get(f"{REPO}/actions/artifacts", defaults={"identity": None})
@routes.get(f"{REPO}/actions/runs/<int:identity>/artifacts")
def list_artifacts(owner: str, name: str, identity: int | None) -> flask.Response:
    found = repo(owner, name, "actions")
    if identity is not None:
        actions.get_run(world(), found, identity)
    docs = actions.artifacts(world(), found["full_name"], identity, flask.request.args.get("name"))
    return paged(docs, lambda doc: work.artifact(world(), found, doc), key="artifacts")


@routes.get(f"{REPO}/actions/artifacts/<int:identity>")
def get_artifact(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name, "actions")
    return flask.jsonify(work.artifact(world(), found, actions.get_artifact(world(), found, identity)))


@routes.get(f"{REPO}/actions/artifacts/<int:identity>/zip")
def artifact_zip(owner: str, name: str, identity: int) -> flask.typing.ResponseReturnValue:
    found = repo(owner, name, "actions")
    actions.get_artifact(world(), found, identity)
    key = _key("artifact", identity)
    return flask.redirect(f"{world().url}/_artifacts/{found['full_name']}/{identity}.zip?key={key}", 302)


@routes.get("/_artifacts/<owner>/<name>/<int:identity>.zip")
def download_artifact(owner: str, name: str, identity: int) -> flask.Response:
    _check_key("artifact", identity)
    doc = actions.get_artifact(world(), world().repository(owner, name), identity)
    return flask.send_file(
        actions.artifact_path(world(), doc),
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"{doc['name']}.zip",
    )
