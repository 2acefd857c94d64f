"""What the pictures of the HTML report share: scales, ticks, text, and a figure with its words and its table.

Pictures are drawn from records that a stranger's run may have made: numbers are brought into range before
they become coordinates, texts are made visible and escaped, and sizes are limited here. Colours are classes,
so that light, dark and print decide them in one place; no meaning rests on a colour alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape
from msgspec import Struct

from modelrail.report.numbers import MINUS
from modelrail.report.visible import visible

MAX_POINTS = 1000  # of one line
MAX_COUNT = 10**15


class Names(Struct, frozen=True, kw_only=True):
    """What the two models are called in words and legends."""

    candidate: str = "this change"
    baseline: str = ""  # "" without one

    def of(self, role: str) -> str:
        return self.candidate if role == "candidate" else self.baseline or "baseline"


class Table(Struct, frozen=True, kw_only=True):
    caption: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()  # columns of words; the others hold numbers, to the right
    left_out: int = 0


class Figure(Struct, frozen=True, kw_only=True):
    title: str
    text: str  # what a person who cannot see it should know
    width: int
    height: int
    body: Markup
    table: Table | None = None  # the same as numbers
    scrolls: bool = False  # keeps its size on a narrow screen, and scrolls
    legend: bool = False  # both models are in it


def share(value: float, low: float, high: float) -> float:
    """Where the value lies between the ends, 0 to 1; values beyond them lie at the ends."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return 0.5
    return min(1.0, max(0.0, (value - low) / span))


def short(value: float) -> str:
    """A coordinate."""
    return f"{value:.1f}".removesuffix(".0")


def label(text: object, limit: int = 60) -> Markup:
    return escape(visible(str(text), limit))


def text(x: float, y: float, content: object, kind: str = "", *, limit: int = 60) -> str:
    """A text element; `kind` holds the classes that say its size, colour and anchor."""
    mark = f' class="{kind}"' if kind else ""
    return f'<text x="{short(x)}" y="{short(y)}"{mark}>{label(content, limit)}</text>'


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between the ends, some five of them."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low] if math.isfinite(low) else []
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 1e-300 else raw
    step = next((factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999), raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, min(last, first + 20) + 1)]


def tick(value: float, step: float) -> str:
    """A tick's label with the decimals that the step needs."""
    if value and (abs(value) >= 1e6 or abs(value) < 1e-5):
        return f"{value:.3g}".replace("-", MINUS)
    places = max(0, min(6, -math.floor(math.log10(step) + 1e-9))) if step > 0 else 0
    shown = f"{value:,.{places}f}"
    return shown.replace("-", MINUS) if shown.strip("-0.,") else shown.lstrip("-")


def tick_labels(values: Sequence[float]) -> list[str]:
    step = values[1] - values[0] if len(values) > 1 else abs(values[0]) if values else 1.0
    return [tick(value, step) for value in values]


class Frame:
    """A plot's area inside its margins."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        size: tuple[int, int] = (320, 290),
        left: int = 44,
        bottom: int = 42,
    ) -> None:
        self.x, self.y = x, y
        self.width, self.height = size
        self.left, self.right, self.top, self.bottom = left, self.width - 10, 10, self.height - bottom

    def across(self, value: float) -> float:
        return self.left + (self.right - self.left) * share(value, *self.x)

    def up(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * share(value, *self.y)

    def axes(
        self,
        x_label: str,
        y_label: str,
        *,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
    ) -> list[str]:
        out = []
        found_y = ticks(*self.y) if y_ticks is None else y_ticks
        for value, words in zip(found_y, tick_labels(found_y), strict=True):
            at = short(self.up(value))
            out.append(f'<path class="gl" d="M{self.left} {at}H{self.right}"/>')
            out.append(text(self.left - 6, self.up(value) + 3.5, words, "tick end"))
        found_x = ticks(*self.x) if x_ticks is None else x_ticks
        for value, words in zip(found_x, tick_labels(found_x), strict=True):
            out.append(f'<path class="gl" d="M{short(self.across(value))} {self.top}V{self.bottom}"/>')
            out.append(text(self.across(value), self.bottom + 15, words, "tick mid"))
        out.append(f'<path class="axis" d="M{self.left} {self.top}V{self.bottom}H{self.right}"/>')
        out.append(text((self.left + self.right) / 2, self.height - 6, x_label, "name mid"))
        middle = (self.top + self.bottom) / 2
        out.append(
            f'<text class="name mid" transform="translate(11 {short(middle)}) rotate(-90)">'
            f"{label(y_label)}</text>"
        )
        return out

    def line(self, points: Iterable[tuple[float, float]], role: str) -> str:
        path = "L".join(f"{short(self.across(x))} {short(self.up(y))}" for x, y in points)
        return f'<path class="line {role}" d="M{path}"/>' if path else ""

    def markers(self, points: Iterable[tuple[float, float]], role: str) -> str:
        """Circles for the candidate, squares for the baseline."""
        out = []
        for x, y in points:
            left, top = self.across(x), self.up(y)
            if role == "candidate":
                out.append(f'<circle class="dot {role}" cx="{short(left)}" cy="{short(top)}" r="3.5"/>')
            else:
                out.append(f'<path class="dot {role}" d="M{short(left - 3)} {short(top - 3)}h6v6h-6z"/>')
        return "".join(out)


def at(points: Sequence[tuple[float, float]], x: float) -> float | None:
    """The line's height at x, between its points; None where it is not drawn."""
    for (left, low), (right, high) in itertools.pairwise(points):
        if left <= x <= right:
            return high if right == left else low + (high - low) * (x - left) / (right - left)
    return None
