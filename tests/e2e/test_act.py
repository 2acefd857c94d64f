"""`modelrail act` on a small repository: triggers, jobs, artifacts, forks, and runs that must fail."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from modelrail.commands.act import command
from modelrail.errors import UsageError, WorkflowRunError

pytestmark = pytest.mark.e2e

CHECKOUT = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2"
UPLOAD = "actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0"
DOWNLOAD = "actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131 # v7.0.0"

CHECK = f"""
name: check
on:
  pull_request:
    branches: [main]
  push:
    branches: [main]
    paths: ["src/**"]
permissions: {{}}
jobs:
  build:
    name: build
    runs-on: ubuntu-latest
    permissions: {{contents: read}}
    outputs:
      id: ${{{{ steps.keep.outputs.artifact-id }}}}
    steps:
      - name: Check out
        uses: {CHECKOUT}
        with: {{persist-credentials: false}}
      - name: Look
        env:
          REF: ${{{{ github.ref }}}}
          SECRET: ${{{{ secrets.CANARY }}}}
        run: |
          mkdir -p out/model-a
          git rev-parse HEAD > out/model-a/commit.txt
          printf '%s\\n' "$REF" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID" > out/model-a/where.txt
          printf '%s\\n' "${{#SECRET}}" > out/model-a/secret.txt
          cat src/file.txt
      - name: Keep
        id: keep
        uses: {UPLOAD}
        with:
          name: records
          path: out/*/*.txt
  after:
    name: after
    needs: build
    if: ${{{{ needs.build.outputs.id != '' }}}}
    runs-on: ubuntu-latest
    permissions: {{pull-requests: write}}
    steps:
      - name: Take
        uses: {DOWNLOAD}
        with: {{name: records, path: back}}
      - name: Compare
        run: test "$(cat back/model-a/where.txt | tail -1)" = "$GITHUB_RUN_ID"
  never:
    name: never
    if: ${{{{ github.event_name == 'schedule' }}}}
    runs-on: ubuntu-latest
    permissions: {{}}
    steps:
      - run: exit 1
"""
FOLLOW = f"""
name: follow
on:
  workflow_run:
    workflows: [check]
    types: [completed]
permissions: {{}}
jobs:
  follow:
    name: follow
    runs-on: ubuntu-latest
    permissions: {{actions: read}}
    steps:
      - name: Take
        uses: {DOWNLOAD}
        with:
          name: records
          path: back
          run-id: ${{{{ github.event.workflow_run.id }}}}
          github-token: ${{{{ github.token }}}}
      - name: Look
        run: cat back/model-a/commit.txt >> "$GITHUB_STEP_SUMMARY"
"""
DISPATCH = """
name: dispatch
on:
  workflow_dispatch:
    inputs:
      version: {description: The version, required: true}
      stage: {description: The stage, default: production}
permissions: {}
jobs:
  go:
    name: go
    runs-on: ubuntu-latest
    permissions: {}
    steps:
      - name: Say
        env:
          TEXT: ${{ inputs.version }} ${{ inputs.stage }}
        run: |
          echo "::notice title=said::$TEXT"
          # act itself may lose what a program said in its very last moment.
          test "$TEXT" = "v1.0.0 production" || { echo "not $TEXT"; sleep 0.3; exit 3; }
"""


# A stranger's workflow: asks for every permission, and tries to write with the token that it got.
STRANGE = """
name: check
on: pull_request
permissions: write-all
jobs:
  build:
    name: build
    runs-on: ubuntu-latest
    steps:
      - name: Write
        env:
          TOKEN: ${{ github.token }}
          SECRET: ${{ secrets.CANARY }}
        shell: python
        run: |
          import os, urllib.error, urllib.request
          assert not os.environ["SECRET"]
          url = os.environ["GITHUB_API_URL"] + "/repos/octo/flights/issues/1/comments"
          headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
          try:
              urllib.request.urlopen(urllib.request.Request(url, b'{"body": "x"}', headers))
          except urllib.error.HTTPError as error:
              raise SystemExit(error.code != 403)
          raise SystemExit("a comment was written")
"""


def act(hub: Any, *arguments: str) -> dict[str, Any]:
    """Run the command as a person does; the JSON that it prints. Raises what it raises."""
    done = CliRunner().invoke(
        command,
        [*arguments, "--json", "--hub", hub.url, "--repository", hub.repository],
        auto_envvar_prefix="MODELRAIL_ACT",
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        done.exception.add_note(done.output)
        raise done.exception
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def commit(root: Path, git: Callable[..., str], message: str, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", message)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def world(hub: Any, repository: Path, git: Callable[..., str]) -> tuple[Any, Path]:
    """The hub with three workflows on main, and the clone that they came from."""
    for name, text in {"check": CHECK, "follow": FOLLOW, "dispatch": DISPATCH}.items():
        path = repository / ".github" / "workflows" / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    commit(repository, git, "Workflows", **{"src__file.txt": "one\n"})
    hub.seed(repository)
    return hub, repository


@pytest.fixture
def pull(world: tuple[Any, Path], git: Callable[..., str]) -> int:
    hub, repository = world
    git(repository, "checkout", "--quiet", "-b", "better")
    commit(repository, git, "Better", **{"src__file.txt": "two\n"})
    hub.seed(repository, "better")
    opened = hub.hub.open_pull_request("octo", "flights", "better", "main", "Better", "", "octo")
    return int(opened["number"])


def artifact(hub: Any, name: str) -> dict[str, str]:
    """The files of the newest artifact, as the API hands them out."""
    import requests

    headers = {"Authorization": f"Bearer {hub.token}"}
    listed = requests.get(
        f"{hub.api_url}/repos/{hub.repository}/actions/artifacts", headers=headers, timeout=10
    ).json()["artifacts"]
    found = next(item for item in listed if item["name"] == name)
    archive = requests.get(found["archive_download_url"], headers=headers, timeout=10)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        return {one: opened.read(one).decode() for one in opened.namelist()}


def test_a_pull_request_runs_on_its_merge_commit(world: tuple[Any, Path], pull: int) -> None:
    hub, _ = world
    wanted = ("--pull-request", str(pull), "--expect-job", "build", "--secret", "CANARY=12345")
    found = act(hub, "pull_request", *wanted)
    (run,) = found["runs"]
    assert run["workflow"] == "check.yml"
    assert run["conclusion"] == "success"
    assert [job["name"] for job in run["jobs"]] == ["build", "after"]
    assert [step["name"] for step in run["jobs"][0]["steps"]] == ["Check out", "Look", "Keep"]
    files = artifact(hub, "records")
    merge = hub.hub.pull_request("octo", "flights", pull)["merge_commit_sha"]
    assert files["model-a/commit.txt"].strip() == merge
    where = [f"refs/pull/{pull}/merge", "octo/flights", str(run["run_id"])]
    assert files["model-a/where.txt"].split() == where
    assert files["model-a/secret.txt"].strip() == "5"


def test_what_follows_a_run_takes_its_artifacts_by_the_api(world: tuple[Any, Path], pull: int) -> None:
    hub, _ = world
    found = act(hub, "pull_request", "--follow", "--expect-job", "follow")
    assert [(run["workflow"], run["event"]) for run in found["runs"]] == [
        ("check.yml", "pull_request"),
        ("follow.yml", "workflow_run"),
    ]


def test_a_fork_gets_no_secret_and_a_token_that_cannot_write(
    world: tuple[Any, Path], git: Callable[..., str], tmp_path: Path
) -> None:
    hub, repository = world
    hub.hub.fork("octo", "flights", to="stranger")
    git(repository, "checkout", "--quiet", "-b", "odd")
    path = repository / ".github" / "workflows" / "check.yml"
    path.write_text(STRANGE, encoding="utf-8")
    commit(repository, git, "Odd")
    stranger = hub.hub.token_for("stranger")
    url = hub.running.git_url("stranger", "flights").replace("http://", f"http://x-access-token:{stranger}@")
    git(repository, "push", "--quiet", url, "HEAD:refs/heads/odd")
    opened = hub.hub.open_pull_request("octo", "flights", "stranger:odd", "main", "Odd", "", "stranger")
    act(
        hub,
        "pull_request",
        "--pull-request",
        str(opened["number"]),
        "--secret",
        "CANARY=1",
        "--expect-job",
        "build",
    )
    assert hub.hub.comments("octo", "flights", opened["number"]) == []


def test_paths_decide_whether_a_push_runs(world: tuple[Any, Path], git: Callable[..., str]) -> None:
    hub, repository = world
    assert [run["workflow"] for run in act(hub, "push")["runs"]] == ["check.yml"]
    commit(repository, git, "Words", **{"NOTES.md": "words\n"})
    hub.seed(repository)
    with pytest.raises(WorkflowRunError, match="No workflow of octo/flights runs on this push"):
        act(hub, "push")


def test_a_dispatch_fills_in_the_defaults_and_refuses_wrong_inputs(world: tuple[Any, Path]) -> None:
    hub, _ = world
    given = ("workflow_dispatch", "--workflow", "dispatch.yml")
    found = act(hub, *given, "--input", "version=v1.0.0")
    assert found["runs"][0]["jobs"][0]["annotations"] == [
        {"level": "notice", "message": "v1.0.0 production", "title": "said"}
    ]
    with pytest.raises(UsageError, match="needs the input 'version'"):
        act(hub, *given)
    with pytest.raises(UsageError, match="has no input 'versoin'"):
        act(hub, *given, "--input", "versoin=v1.0.0")


def test_a_failed_step_fails_the_command_with_its_last_lines(world: tuple[Any, Path]) -> None:
    hub, _ = world
    with pytest.raises(WorkflowRunError, match="The job 'go' failed in the step 'Say'") as caught:
        act(hub, "workflow_dispatch", "--workflow", "dispatch.yml", "--input", "version=v2.0.0")
    assert "not v2.0.0 production" in caught.value.tail


def test_a_skipped_job_did_not_run(world: tuple[Any, Path], pull: int) -> None:
    hub, _ = world
    with pytest.raises(WorkflowRunError, match="The job 'never' did not run"):
        act(hub, "pull_request", "--expect-job", "build", "--expect-job", "never")


def test_a_workflow_of_which_nothing_runs_is_an_error(
    world: tuple[Any, Path], git: Callable[..., str]
) -> None:
    hub, repository = world
    (repository / ".github/workflows/check.yml").write_text(
        CHECK.replace("'schedule'", "'x'"), encoding="utf-8"
    )
    text = "name: none\non: push\njobs:\n  a:\n    if: ${{ false }}\n    runs-on: ubuntu-latest\n"
    commit(
        repository, git, "None", **{".github__workflows__none.yml": text + "    steps:\n      - run: echo\n"}
    )
    hub.seed(repository)
    with pytest.raises(WorkflowRunError, match=r"none\.yml ran no job"):
        act(hub, "push", "--workflow", "none.yml")


def test_what_has_no_stand_in_is_named(world: tuple[Any, Path], git: Callable[..., str]) -> None:
    hub, repository = world
    text = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: someone/thing@v1\n"
    commit(repository, git, "Thing", **{".github__workflows__thing.yml": text})
    hub.seed(repository)
    with pytest.raises(WorkflowRunError, match="no local copy of someone/thing@v1"):
        act(hub, "push", "--workflow", "thing.yml")


def test_a_repositorys_own_actrc_and_env_files_are_not_read(
    world: tuple[Any, Path], git: Callable[..., str]
) -> None:
    hub, repository = world
    commit(
        repository, git, "Traps",
        **{".actrc": "--dryrun\n", ".env": "GITHUB_REPOSITORY=evil/evil\n", ".secrets": "CANARY=evil\n",
           "src__file.txt": "three\n"},
    )  # fmt: skip
    hub.seed(repository)
    act(hub, "push", "--expect-job", "build")
    files = artifact(hub, "records")
    assert "octo/flights" in files["model-a/where.txt"]
    assert files["model-a/secret.txt"].strip() == "0"


def test_no_secret_is_printed(world: tuple[Any, Path], git: Callable[..., str]) -> None:
    hub, repository = world
    text = (
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: echo ${{ secrets.CANARY }} ${{ github.token }}; exit 1\n"
    )
    commit(repository, git, "Leak", **{".github__workflows__leak.yml": text})
    hub.seed(repository)
    where = ["--hub", hub.url, "--repository", hub.repository]
    options = ["--workflow", "leak.yml", "--verbose", "--secret", "CANARY=sesame-sesame"]
    done = subprocess.run(
        [sys.executable, "-m", "modelrail", "act", "push", *options, *where],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "scripts")},
    )
    assert done.returncode == WorkflowRunError.code
    assert "sesame" not in done.stdout + done.stderr
    assert "ghs_" not in done.stdout + done.stderr
    assert "***" in done.stderr
