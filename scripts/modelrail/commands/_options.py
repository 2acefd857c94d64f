"""Options that several sub-commands share, so that one name means one thing everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

OUT_DEFAULT = "modelrail-out"

config = click.option(
    "--config", default="modelrail.yaml", show_default=True, metavar="FILE", help="The configuration."
)
models = click.option(
    "--model", "models", multiple=True, metavar="NAME", help="Only this model (repeatable); default: all."
)
out = click.option(
    "--out", default=OUT_DEFAULT, show_default=True, metavar="DIR", help="Folder of the record files."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
dry_run = click.option("--dry-run", is_flag=True, help="Print what would be done; change nothing.")

fetch = click.option(
    "--fetch/--no-fetch", default=None,
    help="Read the tags from the remote first. Default: in CI, and in a clone without them.",
)  # fmt: skip

remote = click.option(
    "--remote", default="", metavar="URL", help="Read that repository's registry, without a clone of it."
)
form = click.option(
    "--format", "form", default="", metavar="FIELD",
    help="Print one field of the JSON document, or a line made of several: '{version} {tag}'.",
)  # fmt: skip


def argument(name: str, command: str, **kwargs: Any) -> Callable[[F], F]:
    """A positional argument that an action can also hand over by environment, like the options."""
    envvar = f"MODELRAIL_{command}_{name}".upper().replace("-", "_")
    return click.argument(name, envvar=envvar, **kwargs)
