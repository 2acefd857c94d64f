"""Untrusted text made inert: whatever it holds, it is shown as plain characters and does nothing.

A name in a record can come from a pull request of a stranger. GitHub reads our comment as Markdown with HTML,
then turns `@team`, `#123`, commits, URLs and `:emoji:` of the remaining text into links and notifications:

- characters that mean something to Markdown or HTML become numeric entities (these also work inside HTML
  blocks, where backslashes do not);
- a zero-width space of ours stands in whatever GitHub would link by itself;
- line breaks and what is invisible: see visible.py.

Only `Raw` text passes the templates unchanged, and only this package's own code makes it (see render.py).
"""

from __future__ import annotations

import re

from modelrail.report.visible import MAX_TEXT, program_line, visible

_BREAK = "&#8203;"  # zero-width space
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
