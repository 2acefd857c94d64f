"""/user, /repos, contents, commits, branches, tags, compare, rulesets, environments."""

from __future__ import annotations

import re

import flask

from modelrail.localhub import deployments, pulls, repositories
from modelrail.localhub.answers import ApiError, not_found
from modelrail.localhub.rest.base import PREFIX, REPO, body, page_numbers, paged, repo, wants, who, world
from modelrail.localhub.shapes import objects, people, talk, work
from modelrail.localhub.store import Doc

routes = flask.Blueprint("repositories", __name__)


@routes.get(f"{PREFIX}/user")
def user() -> flask.Response:
    identity = who()
    if identity.is_bot:
        raise ApiError(403, "Resource not accessible by integration")
    return flask.jsonify(people.public_user(world(), identity.login))


@routes.get(f"{PREFIX}/rate_limit")
def rate_limit() -> flask.Response:
    who()
    rate = flask.g.rate
    return flask.jsonify({"resources": {"core": rate, "search": rate}, "rate": rate})


@routes.post(f"{PREFIX}/user/repos")
def create() -> tuple[flask.Response, int]:
    identity, values = who(), body("name")
    if identity.permissions is not None:
        raise ApiError(403, "Resource not accessible by integration")
    made = repositories.create(
        world(),
        identity.login,
        str(values["name"]),
        description=values.get("description") or "",
        private=bool(values.get("private", False)),
    )
    return flask.jsonify(people.full_repository(world(), made, push=True)), 201


@routes.get(REPO)
def get(owner: str, name: str) -> flask.Response:
    found = repo(owner, name)
    return flask.jsonify(
        people.full_repository(world(), found, push=world().may(who(), found, "contents", "write"))
    )


@routes.post(f"{REPO}/forks")
def fork(owner: str, name: str) -> tuple[flask.Response, int]:
    found, values = repo(owner, name), body()
    made = repositories.create(world(), who().login, values.get("name") or found["name"], fork_of=found)
    return flask.jsonify(people.full_repository(world(), made, push=True)), 202


# --- files ------------------------------------------------------------------------------------------


@routes.get(f"{REPO}/contents/", defaults={"path": ""})
@routes.get(f"{REPO}/contents/<path:path>")
def contents(owner: str, name: str, path: str) -> flask.Response:
    found = repo(owner, name, "contents")
    bare, revision = world().bare(found), flask.request.args.get("ref") or found["default_branch"]
    commit = bare.resolve(revision)
    if commit is None:
        raise ApiError(404, f"No commit found for the ref {revision}")
    entry = bare.entry(commit, path)
    if entry is None:
        raise not_found()
    kind, sha = entry
    if kind == "tree":
        return flask.jsonify(objects.folder(world(), found, bare, revision, path.strip("/"), sha))
    if wants("application/vnd.github.raw"):
        return flask.Response(bare.blob(sha), mimetype="application/octet-stream")
    return flask.jsonify(objects.file(world(), found, bare, revision, path, sha))


# --- commits ----------------------------------------------------------------------------------------


@routes.get(f"{REPO}/commits")
def commits(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, "contents")
    bare = world().bare(found)
    start = bare.resolve(flask.request.args.get("sha") or found["default_branch"])
    if start is None:
        raise ApiError(409, "Git Repository is empty.")
    page, size = page_numbers()
    window = bare.commits(start, limit=page * size + 1)
    return paged(window, lambda commit: objects.commit(world(), found, commit))


def resolve(found: Doc, ref: str) -> str:
    sha = world().bare(found).resolve(ref)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {ref}")
    return sha


@routes.get(f"{REPO}/commits/<path:ref>")
def commit(owner: str, name: str, ref: str) -> flask.Response:
    """One route for `commits/{ref}` and what hangs below it, since a ref may hold slashes."""
    below = re.fullmatch(r"(.+)/(pulls|status|statuses|check-runs)", ref)
    if below is None:
        found = repo(owner, name, "contents")
        sha, bare = resolve(found, ref), world().bare(found)
        if wants("application/vnd.github.sha"):
            return flask.Response(sha, mimetype="application/vnd.github.sha")
        return flask.jsonify(objects.full_commit(world(), found, bare, bare.commit(sha)))
    ref, word = below.groups()
    scope = {"pulls": ("pull_requests", "contents"), "check-runs": ("checks",)}.get(word, ("statuses",))
    found = repo(owner, name, *scope)
    sha = resolve(found, ref)
    if word == "pulls":
        return paged(pulls.of_commit(world(), found, sha), lambda doc: talk.pull_simple(world(), found, doc))
    if word == "status":
        return flask.jsonify(work.combined_status(world(), found, sha))
    if word == "statuses":
        return paged(deployments.statuses(world(), found, sha), lambda doc: work.status(world(), found, doc))
    wanted = flask.request.args.get("check_name")
    checks = [doc for doc in deployments.checks(world(), found, sha) if wanted in {None, doc["name"]}]
    return paged(checks, lambda doc: work.check(world(), found, doc), key="check_runs")


