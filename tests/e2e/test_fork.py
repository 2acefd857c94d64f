"""A stranger's fork against the shipped workflows: whatever its run leaves, the trusted job comes to no harm.

One hub and one repository for all tests. The stranger's run is either the real one (act runs the shipped
workflow on the fork's code) or made up: the fork may replace the workflow, so its artifact can be anything.

The trusted job runs under act where the runner itself matters: its conditions, and what it makes of the
printed lines. Else it is the job's one command, with the event and the token that the workflow gives it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import re
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from click.testing import CliRunner, Result

import support_records as sample
from modelrail import records, toolenv
from modelrail.adapters import files
from modelrail.commands import report as report_command
from modelrail.commands.act import command
from modelrail.errors import WorkflowRunError
from modelrail.localhub import act_triggers
from modelrail.localhub.act_events import Source
from modelrail.localhub.server import Hub, Running
from support_openapi import OpenApiCheck
from support_workflows import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TOOLS = Path(toolenv.folder())  # read before any fixture hides the home folder
OWNER, NAME = "octo", "flights"
MARKER = "<!-- modelrail:report -->"

CONFIG = """
version: 1
models:
  delay:
    task: binary
    data: {train: train.csv, test: test.csv, target: label, key: id}
    train: python3 train.py
    predict: python3 predict.py
    model: build/model.json
    params: params.yaml
    metrics: [accuracy]
    gates: [{metric: accuracy, min: 0.9}]
    stages: {production: {enter: manual, first: allowed}}
"""
TRAIN = """
import json, os, pathlib
pathlib.Path("build").mkdir(exist_ok=True)
noise = float(pathlib.Path("params.yaml").read_text().split(":")[1])
pathlib.Path("build/model.json").write_text(json.dumps({"threshold": 0.5 + noise}))
"""
PREDICT = """
import csv, json, os
threshold = json.load(open(os.environ["MODELRAIL_MODEL"]))["threshold"]
rows = list(csv.DictReader(open(os.environ["MODELRAIL_INPUT"])))
with open(os.environ["MODELRAIL_OUTPUT"], "w", newline="") as stream:
    out = csv.writer(stream)
    out.writerow(["id", "prediction"])
    out.writerows([row["id"], int(float(row["x"]) > threshold)] for row in rows)
"""
# Everything that a training script may try on its surroundings; what succeeds is written to `loot`.
ROBBER = (
    TRAIN
    + """
import re, subprocess, urllib.request
loot = []
for name, value in os.environ.items():
    if re.search("TOKEN|SECRET|PASSWORD|GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)", name):
        loot.append(name)
for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
    pass  # processes of one user can look at each other: see SECURITY.md
