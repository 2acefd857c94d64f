"""The lineage graph: what the candidate is made of, what it was compared with, and what came out."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from modelrail import records
from modelrail.report import numbers
from modelrail.report.changes import Change, short
from modelrail.report.svg import Figure, text

_WIDE, _HIGH, _STEP = 232, 66, 78
_COLUMNS = (2, 354, 706)
_WORDS = {"pass": "passes", "fail": "blocked", "inconclusive": "cannot be decided"}


class Box(Struct, frozen=True, kw_only=True):
    title: str
    value: str
    note: str = ""
    kind: str = ""
    x: float = 0
    y: float = 0


def graph(
    candidate: records.Candidate | None,
    evaluation: records.Evaluation | None,
    comparison: records.Comparison | None,
    changes: Sequence[Change],
    *,
    verdict: str,
    evidence: str,
) -> Figure | None:
    """None when nothing was trained."""
    if candidate is None:
        return None
    made = _inputs(candidate, changes)
    compared = _compared(candidate, evaluation, changes)
    result = _result(comparison, verdict, evidence)
    height = max(len(made), len(compared), len(result)) * _STEP
    columns = [
        _placed(column, x, height) for column, x in zip((made, compared, result), _COLUMNS, strict=True)
    ]
    inputs, middle, last = columns
    edges = [(one, middle[0]) for one in inputs] + [(one, two) for one in middle for two in last]
    body = [_edge(one, two) for one, two in edges] + [_drawn(box) for column in columns for box in column]
    return Figure(
        title="From data and code to the verdict",
        text="The candidate is made of " + ", ".join(_said(box) for box in inputs) + ".",
        width=_COLUMNS[2 if last else 1] + _WIDE + 2,
        height=height - _STEP + _HIGH + 4,
        body=Markup("".join(body)),  # noqa: S704 - made of numbers and of escaped labels
        scrolls=True,
    )


# --- what stands in the boxes ----------------------------------------------------------------------------


def _inputs(candidate: records.Candidate, changes: Sequence[Change]) -> list[Box]:
    made = candidate.fingerprint
    code, data = _same(changes, "code"), _same(changes, "training data")
    boxes = [
        _box("code", f"commit {short(made.commit)}", code, "with uncommitted edits" if made.dirty else "")
    ]
    if made.train is not None:
        boxes.append(_box("training data", short(made.train.digest), data, _amount(made.train)))
    if candidate.params or made.params:
        answers = [row.same for row in changes if row.what.startswith("parameter")]
        same = False if False in answers else True if answers and all(answers) else None
        changed = answers.count(False)
        words = numbers.plural(len(candidate.params), "value")
        boxes.append(_box("parameters", words, same, f"{changed} of them" if changed else ""))
    boxes.append(_box("environment", short(made.environment), _same(changes, "environment")))
    return boxes


def _compared(
    candidate: records.Candidate, evaluation: records.Evaluation | None, changes: Sequence[Change]
) -> list[Box]:
    file = candidate.file
    boxes = [
        Box(
            title="this change's model",
            value=short(file.digest),
            note=f"{file.name}, {numbers.size(file.size)}",
            kind="candidate",
        )
    ]
    if evaluation is None:
        return boxes
    reference = evaluation.baseline_ref
    if reference.status == "present":
        number = f"event {reference.sequence}" if reference.sequence is not None else ""
        since = f"since {reference.since[:10]}" if reference.since else ""
        boxes.append(
            Box(
                title=f"{reference.version or 'the version'} in {reference.stage}",
                value=short(reference.model_digest) or short(reference.commit),
                note=", ".join(part for part in (since, number) if part),
                kind="baseline",
            )
        )
    test = evaluation.test
    boxes.append(_box("test data", short(test.digest), _same(changes, "test data"), _amount(test)))
    return boxes


def _result(comparison: records.Comparison | None, verdict: str, evidence: str) -> list[Box]:
    if comparison is None:
        return []
    amount = f"{numbers.plural(len(comparison.gates), 'gate')}, {numbers.plural(comparison.rows, 'row')}"
    note = f"evidence {short(evidence)}" if evidence else ""
    return [Box(title=_WORDS[verdict], value=amount, note=note, kind=f"v-{verdict}")]


def _box(title: str, value: str, same: bool | None, more: str = "") -> Box:
    word = "" if same is None else "the same" if same else "● changed"
    note = ", ".join(part for part in (word, more) if part)
    return Box(title=title, value=value, note=note, kind="changed" if same is False else "")


def _same(changes: Sequence[Change], what: str) -> bool | None:
    return next((row.same for row in changes if row.what == what), None)


def _amount(data: records.DataVersion) -> str:
    return numbers.plural(data.rows, "row") if data.rows is not None else ""


def _said(box: Box) -> str:
    return f"{box.title} {box.value}" + (f" ({box.note.removeprefix('● ')})" if box.note else "")


# --- the drawing -----------------------------------------------------------------------------------------


def _placed(boxes: Sequence[Box], x: float, height: int) -> list[Box]:
    """One above the other, evenly over the height."""
    step = height / max(1, len(boxes))
    offset = 2 + (step - _STEP) / 2
    return [replace(box, x=x, y=offset + step * index) for index, box in enumerate(boxes)]


def _edge(one: Box, two: Box) -> str:
    left, right = one.x + _WIDE, two.x - 8
    start, end = one.y + _HIGH / 2, two.y + _HIGH / 2
    bend = (left + right) / 2
    return (
        f'<path class="edge" d="M{left:g} {start:g}C{bend:g} {start:g} {bend:g} {end:g} {right:g} {end:g}"/>'
        f'<path class="tip" d="M{right + 7:g} {end:g}l-8-4.5v9z"/>'
    )


def _drawn(box: Box) -> str:
    return (
        f'<g class="box {box.kind}">'
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{_WIDE}" height="{_HIGH}" rx="6"/>'
        + text(box.x + 12, box.y + 20, box.title, "boxname", limit=28)
        + text(box.x + 12, box.y + 38, box.value, "boxvalue", limit=26)
        + text(box.x + 12, box.y + 56, box.note, "boxnote", limit=34)
        + "</g>"
    )
