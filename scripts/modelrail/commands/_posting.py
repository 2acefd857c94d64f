"""Putting the report on GitHub: the one comment, with the earlier runs that it remembers; the check run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from modelrail.adapters.actions_io import say
from modelrail.errors import ModelrailError
from modelrail.plans import UpsertComment
from modelrail.report import checkrun, earlier, render, view

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub


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


def check(shown: view.View, client: GitHub) -> str:
    """The check run of the commit that was measured. It repeats the report: without it nothing is lost."""
    if not shown.run.commit:
        return ""
    try:
        url = client.publish_check(checkrun.build(shown))
    except ModelrailError as error:
        say(f"No check run is written: {error.what} {error.next}".rstrip())
        return ""
    say(f"✓ check run: {url}")
    return url
