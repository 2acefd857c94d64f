"""The line over the last versions: what tags say, read back; and what anyone may have written into one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import support_records as sample
from modelrail import records
from modelrail.core.registry import decisions, history, lineage


def event(
    version: str, number: int, *, kind: str = "register", stage: str | None = None, **trailers: str
) -> records.Event:
    return records.Event(
        kind=kind,  # type: ignore[arg-type]
        model="delay",
        version=version,
        stage=stage,
        sequence=number if kind == "assign" else None,
        tag=f"delay@{version}" if kind == "register" else f"delay#{stage}#{number}",
        object="a" * 40,
        commit="b" * 40,
        time=1_700_000_000 + number,
        tagger="github-actions[bot]",
        subject=f"delay {version}",
        trailers=trailers,
    )


def test_the_tag_says_what_was_measured() -> None:
    said = decisions.evidence_trailers(sample.evidence(), sample.digest("7"))["Metrics"]
    assert said == "roc_auc=0.7423 average_precision=0.4303 brier=0.1369 recall(at_precision=0.6)=0.1921"
    assert lineage.parse(said)["recall(at_precision=0.6)"] == 0.1921


def test_slices_and_undefined_values_are_left_out_and_blanks_closed() -> None:
    rows = (
        sample.metric("cost(a>b=1, b>a=5)", 1, 2.5, 0, 1, "worse"),
        sample.metric("f1", None, None, 0, 1, "not compared"),
        sample.EV,
    )
    assert lineage.trailer(rows) == "cost(a>b=1,b>a=5)=2.5"
    assert lineage.parse("cost(a>b=1,b>a=5)=2.5") == {"cost(a>b=1,b>a=5)": 2.5}


def test_the_last_versions_and_who_holds_the_stage() -> None:
    events = [event(f"v1.{i}.0", i, After="0", Metrics=f"roc_auc=0.7{i:02d}") for i in range(15)]
    events += [
        event("v1.15.0", 15, After="0"),
        event("v1.3.0", 1, kind="assign", stage="production", Actor="alice", Reason="canary was fine"),
        event("v1.2.0", 2, kind="assign", stage="staging", Actor="bob"),
    ]
    found = lineage.build(history.fold(events)["delay"], "roc_auc", "production")
    assert [one.version for one in found.versions] == [f"v1.{i}.0" for i in range(4, 16)]
    assert (found.versions[0].value, found.versions[-1].value) == (0.704, None)
    assert (found.version, found.by, found.reason) == ("v1.3.0", "alice", "canary was fine")
    assert found.since == "2023-11-14T22:13:21Z"


def test_the_best_version_is_the_one_whose_tag_says_so() -> None:
    said = (
        "roc_auc=0.71 brier=0.15",
        "roc_auc=0.78 brier=0.14",
        "roc_auc=0.78 brier=0.16",
        "roc_auc=nan",
        "",
    )
    events = [event(f"v1.{i}.0", i, After="0", Metrics=text) for i, text in enumerate(said)]
    state = history.fold(events)["delay"]
    assert lineage.best(state, "roc_auc", higher=True).version == "v1.2.0"  # of equal ones the later
    assert lineage.best(state, "brier", higher=False).version == "v1.1.0"
    assert lineage.best(state, "mcc", higher=True) is None
    gone = event("v1.2.0", 9, kind="deregister")
    left = history.fold([*events, gone])["delay"]
    assert lineage.best(left, "roc_auc", higher=True).version == "v1.1.0"


def test_an_empty_registry() -> None:
    found = lineage.build(history.ModelState(model="delay"), "roc_auc", "production")
    assert (found.versions, found.version, found.since) == ((), None, None)


@given(st.text())
def test_whatever_a_tag_says_is_read(text: str) -> None:
    assert all(value == value and abs(value) != float("inf") for value in lineage.parse(text).values())
