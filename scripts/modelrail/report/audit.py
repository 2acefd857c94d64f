"""The audit export: CSV that no spreadsheet runs, and one HTML page that needs nothing beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from modelrail.core.registry import approvals
from modelrail.core.registry.audit import COLUMNS, moment
from modelrail.core.registry.history import ModelState
from modelrail.core.registry.tags import one_line

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def to_html(
    states: Mapping[str, ModelState],
    rows: Sequence[Mapping[str, Any]],
    *,
    now: int,
    repository: str,
    tip: str,
) -> str:
    """One page, everything in it escaped, no script, nothing loaded."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("modelrail.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("audit.html.j2").render(
        models=[_model(state) for state in states.values()],
        rows=[
            {**row, "link": _web(row["run"]), "unknown": approvals.unknown(row["approvals"])} for row in rows
        ],
        stages=sorted({stage for state in states.values() for stage in state.stages}),
        made=moment(now),
        repository=one_line(repository, 200),
        tip=tip,
    )


def _model(state: ModelState) -> dict[str, Any]:
    return {
        "name": one_line(state.model),
        "latest": state.latest.version if state.latest else "",
        "deprecated": state.deprecated is not None,
        "versions": sum(found.event.kind == "register" for found in state.versions.values()),
        "stages": {
            name: {
                "version": ", ".join(one_line(one.version, 40) for one in state.standing(name)),
                "since": moment(there.event.time),
            }
            for name, there in state.stages.items()
        },
    }


def _web(text: str | None) -> str:
    """An address that may be linked to, else nothing: a tag can say `javascript:` too."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return ""
    return text or "" if parts.scheme in {"http", "https"} and parts.netloc else ""
