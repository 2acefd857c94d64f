"""A small language for slices: `distance > 1000 and carrier in ['EV', 'UA'] and not origin is missing`.

    expression = and-terms joined by `or`; terms joined by `and`; `not term`; `( expression )`
    comparison = operand (== != < <= > >=) operand
               | column [not] in [literal, ...]
               | column is [not] missing
    operand    = column | number | 'text' | "text" | true | false
    column     = a name of letters, digits and _, or any name in `backquotes`

Parsed here into a tree and never handed to `eval`; `row_conditions.py` makes a polars expression of the tree.
Nothing can be called, and nothing but the named columns can be read. A comparison with a missing value is
neither true nor false, as in SQL; such rows are not in the slice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MAX_DEPTH = 40
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
WORDS = frozenset({"and", "or", "not", "in", "is", "missing", "true", "false"})


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Value:
    value: float | str | bool


@dataclass(frozen=True)
class Compare:
    operator: str
    left: Column | Value
    right: Column | Value


@dataclass(frozen=True)
class Among:
    column: Column
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Missing:
    column: Column


@dataclass(frozen=True)
class Not:
    inner: Tree


@dataclass(frozen=True)
class Join:
    how: Literal["and", "or"]
    parts: tuple[Tree, ...]


Tree = Compare | Among | Missing | Not | Join


class ExpressionError(ValueError):
    """What is wrong, and at which character (from 1)."""

    def __init__(self, what: str, place: int) -> None:
        super().__init__(what)
        self.what = what
        self.place = place


def parse(text: str) -> Tree:
    """Raises ExpressionError."""
    reader = _Reader(text)
    tree = reader.any(0)
    if reader.token.kind != "end":
        raise reader.error("expected `and`, `or` or the end")
    return tree


def columns(tree: Tree) -> tuple[str, ...]:
    """The columns that are read, each once, in order."""
    return tuple(dict.fromkeys(_columns(tree)))


def _columns(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Join):
        for part in tree.parts:
            yield from _columns(part)
    elif isinstance(tree, Not):
        yield from _columns(tree.inner)
    elif isinstance(tree, Compare):
        yield from (side.name for side in (tree.left, tree.right) if isinstance(side, Column))
    else:
        yield tree.column.name


def text(tree: Tree) -> str:
    """The tree in the language again: parsing it gives the same tree."""
    if isinstance(tree, Join):
        return f" {tree.how} ".join(f"({text(part)})" for part in tree.parts)
    if isinstance(tree, Not):
        return f"not ({text(tree.inner)})"
    if isinstance(tree, Compare):
        return f"{_shown(tree.left)} {tree.operator} {_shown(tree.right)}"
    if isinstance(tree, Among):
        return f"{_shown(tree.column)} in [{', '.join(_shown(value) for value in tree.values)}]"
    return f"{_shown(tree.column)} is missing"


def _shown(side: Column | Value) -> str:
    if isinstance(side, Column):
        plain = re.fullmatch(r"[A-Za-z_]\w*", side.name, re.ASCII) and side.name not in WORDS
        return side.name if plain else f"`{side.name}`"
    if isinstance(side.value, bool):
        return "true" if side.value else "false"
    if isinstance(side.value, str):
        quote = '"' if "'" in side.value else "'"
        return f"{quote}{side.value}{quote}"
    return repr(side.value)


# --- reading ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Token:
    kind: str  # word, column, number, text, sign, end
    value: str
    place: int


_TOKEN = re.compile(
    r"""(?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?(?![\w.]))
      | (?P<word>[^\W\d]\w*)
      | `(?P<column>[^`\n]+)`
      | '(?P<single>[^'\n]*)' | "(?P<double>[^"\n]*)"
      | (?P<sign>==|!=|<=|>=|[<>()\[\],])""",
    re.VERBOSE,
)
_MEANT = {"=": "==", "&": "and", "|": "or", "!": "not", "<>": "!=", "&&": "and", "||": "or"}


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        found = _TOKEN.match(text, place)
        if found is None:
            run = re.match(r"[=&|!<>]+|.", text[place:], re.DOTALL)
            odd = run.group() if run else text[place]
            hint = f"; write `{_MEANT[odd]}`" if odd in _MEANT else ""
            raise ExpressionError(f"{odd!r} is not understood{hint}", place + 1)
        kind = str(found.lastgroup)
        value = found.group(kind)
        yield _Token("text" if kind in {"single", "double"} else kind, value, place + 1)
        place = found.end()
    yield _Token("end", "", len(text) + 1)


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self.token = next(self._tokens)

    def error(self, what: str) -> ExpressionError:
        found = self.token.value if self.token.kind != "end" else "the end"
        return ExpressionError(f"{what}, found {found}", self.token.place)

    def _next(self) -> _Token:
        token = self.token
        if token.kind != "end":
            self.token = next(self._tokens)
        return token

    def _take(self, value: str) -> bool:
        if self.token.kind in {"word", "sign"} and self.token.value == value:
            self._next()
            return True
        return False

    def _need(self, value: str) -> None:
        if not self._take(value):
            raise self.error(f"expected `{value}`")

    def any(self, depth: int) -> Tree:
        return self._joined("or", depth)

    def _joined(self, how: Literal["and", "or"], depth: int) -> Tree:
        def one() -> Tree:
            return self._joined("and", depth) if how == "or" else self._term(depth)

        parts = [one()]
        while self._take(how):
            parts.append(one())
        return parts[0] if len(parts) == 1 else Join(how, tuple(parts))

    def _term(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} levels of brackets")
        if self._take("not"):
            return Not(self._term(depth + 1))
        if self._take("("):
            inner = self.any(depth + 1)
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Tree:
        start = self.token
        left = self._operand()
        if isinstance(left, Column):
            if self._take("is"):
                negated = self._take("not")
                self._need("missing")
                return Not(Missing(left)) if negated else Missing(left)
            negated = self._take("not")
            if negated or (self.token.kind == "word" and self.token.value == "in"):
                self._need("in")
                among = Among(left, self._list())
                return Not(among) if negated else among
        if self.token.kind != "sign" or self.token.value not in COMPARISONS:
            raise self.error("expected a comparison such as `> 5`, `in [...]` or `is missing`")
        operator = self._next().value
        right = self._operand()
        if self.token.kind == "sign" and self.token.value in COMPARISONS:
            raise self.error("one comparison at a time, joined by `and`; expected its end")
        if not isinstance(left, Column) and not isinstance(right, Column):
            raise ExpressionError("the comparison names no column", start.place)
        return Compare(operator, left, right)

    def _operand(self) -> Column | Value:
        token = self.token
        if token.kind == "number":
            self._next()
            value = float(token.value)
            if value in (float("inf"), float("-inf")):
                raise ExpressionError(f"{token.value} is out of range", token.place)
            return Value(value)
        if token.kind == "text":
            return Value(self._next().value)
        if token.kind == "column" or (token.kind == "word" and token.value not in WORDS):
            return Column(self._next().value)
        if token.kind == "word" and token.value in {"true", "false"}:
            return Value(self._next().value == "true")
        raise self.error("expected a column or a value")

    def _list(self) -> tuple[Value, ...]:
        self._need("[")
        found: list[Value] = []
        while True:
            value = self._operand()
            if isinstance(value, Column):
                raise ExpressionError(
                    f"{value.name} stands in a list of values; put it in quotes", self.token.place
                )
            found.append(value)
            if self._take("]"):
                return tuple(found)
            self._need(",")
