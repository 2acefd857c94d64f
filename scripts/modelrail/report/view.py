"""Records -> one frozen object that says everything a report shows; the formats only render it.

All texts in it are plain and untrusted; the renderers make them inert. Records that contradict each other, or
are missing, never look better than they are: the verdict is the worst of all that is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelrail import records
from modelrail.report import changes, earlier, numbers, rows, trend
from modelrail.report.visible import visible

Verdict = records.GateOutcome
MARKS: dict[Verdict, str] = {"pass": "✅", "fail": "⛔", "inconclusive": "❔"}
WORDS: dict[Verdict, str] = {"pass": "passes", "fail": "blocked", "inconclusive": "undecided"}
_RANK: dict[Verdict, int] = {"fail": 0, "inconclusive": 1, "pass": 2}

MOST_METHODS = 8  # as many as there are; a record can hold anything
_STEPS = {
    "validate-data": "its data did not pass the checks",
    "train": "training failed",
    "evaluate": "its evaluation failed",
    "compare": "its comparison failed",
    "report": "its records cannot be trusted",
    "config": "the configuration has faults",
}


class ModelRecords(Struct, frozen=True, kw_only=True):
    """What there is of one model; anything may be absent."""

    model: str
    data: records.DataReport | None = None
    candidate: records.Candidate | None = None
    evaluation: records.Evaluation | None = None
    comparison: records.Comparison | None = None
    failure: records.Failure | None = None
    baseline: records.Evidence | None = None  # of the version in the stage, to say what changed
    evidence_digest: str = ""
    plots: records.Plots | None = None  # of this comparison
    extras: tuple[records.Extra, ...] = ()  # of later checks, in the order of records.EXTRAS
    history: records.Lineage | None = None  # the last versions; only shown
    places: records.Places | None = None  # lines of the gates; only shown
    code: records.CodeChanges | None = None  # files that differ from the baseline's commit; only shown


class Run(Struct, frozen=True, kw_only=True):
    """Where the report was made, from the surroundings and never from records."""

    url: str = ""
    commit: str = ""
    tool: str = ""
    merging: bool = True  # for a pull request; a release asks whether to register


class ModelView(Struct, frozen=True, kw_only=True):
    name: str
    verdict: Verdict
    title: tuple[str, str, str]  # words before the model's name, between it and the version, after
    version: str  # of the baseline, "" without one
    now: str  # the same in words, also when there is none, or nobody knows
    stage: str
    headline: str
    line: str  # "Do not merge: recall for carrier EV fell by 4.1 points [2.9, 5.3]"
    next: str
    rule: str  # where the gate stands that `next` speaks of
    notes: tuple[str, ...]
    context: str  # how many rows, which method
    gates: tuple[rows.GateView, ...]  # those that matter first
    metrics: tuple[rows.MetricView, ...]  # as configured
    slices: tuple[rows.MetricView, ...]  # worst first
    metrics_summary: str
    slices_summary: str
    files: tuple[changes.File, ...]
    files_total: int
    files_summary: str  # "2 files changed since v1.2.1's commit, +14 \u22123 lines"
    changes: tuple[changes.Change, ...]
    changes_summary: str
    compared: bool  # the baseline's own side of `changes` is known
    checks: tuple[records.DataCheck, ...]  # failed ones first
    checks_summary: str
    lineage: tuple[tuple[str, str], ...]
    failure: records.Failure | None
    comparison: records.Comparison | None
    evidence: str
    policy: str
    since: str  # who is in the stage since when, a sentence
    trend: trend.Trend | None
    source: ModelRecords

    @property
    def reason(self) -> str:
        """What stands behind the answer's colon."""
        return self.line.partition(": ")[2]

    @property
    def sentence(self) -> str:
        before, between, after = self.title
        return " ".join(part for part in (before, visible(self.name, 120), between, after) if part)


