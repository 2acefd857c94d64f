"""View -> text for a terminal: the same facts in the same order, aligned, nothing hidden in it.

A mark stands before every result, and words say the same: no meaning is in a colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelrail.report import rows
from modelrail.report.changes import short
from modelrail.report.terminal import PLAIN, Cell, Column, Style, facts, table, wrapped
from modelrail.report.view import ModelView, Verdict, View
from modelrail.report.visible import program_line, visible

MARKS: dict[Verdict, str] = {"pass": "✓", "fail": "✗", "inconclusive": "?"}  # one column wide everywhere
_STYLES: dict[Verdict, str] = {"pass": "good", "fail": "bad", "inconclusive": "unsure"}
_SIGNS = {"✅": ("✓", "good"), "⛔": ("✗", "bad"), "❔": ("?", "unsure"), "⚠️": ("!", "unsure")}
_ROWS = 40  # of one table; the rest is counted


def text(view: View, style: Style = PLAIN) -> str:
    blocks = [_model(model, style) for model in view.models]
    if not blocks:
        blocks = [_line("fail", "Nothing was evaluated: there is no record of any model.", style)]
    if len(view.models) > 1:
        n = view.counts
        words = f"{n['pass']} pass, {n['fail']} blocked, {n['inconclusive']} undecided"
        blocks.insert(0, _line(view.verdict, f"{len(view.models)} models: {words}", style))
    return "\n\n".join(blocks) + "\n"


def _line(verdict: Verdict, words: str, style: Style) -> str:
    return f"{style.paint(MARKS[verdict], _STYLES[verdict])} {style.paint(visible(words), 'bold')}"


def _model(model: ModelView, style: Style) -> str:
    first, *rest = _wrapped(model.line, style)
    lines = [_line(model.verdict, first, style), *(f"  {style.paint(part, 'bold')}" for part in rest)]
    lines += [f"  {part}" for part in _wrapped(f"{model.sentence}. {model.headline}", style)]
    if model.failure is not None:
        for words in (model.failure.why, model.failure.path):
            lines += [f"  {part}" for part in _wrapped(words, style) if part]
        lines += [f"  {style.paint('│', 'dim')} {program_line(line)}" for line in _tail(model.failure.tail)]
    # What changes the answer comes first; then what was measured; the slices that fell.
    now = (
        Column(f"{model.version} now" if model.version else "now", right=True),
        Column("this change", right=True),
    )
    more = (Column("difference (interval)", least=19), Column("result", least=12))
    if model.gates:
        lines += ["", *table((Column("gate", least=18), *now, *more), _gates(model.gates), style, _ROWS)]
    if model.metrics:
        body = [_metric(row) for row in model.metrics]
        lines += ["", *table((Column("metric", least=18), *now, *more), body, style, _ROWS)]
    fell = [row for row in model.slices if row.verdict in {"worse", "inconclusive"}]
    if model.slices:
        lines += ["", *(f"  {part}" for part in _wrapped(f"Slices: {model.slices_summary}", style))]
    if fell:
        heading = (Column("slice, metric", least=18), *now, *more)
        lines += table(heading, [_metric(row) for row in fell], style, _ROWS)
    about = [
        ("Next", model.next + (f" The rule is {model.rule}." if model.rule else "")),
        *(("Why", f"{gate.title}: {gate.detail}") for gate in model.gates[:8] if _told(gate)),
        ("Changed", model.changes_summary or model.files_summary),
        ("Files", ", ".join(f"{file.path} {file.lines}" for file in model.files[:8])),
        ("Data", model.checks_summary),
        ("Measured", model.context),
        ("Now", model.since),
        ("Trend", f"{model.trend.words} {model.trend.bars}" if model.trend else ""),
        *(("Note", note) for note in model.notes),
        ("Evidence", short(model.evidence)),
    ]
    lines += ["", *facts(about, style)]
    return "\n".join(line.rstrip() for line in lines)


def _told(gate: rows.GateView) -> bool:
    return bool(gate.detail) and (gate.blocks or gate.warns)


def _tail(tail: str) -> list[str]:
    return tail.splitlines()[-20:]


def _wrapped(words: str, style: Style) -> list[str]:
    plain = visible(words)
    return wrapped(plain, max(style.width - 2, 30)) if style.width else [plain]


def _gates(found: Sequence[rows.GateView]) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(f"{gate.title} ({gate.where})" if gate.where else gate.title),
            Cell(gate.baseline),
            Cell(gate.candidate, "bold"),
            Cell(gate.difference),
            _result(gate.mark, gate.words),
        )
        for gate in found
    ]


def _metric(row: rows.MetricView) -> tuple[Cell, ...]:
    direction = "" if row.row.higher_is_better else " (lower is better)"
    return (
        Cell(f"{row.where}, {row.name}" if row.where else f"{row.name}{direction}"),
        Cell(row.baseline),
        Cell(row.candidate, "bold"),
        Cell(row.difference),
        _result(row.mark, f"{row.words}: {row.note}" if row.note else row.words),
    )


def _result(mark: str, words: str) -> Cell:
    sign, style = _SIGNS.get(mark, ("", "dim"))
    return Cell(f"{sign} {words}".strip(), style)
