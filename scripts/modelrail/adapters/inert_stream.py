"""What is printed in CI, kept from being read as a workflow command.

The runner reads both streams of a step. It takes a line for a command when it begins with `::` after any
blank, and the older form `##[` anywhere in a line; a lone carriage return ends a line for it; characters
without width do not count. So a blank in front protects nothing: such a line gets a visible mark.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from typing import TextIO, cast

# Control, format and combining characters that the runner's comparison of texts may pass over.
_NOTHING = (
    "\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff"
)
# Compiled with the first line that needs them; on a laptop none does.
_COMMAND = rf"[\s{_NOTHING}]*:[{_NOTHING}]*:"
_OLD = rf"#[{_NOTHING}]*#[{_NOTHING}]*\["
_ENDS = re.compile(r"\r\n|\r|\n")


def line(text: str) -> str:
    """One line (without its end) that starts no command. Applied twice, it is the same."""
    if "[" in text:
        text = re.sub(_OLD, "## [", text)
    if ":" in text and re.match(_COMMAND, text):
        text = f"│ {text}"
    return text


def lines(text: str) -> str:
    """The same for a text of several lines; a lone carriage return becomes an end of line."""
    return "\n".join(line(part) for part in _ENDS.split(text))


class InertStream(io.TextIOBase):
    """Stands before stdout or stderr. `commands` is the stream behind it, for our own annotations alone."""

    def __init__(self, behind: TextIO) -> None:
        self.commands = behind
        self._begun = ""  # of a line that has no end yet

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.commands.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.commands.errors

    def fileno(self) -> int:
        return self.commands.fileno()

    def isatty(self) -> bool:
        return self.commands.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).replace("\r\n", "\n").split("\n")
        if whole:
            self.commands.write("".join(f"{lines(part)}\n" for part in whole))
        return len(text)

    def flush(self) -> None:
        """What is left of a line goes out as a line: the rest of it must not begin one of its own choice."""
        if self._begun:
            self.commands.write(f"{lines(self._begun)}\n")
            self._begun = ""
        self.commands.flush()


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Both streams of this process, for as long as it runs a command in CI."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast("TextIO", InertStream(out)), cast("TextIO", InertStream(err))
    try:
        yield
        sys.stdout.flush()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        sys.stdout, sys.stderr = out, err