class View(Struct, frozen=True, kw_only=True):
    verdict: Verdict
    models: tuple[ModelView, ...]  # the worst first
    run: Run
    runs: tuple[earlier.Earlier, ...] = ()  # of the pull request, this one first

    @property
    def title(self) -> str:
        """One sentence over all models."""
        if len(self.models) == 1:
            return self.models[0].reason
        n, total = self.counts, len(self.models)
        if not total:
            return "Nothing was evaluated."
        if n["fail"]:
            return f"{n['fail']} of {total} models should not replace what is in place"
        if n["inconclusive"]:
            return f"{n['inconclusive']} of {total} models cannot be decided"
        return f"All {total} models may replace what is in place"

    @property
    def line(self) -> str:
        """What a reader does about it, then why."""
        if len(self.models) == 1:
            return self.models[0].line
        return f"{self.answer}: {self.title[0].lower()}{self.title[1:]}"

    @property
    def answer(self) -> str:
        return answer(self.verdict, self.run)

    @property
    def counts(self) -> dict[Verdict, int]:
        found: dict[Verdict, int] = {"fail": 0, "inconclusive": 0, "pass": 0}
        for model in self.models:
            found[model.verdict] += 1
        return found


def build(models: Sequence[ModelRecords], run: Run) -> View:
    """The view of one run. Without any model the verdict is `fail`: missing evidence blocks."""
    views = sorted(
        (_model(found, run) for found in models), key=lambda view: (_RANK[view.verdict], view.name)
    )
    verdict: Verdict = min((view.verdict for view in views), key=lambda found: _RANK[found], default="fail")
    return View(verdict=verdict, models=tuple(views), run=run)


def _model(found: ModelRecords, run: Run) -> ModelView:
    comparison, evaluation = found.comparison, found.evaluation
    failure = found.failure or _contradiction(found) or _unfinished(found)
    verdict = _verdict(found, failure)
    reference = evaluation.baseline_ref if evaluation else None
    present = reference is not None and reference.status == "present"
    version = (reference.version or "") if reference and present else ""
    stage = reference.stage if reference else "production"
    gates = rows.gates(comparison.gates if comparison else ())
    metrics = rows.metrics([row for row in comparison.metrics if row.slice is None] if comparison else ())
    slices = rows.worst_first(
        rows.metrics([row for row in comparison.metrics if row.slice is not None] if comparison else ())
    )
    files, files_summary = changes.files(found.code, found.candidate, evaluation)
    files_total = max(found.code.total, len(files)) if found.code and files else 0
    changed, changed_summary = changes.changes(found.candidate, evaluation, found.baseline, files_total)
    checks, checks_summary = changes.checks(found.data)
    history = found.history if found.history and found.history.model == found.model else None
    return ModelView(
        name=found.model,
        verdict=verdict,
        title=_title(verdict, failure, present=present, version=version, stage=stage),
        version=version,
        now=version or ("none yet" if reference and not present else "not known"),
        stage=stage,
        headline=_headline(found, failure, verdict),
        line=f"{answer(verdict, run)}: {_short(found, failure, verdict)}",
        next=_next(
            gates, failure, verdict, changed_summary, f"{version} stays in {stage}" if version else "", run
        ),
        rule=_rule(gates, failure),
        notes=_notes(comparison),
        context=_context(evaluation, comparison),
        gates=gates,
        metrics=metrics,
        slices=slices,
        metrics_summary=rows.summary(metrics),
        slices_summary=rows.summary(slices),
        changes=changed,
        changes_summary=changed_summary,
        files=files,
        files_total=files_total,
        files_summary=files_summary,
        compared=found.baseline is not None,
        checks=checks,
        checks_summary=checks_summary,
        lineage=changes.lineage(found.candidate, evaluation),
        failure=failure,
        comparison=comparison,
        evidence=found.evidence_digest,
        policy=comparison.policy.commit if comparison else "",
        since=trend.standing(history, reference),
        trend=trend.trend(history, comparison),
        source=found,
    )


# --- verdict ---------------------------------------------------------------------------------------------


