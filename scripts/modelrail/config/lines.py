"""In which line of modelrail.yaml a place stands, for annotations: `models.delay.gates[2]` -> 41."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelrail.config.yaml_strict import Items, Node, Table, YamlFaultError, parse

_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")


def lines(text: str, file: str, paths: Iterable[str]) -> dict[str, int]:
    """The line of every path in the text; of one that stands there in part, the line of that part."""
    try:
        root, _ = parse(text, file)
    except YamlFaultError:
        return {}
    found = {path: _line(root, path) for path in paths} if root is not None else {}
    return {path: line for path, line in found.items() if line}


def _line(root: Node, path: str) -> int:
    node, line = root, 0
    for key, index in _STEP.findall(path):
        if key and isinstance(node, Table) and key in node.entries:
            line = node.lines.get(key, node.line)
            node = node.entries[key]
        elif index and isinstance(node, Items) and int(index) < len(node.items):
            node = node.items[int(index)]
            line = node.line
        else:
            break
    return line
