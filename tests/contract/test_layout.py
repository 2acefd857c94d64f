"""The one-way flow of the design, held by the imports themselves."""

from __future__ import annotations

import ast
import graphlib
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "scripts" / "modelrail"

PURE = {"core", "report"}
PURE_MUST_NOT = ("modelrail.adapters", "modelrail.commands", "modelrail.localhub", "modelrail.settings")
EFFECT_MODULES = {"os", "subprocess", "requests", "socket", "tempfile", "shutil", "time", "urllib.request"}


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, `from x import y` as x and x.y."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.py"))


def names(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", modules("core", "report"), ids=names)
def test_pure_parts_have_no_effects(path: Path) -> None:
    used = imports(path)
    assert not {name for name in used if name.startswith(PURE_MUST_NOT)}
    assert not used & EFFECT_MODULES


@pytest.mark.parametrize("path", modules("core"), ids=names)
def test_core_does_not_know_the_report(path: Path) -> None:
    assert not {name for name in imports(path) if name.startswith("modelrail.report")}


@pytest.mark.parametrize("path", modules("adapters"), ids=names)
def test_adapters_do_not_know_commands(path: Path) -> None:
    assert not {name for name in imports(path) if name.startswith("modelrail.commands")}


# A program that starts its other half only when it needs it, and hands itself over.
HALVES = {
    ("modelrail.toolenv", "modelrail.toolenv_build"),
    ("modelrail.localhub.server", "modelrail.localhub.web"),
}


def test_no_module_needs_itself() -> None:
    """No import leads back to its own module: not those at the top, nor for types, nor within functions."""
    files = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    needs: dict[str, set[str]] = {}
    for name, path in files.items():
        # `from package import module` needs the module; the packages themselves hold next to nothing.
        used = {one for one in imports(path) if one in files and not is_package(files[one])}
        needs[name] = {one for one in used if (name, one) not in HALVES}
    assert needs["modelrail.commands.verify"] >= {
        "modelrail.core.registry.verification",
        "modelrail.adapters.git",
    }
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if is_package(path) else parts)


def is_package(path: Path) -> bool:
    return path.name == "__init__.py"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=names)
def test_only_settings_reads_the_environment(path: Path) -> None:
    allowed = {
        PACKAGE / "settings.py",
        PACKAGE / "toolenv.py",  # runs before the package can be imported at all
        PACKAGE / "toolenv_build.py",
        PACKAGE / "localhub" / "bare.py",  # the hub is a program of its own: what its git children inherit
        PACKAGE / "localhub" / "receive_hook.py",  # started by git, told by environment what is pushed
        PACKAGE / "adapters" / "running" / "predict_runner.py",  # runs in the user's interpreter, not in ours
    }
    if path in allowed or "standins" in path.parts:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
            assert not (isinstance(node.value, ast.Name) and node.value.id == "os"), f"line {node.lineno}"


def test_every_subcommand_has_its_module() -> None:
    from modelrail.cli import COMMANDS

    files = {path.stem for path in (PACKAGE / "commands").glob("*.py") if not path.stem.startswith("_")}
    assert files == {module for module, _ in COMMANDS.values()}


def test_everything_in_the_package_is_installed_with_it() -> None:
    """What is not Python is left out of a wheel unless a pattern names it."""
    with (PACKAGE.parents[1] / "pyproject.toml").open("rb") as file:
        patterns = tomllib.load(file)["tool"]["setuptools"]["package-data"]["modelrail"]
    named = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    held = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert sorted(map(names, held - named)) == []
