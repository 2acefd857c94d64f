"""`modelrail show`: what is registered, and what is in which stage."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import click

from modelrail import settings
from modelrail.adapters.actions_io import outputs, say
from modelrail.adapters.registry import reading as registry
from modelrail.commands import _options, _reading, _registry
from modelrail.core import pick
from modelrail.core.registry import selectors
from modelrail.core.registry.history import ModelState
from modelrail.report import tables

EPILOG = """\b
Examples:
  modelrail show
  modelrail show delay --format stages.production.version
"""


@click.command("show", epilog=EPILOG)
@_options.argument("model", "show", required=False)
@_options.fetch
@_options.remote
@_options.config
@_options.form
@_options.as_json
def command(
    model: str | None, fetch: bool | None, remote: str, config: str, form: str, as_json: bool
) -> None:
    """Show every model, or MODEL: its latest version and what stands in each stage."""
    if model:
        _registry.check_model_name(model)
    with _reading.place(remote) as place:
        found = place.settings
        configured = {} if place.elsewhere else _configured(found, config)
        named = [model] if model else list(configured) or None
        # People are shown no more than the latest version and the stages.
        read = registry.overview if form or as_json else registry.glance
        states = place.states(model, fetch, named, read=read)
    stages = [stage for known, names in configured.items() if model in {None, known} for stage in names]
    if model and model not in states and model in configured:
        states = {**states, model: ModelState(model=model)}  # nothing of it is registered yet: no error
    if model or len(states) == 1:
        state = selectors.model_state(states, model or next(iter(states)))
        outputs(found, _outputs(state, stages))
    if form:
        documents = _document({model: states[model]} if model else states)
        for name, document in documents.items():
            click.echo(pick.render(form, {"model": name, **document}))
    elif as_json:
        click.echo(json.dumps(_document(states), indent=2, ensure_ascii=False))
    elif states:
        columns = tables.stage_columns(states, stages)
        click.echo(tables.show(states, columns, time.time(), color=_registry.wants_color(found)))
    else:
        say("The registry is empty: no version is registered yet.")


def _configured(found: settings.Settings, file: str) -> dict[str, tuple[str, ...]]:
    """The models of the configuration and their stages; a registry can be shown without one."""
    path = found.workspace / file
    if not path.is_file():
        return {}
    from modelrail.config import names as config_names

    return config_names.read(path)


def _outputs(state: ModelState, stages: list[str]) -> dict[str, str | int | bool]:
    """`version`, `stage-<name>`, and all stages as JSON; a stage that holds nothing is empty, not absent."""
    values: dict[str, str | int | bool] = {"version": state.latest.version if state.latest else ""}
    holds = {}
    for stage in tables.stage_columns({state.model: state}, stages):
        assigned = state.stages.get(stage)
        holds[stage] = assigned.version if assigned else ""
    values |= {f"stage-{stage}": version for stage, version in holds.items()}
    return values | {"stages": json.dumps(holds, separators=(",", ":"))}


def _document(states: Mapping[str, ModelState]) -> dict[str, Any]:
    return {name: _model(state) for name, state in states.items()}


def _model(state: ModelState) -> dict[str, Any]:
    return {
        "latest": state.latest.version if state.latest else None,
        "deprecated": state.deprecated is not None,
        "stages": {
            name: {
                "version": assigned.version,
                "sequence": assigned.sequence,
                "since": assigned.event.time,
                "tag": assigned.event.tag,
                **({"beside": [there.version for there in assigned.beside]} if assigned.beside else {}),
            }
            for name, assigned in state.stages.items()
        },
        "versions": [
            {
                "version": found.version,
                "tag": found.event.tag,
                "commit": found.commit,
                "time": found.event.time,
                "model_digest": found.model_digest or None,
                "evidence_digest": found.evidence_digest or None,
                "unhealthy": found.unhealthy.tag if found.unhealthy else None,
                "deregistered": found.deregistered.tag if found.deregistered else None,
            }
            for found in state.versions.values()
        ],
    }
