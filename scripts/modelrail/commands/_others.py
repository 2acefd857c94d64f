"""Further baselines: registered versions scored beside the candidate, shown and never gated."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelrail import records
from modelrail.adapters import git
from modelrail.adapters.actions_io import say
from modelrail.config import resolved as config
from modelrail.core.registry.history import ModelState, Registered
from modelrail.errors import ModelrailError
from modelrail.settings import Settings

if TYPE_CHECKING:
    from modelrail.adapters.running import predictor


def score(
    model: config.Model,
    state: ModelState,
    question: predictor.Question,
    repository: git.Git,
    settings: Settings,
    config_file: str,
    folder: Path,
) -> tuple[records.Scored, ...]:
    """Those that can be scored. One that cannot is said and left out: nothing hangs on it."""
    found: list[records.Scored] = []
    for registered, label in _wanted(model, state):
        try:
            scored = _score(
                model, registered, question, repository, settings, config_file, folder, len(found)
            )
            found.append(msgspec.structs.replace(scored, label=label))
        except ModelrailError as error:
            say(f"{model.name}: the further baseline {registered.version} is left out: {error.what}")
    return tuple(found)


def _wanted(model: config.Model, state: ModelState) -> Iterator[tuple[Registered, str]]:
    """Each version once, with its name and what it is: `v1.1.0 (latest, best brier)`."""
    wanted: dict[str, list[str]] = {}
    for one in model.baselines:
        if one.kind == "majority":
            continue  # no version: `compare` makes it from the labels
        found, words = _one(model, state, one)
        if found is None:
            named = f"version {one.version}" if one.version else f"{one.kind} version"
            say(f"{model.name}: there is no {named} to show beside the candidate.")
        else:
            wanted.setdefault(found.version, []).extend(words)
    for version, told in wanted.items():
        yield state.versions[version], f"{version} ({', '.join(told)})" if told else version


def _one(
    model: config.Model, state: ModelState, other: config.Other
) -> tuple[Registered | None, tuple[str, ...]]:
    from modelrail.core.metrics import catalog
    from modelrail.core.registry import lineage

    if other.kind == "latest":
        return state.latest, ("latest",)
    if other.kind == "version":
        named = state.versions.get(other.version or "")
        return named if named is not None and named.usable else None, ()
    metric = next((gate.metric for gate in model.gates), None) or next(iter(model.metrics), None)
    if metric is None:
        return None, ()
    known = catalog.bind(metric.name, model.task, metric.params)
    higher = known is None or known.higher_is_better
    return lineage.best(state, metric.label, higher=higher), (f"best {metric.label}",)


def _score(
    model: config.Model,
    registered: Registered,
    question: predictor.Question,
    repository: git.Git,
    settings: Settings,
    config_file: str,
    folder: Path,
    index: int,
) -> records.Scored:
    from modelrail.adapters import evaluation
    from modelrail.adapters.data import kept_tables
    from modelrail.adapters.registry import versions
    from modelrail.adapters.running import predictor
    from modelrail.core.rows import definitions

    with tempfile.TemporaryDirectory(prefix="modelrail-other-") as parent:
        path = versions.model_file(repository, registered, settings, Path(parent))
        with evaluation.registered_side(
            "further baseline", registered, model=model.name, path=path, config_file=config_file,
            settings=settings, git=repository, needs=model.data.needs,
        ) as side:  # fmt: skip
            definitions.same_question(model, side.model, question.truth[model.data.label_columns[0]])
            answer = predictor.score(side, question, settings)
    return records.Scored(
        role="other",
        version=registered.version,
        commit=registered.commit,
        model_digest=registered.model_digest,
        predictions=kept_tables.store(answer.frame, f"other-{index}", folder),
        seconds=round(answer.seconds, 3),
        cached=answer.cached,
    )
