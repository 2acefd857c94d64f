"""`modelrail doctor`: whether a repository and its settings on GitHub are fit for modelrail."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from modelrail import __version__, settings
from modelrail.adapters.setup import checkup_facts
from modelrail.commands import _options
from modelrail.core.doctor import checkup, finding
from modelrail.core.doctor import github as checkup_github
from modelrail.errors import ModelrailError, UnfitError

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKS = {"ok": "✓", "warn": "!", "fail": "✗", "skip": "-"}
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
# What the reusable workflows use besides our own actions, as a policy of allowed actions sees it.
THIRD_PARTIES = tuple(
    f"actions/{name}"
    for name in ("checkout", "setup-python", "cache", "upload-artifact", "download-artifact")
)

EPILOG = """\b
Examples:
  modelrail doctor
  modelrail doctor --offline --json
"""


@click.command("doctor", epilog=EPILOG)
@_options.config
@click.option(
    "--github/--offline", "online", default=None,
    help="Also look at the settings on GitHub. Default: when there is a token and a repository.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Print what is in order, too.")
@_options.as_json
def command(config: str, online: bool | None, everything: bool, as_json: bool) -> None:
    """Check this repository and its settings on GitHub, and say how to mend what is wrong.

    Nothing is changed. `✗` does not work or is not safe, `!` should be better, `-` could not be seen. The
    exit code is 0 unless there is a `✗`.
    """
    surroundings = settings.read()
    root = surroundings.workspace
    facts = checkup_facts.local(root, config, surroundings)
    findings = checkup.local(facts, checkup_facts.shipped(), __version__)
    findings += _github(facts, surroundings, online=online)
    if as_json:
        click.echo(
            json.dumps({"findings": [asdict(found) for found in findings]}, indent=2, ensure_ascii=False)
        )
    else:
        click.echo(_text(findings, everything=everything))
    failed = [found for found in findings if found.result == "fail"]
    if failed:
        raise UnfitError(
            f"{len(failed)} of {len(findings)} checks failed.",
            why=failed[0].what,
            next="What stands behind → mends it.",
        )


def _github(
    facts: checkup.Local, surroundings: settings.Settings, *, online: bool | None
) -> list[finding.Finding]:
    def skipped(why: str) -> list[finding.Finding]:
        what = f"The settings on GitHub were not looked at: {why}"
        hint = "GITHUB_TOKEN=$(gh auth token) modelrail doctor"
        return [finding.Finding(area="github", check="github", result="skip", what=what, next=hint)]

    if online is False:
        return skipped("--offline.")
    repository = surroundings.repository or repository_of(facts.remote, surroundings)
    if not repository:
        return skipped("no remote says which repository this is.")
    if not surroundings.token:
        return skipped("there is no token.")
    from dataclasses import replace

    from modelrail.adapters.github import client as github

    try:
        found = checkup_facts.remote(github.connect(replace(surroundings, repository=repository)))
    except ModelrailError as error:
        if online:
            raise
        return skipped(str(error).replace("\n", " "))
    callers = [caller for workflow in facts.workflows for caller in workflow.callers]
    manual = sorted(
        {stage.name for model in facts.models for stage in model.stages if stage.enter == "manual"}
    )
    names = [model.name for model in facts.models]
    return checkup_github.remote(found, names, manual, callers, THIRD_PARTIES)


def repository_of(remote: str, surroundings: settings.Settings) -> str:
    """`owner/name` of a remote on this server; "" when it is another one."""
    ssh = re.fullmatch(r"(?:ssh://)?git@([^:/]+)[:/](.+)", remote)
    host, path = (
        (ssh[1], ssh[2]) if ssh else (urlsplit(remote).netloc.rpartition("@")[2], urlsplit(remote).path)
    )
    name = path.strip("/").removesuffix(".git")
    return name if host == urlsplit(surroundings.server_url).netloc and _NAME.fullmatch(name) else ""


def _text(findings: Sequence[finding.Finding], *, everything: bool) -> str:
    lines = []
    for area in finding.AREAS:
        mine = [found for found in findings if found.area == area]
        shown = [found for found in mine if everything or found.result != "ok"]
        good = sum(found.result == "ok" for found in mine)
        if not mine:
            continue
        lines.append(f"{area}: {good} of {len(mine)} in order")
        for found in shown:
            lines.append(f"  {MARKS[found.result]} {found.what}")
            if found.next:
                lines.append(f"    → {found.next}")
    counts = {result: sum(found.result == result for found in findings) for result in MARKS}
    words = {"fail": "failed", "warn": "could be better", "ok": "in order", "skip": "not seen"}
    lines.append("\n" + ", ".join(f"{counts[result]} {word}" for result, word in words.items()))
    return "\n".join(lines)
