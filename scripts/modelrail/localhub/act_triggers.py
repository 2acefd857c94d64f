"""Which workflows of a commit an event starts: GitHub's filters, which act itself does not apply."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelrail.errors import UsageError, WorkflowRunError

EVENTS = ("pull_request", "push", "workflow_run", "workflow_dispatch")
_DEFAULT_TYPES = {
    "pull_request": ("opened", "synchronize", "reopened"),
    "workflow_run": ("requested", "in_progress", "completed"),
}
# What a scope-less `permissions` word grants, and what a token has when a workflow says nothing.
_SCOPES = ("actions", "checks", "contents", "deployments", "issues", "pull_requests", "statuses")
_LEVELS = {"none": 0, "read": 1, "write": 2}


@dataclass(frozen=True)
class Workflow:
    """One workflow file, read."""

    file: str  # its name within .github/workflows
    name: str
    triggers: Mapping[str, Any]
    jobs: Mapping[str, Any]
    text: str
    permissions: Any = None

    def uses(self) -> list[str]:
        """Every `uses:` of it, of jobs and of steps."""
        return uses_in(self.text)


def uses_in(text: str) -> list[str]:
    found = re.findall(r"^[\s-]*uses:\s*['\"]?([^\s'\"#]+)", text, re.MULTILINE)
    return list(dict.fromkeys(found))


def read(folder: Path) -> list[Workflow]:
    """The workflows of a checkout, by file name. Raises WorkflowRunError when one is not YAML."""
    return [
        parse(path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(".github/workflows/*"))
        if path.suffix in {".yml", ".yaml"}
    ]


def parse(file: str, text: str) -> Workflow:
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WorkflowRunError(f".github/workflows/{file} is not YAML.", why=str(error)) from None
    loaded = loaded if isinstance(loaded, dict) else {}
    raw = loaded.get("on", loaded.get(True))  # YAML 1.1 reads the bare word `on` as true
    if isinstance(raw, str):
        triggers: dict[str, Any] = {raw: None}
    elif isinstance(raw, list):
        triggers = dict.fromkeys(map(str, raw))
    else:
        triggers = raw if isinstance(raw, dict) else {}
    jobs = loaded.get("jobs")
    return Workflow(
        file=file,
        name=str(loaded.get("name") or f".github/workflows/{file}"),
        triggers=triggers,
        jobs=jobs if isinstance(jobs, dict) else {},
        text=text,
        permissions=loaded.get("permissions"),
    )


def listens(workflow: Workflow, event: str, payload: Mapping[str, Any], changed: Sequence[str] | None) -> str:
    """Why the event does not start the workflow; empty when it does. `changed` may be unknown."""
    if event not in workflow.triggers:
        return f"it does not listen to {event}"
    options = workflow.triggers[event]
    options = options if isinstance(options, dict) else {}
    if event in _DEFAULT_TYPES:
        types = options.get("types") or _DEFAULT_TYPES[event]
        types = [types] if isinstance(types, str) else list(types)
        if str(payload.get("action")) not in types:
            return f"it listens to the types {', '.join(types)}, not to {payload.get('action')}"
    if event == "workflow_run":
        run = payload["workflow_run"]
        wanted = options.get("workflows") or []
        if run["name"] not in ([wanted] if isinstance(wanted, str) else wanted):
            return f"it follows {wanted}, not {run['name']}"
        return _branches(options, str(run.get("head_branch") or ""))
    if event == "pull_request":
        refused = _branches(options, str(payload["pull_request"]["base"]["ref"]))
    elif event == "push":
        refused = _pushed(options, str(payload["ref"]))
    else:
        return ""
    return refused or _paths(options, changed)


def _pushed(options: Mapping[str, Any], ref: str) -> str:
    kind, name = (
        ("tags", ref.removeprefix("refs/tags/")) if ref.startswith("refs/tags/") else ("branches", "")
    )
    if kind == "branches":
        if ("tags" in options or "tags-ignore" in options) and not {"branches", "branches-ignore"} & set(
            options
        ):
            return "it listens to tags alone"
        return _branches(options, ref.removeprefix("refs/heads/"))
    if {"branches", "branches-ignore"} & set(options) and not {"tags", "tags-ignore"} & set(options):
        return "it listens to branches alone"
    return _named(options, "tags", name)


def _branches(options: Mapping[str, Any], name: str) -> str:
    return _named(options, "branches", name)


def _named(options: Mapping[str, Any], key: str, name: str) -> str:
    if key in options and not matches(options[key] or [], name):
        return f"its {key} do not match {name}"
    ignored = options.get(f"{key}-ignore")
    if ignored and matches(ignored, name):
        return f"its {key}-ignore match {name}"
    return ""


def _paths(options: Mapping[str, Any], changed: Sequence[str] | None) -> str:
    if changed is None:
        return ""
    if options.get("paths") and not any(matches(options["paths"], path) for path in changed):
        return "none of the changed files is among its paths"
    ignored = options.get("paths-ignore")
    if ignored and changed and all(matches(ignored, path) for path in changed):
        return "every changed file is among its paths-ignore"
    return ""


def matches(patterns: Sequence[str] | str, name: str) -> bool:
    """GitHub's filter patterns: the last one that matches decides, `!` excludes."""
    result = False
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        excluded = str(pattern).startswith("!")
        if _pattern(str(pattern).removeprefix("!")).fullmatch(name):
            result = not excluded
    return result


