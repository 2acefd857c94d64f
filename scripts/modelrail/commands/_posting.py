"""Putting the report on GitHub: the one comment, with the earlier runs that it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from modelrail.adapters.actions_io import say
from modelrail.plans import UpsertComment
from modelrail.report import earlier, render, view

if TYPE_CHECKING:
    from modelrail.adapters.github import GitHub


def comment(shown: view.View, client: GitHub, number: int) -> str:
    """Create or update the comment; left alone when it says the same already. Returns its URL."""
    there = client.own_comment(number, render.MARKER)
    posted = str(there.get("body") or "") if there is not None else ""
    runs = earlier.following(earlier.read(posted), shown.run.commit, shown.verdict, shown.title)
    body = render.markdown(msgspec.structs.replace(shown, runs=runs))
    if there is not None and earlier.same(posted, f"{render.MARKER}\n{body}"):
        say(f"✓ the report on pull request {number} says the same already: {there['html_url']}")
        return str(there["html_url"])
    url = client.upsert_comment(UpsertComment(pull_request=number, marker=render.MARKER, body=body))
    say(f"✓ the report is on pull request {number}: {url}")
    return url
