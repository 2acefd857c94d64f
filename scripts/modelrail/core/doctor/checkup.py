"""What `modelrail doctor` finds in a repository: its configuration, its data, its workflows, its Git.

Facts in, findings out. `fail` is what does not work, or what would let a stranger in; `warn` what works but
should be better; `skip` what could not be seen, and why. Settings on GitHub: see github.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from modelrail.config import resolved as config
from modelrail.core.doctor import workflows as checkup_workflows
from modelrail.core.doctor.callers import Caller, Workflow
from modelrail.core.doctor.finding import Finding, Result
from modelrail.errors import ConfigFault

_PINNED = re.compile(r"^[A-Za-z0-9._-]+(?:\[[^]]*\])?\s*===?\s*[^\s*;]+(?=[\s;]|$)")
_OPTION = re.compile(r"^(?:--?[a-z]|#|$)")


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that the configuration names."""

    path: str
    tracked: Literal["git", "dvc", ""]


@dataclass(frozen=True, kw_only=True)
class Local:
    """What the working copy shows."""

    faults: tuple[ConfigFault, ...] = ()
    absent: bool = False  # there is no modelrail.yaml
    models: tuple[config.Model, ...] = ()
    requirements: Mapping[str, str | None] = None  # type: ignore[assignment]  # path -> text, None: not there
    data: tuple[File, ...] = ()
    dvc_remote: bool = False
    workflows: tuple[Workflow, ...] = ()
    on_default: frozenset[str] | None = (
        None  # files of `workflows` that the default branch has; None: unknown
    )
    default_branch: str = "main"
    git: tuple[int, ...] = ()
    oldest_git: tuple[int, ...] = ()
    shallow: bool = False
    remote: str = ""
    ignored: bool = True  # modelrail-out/


def local(facts: Local, shipped: Mapping[str, Caller], version: str) -> list[Finding]:
    """`shipped`: the callers of this version by their purpose, from which needs are read."""
    return [
        *_configuration(facts),
        *_environments(facts),
        *_data(facts),
        *checkup_workflows.findings(
            facts.workflows,
            shipped,
            version,
            facts.on_default,
            facts.default_branch,
            [model.name for model in facts.models if model.data.sealed is not None],
        ),
        *_git(facts),
    ]


# --- configuration and environments -----------------------------------------------------------------------


def _configuration(facts: Local) -> Iterator[Finding]:
    def found(result: Result, what: str, hint: str = "") -> Finding:
        return Finding(area="configuration", check="configuration", result=result, what=what, next=hint)

    if facts.absent:
        yield found("fail", f"There is no {config.FILE}.", "Run `modelrail init`.")
        return
    for fault in facts.faults:
        place = f"line {fault.line}, {fault.path}" if fault.line else fault.path
        yield found("fail", f"{config.FILE}, {place}: {fault.what}", fault.hint)
    if not facts.faults:
        names = ", ".join(model.name for model in facts.models)
        yield found("ok", f"{config.FILE} is valid: {names}.")
    for model in facts.models:
        last = model.stages[-1] if model.stages else None
        if last is not None and last.enter != "manual":
            yield Finding(
                area="configuration",
                check="manual-production",
                result="warn",
                what=f"{model.name} enters {last.name}, its last stage, without a person.",
                next=f"Set models.{model.name}.stages.{last.name}.enter: manual, if a person shall decide.",
            )


def _environments(facts: Local) -> Iterator[Finding]:
    def found(result: Result, what: str, hint: str = "") -> Finding:
        return Finding(area="configuration", check="pinned-environment", result=result, what=what, next=hint)

    without = [model.name for model in facts.models if model.env is None]
    if without:
        yield found(
            "warn",
            f"{', '.join(without)}: no `env`, so training runs in whatever Python the runner has.",
            "Name a requirements file under `env:`; only then can a version be made again.",
        )
    for path, text in sorted((facts.requirements or {}).items()):
        if text is None:
            yield found("fail", f"{path} does not exist.", "Write it, or change `env:`.")
            continue
        loose = unpinned(text)
        if loose:
            shown = ", ".join(loose[:5]) + (f" and {len(loose) - 5} more" if len(loose) > 5 else "")
            lock = path.replace(".txt", ".in") if path.endswith(".txt") else f"{path}.in"
            yield found(
                "warn",
                f"{path} does not pin {shown}: the next run may train with other packages.",
                f"Write what you ask for to {lock}: uv pip compile --generate-hashes {lock} -o {path}",
            )
        else:
            hashes = " with hashes" if "--hash=" in text else ""
            yield found("ok", f"{path} pins every package{hashes}.")


def unpinned(text: str) -> list[str]:
    """The requirements of a file without one exact version; a file that it includes is its own matter."""
    joined = re.sub(r"\\\n", " ", text)
    lines = [line.split(" #")[0].strip() for line in joined.splitlines()]
    wanted = [line for line in lines if not _OPTION.match(line)]
    exact = re.compile(r"@\s*\S+(?:@[0-9a-f]{40}|#sha256=[0-9a-f]{64})")
    loose = [line for line in wanted if not _PINNED.match(line) and not exact.search(line)]
    return [re.split(r"[\s<>=!~;@\[]", line)[0] for line in loose]


# --- data ---------------------------------------------------------------------------------------------------


def _data(facts: Local) -> Iterator[Finding]:
    def found(check: str, result: Result, what: str, hint: str = "") -> Finding:
        return Finding(area="data", check=check, result=result, what=what, next=hint)

    for file in facts.data:
        if not file.tracked:
            yield found(
                "data-tracked",
                "fail",
                f"{file.path} is neither in Git nor in DVC: no job will have it.",
                f"dvc add {file.path} && git add {file.path}.dvc    (or git add {file.path})",
            )
    known = [file for file in facts.data if file.tracked]
    if known and len(known) == len(facts.data):
        ways = " and ".join(sorted({"DVC" if file.tracked == "dvc" else "Git" for file in known}))
        yield found("data-tracked", "ok", f"{len(known)} data files are tracked by {ways}.")
    if any(file.tracked == "dvc" for file in facts.data):
        if facts.dvc_remote:
            yield found("dvc-remote", "ok", "DVC has a remote.")
        else:
            yield found(
                "dvc-remote",
                "fail",
                "Data is tracked by DVC, and there is no remote: no job can pull it.",
                "dvc remote add --default NAME URL && git add .dvc/config && dvc push",
            )


# --- git ----------------------------------------------------------------------------------------------------


def _git(facts: Local) -> Iterator[Finding]:
    def found(check: str, result: Result, what: str, hint: str = "") -> Finding:
        return Finding(area="git", check=check, result=result, what=what, next=hint)

    shown, oldest = (".".join(map(str, version)) for version in (facts.git, facts.oldest_git))
    if facts.git and facts.git < facts.oldest_git:
        yield found("git-version", "fail", f"git {shown} is too old.", f"Install git {oldest} or newer.")
    else:
        yield found("git-version", "ok", f"git {shown}.")
    if facts.shallow:
        yield found(
            "shallow",
            "warn",
            "This clone is shallow: what was not fetched cannot be compared here.",
            "git fetch --unshallow --tags    (in workflows a shallow clone is fine)",
        )
    if not facts.remote:
        yield found(
            "remote",
            "warn",
            "There is no remote `origin`: the registry is this clone alone.",
            "git remote add origin URL",
        )
    if not facts.ignored:
        yield found(
            "ignored",
            "warn",
            "modelrail-out/ is not ignored: its records could be committed.",
            "echo modelrail-out/ >> .gitignore",
        )
