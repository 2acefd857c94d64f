"""The names of models and stages in modelrail.yaml, for commands that only look: a third of the whole check.

What else the file says, and whether it is right, does not matter to them; a file that cannot be read names
nothing.
"""

from __future__ import annotations

from pathlib import Path

from modelrail.config.yaml_strict import Node, Table, YamlFaultError, parse
from modelrail.core.registry.tags import is_name

DEFAULT = ("staging", "production")  # as in config_schema.DEFAULT_STAGES; a test holds them equal
MAX_BYTES = 1024 * 1024


def read(path: Path) -> dict[str, tuple[str, ...]]:
    """The stages of every model, in the file's order."""
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES).decode("utf-8-sig")
        root, _ = parse(text, path.name)
    except (OSError, UnicodeDecodeError, YamlFaultError):
        return {}
    models = _entries(_entries(root).get("models"))
    return {name: _stages(_entries(model)) for name, model in models.items() if is_name(name)}


def _stages(model: dict[str, Node]) -> tuple[str, ...]:
    if "stages" not in model:
        return DEFAULT
    return tuple(name for name in _entries(model["stages"]) if is_name(name))


def _entries(node: Node | None) -> dict[str, Node]:
    return dict(node.entries) if isinstance(node, Table) else {}
