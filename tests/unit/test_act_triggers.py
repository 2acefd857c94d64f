"""Which workflows an event starts, with which inputs and which token."""

from __future__ import annotations

import contextlib
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelrail.errors import UsageError, WorkflowRunError
from modelrail.localhub import act_triggers


def workflow(text: str) -> act_triggers.Workflow:
    return act_triggers.parse("w.yml", text)


@pytest.mark.parametrize(
    ("patterns", "name", "expected"),
    [
        (["main"], "main", True),
        (["main"], "maintenance", False),
        (["release/*"], "release/1", True),
        (["release/*"], "release/1/2", False),
        (["release/**"], "release/1/2", True),
        (["**"], "any/thing", True),
        (["*"], "any/thing", False),
        (["**.py"], "src/deep/file.py", True),
        (["src/**"], "src/a/b", True),
        (["**/docs/*.md"], "docs/a.md", True),
        (["**/docs/*.md"], "x/docs/a.md", True),
        (["v[0-9]+"], "v12", True),
        (["v[0-9]+"], "vx", False),
        (["ab?c"], "ac", True),
        (["**", "!docs/**"], "docs/a", False),
        (["!docs/**", "**"], "docs/a", True),
        (["**.py", "!test_*.py", "test_keep.py"], "test_keep.py", True),
        ([r"a\*b"], "a*b", True),
        (["a.b"], "axb", False),
    ],
)
def test_filter_patterns(patterns: list[str], name: str, expected: bool) -> None:
    assert act_triggers.matches(patterns, name) is expected


@given(st.text(string.ascii_letters + string.digits + "-_./", min_size=1))
def test_a_name_without_signs_matches_itself_alone(name: str) -> None:
    assert act_triggers.matches([name], name)
    assert not act_triggers.matches([name], f"{name}x")
    assert not act_triggers.matches(["**", f"!{name}"], name)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_pattern_crashes(pattern: str, name: str) -> None:
    with contextlib.suppress(WorkflowRunError):
        act_triggers.matches([pattern], name)


def push(ref: str) -> dict[str, Any]:
    return {"ref": ref}


@pytest.mark.parametrize(
    ("on", "ref", "changed", "starts"),
    [
        ("push", "refs/heads/x", None, True),
        ("[push, pull_request]", "refs/heads/x", None, True),
        ("{push: {branches: [main]}}", "refs/heads/main", None, True),
        ("{push: {branches: [main]}}", "refs/heads/x", None, False),
        ("{push: {branches: [main]}}", "refs/tags/v1", None, False),
        ("{push: {branches-ignore: [main]}}", "refs/heads/main", None, False),
        ("{push: {tags: ['v*']}}", "refs/tags/v1", None, True),
        ("{push: {tags: ['v*']}}", "refs/heads/main", None, False),
        ("{push: {paths: ['src/**']}}", "refs/heads/main", ["docs/a"], False),
        ("{push: {paths: ['src/**']}}", "refs/heads/main", ["docs/a", "src/a"], True),
        ("{push: {paths: ['src/**']}}", "refs/heads/main", None, True),
        ("{push: {paths-ignore: ['docs/**']}}", "refs/heads/main", ["docs/a"], False),
        ("{push: {paths-ignore: ['docs/**']}}", "refs/heads/main", ["docs/a", "b"], True),
        ("pull_request", "refs/heads/main", None, False),
    ],
)
def test_pushes(on: str, ref: str, changed: list[str] | None, starts: bool) -> None:
    found = workflow(f"on: {on}\njobs: {{}}\n")
    assert (act_triggers.listens(found, "push", push(ref), changed) == "") is starts


@pytest.mark.parametrize(
    ("on", "action", "base", "starts"),
    [
        ("pull_request", "opened", "main", True),
        ("pull_request", "labeled", "main", False),
        ("{pull_request: {types: [labeled]}}", "labeled", "main", True),
        ("{pull_request: {types: [labeled]}}", "opened", "main", False),
        ("{pull_request: {branches: [main]}}", "opened", "dev", False),
        ("{pull_request: }", "synchronize", "main", True),
    ],
)
def test_pull_requests(on: str, action: str, base: str, starts: bool) -> None:
    payload = {"action": action, "pull_request": {"base": {"ref": base}}}
    found = workflow(f"on: {on}\njobs: {{}}\n")
    assert (act_triggers.listens(found, "pull_request", payload, None) == "") is starts


def test_a_run_is_followed_by_its_name() -> None:
    found = workflow("on: {workflow_run: {workflows: [model], types: [completed]}}\njobs: {}\n")
    for name, action, starts in (
        ("model", "completed", True),
        ("x", "completed", False),
        ("model", "requested", False),
    ):
        payload = {"action": action, "workflow_run": {"name": name, "head_branch": "b"}}
        assert (act_triggers.listens(found, "workflow_run", payload, None) == "") is starts


DISPATCH = workflow(
    """
on:
  workflow_dispatch:
    inputs:
      version: {required: true}
      stage: {default: production}
      dry: {type: boolean, default: false}
      bump: {type: choice, options: [patch, minor], default: patch}
      empty:
jobs: {}
"""
)


def test_inputs_of_a_dispatch() -> None:
    assert act_triggers.dispatch_inputs(DISPATCH, {"version": "v1", "bump": "minor"}) == {
        "version": "v1", "stage": "production", "dry": "false", "bump": "minor", "empty": "",
    }  # fmt: skip


@pytest.mark.parametrize("given_inputs", [{}, {"version": "v1", "x": "y"}, {"version": "v1", "bump": "huge"}])
def test_impossible_inputs(given_inputs: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        act_triggers.dispatch_inputs(DISPATCH, given_inputs)


@pytest.mark.parametrize(
    ("text", "read_only", "expected"),
    [
        ("jobs: {a: {}}", False, {"contents": "read"}),
        ("permissions: {}\njobs: {a: {}}", False, {}),
        ("permissions: {}\njobs: {a: {permissions: {contents: write}}}", False, {"contents": "write"}),
        ("permissions: {}\njobs: {a: {permissions: {contents: write}}}", True, {"contents": "read"}),
        (
            "permissions: {contents: read}\njobs: {a: {}, b: {permissions: {pull-requests: write}}}",
            False,
            {"contents": "read", "pull_requests": "write"},
        ),
        ("permissions: {contents: write}\njobs: {a: {permissions: {}}}", False, {}),
    ],
)
def test_the_token_has_what_the_jobs_ask_for(text: str, read_only: bool, expected: dict[str, str]) -> None:
    found = workflow(f"on: push\n{text}\n")
    assert act_triggers.token_permissions(found, read_only=read_only) == expected


def test_write_all_of_a_stranger_is_read() -> None:
    found = workflow("on: pull_request\npermissions: write-all\njobs: {a: {}}\n")
    assert set(act_triggers.token_permissions(found, read_only=True).values()) == {"read"}


def test_uses_are_found_wherever_they_stand() -> None:
    text = (
        "jobs:\n  a:\n    uses: o/r/.github/workflows/w.yml@v1\n  b:\n    steps:\n      - uses: 'x/y@1' # c\n"
    )
    assert act_triggers.uses_in(text) == ["o/r/.github/workflows/w.yml@v1", "x/y@1"]
