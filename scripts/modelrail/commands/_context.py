"""What most sub-commands begin with: settings, configuration, chosen models; how a failure is recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from modelrail import records
from modelrail import settings as surroundings_of
from modelrail.adapters import files
from modelrail.adapters.actions_io import say
from modelrail.config import resolved as configuration
from modelrail.errors import FilesystemError, ModelrailError, NotFoundError, RecordError


class Context(Struct, frozen=True):
    settings: surroundings_of.Settings
    config: configuration.Config
    models: tuple[configuration.Model, ...]
    out: Path

    def folder(self, model: configuration.Model) -> Path:
        return files.folder(self.out, model.name)


def open_context(config_file: str, models: Sequence[str], out: str) -> Context:
    """Read settings and configuration; choose the models. Raises ConfigError, NotFoundError."""
    from modelrail.config.check import load

    surroundings = surroundings_of.read()
    loaded = load(surroundings.workspace / config_file)
    return Context(surroundings, loaded, choose(loaded, models), surroundings.workspace / out)


def choose(loaded: configuration.Config, names: Sequence[str]) -> tuple[configuration.Model, ...]:
    """The models of these names, in the file's order; all when none is named."""
    wanted = {part for name in names for part in name.replace(",", " ").split()}
    unknown = sorted(wanted - {model.name for model in loaded.models})
    if unknown:
        known = ", ".join(model.name for model in loaded.models)
        raise NotFoundError(f"modelrail.yaml has no model {unknown[0]!r}.", next=f"It has: {known}.")
    return tuple(model for model in loaded.models if not wanted or model.name in wanted)


@contextlib.contextmanager
def recording(folder: Path, model: str, command: str) -> Iterator[None]:
    """On failure, leave `failure.json` for the report; on success, remove an older one.

    What fails for want of records that an earlier command failed to write leaves that one: it is the cause.
    """
    try:
        yield
    except ModelrailError as error:
        failure = records.Failure(
            model=model, command=command, kind=error.kind, code=error.code, what=error.what[:4000],
            why=error.why[:4000], next=error.next[:4000], path=error.path[:4000], tail=error.tail[-4000:],
                file=error.file[:500], line=error.line,
        )  # fmt: skip
        try:
            if not (isinstance(error, RecordError) and _failed_before(folder, command)):
                files.write(failure, folder)
        except FilesystemError as second:  # a full disk: the first error is the one to be told
            say(f"{second.what} The report will not know why {command} failed.")
        raise
    path = folder / records.Failure.FILE
    if path.is_file():
        path.unlink()


def _failed_before(folder: Path, command: str) -> bool:
    """Whether a command that this one goes by has left its failure."""
    try:
        earlier = files.read(records.Failure, folder).command
    except RecordError:
        return False
    order = ("train", "evaluate", "compare")
    return {earlier, command} <= set(order) and order.index(earlier) < order.index(command)
