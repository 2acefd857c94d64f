"""Which pull request a report goes to: the open one with exactly the head that GitHub says the run had."""

from __future__ import annotations

import pytest

from modelrail.core.pull_choice import Choice, Head, Pull, choose, of_github

OLD, NEW, BASE = "a" * 40, "b" * 40, "c" * 40
HEAD = Head(owner="eve", branch="patch", commit=NEW)


def pull(number: int = 1, *, state: str = "open", base: str = BASE, **head: str) -> Pull:
    fields = {"owner": "eve", "branch": "patch", "commit": NEW} | head
    return Pull(number=number, state=state, head=Head(**fields), base=base)


def test_the_open_pull_request_of_this_head() -> None:
    assert choose([pull(3, commit=OLD, branch="other"), pull(4)], HEAD) == Choice(number=4)
    assert choose([pull(4, owner="Eve")], HEAD).number == 4  # logins have no case


@pytest.mark.fault(23)
@pytest.mark.parametrize("other", [{"owner": "bob"}, {"branch": "patch2"}, {"branch": "Patch"}])
def test_another_owner_or_branch_with_the_same_commit_is_not_it(other: dict[str, str]) -> None:
    found = choose([pull(**other)], HEAD)
    assert found.number is None
    assert found.words == "No pull request of eve:patch has the commit bbbbbbb."


@pytest.mark.fault(7)
def test_a_head_that_moved_on_is_said() -> None:
    found = choose([pull(5)], Head(owner="eve", branch="patch", commit=OLD))
    assert found.number is None
    assert "the result of an older commit, aaaaaaa" in found.words
    assert "pull request 5 has newer commits (bbbbbbb)" in found.words


@pytest.mark.parametrize("state", ["closed", "merged"])
def test_an_ended_pull_request_gets_nothing(state: str) -> None:
    assert choose([pull(5, state=state)], HEAD) == Choice(number=None, words=f"Pull request 5 is {state}.")
    assert choose([pull(5, state=state), pull(6)], HEAD).number == 6  # opened again as another


def test_two_pull_requests_of_one_branch_are_told_apart_by_their_base() -> None:
    both = [pull(1, base=BASE), pull(2, base=OLD)]
    assert choose(both, HEAD, {OLD}).number == 2
    assert choose(both, HEAD, {BASE}).number == 1
    for unclear in (set(), {OLD, BASE}, {"d" * 40}):
        found = choose(both, HEAD, unclear)
        assert found.number is None
        assert found.words.startswith("Pull requests 1 and 2 have the same head")


@pytest.mark.fault(23)
def test_records_choose_among_the_pull_requests_of_the_event_alone() -> None:
    assert choose([pull(1), pull(2, owner="bob", base=OLD)], HEAD, {OLD}).number == 1


@pytest.mark.parametrize("lost", ["owner", "branch", "commit"])
def test_a_run_without_a_head_belongs_to_nothing(lost: str) -> None:
    head = Head(**({"owner": "eve", "branch": "patch", "commit": NEW} | {lost: ""}))
    assert choose([pull(**{lost: ""})], head).number is None


def test_reads_what_github_sends() -> None:
    found = {
        "number": 7,
        "state": "closed",
        "merged_at": "2026-01-01T00:00:00Z",
        "base": {"sha": BASE},
        "head": {"ref": "patch", "sha": NEW, "repo": None, "user": {"login": "eve"}},
    }
    assert of_github(found) == pull(7, state="merged")
    gone = {"number": 8, "state": "open", "head": {"ref": "patch", "sha": NEW, "repo": None, "user": None}}
    assert of_github(gone).head.owner == ""
