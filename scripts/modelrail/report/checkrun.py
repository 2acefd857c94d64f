"""View -> the check run of a commit: conclusion, summary, and what failed at its place in the files.

Paths and lines come from records that a stranger may have written: they choose where a note is shown, nothing
else, and only plain relative paths do.
"""

from __future__ import annotations

import hashlib

import msgspec

from modelrail import plans
from modelrail.core.traceback import is_plain
from modelrail.report import render
from modelrail.report.view import ModelView, View
from modelrail.report.visible import clip, visible

NAME = "modelrail"
MAX_ANNOTATIONS = 50  # of one request
MAX_SUMMARY = 65_535  # characters
MAX_LINE = 10**6


def build(view: View) -> plans.PublishCheck:
    """Undecided is a failure here: GitHub lets `neutral` through where a check is required."""
    notes = [note for model in view.models for note in _notes(model)]
    summary = render.markdown(view, render.BUDGET)
    check = plans.PublishCheck(
        name=NAME,
        commit=view.run.commit,
        conclusion="success" if view.verdict == "pass" else "failure",
        title=clip(visible(view.line), 200),
        summary=summary if len(summary) <= MAX_SUMMARY else render.markdown(view, MAX_SUMMARY // 4),
        url=view.run.url if view.run.url.startswith(("https://", "http://")) else "",
        annotations=tuple(sorted(notes, key=lambda note: note.level != "failure")[:MAX_ANNOTATIONS]),
    )
    digest = hashlib.sha256(msgspec.json.encode(check)).hexdigest()
    return msgspec.structs.replace(check, content=f"sha256:{digest}")


def _notes(model: ModelView) -> list[plans.Annotation]:
    failure, places = model.failure, model.source.places
    notes: list[plans.Annotation] = []
    if failure is not None and failure.file and is_plain(failure.file):
        words = " ".join(part for part in (failure.what, failure.why) if part)
        notes.append(_note(failure.file, failure.line, "failure", f"{model.name}: {failure.command}", words))
    if places is None or places.model != model.name or not is_plain(places.file):
        return notes
    for gate in model.gates:
        line = places.lines.get(gate.path, 0)
        if line and (gate.blocks or gate.warns):
            where = f" for {gate.where}" if gate.where else ""
            number = f"{gate.difference or gate.candidate}{where}"
            words = f"{gate.words}: {number}. {gate.detail}" if number else f"{gate.words}. {gate.detail}"
            level = "failure" if gate.blocks else "warning"
            notes.append(_note(places.file, line, level, f"{model.name}: {gate.title}", words))
    return notes


def _note(path: str, line: int, level: str, title: str, words: str) -> plans.Annotation:
    return plans.Annotation(
        path=path,
        line=min(max(line, 1), MAX_LINE),
        level=level,
        title=visible(title, 200),
        message=visible(words, 1000),
    )
