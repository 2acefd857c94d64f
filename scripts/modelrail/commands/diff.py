"""`modelrail diff`: metrics, data, parameters, environment and code of two versions, side by side."""

from __future__ import annotations

import json

import click

from modelrail.adapters.git import Git
from modelrail.commands import _options, _reading, _terminal
from modelrail.core import pick
from modelrail.core.registry import differences, selectors
from modelrail.core.registry.differences import Side
from modelrail.errors import GitError, UnavailableError
from modelrail.report import version_text

EPILOG = """\b
Examples:
  modelrail diff delay#production delay@latest
  modelrail diff delay@v1.2.0 @v1.3.0 --json
"""


@click.command("diff", epilog=EPILOG)
@_options.argument("before", "diff")
@_options.argument("after", "diff")
@click.option("--all", "everything", is_flag=True, help="Also list what is the same.")
@_options.fetch
@_options.remote
@_options.form
@_options.as_json
def command(
    before: str, after: str, everything: bool, fetch: bool | None, remote: str, form: str, as_json: bool
) -> None:
    """Print what differs between two versions: BEFORE and AFTER are selectors.

    AFTER may leave the name out: `@v1.3.0`, `#staging`.
    """
    if after.startswith(("@", "#")):
        after = selectors.parse(before).model + after
    with _reading.place(remote) as place:
        surroundings, sides = place.settings, []
        for text in (before, after):
            _, chosen = place.select(text, fetch, with_ledger=True)
            kept = place.evidence(chosen.registered)
            sides.append(Side(selector=text, found=chosen.registered, evidence=kept[0] if kept else None))
        files = None if place.elsewhere else _files(place.git, *(side.found.commit for side in sides))
    found = differences.differences(*sides)
    if form or as_json:
        document = differences.document(found, files)
        text = pick.render(form, document) if form else json.dumps(document, indent=2, ensure_ascii=False)
        click.echo(text)
        return
    names = dict.fromkeys(selectors.parse(text).model for text in (before, after))
    fit = _terminal.style(surroundings).width
    click.echo(version_text.diff(found, " → ".join(names), files, everything=everything, fit=fit))


def _files(git: Git, one: str, other: str) -> list[str] | None:
    """Status and name of the files that differ between the commits; None where they are not here."""
    if not (git.has_commit(one) and git.has_commit(other)):
        return None
    try:
        out = git.run("diff-tree", "-r", "-z", "--name-status", "--no-renames", one, other)
    except (GitError, UnavailableError):
        return None
    parts = out.decode("utf-8", "replace").split("\0")
    return [f"{status} {name}" for status, name in zip(parts[::2], parts[1::2], strict=False)]
