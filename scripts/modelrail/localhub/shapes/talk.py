"""Issues, labels, comments, pull requests."""

from __future__ import annotations

from modelrail.localhub import issues
from modelrail.localhub.bare import Change
from modelrail.localhub.shapes.people import Json, node_id, quote, repo_api, repo_html, repository, user
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World, iso


def association(repo: Doc, login: str) -> str:
    if login == repo["owner"]:
        return "OWNER"
    return "COLLABORATOR" if login in repo["collaborators"] else "NONE"


def label(world: World, repo: Doc, name: str) -> Json:
    doc = issues.label(world, repo, name)
    return {
        "id": doc["id"],
        "node_id": node_id("Label", doc["id"]),
        "url": f"{repo_api(world, repo)}/labels/{quote(doc['name'])}",
        "name": doc["name"],
        "description": doc["description"] or "",
        "color": doc["color"],
        "default": doc["default"],
    }


def issue(world: World, repo: Doc, doc: Doc) -> Json:
    api, html, number = repo_api(world, repo), repo_html(world, repo), doc["number"]
    url, kind = f"{api}/issues/{number}", "pull" if doc["pull"] else "issues"
    found = {
        "id": doc["id"],
        "node_id": node_id("Issue", doc["id"]),
        "url": url,
        "repository_url": api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{html}/{kind}/{number}",
        "number": number,
        "state": doc["state"],
        "state_reason": None,
        "title": doc["title"],
        "body": doc["body"],
        "user": user(world, doc["user"]),
        "labels": [label(world, repo, name) for name in doc["labels"]],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "active_lock_reason": None,
        "comments": len(issues.comments(world, repo, number)),
        "closed_at": iso(doc["closed_at"]),
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "author_association": association(repo, doc["user"]),
        "performed_via_github_app": None,
    }
    if doc["pull"]:
        found["pull_request"] = {
            "url": f"{api}/pulls/{number}",
            "html_url": f"{html}/pull/{number}",
            "diff_url": f"{html}/pull/{number}.diff",
            "patch_url": f"{html}/pull/{number}.patch",
            "merged_at": iso(doc["pull"]["merged_at"]),
        }
    return found


def comment(world: World, repo: Doc, doc: Doc) -> Json:
    api, html = repo_api(world, repo), repo_html(world, repo)
    parent = world.store.get("issue", repo["full_name"], str(doc["number"]))
    kind = "pull" if parent and parent["pull"] else "issues"
    return {
        "id": doc["id"],
        "node_id": node_id("IssueComment", doc["id"]),
        "url": f"{api}/issues/comments/{doc['id']}",
        "html_url": f"{html}/{kind}/{doc['number']}#issuecomment-{doc['id']}",
        "issue_url": f"{api}/issues/{doc['number']}",
        "body": doc["body"],
        "user": user(world, doc["user"]),
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "author_association": association(repo, doc["user"]),
        "performed_via_github_app": None,
    }


def _side(world: World, repo: Doc, ref: str, sha: str) -> Json:
    return {
        "label": f"{repo['owner']}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(world, repo["owner"]),
        "repo": repository(world, repo),
    }


def pull_simple(world: World, repo: Doc, doc: Doc) -> Json:
    """As in a listing."""
    api, html, number, pull = repo_api(world, repo), repo_html(world, repo), doc["number"], doc["pull"]
    url, issue_url, page = f"{api}/pulls/{number}", f"{api}/issues/{number}", f"{html}/pull/{number}"
    source = world.repository(*pull["head_repository"].split("/"))
    links = {
        "self": url,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{pull['head_sha']}",
    }
    return {
        "id": doc["id"],
        "node_id": node_id("PullRequest", doc["id"]),
        "url": url,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": number,
        "state": doc["state"],
        "locked": False,
        "title": doc["title"],
        "user": user(world, doc["user"]),
        "body": doc["body"],
        "labels": [label(world, repo, name) for name in doc["labels"]],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": iso(doc["created_at"]),
        "updated_at": iso(doc["updated_at"]),
        "closed_at": iso(doc["closed_at"]),
        "merged_at": iso(pull["merged_at"]),
        "merge_commit_sha": pull["merge_commit_sha"],
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(world, source, pull["head"], pull["head_sha"]),
        "base": _side(world, repo, pull["base"], pull["base_sha"]),
        "_links": {key: {"href": href} for key, href in links.items()},
        "author_association": association(repo, doc["user"]),
        "auto_merge": None,
        "draft": pull["draft"],
    }


def pull(world: World, repo: Doc, doc: Doc) -> Json:
    """One pull request, with its size and whether it can be merged."""
    bare, part = world.bare(repo), doc["pull"]
    changes = pull_changes(world, repo, doc)
    merged, mergeable = part["merged_at"] is not None, part["mergeable"]
    state = "clean" if mergeable else "dirty" if mergeable is False else "unknown"
    return pull_simple(world, repo, doc) | {
        "merged": merged,
        "mergeable": None if merged else mergeable,
        "rebaseable": None if merged else mergeable,
        "mergeable_state": "unknown" if merged else state,
        "merged_by": user(world, part["merged_by"]) if part["merged_by"] else None,
        "comments": len(issues.comments(world, repo, doc["number"])),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": bare.count(f"{part['base_sha']}..{part['head_sha']}"),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
    }


def pull_changes(world: World, repo: Doc, doc: Doc) -> list[Change]:
    """Against the merge base, as GitHub shows it."""
    bare, part = world.bare(repo), doc["pull"]
    base = bare.merge_base(part["base_sha"], part["head_sha"]) or part["base_sha"]
    return bare.changes(base, part["head_sha"])


def change(world: World, repo: Doc, sha: str, doc: Change) -> Json:
    api, html, path = repo_api(world, repo), repo_html(world, repo), quote(doc.path)
    found: Json = {
        "sha": doc.blob,
        "filename": doc.path,
        "status": doc.status,
        "additions": doc.additions,
        "deletions": doc.deletions,
        "changes": doc.additions + doc.deletions,
        "blob_url": f"{html}/blob/{sha}/{path}",
        "raw_url": f"{html}/raw/{sha}/{path}",
        "contents_url": f"{api}/contents/{path}?ref={sha}",
    }
    if doc.patch:
        found["patch"] = doc.patch
    if doc.previous:
        found["previous_filename"] = doc.previous
    return found


def review(world: World, repo: Doc, doc: Doc) -> Json:
    api, html = repo_api(world, repo), repo_html(world, repo)
    page, parent = f"{html}/pull/{doc['number']}", f"{api}/pulls/{doc['number']}"
    link = f"{page}#pullrequestreview-{doc['id']}"
    return {
        "id": doc["id"],
        "node_id": node_id("PullRequestReview", doc["id"]),
        "user": user(world, doc["user"]),
        "body": doc["body"],
        "state": doc["state"],
        "html_url": link,
        "pull_request_url": parent,
        "_links": {"html": {"href": link}, "pull_request": {"href": parent}},
        "submitted_at": iso(doc["created_at"]),
        "commit_id": doc["commit"],
        "author_association": association(repo, doc["user"]),
    }