def _verdict(found: ModelRecords, failure: records.Failure | None) -> Verdict:
    if failure is not None or found.comparison is None:
        return "fail"
    if found.data is not None and not found.data.passed:
        return "fail"
    stated = [found.comparison.verdict]
    stated += [gate.outcome for gate in found.comparison.gates if gate.blocks]
    return min(stated, key=lambda outcome: _RANK[outcome])


def _contradiction(found: ModelRecords) -> records.Failure | None:
    named = [
        record.model
        for record in (found.data, found.candidate, found.evaluation, found.comparison)
        if record is not None
    ]
    other = next((name for name in named if name != found.model), None)
    if other is not None:
        return problem(found.model, f"A record in this model's folder belongs to another model, {other}.")
    candidate, evaluation = found.candidate, found.evaluation
    if candidate and evaluation and evaluation.candidate.model_digest != candidate.file.digest:
        return problem(
            found.model,
            "The model that was scored is not the model that was trained.",
            f"Trained {candidate.file.digest}, scored {evaluation.candidate.model_digest}.",
        )
    return None


def _unfinished(found: ModelRecords) -> records.Failure | None:
    if found.comparison is not None:
        return None
    if found.data is not None and not found.data.passed:
        bad = sum(1 for check in found.data.checks if not check.passed)
        return problem(found.model, f"{numbers.plural(bad, 'data check')} failed.", command="validate-data")
    missing = next(
        (
            words
            for record, words in (
                (found.candidate, "no candidate was trained"),
                (found.evaluation, "the candidate was not scored"),
                (found.comparison, "the scores were not compared"),
            )
            if record is None
        ),
    )
    return problem(
        found.model, f"The evaluation did not finish: {missing}, and no step says why.", command="compare"
    )


def problem(model: str, what: str, why: str = "", command: str = "report") -> records.Failure:
    """A failure that the report itself found."""
    return records.Failure(
        model=model,
        command=command,
        kind="record",
        code=8,
        what=what,
        why=why,
        next="Look at the run's log, and run the evaluation again. Without evidence nothing is promoted.",
        path="",
        tail="",
    )


# --- words -----------------------------------------------------------------------------------------------


def _title(
    verdict: Verdict, failure: records.Failure | None, *, present: bool, version: str, stage: str
) -> tuple[str, str, str]:
    if failure is not None:
        return "", "could not be evaluated: " + _STEPS.get(failure.command, f"{failure.command} failed"), ""
    place = "" if stage == "production" else f" in {stage}"
    if present:
        what = version or "what is there now"
        return {
            "pass": ("", "may replace", what + place),
            "fail": ("", "should not replace", what + place),
            "inconclusive": ("It cannot be decided whether", "may replace", what + place),
        }[verdict]
    return {
        "pass": ("", f"may become the first version in {stage}", ""),
        "fail": ("", f"should not become the first version in {stage}", ""),
        "inconclusive": ("It cannot be decided whether", f"may become the first version in {stage}", ""),
    }[verdict]


def answer(verdict: Verdict, run: Run) -> str:
    """The verdict as what a person does about it."""
    word = "merge" if run.merging else "register"
    return {"pass": f"Fine to {word}", "fail": f"Do not {word}", "inconclusive": f"Do not {word} yet"}[
        verdict
    ]


def _short(found: ModelRecords, failure: records.Failure | None, verdict: Verdict) -> str:
    """Half a line: the comparison's own, where it speaks of this verdict."""
    stated = found.comparison.short if found.comparison is not None else ""
    agrees = found.comparison is not None and found.comparison.verdict == verdict and failure is None
    if failure is not None and failure.command in _STEPS:
        return _STEPS[failure.command].removeprefix("its ")
    text = stated if stated and agrees else _headline(found, failure, verdict).rstrip(".")
    # An ordinary first word is not capital behind a colon; "ROC" stays.
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _headline(found: ModelRecords, failure: records.Failure | None, verdict: Verdict) -> str:
    if failure is not None:
        return failure.what
    assert found.comparison is not None  # noqa: S101 - _unfinished() made a failure of it
    if found.data is not None and not found.data.passed:
        bad = sum(1 for check in found.data.checks if not check.passed)
        return f"{numbers.plural(bad, 'data check')} failed."
    if verdict != found.comparison.verdict:
        return (
            "The records contradict each other: a gate that blocks did not pass, yet the verdict says it did."
        )
    return found.comparison.headline


