"""YAML as modelrail reads it: a tree in which every value knows its line.

The subset of YAML 1.2 that configuration needs. `yes` and `on` are text, `010` is ten, dates are text.
Anchors and aliases work; tags, merge keys, a key given twice and a second document are faults. Nothing
is constructed but text, numbers, booleans, lists and mappings, and what an alias may unfold to is bounded.
"""

from __future__ import annotations

import contextlib
import re

import yaml
from msgspec import Struct

from modelrail.errors import ConfigFault

MAX_BYTES = 1024 * 1024
MAX_NODES = 50_000  # after aliases are unfolded: "a billion laughs" ends here
MAX_DEPTH = 24

Value = str | int | float | bool | None


class Scalar(Struct, frozen=True):
    value: Value
    line: int
    text: str  # as written


class Items(Struct, frozen=True):
    items: list[Node]
    line: int


class Table(Struct, frozen=True):
    entries: dict[str, Node]
    line: int
    lines: dict[str, int] = {}  # of the keys


Node = Scalar | Items | Table


class YamlFaultError(Exception):
    """The text is not YAML at all; nothing more can be said about it."""

    def __init__(self, fault: ConfigFault) -> None:
        super().__init__(fault.what)
        self.fault = fault


class _Loader(
    yaml.reader.Reader,
    yaml.scanner.Scanner,
    yaml.parser.Parser,
    yaml.composer.Composer,
    yaml.resolver.BaseResolver,
):
    """Composes nodes only; there is no constructor to attack. A node's tag is empty unless it was written."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)
        yaml.resolver.BaseResolver.__init__(self)

    def resolve(self, kind: object, value: object, implicit: object) -> str:  # noqa: ARG002
        return ""


# Where libyaml and the parser in Python part: tabs and other characters than printable ASCII, complex keys, a
# comment right behind `|` or `>`. (A `?` in a text is seldom enough to need no closer look.)
_UNLIKE = re.compile(r"[^\n -~]|\?|[|>][-+0-9]*#")
# libyaml goes as deep as the text does, and then beyond its stack: brackets and columns bound the depth.
_BRACKETS, _COLUMNS = 3000, 1000


def _quickly(text: str) -> yaml.Node | None:
    """The same nodes by libyaml, in a tenth of the time."""

    class Quick(yaml.CBaseLoader):  # made here: without libyaml there is none
        def resolve(self, kind: object, value: object, implicit: object) -> str:  # noqa: ARG002
            return ""

    loader = Quick(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > _BRACKETS or max(map(len, text.split("\n"))) > _COLUMNS


def _nodes(text: str) -> yaml.Node | None:
    """By libyaml where both parsers are known to say the same.

    What is wrong with a text the one in Python says: in words that are known here, and alike on a machine
    without libyaml.
    """
    if yaml.__with_libyaml__ and not _UNLIKE.search(text) and not _may_be_deep(text):
        with contextlib.suppress(yaml.YAMLError, ValueError, RecursionError):
            return _quickly(text)
    return _Loader(text).get_single_node()


def parse(text: str, file: str) -> tuple[Node | None, list[ConfigFault]]:
    """The tree of one document (None when empty) and the faults of its form. Raises YamlFaultError."""
    if len(text) > MAX_BYTES:
        raise YamlFaultError(
            ConfigFault(
                "", f"the file has {len(text):,} characters; at most {MAX_BYTES:,} are read.", file=file
            )
        )
    try:
        root = _nodes(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"column {mark.column + 1}: " if mark else ""
        about = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlFaultError(
            ConfigFault(
                "", f"this is not YAML: {place}{about}.", _hint(about), mark.line + 1 if mark else 0, file
            )
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlFaultError(
            ConfigFault(
                "", f"the character U+{ord(str(error.character)[0]):04X} is not allowed.", "", line, file
            )
        ) from None
    except (RecursionError, yaml.YAMLError, ValueError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise YamlFaultError(ConfigFault("", f"this is not YAML: {what}.", file=file)) from None
    if root is None:
        return None, []
    walk = _Walk(file)
    return walk.node(root, "", 0), walk.faults


def _hint(about: str) -> str:
    if "\\t" in about:
        return "Indent with spaces, not with tabs."
    if "alias" in about:
        return "A `*` at the beginning of a text needs quotes around it."
    if "mapping values are not allowed" in about:
        return "A text that holds `: ` needs quotes around it."
    if "%" in about or "`" in about or "@" in about:
        return "Put quotes around the text."
    return ""


class _Walk:
    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[ConfigFault] = []
        self.count = 0

    def fault(self, path: str, what: str, hint: str, line: int) -> None:
        self.faults.append(ConfigFault(path, what, hint, line, self.file))

    def node(self, node: yaml.Node, path: str, depth: int, key_line: int = 0) -> Node:
        """`key_line`: a list or mapping below a key is said to stand where its key stands."""
        self.count += 1
        own_line = node.start_mark.line + 1
        line = own_line if isinstance(node, yaml.ScalarNode) else key_line or own_line
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise YamlFaultError(
                ConfigFault(
                    path, "the file unfolds to too many values.", "Use fewer aliases.", line, self.file
                )
            )
        if node.tag:
            self.fault(path, f"the tag {shown(node.tag)} is not allowed.", "Leave the tag out.", line)
        if isinstance(node, yaml.ScalarNode):
            value = node.value if node.style else resolve(node.value)
            return Scalar(value, line, node.value)
        if isinstance(node, yaml.SequenceNode):
            items = [self.node(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
            return Items(items, line)
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - there are three kinds of node
        return self.table(node, path, depth, line)

    def table(self, node: yaml.MappingNode, path: str, depth: int, line: int) -> Table:
        table = Table({}, line)
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(path, "a key must be a text.", "Is a `{` or `[` missing its quotes?", key_line)
                continue
            key = key_node.value
            here = join(path, key)
            value = self.node(value_node, here, depth + 1, key_line)
            if key_node.tag:
                self.fault(
                    here, f"the tag {shown(key_node.tag)} is not allowed.", "Leave the tag out.", key_line
                )
            elif key == "<<" and not key_node.style:
                self.fault(here, "merge keys are not part of YAML 1.2.", "Write the keys out.", key_line)
            elif key in table.entries:
                first = table.lines[key]
                what = f"the key stands twice, in lines {first} and {key_line}."
                self.fault(here, what, "Keep one of them.", key_line)
            else:
                table.entries[key] = value
                table.lines[key] = key_line
        return table


_INT = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def resolve(text: str) -> Value:
    """A plain scalar by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= 18:  # more digits than any count here needs; Python itself refuses 4,300
        if _INT.match(text):
            return int(text)
        if _BASED.match(text):
            return int(text, 0)
    return float(text) if _FLOAT.match(text) else text


_PLAIN_KEY = re.compile(r"[A-Za-z0-9_/-]+\Z")


def join(path: str, key: str) -> str:
    """The place of a key: `models.delay`, or `models["a.b"]` where a dot would not do."""
    if not _PLAIN_KEY.match(key):
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key


def shown(value: object, limit: int = 60) -> str:
    """A value of the file in a message: quoted, without control characters, of bounded length."""
    text = value if isinstance(value, str) else str(value)
    text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def kind(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Table):
        return "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    if isinstance(node.value, str):
        return f"the text {shown(node.value)}"
    return f"the number {shown(node.text, 30)[1:-1]}"
