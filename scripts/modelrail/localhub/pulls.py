"""Pull requests over real branches: heads that follow, `refs/pull/N/{head,merge}`, merges as commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelrail.localhub import issues
from modelrail.localhub.answers import ApiError, not_found, validation
from modelrail.localhub.bare import Refused
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World


def open_pull(
    world: World,
    repo: Doc,
    *,
    head: str,
    base: str,
    title: str,
    body: str | None,
    user: str,
    labels: Sequence[str] = (),
    draft: bool = False,
) -> Doc:
    """`head` is a branch of this repository, or `owner:branch` of a fork."""
    owner, _, branch = head.rpartition(":")
    source = repo if owner in {"", repo["owner"]} else _fork(world, repo, owner)
    bare = world.bare(repo)
    target = bare.ref(f"refs/heads/{base}")
    if target is None:
        raise validation("PullRequest", "invalid", "base")
    tip = world.bare(source).ref(f"refs/heads/{branch}")
    if tip is None:
        raise validation("PullRequest", "invalid", "head")
    same = [
        found
        for found in all_pulls(world, repo)
        if found["state"] == "open" and _is_from(found, source, branch, base)
    ]
    if same:
        text = f"A pull request already exists for {source['owner']}:{branch}."
        raise validation("PullRequest", "custom", message=text)
    if source is repo and bare.is_ancestor(tip.sha, target.sha):
        raise validation("PullRequest", "custom", message=f"No commits between {base} and {branch}")
    found = issues.create(world, repo, title=title, body=body, user=user, labels=labels)
    found["pull"] = {
        "head_repository": source["full_name"],
        "head": branch,
        "head_sha": tip.sha,
        "base": base,
        "base_sha": target.sha,
        "draft": draft,
        "merged_at": None,
        "merged_by": None,
        "merge_commit_sha": None,
        "mergeable": None,
    }
    world.store.save(found)
    return refresh(world, repo, found, force=True)


def _fork(world: World, repo: Doc, owner: str) -> Doc:
    for candidate in world.repositories():
        if candidate["owner"].lower() == owner.lower() and candidate["fork_of"] == repo["full_name"]:
            return candidate
    raise validation("PullRequest", "invalid", "head")


def _is_from(found: Doc, source: Doc, branch: str, base: str) -> bool:
    pull = found["pull"]
    return bool(
        pull["head_repository"] == source["full_name"] and pull["head"] == branch and pull["base"] == base
    )


def all_pulls(world: World, repo: Doc) -> list[Doc]:
    return world.store.all("issue", repo["full_name"], lambda doc: bool(doc["pull"]))


def get(world: World, repo: Doc, number: int) -> Doc:
    found = issues.get(world, repo, number)
    if not found["pull"]:
        raise not_found()
    return refresh(world, repo, found) if found["state"] == "open" else found


def follow(world: World, repo: Doc) -> None:
    """After a push to `repo`: every open pull request from or into it sees its branches again."""
    bases = [repo]
    if repo["fork_of"]:
        owner, name = repo["fork_of"].split("/")
        bases.append(world.repository(owner, name))
    for base in bases:
        for found in all_pulls(world, base):
            if found["state"] == "open":
                refresh(world, base, found)


def refresh(world: World, repo: Doc, found: Doc, *, force: bool = False) -> Doc:
    """Head, base, test merge and state as the branches say now."""
    pull = found["pull"]
    owner, name = pull["head_repository"].split("/")
    bare, source = world.bare(repo), world.bare(world.repository(owner, name))
    tip, target = source.ref(f"refs/heads/{pull['head']}"), bare.ref(f"refs/heads/{pull['base']}")
    if target is None:
        return found
    head = tip.sha if tip else pull["head_sha"]  # a deleted branch leaves the pull request as it was
    if not force and head == pull["head_sha"] and target.sha == pull["base_sha"]:
        return found
    with world.store.writing():
        number = found["number"]
        if source.path != bare.path:
            bare.fetch(source, f"+{head}:refs/pull/{number}/head")
        else:
            bare.update(f"refs/pull/{number}/head", head)
        if bare.is_ancestor(head, target.sha):
            return _merged(world, found, target.sha, user=repo["owner"])
        tree = bare.merge_tree(target.sha, head)
        pull |= {"head_sha": head, "base_sha": target.sha, "mergeable": tree is not None}
        if tree is None:
            pull["merge_commit_sha"] = None
        else:
            ours = world.person("GitHub")
            text = f"Merge {head} into {target.sha}"
            pull["merge_commit_sha"] = bare.make_commit(tree, (target.sha, head), text, ours, ours)
            bare.update(f"refs/pull/{number}/merge", pull["merge_commit_sha"])
        found["updated_at"] = world.now()
        return world.store.save(found)


def _merged(world: World, found: Doc, commit: str, user: str) -> Doc:
    now = world.now()
    found |= {"state": "closed", "closed_at": now, "updated_at": now}
    found["pull"] |= {"merged_at": now, "merged_by": user, "merge_commit_sha": commit}
    return world.store.save(found)


def merge(
    world: World,
    repo: Doc,
    number: int,
    *,
    user: str,
    method: str = "merge",
    title: str | None = None,
    message: str | None = None,
    sha: str | None = None,
) -> str:
    """A merge or squash commit on the base branch; returns its id. Raises 405 or 409 as GitHub does."""
    if method not in {"merge", "squash"}:
        raise ApiError(405, "Rebase merges are not allowed on this repository.")
    with world.store.writing():
        found = get(world, repo, number)
        pull = found["pull"]
        if found["state"] != "open" or not pull["mergeable"] or pull["draft"]:
            raise ApiError(405, "Pull Request is not mergeable")
        if sha and sha != pull["head_sha"]:
            raise ApiError(409, "Head branch was modified. Review and try the merge again.")
        bare = world.bare(repo)
        tree = bare.merge_tree(pull["base_sha"], pull["head_sha"])
        if tree is None:
            raise ApiError(405, "Pull Request is not mergeable")
        source = f"{pull['head_repository'].split('/')[0]}/{pull['head']}"
        if method == "merge":
            subject, rest = f"Merge pull request #{number} from {source}", found["title"]
            parents: tuple[str, ...] = (pull["base_sha"], pull["head_sha"])
        else:
            subject, rest = f"{found['title']} (#{number})", found["body"] or ""
            parents = (pull["base_sha"],)
        text = f"{title or subject}\n\n{rest if message is None else message}".rstrip() + "\n"
        commit = bare.make_commit(tree, parents, text, world.person(user), world.person("GitHub"))
        branch = f"refs/heads/{pull['base']}"
        try:
            bare.update(branch, commit, pull["base_sha"])
        except Refused:
            raise ApiError(409, "Base branch was modified. Review and try the merge again.") from None
        _merged(world, found, commit, user)
        world.store.add(
            "push",
            repo["full_name"],
            {"ref": branch, "before": pull["base_sha"], "after": commit, "user": user, "time": world.now()},
        )
    follow(world, repo)
    return commit


def of_commit(world: World, repo: Doc, sha: str) -> list[Doc]:
    """The pull requests that brought this commit, or hold it."""
    bare = world.bare(repo)

    def holds(pull: Doc) -> bool:
        if pull["merged_at"] and sha == pull["merge_commit_sha"]:
            return True
        return bare.is_ancestor(sha, pull["head_sha"]) and not bare.is_ancestor(sha, pull["base_sha"])

    return [found for found in all_pulls(world, repo) if holds(found["pull"])]


def select(
    world: World, repo: Doc, *, state: str, head: str, base: str, newest_first: bool = True
) -> list[Doc]:
    """The listing's filters; `head` is `owner:branch` (a bare branch name filters nothing, as on GitHub)."""
    owner, colon, branch = head.partition(":")

    def wanted(found: Doc) -> bool:
        pull: dict[str, Any] = found["pull"]
        return (
            (state == "all" or found["state"] == state)
            and (
                not colon
                or (pull["head_repository"].split("/")[0].lower(), pull["head"]) == (owner.lower(), branch)
            )
            and (not base or pull["base"] == base)
        )

    for found in all_pulls(world, repo):
        if found["state"] == "open":
            refresh(world, repo, found)
    chosen = [found for found in all_pulls(world, repo) if wanted(found)]
    return chosen[::-1] if newest_first else chosen
