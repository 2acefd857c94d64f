"""The base commit of a pull request: whose modelrail.yaml is the policy."""

from __future__ import annotations

import contextlib
from pathlib import Path

from modelrail.adapters import git
from modelrail.commands import _context
from modelrail.config import resolved as modelrail_config
from modelrail.errors import ConfigError, ModelrailError, RecordError


def commit(context: _context.Context) -> str:
    """The base of the pull request that this run is about; "" outside of one."""
    pull_request = context.settings.pull_request
    if pull_request is None or context.settings.event_name not in {"pull_request", "pull_request_target"}:
        return ""
    base = pull_request.get("base")
    found = base.get("sha") if isinstance(base, dict) else None
    if not isinstance(found, str) or not found:
        raise RecordError("The pull_request event names no base commit.", next="Give --policy-ref COMMIT.")
    return found


def model(repository: git.Git, commit: str, config_file: str, name: str) -> modelrail_config.Model | None:
    """As that commit's file has it; None where it has no such model. Raises ConfigError."""
    from modelrail.config import check as config_check

    place = Path(config_file)
    if place.is_absolute():
        place = place.relative_to(repository.root)
    data = repository.file_at(commit, f"./{place.as_posix()}")
    if data is None:
        return None
    try:
        loaded = config_check.parse(data.decode("utf-8-sig"), config_file)
    except (ConfigError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{config_file} of the base commit {commit[:7]} cannot be read as a policy.",
            why=str(error),
            next="Mend it on the base branch first; a policy that cannot be read is not taken as none.",
            file=config_file,
        ) from None
    return loaded.model(name)


def columns(
    head: modelrail_config.Model, context: _context.Context, repository: git.Git, config_file: str
) -> list[str]:
    """What the base's policy reads of the test table; `compare` says what it makes of a base without one.

    A change that takes a slice, a weight or a group out of modelrail.yaml is judged by the base's rules, and
    these need the column still.
    """
    from modelrail.core.rows import columns as read_columns

    with contextlib.suppress(ModelrailError):
        base = commit(context)
        found = model(repository, base, config_file, head.name) if base else None
        return [] if found is None else read_columns.of(found)
    return []
