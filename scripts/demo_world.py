"""The demo's surroundings: the hub, the consumer's clone, its owner, and the tool as users call it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_console import Console
from modelrail import settings
from modelrail.adapters.git import Git
from modelrail.adapters.running import environments
from modelrail.config import check as config_check
from modelrail.localhub.server import Hub, locate
from modelrail.settings import Secret

SCRIPTS = Path(__file__).resolve().parent
EXAMPLE = SCRIPTS.parent / "examples" / "flights"
OWNER, NAME, MODEL = "octo", "flights", "delay"
MARKER = ".modelrail-demo"


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class World:
    """One demo: `state` holds the hub's state, the DVC remote and the clone."""

    def __init__(self, state: Path, console: Console, *, verbose: bool) -> None:
        self.state, self.console, self.verbose = state, console, verbose
        self.work = state / NAME
        self.url = ""
        self._hub: Hub | None = None
        self._git: Git | None = None
        self._data_python: Path | None = None

    # --- the folder and the hub ----------------------------------------------------------------------------

    def fresh(self) -> None:
        """An empty state folder. Only what an earlier demo made is ever removed."""
        if self.state.exists() and any(self.state.iterdir()):
            if not (self.state / MARKER).is_file():
                raise DemoError(
                    f"{self.state} is not empty and no demo made it: name another folder with --state."
                )
            self.tool("hub", "stop", "--state", str(self.state / "hub"), expect=None, quiet=True)
            shutil.rmtree(self.state)
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / MARKER).write_text(
            "Made by scripts/demo, which may remove this folder.\n", encoding="utf-8"
        )

    def start_hub(self) -> None:
        said = self.tool(
            "hub", "start", "--state", str(self.state / "hub"), "--repository", f"{OWNER}/{NAME}", "--json"
        )
        self.url = str(json.loads(said.out)["url"])
        self._hub = locate(self.url)

    def stop_hub(self) -> None:
        if self.url:
            self.tool("hub", "stop", "--state", str(self.state / "hub"), expect=None, quiet=True)

    @property
    def hub(self) -> Hub:
        if self._hub is None:
            raise DemoError("The hub is not running.")
        return self._hub

    @property
    def page(self) -> str:
        return f"{self.url}/{OWNER}/{NAME}"

    # --- programs ------------------------------------------------------------------------------------------

    def tool(
        self,
        *arguments: str,
        expect: int | None = 0,
        quiet: bool = False,
        cwd: Path | None = None,
        signed_in: bool = False,
    ) -> Done:
        """Run `modelrail ...` as a user would, progress shown while it runs. `expect` None: any exit code.

        `signed_in`: with the owner's token, for what talks to the server itself.
        """
        if not quiet:
            self.console.command(["modelrail", *(part for part in arguments if part != "--json")])
        command = [sys.executable, str(SCRIPTS / "modelrail-run"), *arguments]
        return self.run(
            command, cwd=cwd or (self.work if self.work.is_dir() else self.state), expect=expect, quiet=quiet,
            more={"GITHUB_SERVER_URL": self.url, "MODELRAIL_TOKEN": self.hub.token_for(OWNER)}
            if signed_in else {},
        )  # fmt: skip

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        expect: int | None = 0,
        quiet: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> Done:
        environ = (
            {
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("GITHUB_", "GIT_", "ACTIONS_", "RUNNER_", "MLFLOW_", "DVC_"))
            }
            | {"DVC_NO_ANALYTICS": "1", "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
            | dict(more or {})
        )
        child = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        errors: list[str] = []

        def pump() -> None:
            for line in child.stderr or ():
                errors.append(line)
                # What a step said when it failed on purpose is told better by the comment.
                if not quiet and (
                    expect in (0, None) or not line.lstrip().startswith(("│", "|", "its last"))
                ):
                    self.console.progress(line)

        reader = threading.Thread(target=pump, daemon=True)
        reader.start()
        try:
            out = child.stdout.read() if child.stdout else ""
            code = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
        reader.join(5)
        if expect is not None and code != expect:
            if quiet:
                for line in errors[-20:]:
                    self.console.progress(line)
            what = " ".join(str(part) for part in command[1:3])
            raise DemoError(f"`{what} …` ended with exit code {code}; {expect} was expected.")
        return Done(code, out, "".join(errors))

    # --- the consumer's repository -------------------------------------------------------------------------

    @property
    def git(self) -> Git:
        if self._git is None:
            token = Secret(self.hub.token_for(OWNER))
            self._git = Git(self.work, token=token, server_url=self.url, environ=os.environ)
        return self._git

    def create_repository(self) -> None:
        """A new repository as a user makes it: their files, DVC with a remote."""
        self.work.mkdir()
        for name in ("init --quiet --initial-branch=main", f"remote add origin {self.page}.git"):
            self.git.run(*name.split())
        for key, value in {
            "user.name": "Octo Cat", "user.email": "octo@example.invalid", "commit.gpgsign": "false",
        }.items():  # fmt: skip
            self.git.run("config", key, value)
        made = {"train.parquet", "test.parquet", "build", "modelrail-out", "__pycache__", ".dvc"}
        skipped = {"modelrail.yaml", *made}
        shutil.copytree(
            EXAMPLE, self.work, dirs_exist_ok=True,
            ignore=lambda _folder, names: {
                name for name in names if name in skipped
            },
        )  # fmt: skip
        self.dvc("init", "--quiet")
        self.dvc("remote", "add", "--quiet", "--default", "storage", str(self.state / "dvc-storage"))

    def configure(self) -> None:
        """`modelrail init`, then the example's own modelrail.yaml in the place of the proposed one."""
        self.tool(
            "init", "--name", MODEL, "--task", "binary", "--target", "late", "--key", "flight_id", "--json"
        )
        shutil.copy(EXAMPLE / "modelrail.yaml", self.work)

    def dvc(self, *arguments: str) -> None:
        self.run([str(Path(sys.executable).with_name("dvc")), *arguments], cwd=self.work, quiet=True)

    def data_environment(self) -> None:
        """The example's environment, as training will use it: built once, so that no step waits for it."""
        model = config_check.load(EXAMPLE / "modelrail.yaml").models[0]
        self._data_python = environments.prepare(model, EXAMPLE, settings.read(cwd=EXAMPLE)).python

    def prepare(self, through: str) -> None:
        """New tables, handed to DVC."""
        if self._data_python is None:
            raise DemoError("The example's environment is not there.")
        self.console.command(["python", "prepare.py", "--through", through])
        command = [str(self._data_python), "prepare.py", "--through", through]
        said = self.run(command, cwd=self.work)
        self.console.evidence(said.out)
        self.console.command(["dvc", "add", "data/train.parquet", "data/test.parquet"])
        self.dvc("add", "--quiet", "data/train.parquet", "data/test.parquet")
        self.console.command(["dvc", "push"])
        self.dvc("push", "--quiet")

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        path = self.work / name
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            if text.count(old) != 1:
                raise DemoError(f"{name} has {text.count(old)} places that say {old!r}; one was expected.")
            text = text.replace(old, new)
            self.console.note(f"{name}: {old.strip()} → {new.strip()}")
        path.write_text(text, encoding="utf-8")

    def patch(self, change: Path) -> None:
        self.git.run("apply", str(change))
        self.console.evidence(self.git.text("diff", "--stat"))

    def branch(self, name: str) -> None:
        self.git.run("switch", "--quiet", "--create", name, "main")

    def push(self, message: str, branch: str) -> str:
        """Commit everything and push the branch; returns the commit."""
        self.git.run("add", "--all")
        self.git.run("commit", "--quiet", "--message", message)
        self.git.run("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", network=True)
        return self.git.text("rev-parse", "HEAD")

    def pull_main(self) -> None:
        self.git.run("switch", "--quiet", "main")
        self.git.run("fetch", "--quiet", "--tags", "origin", network=True)
        self.git.run("merge", "--quiet", "--ff-only", "origin/main")

    # --- the person at GitHub's pages, and the runner ------------------------------------------------------

    def open_pull_request(self, branch: str, title: str, body: str) -> int:
        pull = self.hub.open_pull_request(OWNER, NAME, branch, "main", title, body, OWNER)
        self.console.note(f"pull request #{pull['number']} “{title}”  {self.page}/pull/{pull['number']}")
        return int(pull["number"])

    def merge(self, number: int) -> str:
        commit = str(self.hub.merge(OWNER, NAME, number, OWNER))
        self.console.note(f"pull request #{number} merged as {commit[:7]}")
        return commit

    def act(self, event: str, *arguments: str, expect: int = 0) -> list[dict[str, Any]]:
        """One event: the repository's own workflows run under act. Returns the runs with their jobs."""
        verbose = ["--verbose"] if self.verbose else []
        said = self.tool("act", event, *arguments, *verbose, "--json", expect=expect)
        runs = json.loads(said.out)["runs"] if said.out.strip() else []
        if not runs:
            raise DemoError(f"No workflow ran on {event}.")
        return list(runs)

    def comments(self, number: int) -> list[dict[str, Any]]:
        return list(self.hub.comments(OWNER, NAME, number))

    def show_state(self) -> None:
        self.pull_main()
        self.console.evidence(self.tool("show", "--no-fetch").out)

    def tag_message(self, tag: str) -> str:
        return self.git.text("for-each-ref", "--format=%(contents)", f"refs/tags/{tag}")
