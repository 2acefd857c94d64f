"""What `modelrail doctor` finds in a repository's settings on GitHub. Facts in, findings out.

Each answer of GitHub may be missing (the token may not ask, or the feature is not there): a `skip` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelrail.core.doctor import rulesets as checkup_rules
from modelrail.core.doctor import sealed as checkup_sealed
from modelrail.core.doctor.callers import OURS, Caller
from modelrail.core.doctor.finding import Finding, Result
from modelrail.core.doctor.rulesets import glob

Json = Mapping[str, Any]
ACTIONS_PAGE = "Settings → Actions → General"


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """In place of an answer that could not be had."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Remote:
    """GitHub's answers, as its API gives them."""

    repository: Json
    kind: str  # of the token: "workflow", "classic", "fine-grained", "app", "other"
    scopes: tuple[str, ...] = ()  # of a classic token
    actions: Json | Unseen = field(default_factory=lambda: Unseen(why="not asked"))
    selected: Json | Unseen | None = None  # which actions are allowed, where not all are
    workflow: Json | Unseen = field(default_factory=lambda: Unseen(why="not asked"))
    forks: Json | Unseen | None = None  # of a private repository
    approval: Json | Unseen | None = None  # of a public one
    rulesets: Sequence[Json] | Unseen = ()  # in full
    environments: Sequence[Json] | Unseen = ()
    immutable: Json | Unseen | None = None  # None: the server does not know it


def remote(
    facts: Remote,
    models: Sequence[str],
    manual: Sequence[str],
    callers: Sequence[Caller],
    third_parties: Sequence[str],
) -> list[Finding]:
    """`manual`: stages that a person fills; `third_parties`: the actions that our workflows use."""
    return [
        *_token(facts),
        *_actions(facts, callers, third_parties),
        *_workflow(facts),
        *_forks(facts),
        *_rulesets(facts, models, callers),
        *_environments(facts, manual, callers),
        *_releases(facts),
    ]


def _found(check: str, result: Result, what: str, hint: str = "") -> Finding:
    return Finding(area="github", check=check, result=result, what=what, next=hint)


def _unseen(check: str, what: str, answer: Unseen) -> Finding:
    return _found(check, "skip", f"{what} could not be seen: {answer.why}")


# --- the token ----------------------------------------------------------------------------------------------

_KINDS = {
    "workflow": "the token of a workflow run or of an app",
    "classic": "a classic personal token",
    "fine-grained": "a fine-grained personal token",
    "other": "a token of unknown kind",
}


def _token(facts: Remote) -> Iterator[Finding]:
    name = str(facts.repository.get("full_name"))
    yield _found("token", "ok", f"{name} was read with {_KINDS.get(facts.kind, facts.kind)}.")
    if facts.kind == "classic":
        wide = sorted({"admin:org", "delete_repo", "admin:enterprise", "site_admin"} & set(facts.scopes))
        yield _found(
            "token-scope",
            "warn",
            "A classic token reaches every repository of its owner"
            + (f", and carries {', '.join(wide)}." if wide else "."),
            "Use a fine-grained token of this repository: contents, pull requests, administration (read).",
        )
    if facts.repository.get("archived"):
        yield _found("archived", "fail", f"{name} is archived: nothing can be written.", "Unarchive it.")


# --- Actions ------------------------------------------------------------------------------------------------


def _actions(facts: Remote, callers: Sequence[Caller], third_parties: Sequence[str]) -> Iterator[Finding]:
    policy = facts.actions
    if isinstance(policy, Unseen):
        yield _unseen("actions", "Which actions may run", policy)
        return
    if not policy.get("enabled"):
        yield _found("actions", "fail", "Actions are switched off.", f"{ACTIONS_PAGE} → Actions permissions")
        return
    used = sorted({f"{OURS}@{caller.ref}" for caller in callers}) or [f"{OURS}@v0"]
    wanted = [*used, *third_parties]
    allowed = policy.get("allowed_actions", "all")
    if allowed == "all":
        yield _found("actions", "ok", "Every action may run.")
    elif allowed == "local_only":
        yield from _refused(wanted)
    elif isinstance(facts.selected, Unseen):
        yield _unseen("actions", "The list of allowed actions", facts.selected)
    else:
        yield from _refused([use for use in wanted if not _allows(facts.selected or {}, use)])
    tags = sorted({caller.file for caller in callers if not re.fullmatch("[0-9a-f]{40}", caller.ref)})
    if policy.get("sha_pinning_required") and tags:
        yield _found(
            "pinning",
            "fail",
            f"Actions must be pinned by commit here; {', '.join(tags)} name a version.",
            f"Write uses: {OURS}/…@COMMIT # VERSION",
        )


def _refused(refused: Sequence[str]) -> Iterator[Finding]:
    if not refused:
        yield _found("actions", "ok", "The actions that modelrail uses are allowed.")
        return
    patterns = sorted({"/".join(use.split("@")[0].split("/")[:2]) + "/*" for use in refused})
    yield _found(
        "actions",
        "fail",
        f"Actions that modelrail uses are not allowed: {', '.join(sorted(refused))}.",
        f"{ACTIONS_PAGE} → Allow … select … actions: add {', '.join(patterns)}"
        + (
            ", or allow actions created by GitHub"
            if any(one.startswith("actions/") for one in patterns)
            else ""
        ),
    )