def _pattern(text: str) -> re.Pattern[str]:
    out, place = "", 0
    while place < len(text):
        rest = text[place:]
        if rest.startswith("**/"):
            out, place = out + "(?:.*/)?", place + 3
        elif rest.startswith("**"):
            out, place = out + ".*", place + 2
        elif rest[0] == "*":
            out, place = out + "[^/]*", place + 1
        elif rest[0] in "?+" and out:
            out, place = out + rest[0], place + 1
        elif rest[0] == "[" and "]" in rest:
            end = rest.index("]") + 1
            out, place = out + rest[:end], place + end
        else:
            if rest[0] == "\\" and len(rest) > 1:
                rest, place = rest[1:], place + 1
            out, place = out + re.escape(rest[0]), place + 1
    try:
        return re.compile(out)
    except re.error as error:
        raise WorkflowRunError(f"The filter pattern {text!r} cannot be read.", why=str(error)) from None


def dispatch_inputs(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    """The inputs of a dispatch, defaults filled in. Raises UsageError for those that cannot be."""
    declared = workflow.triggers.get("workflow_dispatch")
    fields = (declared or {}).get("inputs") or {}
    unknown = sorted(set(given) - set(fields))
    if unknown:
        raise UsageError(
            f"{workflow.file} has no input {unknown[0]!r}.", next=f"It has: {', '.join(fields) or 'none'}."
        )
    values = {}
    for name, field in fields.items():
        field = field or {}  # noqa: PLW2901 - `name:` with nothing after it
        default = field.get("default")
        text = str(default).lower() if isinstance(default, bool) else str("" if default is None else default)
        value = given.get(name) or text
        if field.get("required") and not value:
            raise UsageError(f"{workflow.file} needs the input {name!r}.", next=f"Add --input {name}=VALUE.")
        if field.get("type") == "choice" and value not in map(str, field.get("options") or []):
            raise UsageError(
                f"{value!r} is not a choice of {name!r}.", next=f"It has: {field.get('options')}."
            )
        values[name] = value
    return values


def token_permissions(workflow: Workflow, *, read_only: bool) -> dict[str, str]:
    """What the token of a run needs: the most that any of its jobs asks for (act has one token a run)."""
    total = dict.fromkeys(_SCOPES, 0)
    for job in workflow.jobs.values():
        said = job.get("permissions", workflow.permissions) if isinstance(job, dict) else workflow.permissions
        for scope, level in _granted(said).items():
            if scope in total:
                total[scope] = max(total[scope], level)
    words = {level: word for word, level in _LEVELS.items()}
    return {scope: words[min(level, 1) if read_only else level] for scope, level in total.items() if level}


def _granted(said: Any) -> dict[str, int]:
    if said is None:
        return {"contents": 1, "packages": 1}  # the restricted default of new repositories
    if isinstance(said, str):
        return dict.fromkeys(_SCOPES, 2 if said == "write-all" else 1 if said == "read-all" else 0)
    return {str(scope).replace("-", "_"): _LEVELS.get(str(level), 0) for scope, level in said.items()}