def _next(
    gates: Sequence[rows.GateView],
    failure: records.Failure | None,
    verdict: Verdict,
    changed: str,
    otherwise: str,
    run: Run,
) -> str:
    if failure is not None:
        return failure.next or "Look at the run's log."
    if verdict == "pass":
        warned = sum(1 for gate in gates if gate.warns)
        merge = (
            "merge if you agree with the change. After the merge a release run trains and evaluates again on "
            "the default branch; it registers a version only if that passes too."
            if run.merging
            else "promote the version that this run registers when it shall enter a further stage."
        )
        return f"look at {numbers.plural(warned, 'warning')}, then {merge}" if warned else merge
    worst = next((gate for gate in gates if gate.blocks), None)
    kept = "If it is merged anyway, no version is registered" if run.merging else "No version is registered"
    kept += f", and {otherwise}." if otherwise else "."
    if worst is None:
        return f"look at the checks below. {kept}"
    if verdict == "inconclusive":
        above = " The gate's own line says what would settle it." if worst.detail else ""
        return f"more test rows make the interval narrow enough to decide.{above} {kept}"
    about = changed.partition(";")[0]
    look = f"the rows with {worst.where}" if worst.where else f"what changed, below{about and f': {about}'}"
    return f"look at {look}. {kept}"


def _rule(gates: Sequence[rows.GateView], failure: records.Failure | None) -> str:
    if failure is not None:
        return ""
    return next((gate.path for gate in gates if gate.blocks), "")


def _notes(comparison: records.Comparison | None) -> tuple[str, ...]:
    if comparison is None:
        return ()
    notes = list(comparison.notes)
    policy = comparison.policy
    if policy.changed and policy.source == "base":
        notes.insert(
            0,
            "This change edits the gates or stages in modelrail.yaml. The rules of the base commit were "
            "applied; the new ones count once merged.",
        )
    elif policy.changed:
        notes.insert(0, "The gates come from this change itself, and they differ from those of the base.")
    if comparison.policy_changes:
        notes.insert(1 if policy.changed else 0, f"In the policy: {'; '.join(comparison.policy_changes)}.")
    return tuple(notes)


def _context(evaluation: records.Evaluation | None, comparison: records.Comparison | None) -> str:
    if comparison is None:
        return ""
    amount = numbers.plural(comparison.rows, "row")
    if evaluation is None:
        text = f"Measured on {amount}"
    elif evaluation.baseline is None:
        text = f"Scored on {amount} of {evaluation.test.path}"
    else:
        text = f"Both models were scored on the same {amount} of {evaluation.test.path}"
    methods = sorted({row.interval.method for row in comparison.metrics if row.interval})
    confidence = sorted({row.interval.confidence for row in comparison.metrics if row.interval})
    called = [_METHODS.get(one, one) for one in methods[:MOST_METHODS]]
    if confidence:
        text += (
            f". A {'/'.join(f'{100 * share:g}%' for share in confidence)} interval says where the true "
            f"difference most likely lies (by {', '.join(called)})"
        )
    if confidence and comparison.correction != "none":
        how = comparison.correction.capitalize()
        text += f". Verdicts, not intervals, are corrected for the number of tests ({how})"
    return text + "."


_METHODS = {  # of intervals, as people call them
    "bootstrap": "the bootstrap",
    "bootstrap-t": "the bootstrap-t",
    "delong": "DeLong's method",
    "influence-function": "influence functions",
    "joint-cells-delta": "the joint counts of both models' answers",
    "paired-moments-delta": "paired moments",
    "paired-t": "Student's paired t",
    "paired-t-by-list": "Student's paired t over lists",
}
