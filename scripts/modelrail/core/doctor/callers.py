"""The user's workflows, as far as they call modelrail: for what, at which version, with which permissions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

OURS = "modelrail/modelrail"
_USES = re.compile(
    rf"^{OURS}(?:/(?:\.github/workflows/(?P<workflow>[\w-]+)\.ya?ml|actions/(?P<action>[\w-]+)))?"
    r"@(?P<ref>\S+)$"
)
_PURPOSE = {"evaluate": "pull-request", "release": "release", "promote": "promote", "rollback": "rollback"}
_SCOPES = (
    "actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues",
    "models", "packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One job that uses modelrail."""

    file: str
    job: str
    purpose: str  # "pull-request", "report", "release", "promote", "rollback", "sealed", or an action's name
    ref: str
    said_version: str  # of the comment behind a commit
    permissions: Mapping[str, str] | None  # None: neither the job nor the workflow says
    inherits: bool
    shown: str = ""  # the job as GitHub shows it, and names its checks by
    seals: bool = False  # `sealed: true`, or decided at run time
    environment: str = ""  # that it names
    sharded: bool = False  # `shards:` is more than one, or decided at run time


@dataclass(frozen=True, kw_only=True)
class Workflow:
    file: str
    name: str
    triggers: tuple[str, ...]
    follows: tuple[str, ...]  # workflow_run: by name
    callers: tuple[Caller, ...]


def read(file: str, text: str) -> Workflow | None:
    """One workflow; None when it is not one that can be read."""
    try:
        # Every scalar as text: no `on:` that turns into true.
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - builds texts alone
    except (yaml.YAMLError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    on = found.get("on")
    triggers = on if isinstance(on, dict) else dict.fromkeys(on if isinstance(on, list) else [on or ""])
    follows = _mapping(triggers.get("workflow_run")).get("workflows")
    names = [follows] if isinstance(follows, str) else follows if isinstance(follows, list) else []
    jobs = _mapping(found.get("jobs"))
    callers = [
        caller
        for name, job in jobs.items()
        if isinstance(job, dict)
        for caller in _callers(file, str(name), job, found, tuple(map(str, triggers)), text)
    ]
    return Workflow(
        file=file,
        name=str(found.get("name") or f".github/workflows/{file}"),
        triggers=tuple(str(trigger) for trigger in triggers),
        follows=tuple(str(name) for name in names),
        callers=tuple(callers),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _callers(
    file: str, name: str, job: dict[str, Any], workflow: dict[str, Any], triggers: tuple[str, ...], text: str
) -> list[Caller]:
    steps = job.get("steps")
    inner = [step.get("uses") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    found, given = {}, _mapping(job.get("with"))
    for use in filter(None, [job.get("uses"), *inner]):
        match = _USES.match(str(use))
        purpose = _purpose(match, triggers) if match else ""
        if match and purpose not in found:
            comment = re.search(rf"{re.escape(str(use))}['\"]?[ \t]*#[ \t]*(v\d+\.\d+\.\d+)", text)
            found[purpose] = Caller(
                file=file,
                job=name,
                purpose=purpose,
                ref=match["ref"],
                said_version=comment[1] if comment else "",
                permissions=permissions(job.get("permissions", workflow.get("permissions"))),
                inherits=job.get("secrets") == "inherit",
                shown=str(job.get("name") or name),
                sharded=str(given.get("shards", "1")).strip() not in {"", "0", "1"},
                seals=str(given.get("sealed", "")).strip() not in {"", "false"},
                environment=str(given.get("environment", "")).strip(),
            )
    return list(found.values())


def _purpose(match: re.Match[str], triggers: tuple[str, ...]) -> str:
    if match["workflow"]:
        return _PURPOSE.get(match["workflow"], match["workflow"])
    if match["action"]:
        return "report" if match["action"] == "report" and "workflow_run" in triggers else match["action"]
    return "pull-request"  # the one-step action


def permissions(value: Any) -> dict[str, str] | None:
    """What a `permissions:` grants, scope by scope; None when there is none."""
    if value is None:
        return None
    if isinstance(value, str):
        level = {"write-all": "write", "read-all": "read"}.get(value)
        return dict.fromkeys(_SCOPES, level) if level else {}
    levels = {"none", "read", "write"}
    return {str(key): str(level) for key, level in _mapping(value).items() if str(level) in levels}
