"""The shipped callers, reusable workflows and actions, under act against the local hub, start to end.

The model is a threshold in a JSON file, trained and applied by plain Python, so that what is tested is the
path from pull request to production and not an environment.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from modelrail import toolenv
from modelrail.commands.act import command
from modelrail.errors import WorkflowRunError
from support_workflows import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# Where this machine's own tools are; read before any fixture hides the home folder.
TOOLS = Path(toolenv.folder())

CONFIG = """
version: 1
models:
  dice:
    task: binary
    data: {train: train.csv, test: test.csv, target: label, key: id}
    train: python3 train.py
    predict: python3 predict.py
    model: build/model.json
    params: params.yaml
    metrics: [accuracy]
    gates:
      - {metric: accuracy, min: 0.5}
      - {metric: accuracy, no_worse_than: 0.01}
    stages:
      staging: {enter: on-pass}
      production: {from: staging, enter: manual, first: allowed}
"""
TRAIN = """
import json, pathlib, sys
assert not [name for name in __import__("os").environ if "TOKEN" in name], "a token reached the training"
noise = float(pathlib.Path("params.yaml").read_text().split(":")[1])
pathlib.Path("build").mkdir(exist_ok=True)
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


def table(rows: int, seed: int) -> str:
    """`x` in [0, 1); the label is whether it is above one half."""
    dice = random.Random(seed)
    values = [dice.random() for _ in range(rows)]
    lines = [f"{seed}-{number},{value:.6f},{int(value > 0.5)}" for number, value in enumerate(values)]
    return "\n".join(["id,x,label", *lines]) + "\n"


