"""The policy around the numbers: conditions, equivalence, leakage, waivers, budgets, and its own changes."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import msgspec
import polars as pl
import pytest

import support_records
from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.comparison import compare
from modelrail.core.policy import changes as policy_changes
from modelrail.core.policy import circumstances, waivers
from modelrail.core.policy import rules as policy
from modelrail.core.policy.circumstances import Around
from modelrail.core.registry import admission, decisions
from modelrail.errors import GateError
from support_compare import DIGEST, POLICY, binary, evaluation, gate, model

TODAY = dt.date(2027, 3, 1)
AUC = gate("roc_auc", no_worse_than=0.01)


def judge(rules: config.Model, tables: Any, around: Around | None = None, **facts: Any) -> records.Comparison:
    truth, candidate, baseline = tables
    known = msgspec.structs.replace(evaluation(truth.height, baseline=baseline is not None), **facts)
    return compare.compare(
        rules, known, evaluation_digest=DIGEST, truth=truth, candidate=candidate, baseline=baseline,
        policy=POLICY, around=around or Around(today=TODAY),
    )  # fmt: skip


def ruled(*gates: config.Gate, **more: Any) -> config.Model:
    surroundings = {name: more.pop(name) for name in ("checks", "waivers", "test_budget") if name in more}
    return msgspec.structs.replace(model(gates=gates, **more), **surroundings)


def named(one: config.Gate) -> config.Gate:
    return msgspec.structs.replace(one, name="auc")


def waiver(**more: Any) -> config.Waiver:
    about = {"metric": "roc_auc"} if "gate" not in more else {}
    found: dict[str, Any] = {
        "path": "models.delay.waivers[0]", "owner": "ana", "reason": "EV leaves", "expires": "2027-03-31",
        **about, **more,
    }  # fmt: skip
    return config.Waiver(**found)


# --- conditions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "facts", "labels", "holds"),
    [
        ({"changed": ("data",)}, {"changed": ("data", "code")}, None, True),
        ({"changed": ("data",)}, {"changed": ("code",)}, None, False),
        ({"changed": ("data", "code")}, {"changed": ("code",)}, None, True),
        ({"changed": ("data",)}, {"changed": None}, None, True),  # not known: it holds
        ({"changed": ("data",)}, {"changed": ()}, None, False),
        ({"stage": ("production",)}, {}, None, True),
        ({"stage": ("staging",)}, {}, None, False),
        ({"label": ("risky",)}, {}, frozenset({"risky"}), True),
        ({"label": ("risky",)}, {}, frozenset(), False),
        ({"label": ("risky",)}, {}, None, True),  # no pull request: nobody can say
        ({"label": ("risky",), "stage": ("staging",)}, {}, frozenset({"risky"}), False),
    ],
)
def test_conditions(when: dict[str, Any], facts: dict[str, Any], labels: Any, holds: bool) -> None:
    known = msgspec.structs.replace(evaluation(10), **facts)
    assert circumstances.applies(config.When(**when), known, labels) is holds


def test_a_gate_that_does_not_apply_is_told_and_not_counted() -> None:
    strict = gate("roc_auc", 1, min=0.99, when=config.When(changed=("data",)))
    calm = judge(ruled(AUC, strict), binary(4000, skill=2.0), changed=("code",))
    assert (calm.verdict, len(calm.gates)) == ("pass", 1)
    assert "Not applied: roc_auc, which holds when data changed." in calm.notes
    assert judge(ruled(AUC, strict), binary(4000, skill=2.0), changed=("data",)).verdict == "fail"


def test_a_policy_of_which_nothing_applies_does_not_pass() -> None:
    only = gate("roc_auc", min=0.5, when=config.When(stage=("staging",)))
    found = judge(ruled(only, metrics=("roc_auc",)), binary(1000))
    assert found.verdict == "fail"
    assert "no gate that blocks" in found.gates[0].detail


# --- equivalence -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skill", "margin", "outcome", "word"),
    [
        (1.5, 0.02, "pass", ""),
        (2.0, 0.02, "fail", "better by more than the margin"),
        (1.0, 0.02, "fail", "worse by more than the margin"),
        (1.5, 0.001, "inconclusive", "could lie outside the margin"),
    ],
)
def test_within(skill: float, margin: float, outcome: str, word: str) -> None:
    rule = gate("roc_auc", within=config.Margin(value=margin))
    found = judge(ruled(rule), binary(8000, skill=skill))
    assert (found.gates[0].outcome, found.verdict) == (outcome, outcome)
    assert word in found.gates[0].detail
    assert "within ±" in found.gates[0].title


def test_the_same_answers_are_within_any_margin() -> None:
    truth, candidate, _ = binary(500)
    found = judge(ruled(gate("roc_auc", within=config.Margin(value=1e-9))), (truth, candidate, candidate))
    assert found.verdict == "pass"


def test_within_a_share() -> None:
    rule = gate("brier", within=config.Margin(value=0.05, relative=True))
    truth, candidate, baseline = binary(8000)
    assert judge(ruled(rule), (truth, candidate, baseline)).verdict == "pass"
    blurred = candidate.with_columns(score=pl.col("score") * 0.5 + 0.25)
    assert judge(ruled(rule), (truth, blurred, baseline)).verdict == "fail"


# --- only some slices ------------------------------------------------------------------------------------


def spoiled() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Better on the whole, and badly wrong for EV."""
    truth, candidate, baseline = binary(9000, skill=2.6)
    bad = pl.when(truth["carrier"] == "EV").then(1 - pl.col("score")).otherwise(pl.col("score"))
    return truth, candidate.with_columns(score=bad), baseline


