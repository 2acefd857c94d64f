"""issues, labels, comments, pulls."""

from __future__ import annotations

from typing import Any

import flask

from modelrail.localhub import approvals, issues, pulls
from modelrail.localhub.answers import ApiError, not_found, validation
from modelrail.localhub.rest.base import REPO, body, paged, repo, wants, who, world
from modelrail.localhub.shapes import objects, talk
from modelrail.localhub.store import Doc

routes = flask.Blueprint("talk", __name__)
BOTH = ("issues", "pull_requests")


def _scopes(found: Doc, number: int) -> tuple[str, ...]:
    """What a token needs to write on this number: a pull request takes either permission."""
    doc = world().store.get("issue", found["full_name"], str(number))
    return BOTH if doc and doc["pull"] else ("issues",)


def _writable(owner: str, name: str, number: int, *, anyone: bool = False) -> Doc:
    found = repo(owner, name)
    world().require(who(), found, *_scopes(found, number), level="write", anyone=anyone)
    return found


def _names(values: Any) -> list[str]:
    given = values.get("labels") if isinstance(values, dict) else values
    names = [one.get("name") if isinstance(one, dict) else one for one in given or []]
    found = [one for one in names if isinstance(one, str) and one]
    if len(found) != len(names):
        raise validation("Label", "invalid", "name")
    return found


# --- issues -----------------------------------------------------------------------------------------


@routes.get(f"{REPO}/issues")
def list_issues(owner: str, name: str) -> flask.Response:
    found, args = repo(owner, name, *BOTH), flask.request.args
    state, labels = args.get("state", "open"), [text for text in args.get("labels", "").split(",") if text]
    docs = world().store.all(
        "issue",
        found["full_name"],
        lambda doc: (state in {"all", doc["state"]}) and set(labels) <= set(doc["labels"]),
    )
    return paged(docs[::-1], lambda doc: talk.issue(world(), found, doc))


@routes.post(f"{REPO}/issues")
def create_issue(owner: str, name: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, "issues", level="write", anyone=True), body("title")
    made = issues.create(
        world(),
        found,
        title=values["title"],
        body=values.get("body"),
        user=who().login,
        labels=_names(values),
    )
    return flask.jsonify(talk.issue(world(), found, made)), 201


@routes.get(f"{REPO}/issues/<int:number>")
def get_issue(owner: str, name: str, number: int) -> flask.Response:
    found = repo(owner, name, *BOTH)
    return flask.jsonify(talk.issue(world(), found, issues.get(world(), found, number)))


@routes.patch(f"{REPO}/issues/<int:number>")
def change_issue(owner: str, name: str, number: int) -> flask.Response:
    found, values = _writable(owner, name, number), body()
    if "labels" in values:
        values["labels"] = _names(values)
    return flask.jsonify(talk.issue(world(), found, issues.change(world(), found, number, values)))


# --- labels -----------------------------------------------------------------------------------------


@routes.get(f"{REPO}/labels")
def list_labels(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, *BOTH)
    docs = world().store.all("label", found["full_name"])
    return paged(docs, lambda doc: talk.label(world(), found, doc["name"]))


@routes.post(f"{REPO}/labels")
def create_label(owner: str, name: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name, *BOTH, level="write"), body("name")
    if issues.find_label(world(), found, values["name"]):
        raise validation("Label", "already_exists", "name")
    color = str(values.get("color") or "ededed").lstrip("#")
    issues.label(world(), found, values["name"], color, values.get("description") or "")
    return flask.jsonify(talk.label(world(), found, values["name"])), 201


@routes.get(f"{REPO}/labels/<path:label>")
def get_label(owner: str, name: str, label: str) -> flask.Response:
    found = repo(owner, name, *BOTH)
    if issues.find_label(world(), found, label) is None:
        raise not_found()
    return flask.jsonify(talk.label(world(), found, label))


@routes.route(f"{REPO}/issues/<int:number>/labels", methods=["GET", "POST", "PUT"])
def issue_labels(owner: str, name: str, number: int) -> flask.Response:
    if flask.request.method == "GET":
        found = repo(owner, name, *BOTH)
    else:
        found = _writable(owner, name, number)
        names, doc = _names(body()), issues.get(world(), found, number)
        if flask.request.method == "POST":
            issues.add_labels(world(), found, number, names)
        else:
            issues.set_labels(world(), found, doc, names)
    labels = issues.get(world(), found, number)["labels"]
    return paged(labels, lambda label: talk.label(world(), found, label))


@routes.delete(f"{REPO}/issues/<int:number>/labels/<path:label>")
def remove_label(owner: str, name: str, number: int, label: str) -> flask.Response:
    found = _writable(owner, name, number)
    doc = issues.remove_label(world(), found, number, label)
    return flask.jsonify([talk.label(world(), found, one) for one in doc["labels"]])


# --- comments ---------------------------------------------------------------------------------------


@routes.get(f"{REPO}/issues/<int:number>/comments")
def list_comments(owner: str, name: str, number: int) -> flask.Response:
    found = repo(owner, name, *BOTH)
    issues.get(world(), found, number)
    return paged(issues.comments(world(), found, number), lambda doc: talk.comment(world(), found, doc))


@routes.post(f"{REPO}/issues/<int:number>/comments")
def create_comment(owner: str, name: str, number: int) -> tuple[flask.Response, int]:
    found, values = _writable(owner, name, number, anyone=True), body()
    made = issues.comment(world(), found, number, values.get("body"), who().login)
    answer = flask.jsonify(talk.comment(world(), found, made))
    answer.headers["Location"] = f"{world().api_url}/repos/{found['full_name']}/issues/comments/{made['id']}"
    return answer, 201


