"""Text in which nothing is hidden, for a terminal, a page or a picture; for Markdown see inert.py.

Control, bidirectional and invisible characters become visible codes, line breaks become spaces.
"""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 400  # characters of one piece of text
_INVISIBLE = frozenset(
    "\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5"
)  # look like nothing, class says otherwise
_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_COMBINING = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_ORDINARY = re.compile(r"[!-~]+(?: [!-~]+)*")  # ASCII, single blanks
# Compiled where they are needed: few texts do, and every start would pay for it.
_MARKS = f"({_COMBINING}{{3}}){_COMBINING}+"  # stacked so high that they cover other lines
_ANSI = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])"


def visible(text: str, limit: int = MAX_TEXT) -> str:
    """One line of text in which nothing is hidden."""
    if _ORDINARY.fullmatch(text):  # most are: nothing in them to look at
        return clip(text, limit)
    text = re.sub(_ANSI, "", text[: 4 * limit])
    shown = "".join(_visible(char) for char in re.sub(r"\s+", " ", text).strip())
    return clip(re.sub(_MARKS, r"\1…", shown), limit)


def _visible(char: str) -> str:
    if char == "\ufe0f":  # asks for the emoji form of the character before it
        return ""
    category = unicodedata.category(char)
    if category in _CATEGORIES or char in _INVISIBLE:
        return f"⟨U+{ord(char):04X}⟩"
    return " " if category in {"Zs", "Zl", "Zp"} else char


def clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def program_line(line: str) -> str:
    """One line of a program's output, its indentation kept, nothing hidden in it."""
    # Of a progress bar, what stood there last.
    line = re.sub(_ANSI, "", line).rsplit("\r", 1)[-1].replace("\t", "    ")
    return re.sub(_MARKS, r"\1…", "".join(char if char == " " else _visible(char) for char in line))[
        :400
    ].rstrip()