def _allows(selected: Json, use: str) -> bool:
    path, _, ref = use.partition("@")
    owner = path.split("/")[0]
    if owner in {"actions", "github"} and selected.get("github_owned_allowed"):
        return True
    for pattern in selected.get("patterns_allowed") or ():
        # `owner/name` stands for its subfolders too; a call of a reusable workflow is one of those.
        name, _, at = str(pattern).partition("@")
        fits = any(
            glob(tried, wanted, slash=True)
            for tried, wanted in ((path, name), (path, f"{name}/*"), (f"{path}/x", name))
        )
        if fits and (not at or glob(ref, at, slash=True)):
            return True
    return False


def _workflow(facts: Remote) -> Iterator[Finding]:
    policy = facts.workflow
    if isinstance(policy, Unseen):
        yield _unseen("default-permissions", "What a workflow's token may by default", policy)
        return
    if policy.get("default_workflow_permissions") == "write":
        yield _found(
            "default-permissions",
            "warn",
            "A workflow that says nothing gets a token that writes.",
            f"{ACTIONS_PAGE} → Workflow permissions → Read repository contents and packages permissions",
        )
    else:
        yield _found(
            "default-permissions", "ok", "A workflow that says nothing gets a token that only reads."
        )
    if policy.get("can_approve_pull_request_reviews"):
        yield _found(
            "approvals",
            "warn",
            "Workflows may approve pull requests, and so replace a reviewer.",
            f"{ACTIONS_PAGE} → Workflow permissions → untick … approve pull requests",
        )


def _forks(facts: Remote) -> Iterator[Finding]:
    """What runs of forks are given: nothing in public repositories; private ones may be set otherwise."""
    policy = facts.forks
    if isinstance(policy, Unseen):
        yield _unseen("forks", "What runs of forks get", policy)
    elif policy is not None:
        given = [
            words
            for key, words in (
                ("send_write_tokens_to_workflows", "tokens that write"),
                ("send_secrets_and_variables", "secrets"),
            )
            if policy.get(key)
        ]
        page = f"{ACTIONS_PAGE} → Fork pull request workflows"
        if given:
            what = f"Pull requests of forks get {' and '.join(given)}: their code could do anything."
            yield _found("forks", "fail", what, f"{page}: untick what sends them")
        else:
            yield _found("forks", "ok", "Pull requests of forks get no secrets and no token that writes.")
    approval = facts.approval
    if isinstance(approval, Unseen):
        yield _unseen("approval", "Whose pull requests wait for approval", approval)
    elif approval is not None:
        newcomers = approval.get("approval_policy") == "first_time_contributors_new_to_github"
        yield _found(
            "approval",
            "warn" if newcomers else "ok",
            "Runs of strangers wait for approval only when their account is new to GitHub."
            if newcomers
            else "Runs of strangers wait for a maintainer's approval.",
            f"{ACTIONS_PAGE} → Approval for running fork pull request workflows → first-time contributors"
            if newcomers
            else "",
        )


# --- rulesets, environments, releases -----------------------------------------------------------------


def _rulesets(facts: Remote, models: Sequence[str], callers: Sequence[Caller]) -> Iterator[Finding]:
    if isinstance(facts.rulesets, Unseen):
        yield _unseen("rulesets", "Rulesets", facts.rulesets)
    else:
        branch = str(facts.repository.get("default_branch", "main"))
        yield from checkup_rules.findings(facts.rulesets, models, branch)
        yield checkup_rules.required(facts.rulesets, callers, branch)


def _environments(facts: Remote, manual: Sequence[str], callers: Sequence[Caller]) -> Iterator[Finding]:
    if isinstance(facts.environments, Unseen):
        yield _unseen("environments", "Environments", facts.environments)
        return
    known = {str(one.get("name")): one for one in facts.environments}
    yield from checkup_sealed.environments(known, callers)
    for stage in manual:
        page = f"Settings → Environments → {stage}"
        one = known.get(stage)
        kinds = {str(rule.get("type")) for rule in (one or {}).get("protection_rules") or ()}
        if one is None or "required_reviewers" not in kinds:
            what = "There is no environment" if one is None else "Nobody has to approve in the environment"
            yield _found(
                "environment",
                "warn",
                f"{what} {stage}: whoever may start the workflow fills the stage.",
                f"{page} → Required reviewers (private repositories need a plan that has them)",
            )
        else:
            yield _found("environment", "ok", f"The environment {stage} asks for a reviewer.")
        if one is not None and not one.get("deployment_branch_policy"):
            yield _found(
                "environment-branches",
                "warn",
                f"The environment {stage} takes workflows of any branch, with the gates of that branch.",
                f"{page} → Deployment branches and tags → the default branch alone",
            )


def _releases(facts: Remote) -> Iterator[Finding]:
    answer = facts.immutable
    if isinstance(answer, Unseen):
        yield _unseen("immutable-releases", "Whether releases are immutable", answer)
    elif answer is not None:
        good = bool(answer.get("enabled"))
        yield _found(
            "immutable-releases",
            "ok" if good else "warn",
            "Releases are immutable." if good else "The files of a published release can be exchanged.",
            "" if good else "Settings → General → Releases → Enable release immutability",
        )
