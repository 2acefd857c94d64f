"""The audit export with texts that somebody chose to harm its reader."""

from __future__ import annotations

import csv
import io
import re

import pytest

from modelrail import records
from modelrail.core.registry import audit, history
from modelrail.report import audit as pages

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def event(number: int, **trailers: str) -> records.Event:
    return records.Event(
        kind="assign", model="delay", version="v1.0.0", stage="production", sequence=number,
        tag=f"delay#production#{number}", object="1" * 40, commit="2" * 40, time=1_700_000_000 + number,
        tagger="octo", subject="x", trailers=trailers,
    )  # fmt: skip


def rows(*events: records.Event) -> list[dict[str, object]]:
    return [audit.row(one) for one in audit.events(history.fold(events))]


def page(*events: records.Event) -> str:
    return pages.to_html(
        history.fold(events), rows(*events), now=1_700_000_100, repository="octo/flights", tip="f" * 40
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "|calc", "%0A=1", "\t=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    written = pages.to_csv(rows(event(1, Reason=text)))
    (row,) = list(csv.DictReader(io.StringIO(written)))
    assert row["reason"].startswith("'")
    assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())


def test_csv_keeps_what_it_was_given() -> None:
    written = pages.to_csv(rows(event(1, Reason='said "no", twice'), event(2, Actor="bänk 北")))
    found = list(csv.DictReader(io.StringIO(written)))
    assert found[0]["actor"] == "bänk 北"
    assert found[1]["reason"] == 'said "no", twice'
    assert found[1]["time"] == "2023-11-14T22:13:21Z"


def test_no_text_is_markup() -> None:
    found = page(event(1, Reason=HOSTILE, Actor=HOSTILE, Workflow=HOSTILE, Run="https://x/" + HOSTILE))
    assert "<script" not in found
    assert "<img" not in found
    assert "&lt;script&gt;" in found


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//x", "http://[", ""])
def test_only_web_addresses_are_links(link: str) -> None:
    assert "<a " not in page(event(1, Run=link))
    assert '<a href="https://github.com/o/r/actions/runs/1"' in page(
        event(1, Run="https://github.com/o/r/actions/runs/1")
    )


def test_nothing_is_loaded() -> None:
    found = page(event(1, Reason="x"))
    assert not re.search(r"( src=|@import|url\(|<link|<script)", found)
    assert "default-src 'none'" in found


def test_actions_have_their_names() -> None:
    found = rows(
        event(1), event(2, **{"Rollback-From": "v1.1.0", "Reason": "bad"}), event(3, Reinstates="v1.0.0"),
        event(4, **{"Approved-By": "ada", "Approvals": "ada (review of #1)", "Actor": "bob"}),
    )  # fmt: skip
    assert [row["action"] for row in found] == ["promote", "reinstate", "rollback", "promote"]
    assert (found[0]["actor"], found[0]["approved_by"]) == ("bob", "ada")
    assert found[0]["approvals"] == "ada (review of #1)"
    # Who acted has not approved by that.
    assert (found[1]["actor"], found[1]["approved_by"]) == ("octo", None)


def test_an_approval_that_is_not_known_is_not_left_out() -> None:
    assert "approval not known" in page(event(1, Approvals="unknown: the token lacks `actions: read`"))
    assert "approval not known" not in page(event(1, Approvals="none"))
    found = page(event(1, **{"Approved-By": "ada", "Approvals": f"ada (review of #1): “{HOSTILE}”"}))
    assert "approved by ada" in found
    assert "<script" not in found
