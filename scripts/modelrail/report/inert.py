"""Untrusted text made inert: whatever it holds, it is shown as plain characters and does nothing.

A name in a record can come from a pull request of a stranger. GitHub reads our comment as Markdown with HTML,
then turns `@team`, `#123`, commits, URLs and `:emoji:` of the remaining text into links and notifications:

- characters that mean something to Markdown or HTML become numeric entities (these also work inside HTML
  blocks, where backslashes do not);
- a zero-width space of ours stands in whatever GitHub would link by itself;
- line breaks become spaces; control, bidirectional and invisible characters become visible codes.

Only `Raw` text passes the templates unchanged, and only this package's own code makes it (see render.py).
"""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 400  # characters of one piece of text
_BREAK = "&#8203;"  # zero-width space
_INVISIBLE = frozenset(
    "\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5"
)  # look like nothing, class says otherwise
_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_COMBINING = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS = re.compile(f"({_COMBINING}{{3}}){_COMBINING}+")  # stacked so high that they cover other lines
_ORDINARY = re.compile(r"[!-~]+(?: [!-~]+)*")  # ASCII, single blanks
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_SPACE = re.compile(r"\s+")
_LINKED = re.compile(r"(?i)GH(?=-\d)|www(?=\.)|(?:https?|ftp|mailto|xmpp)(?=:)")
# A commit's name, or what GitHub takes for one: seven digits or more. Decimals are none.
_COMMIT = re.compile(r"(?i)(?<![0-9a-z])(?<![0-9][.,])[0-9a-f]{7,40}(?![0-9a-z])")
_PART = re.compile(r"[0-9A-Fa-f]{6}(?=.)")  # of it, too short for one
_EMOJI = re.compile(r":(?=[a-zA-Z0-9_+-]+:)")
_LEADING_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|\Z)")
# Inside a word `_` is plain; everywhere else it may begin emphasis.
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_SPECIAL = frozenset("\\`*[]<>&|~$")
_CODE = re.compile(r"[A-Za-z0-9._/=+,:;%()\[\]\u2212 -]+")


class Raw(str):
    """Markdown that this package made itself. Joined with anything else it is a plain str again."""

    __slots__ = ()


def visible(text: str, limit: int = MAX_TEXT) -> str:
    """One line of text in which nothing is hidden: for terminals, and the first step of `inert`."""
    if _ORDINARY.fullmatch(text):  # most are: nothing in them to look at
        return clip(text, limit)
    text = _ANSI.sub("", text[: 4 * limit])
    shown = "".join(_visible(char) for char in _SPACE.sub(" ", text).strip())
    return clip(_MARKS.sub(r"\1…", shown), limit)


def _visible(char: str) -> str:
    if char == "\ufe0f":  # asks for the emoji form of the character before it
        return ""
    category = unicodedata.category(char)
    if category in _CATEGORIES or char in _INVISIBLE:
        return f"⟨U+{ord(char):04X}⟩"
    return " " if category in {"Zs", "Zl", "Zp"} else char


def clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def inert(text: object, limit: int = MAX_TEXT) -> Raw:
    """Text for any place in our Markdown outside code: paragraph, table cell, summary of a fold."""
    plain = visible(str(text), limit)
    plain = _LINKED.sub(lambda found: found.group() + "\0", plain)
    plain = _COMMIT.sub(lambda found: _PART.sub(lambda part: part.group() + "\0", found.group()), plain)
    plain = _EMOJI.sub(":\0", plain)
    plain = _UNDERSCORE.sub("\1", plain)
    out = "".join(_entity(char) for char in plain)
    # At the start of a line, a list, a heading's underline or a rule could begin.
    if plain[:1] in {"-", "+", "=", "\u2022"} and plain[1:2] in {"", " ", plain[:1]}:
        out = f"&#{ord(plain[0])};{out[1:]}"
    number = _LEADING_NUMBER.match(out)
    return Raw(f"{number[1]}&#{ord(number[2])};{out[number.end() :]}" if number else out)


def _entity(char: str) -> str:
    if char == "\0":
        return _BREAK
    if char == "\1":
        return "&#95;"
    if char in "@#":
        return f"{'&#64;' if char == '@' else '&#35;'}{_BREAK}"
    return f"&#{ord(char)};" if char in _SPECIAL else char


def code(text: object, limit: int = 120) -> Raw:
    """Text as code, for names. Plain backticks where that is surely safe, else the HTML form."""
    plain = visible(str(text), limit)
    if not plain:
        return Raw("")
    if _CODE.fullmatch(plain):
        return Raw(f"`{plain}`")
    return Raw(f"<code>{inert(plain, limit)}</code>")


def code_html(text: object, limit: int = 120) -> Raw:
    """Text as code inside an HTML block, where Markdown's backticks are not read."""
    return Raw(f"<code>{inert(text, limit)}</code>")


def fenced(text: str, lines: int, limit: int = 4000) -> Raw:
    """The last `lines` lines of a program's output, in a fence longer than any run of backticks in it."""
    kept = [program_line(line) for line in text.replace("\r\n", "\n").split("\n")][-lines:]
    body = "\n".join(kept)
    while len(body) > limit and len(kept) > 1:
        kept = kept[1:]
        body = "\n".join(kept)
    body = body[-limit:]
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return Raw(f"{fence}text\n{body}\n{fence}")


def program_line(line: str) -> str:
    """One line of a program's output, its indentation kept, nothing hidden in it."""
    # Of a progress bar, what stood there last.
    line = _ANSI.sub("", line).rsplit("\r", 1)[-1].replace("\t", "    ")
    return _MARKS.sub(r"\1…", "".join(char if char == " " else _visible(char) for char in line))[
        :400
    ].rstrip()


_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~/%+=@:-]*)?"
    r"(?:\?[A-Za-z0-9._~/%+=@:&-]*)?(?:#[A-Za-z0-9._-]*)?"
)


def unbroken(text: str) -> Raw:
    """`+0.011 (+0.006 … +0.016)` with no line break inside the interval."""
    return Raw(inert(text).replace(" … ", "&nbsp;…&nbsp;"))


def is_url(text: str) -> bool:
    """An http(s) URL of plain characters: it can stand in an attribute as it is."""
    return _URL.fullmatch(text) is not None


def link(label: object, url: str) -> Raw:
    """A link to a URL that the surroundings gave (never a record); only the label when it is not one."""
    return Raw(f"[{inert(label)}]({url})") if _URL.fullmatch(url) else inert(label)