@routes.route(f"{REPO}/issues/comments/<int:identity>", methods=["GET", "PATCH", "DELETE"])
def one_comment(owner: str, name: str, identity: int) -> flask.Response | tuple[str, int]:
    found = repo(owner, name, *BOTH)
    doc = issues.get_comment(world(), found, identity)
    if flask.request.method == "GET":
        return flask.jsonify(talk.comment(world(), found, doc))
    if doc["user"] != who().login or who().permissions is not None:
        # One's own words may be changed; a token needs the permission even for those.
        _writable(owner, name, doc["number"])
    if flask.request.method == "DELETE":
        world().store.delete(identity)
        return "", 204
    doc = issues.edit_comment(world(), found, identity, body().get("body"))
    return flask.jsonify(talk.comment(world(), found, doc))


# --- pull requests ----------------------------------------------------------------------------------


@routes.get(f"{REPO}/pulls")
def list_pulls(owner: str, name: str) -> flask.Response:
    found, args = repo(owner, name, "pull_requests"), flask.request.args
    docs = pulls.select(
        world(),
        found,
        state=args.get("state", "open"),
        head=args.get("head", ""),
        base=args.get("base", ""),
        newest_first=args.get("direction", "desc") != "asc",
    )
    return paged(docs, lambda doc: talk.pull_simple(world(), found, doc))


@routes.post(f"{REPO}/pulls")
def create_pull(owner: str, name: str) -> tuple[flask.Response, int]:
    found = repo(owner, name, "pull_requests", level="write", anyone=True)
    values = body("head", "base", "title")
    made = pulls.open_pull(
        world(),
        found,
        head=str(values["head"]),
        base=str(values["base"]),
        title=str(values["title"]),
        body=values.get("body"),
        user=who().login,
        draft=bool(values.get("draft", False)),
    )
    return flask.jsonify(talk.pull(world(), found, made)), 201


@routes.get(f"{REPO}/pulls/<int:number>")
def get_pull(owner: str, name: str, number: int) -> flask.Response:
    found = repo(owner, name, "pull_requests")
    doc = pulls.get(world(), found, number)
    if wants("application/vnd.github.diff") or wants("application/vnd.github.v3.diff"):
        part, bare = doc["pull"], world().bare(found)
        base = bare.merge_base(part["base_sha"], part["head_sha"]) or part["base_sha"]
        return flask.Response(bare.run("diff", "-M", base, part["head_sha"]), mimetype="text/plain")
    return flask.jsonify(talk.pull(world(), found, doc))


@routes.patch(f"{REPO}/pulls/<int:number>")
def change_pull(owner: str, name: str, number: int) -> flask.Response:
    found, values = repo(owner, name, "pull_requests", level="write"), body()
    pulls.get(world(), found, number)
    allowed: dict[str, Any] = {key: values[key] for key in ("title", "body", "state") if key in values}
    doc = issues.change(world(), found, number, allowed)
    return flask.jsonify(talk.pull(world(), found, doc))


@routes.get(f"{REPO}/pulls/<int:number>/files")
def pull_files(owner: str, name: str, number: int) -> flask.Response:
    found = repo(owner, name, "pull_requests")
    doc = pulls.get(world(), found, number)
    sha = doc["pull"]["head_sha"]
    return paged(talk.pull_changes(world(), found, doc), lambda one: talk.change(world(), found, sha, one))


@routes.get(f"{REPO}/pulls/<int:number>/commits")
def pull_commits(owner: str, name: str, number: int) -> flask.Response:
    found = repo(owner, name, "pull_requests")
    part = pulls.get(world(), found, number)["pull"]
    commits = world().bare(found).commits(f"{part['base_sha']}..{part['head_sha']}")[::-1]
    return paged(commits, lambda one: objects.commit(world(), found, one))


@routes.get(f"{REPO}/pulls/<int:number>/reviews")
def list_reviews(owner: str, name: str, number: int) -> flask.Response:
    found = repo(owner, name, "pull_requests")
    pulls.get(world(), found, number)
    docs = approvals.reviews(world(), found, number)
    return paged(docs, lambda doc: talk.review(world(), found, doc))


@routes.post(f"{REPO}/pulls/<int:number>/reviews")
def create_review(owner: str, name: str, number: int) -> flask.Response:
    found, values = repo(owner, name, "pull_requests", level="write", anyone=True), body()
    made = approvals.review(world(), found, number, who().login, values)
    return flask.jsonify(talk.review(world(), found, made))


@routes.get(f"{REPO}/pulls/<int:number>/merge")
def is_merged(owner: str, name: str, number: int) -> tuple[str, int]:
    found = repo(owner, name, "pull_requests")
    if pulls.get(world(), found, number)["pull"]["merged_at"] is None:
        raise not_found()
    return "", 204


@routes.put(f"{REPO}/pulls/<int:number>/merge")
def merge(owner: str, name: str, number: int) -> flask.Response:
    found, values = repo(owner, name, "contents", level="write"), body()
    method = values.get("merge_method", "merge")
    if method not in {"merge", "squash", "rebase"}:
        raise ApiError(422, f"Invalid request.\n\nInvalid merge_method: {method}")
    commit = pulls.merge(
        world(),
        found,
        number,
        user=who().login,
        method=method,
        title=values.get("commit_title"),
        message=values.get("commit_message"),
        sha=values.get("sha"),
    )
    return flask.jsonify({"sha": commit, "merged": True, "message": "Pull Request successfully merged"})
