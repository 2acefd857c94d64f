"""What stdout can show: colours and a width on a terminal; nothing of the kind in a pipe, a file or CI."""

from __future__ import annotations

import os
import sys

from modelrail.report.terminal import PLAIN, Style
from modelrail.settings import Settings

WIDEST = 160  # a longer line is hard to follow with the eye


def usual(settings: Settings) -> str:
    """The format when none is asked for: text for a person who watches, Markdown for a file or a program."""
    return "text" if sys.stdout.isatty() and not settings.in_ci else "md"


def style(settings: Settings) -> Style:
    if settings.in_ci or not sys.stdout.isatty():
        return PLAIN
    try:
        width = os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:  # a terminal that does not tell
        width = 80
    color = not settings.no_color and settings.environ.get("TERM", "") != "dumb"
    return Style(color=color, width=min(width or 80, WIDEST))
