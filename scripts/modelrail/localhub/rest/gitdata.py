"""git/ref, git/refs, git/tags, git/commits."""

from __future__ import annotations

import datetime as dt

import flask

from modelrail.localhub import repositories
from modelrail.localhub.answers import ApiError, not_found
from modelrail.localhub.bare import ZERO, Bare, Refused, Signature
from modelrail.localhub.repositories import RefChange
from modelrail.localhub.rest.base import REPO, body, repo, who, world
from modelrail.localhub.shapes import objects
from modelrail.localhub.shapes.people import Json
from modelrail.localhub.store import Doc

routes = flask.Blueprint("gitdata", __name__)


@routes.get(f"{REPO}/git/ref/<path:ref>")
def get_ref(owner: str, name: str, ref: str) -> flask.Response:
    found = repo(owner, name, "contents")
    present = world().bare(found).ref(f"refs/{ref}")
    if present is None:
        raise not_found()
    return flask.jsonify(objects.ref(world(), found, present))


@routes.get(f"{REPO}/git/matching-refs/<path:ref>")
def matching(owner: str, name: str, ref: str) -> flask.Response:
    """All refs whose name begins so."""
    found = repo(owner, name, "contents")
    folder = f"refs/{ref}".rsplit("/", 1)[0]
    refs = [one for one in world().bare(found).refs(folder) if one.name.startswith(f"refs/{ref}")]
    return flask.jsonify([objects.ref(world(), found, one) for one in refs])


@routes.post(f"{REPO}/git/refs")
def create_ref(owner: str, name: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, "contents", level="write"), body("ref", "sha")
    bare, ref, sha = world().bare(found), str(values["ref"]), str(values["sha"])
    if not ref.startswith("refs/") or ref.count("/") < 2 or not bare.valid_name(ref):
        raise ApiError(422, f"{ref} is not a valid ref name.")
    _require_object(bare, ref, sha)
    if bare.ref(ref):
        raise ApiError(422, "Reference already exists")
    repositories.write_ref(world(), found, who(), RefChange(ref, ZERO, sha))
    return flask.jsonify(_ref(found, bare, ref)), 201


@routes.patch(f"{REPO}/git/refs/<path:ref>")
def update_ref(owner: str, name: str, ref: str) -> flask.Response:
    found, values = repo(owner, name, "contents", level="write"), body("sha")
    bare, full, sha = world().bare(found), f"refs/{ref}", str(values["sha"])
    present = bare.ref(full)
    if present is None:
        raise ApiError(422, "Reference does not exist")
    _require_object(bare, full, sha)
    if not values.get("force") and not bare.is_ancestor(present.sha, sha):
        raise ApiError(422, "Update is not a fast forward")
    repositories.write_ref(world(), found, who(), RefChange(full, present.sha, sha))
    return flask.jsonify(_ref(found, bare, full))


@routes.delete(f"{REPO}/git/refs/<path:ref>")
def delete_ref(owner: str, name: str, ref: str) -> tuple[str, int]:
    found = repo(owner, name, "contents", level="write")
    present = world().bare(found).ref(f"refs/{ref}")
    if present is None:
        raise ApiError(422, "Reference does not exist")
    repositories.write_ref(world(), found, who(), RefChange(present.name, present.sha, ZERO))
    return "", 204


def _require_object(bare: Bare, ref: str, sha: str) -> None:
    kind = bare.kind(sha)
    if kind is None or (ref.startswith("refs/heads/") and kind != "commit"):
        raise ApiError(422, "Object does not exist")


def _ref(found: Doc, bare: Bare, ref: str) -> Json:
    present = bare.ref(ref)
    if present is None:  # somebody else removed it meanwhile
        raise not_found()
    return objects.ref(world(), found, present)


@routes.post(f"{REPO}/git/tags")
def create_tag(owner: str, name: str) -> tuple[flask.Response, int]:
    """The object only; `git/refs` makes it a tag."""
    found = repo(owner, name, "contents", level="write")
    values = body("tag", "message", "object", "type")
    bare = world().bare(found)
    if bare.kind(str(values["object"])) != values["type"]:
        raise ApiError(422, "Object does not exist")
    try:
        sha = bare.make_tag_object(
            str(values["tag"]), str(values["object"]), values["type"], str(values["message"]), _tagger(values)
        )
    except Refused as error:
        raise ApiError(422, f"Invalid tag: {error}") from None
    made = bare.tag_object(sha)
    assert made is not None  # noqa: S101 - it was written in the line above
    return flask.jsonify(objects.tag_object(world(), found, made)), 201


def _tagger(values: dict[str, object]) -> Signature:
    given = values.get("tagger")
    default = world().person(who().login)
    if not isinstance(given, dict):
        return default
    try:
        date = given.get("date")
        moment = dt.datetime.fromisoformat(str(date)).timestamp() if date else default.time
    except ValueError:
        raise ApiError(422, "Invalid request.\n\nFor 'properties/date', it is not a valid date.") from None
    return Signature(
        str(given.get("name", default.name)), str(given.get("email", default.email)), int(moment)
    )


@routes.get(f"{REPO}/git/tags/<sha>")
def get_tag(owner: str, name: str, sha: str) -> flask.Response:
    found = repo(owner, name, "contents")
    present = world().bare(found).tag_object(sha)
    if present is None:
        raise not_found()
    return flask.jsonify(objects.tag_object(world(), found, present))


@routes.get(f"{REPO}/git/commits/<sha>")
def get_commit(owner: str, name: str, sha: str) -> flask.Response:
    found = repo(owner, name, "contents")
    bare = world().bare(found)
    if bare.kind(sha) != "commit":
        raise not_found()
    return flask.jsonify(objects.git_commit(world(), found, bare.commit(sha)))
