"""What `modelrail doctor` finds in the rulesets: who can rewrite the record, what keeps us from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelrail.core.doctor.callers import Caller
from modelrail.core.doctor.finding import Finding, Result

Json = Mapping[str, Any]
LEDGER = "modelrail/ledger"
CHECK = "modelrail"  # the check run that the report leaves
RULES_PAGE = "Settings → Rules → Rulesets"
# Rules that stop a workflow's token from creating a tag or from adding a commit to the ledger.
_STOPS_TAGS = frozenset({"creation", "required_signatures", "tag_name_pattern"})
_STOPS_LEDGER = frozenset(
    {
        "creation",
        "update",
        "pull_request",
        "required_status_checks",
        "required_signatures",
        "required_deployments",
        "merge_queue",
        "workflows",
    }
)


def _found(check: str, result: Result, what: str, hint: str = "") -> Finding:
    return Finding(area="github", check=check, result=result, what=what, next=hint)


def findings(rulesets: Sequence[Json], models: Sequence[str], branch: str) -> Iterator[Finding]:
    active = [one for one in rulesets if one.get("enforcement") == "active"]
    tags = [
        f"refs/tags/{name}{rest}" for name in models or ("model",) for rest in ("@v1.0.0", "#production#1")
    ]
    default = f"refs/heads/{branch}"
    ledger = f"refs/heads/{LEDGER}"
    yield from _protected(
        active,
        "tag",
        tags,
        default,
        {"update", "deletion"},
        check="tags-protected",
        what="A version's tags",
        done="can neither be moved nor deleted",
        hint=f"{RULES_PAGE} → New tag ruleset: all tags, Restrict updates, Restrict deletions; not creations",
    )
    yield from _protected(
        active,
        "branch",
        [ledger],
        default,
        {"non_fast_forward", "deletion"},
        check="ledger-protected",
        what=f"The branch {LEDGER}",
        done="can neither be rewound nor deleted",
        hint=f"{RULES_PAGE} → New branch ruleset: target {LEDGER}, Block force pushes, Restrict deletions",
    )
    yield from _in_the_way(active, "tag", tags, default, _STOPS_TAGS, "tags of versions")
    yield from _in_the_way(active, "branch", [ledger], default, _STOPS_LEDGER, f"the branch {LEDGER}")
    reviewed = "pull_request" in _rules(active, "branch", default, default)
    yield _found(
        "default-protected",
        "ok" if reviewed else "warn",
        "Changes of the default branch, and so of the gates, go through pull requests."
        if reviewed
        else "Whoever may push can change the gates without a pull request.",
        ""
        if reviewed
        else f"{RULES_PAGE} → New branch ruleset: target the default branch, Require a pull request",
    )


def required(rulesets: Sequence[Json], callers: Sequence[Caller], branch: str) -> Finding:
    """Whether the default branch waits for a check that is red when the verdict is not `pass`."""
    active = [one for one in rulesets if one.get("enforcement") == "active"]
    default = f"refs/heads/{branch}"
    asked = {
        str(check.get("context"))
        for one in active
        if one.get("target") == "branch" and applies(one, default, default)
        for rule in one.get("rules") or ()
        if rule.get("type") == "required_status_checks"
        for check in (rule.get("parameters") or {}).get("required_status_checks") or ()
    }
    judging = [one for one in callers if one.purpose == "pull-request"]
    # Where the test set is scored in parts, the job `evaluate` only trains: it is green whatever is found.
    blind = sorted(f"{one.shown} / evaluate" for one in judging if one.sharded)
    sure = {
        CHECK,
        *(f"{one.shown} / {'compare' if one.sharded else 'evaluate'}" for one in judging),
        *(one.shown for one in judging),  # the action in one step
    }
    met = sorted(asked & sure)
    where = f"{RULES_PAGE} → ruleset of the default branch → Require status checks to pass: {CHECK}"
    if met:
        return _found("required-check", "ok", f"A merge waits for the check {met[0]}.")
    only = [name for name in blind if name in asked]
    if only:
        what = (
            f"A merge waits for {only[0]}, which with `shards` only trains; the verdict stands in `compare`."
        )
        return _found("required-check", "warn", what, where)
    what = "No ruleset makes a merge wait for modelrail's check: what fails its gates can be merged."
    return _found("required-check", "warn", what, where)


def _protected(
    active: Sequence[Json],
    target: str,
    refs: Sequence[str],
    default: str,
    wanted: set[str],
    *,
    check: str,
    what: str,
    done: str,
    hint: str,
) -> Iterator[Finding]:
    missing = sorted(set().union(*(wanted - _rules(active, target, ref, default) for ref in refs)))
    if missing:
        words = {"update": "moved", "deletion": "deleted", "non_fast_forward": "rewound"}
        ways = " and ".join(words[rule] for rule in missing)
        yield _found(
            check,
            "warn",
            f"{what} can be {ways}: no ruleset forbids it. `modelrail verify` would notice.",
            hint,
        )
    else:
        yield _found(check, "ok", f"{what} {done}.")


def _in_the_way(
    active: Sequence[Json], target: str, refs: Sequence[str], default: str, stops: frozenset[str], what: str
) -> Iterator[Finding]:
    for one in active:
        hit = sorted(stops & set().union(*(_rules([one], target, ref, default) for ref in refs)))
        if hit and not one.get("bypass_actors"):
            yield _found(
                "rules-in-the-way",
                "fail",
                f"The ruleset {one.get('name')!r} ({', '.join(hit)}) keeps workflows from writing {what}.",
                f"{RULES_PAGE} → {one.get('name')}: exclude {' and '.join(refs[:2])}, or let an app pass",
            )


def _rules(active: Sequence[Json], target: str, ref: str, default: str) -> set[str]:
    return {
        str(rule.get("type"))
        for one in active
        if one.get("target") == target and applies(one, ref, default)
        for rule in one.get("rules") or ()
    }


def applies(ruleset: Json, ref: str, default: str) -> bool:
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}

    def among(patterns: Sequence[str]) -> bool:
        return any(
            pattern == "~ALL" or (pattern == "~DEFAULT_BRANCH" and ref == default) or glob(ref, pattern)
            for pattern in patterns
        )

    return among(names.get("include") or ()) and not among(names.get("exclude") or ())


def glob(text: str, pattern: str, *, slash: bool = False) -> bool:
    """GitHub's patterns for refs: `*` stays within a part between slashes, `**/` crosses them."""
    out = ""
    for part in re.split(r"(\*\*/|\*+|\?)", pattern):
        if part == "**/":
            out += "(?:.*/)?"
        elif part.startswith("*"):
            out += ".*" if slash else "[^/]*"
        elif part == "?":
            out += "[^/]"
        else:
            out += re.escape(part)
    return re.fullmatch(out, text) is not None