def test_only_some_slices() -> None:
    by_carrier = {"slices": (config.Slice(column="carrier"),)}
    spared = gate("roc_auc", no_worse_than=0.02, slices="carrier", only=("AA", "UA"))
    assert judge(ruled(spared, **by_carrier), spoiled()).verdict == "pass"
    meant = gate("roc_auc", no_worse_than=0.02, slices="carrier", only=("EV",))
    found = judge(ruled(meant, **by_carrier), spoiled())
    assert (found.verdict, found.gates[0].slice.value) == ("fail", "EV")
    assert found.gates[0].title.startswith("ROC AUC, carrier EV, may fall by at most")
    nobody = gate("roc_auc", no_worse_than=0.02, slices="carrier", only=("ZZ",))
    assert judge(ruled(nobody, **by_carrier), spoiled()).verdict == "inconclusive"


def test_a_gate_over_an_expression() -> None:
    far = config.Slice(column="long_haul", where="distance > 500", where_columns=("distance",))
    rule = gate("roc_auc", no_worse_than=0.02, slices="long_haul")
    found = judge(ruled(rule, slices=(far,)), binary(6000, skill=1.0))
    assert found.gates[0].title == "ROC AUC, long_haul, may fall by at most 0.02"
    assert found.headline.startswith("ROC AUC for long_haul falls by 0.1")


def test_a_gate_over_a_combination() -> None:
    both = config.Slice(
        column="carrier & distance",
        parts=(config.Slice(column="carrier"), config.Slice(column="distance", bins=2)),
    )
    rule = gate("roc_auc", no_worse_than=0.05, slices="carrier & distance")
    found = judge(ruled(rule, slices=(both,)), spoiled())
    assert found.verdict == "fail"
    assert found.gates[0].slice.value.startswith("EV & ")


# --- leakage ---------------------------------------------------------------------------------------------


def report(*failures: int) -> records.DataReport:
    version = records.DataVersion(path="test.parquet", digest=DIGEST, source="file")
    return records.DataReport(
        model="delay", passed=True,
        tables=(records.TableSummary(table="test", version=version, rows=1000, columns=3),),
        checks=tuple(
            records.DataCheck(
                table="test", check="leakage", column=None, passed=not count, failures=count,
                detail=f"{count} of 1,000 test rows have the features of a training row",
            )
            for count in failures
        ),
    )  # fmt: skip


@pytest.mark.fault(40)
@pytest.mark.parametrize(
    ("most", "relative", "data", "outcome"),
    [
        (0, False, report(0, 0), "pass"),
        (0, False, report(0, 1), "fail"),
        (5, False, report(5), "pass"),
        (0.01, True, report(10), "pass"),
        (0.01, True, report(11), "fail"),
        (0, False, report(), "inconclusive"),
        (0, False, None, "inconclusive"),
    ],
)
def test_leakage(most: float, relative: bool, data: Any, outcome: str) -> None:
    check = config.Check(
        path="models.delay.gates[1]", kind="leakage", max=config.Margin(value=most, relative=relative)
    )
    found = judge(ruled(AUC, checks=(check,)), binary(4000, skill=2.0), Around(today=TODAY, data=data))
    assert found.gates[-1].outcome == outcome
    assert found.verdict == outcome
    if outcome == "fail":
        assert "have the features of a training row" in found.headline
    mild = msgspec.structs.replace(check, severity="warn")
    calm = judge(ruled(AUC, checks=(mild,)), binary(4000, skill=2.0), Around(today=TODAY, data=data))
    assert calm.verdict == "pass"