class Loop:
    """The hub, a clone, and the moves of the people and the runner."""

    def __init__(self, hub: Any, root: Path, git: Callable[..., str]) -> None:
        self.hub, self.root, self.git = hub, root, git

    def commit(self, message: str, **files: str) -> None:
        for name, text in files.items():
            (self.root / name.replace("__", ".")).write_text(text, encoding="utf-8")
        self.git(self.root, "add", ".")
        self.git(self.root, "commit", "--quiet", "-m", message)

    def act(self, *arguments: str) -> list[dict[str, Any]]:
        done = CliRunner().invoke(
            command, [*arguments, "--json", "--hub", self.hub.url, "--repository", self.hub.repository]
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            done.exception.add_note(done.output)
            raise done.exception
        return list(json.loads(done.stdout)["runs"])

    def pull(self, branch: str, noise: float) -> int:
        self.git(self.root, "fetch", "--quiet", self.hub.authorized_url(), "main")
        self.git(self.root, "checkout", "--quiet", "-B", branch, "FETCH_HEAD")
        self.commit(branch, params__yaml=f"noise: {noise}\n")
        self.hub.seed(self.root, branch)
        return int(
            self.hub.hub.open_pull_request("octo", "flights", branch, "main", branch, "", "octo")["number"]
        )

    def comments(self, number: int) -> list[str]:
        return [comment["body"] for comment in self.hub.hub.comments("octo", "flights", number)]

    def tags(self) -> list[str]:
        listed = self.git(self.root, "ls-remote", "--tags", "--refs", self.hub.authorized_url())
        return sorted(line.split("refs/tags/")[1] for line in listed.splitlines())

    def dispatch(self, workflow: str, *inputs: str) -> None:
        given = [part for text in inputs for part in ("--input", text)]
        name = workflow.removesuffix(".yml")
        self.act("workflow_dispatch", "--workflow", workflow, *given, "--expect-job", f"{name} / {name}")


def give(caller: Path, line: str) -> None:
    """One more input for the reusable workflow that this caller of ours uses."""
    text = caller.read_text(encoding="utf-8")
    (use,) = [found for found in text.splitlines() if "/evaluate.yml@" in found]
    indent = " " * (len(use) - len(use.lstrip()))
    start = f"{use}\n{indent}with:\n"
    if start not in text:
        assert f"\n{indent}with:" not in text
        text = text.replace(f"{use}\n", start)
    caller.write_text(text.replace(start, f"{start}{indent}  {line}\n"), encoding="utf-8")


@pytest.fixture
def loop(
    hub: Any, repository: Path, git: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Loop:
    cache = tmp_path / "cache"
    cache.mkdir()
    TOOLS.mkdir(parents=True, exist_ok=True)
    (cache / "tools").symlink_to(TOOLS)
    monkeypatch.setenv("MODELRAIL_CACHE", str(cache))
    # sealed.yml would stand in report.yml's place: see docs/sealed.md.
    without = shutil.ignore_patterns("sealed.yml")
    shutil.copytree(ROOT / "workflows", repository / ".github" / "workflows", ignore=without)
    with (repository / ".github" / "workflows" / "release.yml").open("a", encoding="utf-8") as stream:
        stream.write("    with:\n      attest: true\n")
    # The push has the embedded tracker, as shipped; once is enough for what costs each training seconds.
    give(repository / ".github" / "workflows" / "pull-request.yml", "tracking: false")
    (repository / ".gitignore").write_text("build/\nmodelrail-out/\n", encoding="utf-8")
    made = Loop(hub, repository, git)
    made.commit(
        "A model",
        modelrail__yaml=CONFIG,
        train__py=TRAIN,
        predict__py=PREDICT,
        train__csv=table(400, 1),
        test__csv=table(400, 2),
        params__yaml="noise: 0.1\n",
    )
    hub.seed(repository)
    return made


def test_from_pull_request_to_production_and_back(loop: Loop) -> None:
    # The first version, from a push to main.
    (run,) = loop.act(
        "push", "--expect-job", "evaluate", "--expect-job", "register", "--expect-job", "attest"
    )
    # Without a server the run ids in tags and evidence mean this store: the run keeps it.
    assert run["artifacts"] == ["mlflow-store", "modelrail-model", "modelrail-records"]
    assert "dice@v1.0.0" in loop.tags()
    assert [tag for tag in loop.tags() if tag.startswith("dice#staging#")]  # `enter: on-pass`
    (release,) = loop.hub.hub.releases("octo", "flights")
    assert "model.json" in {asset["name"] for asset in release["assets"]}

    loop.dispatch("promote.yml", "model=dice", "version=v1.0.0", "reason=first")
    assert [tag for tag in loop.tags() if tag.startswith("dice#production#")]

    # A better one: the comment says so; merged, it is a version of its own.
    number = loop.pull("better", 0.02)
    (run,) = loop.act("pull_request", "--pull-request", str(number), "--expect-job", "report")
    assert [job["name"] for job in run["jobs"]] == ["model / evaluate", "model / report"]
    assert run["artifacts"] == ["modelrail-model", "modelrail-records"]
    (comment,) = loop.comments(number)
    assert "v1.0.0" in comment
    loop.hub.hub.merge("octo", "flights", number)
    loop.act("push", "--expect-job", "register")
    assert "dice@v1.1.0" in loop.tags()
    loop.dispatch("promote.yml", "model=dice", "version=v1.1.0", "reason=better")

    # A worse one: stopped, with the comment and the artifacts all the same.
    number = loop.pull("worse", 0.2)
    with pytest.raises(WorkflowRunError, match="'model / evaluate' failed in the step 'Compare'"):
        loop.act("pull_request", "--pull-request", str(number))
    (comment,) = loop.comments(number)
    assert "should not replace" in comment

    # Merged all the same: nothing is registered, and the pull request says so.
    tags = loop.tags()
    loop.hub.hub.merge("octo", "flights", number)
    with pytest.raises(WorkflowRunError):
        loop.act("push")
    assert loop.tags() == tags
    assert len(loop.comments(number)) == 2

    # Back.
    loop.dispatch("rollback.yml", "model=dice", "reason=p95 doubled; $(touch canary) `id`")
    tag = max(
        loop.tags(), key=lambda name: int(name.split("#")[2]) if name.startswith("dice#production#") else 0
    )
    loop.git(loop.root, "fetch", "--quiet", loop.hub.authorized_url(), f"refs/tags/{tag}:refs/tags/{tag}")
    said = loop.git(loop.root, "tag", "-n99", tag)
    assert "Version: v1.0.0" in said
    assert "Reason: p95 doubled; $(touch canary) `id`" in said


def test_the_pull_request_of_a_fork_is_commented_by_the_run_that_follows(loop: Loop) -> None:
    hub = loop.hub
    hub.hub.fork("octo", "flights", to="stranger")
    loop.git(loop.root, "checkout", "--quiet", "-b", "odd")
    loop.commit("Odd", params__yaml="noise: 0.05\n")
    stranger = hub.hub.token_for("stranger")
    url = hub.running.git_url("stranger", "flights").replace("http://", f"http://x-access-token:{stranger}@")
    loop.git(loop.root, "push", "--quiet", url, "HEAD:refs/heads/odd")
    number = hub.hub.open_pull_request("octo", "flights", "stranger:odd", "main", "Odd", "", "stranger")[
        "number"
    ]

    first, second = loop.act(
        "pull_request", "--pull-request", str(number), "--follow", "--expect-job", "report"
    )

    assert [job["name"] for job in first["jobs"]] == ["model / evaluate"]
    assert (second["workflow"], second["jobs"][0]["name"]) == ("report.yml", "report")
    (comment,) = hub.hub.comments("octo", "flights", number)
    assert comment["user"]["login"] == "github-actions[bot]"


def test_parts_of_the_rows_are_scored_in_jobs_of_their_own(loop: Loop) -> None:
    """`shards: 2`: one comparison of all rows; a part that fails is said, and nothing is compared."""
    give(loop.root / ".github" / "workflows" / "pull-request.yml", "shards: 2")
    with (loop.root / ".github" / "workflows" / "release.yml").open("a", encoding="utf-8") as stream:
        stream.write("      shards: 2\n")
    loop.commit("Shards")
    loop.hub.seed(loop.root)

    # A release too: registered by the comparison of all rows, and scored in two jobs.
    (run,) = loop.act("push", "--expect-job", "register")
    assert [job["name"].rpartition("/")[2].strip() for job in run["jobs"]].count("score-1") == 1
    assert "dice@v1.0.0" in loop.tags()
    (release,) = loop.hub.hub.releases("octo", "flights")
    assert {"model.json", "evidence.json"} <= {asset["name"] for asset in release["assets"]}

    number = loop.pull("better", 0.02)
    (run,) = loop.act("pull_request", "--pull-request", str(number), "--expect-job", "report")
    assert {job["name"].split("-")[0] for job in run["jobs"]} == {
        f"model / {name}" for name in ("evaluate", "score", "compare", "report")
    }
    assert run["artifacts"] == [
        "modelrail-model", "modelrail-records", "shard-1-of-2", "shard-2-of-2",
    ]  # fmt: skip
    (comment,) = loop.comments(number)
    assert "400" in comment  # all rows

    number = loop.pull("partly", 0.03)
    loop.commit("Partly", predict__py=PREDICT + "\nassert rows[0]['id'] == '2-0', 'the second part'\n")
    loop.hub.seed(loop.root, "partly")
    with pytest.raises(WorkflowRunError):
        loop.act("pull_request", "--pull-request", str(number))
    (comment,) = loop.comments(number)
    assert "2/2" in comment
