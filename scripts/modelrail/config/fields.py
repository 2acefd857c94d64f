"""Typed reading of one mapping: each read gives a clean value, or notes a fault and gives a stand-in.

Nothing here stops at the first fault; `check.py` raises when the whole file has been walked.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

from modelrail.config import schema as config_schema
from modelrail.config.yaml_strict import Items, Node, Scalar, Table, join, kind, shown
from modelrail.errors import ConfigFault


class Faults:
    """Collects what is wrong with one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[ConfigFault] = []

    def add(self, path: str, what: str, hint: str = "", line: int = 0) -> None:
        self.found.append(ConfigFault(path, what, hint, line, self.file))


def near(word: str, known: Collection[str]) -> str:
    """`Did you mean "target"?`, or nothing."""
    import difflib

    found = difflib.get_close_matches(word, known, n=1)
    return f'Did you mean "{found[0]}"?' if found else ""


def alternatives(words: Collection[str]) -> str:
    return ", ".join(words)


class Fields:
    """The keys of one mapping, checked against its schema: unknown and missing ones are noted at once."""

    def __init__(
        self,
        faults: Faults,
        node: Node,
        path: str,
        schema: Mapping[str, Any],
        hints: Mapping[str, str] | None = None,
    ) -> None:
        self.faults = faults
        self.path = path
        self.line = node.line
        self.table = node if isinstance(node, Table) else Table({}, node.line)
        self.schema = schema
        self.broken = not isinstance(node, Table)
        if self.broken:
            needed = ", ".join(schema["required"])
            hint = f"It must hold {needed}." if needed else ""
            faults.add(path, f"expected a mapping, found {kind(node)}.", hint, node.line)
            return
        known = schema["properties"]
        for key in self.table.entries:
            if key not in known:
                hint = (hints or {}).get(key) or near(key, known) or f"Known here: {alternatives(known)}."
                faults.add(join(path, key), "unknown key.", hint, self.table.lines[key])
        for key in schema["required"]:
            if key not in self.table.entries:
                example = (known[key].get("examples") or [""])[0]
                about = known[key].get("description", "").split(".")[0]
                hint = f"Add it: `{key}: {example}`." if example else f"{about}." if about else "Add it."
                faults.add(join(path, key), "missing.", hint, self.line)

    # --- places ---------------------------------------------------------------------------------------

    def __contains__(self, key: str) -> bool:
        return key in self.table.entries

    def node(self, key: str) -> Node | None:
        return self.table.entries.get(key)

    def at(self, key: str) -> str:
        return join(self.path, key)

    def line_of(self, key: str) -> int:
        node = self.table.entries.get(key)
        return node.line if isinstance(node, Scalar) else self.table.lines.get(key, self.line)

    def fault(self, key: str, what: str, hint: str = "") -> None:
        self.faults.add(self.at(key), what, hint, self.line_of(key))

    # --- values ---------------------------------------------------------------------------------------

    def text(self, key: str) -> str | None:
        node = self.node(key)
        return None if node is None else text(self.faults, node, self.at(key))

    def path_text(self, key: str) -> str | None:
        """A relative path inside the repository, without `./` and doubled slashes."""
        node = self.node(key)
        return None if node is None else path_text(self.faults, node, self.at(key))

    def paths(self, key: str) -> tuple[str, ...]:
        """A list of such paths."""
        found = [
            path_text(self.faults, node, f"{self.at(key)}[{index}]")
            for index, node in enumerate(self.items(key))
        ]
        return tuple(dict.fromkeys(path for path in found if path))

    def command(self, key: str) -> str | None:
        found = self.text(key)
        if found is None:
            return None
        found = found.strip()
        if "\n" in found:
            self.fault(
                key, "a command is one line.", "Put several commands into a script and name the script."
            )
            return None
        try:
            shlex.split(found)
        except ValueError as error:
            self.fault(
                key, f"the command cannot be split into words: {str(error).lower()}.", "Close the quote."
            )
            return None
        return found

    def choice(self, key: str, default: str = "") -> str:
        node = self.node(key)
        if node is None:
            return str(default)
        known = self.schema["properties"][key]["enum"]
        found = scalar_text(node)
        if found not in known:
            hint = near(found or "", known) or f"One of: {alternatives(known)}."
            self.fault(key, f"expected one of {alternatives(known)}; found {kind(node)}.", hint)
            return str(default)
        return str(found)

    def boolean(self, key: str, *, default: bool) -> bool:
        node = self.node(key)
        if node is None:
            return default
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.fault(key, f"expected true or false, found {kind(node)}.")
        return default

    def number(self, key: str) -> float | None:
        node = self.node(key)
        return None if node is None else number(self.faults, node, self.at(key))

    def integer(self, key: str) -> int | None:
        found = self.number(key)
        if found is None:
            return None
        if found != int(found):
            self.fault(key, f"expected a whole number, found {found:g}.")
            return None
        limits = self.schema["properties"][key]
        low, high = limits.get("minimum", 0), limits.get("maximum")
        if found < low or (high is not None and found > high):
            span = f"from {low} to {high}" if high is not None else f"{low} or more"
            self.fault(key, f"expected {span}, found {int(found)}.")
            return None
        return int(found)

    def duration(self, key: str, default: str) -> float:
        """Seconds."""
        if key not in self:
            return _seconds(default) or 0.0
        node = self.table.entries[key]
        found = node.text if isinstance(node, Scalar) and not isinstance(node.value, bool) else None
        seconds = _seconds(found) if found is not None else None
        if seconds is None:
            unit = f" Is `{found}m` meant?" if found and found.isdigit() else ""
            self.fault(key, f"expected a time such as 90s, 30m or 1h30m; found {kind(node)}.", unit.strip())
            return 0.0
        if not 0 < seconds <= config_schema.MAX_TIMEOUT:
            limit = f"{config_schema.MAX_TIMEOUT // 3600}h"
            self.fault(key, f"{found} is out of range.", f"More than nothing, at most {limit}.")
        return seconds

    def items(self, key: str) -> list[Node]:
        """The items of a list; a list that must not be empty says so."""
        node = self.node(key)
        if node is None:
            return []
        if not isinstance(node, Items):
            self.fault(key, f"expected a list, found {kind(node)}.", "Write an item a line, each after `- `.")
            return []
        if not node.items and self.schema["properties"][key].get("minItems"):
            self.fault(key, "the list is empty.", "At least one item is needed.")
        return node.items


