"""The actions are the command line: same names, same defaults, given by the variables that click reads."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import click
import pytest

from modelrail import toolenv
from modelrail.cli import COMMANDS
from support_workflows import ACTIONS, ROOT, ROOT_ACTION, every_file, ids, load, steps

VERBS = sorted(set(ACTIONS) - {"setup"})
# Inputs that are no option: they decide where and as whom the command runs.
SURROUNDINGS = {"token", "dvc-remote", "signing-key", "working-directory"}
# Options that make no sense in a step: its results are outputs.
NOT_IN_A_STEP = {"json", "help"}
ONE_STEP = ("validate-data", "train", "evaluate", "compare", "report")


def click_command(verb: str) -> click.Command:
    found = importlib.import_module(f"modelrail.commands.{COMMANDS[verb][0]}").command
    assert isinstance(found, click.Command)
    return found


def parameters(verb: str) -> dict[str, click.Parameter]:
    """A command's parameters by the name that a person writes."""
    found = {}
    for parameter in click_command(verb).params:
        if isinstance(parameter, click.Argument):
            found[str(parameter.name)] = parameter
        else:
            found[max(parameter.opts, key=len).lstrip("-")] = parameter
    return {name: parameter for name, parameter in found.items() if name not in NOT_IN_A_STEP}


def variable(verb: str, parameter: click.Parameter) -> str:
    if parameter.envvar:
        assert isinstance(parameter.envvar, str)
        return parameter.envvar
    return f"MODELRAIL_{verb}_{parameter.name}".upper().replace("-", "_")


def default(parameter: click.Parameter) -> str:
    value = parameter.get_default(click.Context(click.Command("x")))
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, (list, tuple)) or not isinstance(value, (str, int, float)):
        return ""  # click's own mark for "not given"
    return str(value)


def handed_over(step: dict[str, Any]) -> dict[str, str]:
    """variable -> input, for the variables of a step that hand an input over."""
    found = {}
    for name, value in step.get("env", {}).items():
        match = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", str(value))
        if match:
            found[name] = match[1]
    return found


def test_every_verb_that_a_workflow_needs_has_an_action() -> None:
    assert set(VERBS) <= set(COMMANDS)
    assert set(COMMANDS) - set(VERBS) == {
        "unassign",
        "deregister",
        "deprecate",
        "init",
        "which",
        "history",
        "describe",
        "diff",
        "gates",
        "doctor",
        "act",
        "hub",
    }


@pytest.mark.parametrize("verb", VERBS)
def test_inputs_are_the_options(verb: str) -> None:
    inputs = set(load(ACTIONS[verb])["inputs"]) - SURROUNDINGS
    assert inputs == set(parameters(verb))


@pytest.mark.parametrize("verb", VERBS)
def test_defaults_are_equal(verb: str) -> None:
    for name, field in load(ACTIONS[verb])["inputs"].items():
        if name in SURROUNDINGS:
            continue
        parameter = parameters(verb)[name]
        assert bool(field.get("required")) == parameter.required, name
        assert str(field.get("default", "")) == default(parameter), name


@pytest.mark.parametrize("verb", VERBS)
def test_every_input_reaches_the_variable_that_click_reads(verb: str) -> None:
    (step,) = [step for step in steps(ACTIONS[verb]) if "run" in step]
    handed = handed_over(step)
    for name, parameter in parameters(verb).items():
        assert handed.get(variable(verb, parameter)) == name
    others = {name for name in handed.values() if name not in parameters(verb)}
    assert others <= SURROUNDINGS
    assert step["run"] == f'python3 "$GITHUB_ACTION_PATH/../../scripts/modelrail-run" {verb}'
    assert step["shell"] == "bash"


@pytest.mark.parametrize("verb", VERBS)
def test_outputs_are_what_the_command_sets(verb: str) -> None:
    declared = load(ACTIONS[verb]).get("outputs", {})
    for name, field in declared.items():
        assert field["value"] == f"${{{{ steps.run.outputs.{name} }}}}"
    written = output_names(COMMANDS[verb][0])
    missing = {name for name in declared if name not in written and not name.startswith("stage-")}
    assert not missing, f"{COMMANDS[verb][0]}.py never sets {sorted(missing)}"


def output_names(module: str) -> set[str]:
    """Every word in a command and in the private modules beside it: the names that it can set."""
    folder = ROOT / "scripts" / "modelrail" / "commands"
    found: set[str] = set()
    for path in [folder / f"{module}.py", *folder.glob("_*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_the_one_step_check_hands_over_what_the_verbs_take() -> None:
    document = load(ROOT_ACTION)
    by_verb = {step["id"]: step for step in steps(ROOT_ACTION) if "id" in step}
    assert tuple(by_verb) == ONE_STEP
    used: set[str] = set()
    for verb, step in by_verb.items():
        handed = handed_over(step)
        used |= set(handed.values())
        for name, parameter in parameters(verb).items():
            if name in document["inputs"]:
                assert handed.get(variable(verb, parameter)) == name
        alone = handed_over(next(step for step in steps(ACTIONS[verb]) if "run" in step))
        assert set(handed) <= set(alone)
        assert step["run"].endswith(f'/scripts/modelrail-run" {verb}')
    assert set(document["inputs"]) - used == {"working-directory"}


def test_the_one_step_check_does_not_comment_unasked() -> None:
    """It runs the pull request's code in the same job (promise S1)."""
    assert load(ROOT_ACTION)["inputs"]["comment"]["default"] == "false"


@pytest.mark.parametrize("path", [ROOT_ACTION, *ACTIONS.values()], ids=ids)
def test_every_input_and_output_is_described(path: Path) -> None:
    document = load(path)
    for group in ("inputs", "outputs"):
        for name, field in (document.get(group) or {}).items():
            assert field.get("description", "").strip(), f"{group}.{name}"


@pytest.mark.fault(26)
@pytest.mark.parametrize("path", every_file(), ids=ids)
def test_no_expression_stands_in_a_command(path: Path) -> None:
    for step in steps(path):
        assert "${{" not in step.get("run", ""), step.get("name")


@pytest.mark.parametrize("path", [ROOT_ACTION, *ACTIONS.values()], ids=ids)
def test_a_command_is_one_call_without_logic(path: Path) -> None:
    for step in steps(path):
        if "run" in step:
            assert re.fullmatch(
                r'python3 "\$GITHUB_ACTION_PATH(/\.\./\.\.)?/scripts/modelrail-run" [a-z -]+', step["run"]
            )


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_extras_are_those_of_the_packaging(verb: str) -> None:
    for extra in (*toolenv.needed([verb]), *toolenv.REMOTES.values()):
        assert (ROOT / "requirements" / f"{extra}.txt").is_file()
    assert set(toolenv.EXTRAS) <= set(COMMANDS)
