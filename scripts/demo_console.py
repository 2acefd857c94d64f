"""What the demo prints: numbered steps with the time they took, evidence set apart from progress."""

from __future__ import annotations

import html
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "blue": "34"}


@dataclass
class Step:
    number: int
    title: str
    started: float
    seconds: float = 0.0


@dataclass
class Console:
    """Everything goes to stdout, at once: who watches sees each line when it happens."""

    color: bool
    began: float = field(default_factory=time.monotonic)
    steps: list[Step] = field(default_factory=list)

    def paint(self, style: str, text: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color and text else text

    def line(self, text: str = "") -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def step(self, title: str) -> None:
        self.close_step()
        step = Step(len(self.steps) + 1, title, time.monotonic())
        self.steps.append(step)
        clock = f"{step.started - self.began:5.0f} s"
        self.line()
        self.line(f"{self.paint('bold', f'{step.number:2}. {title}')}  {self.paint('dim', clock)}")

    def close_step(self) -> None:
        if self.steps and not self.steps[-1].seconds:
            self.steps[-1].seconds = time.monotonic() - self.steps[-1].started

    def note(self, text: str) -> None:
        self.line(f"    {text}")

    def command(self, words: Sequence[str]) -> None:
        self.line(self.paint("blue", f"    $ {' '.join(_quoted(word) for word in words)}"))

    def progress(self, text: str) -> None:
        width = max(shutil.get_terminal_size((110, 24)).columns - 8, 40) if sys.stdout.isatty() else 160
        self.line(self.paint("dim", f"      {text.rstrip()[:width]}"))

    def evidence(self, text: str, *, limit: int = 30) -> None:
        lines = text.strip("\n").splitlines()
        for line in lines[:limit]:
            self.line(f"    {self.paint('dim', '│')} {line}")
        if len(lines) > limit:
            self.line(f"    {self.paint('dim', f'│ … {len(lines) - limit} lines more')}")

    def check(self, name: str, passed: bool, detail: str = "") -> None:
        mark = self.paint("green", "✓") if passed else self.paint("red", "✗")
        self.line(f"    {mark} {name}" + (f": {detail}" if detail and not passed else ""))


def excerpt(comment: str) -> str:
    """A comment as far as its first folded part, without the hidden marker and the Markdown of the table."""
    visible = re.sub(r"<!--.*?-->", "", comment, flags=re.DOTALL).strip()
    head = visible.partition("<details")[0].strip()
    lines = [
        line for line in head.splitlines() if not re.fullmatch(r"\|?[\s|:-]+\|?", line) or not line.strip()
    ]
    return html.unescape(re.sub(r"\n{3,}", "\n\n", "\n".join(lines))).replace("**", "").replace("`", "")


def _quoted(word: str) -> str:
    return f"'{word}'" if re.search(r"[\s#*?$&|;<>()!{}\"]", word) else word
