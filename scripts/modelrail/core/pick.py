"""`--format`: one field of a document, or a text with `{field}` in it, as one plain line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelrail.core.registry.tags import one_line
from modelrail.errors import UsageError

_FIELD = re.compile(r"\{([^{}]*)\}")
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\\\": "\\"}
_LIMIT = 4000  # characters of one field


def render(form: str, document: Mapping[str, Any]) -> str:
    """`version` is that field; `{version} by {trailers.Actor}` a line made of several. Raises UsageError."""
    if "{" not in form:
        return text(field(document, form.strip()))
    # Fields first, escapes of the rest: no value can bring a line break or another field.
    parts = _FIELD.split(form)
    return "".join(
        text(field(document, part.strip())) if at % 2 else re.sub(r"\\[tn\\]", lambda m: _ESCAPES[m[0]], part)
        for at, part in enumerate(parts)
    )


def field(document: Any, path: str) -> Any:
    """The value at `a.b.0`. Raises UsageError, naming what there is."""
    value, walked = document, ""
    for name in path.split("."):
        if isinstance(value, Mapping):
            if name not in value:
                if walked.rpartition(".")[2] in {"trailers", "stages"}:
                    return None  # every tag has its own, and a stage may be empty
                raise _unknown(path, name, walked, [str(key) for key in value])
            value = value[name]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            if not (name.isascii() and name.isdigit()) or len(name) > 9:
                raise _unknown(path, name, walked, ["0", "1", "…"])
            value = value[int(name)] if int(name) < len(value) else None
        elif value is None:
            return None
        else:
            raise _unknown(path, name, walked, [])
        walked = f"{walked}.{name}" if walked else name
    return value


def _unknown(path: str, name: str, walked: str, known: Sequence[str]) -> UsageError:
    where = f" in {walked}" if walked else ""
    return UsageError(
        f"--format {one_line(path, 80)}: there is no field {one_line(name, 80)!r}{where}.",
        next=f"Fields: {', '.join(known[:40])}." if known else "It has no fields.",
    )


def text(value: Any) -> str:
    """A value for a line: nothing for null, JSON for what has parts; no control characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return one_line(str(value), _LIMIT)
