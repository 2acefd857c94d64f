"""What `modelrail doctor` finds in the workflows that call modelrail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from modelrail.core.doctor import sealed as checkup_sealed
from modelrail.core.doctor.callers import Caller, Workflow
from modelrail.core.doctor.finding import Finding, Result

PURPOSES: dict[str, tuple[Result, str]] = {
    "pull-request": ("fail", "no workflow evaluates pull requests"),
    "report": ("warn", "pull requests of forks and of Dependabot get no comment"),
    "release": ("warn", "nothing is registered after a merge"),
    "promote": ("warn", "no workflow promotes a version; the command line still does"),
    "rollback": ("warn", "no workflow puts an earlier version back; the command line still does"),
}
INSTEAD = {"report": "sealed"}  # it posts the report itself
_LEVELS = {"none": 0, "read": 1, "write": 2}


def findings(
    workflows: Sequence[Workflow],
    shipped: Mapping[str, Caller],
    version: str,
    on_default: frozenset[str] | None,
    default_branch: str,
    sealed: Sequence[str] = (),
) -> Iterator[Finding]:
    """`sealed`: the models whose test set is sealed."""

    def found(check: str, result: Result, what: str, hint: str = "") -> Finding:
        return Finding(area="workflows", check=check, result=result, what=what, next=hint)

    callers = [caller for workflow in workflows for caller in workflow.callers]
    for purpose, (result, what) in PURPOSES.items():
        if not any(caller.purpose in {purpose, INSTEAD.get(purpose)} for caller in callers):
            yield found(
                "caller-present",
                result,
                f"There is no caller of `{purpose}`: {what}.",
                f"`modelrail init` writes it, or copy workflows/{purpose}.yml to .github/workflows/.",
            )
    if not callers:
        return
    yield from checkup_sealed.workflows(callers, sealed)
    yield from _versions(callers, version)
    for caller in callers:
        yield from _permissions(caller, shipped.get(caller.purpose))
    yield from _on_default(callers, on_default, default_branch)
    yield from _followed(workflows)
    for workflow in workflows:
        if workflow.callers and "pull_request_target" in workflow.triggers:
            yield found(
                "pull-request-target",
                "fail",
                f"{workflow.file} runs on pull_request_target: strangers' code with your secrets.",
                "Use `on: pull_request`; report.yml comments on pull requests of forks.",
            )
        if any(caller.inherits for caller in workflow.callers):
            yield found(
                "secrets-inherit",
                "warn",
                f"{workflow.file} hands over every secret (`secrets: inherit`).",
                "Name the one that is needed: `secrets: {dvc-remote: ${{ secrets.DVC_READ_ONLY }}}`.",
            )


def _versions(callers: Sequence[Caller], version: str) -> Iterator[Finding]:
    def found(result: Result, what: str, hint: str = "") -> Finding:
        return Finding(area="workflows", check="version", result=result, what=what, next=hint)

    refs = {caller.ref: caller for caller in callers}
    said = {ref: caller.said_version or ref for ref, caller in refs.items()}
    moving = sorted(ref for ref in refs if not re.fullmatch(r"v\d+\.\d+\.\d+|[0-9a-f]{40}", ref))
    if moving:
        yield found(
            "warn",
            f"modelrail is used at {', '.join(moving)}, which can change under you.",
            f"Write @v{version}, or better its commit with the version as a comment.",
        )
    if len(refs) > 1:
        files = ", ".join(f"{caller.file}: {said[ref]}" for ref, caller in sorted(refs.items()))
        yield found(
            "warn", f"The workflows use different versions of modelrail ({files}).", "Use one everywhere."
        )
    elif not moving:
        (only,) = said.values()
        same = only == f"v{version}" or not only.startswith("v")
        yield found(
            "ok" if same else "warn",
            f"The workflows use modelrail {only if only.startswith('v') else only[:10]}."
            + ("" if same else f" This is modelrail {version}: what is said here may differ there."),
            "" if same else f"Write @v{version} in .github/workflows, or run doctor of {only}.",
        )


def _permissions(caller: Caller, shipped: Caller | None) -> Iterator[Finding]:
    def found(result: Result, what: str, hint: str = "") -> Finding:
        return Finding(area="workflows", check="permissions", result=result, what=what, next=hint)

    if shipped is None or shipped.permissions is None:
        return
    block = ", ".join(f"{scope}: {level}" for scope, level in shipped.permissions.items())
    if caller.permissions is None:
        yield found(
            "warn",
            f"{caller.file}, job {caller.job}: no `permissions`, so the repository's default.",
            f"permissions: {{{block}}}",
        )
        return
    lacking = [
        f"{scope}: {level}"
        for scope, level in shipped.permissions.items()
        if _LEVELS[caller.permissions.get(scope, "none")] < _LEVELS[level]
    ]
    excess = [
        f"{scope}: {level}"
        for scope, level in caller.permissions.items()
        if _LEVELS[level] > _LEVELS[shipped.permissions.get(scope, "none")]
    ]
    if lacking:
        yield found(
            "fail",
            f"{caller.file}, job {caller.job} lacks {', '.join(lacking)}: GitHub will not start it.",
            f"permissions: {{{block}}}",
        )
    elif excess:
        yield found(
            "warn",
            f"{caller.file}, job {caller.job} grants more than is needed: {', '.join(excess)}.",
            f"permissions: {{{block}}}",
        )
    else:
        yield found("ok", f"{caller.file}, job {caller.job}: exactly the permissions it needs.")


def _on_default(
    callers: Sequence[Caller], on_default: frozenset[str] | None, default_branch: str
) -> Iterator[Finding]:
    if on_default is None:
        yield Finding(
            area="workflows",
            check="default-branch",
            result="skip",
            what=f"Whether the workflows stand on {default_branch} is not known: it was not fetched.",
            next=f"git fetch origin {default_branch}",
        )
        return
    away = sorted({caller.file for caller in callers if caller.file not in on_default})
    if away:
        yield Finding(
            area="workflows",
            check="default-branch",
            result="fail",
            what=f"Not on {default_branch}: {', '.join(away)}. GitHub starts them from nowhere else.",
            next=f"Merge them into {default_branch}.",
        )
    else:
        yield Finding(
            area="workflows",
            check="default-branch",
            result="ok",
            what=f"The workflows stand on {default_branch}.",
        )


def _followed(workflows: Sequence[Workflow]) -> Iterator[Finding]:
    """What reports on forks listens to the pull-request workflow by its `name:`."""
    names = {
        workflow.name
        for workflow in workflows
        if any(caller.purpose == "pull-request" for caller in workflow.callers)
    }
    for workflow in workflows:
        if not names or not any(caller.purpose in {"report", "sealed"} for caller in workflow.callers):
            continue
        missing = sorted(names - set(workflow.follows))
        listed = ", ".join(workflow.follows) or "none"
        yield Finding(
            area="workflows",
            check="workflow-run",
            result="fail" if missing else "ok",
            what=f"{workflow.file} waits for {listed}; pull requests are evaluated by {', '.join(missing)}."
            if missing
            else f"{workflow.file} follows {', '.join(sorted(names))}.",
            next=f"workflows: [{', '.join(sorted(names))}]" if missing else "",
        )
