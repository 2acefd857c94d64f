"""The hooks of a push: git runs `python receive_hook.py pre-receive|post-receive`. Standard library only.

MODELRAIL_HUB_PUSH names a folder of this push: `policy.json` is read before the refs change, `changes` is
written after.
The REST routes that write refs ask the same `refusals`.
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ZERO = "0" * 40


def main() -> int:
    exchange = Path(os.environ["MODELRAIL_HUB_PUSH"])
    lines = [line.rstrip("\n").split(" ", 2) for line in sys.stdin]
    if sys.argv[1] == "post-receive":
        text = "".join(f"{old} {new} {ref}\n" for old, new, ref in lines)
        (exchange / "changes").write_text(text, encoding="utf-8")
        return 0
    policy = json.loads((exchange / "policy.json").read_text(encoding="utf-8"))
    broken = [text for old, new, ref in lines for text in refusals(policy, old, new, ref)]
    for text in broken:
        sys.stderr.write(f"error: GH013: Repository rule violations found for {text}\n")
    return 1 if broken else 0


def run_git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def refusals(
    policy: dict[str, Any], old: str, new: str, ref: str, git: Callable[..., str | None] = run_git
) -> list[str]:
    """Why this change of a ref is not allowed: the ref on one line, the reason on the next.

    `git` answers None when it fails.
    """
    found = []
    rule = "creation" if old == ZERO else "deletion" if new == ZERO else "update"
    broken = {rule}
    if rule == "update" and git("merge-base", "--is-ancestor", old, new) is None:
        broken.add("non_fast_forward")
    for ruleset in policy["rulesets"]:
        if applies(ruleset, policy["default_branch"], ref):
            found += [f"{ref}.\n{policy['words'][word]}" for word in sorted(broken & set(ruleset["rules"]))]
    if policy["guard_workflows"] and new != ZERO:
        folder = git("rev-parse", f"{new}^{{commit}}:.github/workflows")
        if folder and folder not in tips(git):
            found.append(
                f"{ref}.\nrefusing to allow a GitHub App to create or update workflow "
                "`.github/workflows` without `workflows` permission"
            )
    return found


def applies(ruleset: dict[str, Any], default_branch: str, ref: str) -> bool:
    prefix = "refs/heads/" if ruleset["target"] == "branch" else "refs/tags/"
    if not ref.startswith(prefix):
        return False

    def among(patterns: list[str]) -> bool:
        return any(
            pattern == "~ALL"
            or (pattern == "~DEFAULT_BRANCH" and ref == f"refs/heads/{default_branch}")
            or fnmatch.fnmatchcase(ref, pattern)
            for pattern in patterns
        )

    return among(ruleset["include"]) and not among(ruleset["exclude"])


def tips(git: Callable[..., str | None]) -> set[str]:
    """The folders of workflows that some branch has."""
    names = (git("for-each-ref", "--format=%(refname)", "refs/heads") or "").splitlines()
    return {folder for name in names if (folder := git("rev-parse", f"{name}:.github/workflows"))}


if __name__ == "__main__":
    raise SystemExit(main())