def text(faults: Faults, node: Node, path: str) -> str | None:
    """A text that says something. Control characters are refused: names go into tags and reports."""
    if not (isinstance(node, Scalar) and isinstance(node.value, str)):
        quoted = isinstance(node, Scalar) and node.value is not None
        hint = f"Put it in quotes if it is meant as text: '{node.text}'." if quoted else ""  # type: ignore[union-attr]
        faults.add(path, f"expected a text, found {kind(node)}.", hint, node.line)
        return None
    value = node.value
    if not value.strip():
        faults.add(path, "the text is empty.", "Write a value, or leave the key out.", node.line)
        return None
    if len(value) > 1000:
        faults.add(path, f"the text has {len(value):,} characters; at most 1,000 are allowed.", "", node.line)
        return None
    bad = next((char for char in value if (ord(char) < 32 and char not in "\n\t") or ord(char) == 127), None)
    if bad is not None:
        faults.add(path, f"the control character U+{ord(bad):04X} is not allowed.", "", node.line)
        return None
    return value


def path_text(faults: Faults, node: Node, path: str) -> str | None:
    """A relative path inside the repository, without `./` and doubled slashes."""
    found = text(faults, node, path)
    if found is None:
        return None
    problem = path_problem(found)
    if problem:
        faults.add(path, f"{shown(found)} {problem}", "Write it relative, as `data/test.parquet`.", node.line)
        return None
    return "/".join(part for part in found.split("/") if part not in {"", "."}) or "."


def scalar_text(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def number(faults: Faults, node: Node, path: str) -> float | None:
    """A finite number; a text that looks like one gets a hint."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = ""
        if isinstance(value, str):
            with_dot = value.replace(",", ".")
            hint = f"Without quotes: {with_dot}." if re.fullmatch(r"-?\d+(\.\d+)?", with_dot) else ""
        faults.add(path, f"expected a number, found {kind(node)}.", hint, node.line)
        return None
    if not math.isfinite(value):
        faults.add(path, f"expected a finite number, found {kind(node)[11:]}.", "", node.line)
        return None
    return float(value)


def path_problem(value: str) -> str:
    """Why a text is not a relative path inside the repository; empty when it is one."""
    parts = value.split("/")
    if value.startswith("/") or re.match(r"[A-Za-z]:", value):
        return "is absolute; paths stay inside the repository."
    if value.startswith("~"):
        return "begins with `~`; paths stay inside the repository."
    if value.startswith("-"):
        return "begins with `-`, which programs read as an option."
    if ".." in parts:
        return "holds `..`; paths stay inside the repository."
    if any(part.lower() == ".git" for part in parts):
        return "lies in `.git`, which is Git's own."
    if "\\" in value:
        return "holds a backslash; folders are separated by `/`."
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        return "holds a control character."
    if len(value) > 500:
        return "is longer than 500 characters."
    return ""


_UNITS = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?\Z")


def _seconds(value: str) -> float | None:
    found = _UNITS.match(value)
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + seconds)
