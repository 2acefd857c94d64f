"""The comparison of a candidate with a baseline: metrics, slices, gates, verdict.

Pure: three tables and a policy in, one record out, the same bytes for the same input (the bootstrap, where
a metric needs it, draws by the seed). See `decide.py` for what the verdicts mean and how often they may err,
`measure.py` for the statistics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import polars as pl

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core import digits, wording
from modelrail.core.comparison import decide, headline, others
from modelrail.core.comparison.measure import Subset
from modelrail.core.comparison.measured import ALONE, Measured
from modelrail.core.inference.family import CORRECTION, holm
from modelrail.core.metrics import catalog
from modelrail.core.policy import checks, circumstances, gates, waivers
from modelrail.core.policy.circumstances import Around
from modelrail.core.rows import columns as read_columns
from modelrail.core.rows.pairing import UserCall, pair
from modelrail.core.slices import members as slices
from modelrail.core.slices import search as slice_search
from modelrail.errors import ComparisonError

SEED = 0
NOWHERE = Around()


def compare(
    model: config.Model,
    evaluation: records.Evaluation,
    *,
    evaluation_digest: str,
    truth: pl.DataFrame,
    candidate: pl.DataFrame,
    baseline: pl.DataFrame | None,
    policy: records.PolicyRef,
    notes: Sequence[str] = (),
    reported: Mapping[str, float] | None = None,
    user: UserCall | None = None,
    around: Around = NOWHERE,
    beside: Mapping[str, pl.DataFrame] | None = None,
) -> records.Comparison:
    """Judge the candidate. `model` carries the gates, stages and slices of the policy.

    `around` is what else the policy may depend on; `reported` is what training wrote into its metrics file;
    `user` calls metrics of the user's own; `beside` are the answers of further baselines, by name.

    Raises ComparisonError when the tables cannot be paired or hold no usable numbers.
    """
    _consistent(evaluation, baseline)
    model, skipped = _applying(model, evaluation, around)
    metrics = _metrics(model)
    paired = pair(
        model, list(metrics.values()), truth, candidate, baseline, seed=SEED, reported=reported, user=user
    )
    further, of_others = others.compare(model, metrics, truth, candidate, beside or {}, seed=SEED)
    del truth, candidate, baseline  # of many rows: only the arrays of the pairing stay
    asked = {label: decide.factors(_margins(model, label)) for label in metrics}
    whole = Subset(paired)
    measured = {label: whole.measure(metric, asked[label]) for label, metric in metrics.items()}
    if model.slice_search is None:
        whole.forget()
    parts = {wanted.column: _slices(whole, wanted, metrics, asked) for wanted in read_columns.sliced(model)}
    same_model = (
        evaluation.baseline is not None
        and evaluation.baseline.model_digest == evaluation.candidate.model_digest
    )
    results = gates.Results(
        model, metrics, measured, parts, evaluation.baseline_ref, same_model, around.today
    )
    rows = (*gates.evaluate(results), *checks.evaluate(model, evaluation, around))
    verdict = gates.verdict(rows)
    searched, told = _search(model, metrics, whole)
    return records.Comparison(
        model=model.name,
        evaluation=evaluation_digest,
        rows=paired.rows,
        metrics=_rows_of_all(results) + _rows_of_slices(results),
        gates=rows,
        verdict=verdict,
        headline=headline.headline(results, rows, verdict),
        short=headline.short(results, rows, verdict),
        policy=policy,
        correction=CORRECTION,
        seed=SEED,
        notes=(
            *notes,
            *_notes(results, paired.cluster_count),
            *skipped,
            *waivers.notes(model, rows, evaluation.baseline_ref.stage, around.today),
            *_test_notes(evaluation),
            *told,
            *of_others,
        ),
        search=searched,
        others=further,
        policy_changes=around.policy_changes,
    )


def _applying(
    model: config.Model, evaluation: records.Evaluation, around: Around
) -> tuple[config.Model, list[str]]:
    """The model with the gates whose conditions hold, and a note for each that does not apply."""
    rules: list[tuple[config.When | None, str]] = [
        *((gate.when, gate.name or gate.metric.label) for gate in model.gates),
        *((check.when, check.name or check.kind) for check in model.checks),
    ]
    skipped = [
        f"Not applied: {what}, which holds {circumstances.told(when)}."
        for when, what in rules
        if when is not None and not circumstances.applies(when, evaluation, around.labels)
    ]
    applying = msgspec.structs.replace(
        model,
        gates=tuple(
            gate for gate in model.gates if circumstances.applies(gate.when, evaluation, around.labels)
        ),
        checks=tuple(
            check for check in model.checks if circumstances.applies(check.when, evaluation, around.labels)
        ),
    )
    return applying, skipped


def _search(
    model: config.Model, metrics: Mapping[str, catalog.Metric], whole: Subset
) -> tuple[records.SliceSearch | None, list[str]]:
    wanted = model.slice_search
    if wanted is None:
        return None, []
    label = wanted.metric or next(iter(metrics))
    found = slice_search.search(whole, metrics[label], label, wanted, model.slices)
    if found is None:
        return None, [f"No slice was searched: {label} has no influence values, or there are no slices."]
    return found, slice_search.note(found, metrics[label])


def _test_notes(evaluation: records.Evaluation) -> list[str]:
    reference, before = evaluation.baseline_ref, evaluation.test_before
    found = checks.reuse_note(evaluation.test_uses)
    if before is not None and before != evaluation.test.digest:
        who = reference.version or "the baseline"
        found.append(f"The test set has changed since {who} was judged: both are scored on the new one.")
    return found


def columns(model: config.Model) -> list[str]:
    """The columns of the truth table that a comparison reads."""
    return read_columns.of(model)


# --- what to measure -------------------------------------------------------------------------------------


def _consistent(evaluation: records.Evaluation, baseline: pl.DataFrame | None) -> None:
    status = evaluation.baseline_ref.status
    if status == "present" and (baseline is None or evaluation.baseline is None):
        ref = evaluation.baseline_ref
        raise ComparisonError(
            f"There is a baseline ({ref.version} in {ref.stage}), but it was not scored.",
            next="Run `modelrail evaluate` again: an unread baseline is not an absent one.",
        )
    if status == "absent" and baseline is not None:
        raise ComparisonError("The evaluation says that there is no baseline, yet it was scored.")


def _metrics(model: config.Model) -> dict[str, catalog.Metric]:
    found = {}
    for wanted in (*model.metrics, *(gate.metric for gate in model.gates)):
        entry = catalog.bind(wanted.name, model.task, wanted.params)
        if entry is None:
            raise ComparisonError(
                f"{wanted.label} cannot be computed for a {model.task} task.",
                next=f"Known: {', '.join(catalog.names(model.task))}.",
            )
        found[wanted.label] = entry
    if not found:
        raise ComparisonError(
            f"The model {model.name} names no metric.",
            next="Add `metrics:` or `gates:`.",
            path=f"models.{model.name}",
        )
    return found


def _margins(model: config.Model, label: str) -> list[config.Margin]:
    every = [
        margin
        for gate in model.gates
        if gate.metric.label == label
        for margin in (gate.no_worse_than, gate.better_by, gate.within)
    ]
    return [margin for margin in every if margin is not None]


def _margin(model: config.Model, label: str, column: str | None) -> config.Margin | None:
    """The tolerated loss that the policy states for this metric here."""
    return next(
        (
            gate.no_worse_than or gate.within
            for gate in model.gates
            if gate.metric.label == label and gate.slices == column and (gate.no_worse_than or gate.within)
        ),
        None,
    )


def _slices(
    whole: Subset,
    wanted: config.Slice,
    metrics: Mapping[str, catalog.Metric],
    asked: Mapping[str, set[float]],
) -> list[gates.SliceResult]:
    cut = slices.cut(whole.paired.table, wanted)
    found = []
    for label, rows in cut.rows():
        part = Subset(whole.paired, rows if rows.size < whole.size else None)
        measured = {name: part.measure(metric, asked[name]) for name, metric in metrics.items()}
        found.append(
            gates.SliceResult(records.SliceRef(column=wanted.column, value=label), measured, wanted.min_rows)
        )
    return found


# --- rows of the record ----------------------------------------------------------------------------------


def _rows_of_all(results: gates.Results) -> tuple[records.MetricRow, ...]:
    tested = [label for label in results.metrics if results.whole[label].tested]
    adjusted = dict(zip(tested, holm([_p(results.whole[label]) for label in tested]), strict=True))
    return tuple(
        _row(results, label, results.whole[label], None, adjusted.get(label, 1.0), max(1, len(tested)))
        for label in results.metrics
    )


def _rows_of_slices(results: gates.Results) -> tuple[records.MetricRow, ...]:
    """Of the slices that are large enough to be judged, one family a gate, and one of all that none is about.

    The same families as the gates' own: what blocks a candidate is not called undecided further down.
    """
    every = [
        (part, label)
        for parts in results.slices.values()
        for part in parts
        for label, metric in results.metrics.items()
        if metric.family != "reported"  # a number of all rows
    ]
    judged = [(part, label) for part, label in every if part.judged(label)]
    families: dict[str, list[tuple[gates.SliceResult, str]]] = {}
    for part, label in judged:
        families.setdefault(_family(results.model, part, label), []).append((part, label))
    adjusted = {
        (part.ref.column, part.ref.value, label): (p_value, len(family))
        for family in families.values()
        for (part, label), p_value in zip(
            family, holm([_p(part.measured[label]) for part, label in family]), strict=True
        )
    }
    rows = []
    for part, label in every:
        found = part.measured[label]
        if found.rows < part.min_rows and found.difference is not None:
            note = f"fewer than {digits.counted(part.min_rows)}"
            found = Measured(
                found.rows, found.candidate, found.baseline, found.contrasts, enough=False, note=note
            )
        p_value, size = adjusted.get((part.ref.column, part.ref.value, label), (1.0, 1))
        rows.append(_row(results, label, found, part.ref, p_value, size))
    return tuple(rows)


def _family(model: config.Model, part: gates.SliceResult, label: str) -> str:
    """The gate that compares this metric on this slice; nothing where none does."""
    return next(
        (
            gate.path
            for gate in model.gates
            if gate.slices == part.ref.column
            and gate.metric.label == label
            and (gate.no_worse_than or gate.better_by or gate.within)
            and (not gate.only or part.ref.value in gate.only)
        ),
        "",
    )


def _row(
    results: gates.Results,
    label: str,
    measured: Measured,
    part: records.SliceRef | None,
    p_value: float,
    family: int,
) -> records.MetricRow:
    metric = results.metrics[label]
    margin = _margin(results.model, label, part.column if part else None)
    said = decide.answer(
        metric, measured, margin, p_value=p_value, same_model=results.same_model, family=family
    )
    return records.MetricRow(
        metric=label,
        slice=part,
        rows=measured.rows,
        higher_is_better=metric.higher_is_better,
        candidate=measured.candidate,
        baseline=measured.baseline,
        difference=None if measured.difference is None else measured.difference.estimate,
        interval=decide.shown_interval(metric, measured, decide.CONFIDENCE),
        verdict=said.verdict,
        note=said.note,
    )


def _p(measured: Measured) -> float:
    return measured.difference.p_value() if measured.difference is not None and measured.tested else 1.0


def _notes(results: gates.Results, cluster_count: int) -> list[str]:
    found = []
    if results.same_model:
        found.append("Candidate and baseline are the same model file: it can be not worse, never better.")
        if not all(measured.identical for measured in results.whole.values()):
            found.append("Yet they answered differently: the predictor is not deterministic.")
    found += gates.too_small(results)
    data = results.model.data
    if cluster_count and data.group:
        found.append(
            f"Intervals allow for rows of the same {data.group} being alike"
            f" ({digits.counted(cluster_count, 'groups')})."
        )
    elif cluster_count and data.time:
        found.append(
            f"Intervals allow for rows close in {data.time} being alike"
            f" ({digits.counted(cluster_count, 'blocks')})."
        )
    if data.weight:
        found.append(f"Rows count by the column {data.weight}.")
    titles = {label: wording.title(metric) for label, metric in results.metrics.items()}
    resampled = [titles[label] for label, metric in results.metrics.items() if metric.interval == "bootstrap"]
    tested = sum(measured.tested for measured in results.whole.values())
    for label, metric in results.metrics.items():
        test, name = results.whole[label].mcnemar, wording.capital(titles[label])
        if test is not None:
            found.append(f"{name}: {test.told()}, before the correction for {tested} metrics.")
        elif "test" in metric.params and results.whole[label].difference is not None:
            found.append(f"{name}: McNemar's test needs independent rows that weigh alike; left out here.")
    leaning = wording.capital(", ".join(titles[label] for label in _skewed(results)))
    if leaning:
        found.append(
            f"{leaning}: skewed on some rows; there an interval reaches as far as the bootstrap-t"
            f" (seed {SEED}), where that is further than Student's t."
        )
    if resampled:
        found.append(f"The intervals of {', '.join(resampled)} are by the bootstrap, seed {SEED}.")
    return found


def _skewed(results: gates.Results) -> list[str]:
    """The metrics of which an interval that is shown is by the bootstrap-t."""
    measured = [results.whole, *(part.measured for parts in results.slices.values() for part in parts)]
    floors = {gate.metric.label for gate in results.model.gates if gate.with_confidence}
    return [
        label
        for label in results.metrics
        if any(
            found is not None and found.skew is not None
            for one in measured
            if one[label].enough
            for found in (
                one[label].difference,
                one[label].contrasts.get(ALONE) if label in floors else None,
            )
        )
    ]
