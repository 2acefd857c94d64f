"""Step outputs of the verbs that take several models: plain where they are one answer, and all as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from modelrail.adapters import actions_io
from modelrail.settings import Settings

Values = Mapping[str, str | int | bool]


def tell(settings: Settings, by_model: Mapping[str, Values], overall: Values | None = None) -> None:
    """`models` is a JSON object, model -> its outputs. A plain output is what all models agree on, else
    empty: never one model's value in the name of another. `overall` are those that sum the models up.
    """
    if not by_model and not overall:
        return
    values: dict[str, str | int | bool] = {}
    for name in dict.fromkeys(name for found in by_model.values() for name in found):
        said = {found.get(name, "") for found in by_model.values()}
        values[name] = said.pop() if len(said) == 1 else ""
    values |= overall or {}
    values["models"] = json.dumps(by_model, separators=(",", ":"), ensure_ascii=True)
    actions_io.outputs(settings, values)
