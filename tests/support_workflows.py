"""Reads the project's actions and workflows for the contract tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ACTIONS = {path.parent.name: path for path in sorted(ROOT.glob("actions/*/action.yml"))}
ROOT_ACTION = ROOT / "action.yml"
REUSABLE = {
    path.stem: path for path in sorted((ROOT / ".github/workflows").glob("*.yml")) if path.stem != "ci"
}
CALLERS = {path.stem: path for path in sorted((ROOT / "workflows").glob("*.yml"))}
OURS = re.compile(r"^modelrail/modelrail(?:/(?P<path>[^@]+))?@v(?P<version>\d+\.\d+\.\d+)$")


class _Strict(yaml.SafeLoader):
    """PyYAML takes the last of two equal keys; GitHub refuses the file."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]  # type: ignore[no-untyped-call]
        assert len(keys) == len(set(keys)), f"a key stands twice{node.start_mark}"
        return super().construct_mapping(node, deep)


def load(path: Path) -> dict[str, Any]:
    found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Strict)
    assert isinstance(found, dict), path
    return found


def triggers(workflow: dict[str, Any]) -> dict[str, Any]:
    found = workflow.get("on", workflow.get(True))  # type: ignore[call-overload]
    assert isinstance(found, dict)
    return found


def every_file() -> list[Path]:
    return [ROOT_ACTION, *ACTIONS.values(), *(ROOT / ".github/workflows").glob("*.yml"), *CALLERS.values()]


def steps(path: Path) -> list[dict[str, Any]]:
    """Every step of an action or of all jobs of a workflow."""
    document = load(path)
    if "runs" in document:
        return list(document["runs"]["steps"])
    return [step for job in document["jobs"].values() for step in job.get("steps", [])]


def uses(path: Path) -> list[str]:
    """Every `uses:` of jobs and steps."""
    document = load(path)
    jobs = [job["uses"] for job in document.get("jobs", {}).values() if "uses" in job]
    return jobs + [step["uses"] for step in steps(path) if "uses" in step]


def comments(path: Path) -> dict[str, str]:
    """The comment behind every `uses:`."""
    found = re.findall(
        r"uses:\s*(\S+)[ \t]*(?:#[ \t]*(.*))?$", path.read_text(encoding="utf-8"), re.MULTILINE
    )
    return dict(found)


def ids(value: object) -> str:
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else str(value)