@routes.get(f"{REPO}/compare/<path:basehead>")
def compare(owner: str, name: str, basehead: str) -> flask.Response:
    found = repo(owner, name, "contents")
    bare = world().bare(found)
    base, _, head = basehead.partition("...")
    old, new = bare.resolve(base), bare.resolve(head)
    middle = bare.merge_base(old, new) if old and new else None
    if old is None or new is None or middle is None:
        raise not_found()
    ahead, behind = bare.count(f"{old}..{new}"), bare.count(f"{new}..{old}")
    words = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    api, html = people.repo_api(world(), found), people.repo_html(world(), found)
    page, where = f"{html}/compare/{people.quote(basehead)}", f"{api}/compare/{people.quote(basehead)}"
    return flask.jsonify(
        {
            "url": where,
            "html_url": page,
            "permalink_url": f"{html}/compare/{old}...{new}",
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": objects.commit(world(), found, bare.commit(old)),
            "merge_base_commit": objects.commit(world(), found, bare.commit(middle)),
            "status": words.get((ahead > 0, behind > 0), "diverged"),
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [objects.commit(world(), found, one) for one in bare.commits(f"{old}..{new}")[::-1]],
            "files": [talk.change(world(), found, new, one) for one in bare.changes(middle, new)],
        }
    )


# --- branches and tags ------------------------------------------------------------------------------


@routes.get(f"{REPO}/branches")
def branches(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, "contents")
    return paged(
        world().bare(found).refs("refs/heads"), lambda ref: objects.short_branch(world(), found, ref)
    )


@routes.get(f"{REPO}/branches/<path:branch>")
def branch(owner: str, name: str, branch: str) -> flask.Response:
    found = repo(owner, name, "contents")
    bare = world().bare(found)
    if branch.endswith("/protection") and bare.ref(f"refs/heads/{branch.removesuffix('/protection')}"):
        raise ApiError(404, "Branch not protected")
    ref = bare.ref(f"refs/heads/{branch}")
    if ref is None:
        raise ApiError(404, "Branch not found")
    return flask.jsonify(objects.branch(world(), found, bare, ref))


@routes.get(f"{REPO}/tags")
def tags(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, "contents")
    refs = sorted(world().bare(found).refs("refs/tags"), key=lambda ref: ref.name, reverse=True)
    return paged(refs, lambda ref: objects.tag(world(), found, ref))


# --- rules and environments -------------------------------------------------------------------------


@routes.get(f"{REPO}/rulesets")
def rulesets(owner: str, name: str) -> flask.Response:
    found = repo(owner, name)
    return paged(
        world().store.all("ruleset", found["full_name"]), lambda doc: work.ruleset(world(), found, doc)
    )


@routes.get(f"{REPO}/rulesets/<int:identity>")
def ruleset(owner: str, name: str, identity: int) -> flask.Response:
    found = repo(owner, name)
    doc = world().store.by_id("ruleset", found["full_name"], identity)
    if doc is None:
        raise not_found()
    return flask.jsonify(work.full_ruleset(world(), found, doc))


@routes.get(f"{REPO}/rules/branches/<path:branch>")
def rules(owner: str, name: str, branch: str) -> flask.Response:
    found = repo(owner, name)
    ref = f"refs/heads/{branch}"
    rules = [
        {
            "type": rule,
            "ruleset_source_type": "Repository",
            "ruleset_source": found["full_name"],
            "ruleset_id": doc["id"],
        }
        for doc in world().store.all("ruleset", found["full_name"])
        if repositories.applies(doc, found, ref)
        for rule in doc["rules"]
    ]
    return paged(rules, lambda rule: rule)


@routes.get(f"{REPO}/environments")
def environments(owner: str, name: str) -> flask.Response:
    found = repo(owner, name, "actions", "metadata")
    docs = world().store.all("environment", found["full_name"])
    return paged(docs, lambda doc: work.environment(world(), found, doc), key="environments")


@routes.get(f"{REPO}/environments/<path:environment>")
def environment(owner: str, name: str, environment: str) -> flask.Response:
    found = repo(owner, name, "actions", "metadata")
    doc = world().store.get("environment", found["full_name"], environment)
    if doc is None:
        raise not_found()
    return flask.jsonify(work.environment(world(), found, doc))
