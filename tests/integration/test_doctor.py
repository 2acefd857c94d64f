"""`modelrail doctor` on real repositories: offline, and against the settings of the local GitHub."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

import support_project
from modelrail import errors, settings
from modelrail.commands.doctor import command, repository_of
from support_project import modelrail
from support_workflows import ROOT

if TYPE_CHECKING:
    from support_git import LocalHub


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # sealed.yml would stand in report.yml's place: see docs/sealed.md.
    without = shutil.ignore_patterns("sealed.yml")
    shutil.copytree(ROOT / "workflows", repository / ".github" / "workflows", ignore=without)
    (repository / "requirements.txt").write_text("numpy==2.1.0\n")
    config = support_project.CONFIG.replace("task: binary", "task: binary\n    env: requirements.txt")
    support_project.fill(repository, modelrail__yaml=config)
    monkeypatch.chdir(repository)
    return repository


def doctor(*arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The findings by check; those that are not in order win over those that are."""
    done = run("--json", *arguments)
    wrong = isinstance(done.exception, errors.UnfitError)
    assert wrong == (code != 0), done.output
    found = json.loads(done.stdout)["findings"]
    order = ("ok", "skip", "warn", "fail")
    return {one["check"]: one for one in sorted(found, key=lambda one: order.index(one["result"]))}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def test_a_repository_in_order_offline(project: Path, git: Callable[..., str]) -> None:
    git(project, "remote", "add", "origin", "https://github.example/octo/flights")
    found = doctor("--offline")
    assert {check: one["result"] for check, one in found.items() if one["result"] != "ok"} == {
        "github": "skip"
    }
    done = run("--offline")
    assert done.exit_code == 0
    assert "in order" in done.stdout
    assert "✗" not in done.stdout
    assert "✓ modelrail.yaml is valid: delay." in run("--offline", "--all").stdout


def test_each_fault_is_named_with_its_remedy(project: Path, git: Callable[..., str]) -> None:
    git(project, "rm", "--quiet", "--cached", "test.csv")
    git(project, "rm", "--quiet", ".github/workflows/report.yml")
    git(project, "commit", "--quiet", "-m", "Less")
    (project / "requirements.txt").write_text("numpy\n")
    (project / ".github" / "workflows" / "new.yml").write_text(
        (ROOT / "workflows" / "report.yml").read_text()
    )
    (project / ".gitignore").unlink()
    done = run("--offline")
    assert isinstance(done.exception, errors.UnfitError)
    for line in (
        "✗ test.csv is neither in Git nor in DVC",
        "→ dvc add test.csv && git add test.csv.dvc",
        "✗ Not on main: new.yml.",
        "! requirements.txt does not pin numpy",
        "! modelrail-out/ is not ignored",
        "! There is no remote `origin`",
    ):
        assert line in done.stdout, line


def test_a_sealed_test_set_as_the_docs_set_it_up(project: Path) -> None:
    """docs/sealed.md: sealed.yml in the place of report.yml, and `sealed: true` in release.yml."""
    config = (project / "modelrail.yaml").read_text()
    for old, new in (
        ("test: test.csv", "test: test.csv, sealed: rows"),
        ("    predict: python3 predict.py\n", ""),
        ("build/model.json", "build/model.onnx"),
    ):
        assert old in config
        config = config.replace(old, new)
    (project / "modelrail.yaml").write_text(config)
    found = doctor("--offline", code=28)
    assert {check for check, one in found.items() if one["result"] == "fail"} == {
        "sealed-caller",
        "sealed-report",
        "sealed-release",
    }
    folder = project / ".github" / "workflows"
    (folder / "report.yml").unlink()
    shipped = (ROOT / "workflows" / "sealed.yml").read_text()
    (folder / "sealed.yml").write_text(shipped.replace("checks: write", "checks: read"))
    release = (folder / "release.yml").read_text()
    (folder / "release.yml").write_text(
        release.replace("    secrets:\n", "    with: {sealed: true}\n    secrets:\n")
    )
    found = doctor("--offline", code=28)
    assert {check for check, one in found.items() if one["result"] == "fail"} == {
        "default-branch",  # not committed yet
        "permissions",
    }
    assert "sealed.yml, job sealed lacks checks: write" in found["permissions"]["what"]


def test_a_folder_that_is_nothing_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctor("--offline", code=28)
    assert found["configuration"]["next"] == "Run `modelrail init`."


def test_a_configuration_with_faults(project: Path) -> None:
    (project / "modelrail.yaml").write_text("version: 1\nmodels: {delay: {tusk: binary}}\n")
    found = doctor("--offline", code=28)
    assert found["configuration"]["what"].startswith("modelrail.yaml, line 2, models.delay")
    (project / "modelrail.yaml").write_text("a: [\n")
    assert doctor("--offline", code=28)["configuration"]["result"] == "fail"


def test_dvc_without_a_remote(project: Path, git: Callable[..., str]) -> None:
    (project / ".dvc").mkdir()
    (project / ".dvc" / "config").write_text("")
    (project / "test.csv.dvc").write_text("outs:\n- md5: " + "a" * 32 + "\n  path: test.csv\n  hash: md5\n")
    assert doctor("--offline", code=28)["dvc-remote"]["result"] == "fail"
    text = "[core]\n    remote = store\n['remote \"store\"']\n    url = /tmp/store\n"
    (project / ".dvc" / "config").write_text(text)
    assert doctor("--offline")["dvc-remote"]["result"] == "ok"


