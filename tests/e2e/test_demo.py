"""The README's first command: what it leaves behind is read here again, by plain git and plain HTTP."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from modelrail import toolenv
from support_workflows import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# Where this machine keeps built environments; read before any fixture hides the home folder.
CACHE = Path(toolenv.folder()).parent


class Played:
    """The state that a demo left, with its hub still serving."""

    def __init__(self, state: Path, told: dict[str, Any], printed: str) -> None:
        self.state, self.told, self.printed = state, told, printed

    def git(self, *arguments: str) -> str:
        bare = next(path for path in (self.state / "hub").rglob("*.git") if (path / "HEAD").is_file())
        done = subprocess.run(["git", *arguments], cwd=bare, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def get(self, path: str) -> Any:
        from modelrail.localhub.server import locate

        token = locate(self.told["url"]).token_for("octo")
        answer = requests.get(
            f"{self.told['url']}/api/v3/repos/octo/flights/{path}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("demo")
    home = folder / "home"
    home.mkdir()
    state, summary = folder / "state", folder / "summary.json"
    environ = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GITHUB_", "GIT_", "MODELRAIL_", "ACTIONS_", "RUNNER_", "MLFLOW_"))
    } | {"HOME": str(home), "MODELRAIL_CACHE": str(CACHE)}
    command = [sys.executable, str(ROOT / "scripts" / "demo"), "--keep-serving"]
    done = subprocess.run(
        [*command, "--state", str(state), "--json", str(summary)],
        env=environ, cwd=folder, capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    try:
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        yield Played(state, json.loads(summary.read_text("utf-8")), done.stdout)
    finally:
        stop = [
            sys.executable,
            str(ROOT / "scripts" / "modelrail-run"),
            "hub",
            "stop",
            "--state",
            str(state / "hub"),
        ]
        subprocess.run(stop, env=environ, capture_output=True, check=False)


def trailer(message: str, key: str) -> str:
    found = re.findall(rf"^{key}: (.*)$", message, flags=re.MULTILINE)
    assert len(found) == 1, message
    return str(found[0])


def test_tags_tell_the_story(played: Played) -> None:
    tags = played.git("for-each-ref", "--format=%(objecttype) %(refname:strip=2)", "refs/tags").splitlines()
    assert sorted(tags) == [
        "tag delay#production#2",
        "tag delay#production#4",
        "tag delay#production#6",
        "tag delay#production#7",
        "tag delay#staging#1",
        "tag delay#staging#3",
        "tag delay#staging#5",
        "tag delay@v1.0.0",
        "tag delay@v1.1.0",
        "tag delay@v1.2.0",
    ]
    back = played.git("cat-file", "tag", "delay#production#7")
    assert trailer(back, "Version") == "v1.1.0"
    assert trailer(back, "Replaces") == "v1.2.0"
    assert "complaints" in trailer(back, "Reason")


def test_the_worse_commit_is_not_tagged_and_not_merged(played: Played) -> None:
    worse = played.told["worse_commit"]
    assert played.git("tag", "--points-at", worse) == ""
    main = played.git("rev-list", "refs/heads/main").splitlines()
    assert worse not in main
    assert played.told["better_commit"] in main


def test_each_release_has_the_bytes_that_its_tag_names(played: Played) -> None:
    releases = {release["tag_name"]: release for release in played.get("releases")}
    assert set(releases) == {"delay@v1.0.0", "delay@v1.1.0", "delay@v1.2.0"}
    for tag, release in releases.items():
        assert release["draft"] is False
        message = played.git("cat-file", "tag", tag)
        for asset, key in (("model.skops", "Model-Digest"), ("evidence.json", "Evidence-Digest")):
            (found,) = [item for item in release["assets"] if item["name"] == asset]
            data = requests.get(found["browser_download_url"], timeout=60).content
            assert f"sha256:{hashlib.sha256(data).hexdigest()}" == trailer(message, key)
    assert len({trailer(played.git("cat-file", "tag", tag), "Model-Digest") for tag in releases}) == 3


def test_evidence_names_the_data_and_the_baseline(played: Played) -> None:
    message = played.git("cat-file", "tag", "delay@v1.2.0")
    assert trailer(message, "Baseline") == "v1.1.0"
    assert trailer(message, "Baseline-Sequence") == "4"
    assert trailer(message, "Data-Digest").startswith("md5:")
    notes = played.git("show", "refs/heads/main:data/train.parquet.dvc")
    assert trailer(message, "Data-Digest").removeprefix("md5:") in notes


@pytest.mark.parametrize(
    ("number", "mark", "state"), [(1, "✅", "closed"), (2, "⛔", "open"), (3, "✅", "closed")]
)
def test_one_report_on_each_pull_request(played: Played, number: int, mark: str, state: str) -> None:
    assert played.get(f"pulls/{number}")["state"] == state
    comments = played.get(f"issues/{number}/comments")
    (report,) = [comment for comment in comments if "<!-- modelrail:report" in comment["body"]]
    assert report["user"]["login"] == "github-actions[bot]"
    title = next(line for line in report["body"].splitlines() if line.startswith("###"))
    assert mark in title
    assert "Brier score" in report["body"]


def test_why_the_worse_one_is_blocked(played: Played) -> None:
    (comment,) = played.get("issues/2/comments")
    (row,) = [line for line in comment["body"].splitlines() if line.startswith("| ⛔")]
    assert "for carrier EV" in row
    headline = next(line for line in comment["body"].splitlines() if line.startswith("**"))
    assert re.search(r"ROC AUC for carrier EV falls by \d", headline)
    assert "hidden behind a better average precision over all rows" in headline
    # Every gate on the average holds: that is what its author looked at.
    gates = [line for line in comment["body"].splitlines() if re.match(r"\| (✅|⛔|❔)", line)]
    assert [line for line in gates if "every carrier" not in line and not line.startswith("| ✅")] == []
    assert "The test set has changed since v1.1.0 was judged" in comment["body"]


def test_what_it_prints(played: Played) -> None:
    titles = re.findall(r"^ ?\d+\. (.+?)  ", played.printed, flags=re.MULTILINE)
    assert [step["title"] for step in played.told["steps"]] == titles
    assert "every check passed" in played.printed
    assert f"{played.told['url']}/octo/flights/pull/2" in played.printed
    assert all(check["passed"] for check in played.told["checks"])


def test_the_pages_are_there_to_look_at(played: Played) -> None:
    for path, words in {"": "flights", "/pull/2": "should not replace", "/releases": "v1.2.0"}.items():
        page = requests.get(f"{played.told['page']}{path}", timeout=30)
        assert page.status_code == 200
        assert words in page.text


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path, git: Callable[..., str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo"), "--state", str(tmp_path)],
        env={**os.environ, "MODELRAIL_CACHE": str(CACHE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no demo made it" in done.stdout
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["thesis.txt"]
