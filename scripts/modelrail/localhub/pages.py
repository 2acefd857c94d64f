"""Pages for people: a repository's pull requests, releases, tags, ledger and deployments. Read-only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import flask
import markupsafe

from modelrail.localhub import actions, deployments, issues, pulls, releases
from modelrail.localhub.answers import not_found
from modelrail.localhub.bare import Bare, Commit, Ref
from modelrail.localhub.markdown import render
from modelrail.localhub.rest.base import world
from modelrail.localhub.shapes import talk
from modelrail.localhub.store import Doc

routes = flask.Blueprint("pages", __name__)
REPO = "/<owner>/<name>"
LEDGER = "modelrail/ledger"
MAX_ROWS, MAX_DIFF_LINES = 100, 400
_TRAILER = re.compile(r"([A-Z][A-Za-z-]*): (.+)\Z")
_STEPS = ((60, "second"), (3600, "minute"), (86_400, "hour"), (7 * 86_400, "day"), (31 * 86_400, "week"))
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 7 * 86_400}


@dataclass(frozen=True)
class TagView:
    name: str
    sha: str
    commit: str
    annotated: bool
    who: str
    when: int
    subject: str
    text: str
    trailers: tuple[tuple[str, str], ...]
    kind: str  # "version", "stage", ""


# --- what templates use -----------------------------------------------------------------------------


@routes.app_template_filter("ago")
def ago(seconds: float | None) -> str:
    """As in "3 hours ago"; the date when it is long past."""
    if seconds is None:
        return ""
    past = max(int(world().now() - seconds), 0)
    if past < 5:
        return "now"
    for limit, unit in _STEPS:
        if past < limit:
            count = past // _SECONDS[unit]
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "on " + date(seconds)[:10]


@routes.app_template_filter("date")
def date(seconds: float | None) -> str:
    from modelrail.localhub.world import iso

    return (iso(seconds) or "").replace("T", " ").replace("Z", " UTC")


@routes.app_template_filter("size")
def size(count: int) -> str:
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


@routes.app_template_filter("markdown")
def markdown(text: str | None) -> markupsafe.Markup:
    return markupsafe.Markup(render(text))  # noqa: S704 - sanitised by nh3 in markdown.render


@routes.app_template_filter("short")
def short(sha: str) -> str:
    return sha[:7]


@routes.app_template_filter("ink")
def ink(color: str) -> str:
    """Black or white, whichever reads better on this label colour."""
    if not re.fullmatch(r"[0-9a-fA-F]{6}", color):
        return "#000"
    red, green, blue = (int(color[place : place + 2], 16) for place in (0, 2, 4))
    return "#000" if red * 0.299 + green * 0.587 + blue * 0.114 > 150 else "#fff"


def finish(answer: flask.Response) -> flask.Response:
    """No script runs here, whatever a comment holds."""
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def refuse(status: int, message: str) -> flask.Response:
    answer = flask.make_response(flask.render_template("error.html", status=status, message=message))
    answer.status_code = status
    return answer


def _show(template: str, repo: Doc, tab: str, **values: Any) -> str:
    state, full = world(), repo["full_name"]
    bare = state.bare(repo)
    counts = {
        "pulls": sum(doc["state"] == "open" for doc in pulls.all_pulls(state, repo)),
        "releases": len(releases.published(state, repo)),
        "tags": len(bare.refs("refs/tags")),
        "runs": len(actions.runs(state, repo)),
    }
    return flask.render_template(
        template, repo=repo, tab=tab, counts=counts, ledger=bare.ref(f"refs/heads/{LEDGER}") is not None,
        hub_url=state.url, full=full, **values,
    )  # fmt: skip


def _repo(owner: str, name: str) -> Doc:
    found = world().repository(owner, name)
    if found["private"]:
        raise not_found()
    return found


# --- pages ------------------------------------------------------------------------------------------


@routes.get("/")
def index() -> str:
    state = world()
    rows = []
    for repo in state.repositories():
        if not repo["private"]:
            open_pulls = sum(doc["state"] == "open" for doc in pulls.all_pulls(state, repo))
            rows.append(
                (
                    repo,
                    open_pulls,
                    len(releases.published(state, repo)),
                    len(state.bare(repo).refs("refs/tags")),
                )
            )
    return flask.render_template("index.html", rows=rows, hub_url=state.url)


@routes.get("/favicon.ico")
def favicon() -> flask.Response:
    return flask.current_app.send_static_file("rail.svg")


@routes.get("/_avatar/<login>.svg")
def avatar(login: str) -> flask.Response:
    """Initial on a colour that the name decides."""
    hue = sum(ord(letter) * (place + 7) for place, letter in enumerate(login)) * 37 % 360
    letter = markupsafe.escape(next((one for one in login if one.isalnum()), "?").upper())
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
        f'<rect width="40" height="40" fill="hsl({hue} 45% 45%)"/>'
        '<text x="20" y="27" font-family="sans-serif" font-size="20" font-weight="600" fill="#fff" '
        f'text-anchor="middle">{letter}</text></svg>'
    )
    return flask.Response(text, mimetype="image/svg+xml")


@routes.get(REPO)
def overview(owner: str, name: str) -> flask.typing.ResponseReturnValue:
    repo = _repo(owner, name)
    bare = world().bare(repo)
    branch = flask.request.args.get("branch") or repo["default_branch"]
    tip = bare.ref(f"refs/heads/{branch}")
    commits = bare.commits(tip.sha, limit=MAX_ROWS) if tip else []
    branches = [ref.name.removeprefix("refs/heads/") for ref in bare.refs("refs/heads")]
    at = _tags_at(bare)
    return _show("commits.html", repo, "code", branch=branch, branches=branches, commits=commits, at=at)


def _tags_at(bare: Bare) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for ref in bare.refs("refs/tags"):
        found.setdefault(ref.peeled, []).append(ref.name.removeprefix("refs/tags/"))
    return found


@routes.get(f"{REPO}/commit/<sha>")
def commit(owner: str, name: str, sha: str) -> str:
    repo = _repo(owner, name)
    bare = world().bare(repo)
    if bare.kind(sha) != "commit":
        raise not_found()
    found = bare.commit(sha)
    empty = bare.run("hash-object", "-t", "tree", "--stdin", data=b"").decode().strip()
    changes = bare.changes(found.parents[0] if found.parents else empty, sha)
    return _show("commit.html", repo, "code", commit=found, changes=changes, limit=MAX_DIFF_LINES)


@routes.get(f"{REPO}/pulls")
def pull_list(owner: str, name: str) -> str:
    repo = _repo(owner, name)
    state = flask.request.args.get("state", "open")
    docs = pulls.select(world(), repo, state="all", head="", base="")
    counts = {word: sum(doc["state"] == word for doc in docs) for word in ("open", "closed")}
    shown = [
        (
            doc,
            [issues.label(world(), repo, label) for label in doc["labels"]],
            len(issues.comments(world(), repo, doc["number"])),
        )
        for doc in docs
        if doc["state"] == state
    ]
    return _show("pulls.html", repo, "pulls", rows=shown, state=state, by_state=counts)


@routes.get(f"{REPO}/pull/<int:number>")
def pull(owner: str, name: str, number: int) -> str:
    repo = _repo(owner, name)
    state = world()
    doc = pulls.get(state, repo, number)
    part, bare = doc["pull"], state.bare(repo)
    commits = bare.commits(f"{part['base_sha']}..{part['head_sha']}")[::-1]
    changes = talk.pull_changes(state, repo, doc)
    shas = {part["head_sha"], part["merge_commit_sha"]}
    runs = [run for run in actions.runs(state, repo) if run["head_sha"] in shas]
    statuses = {one["context"]: one for one in deployments.statuses(state, repo, part["head_sha"])[::-1]}
    return _show(
        "pull.html", repo, "pulls", doc=doc, part=part, commits=commits, changes=changes, runs=runs,
        statuses=statuses, comments=issues.comments(state, repo, number), limit=MAX_DIFF_LINES,
        labels=[issues.label(state, repo, label) for label in doc["labels"]],
    )  # fmt: skip


@routes.get(f"{REPO}/releases")
def release_list(owner: str, name: str) -> str:
    repo = _repo(owner, name)
    return _show(
        "releases.html", repo, "releases", **_releases(repo, releases.listing(world(), repo, drafts=True))
    )


@routes.get(f"{REPO}/releases/tag/<path:tag>")
def release(owner: str, name: str, tag: str) -> str:
    repo = _repo(owner, name)
    found = releases.published_by_tag(world(), repo, tag)
    if found is None:
        raise not_found()
    return _show("releases.html", repo, "releases", **_releases(repo, [found]))


def _releases(repo: Doc, docs: list[Doc]) -> dict[str, Any]:
    state = world()
    full = [doc for doc in releases.published(state, repo) if not doc["prerelease"]]
    latest = releases.latest(state, repo)["id"] if any(not doc.get("never_latest") for doc in full) else None
    bare = state.bare(repo)
    rows = []
    for doc in docs:
        ref = bare.ref(f"refs/tags/{doc['tag_name']}")
        rows.append((doc, releases.assets(state, repo, doc), ref.peeled if ref else ""))
    return {"rows": rows, "latest": latest}


@routes.get(f"{REPO}/releases/download/<path:tag>/<file>")
def download(owner: str, name: str, tag: str, file: str) -> flask.Response:
    repo = _repo(owner, name)
    found = releases.published_by_tag(world(), repo, tag)
    docs = releases.assets(world(), repo, found) if found else []
    doc = next((one for one in docs if one["name"] == file and one["state"] == "uploaded"), None)
    if doc is None:
        raise not_found()
    releases.count_download(world(), repo, doc["id"])
    return flask.send_file(
        releases.asset_path(world(), doc),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=file,
    )


@routes.get(f"{REPO}/tags")
def tag_list(owner: str, name: str) -> str:
    repo = _repo(owner, name)
    bare = world().bare(repo)
    views = sorted((_tag(bare, ref) for ref in bare.refs("refs/tags")), key=_sequence, reverse=True)
    return _show("tags.html", repo, "tags", tags=views[: MAX_ROWS * 2], total=len(views))


def _sequence(view: TagView) -> tuple[int, int, str]:
    number = dict(view.trailers).get("Sequence", "")
    return view.when, int(number) if number.isdigit() else 0, view.name


def _tag(bare: Bare, ref: Ref) -> TagView:
    name = ref.name.removeprefix("refs/tags/")
    kind = "stage" if "#" in name else "version" if "@" in name else ""
    found = bare.tag_object(ref.sha)
    if found is None:
        commit = bare.commit(ref.peeled)
        return TagView(
            name, ref.sha, ref.peeled, False, commit.committer.name, commit.committer.time, "", "", (), kind
        )
    message = found.message.partition("-----BEGIN")[0].rstrip()
    subject, _, rest = message.partition("\n")
    head, _, last = rest.strip().rpartition("\n\n")
    pairs = [_TRAILER.match(line) for line in last.splitlines()]
    trailers = tuple((one[1], one[2]) for one in pairs if one) if pairs and all(pairs) else ()
    text = (head if trailers else rest).strip()
    return TagView(
        name, ref.sha, ref.peeled, True, found.tagger.name, found.tagger.time, subject, text, trailers, kind
    )


@routes.get(f"{REPO}/ledger")
def ledger(owner: str, name: str) -> str:
    repo = _repo(owner, name)
    bare = world().bare(repo)
    tip = bare.ref(f"refs/heads/{LEDGER}")
    if tip is None:
        raise not_found()
    commits: list[Commit] = bare.commits(tip.sha, limit=MAX_ROWS)
    return _show(
        "commits.html", repo, "ledger", branch=LEDGER, branches=[], commits=commits, at=_tags_at(bare),
        total=bare.count(tip.sha),
    )  # fmt: skip


@routes.get(f"{REPO}/deployments")
def deployment_list(owner: str, name: str) -> str:
    repo = _repo(owner, name)
    state = world()
    rows = [(doc, deployments.newest_status(state, repo, doc)) for doc in deployments.select(state, repo)]
    now: dict[str, tuple[Doc, Doc]] = {}
    for doc, status in rows:
        if status and status["state"] == "success":
            now.setdefault(doc["environment"], (doc, status))
    return _show("deployments.html", repo, "deployments", rows=rows[:MAX_ROWS], now=now)


@routes.get(f"{REPO}/actions")
def run_list(owner: str, name: str) -> str:
    repo = _repo(owner, name)
    state = world()
    rows = [
        (run, actions.artifacts(state, repo["full_name"], run["id"])) for run in actions.runs(state, repo)
    ]
    return _show("actions.html", repo, "actions", rows=rows[:MAX_ROWS], queued=actions.queued(state, repo))


@routes.get(f"{REPO}/actions/runs/<int:identity>")
def run(owner: str, name: str, identity: int) -> str:
    repo = _repo(owner, name)
    found = actions.get_run(world(), repo, identity)
    row = (found, actions.artifacts(world(), repo["full_name"], identity))
    return _show("actions.html", repo, "actions", rows=[row], queued=[])
