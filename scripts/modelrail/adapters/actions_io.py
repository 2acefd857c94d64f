"""What a step says to its runner: annotations, outputs, the job summary. On a laptop: plain stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from modelrail.adapters import inert_stream
from modelrail.errors import ConfigError, ConfigFault, ModelrailError
from modelrail.settings import Settings

MAX_SUMMARY_BYTES = 1024 * 1024 - 1024  # GitHub drops a summary over 1 MiB without failing the step

ANNOTATED_LINES = 8  # of what a failed program printed last


def say(text: str) -> None:
    """A line for the person who watches; results go to stdout, everything else to stderr."""
    print(inert_stream.lines(text), file=sys.stderr, flush=True)  # noqa: T201


def outputs(settings: Settings, values: Mapping[str, str | int | bool]) -> None:
    """Step outputs as plain strings. A random delimiter keeps a value from being read as another output."""
    if settings.output_file is None:
        return
    lines = []
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        mark = f"modelrail-{os.urandom(16).hex()}"
        lines.append(f"{name}<<{mark}\n{text}\n{mark}\n")
    with settings.output_file.open("a", encoding="utf-8") as stream:
        stream.write("".join(lines))


def summary(settings: Settings, markdown: str) -> bool:
    """Append to the job summary; False when it does not fit (the caller then writes a shorter one)."""
    if settings.summary_file is None:
        return True
    data = (markdown.rstrip("\n") + "\n").encode()
    present = settings.summary_file.stat().st_size if settings.summary_file.exists() else 0
    if present + len(data) > MAX_SUMMARY_BYTES:
        return False
    with settings.summary_file.open("ab") as stream:
        stream.write(data)
    return True


def annotate(level: str, message: str, *, title: str = "", file: str = "", line: int = 0) -> None:
    """A workflow command on stdout, its data escaped so that no text can start another command."""
    sys.stdout.flush()
    stream = getattr(sys.stdout, "commands", sys.stdout)  # past what keeps other texts from being commands
    properties = [
        f"{name}={_property(value)}"
        for name, value in (("title", title), ("file", file), ("line", str(line) if line else ""))
        if value
    ]
    print(f"::{level} {','.join(properties)}::{_data(message)}", file=stream, flush=True)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _fault(fault: ConfigFault) -> str:
    place = f"{fault.path}: " if fault.path else ""  # of the whole file
    return f"{place}{fault.what} {fault.hint}".strip()


def report_error(error: ModelrailError, *, in_ci: bool, stream: TextIO | None = None) -> None:
    """Message on stderr; in CI also an annotation at the place in the user's file."""
    out = stream or sys.stderr
    lines = [f"✗ {error.what}"]
    if isinstance(error, ConfigError) and error.faults:
        for fault in error.faults:
            where = f"{fault.file}:{fault.line}: " if fault.file and fault.line else ""
            lines.append(f"  {where}{_fault(fault)}")
    elif error.path:
        place = f"{error.file}:{error.line}" if error.line else error.file
        lines.append(f"  at {error.path}" + (f" ({place})" if place else ""))
    lines += [f"  {line}" for part in (error.why, error.next) if part for line in part.splitlines()]
    if error.tail:
        lines += ["  its last lines:", *(f"  | {line}" for line in error.tail.splitlines())]
    # Text that quotes a user's file or program must not start a workflow command.
    print("\n".join(inert_stream.lines(line) for line in lines), file=out, flush=True)
    if in_ci:
        title = f"modelrail: {error.kind}"
        if isinstance(error, ConfigError) and error.faults:
            for fault in error.faults[:10]:
                annotate("error", _fault(fault), title=title, file=fault.file, line=fault.line)
        else:
            last = "\n".join(error.tail.splitlines()[-ANNOTATED_LINES:])
            text = f"{error}\n\n{last}" if last else str(error)
            annotate("error", text, title=title, file=error.file, line=error.line)
