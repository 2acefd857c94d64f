"""What the verbs over data and models share: one model after the other, and the run that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelrail import records
from modelrail.adapters.actions_io import say
from modelrail.commands._context import Context, recording
from modelrail.config import resolved as config
from modelrail.errors import ModelrailError
from modelrail.settings import Settings


def each(
    context: Context,
    verb: str,
    work: Callable[[config.Model], dict[str, object]],
    *,
    record: bool = True,
    place: Callable[[config.Model], Path] | None = None,
) -> tuple[dict[str, dict[str, object]], ModelrailError | None]:
    """Do the work for every chosen model, going on after a failure; the results, and the first error.

    With `record` a failure leaves its record, in `place` or the model's folder; without it (a dry run)
    nothing is written.
    """
    found: dict[str, dict[str, object]] = {}
    first: ModelrailError | None = None
    for model in context.models:
        try:
            if record:
                with recording((place or context.folder)(model), model.name, verb):
                    found[model.name] = work(model)
            else:
                found[model.name] = work(model)
        except ModelrailError as error:
            if len(context.models) > 1:
                named = error.what.startswith(f"{model.name} ")
                say(f"✗ {error.what}" if named else f"✗ {model.name}: {error.what}")
            first = first or error
    return found, first


def discard(folder: Path, *kinds: type[records.Record]) -> None:
    """Remove records of an earlier run that this one makes untrue, before it begins."""
    for kind in kinds:
        (folder / str(kind.FILE)).unlink(missing_ok=True)  # type: ignore[attr-defined]


def shown(path: Path, context: Context) -> str:
    """A path as people and later steps want it: relative to the workspace where it lies below."""
    workspace = context.settings.workspace
    return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else str(path)


def run_ref(settings: Settings) -> records.RunRef:
    """The CI run of the surroundings; empty on a laptop."""
    return records.RunRef(
        url=settings.run_url,
        id=settings.run_id,
        attempt=settings.run_attempt,
        workflow=settings.workflow,
        actor=settings.actor,
        event=settings.event_name,
    )
