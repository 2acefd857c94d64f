"""Whether evidence carries a version into the registry or into a stage. A missing answer is never a yes."""

from __future__ import annotations

from modelrail import records
from modelrail.config import resolved as config
from modelrail.core.policy import rules as policy
from modelrail.core.registry.history import ModelState, Registered
from modelrail.errors import ConflictError, GateError, RecordError, RefusedError


def gate_counts(comparison: records.Comparison) -> tuple[int, int]:
    """How many gates passed, of how many."""
    return sum(gate.outcome == "pass" for gate in comparison.gates), len(comparison.gates)


def passed(evidence: records.Evidence) -> None:
    """The verdict is `pass`, and the gates below it say so too. Raises GateError, RecordError."""
    comparison = evidence.comparison
    if comparison.verdict != "pass":
        raise GateError(
            f"The verdict on {evidence.model} is {comparison.verdict}.",
            why=comparison.headline,
            next="Only `pass` is registered or promoted; the report names the gates that decided.",
        )
    held = [gate for gate in comparison.gates if gate.blocks]
    if held:
        raise RecordError(
            f"The evidence of {evidence.model} says `pass`, its gate {held[0].path} {held[0].outcome}.",
            next="Run `modelrail compare` again; a record that contradicts itself is not used.",
        )


def consistent(
    evidence: records.Evidence,
    *,
    candidate: records.Candidate,
    evaluation: records.Evaluation,
    comparison: records.Comparison,
    evaluation_digest: str,
) -> None:
    """The four records speak of one candidate and one evaluation. Raises RecordError naming what differs."""
    checks = (
        (evidence.candidate == candidate, "evidence.json holds another candidate than candidate.json"),
        (evidence.evaluation == evaluation, "evidence.json holds another evaluation than evaluation.json"),
        (evidence.comparison == comparison, "evidence.json holds another comparison than comparison.json"),
        (comparison.evaluation == evaluation_digest, "comparison.json was made from another evaluation.json"),
    )
    _hold(checks)
    self_consistent(evidence)


def self_consistent(evidence: records.Evidence) -> None:
    """The parts of one evidence record speak of the same model file. Raises RecordError."""
    names = {
        evidence.model,
        evidence.candidate.model,
        evidence.evaluation.model,
        evidence.comparison.model,
        evidence.data.model if evidence.data else evidence.model,
    }
    scored = evidence.evaluation.candidate
    _hold(
        (
            (len(names) == 1, f"its records speak of several models: {', '.join(sorted(names))}"),
            (
                scored.model_digest == evidence.candidate.file.digest,
                f"the scored file is {scored.model_digest}, the candidate's {evidence.candidate.file.digest}",
            ),
            (scored.role == "candidate", "the scored candidate is called a baseline"),
        )
    )


def _hold(checks: tuple[tuple[bool, str], ...]) -> None:
    for holds, what in checks:
        if not holds:
            raise RecordError(
                f"The evidence does not hold together: {what}.",
                next="Run `modelrail evaluate` and `modelrail compare` again, in one run.",
            )


def judged_by(evidence: records.Evidence, model: config.Model) -> None:
    """The gates that were applied are those of this policy. Raises RefusedError.

    The records come from a job that ran the model's own code: what that may have made of modelrail.yaml on
    its disk does not count.
    """
    wanted, found = policy.digest(model), evidence.comparison.policy
    if found.digest != wanted:
        raise RefusedError(
            f"The evidence of {evidence.model} was judged by other rules than those of this checkout.",
            why=f"Its gates and stages: {found.digest}, of {found.commit[:10]}; here: {wanted}.",
            next="Run `modelrail compare` again with this modelrail.yaml.",
        )


def first_allowed(evidence: records.Evidence, model: config.Model) -> None:
    """Without a baseline only a stage with `first: allowed` is entered. Raises RefusedError."""
    baseline = evidence.evaluation.baseline_ref
    stage = model.stage(baseline.stage)
    if baseline.status == "absent" and (stage is None or stage.first != "allowed"):
        raise RefusedError(
            f"{evidence.model} was measured without a baseline: {baseline.stage} was empty.",
            why=f"The policy does not allow a first version: stages.{baseline.stage}.first is not `allowed`.",
            next=f"Write `{baseline.stage}: {{..., first: allowed}}` in modelrail.yaml to begin.",
        )


def answers(
    evidence: records.Evidence, state: ModelState, version: str, stage: str, model: config.Model
) -> None:
    """The evidence was measured against what its stage holds now. Raises ConflictError, RefusedError.

    Measured against a later stage of the policy, a version may also enter an earlier one (against production,
    it may enter staging), never the other way round.
    """
    first_allowed(evidence, model)
    baseline = evidence.evaluation.baseline_ref
    again = f"Run:  modelrail evaluate {state.model}@{version} --against {stage}"
    if baseline.stage != stage:
        names = [known.name for known in model.stages]
        if not (baseline.stage in names and stage in names) or names.index(baseline.stage) < names.index(
            stage
        ):
            raise RefusedError(
                f"{version} was measured against {baseline.stage}, which does not admit to {stage}.",
                next=again,
            )
        again = f"Run:  modelrail evaluate {state.model}@{version} --against {baseline.stage}"
    current = state.stages.get(baseline.stage)
    same = (
        current is None
        if baseline.status == "absent"
        else current is not None
        and (current.version, current.sequence) == (baseline.version, baseline.sequence)
    )
    if same:
        return
    was = (
        "an empty stage" if baseline.status == "absent" else f"{baseline.version} (event {baseline.sequence})"
    )
    now = f"now {current.version} (event {current.sequence})" if current else "empty now"
    raise ConflictError(
        f"{version} was measured against {was}; {baseline.stage} is {now}.",
        why="Its evidence no longer answers the question.",
        next=again,
    )


def belongs(evidence: records.Evidence, digest: str, registered: Registered, model: str) -> None:
    """The evidence is about this version: that of its registration, or a later measurement of the same bytes.

    Raises RecordError otherwise.
    """
    self_consistent(evidence)
    version = registered.version
    failure: RecordError | None = None
    if evidence.model != model:
        failure = RecordError(f"The evidence is about the model {evidence.model!r}, not {model!r}.")
    elif not registered.model_digest or evidence.candidate.file.digest != registered.model_digest:
        failure = RecordError(
            f"The evidence is about other bytes than {model} {version}.",
            why=f"Evidence: {evidence.candidate.file.digest}; tag: {registered.model_digest or 'none'}.",
        )
    elif digest != registered.evidence_digest and evidence.evaluation.candidate.version != version:
        failure = RecordError(
            f"This is neither the evidence that {registered.event.tag} names nor a new measurement of it.",
            why=f"Evidence: {digest}; tag: {registered.evidence_digest or 'none'}.",
            next=f"Run:  modelrail evaluate {model}@{version}",
        )
    if failure is not None:
        raise failure
