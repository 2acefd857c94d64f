"""View -> Markdown within a byte budget.

Forgetting to escape is impossible: every `{{ expression }}` of a template passes `_finalize`, which lets only
`Raw` through, and `Raw` is made by inert.py alone. Too long for the budget, the same template is rendered
again with less room: long tables lose their tails (and say how many rows), then passing gates, then
details of models that pass. Verdict, headline and the worst rows stay to the last.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import jinja2
import msgspec
from msgspec import Struct

from modelrail import records
from modelrail.report import earlier, inert
from modelrail.report.changes import short
from modelrail.report.view import MARKS, WORDS, ModelView, View

MARKER = "<!-- modelrail:report -->"
REGISTER_MARKER = "<!-- modelrail:register -->"
BUDGET = 60_000  # bytes; GitHub takes 65,536 characters of a comment
SUMMARY_BUDGET = 900_000  # bytes; GitHub drops a job summary over 1 MiB
OPEN_METRICS = 12  # a longer table of metrics is folded


class Room(Struct, frozen=True, kw_only=True):
    """How much of each part is shown."""

    gates: int = 20
    metrics: int = 40
    slices: int = 40
    changes: int = 40
    checks: int = 25
    lines: int = 20  # of a failed program
    notes: int = 8
    text: int = 400  # characters of a sentence
    detailed: int = 50  # models with details
    listed: int = 200  # models with a line
    runs: int = 10  # earlier ones of the pull request
    files: int = 12  # changed ones


_WIDE = Room(
    gates=500, metrics=500, slices=500, changes=200, checks=200, files=60, notes=50, detailed=200, listed=1000
)
_ROOMS = (
    Room(),
    Room(gates=15, metrics=15, slices=15, changes=10, checks=8, lines=12, notes=4, detailed=15, listed=100),
    Room(gates=12, metrics=8, slices=8, changes=6, checks=4, lines=8, notes=2, detailed=6, listed=60),
    Room(
        gates=8,
        metrics=5,
        slices=5,
        changes=3,
        checks=3,
        lines=5,
        notes=1,
        text=250,
        detailed=2,
        listed=40,
        runs=5,
    ),
    Room(
        gates=4,
        metrics=2,
        slices=3,
        changes=0,
        checks=1,
        lines=3,
        notes=0,
        text=160,
        detailed=1,
        listed=20,
        runs=3,
    ),
    Room(
        gates=2,
        metrics=0,
        slices=1,
        changes=0,
        checks=0,
        lines=0,
        notes=0,
        text=120,
        detailed=0,
        listed=8,
        runs=0,
    ),
)


_kept: list[tuple[View, int, str]] = []  # the last few: a file, the summary and stdout are the same text


def markdown(view: View, budget: int = BUDGET) -> str:
    """The report as GitHub's Markdown, at most `budget` bytes."""
    for known, size, text in _kept:
        if known is view and size == budget:
            return text
    text = _fitting(view, budget)
    _kept.append((view, budget, text))
    del _kept[:-4]
    return text


def _fitting(view: View, budget: int) -> str:
    template = environment().get_template("comment.md.j2")
    hidden = earlier.line(view.runs)
    for room in (_WIDE, *_ROOMS) if budget > BUDGET else _ROOMS:
        text = _tidy(template.render(view=view, room=room, single=len(view.models) == 1))
        whole = f"{text}\n{hidden}\n" if hidden else text
        if len(whole.encode()) <= budget:
            return whole
        hidden = hidden if len(text.encode()) > budget // 2 else ""
    return f"### {MARKS[view.verdict]} Verdict: {view.verdict}\n\nThe report is too long to be shown here.\n"


def as_json(view: View) -> str:
    """The view for programs: verdicts, reasons, and the comparison records unrounded."""
    document = {
        "schema": "modelrail/report/1",
        "verdict": view.verdict,
        "run": view.run.url,
        "models": [_model_json(model) for model in view.models],
    }
    return json.dumps(document, indent=2, ensure_ascii=True)


def _model_json(model: ModelView) -> dict[str, Any]:
    return {
        "model": model.name,
        "verdict": model.verdict,
        "headline": model.headline,
        "next": model.next,
        "baseline": model.version or None,
        "evidence": model.evidence or None,
        "failure": msgspec.to_builtins(model.failure),
        "comparison": msgspec.to_builtins(model.comparison),
        "line": model.line,
        "files": [msgspec.to_builtins(file) for file in model.files],
        "changes": [msgspec.to_builtins(change) for change in model.changes],
        "lineage": dict(model.lineage),
    }


@functools.cache
def environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("modelrail.report", "templates"),
        autoescape=False,  # noqa: S701 - HTML's rules are not Markdown's; `_finalize` is stricter
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters.clear()  # the built-in ones can join and mark texts as safe; none is needed
    env.filters.update(
        code=inert.code,
        code_html=inert.code_html,
        clip=inert.inert,
        fenced=inert.fenced,
        unbroken=inert.unbroken,
        length=len,
        short=short,
        mark=lambda verdict: inert.Raw(MARKS[verdict]),
    )
    env.globals = {"link": inert.link, "open_metrics": OPEN_METRICS, "words": WORDS}
    return env


def _finalize(value: object) -> str:
    return value if isinstance(value, inert.Raw) else inert.inert(value)


def _tidy(text: str) -> str:
    """No more than one empty line in a row (a template's conditions leave more), save inside a fence."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.removesuffix("text")
        elif not line.strip() and lines and not lines[-1].strip():
            continue
        lines.append(line)
    return "\n".join(lines).strip("\n") + "\n"


def registered_comment(
    model: str,
    *,
    version: str = "",
    stages: tuple[str, ...] = (),
    reason: str = "",
    release_url: str = "",
    run_url: str = "",
    tag: str = "",
) -> str:
    """What the release run says on the merged pull request. Without `version`, `reason` says why not."""
    return _tidy(
        environment()
        .get_template("registered.md.j2")
        .render(
            model=model,
            version=version,
            stages=stages,
            reason=reason,
            release_url=release_url,
            run_url=run_url,
            tag=tag,
        )
    )


def model_card(evidence: records.Evidence, version: str, *, evidence_digest: str = "") -> str:
    """The model card of a version: what it is, how good, from what, and how to load it."""
    from modelrail.report import card

    built = card.build(evidence, version, evidence_digest)
    return _tidy(environment().get_template("model_card.md.j2").render(card=built))


def release_notes(
    evidence: records.Evidence, version: str, *, run_url: str = "", evidence_digest: str = ""
) -> str:
    """The body of the release: the reason it was registered, then its model card."""
    from modelrail.report import card

    built = card.build(evidence, version, evidence_digest)
    return _tidy(environment().get_template("release.md.j2").render(card=built, run_url=run_url))