def test_a_shallow_clone(project: Path, git: Callable[..., str], tmp_path: Path, monkeypatch: Any) -> None:
    support_project.fill(project, params__yaml="noise: 0.02\n")
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    found = doctor("--offline")
    assert found["shallow"]["result"] == "warn"
    assert found["default-branch"]["result"] == "ok"


# --- GitHub ----------------------------------------------------------------------------------------------


@pytest.fixture
def online(
    hub: LocalHub, project: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> LocalHub:
    hub.seed(project)
    git(project, "remote", "add", "origin", hub.git_url)
    git(project, "fetch", "--quiet", hub.authorized_url(), "+refs/heads/*:refs/remotes/origin/*")
    for name, value in hub.environ().items():
        if name != "GITHUB_REPOSITORY":  # read off the remote
            monkeypatch.setenv(name, value)
    return hub


def protect(hub: LocalHub) -> None:
    add = hub.hub.add_ruleset
    add("octo", "flights", target="tag", rules=["update", "deletion"])
    add("octo", "flights", target="branch", rules=["non_fast_forward", "deletion"],
        include=["refs/heads/modelrail/ledger"])  # fmt: skip
    add("octo", "flights", target="branch", rules=["pull_request"], checks=["modelrail"],
        include=["~DEFAULT_BRANCH"])  # fmt: skip
    hub.hub.set_environment("octo", "flights", "production", reviewers=["octo"], protected_branches=True)
    hub.hub.configure("octo", "flights", immutable_releases=True)


def test_a_repository_of_github_before_and_after(online: LocalHub) -> None:
    found = doctor()
    weak = {check for check, one in found.items() if one["result"] == "warn"}
    assert weak == {
        "token-scope", "tags-protected", "ledger-protected", "default-protected", "environment",
        "immutable-releases", "required-check",
    }  # fmt: skip
    assert all(found[check]["next"] for check in weak)
    protect(online)
    assert {check for check, one in doctor().items() if one["result"] != "ok"} == {"token-scope"}


def test_settings_that_let_strangers_in_fail(online: LocalHub) -> None:
    online.hub.configure(
        "octo", "flights", private=True,
        actions_policy={
            "send_secrets_and_variables": True, "default_workflow_permissions": "write",
            "allowed_actions": "selected", "patterns_allowed": ["modelrail/*"],
            "github_owned_allowed": False, "sha_pinning_required": True,
        },
    )  # fmt: skip
    found = doctor(code=28)
    failed = {check: one for check, one in found.items() if one["result"] == "fail"}
    assert set(failed) == {"forks", "actions", "pinning"}
    assert "actions/checkout/*" in failed["actions"]["next"]
    assert found["default-permissions"]["result"] == "warn"


def test_a_ruleset_that_keeps_promotions_out(online: LocalHub) -> None:
    online.hub.add_ruleset("octo", "flights", target="tag", rules=["creation"], title="no new tags")
    found = doctor(code=28)["rules-in-the-way"]
    assert "'no new tags' (creation) keeps workflows from writing tags of versions" in found["what"]


@pytest.mark.fault(10)
def test_a_token_that_may_not_see_the_settings(online: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", online.bot_token(contents="read"))
    found = doctor()
    assert {found[check]["result"] for check in ("actions", "default-permissions", "approval")} == {"skip"}
    assert "administration: read" in found["actions"]["what"]
    assert found["tags-protected"]["result"] == "warn"  # rulesets are for everyone to see
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_wrong")
    assert doctor()["github"]["result"] == "skip"
    assert isinstance(run("--github").exception, errors.PermissionMissingError)


def test_without_a_token_or_a_known_remote(
    online: LocalHub, monkeypatch: pytest.MonkeyPatch, git: Callable[..., str], project: Path
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert doctor()["github"]["what"].endswith("there is no token.")
    git(project, "remote", "set-url", "origin", "https://elsewhere.example/octo/flights")
    monkeypatch.setenv("GITHUB_TOKEN", online.token)
    assert "no remote says" in doctor()["github"]["what"]


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/octo/flights.git", "octo/flights"),
        ("https://x-access-token:abc@github.com/octo/flights", "octo/flights"),
        ("git@github.com:octo/flights.git", "octo/flights"),
        ("ssh://git@github.com/octo/flights", "octo/flights"),
        ("git@gitlab.com:octo/flights.git", ""),
        ("https://github.com/octo/../../user", ""),
        ("/srv/git/flights.git", ""),
        ("", ""),
    ],
)
def test_the_repository_of_a_remote(remote: str, name: str) -> None:
    assert repository_of(remote, settings.read({})) == name


def test_it_needs_neither_numpy_nor_requests_offline(project: Path) -> None:
    code = (
        "import sys; from modelrail.__main__ import main; main(['doctor', '--offline']); "
        "print(sorted({'numpy', 'polars', 'requests'} & set(sys.modules)))"
    )
    done = support_project.python(project, ("-c", code))
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert modelrail(project, "doctor", "--offline").returncode == 0
    assert sys.modules  # this process has them, the other one had not
