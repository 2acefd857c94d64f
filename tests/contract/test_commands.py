"""Every command: an example in its help, --json, and --dry-run where it writes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import click
import pytest

from modelrail.cli import COMMANDS

READS = {
    "verify", "show", "which", "describe", "diff", "history", "gates explain", "doctor",
    "hub status",
}  # fmt: skip
# They run something for a person who watches, on this machine, and change nothing that a dry run could name.
RUNS = {"act", "hub serve", "hub start", "hub stop"}


def commands() -> Iterator[tuple[str, click.Command]]:
    for name, (module, _) in COMMANDS.items():
        found = importlib.import_module(f"modelrail.commands.{module}").command
        if isinstance(found, click.Group):
            yield from ((f"{name} {inner}", command) for inner, command in found.commands.items())
        else:
            yield name, found


ALL = dict(commands())


@pytest.mark.parametrize("name", ALL)
def test_the_help_has_an_example_and_the_command_has_json(name: str) -> None:
    command = ALL[name]
    assert command.help
    assert "Example" in (command.epilog or "")
    assert f"modelrail {name}" in (command.epilog or "")
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options


@pytest.mark.parametrize("name", sorted(set(ALL) - READS - RUNS))
def test_what_writes_has_a_dry_run(name: str) -> None:
    assert "--dry-run" in {option for parameter in ALL[name].params for option in parameter.opts}


def test_the_lists_name_commands() -> None:
    assert set(ALL) >= READS | RUNS
