"""Gates that need no metric: leakage, and how often one test set was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import wording
from modelrail.core.policy import waivers
from modelrail.core.policy.circumstances import Around

LEAKAGE = "leakage"  # the name of the advisory check in the data report


def evaluate(
    model: config.Model, evaluation: records.Evaluation, around: Around
) -> tuple[records.GateRow, ...]:
    """One row for each check that applies (the caller left out those that do not), and for the budget."""
    stage = evaluation.baseline_ref.stage
    rows = []
    for check in model.checks:
        outcome, detail = _leakage(check, around.data)
        rows.append(
            _row(
                check.path, leakage_title(check), check.severity, outcome, detail,
                None if outcome == "pass"
                else waivers.waived(model.waivers, check, None, stage, around.today),
            )
        )  # fmt: skip
    budget = model.test_budget
    if budget is not None:
        rows.append(_budget(budget, evaluation.test_uses))
    return tuple(rows)


def reuse_note(uses: int | None) -> list[str]:
    """How often this very test set has judged before: what was chosen by it looks better on it than it is."""
    if not uses:
        return []
    versions = "one version" if uses == 1 else f"{uses:,} versions"
    told = f"This test set has already been used to choose {versions}"
    return [f"{told}; each further use makes its answers look better than they are."]


def leakage_title(check: config.Check) -> str:
    if not check.max.value:
        return "Leakage, no test row in the training table"
    most = wording.margin(check.max.value, relative=check.max.relative)
    return f"Leakage, at most {most}{' of the' if check.max.relative else ''} test rows in the training table"


def budget_title(budget: config.Budget) -> str:
    return f"Use of the test set, at most {budget.limit:,} versions"


def _leakage(check: config.Check, report: records.DataReport | None) -> tuple[records.GateOutcome, str]:
    if report is None:
        return "inconclusive", "the data were not checked: `modelrail validate-data` left no report"
    counted = [one for one in report.checks if one.check == LEAKAGE]
    if not counted:
        return "inconclusive", "the data report says nothing about leakage: is there a training table?"
    worst = max(counted, key=lambda one: one.failures)
    allowed, rows = check.max.value, _test_rows(report.tables)
    if check.max.relative:
        if not rows:
            return "inconclusive", "the data report does not say how many test rows there are"
        allowed *= rows
    return ("pass", "") if worst.failures <= allowed else ("fail", worst.detail)


def _test_rows(tables: Sequence[records.TableSummary]) -> int:
    return next((table.rows for table in tables if table.table == "test"), 0)


def _budget(budget: config.Budget, uses: int | None) -> records.GateRow:
    if uses is None:
        outcome: records.GateOutcome = "inconclusive"
        detail = "it is not known how often this test set was asked; run `modelrail evaluate` again"
    elif uses < budget.limit:
        outcome, detail = "pass", ""
    else:
        outcome = "fail"
        detail = (
            f"{uses:,} registered versions were judged by this test set, the budget is {budget.limit:,}:"
            " take fresh test rows"
        )
    return _row(budget.path, budget_title(budget), budget.severity, outcome, detail, None)


def _row(
    path: str,
    title: str,
    severity: Literal["block", "warn", "info"],
    outcome: records.GateOutcome,
    detail: str,
    waived: records.Waived | None,
) -> records.GateRow:
    return records.GateRow(
        path=path, title=title, metric=None, slice=None, severity=severity, outcome=outcome, baseline=None,
        candidate=None, difference=None, interval=None, verdict="not compared", detail=detail, waived=waived,
    )  # fmt: skip
