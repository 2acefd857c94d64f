"""The click group. Sub-commands are named here and imported only when one is called."""

from __future__ import annotations

import importlib

import click

from modelrail import __version__

# Name -> (module under modelrail.commands, one line for --help). The same names are the action folders.
COMMANDS = {
    "init": ("init", "Write modelrail.yaml and the caller workflows into this repository."),
    "validate-data": ("validate_data", "Check the data files against their schema."),
    "train": ("train", "Train the candidate in the user's environment."),
    "evaluate": ("evaluate", "Score candidate and baseline on the same test rows."),
    "score-sealed": ("score_sealed", "Score candidate and baseline on a sealed test set; the verdict."),
    "compare": ("compare", "Compare the scores and apply the gates."),
    "report": ("report", "Render the report; post it on the pull request."),
    "register": ("register", "Register a candidate that passed: tag, release, evidence."),
    "promote": ("promote", "Put a registered version into a stage."),
    "rollback": ("rollback", "Put an earlier version back into a stage."),
    "unassign": ("unassign", "Empty a stage."),
    "deregister": ("deregister", "Take a version back."),
    "deprecate": ("deprecate", "Say that nobody shall begin to use a model."),
    "verify": ("verify", "Whether tags, ledger and files tell one story."),
    "show": ("show", "What is registered, and what is in which stage."),
    "which": ("which", "The version a selector means, for scripts."),
    "describe": ("describe", "Everything about one version: made of what, measured how, by whom."),
    "fetch": ("fetch", "The model file of a version, its bytes checked."),
    "diff": ("diff", "What differs between two versions."),
    "history": ("history", "The events of a model, newest first."),
    "gates": ("gates", "What each gate needs, and how far the last comparison is."),
    "doctor": ("doctor", "Check this repository and its settings on GitHub."),
    "act": ("act", "Run this repository's workflows on this machine with act."),
    "hub": ("hub", "The local GitHub stand-in."),
}


class LazyGroup(click.Group):
    """Knows every sub-command's name and help line without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"modelrail.commands.{COMMANDS[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 - a contract of our own modules
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None
            raise


@click.group(cls=LazyGroup, context_settings={"auto_envvar_prefix": "MODELRAIL", "max_content_width": 110})
@click.version_option(__version__, prog_name="modelrail")
def cli() -> None:
    """Take a model from pull request to production and back, with Git as the registry of record."""
