"""Accounts and repositories."""

from __future__ import annotations

import base64
import urllib.parse
from typing import Any

from modelrail.localhub.store import Doc
from modelrail.localhub.world import World, iso

Json = dict[str, Any]
BOT_ID = 41_898_282  # github-actions[bot] has this number on github.com, and programs know it


def node_id(kind: str, identity: int) -> str:
    return base64.b64encode(f"{kind}:{identity}".encode()).decode().rstrip("=")


def quote(text: str) -> str:
    return urllib.parse.quote(text, safe="/")


def user(world: World, login: str) -> Json:
    doc = world.user(login)
    identity = BOT_ID if login == "github-actions[bot]" else doc["id"]
    api = f"{world.api_url}/users/{quote(login)}"
    return {
        "login": login,
        "id": identity,
        "node_id": node_id("User", identity),
        "avatar_url": f"{world.url}/_avatar/{quote(login)}.svg",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{world.url}/{quote(login)}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": doc["type"],
        "site_admin": False,
    }


def public_user(world: World, login: str) -> Json:
    """`GET /user`."""
    created = iso(world.user(login)["created_at"])
    return user(world, login) | {
        "name": login,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "public_repos": sum(repo["owner"] == login for repo in world.repositories()),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": created,
        "updated_at": created,
    }


_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def repo_api(world: World, repo: Doc) -> str:
    return f"{world.api_url}/repos/{repo['full_name']}"


def repo_html(world: World, repo: Doc) -> str:
    return f"{world.url}/{repo['full_name']}"


def minimal_repository(world: World, repo: Doc) -> Json:
    api, html = repo_api(world, repo), repo_html(world, repo)
    return {
        "id": repo["id"],
        "node_id": node_id("Repository", repo["id"]),
        "name": repo["name"],
        "full_name": repo["full_name"],
        "private": repo["private"],
        "owner": user(world, repo["owner"]),
        "html_url": html,
        "description": repo["description"] or None,
        "fork": bool(repo["fork_of"]),
        "url": api,
        **{key: api + path for key, path in _LINKS.items()},
    }


def repository(world: World, repo: Doc) -> Json:
    """As inside a pull request or an event."""
    html = repo_html(world, repo)
    count = len(world.store.all("issue", repo["full_name"], lambda doc: bool(doc["state"] == "open")))
    return minimal_repository(world, repo) | {
        "git_url": f"{world.url.replace('http:', 'git:')}/{repo['full_name']}.git",
        "ssh_url": f"ssh://git@{world.url.partition('//')[2]}/{repo['full_name']}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "forks": 0,
        "forks_count": 0,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "size": 0,
        "open_issues": count,
        "open_issues_count": count,
        "default_branch": repo["default_branch"],
        "has_downloads": True,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "license": None,
        "topics": [],
        "visibility": "private" if repo["private"] else "public",
        "is_template": False,
        "allow_forking": True,
        "created_at": iso(repo["created_at"]),
        "updated_at": iso(repo["pushed_at"]),
        "pushed_at": iso(repo["pushed_at"]),
    }


def full_repository(world: World, repo: Doc, *, push: bool = False) -> Json:
    """`GET /repos/{owner}/{repo}`."""
    found = repository(world, repo) | {
        "network_count": 0,
        "subscribers_count": 0,
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": False,
        "delete_branch_on_merge": False,
        "permissions": {"admin": push, "maintain": push, "push": push, "triage": push, "pull": True},
    }
    if repo["fork_of"]:
        owner, name = repo["fork_of"].split("/")
        found["parent"] = found["source"] = repository(world, world.repository(owner, name))
    return found
