"""A pull request on a local GitHub with the report of the flights example as its comment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import support_html
import support_records as sample
from modelrail.localhub.server import Hub
from modelrail.report import render, view
from modelrail.report.view import ModelRecords

BODY = "Trees one level deeper; everything else as it was."
TRAIN = "MAX_DEPTH = {}\n\n\ndef fit(table):\n    return Trees(max_depth=MAX_DEPTH).fit(table)\n"


@contextmanager
def page(folder: Path, found: ModelRecords | None = None) -> Iterator[str]:
    """The URL of the pull request's page while its GitHub runs."""
    hub = Hub(folder / "hub")
    with hub.serve(port=0) as running:
        hub.create_repository("octo", "flights")
        _push(folder / "work", running.git_url("octo", "flights"), hub.token_for("octo"))
        made = hub.open_pull_request(
            "octo", "flights", head="deeper", base="main", title="Deeper trees", body=BODY
        )
        shown = view.build([found or support_html.flights()], sample.RUN)
        hub.comment("octo", "flights", made["number"], render.markdown(shown), "github-actions[bot]")
        yield f"{running.url}/octo/flights/pull/{made['number']}"


def _push(root: Path, url: str, token: str) -> None:
    """Two branches that differ in one line of the training script."""
    authorized = url.replace("http://", f"http://x-access-token:{token}@")

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=octo", "-c", "user.email=octo@example.invalid"]
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)

    root.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    for branch, depth in (("main", 6), ("deeper", 9)):
        git("checkout", "--quiet", "-B", branch)
        (root / "train.py").write_text(TRAIN.format(depth), encoding="utf-8")
        git("add", ".")
        git("commit", "--quiet", "-m", "Deeper trees" if branch == "deeper" else "Begin")
        git("push", "--quiet", authorized, branch)
