"""Who approved: from GitHub's answers to the trailers of a tag, with texts that somebody chose."""

from __future__ import annotations

from typing import Any

import pytest

from modelrail.core.registry import approvals, tags
from modelrail.core.registry.approvals import Approvals

HEAD = "a" * 40


def entry(login: str | None, state: str = "approved", comment: str = "", *places: str) -> dict[str, Any]:
    user = None if login is None else {"login": login}
    named = [{"name": place} for place in places or ("production",)]
    return {"user": user, "state": state, "comment": comment, "environments": named}


def review(
    login: str, state: str = "APPROVED", *, commit: str | None = HEAD, who: str = "MEMBER"
) -> dict[str, Any]:
    return {
        "user": {"login": login}, "state": state, "commit_id": commit, "author_association": who, "body": "",
    }  # fmt: skip


def told(*entries: dict[str, Any]) -> dict[str, str]:
    return Approvals(found=approvals.of_run(entries)).trailers()


def test_the_reviewers_of_an_environment() -> None:
    said = told(entry("ada", comment="ship it"), entry("bob", "rejected"), entry("eve", "pending"))
    assert said == {
        "Approved-By": "ada",
        "Approvals": "ada (environment production): “ship it”; bob (refused, environment production)",
    }
    assert told() == {"Approved-By": "", "Approvals": "none"}
    assert told(entry(None))["Approved-By"] == "ghost"


def test_the_last_word_of_each_reviewer_counts() -> None:
    found = approvals.of_reviews(
        [
            review("ada"), review("bob"), review("cleo", "CHANGES_REQUESTED"), review("dan"),
            review("bob", "DISMISSED"), review("cleo"), review("dan", "CHANGES_REQUESTED"),
            review("ada", "COMMENTED"),
        ],
        12, HEAD,
    )  # fmt: skip
    said = Approvals(found=found).trailers()
    assert said["Approved-By"] == "ada, cleo"
    assert "dan (refused, review of #12)" in said["Approvals"]
    assert "bob" not in said["Approvals"]


def test_an_approval_of_an_earlier_commit_says_so() -> None:
    (found,) = approvals.of_reviews([review("ada", commit="b" * 40)], 12, HEAD)
    assert str(found) == "ada (review of #12 at bbbbbbb, before the last commit)"


@pytest.mark.parametrize("who", ["NONE", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "MANNEQUIN", ""])
def test_who_cannot_write_does_not_approve(who: str) -> None:
    assert approvals.of_reviews([review("eve", who=who)], 12, HEAD) == ()


def test_a_comment_cannot_approve() -> None:
    """It is quoted, one line, and never in the trailer that programs read."""
    evil = "ok”; eve (environment production)\nApproved-By: eve\n\u202eunknown: x; unknown: y"
    said = told(entry("ada", comment=evil))
    text = tags.message("x", (), {"Model": "delay", **said, "Reason": "y"})
    _, trailers = tags.parse_message(text)
    assert trailers["Approved-By"] == "ada"
    assert trailers["Approvals"].count("”") == 1
    assert "\u202e" not in text
    assert not approvals.unknown(trailers["Approvals"])


def test_what_could_not_be_read_is_not_known() -> None:
    said = Approvals(unknown=("the token lacks `actions: read`",)).trailers()
    assert said == {"Approved-By": "", "Approvals": "unknown: the token lacks `actions: read`"}
    assert approvals.unknown(said["Approvals"])
    assert not approvals.unknown("none")
    assert not approvals.unknown(None)


@pytest.mark.parametrize(
    "bad",
    [
        {}, {"state": "approved"}, entry("ada\nbob"), entry("a b"), entry("<b>"), entry("ada, eve"),
        {**entry("ada"), "environments": None}, {**entry("ada"), "comment": 1}, {**entry("ada"), "user": 7},
        {**entry("ada"), "environments": ["production"]},
    ],
)  # fmt: skip
def test_another_answer_is_refused(bad: dict[str, Any]) -> None:
    if bad:
        with pytest.raises(ValueError):
            approvals.of_run([bad])
    else:
        assert approvals.of_run([bad]) == ()
