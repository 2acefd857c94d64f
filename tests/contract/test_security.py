"""What SECURITY.md says of this project's code and workflows, and what OpenSSF Scorecard looks for.

Permissions stand in test_permissions.py, pins in test_pins.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support_workflows import (
    ACTIONS,
    CALLERS,
    OURS,
    REUSABLE,
    ROOT,
    ROOT_ACTION,
    every_file,
    ids,
    load,
    steps,
)

PACKAGE = ROOT / "scripts" / "modelrail"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "standins" not in path.parts)
WORKFLOWS = [path for path in every_file() if path.name != "action.yml"]


def jobs() -> list[tuple[Path, str, dict[str, Any]]]:
    return [(path, name, job) for path in WORKFLOWS for name, job in load(path)["jobs"].items()]


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name]


# --- the boundary between what a stranger's run leaves and what can write ---------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_what_follows_a_strangers_run_takes_nothing_of_it_but_by_our_own_reader(path: Path) -> None:
    """No checkout, no unpacking of artifacts, no script: `report` reads the records itself."""
    document = load(path)
    if "workflow_run" not in (document.get("on") or document.get(True) or {}):
        return
    for step in steps(path):
        assert set(step) <= {"name", "uses", "id"}, step
        assert OURS.match(step["uses"])
        assert step["uses"].startswith("modelrail/modelrail/actions/report@")


@pytest.mark.parametrize("path", every_file(), ids=ids)
def test_artifacts_are_taken_from_the_same_run_alone(path: Path) -> None:
    for step in steps(path):
        if "download-artifact" in step.get("uses", ""):
            assert not {"run-id", "github-token", "repository"} & set(step["with"])
            assert path in REUSABLE.values()


def test_training_and_data_checks_get_no_token() -> None:
    for verb in ("train", "validate-data"):
        assert "token" not in load(ACTIONS[verb])["inputs"]
        assert "MODELRAIL_TOKEN" not in ACTIONS[verb].read_text(encoding="utf-8")


def test_no_secret_is_handed_to_a_whole_job_or_inherited() -> None:
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert "secrets: inherit" not in text
        document = load(path)
        assert "env" not in document
        for job in document["jobs"].values():
            assert "secrets." not in str(job.get("env", ""))


def test_the_secrets_of_the_callers_are_those_that_are_documented() -> None:
    """Pull requests get the one that can only read; the key that signs goes to the default branch."""
    found = {
        name: set(re.findall(r"secrets\.([A-Z_]+)", path.read_text(encoding="utf-8")))
        for name, path in CALLERS.items()
    }
    assert found["pull-request"] == {"DVC_READ_ONLY"}
    assert found["report"] == set()
    allowed = {"DVC_READ_ONLY", "DVC_SEALED", "MODELRAIL_SIGNING_KEY"}
    assert set().union(*found.values()) <= allowed
    said = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for secret in set().union(*found.values()):
        assert f"`{secret}`" in said


def test_caches_are_used_by_the_untrusted_job_alone() -> None:
    """What a training script left there must not come back where a token can write, or in a release."""
    places = [path for path in every_file() if "actions/cache" in path.read_text(encoding="utf-8")]
    assert places == [ACTIONS["setup"]]
    assert load(ACTIONS["setup"])["inputs"]["cache"]["default"] == "false"
    given = {
        (path.stem, name): str(step.get("with", {}).get("cache", "false"))
        for path, name, job in jobs()
        for step in job.get("steps", [])
        if "actions/setup@" in step.get("uses", "")
    }
    # Every job of that workflow which sets the tool up can only read (test_permissions.py).
    assert {key for key, value in given.items() if value != "false"} == {
        ("evaluate", name) for name in ("evaluate", "score", "compare")
    }
    assert load(REUSABLE["release"])["jobs"]["evaluate"]["with"]["cache"] is False
    for path in every_file():  # nor by the back door of an action that caches by itself
        for step in steps(path):
            if "actions/setup-python@" in step.get("uses", ""):
                assert "cache" not in step.get("with", {})


@pytest.mark.parametrize("path", [ROOT_ACTION, *ACTIONS.values()], ids=ids)
def test_an_action_runs_our_own_program_and_nothing_else(path: Path) -> None:
    pattern = re.compile(
        r'^python3 "\$GITHUB_ACTION_PATH/(\.\./\.\./)?scripts/modelrail-run" (--warm|[a-z-]+)$'
    )
    for step in steps(path):
        if "run" in step:
            assert pattern.match(step["run"].strip()), step["run"]
            assert step["shell"] == "bash"


@pytest.mark.parametrize("path", [*REUSABLE.values(), *CALLERS.values()], ids=ids)
def test_no_workflow_of_ours_has_a_script(path: Path) -> None:
    assert not [step for step in steps(path) if "run" in step]


# --- the code ---------------------------------------------------------------------------------------------

# Only this one loads models: a program of its own, in the user's environment, in jobs that can only read.
LOADS_MODELS = "adapters/running/predict_runner.py"
LOADERS = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "skops",
    "onnxruntime",
    "torch",
    "marshal",
    "shelve",
}


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.fault(25)
@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_nothing_but_the_predictor_can_load_a_model(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix() != LOADS_MODELS:
        assert not imported(path) & LOADERS


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_no_module_evaluates_text_or_asks_a_shell(path: Path) -> None:
    for call in calls(path):
        name = ast.unparse(call.func)
        assert name not in {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}, name
        words = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert words.get("shell") in {None, "False"}, ast.unparse(call)
        if name == "yaml.load":
            assert words.get("Loader") == "yaml.BaseLoader", (
                "BaseLoader builds texts, lists and mappings alone"
            )
        if name.endswith(".extractall"):
            assert words.get("filter") == "'data'", ast.unparse(call)


@pytest.mark.fault(33)
def test_git_is_started_in_one_place_with_arguments() -> None:
    """In `adapters/git.py`, which refuses empty arguments; the local GitHub has its own."""
    for path in MODULES:
        inside = path.relative_to(PACKAGE).as_posix()
        # The worker of a store is a program of its own, which DVC's environment runs.
        if inside.startswith("localhub/") or inside in {"adapters/git.py", "adapters/stores/worker.py"}:
            continue
        for call in calls(path):
            if ast.unparse(call.func) in {"subprocess.run", "subprocess.Popen"}:
                first = ast.unparse(call.args[0]) if call.args else ""
                assert not first.startswith("['git'"), inside


# --- the repository ---------------------------------------------------------------------------------------


def test_no_program_is_hidden_in_the_repository() -> None:
    for path in tracked():
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            head = stream.read(4)
        assert head[:4] not in {b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"}, path
        assert head[:2] != b"MZ", path
        assert path.suffix not in {".pyc", ".so", ".whl", ".jar", ".exe", ".dll", ".pkl", ".joblib"}, path


def test_dependencies_are_kept_up_to_date_by_a_robot_that_waits() -> None:
    document = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    kinds = {update["package-ecosystem"]: update for update in document["updates"]}
    assert set(kinds) == {"github-actions", "pip"}
    for update in kinds.values():
        assert update["cooldown"]["default-days"] >= 7  # a poisoned release is usually found within days
    folders = {path.parent.relative_to(ROOT).as_posix() for path in ACTIONS.values()}
    assert {"/", "/actions/*"} <= set(kinds["github-actions"]["directories"])
    assert all(re.fullmatch(r"actions/[a-z-]+", folder) for folder in folders)


def test_the_promises_are_those_that_the_tests_hold() -> None:
    source = yaml.safe_load((ROOT / "tests" / "faults.yaml").read_text(encoding="utf-8"))
    said = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for number, promise in source["promises"].items():
        assert f"| **{number}** | {promise}" in said, number
    assert "Report a vulnerability" in said


def test_every_fault_has_a_test() -> None:
    marked: set[int] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for call in calls(path):
            if ast.unparse(call.func) == "pytest.mark.fault":
                marked |= {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    # 34 is a figure: `scripts/bench registry` measures it; no test asserts a time.
    missing = set(range(1, 41)) - marked - {34}
    assert not missing, f"faults without a test: {sorted(missing)}"
