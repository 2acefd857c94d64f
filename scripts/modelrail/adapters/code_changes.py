"""Which files changed between the baseline's commit and the candidate's: for the report, deciding nothing."""

from __future__ import annotations

from typing import Literal

from modelrail import records
from modelrail.adapters.git import Git
from modelrail.config import resolved as config
from modelrail.errors import GitError

MOST = 60  # files that are named; all are counted
MOST_CHARS = 300  # of a path
_KINDS: dict[str, Literal["added", "removed"]] = {"A": "added", "D": "removed"}


def find(
    git: Git, model: config.Model, evaluation: records.Evaluation, candidate: records.Candidate
) -> records.CodeChanges | None:
    """None without a baseline, or where one of the commits is not at hand: nothing is fetched for this.

    Data files have rows of their own in the report, and counting their lines would take long: left out.
    """
    old, new = evaluation.baseline_ref.commit, candidate.fingerprint.commit
    if not old or not (git.has_commit(old) and git.has_commit(new)):
        return None
    prefix = "" if model.path == "." else f"{model.path}/"
    data = {f"{prefix}{name}" for name in (model.data.train, model.data.test) if name}
    try:
        found = [(kind, path) for kind, path in git.differing(old, new, model.path) if path not in data]
        named = sorted(found, key=lambda one: one[1])[:MOST]
        shown = [path for _, path in named if path and not path.startswith(":")]
        lines = git.lines_changed(old, new, shown) if shown else {}
    except GitError:
        return None
    return records.CodeChanges(
        model=model.name,
        baseline=old,
        candidate=new,
        total=len(found),
        files=tuple(
            records.ChangedFile(
                path=path[:MOST_CHARS],
                kind=_KINDS.get(kind[:1], "changed"),
                added=lines[path][0] if path in lines else None,
                removed=lines[path][1] if path in lines else None,
            )
            for kind, path in named
        ),
    )