# --- waivers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "today", "verdict"),
    [
        ({}, TODAY, "pass"),
        ({}, dt.date(2027, 3, 31), "pass"),  # the last day counts
        ({}, dt.date(2027, 4, 1), "fail"),
        ({}, None, "fail"),  # nobody knows the day
        ({"stage": "production"}, TODAY, "pass"),
        ({"stage": "staging"}, TODAY, "fail"),
        ({"gate": "auc"}, TODAY, "pass"),
        ({"gate": "other"}, TODAY, "fail"),
        ({"metric": "brier"}, TODAY, "fail"),
        ({"slices": "carrier"}, TODAY, "fail"),  # this gate is about all rows
    ],
)
def test_waivers(given: dict[str, Any], today: Any, verdict: str) -> None:
    rule = msgspec.structs.replace(AUC, name="auc")
    found = judge(ruled(rule, waivers=(waiver(**given),)), binary(4000, skill=1.0), Around(today=today))
    assert found.verdict == verdict
    assert found.gates[0].outcome == "fail"  # never silent
    assert (found.gates[0].waived is not None) == (verdict == "pass")
    if verdict == "pass":
        assert found.headline.startswith("No gate blocks (0 of 1 pass, 1 waived)")
        assert any(note.startswith("Waived by ana until 2027-03-31: ROC AUC") for note in found.notes)


def test_an_expired_and_an_idle_waiver_are_told() -> None:
    old = judge(ruled(AUC, waivers=(waiver(),)), binary(4000, skill=1.0), Around(today=dt.date(2028, 1, 1)))
    assert "The waiver of ana for roc_auc does not count: it ran out on 2027-03-31." in old.notes
    idle = judge(ruled(AUC, waivers=(waiver(),)), binary(4000, skill=2.0))
    assert "The waiver of ana for roc_auc was not needed: take it out." in idle.notes


def test_one_waived_slice_does_not_hide_another() -> None:
    rule = gate("roc_auc", no_worse_than=0.02, slices="carrier")
    rules = {"slices": (config.Slice(column="carrier"),), "waivers": (waiver(slice="EV"),)}
    assert judge(ruled(rule, **rules), spoiled()).verdict == "pass"
    truth, candidate, baseline = spoiled()
    # UA falls as well, and less than EV: the waived slice stays the worst one.
    coarse = (pl.col("score") > 0.95).cast(pl.Float64)
    worse = pl.when(truth["carrier"] == "UA").then(coarse).otherwise(pl.col("score"))
    found = judge(ruled(rule, **rules), (truth, candidate.with_columns(score=worse), baseline))
    assert (found.verdict, found.gates[0].slice.value) == ("fail", "UA")


def test_what_is_waived_stands_in_the_tag() -> None:
    found = judge(ruled(AUC, waivers=(waiver(),)), binary(4000, skill=1.0))
    assert (
        waivers.trailer(found.gates) == "ROC AUC, may fall by at most 0.01 by ana until 2027-03-31: EV leaves"
    )


def test_admission_lets_a_waived_gate_pass_and_no_other() -> None:
    row = records.GateRow(
        path="models.delay.gates[0]", title="AUC", metric="roc_auc", slice=None, severity="block",
        outcome="fail", baseline=None, candidate=None, difference=None, interval=None, verdict="worse",
        waived=records.Waived(path="models.delay.waivers[0]", owner="ana", reason="x", expires="2027-01-01"),
    )  # fmt: skip
    made = records.Evidence(
        model="delay", candidate=support_records.candidate(), data=None,
        evaluation=support_records.evaluation(), comparison=support_records.comparison(), modelrail="1",
    )  # fmt: skip
    comparison = msgspec.structs.replace(made.comparison, verdict="pass", gates=(row,))
    waived = msgspec.structs.replace(made, comparison=comparison)
    admission.passed(waived)
    assert "ana until 2027-01-01" in decisions.evidence_trailers(waived, DIGEST)["Waived"]
    bare = msgspec.structs.replace(
        comparison, verdict="fail", gates=(msgspec.structs.replace(row, waived=None),)
    )
    with pytest.raises(GateError):
        admission.passed(msgspec.structs.replace(made, comparison=bare))


