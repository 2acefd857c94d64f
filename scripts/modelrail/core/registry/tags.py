"""Registry tags: GTO's grammar, and the message that says why. Format, parse and patterns stand side by side.

    NAME@v1.2.3     register        NAME#STAGE#N    assign
    NAME@v1.2.3!    deregister      NAME#STAGE!#N   unassign
    NAME@deprecated

GTO can write a counter after every form, and leave it out of an assign: both are read. A name with a folder,
`dir:name` in GTO, stands as `dir=name` in the tag.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from modelrail.core.registry.versions import SEMVER, is_version

Kind = Literal["register", "deregister", "assign", "unassign", "deprecate"]

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?"
_FOLDER = r"[a-zA-Z0-9\-_./]+="
_NAME_RE = re.compile(rf"{_NAME}\Z")
_TAG_RE = re.compile(
    rf"((?:{_FOLDER})?{_NAME})"
    rf"(?:(?:#({_NAME})|@(v{SEMVER}))(!?)|@(deprecated))"
    r"(?:#([0-9]+))?\Z"
)
MAX_COUNTER_DIGITS = 15  # a tag with a longer one is nobody's event

SUBJECT_LENGTH = 200
VALUE_LENGTH = 1000


class Name(NamedTuple):
    """A tag name, parsed."""

    kind: Kind
    model: str
    version: str | None = None
    stage: str | None = None
    counter: int | None = None


def is_name(text: str) -> bool:
    """Whether a model or stage may be called so: GTO's letters, and no empty part that Git would refuse."""
    return bool(_NAME_RE.match(text)) and "//" not in text


def format_name(name: Name) -> str:
    """The tag of an event. Raises ValueError for names that the grammar cannot say."""
    folder, _, base = name.model.rpartition(":")
    if not is_name(base) or (folder and not re.fullmatch(_FOLDER, folder + "=")):
        raise ValueError(f"{name.model!r} is not a model name: letters, digits, `-`, `_` and `/`")
    model = name.model.replace(":", "=")
    if name.kind == "deprecate":
        tag = f"{model}@deprecated"
    elif name.kind in {"register", "deregister"}:
        if not is_version(name.version or ""):
            raise ValueError(f"{name.version!r} is not a version; write v1.2.3")
        tag = f"{model}@{name.version}{'!' if name.kind == 'deregister' else ''}"
    else:
        if not is_name(name.stage or ""):
            raise ValueError(f"{name.stage!r} is not a stage name: letters, digits, `-`, `_` and `/`")
        tag = f"{model}#{name.stage}{'!' if name.kind == 'unassign' else ''}"
    return tag if name.counter is None else f"{tag}#{name.counter}"


def parse_name(tag: str) -> Name | None:
    """Total: whatever is not a registry tag is None."""
    match = _TAG_RE.match(tag)
    if match is None or "//" in tag:  # which Git lets no ref hold
        return None
    artifact, stage, version, cancel, deprecated, counter = match.groups()
    number = None
    if counter is not None:
        if len(counter) > MAX_COUNTER_DIGITS:
            return None
        number = int(counter)
    model = artifact.replace("=", ":") if "=" in artifact else artifact
    if deprecated:
        return Name("deprecate", model, counter=number)
    if version:
        return Name("deregister" if cancel else "register", model, version=version, counter=number)
    return Name("unassign" if cancel else "assign", model, stage=stage, counter=number)


def prefixes(model: str) -> tuple[str, str]:
    """What every tag of a model begins with; no tag of another model does."""
    in_tag = model.replace(":", "=")
    return f"{in_tag}@", f"{in_tag}#"


# --- messages --------------------------------------------------------------------------------------------

_KEY_RE = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_BLOCK_RE = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*+: .*+(?:\n|\Z))++\Z")  # possessive: never goes back
# What the state is folded from; the rest says why, and is read where that is asked.
_STATE_RE = re.compile(
    r"\n(Version|After|Beside|Unhealthy|Reinstates|Commit|Model-Digest|Evidence-Digest): (.*)"
)


def one_line(text: str, limit: int = VALUE_LENGTH) -> str:
    """Untrusted text as one inert line: no line break, control or text-direction character survives."""
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")  # as most texts are: nothing in them to look at
    clean = text[: limit * 4]
    if not (clean.isascii() and clean.isprintable()):
        clean = "".join(
            " " if char.isspace() or unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
            for char in clean
            if unicodedata.category(char) not in {"Cf", "Cs"}
        )
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def message(subject: str, summary: Iterable[str], trailers: Mapping[str, str]) -> str:
    """Subject, a few lines for people, and the trailers as the last paragraph.

    Every value becomes one line, so that no reason, actor or model name can add a trailer. Lines of the
    summary cannot be taken for trailers: they stand in a paragraph of their own. Empty values are left out.
    """
    for key in trailers:
        if not _KEY_RE.match(key):
            raise ValueError(f"{key!r} cannot be the name of a trailer")
    first = _unsigned(one_line(subject, SUBJECT_LENGTH))
    if not first:
        raise ValueError("a registry tag has a subject")
    body = [_unsigned(line) for line in (one_line(text) for text in summary) if line]
    block = [f"{key}: {value}" for key, raw in trailers.items() if (value := one_line(raw))]
    if not block:
        raise ValueError("a registry tag has at least one trailer")
    parts = [first, *(["\n".join(body)] if body else []), "\n".join(block)]
    return "\n\n".join(parts) + "\n"


def _unsigned(line: str) -> str:
    """A line that begins like a signature would cut off what follows it, for git too."""
    return f"> {line}" if line.startswith("-----") else line


def parse_message(text: str, *, state_only: bool = False) -> tuple[str, dict[str, str]]:
    """Subject and trailers. The trailers are the last paragraph, if every line of it is `Key: value`.

    `state_only`: of the trailers only those that the state is folded from, four times as fast.
    Total. A signature below the message is cut off; of a key that stands twice the first counts.
    """
    signature = text.find("\n-----BEGIN ")
    if signature >= 0:
        text = text[: signature + 1]
    text = text.strip("\n")
    subject, _, _ = text.partition("\n")
    head, separator, last = text.rpartition("\n\n")
    if not separator or not head:
        return subject, {}
    if not _BLOCK_RE.match(last):
        return subject, {}
    if state_only:
        return subject, dict(reversed(_STATE_RE.findall("\n" + last)))
    # Twice as fast as to find them by the expression: a registry has a hundred thousand of these messages.
    found = [line.split(": ", 1) for line in last.split("\n")]
    trailers = dict(found)
    return subject, trailers if len(trailers) == len(found) else dict(found[::-1])
