"""From inside a command: another of the tool's own environments, for a library that this one lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelrail.errors import ToolMissingError

# Holds the package; beside it the requirement files, in a checkout.
_SCRIPTS = Path(__file__).resolve().parents[2]


def python(extras: Sequence[str]) -> Path | None:
    """The interpreter of one with these extras, built where there is none; None where this is no checkout.

    Raises ToolMissingError when it cannot be built.
    """
    if not all((_SCRIPTS.parent / "requirements" / f"{extra}.txt").is_file() for extra in extras):
        return None
    from modelrail import toolenv, toolenv_build

    here, wanted = str(_SCRIPTS), tuple(extras)
    try:
        environment = toolenv.find(here, wanted) or toolenv_build.build(
            here, wanted, toolenv.folder(), toolenv.name(here, wanted)
        )
    except toolenv_build.BuildError as error:
        raise ToolMissingError(error.what, why=error.tail, next=error.remedy) from None
    return Path(toolenv.python(environment))
