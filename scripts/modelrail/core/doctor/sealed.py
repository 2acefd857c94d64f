"""What `modelrail doctor` finds where a test set is sealed: who scores on it, and who else could read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelrail.core.doctor.callers import Caller
from modelrail.core.doctor.finding import Area, Finding, Result

ENVIRONMENT = "modelrail-sealed"  # of sealed.yml, unless it names another


def _found(area: Area, check: str, result: Result, what: str, hint: str = "") -> Finding:
    return Finding(area=area, check=check, result=result, what=what, next=hint)


def workflows(callers: Sequence[Caller], models: Sequence[str]) -> Iterator[Finding]:
    """`models`: those whose test set is sealed."""
    if not models:
        return
    names = ", ".join(models)
    if not any(caller.purpose == "sealed" for caller in callers):
        yield _found(
            "workflows",
            "sealed-caller",
            "fail",
            f"There is no caller of `sealed`: no pull request's {names} is scored.",
            "Copy workflows/sealed.yml to .github/workflows/; see docs/sealed.md.",
        )
    for caller in callers:
        if caller.purpose == "report":
            yield _found(
                "workflows",
                "sealed-report",
                "fail",
                f"{caller.file} posts what the other run says of {names}, beside the sealed scores.",
                f"Delete {caller.file}: sealed.yml posts the report.",
            )
        if caller.purpose == "release" and not caller.seals:
            yield _found(
                "workflows",
                "sealed-release",
                "fail",
                f"{caller.file}, job {caller.job} does not score on the sealed test set of {names}:"
                " nothing can be registered.",
                "with: {sealed: true}, and DVC_SEALED under `secrets:`.",
            )


def environments(known: Mapping[str, Mapping[str, Any]], callers: Sequence[Caller]) -> Iterator[Finding]:
    """The environment that keeps the credentials from workflows of other branches."""
    wanted = {caller.environment or ENVIRONMENT for caller in callers if caller.purpose == "sealed"}
    for name in sorted(wanted):
        page = f"Settings → Environments → {name}"
        one = known.get(name)
        if one is None:
            yield _found(
                "github",
                "sealed-environment",
                "fail",
                f"There is no environment {name}: GitHub makes one that any branch may use.",
                f"{page}: the default branch alone, and the secret DVC_SEALED",
            )
        elif not one.get("deployment_branch_policy"):
            yield _found(
                "github",
                "sealed-environment",
                "fail",
                f"The environment {name} takes workflows of any branch: whoever pushes reads sealed data.",
                f"{page} → Deployment branches and tags → the default branch alone",
            )
        else:
            yield _found(
                "github", "sealed-environment", "ok", f"The environment {name} takes chosen branches alone."
            )