# --- a test set wears out --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uses", "severity", "verdict"),
    [(2, "block", "pass"), (3, "block", "fail"), (3, "warn", "pass"), (None, "block", "inconclusive")],
)
def test_the_budget_of_a_test_set(uses: Any, severity: Any, verdict: str) -> None:
    budget = config.Budget(path="models.delay.test_budget", limit=3, severity=severity)
    found = judge(ruled(AUC, test_budget=budget), binary(4000, skill=2.0), test_uses=uses)
    assert found.verdict == verdict
    assert any("test set has already been used" in note for note in found.notes) == bool(uses)


def test_a_new_test_set_is_told() -> None:
    found = judge(ruled(AUC), binary(4000, skill=2.0), test_before="sha256:" + "f" * 64)
    assert any("test set has changed since the baseline was judged" in note for note in found.notes)


# --- what a change does to the policy --------------------------------------------------------------------


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (gate("roc_auc", no_worse_than=0.01), gate("roc_auc", no_worse_than=0.02), "loosened: "),
        (gate("roc_auc", no_worse_than=0.02), gate("roc_auc", no_worse_than=0.01), "tightened: "),
        (gate("roc_auc", min=0.7), gate("roc_auc", min=0.6), "loosened: "),
        (gate("brier", max=0.2), gate("brier", max=0.3), "loosened: "),
        (gate("roc_auc", better_by=0.02), gate("roc_auc", better_by=0.01), "loosened: "),
        (gate("roc_auc", min=0.7), gate("roc_auc", min=0.7, severity="warn"), "loosened: "),
        (gate("roc_auc", min=0.7), gate("roc_auc", min=0.7, with_confidence=True), "tightened: "),
        (gate("roc_auc", min=0.7), gate("roc_auc", min=0.7, when=config.When(stage=("a",))), "loosened: "),
        (gate("roc_auc", min=0.7), gate("roc_auc", min=0.8, severity="warn"), "changed: "),
        (
            gate("roc_auc", no_worse_than=0.01),
            gate("roc_auc", no_worse_than=config.Margin(value=0.01, relative=True)),
            "changed: ",
        ),
        (named(gate("roc_auc", min=0.7)), named(gate("brier", max=0.7)), "changed: "),
    ],
)
def test_a_changed_gate(before: config.Gate, after: config.Gate, said: str) -> None:
    (found,) = policy_changes.changes(model(gates=(before,)), model(gates=(after,)))
    assert found.startswith(said)
    assert " → " in found


def test_gates_that_come_go_and_move() -> None:
    one, two = gate("roc_auc", 0, min=0.7), gate("brier", 1, no_worse_than=0.01)
    moved = model(gates=(msgspec.structs.replace(two, path="x"), msgspec.structs.replace(one, path="y")))
    assert policy_changes.changes(model(gates=(one, two)), moved) == ()
    assert policy_changes.changes(model(gates=(one, two)), model(gates=(one,))) == (
        "removed: Brier score, may rise by at most 0.01",
    )
    slices = policy_changes.changes(
        model(gates=(one,), slices=(config.Slice(column="carrier"),)), model(gates=(one,), positive="1")
    )
    assert slices == ("removed: slice carrier, from 30 rows", "changed: the positive class, none → 1")


@pytest.mark.fault(22)
@pytest.mark.parametrize("role", ["group", "weight", "time", "block", "query"])
def test_a_changed_role_of_a_column_is_shown(role: str) -> None:
    """Without its group, or with other weights, the same gate says something else."""
    base, head = model(gates=(AUC,), **{role: 7 if role == "block" else "day"}), model(gates=(AUC,))
    (found,) = policy_changes.changes(base, head)
    assert re.fullmatch(r"changed: the [a-z ]+, (day|7) → none", found)
    assert policy.digest(base) != policy.digest(head)


@pytest.mark.fault(22)
def test_waivers_come_from_the_base() -> None:
    head = msgspec.structs.replace(model(gates=(AUC,)), waivers=(waiver(),))
    judged, _ = policy.apply(head, model(gates=(AUC,)), {"id", "late"})
    assert judged.waivers == ()
    assert policy_changes.changes(model(gates=(AUC,)), head) == (
        "added: waiver roc_auc by ana until 2027-03-31: EV leaves",
    )
    assert policy.digest(head) != policy.digest(model(gates=(AUC,)))
