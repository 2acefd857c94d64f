"""Further baselines: registered versions scored beside the candidate, shown and never gated."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelrail import config, records
from modelrail.adapters import git
from modelrail.adapters.actions_io import say
from modelrail.core.history import ModelState, Registered
from modelrail.errors import ModelrailError
from modelrail.settings import Settings

if TYPE_CHECKING:
    from modelrail.adapters import predictor


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
    for registered in _wanted(model, state):
        try:
            found.append(
                _score(model, registered, question, repository, settings, config_file, folder, len(found))
            )
        except ModelrailError as error:
            say(f"{model.name}: the further baseline {registered.version} is left out: {error.what}")
    return tuple(found)


def _wanted(model: config.Model, state: ModelState) -> Iterator[Registered]:
    for one in model.baselines:
        if one.kind == "latest" and state.latest is not None:
            yield state.latest
        elif one.kind == "version":
            registered = state.versions.get(one.version or "")
            if registered is None or not registered.usable:
                say(f"{model.name}: there is no version {one.version} to show beside the candidate.")
            else:
                yield registered


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
    from modelrail.adapters import evaluation, predictor, versions

    with tempfile.TemporaryDirectory(prefix="modelrail-other-") as parent:
        path = versions.model_file(repository, registered, settings, Path(parent))
        with evaluation.registered_side(
            "further baseline", registered, model=model.name, path=path, config_file=config_file,
            settings=settings, git=repository, needs=model.data.needs,
        ) as side:  # fmt: skip
            answer = predictor.score(side, question, settings)
    return records.Scored(
        role="other",
        version=registered.version,
        commit=registered.commit,
        model_digest=registered.model_digest,
        predictions=evaluation.store(answer.frame, f"other-{index}", folder),
        seconds=round(answer.seconds, 3),
        cached=answer.cached,
    )
