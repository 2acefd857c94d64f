"""Who asks, what was decided, and the words of the tags that a decision makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from modelrail import plans, records
from modelrail.config import resolved as config
from modelrail.core.policy import waivers
from modelrail.core.registry import admission, lineage, tags
from modelrail.core.registry.approvals import Approvals
from modelrail.core.registry.history import ModelState
from modelrail.errors import RefusedError


class Asked(Struct, frozen=True, kw_only=True):
    """Who asks, why, and when; `operation` names the request so that a repetition is recognised."""

    actor: str
    operation: str
    now: int  # Unix seconds
    reason: str = ""
    run: str = ""
    workflow: str = ""
    approvals: Approvals | None = None  # None: nobody was asked

    def trailers(self) -> dict[str, str]:
        return {
            "Actor": self.actor,
            **(self.approvals.trailers() if self.approvals else {}),
            "Reason": self.reason,
            "Run": self.run,
            "Workflow": self.workflow,
            "Operation": self.operation,
        }


class Decision(Struct, frozen=True, kw_only=True):
    """What shall be, and the tags that make it so (none when it already is)."""

    model: str
    version: str
    changed: bool
    tag: str  # of the event that answers the request, new or old
    stage: str = ""
    sequence: int = 0
    replaced: str = ""
    operation: str = ""
    tags: tuple[plans.Tag, ...] = ()
    entered: tuple[str, ...] = ()  # stages that a registration entered
    documents: tuple[plans.Document, ...] = ()  # for the ledger
    note: str = ""

    @property
    def push(self) -> plans.Plan:
        if not self.tags:
            return ()
        return (plans.PushTags(tags=self.tags, operation=self.operation, documents=self.documents),)


def data_digest(candidate: records.Candidate) -> str:
    """The version of the data that the model is a function of."""
    data = candidate.fingerprint.train or candidate.fingerprint.test
    return data.digest


def assign_tag(
    state: ModelState,
    version: str,
    commit: str,
    stage: str,
    asked: Asked,
    *,
    number: int,
    time: int,
    subject: str,
    summary: Sequence[str],
    facts: Mapping[str, str],
    twin: bool = False,
    beside: Sequence[str] = (),
) -> plans.Tag:
    """`beside`: the versions that stay in the stage."""
    return plans.Tag(
        name=tags.format_name(tags.Name("assign", state.model, stage=stage, counter=number)),
        target=commit,
        time=time,
        twin=twin,
        message=tags.message(
            subject,
            summary,
            {
                "Model": state.model,
                "Version": version,
                "Stage": stage,
                "Sequence": str(number),
                "Replaces": leaving(state, stage, beside),
                "Beside": " ".join(beside),
                **facts,
                **asked.trailers(),
            },
        ),
    )


def may(asked: Asked, rule: config.Stage, what: str) -> None:
    """Whether the policy lets who asks do this (`what`) to the stage. Raises RefusedError."""
    if rule.by and asked.actor.casefold() not in {one.casefold() for one in rule.by}:
        raise RefusedError(
            f"{tags.one_line(asked.actor, 80)} may not {what} {rule.name}.",
            why=f"The policy lets only {', '.join(rule.by)} (stages.{rule.name}.by).",
            next="Ask one of them, or change modelrail.yaml by a pull request.",
        )


def room(state: ModelState, rule: config.Stage, version: str) -> tuple[str, ...]:
    """The versions that stay beside one that enters: the newest, as many as the policy lets stand at once."""
    others = [there.version for there in state.standing(rule.name) if there.version != version]
    return tuple(others[: rule.versions - 1])


def leaving(state: ModelState, stage: str, beside: Sequence[str]) -> str:
    """The versions that an assign takes out of a stage, newest first."""
    return " ".join(there.version for there in state.standing(stage) if there.version not in beside)


def evidence_trailers(evidence: records.Evidence, digest: str) -> dict[str, str]:
    baseline = evidence.evaluation.baseline_ref
    good, all_ = admission.gate_counts(evidence.comparison)
    return {
        "Model-Digest": evidence.candidate.file.digest,
        "Data-Digest": data_digest(evidence.candidate),
        "Evidence-Digest": digest,
        "Baseline": (baseline.version or "") if baseline.status == "present" else "none",
        "Baseline-Sequence": "" if baseline.sequence is None else str(baseline.sequence),
        "Verdict": evidence.comparison.verdict,
        "Gates": f"{good}/{all_}",
        "Waived": waivers.trailer(evidence.comparison.gates),
        "Test-Digest": evidence.evaluation.test.digest,
        lineage.TRAILER: lineage.trailer(evidence.comparison.metrics),
    }


def evidence_summary(evidence: records.Evidence) -> str:
    good, all_ = admission.gate_counts(evidence.comparison)
    counted = f"{good} of {all_} gates passed." if all_ else "No gates."
    headline = evidence.comparison.headline.strip()
    if headline and headline[-1] not in ".!?":
        headline += "."
    return f"{headline} {counted}".strip()


def answered(state: ModelState, event: records.Event, note: str) -> Decision:
    return Decision(
        model=state.model, version=event.version or "", changed=False, tag=event.tag, stage=event.stage or "",
        sequence=event.sequence or 0, replaced=event.trailers.get("Replaces", ""), note=note,
    )  # fmt: skip
