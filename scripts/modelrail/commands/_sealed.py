"""What `evaluate` leaves where the test set is sealed: word of it, in an evaluation's place."""

from __future__ import annotations

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.actions_io import say
from modelrail.commands import _verbs
from modelrail.commands._context import Context
from modelrail.config import resolved as config


def leave(model: config.Model, context: Context, *, dry_run: bool) -> dict[str, object]:
    """Nothing is scored here: the model file and its record go to `score-sealed`."""
    assert model.data.sealed is not None  # noqa: S101 - the caller asked
    say(f"{model.name}: the test set is sealed ({model.data.sealed}); `modelrail score-sealed` scores.")
    if not dry_run:
        folder = context.folder(model)
        _verbs.discard(
            folder, records.Evaluation, records.Comparison, records.Evidence, records.Lineage, records.Places,
            records.Plots,
        )  # fmt: skip
        run = _verbs.run_ref(context.settings)
        files.write(records.Sealed(model=model.name, sealed=model.data.sealed, run=run), folder)
    return {"sealed": model.data.sealed}
