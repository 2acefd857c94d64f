"""Another model in a modelrail.yaml that is there: inserted as text, so that every comment stays as it is."""

from __future__ import annotations

import yaml


def added(text: str, block: list[str]) -> str | None:
    """The file with the lines of one more model at the end of `models:`.

    `block` has two blanks before the model's name and four before its keys. None when the file is written in
    a form that lines cannot be added to (`models: {...}`); what comes out is to be read again by the caller.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    models = _models(root)
    if models is None or not models.value:
        return None
    first_key, first_value = models.value[0]
    column = first_key.start_mark.column
    if not isinstance(first_value, yaml.MappingNode):
        return None
    inner = first_value.start_mark.column - column if not first_value.flow_style else 2
    lines = text.splitlines(keepends=True)
    place = _end(lines, models.value[-1][0].start_mark.line, models.end_mark.line, column)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    if not lines[place - 1].endswith(("\n", "\r")):
        lines[place - 1] += end
    made = [_indented(line, column, max(inner, 1)) + end for line in block]
    return "".join([*lines[:place], *made, *lines[place:]])


def _models(root: yaml.Node | None) -> yaml.MappingNode | None:
    """The mapping below `models:` when it is written line by line."""
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    found = next((value for key, value in root.value if key.value == "models"), None)
    return found if isinstance(found, yaml.MappingNode) and not found.flow_style else None


def _end(lines: list[str], start: int, stop: int, column: int) -> int:
    """Behind the last line of the last model, and behind a comment that is indented like it."""
    last = start
    for number in range(start, min(stop + 1, len(lines))):
        line = lines[number]
        words = line.strip()
        if number > start and words and len(line) - len(line.lstrip(" ")) <= (0 if column else -1):
            break
        if words and (not words.startswith("#") or len(line) - len(line.lstrip(" ")) >= max(column, 1)):
            last = number
    return last + 1


def _indented(line: str, column: int, inner: int) -> str:
    """The block's own two blanks a level, as this file has them."""
    words = line.lstrip(" ")
    depth = (len(line) - len(words)) // 2
    return " " * (column + inner * (depth - 1)) + words