done = subprocess.run(["git", "config", "--get-regexp", "extraheader"], capture_output=True, text=True)
loot += done.stdout.split()
done = subprocess.run(["git", "push", "origin", "HEAD:refs/heads/owned"], capture_output=True,
                      env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
if done.returncode == 0:
    loot.append("push")
print("::set-output name=verdict::pass")
print("::add-mask::delay")
print("::stop-commands::x")
print("##[add-path]/tmp/evil")
pathlib.Path("build/loot.txt").write_text("\\n".join(loot))
assert not loot, loot
"""
)


def table(rows: int, seed: int) -> str:
    """`x` in [0, 1); the label is whether it is above one half."""
    dice = random.Random(seed)
    values = [dice.random() for _ in range(rows)]
    lines = [f"{seed}-{number},{value:.6f},{int(value > 0.5)}" for number, value in enumerate(values)]
    return "\n".join(["id,x,label", *lines]) + "\n"


def git(root: Path, *arguments: str) -> str:
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=root, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Stage:
    hub: Hub
    running: Running
    root: Path
    cache: Path

    @property
    def place(self) -> Path:
        return self.cache.parent

    def url(self, owner: str) -> str:
        token = self.hub.token_for(owner)
        plain = self.running.git_url(owner, NAME)
        return plain.replace("http://", f"http://x-access-token:{token}@")

    def branch(self, name: str, **changed: str) -> str:
        git(self.root, "checkout", "--quiet", "-B", name, "main")
        for path, text in (changed or {"params__yaml": f"noise: 0.0 # {name}\n"}).items():
            (self.root / path.replace("__", ".")).write_text(text, encoding="utf-8")
        git(self.root, "add", ".")
        git(self.root, "commit", "--quiet", "-m", name)
        return git(self.root, "rev-parse", "HEAD")

    def pull(self, branch: str, owner: str = "eve", base: str = "main", **changed: str) -> dict[str, Any]:
        self.branch(branch, **changed)
        return self.open(branch, owner, base)

    def open(self, branch: str, owner: str, base: str = "main") -> dict[str, Any]:
        git(self.root, "push", "--quiet", "--force", self.url(owner), f"HEAD:refs/heads/{branch}")
        head = branch if owner == OWNER else f"{owner}:{branch}"
        return self.hub.open_pull_request(OWNER, NAME, head, base, branch, "", owner)

    def run(self, pull: dict[str, Any], archive: bytes | None, **more: str) -> int:
        """The stranger's own run, which ends with any artifact it likes."""
        fields = {
            "workflow": "pull-request.yml",
            "event": "pull_request",
            "head_branch": pull["head"]["ref"],
            "head_sha": pull["head"]["sha"],
            "title": "model",
            "actor": "eve",
            "head_repository": pull["head"]["repo"]["full_name"],
        }
        conclusion = more.pop("conclusion", "success")
        run = int(self.hub.start_run(OWNER, NAME, **(fields | more))["id"])
        if archive is not None:
            self.hub.add_artifact(run, "modelrail-records", archive)
        self.hub.finish_run(run, conclusion)
        return run

    def act(self, *arguments: str) -> list[dict[str, Any]]:
        where = ("--json", "--hub", self.running.url, "--repository", f"{OWNER}/{NAME}")
        done = CliRunner().invoke(command, [*arguments, *where])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            done.exception.add_note(done.output)
            raise done.exception
        return list(json.loads(done.stdout)["runs"])

    def report_under_act(self, run: int) -> dict[str, Any]:
        """The trusted job, as the default branch has it."""
        (found,) = self.act("workflow_run", "--run-id", str(run), "--expect-job", "report")
        return found

    def report(self, run: int) -> Result:
        """The one step of the trusted job: its event, and a token of the permissions that it asks for."""
        event = Source(self.hub, f"{OWNER}/{NAME}").workflow_run(run, OWNER)
        shipped = (ROOT / "workflows" / "report.yml").read_text(encoding="utf-8")
        granted = act_triggers.token_permissions(
            act_triggers.parse("report.yml", shipped), read_only=event.untrusted
        )
        job = self.place / "jobs" / str(run)
        work = job / "work"
        work.mkdir(parents=True, exist_ok=True)
        (job / "event.json").write_text(json.dumps(event.payload), encoding="utf-8")
        token = self.hub.token_for("github-actions[bot]", repository=f"{OWNER}/{NAME}", **granted)
        env = {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event.name, "GITHUB_REF": event.ref,
            "GITHUB_SHA": event.head_sha, "GITHUB_ACTOR": event.actor, "GITHUB_RUN_ID": "1",
            "GITHUB_REPOSITORY": f"{OWNER}/{NAME}", "GITHUB_WORKSPACE": str(work),
            "GITHUB_API_URL": self.running.api_url, "GITHUB_SERVER_URL": self.running.url,
            "GITHUB_EVENT_PATH": str(job / "event.json"), "GITHUB_OUTPUT": str(job / "output"),
            "GITHUB_STEP_SUMMARY": str(job / "summary"), "MODELRAIL_TOKEN": token,
        }  # fmt: skip
        before = set(self.place.iterdir()), set(self.root.rglob("*"))
        with contextlib.chdir(work):
            done = CliRunner().invoke(
                report_command.command, [], env=env, auto_envvar_prefix="MODELRAIL_REPORT"
            )
        assert done.exception is None, (done.exception, done.output)
        # Whatever it was given, it wrote what it makes itself and took records, and nothing else.
        assert (set(self.place.iterdir()), set(self.root.rglob("*"))) == before
        assert {path.name for path in job.iterdir()} <= {"event.json", "output", "summary", "work"}
        assert {path.name for path in work.iterdir()} <= {"modelrail-out"}
        for path in work.rglob("*"):
            assert not path.is_symlink(), path
            assert path.is_dir() or path.suffix in {".json", ".md", ".html", ".xml"}, path
        return done

    def comments(self, number: int) -> list[str]:
        found = self.hub.comments(OWNER, NAME, number)
        assert all(comment["user"]["login"] == "github-actions[bot]" for comment in found)
        return [str(comment["body"]) for comment in found]

    def page(self, number: int) -> str:
        return requests.get(f"{self.running.url}/{OWNER}/{NAME}/pull/{number}", timeout=10).text


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    place = tmp_path_factory.mktemp("fork")
    (place / "cache").mkdir()
    TOOLS.mkdir(parents=True, exist_ok=True)
    (place / "cache" / "tools").symlink_to(TOOLS)
    root = place / "repository"
    # sealed.yml would stand in report.yml's place: see docs/sealed.md.
    without = shutil.ignore_patterns("sealed.yml")
    shutil.copytree(ROOT / "workflows", root / ".github" / "workflows", ignore=without)
    caller = root / ".github" / "workflows" / "pull-request.yml"
    # No tracker: it costs seconds, and nothing here is about it.
    more = r"\g<0>\n    with: {tracking: false}"
    text, found = re.subn(r"(?m)^    uses: .*/evaluate\.yml@.*$", more, caller.read_text(encoding="utf-8"))
    assert found == 1
    caller.write_text(text, encoding="utf-8")
    written = {
        ".gitignore": "build/\nmodelrail-out/\n", "modelrail.yaml": CONFIG,
        "train.py": TRAIN, "predict.py": PREDICT,
        "train.csv": table(300, 1), "test.csv": table(300, 2), "params.yaml": "noise: 0.05\n",
    }  # fmt: skip
    for name, text in written.items():
        (root / name).write_text(text, encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "A model")
    hub, check = Hub(place / "hub"), OpenApiCheck()
    with hub.serve(middleware=check.middleware) as running:
        hub.create_repository(OWNER, NAME)
        stage = Stage(hub, running, root, place / "cache")
        git(root, "push", "--quiet", stage.url(OWNER), "HEAD:refs/heads/main", "HEAD:refs/heads/stable")
        hub.fork(OWNER, NAME, to="eve")
        yield stage
    assert not check.violations


@pytest.fixture
def stage(staged: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("MODELRAIL_CACHE", str(staged.cache))
    return staged


def honest(name: str = "delay", **changes: Any) -> dict[str, bytes]:
    """Records of a model that passes, as an artifact holds them."""
    found = sample.passing(name)
    assert found.evaluation
    assert found.comparison
    evaluation = files.encode(found.evaluation)
    comparison = msgspec.structs.replace(
        found.comparison, evaluation=files.digest_bytes(evaluation), **changes
    )
    folder = name.replace("/", "=")
    return {
        f"{folder}/evaluation.json": evaluation,
        f"{folder}/comparison.json": files.encode(comparison),
    } | ({f"{folder}/candidate.json": files.encode(found.candidate)} if found.candidate else {})


def packed(content: dict[str, bytes], *odd: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
        for info, data in odd:
            archive.writestr(info, data)
    return made.getvalue()


# --- the real run ----------------------------------------------------------------------------------------


@pytest.mark.fault(22)
def test_a_fork_that_robs_and_loosens_the_rules_ends_with_the_right_comment(stage: Stage) -> None:
    """Its training looks for tokens and commands; its modelrail.yaml would let any model pass."""
    loose = CONFIG.replace("min: 0.9", "min: 0.1")
    pull = stage.pull("worse", params__yaml="noise: 0.3\n", train__py=ROBBER, modelrail__yaml=loose)
    with pytest.raises(WorkflowRunError, match="'model / evaluate' failed in the step 'Compare'"):
        stage.act(
            "pull_request", "--pull-request", str(pull["number"]), "--follow", "--secret", "DVC_READ_ONLY=x"
        )
    (comment,) = stage.comments(pull["number"])
    assert comment.startswith(f"{MARKER}\n### ⛔ Do not merge: accuracy 0.")
    assert "misses the floor of 0.9\n\n**`delay` should not become the first version in production" in comment
    assert "edits the gates or stages" in comment
    assert "at least 0.9" in comment
    heads = git(stage.root, "ls-remote", "--heads", stage.url(OWNER))
    assert "owned" not in heads

    # What follows once more, or a report of the same run by hand, updates the one comment.
    (run,) = [run["id"] for run in _runs(stage) if run["head_branch"] == "worse"]
    stage.report(run)
    assert stage.comments(pull["number"]) == [comment]


def _runs(stage: Stage) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {stage.hub.token_for(OWNER)}"}
    url = f"{stage.running.api_url}/repos/{OWNER}/{NAME}/actions/runs?event=pull_request"
    return list(requests.get(url, headers=headers, timeout=10).json()["workflow_runs"])


def notice(done: Result) -> str:
    """The one annotation of the job."""
    (found,) = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert found.startswith("::notice ")
    return found


# --- whose report it is ----------------------------------------------------------------------------------


@pytest.mark.fault(23)
def test_an_artifact_cannot_name_another_pull_request(stage: Stage) -> None:
    victim = stage.pull("mine", OWNER)
    eves = stage.pull("claims")
    claim = {"delay/pull-request.json": json.dumps({"number": victim["number"]}).encode()}
    stage.report(stage.run(eves, packed(honest() | claim)))
    (comment,) = stage.comments(eves["number"])
    assert "### ✅ Fine to merge: " in comment
    assert stage.comments(victim["number"]) == []


@pytest.mark.fault(23)
def test_a_run_of_the_same_commit_in_another_fork_is_not_the_victims(stage: Stage) -> None:
    stage.hub.fork(OWNER, NAME, to="bob")
    bobs = stage.pull("shared", "bob")
    eves = {"head": bobs["head"] | {"repo": {"full_name": "eve/flights"}}}
    found = stage.report(stage.run(eves, packed(honest())))
    assert stage.comments(bobs["number"]) == []
    assert "No pull request of eve:shared" in notice(found)


@pytest.mark.fault(7)
def test_a_head_that_moved_on_and_a_pull_request_that_ended(stage: Stage) -> None:
    old = stage.pull("moves")
    stage.branch("moves", params__yaml="noise: 0.01\n")
    git(stage.root, "push", "--quiet", "--force", stage.url("eve"), "HEAD:refs/heads/moves")
    found = stage.report(stage.run(old, packed(honest())))
    assert "the result of an older commit" in notice(found)
    stage.hub.close_pull_request(OWNER, NAME, old["number"])
    new = stage.hub.pull_request(OWNER, NAME, old["number"])
    found = stage.report(stage.run(new, packed(honest())))
    assert f"Pull request {old['number']} is closed." in notice(found)
    assert stage.comments(old["number"]) == []


def test_two_pull_requests_of_one_branch_get_a_report_each(stage: Stage) -> None:
    stage.branch("base", params__yaml="noise: 0.02\n")
    git(stage.root, "push", "--quiet", "--force", stage.url(OWNER), "HEAD:refs/heads/stable")
    one = stage.pull("twice")
    two = stage.open("twice", "eve", base="stable")
    assert one["head"]["sha"] == two["head"]["sha"]
    comparison = sample.comparison()
    for pull, verdict in ((one, "✅"), (two, "⛔")):
        policy = msgspec.structs.replace(comparison.policy, commit=pull["base"]["sha"])
        changed: dict[str, Any] = {"policy": policy} | ({} if verdict == "✅" else {"verdict": "fail"})
        stage.report(stage.run(pull, packed(honest(**changed))))
    assert "### ✅" in stage.comments(one["number"])[0]
    assert "### ⛔" in stage.comments(two["number"])[0]
    found = stage.report(stage.run(one, packed(honest())))  # of neither base
    assert "fits none of them alone" in notice(found)


def test_a_pull_request_of_the_repository_itself_is_left_to_its_own_run(stage: Stage) -> None:
    pull = stage.pull("inside", OWNER)
    with pytest.raises(WorkflowRunError, match="ran no job"):
        stage.report_under_act(stage.run(pull, packed(honest()), actor=OWNER))
    assert stage.comments(pull["number"]) == []


# --- what it holds ---------------------------------------------------------------------------------------


def link() -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo("delay/data-report.json")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, b"/etc/passwd"


TRICKS: dict[str, bytes | None] = {
    "a way out": packed(honest(), (zipfile.ZipInfo("../../../../canary.json"), b"{}")),
    "a workflow": packed(honest(), (zipfile.ZipInfo(".github/workflows/evil.yml"), b"on: push")),
    "our own package": packed(honest(), (zipfile.ZipInfo("modelrail/__init__.py"), b"raise SystemExit(0)")),
    "a link": packed(honest(), link()),
    "a bomb": packed(honest() | {"delay/failure.json": b" " * (files.MAX_RECORD_BYTES + 1)}),
    "no archive": b"#!/bin/sh\ntouch canary\n",
    "nothing": None,
    "not a record": packed(honest() | {"delay/comparison.json": b'{"verdict": "pass"}'}),
    "a broken chain": packed(
        honest() | {"delay/evaluation.json": files.encode(sample.evaluation(bootstrap=True))}
    ),
    "a pickle for a record": packed(honest() | {"delay/candidate.json": pickle.dumps(os.system)}),
}


@pytest.mark.fault(24)
def test_an_artifact_with_tricks_is_refused_and_said(stage: Stage) -> None:
    """One pull request, one comment, which after every trick says that the records are not to be trusted."""
    pull = stage.pull("tricks")
    for name, archive in TRICKS.items():
        stage.report(stage.run(pull, archive))
        (comment,) = stage.comments(pull["number"])
        assert "### ⛔" in comment, name
        assert "its records cannot be trusted" in comment, name
    stage.report(stage.run(pull, packed(honest())))
    assert "### ✅" in stage.comments(pull["number"])[0]
    # An earlier attempt that was refused for another reason changes nothing.
    stage.report(stage.run(pull, packed(honest()), conclusion="action_required"))
    assert "### ✅" in stage.comments(pull["number"])[0]


@pytest.mark.fault(25)
def test_a_pickle_in_the_artifacts_meets_no_interpreter(stage: Stage, tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (canary,))

    pull = stage.pull("pickle")
    run = stage.run(pull, packed(honest()))
    stage.hub.add_artifact(run, "modelrail-model", packed({"delay/model/model.pkl": pickle.dumps(Evil())}))
    stage.report(run)
    assert "### ✅" in stage.comments(pull["number"])[0]
    assert not canary.exists()
    pickle.loads(pickle.dumps(Evil()))
    assert canary.exists()  # the trap works


EVIL = (
    "$(touch canary)", "`touch canary`", "; touch canary",
    "a\n::set-output name=verdict::pass\n::error::x",
    f"{MARKER}", "<script>alert(1)</script>",
    "<img src=http://evil.example/x.png>", "![x](http://evil.example/x.png)",
    "@octo/everyone", "[click](http://evil.example)", "| a | b |\n|--|--|",
    "</details></table>", "\u202egnp.exe",
    "${{ secrets.X }}", "http://evil.example/plain", "#1", "{{ 7654321*3 }}{% raw %}",
)  # fmt: skip


@pytest.mark.fault(26, 27, 36)
def test_names_and_texts_stay_text_up_to_the_page_of_the_pull_request(stage: Stage) -> None:
    comparison = sample.comparison()
    rows = tuple(
        msgspec.structs.replace(
            comparison.metrics[0], metric=text, slice=records.SliceRef(column=text, value=text), note=text
        )
        for text in EVIL
    )
    gates = tuple(
        msgspec.structs.replace(comparison.gates[0], title=text, detail=text, path=text, metric=text)
        for text in EVIL
    )
    everywhere = "".join(EVIL)
    found = honest(
        metrics=(*comparison.metrics, *rows), gates=gates, notes=EVIL, headline=everywhere,
        correction=everywhere, policy=msgspec.structs.replace(comparison.policy, commit=everywhere),
    )  # fmt: skip
    pull = stage.pull("names")
    run = stage.report_under_act(stage.run(pull, packed(found)))
    (job,) = run["jobs"]
    assert [note for note in job["annotations"] if note["level"] == "error"] == []
    (comment,) = stage.comments(pull["number"])
    assert comment.count(MARKER) == 1
    page = stage.page(pull["number"])
    shown = page[page.index("github-actions[bot]") :]
    for wanted in ("<script", "<img", 'href="http://evil', "22962963"):
        assert wanted not in shown, wanted
    assert "&lt;script&gt;alert(1)" in shown
    assert "\u202e" not in shown
    assert not list(stage.cache.parent.rglob("canary"))
    # The marker in a text made no second comment, and takes over none of ours.
    stage.hub.comment(OWNER, NAME, pull["number"], f"{MARKER}\nmine", "eve")
    stage.report(stage.run(pull, packed(honest())))
    bodies = {
        comment["user"]["login"]: comment["body"]
        for comment in stage.hub.comments(OWNER, NAME, pull["number"])
    }
    assert bodies["eve"] == f"{MARKER}\nmine"
    assert "### ✅" in bodies["github-actions[bot]"]
