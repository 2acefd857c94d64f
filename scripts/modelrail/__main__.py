"""Turns an error into message + annotation + exit code. Nothing else may call `sys.exit`."""

from __future__ import annotations

import gc
import io
import os
import sys

from modelrail import errors


def run() -> int:
    """The program. What a start makes stays to the end: looking for garbage in it takes a tenth of it."""
    gc.set_threshold(50_000)  # objects that are new, some more than a start makes
    try:
        return main()
    finally:
        gc.freeze()  # the interpreter looks once more when it ends


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (see errors.py)."""
    from modelrail import settings

    _writable()
    if not settings.in_ci():
        return _run(arguments)
    from modelrail.adapters import inert_stream

    with inert_stream.guarded():
        return _run(arguments)


def _writable() -> None:
    """A code page without our signs (Windows-1252, ASCII) stops nothing.

    A terminal shows `?` in their place; a file or pipe gets UTF-8, which pages and records say that they are.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")


def _run(arguments: list[str] | None) -> int:
    import click

    from modelrail.cli import cli

    try:
        result = cli.main(args=arguments, prog_name="modelrail", standalone_mode=False)
    except errors.ModelrailError as error:
        return _fail(error)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        _annotate_usage(error.format_message())
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        return errors.INTERRUPTED
    except BrokenPipeError:  # `modelrail history | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(
            errors.FilesystemError(
                f"{error.strerror or error}: {error.filename or 'a file'}",
                next="Check free space and permissions; nothing was written half-way.",
            )
        )
    return result if isinstance(result, int) else 0


def _annotate_usage(message: str) -> None:
    from modelrail import settings

    if settings.in_ci():
        from modelrail.adapters import actions_io

        actions_io.annotate("error", message, title=f"modelrail: {errors.UsageError.kind}")


def _fail(error: errors.ModelrailError) -> int:
    from modelrail import settings
    from modelrail.adapters import actions_io

    actions_io.report_error(error, in_ci=settings.in_ci())
    return error.code


if __name__ == "__main__":
    raise SystemExit(run())
