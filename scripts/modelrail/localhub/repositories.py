"""Repositories: create, fork, rules over refs, and what follows a push."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelrail.localhub import pulls, receive_hook
from modelrail.localhub.answers import ApiError, validation
from modelrail.localhub.bare import ZERO, Bare, Refused
from modelrail.localhub.store import Doc
from modelrail.localhub.world import Identity, World

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\Z")
_LABELS = (("bug", "d73a4a"), ("documentation", "0075ca"), ("enhancement", "a2eeef"), ("question", "d876e3"))
SETTINGS = frozenset(
    {"guard_workflows", "immutable_releases", "private", "description", "default_branch", "actions_policy"}
)
# Enforced on a push are the first four; the others are known so that they can be looked at.
RULES = frozenset(
    {"creation", "update", "deletion", "non_fast_forward", "pull_request", "required_signatures"}
)


@dataclass(frozen=True)
class RefChange:
    ref: str
    old: str  # ZERO: created
    new: str  # ZERO: deleted


def create(
    world: World,
    owner: str,
    name: str,
    *,
    description: str = "",
    default_branch: str = "main",
    private: bool = False,
    fork_of: Doc | None = None,
) -> Doc:
    if not _OWNER.match(owner) or not _NAME.match(name) or name in {".", ".."} or name.endswith(".git"):
        raise validation("Repository", "custom", "name", "name is not a valid repository name")
    with world.store.writing():
        if world.store.get("repository", "", f"{owner}/{name}".lower()):
            raise validation("Repository", "custom", "name", "name already exists on this account")
        world.user(owner)
        repo = world.store.add(
            "repository",
            "",
            {
                "owner": owner,
                "name": name,
                "full_name": f"{owner}/{name}",
                "description": description,
                "default_branch": fork_of["default_branch"] if fork_of else default_branch,
                "private": private,
                "fork_of": fork_of["full_name"] if fork_of else None,
                "collaborators": [],
                "created_at": world.now(),
                "pushed_at": world.now(),
                "guard_workflows": False,
                "immutable_releases": False,
                "latest_release": None,
            },
            name=f"{owner}/{name}".lower(),
        )
        bare = Bare.create(world.bare(repo).path, repo["default_branch"])
        for label, color in _LABELS:
            world.store.add(
                "label",
                repo["full_name"],
                {"name": label, "color": color, "description": "", "default": True},
                label,
            )
    if fork_of:
        bare.fetch(world.bare(fork_of), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    return repo


def configure(world: World, repo: Doc, **settings: Any) -> Doc:
    unknown = sorted(set(settings) - SETTINGS)
    if unknown:
        raise ValueError(f"a repository has no setting {unknown[0]!r}; it has {', '.join(sorted(SETTINGS))}")
    return world.store.save(repo | settings)


# --- rules over refs --------------------------------------------------------------------------------


def add_ruleset(
    world: World,
    repo: Doc,
    *,
    name: str,
    target: str,
    include: Sequence[str],
    rules: Sequence[str],
    exclude: Sequence[str] = (),
    bypass: Sequence[str] = (),
    checks: Sequence[str] = (),
) -> Doc:
    """`include` holds ref patterns, or ~ALL, ~DEFAULT_BRANCH; `bypass` the logins that it does not bind.

    `checks`: what a merge waits for; shown, and not enforced by this stand-in's merge.
    """
    if target not in {"branch", "tag"} or not set(rules) <= RULES:
        raise ValueError(f"a ruleset is over 'branch' or 'tag', with rules among {', '.join(sorted(RULES))}")
    return world.store.add(
        "ruleset",
        repo["full_name"],
        {
            "name": name, "target": target, "include": list(include), "exclude": list(exclude),
            "rules": list(rules), "bypass": list(bypass), "checks": list(checks),
            "enforcement": "active", "created_at": world.now(),
        },
    )  # fmt: skip


def applies(ruleset: Doc, repo: Doc, ref: str) -> bool:
    return receive_hook.applies(ruleset, repo["default_branch"], ref)


WORDS = {
    "creation": "Cannot create ref due to creations being restricted.",
    "update": "Cannot update this protected ref.",
    "deletion": "Cannot delete this protected ref.",
    "non_fast_forward": "Cannot force-push to this protected ref.",
}


def push_policy(world: World, repo: Doc, who: Identity) -> dict[str, Any]:
    """What receive_hook.py needs to know about this pusher."""
    trusted = not who.is_bot or (who.permissions or {}).get("workflows") == "write"
    return {
        "default_branch": repo["default_branch"],
        "rulesets": [
            ruleset
            for ruleset in world.store.all("ruleset", repo["full_name"])
            if who.login not in ruleset["bypass"]
        ],
        "words": WORDS,
        "guard_workflows": bool(repo["guard_workflows"] and not trusted),
    }


def check_ref_change(world: World, repo: Doc, who: Identity, change: RefChange) -> None:
    """For the REST routes that write refs: raises the 422 or 403 that GitHub gives."""
    bare = world.bare(repo)

    def git(*arguments: str) -> str | None:
        done = bare.attempt(*arguments)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    broken = receive_hook.refusals(push_policy(world, repo, who), change.old, change.new, change.ref, git)
    if any("without `workflows` permission" in text for text in broken):
        raise ApiError(
            403,
            "Resource not accessible by integration",
            headers={"x-accepted-github-permissions": "contents=write; contents=write,workflows=write"},
        )
    if broken:
        raise ApiError(
            422,
            "Repository rule violations found\n\n" + "\n".join(text.partition("\n")[2] for text in broken),
        )


def write_ref(world: World, repo: Doc, who: Identity, change: RefChange) -> None:
    """Check, change and follow up one ref. Raises ApiError; a lost race is a 422 too."""
    check_ref_change(world, repo, who, change)
    bare = world.bare(repo)
    try:
        if change.new == ZERO:
            bare.delete(change.ref)
        else:
            bare.update(change.ref, change.new, change.old)
    except Refused as error:
        text = "Reference already exists" if change.old == ZERO else f"Reference cannot be updated: {error}"
        raise ApiError(422, text) from None
    after_push(world, repo, who.login, [change])


# --- after a push -----------------------------------------------------------------------------------


def after_push(world: World, repo: Doc, login: str, changes: Sequence[RefChange]) -> None:
    """Remember the push, and let pull requests follow their branches."""
    if not changes:
        return
    with world.store.writing():
        for change in changes:
            world.store.add(
                "push",
                repo["full_name"],
                {
                    "ref": change.ref,
                    "before": change.old,
                    "after": change.new,
                    "user": login,
                    "time": world.now(),
                },
            )
        current = world.repository(repo["owner"], repo["name"])
        world.store.save(current | {"pushed_at": world.now()})
    if any(change.ref.startswith("refs/heads/") for change in changes):
        pulls.follow(world, repo)
