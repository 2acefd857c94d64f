"""What a policy may depend on beside the numbers: the day, the change, the pull request, the data report."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from modelrail import records
from modelrail.config import resolved as config


@dataclass(frozen=True, kw_only=True)
class Around:
    """None means "not known", and is never taken for the answer that lets more pass."""

    today: dt.date | None = None
    labels: frozenset[str] | None = None  # of the pull request
    data: records.DataReport | None = None
    policy_changes: tuple[str, ...] = ()  # what this change does to the policy, in words


def applies(when: config.When | None, evaluation: records.Evaluation, labels: frozenset[str] | None) -> bool:
    """Whether a gate with this condition applies: all that it names, each by any of its values."""
    if when is None:
        return True
    changed = evaluation.changed
    holds = (
        not when.changed or changed is None or not set(when.changed).isdisjoint(changed),
        not when.stage or evaluation.baseline_ref.stage in when.stage,
        not when.label or labels is None or not labels.isdisjoint(when.label),
    )
    return all(holds)


def told(when: config.When) -> str:
    """Such as: when data or code changed, and the stage is production."""
    parts = [
        *([f"{' or '.join(when.changed)} changed"] if when.changed else []),
        *([f"the stage is {' or '.join(when.stage)}"] if when.stage else []),
        *([f"the pull request is labelled {' or '.join(when.label)}"] if when.label else []),
    ]
    return "when " + ", and ".join(parts)
