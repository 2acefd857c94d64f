"""Runs the workflows that one event starts, with act, against the local hub; each is a run of the hub."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelrail.errors import ToolMissingError, WorkflowRunError
from modelrail.localhub import act_log, act_place, act_triggers
from modelrail.localhub.act_events import Event, Source

if TYPE_CHECKING:
    from modelrail.localhub.server import Hub
    from modelrail.settings import Settings

_LABELS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "self-hosted")
_DROPPED = (
    "GITHUB_",
    "GH_",
    "ACTIONS_",
    "RUNNER_",
    "INPUT_",
    "GIT_",
    "MODELRAIL_",
    "PYTHON",
    "VIRTUAL_ENV",
    "CI",
)


@dataclass
class Run:
    """What came of one workflow."""

    workflow: str
    name: str
    event: str
    run_id: int
    conclusion: str = ""
    jobs: list[act_log.Job] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    url: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "workflow": self.workflow, "name": self.name, "event": self.event, "run_id": self.run_id,
            "conclusion": self.conclusion, "url": self.url, "artifacts": self.artifacts,
            "jobs": [job.as_dict() for job in self.jobs],
        }  # fmt: skip


@dataclass(frozen=True)
class Options:
    secrets: Mapping[str, str] = field(default_factory=dict)
    verbose: bool = False
    timeout: float = 3600.0


class Runner:
    """Binds the hub, one of its repositories and the surroundings."""

    def __init__(
        self,
        hub: Hub,
        url: str,
        repository: str,
        settings: Settings,
        say: Callable[[str], None],
        options: Options | None = None,
    ) -> None:
        self.hub, self.url, self.repository = hub, url.rstrip("/"), repository
        self.events = Source(hub, repository)
        self.owner, self.name, self.bare = self.events.owner, self.events.name, self.events.bare
        self.settings, self.say = settings, say
        self.options = options or Options()

    def run(self, event: Event, workflow: str = "") -> list[Run]:
        """Run every workflow that the event starts. Raises WorkflowRunError when there is none."""
        runs, reasons = self._run(event, workflow)
        if not runs:
            raise WorkflowRunError(
                f"No workflow of {self.repository} runs on this {event.name}.",
                why="\n".join(reasons) or f"There is no {workflow or 'file in .github/workflows'}.",
                next="`modelrail init` writes the workflows; they must be on the ref that the event reads.",
            )
        return runs

    def followers(self, runs: Sequence[Run], actor: str) -> list[Run]:
        """Run what listens to the completion of these runs (`workflow_run`), from the default branch."""
        found: list[Run] = []
        for run in runs:
            found += self._run(self.events.workflow_run(run.run_id, actor), "")[0]
        return found

    def _run(self, event: Event, only: str) -> tuple[list[Run], list[str]]:
        with tempfile.TemporaryDirectory(prefix="modelrail-act-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            commit = act_place.check_out(self.bare, event.ref, place / "repository", self.repository)
            chosen, reasons = [], []
            for workflow in act_triggers.read(place / "repository"):
                if only and workflow.file != Path(only).name:
                    continue
                reason = act_triggers.listens(workflow, event.name, event.payload, event.changed)
                if reason:
                    reasons.append(f"{workflow.file}: {reason}")
                else:
                    chosen.append(workflow)
            return [self._one(event, workflow, place, commit) for workflow in chosen], reasons

    def _one(self, event: Event, workflow: act_triggers.Workflow, place: Path, commit: str) -> Run:
        started = self.hub.start_run(
            self.owner, self.name, workflow=workflow.file, event=event.name, head_branch=event.branch,
            head_sha=event.head_sha, title=workflow.name, actor=event.actor,
            head_repository=event.head_repository or self.repository,
        )  # fmt: skip
        run = Run(workflow.file, workflow.name, event.name, started["id"])
        run.url = f"{self.url}/{self.repository}/actions/runs/{run.run_id}"
        self.say(f"{workflow.name} · {event.name} · {commit[:7]} · run {run.run_id}")
        room = place / f"run-{run.run_id}"
        (room / "artifacts").mkdir(parents=True)
        try:
            self._act(event, workflow, place / "repository", room, run)
        except BaseException:
            self.hub.finish_run(run.run_id, "cancelled")
            raise
        self._keep_artifacts(room / "artifacts", run)
        self.hub.finish_run(run.run_id, run.conclusion)
        return run

    def _act(
        self, event: Event, workflow: act_triggers.Workflow, repository: Path, room: Path, run: Run
    ) -> None:
        permissions = act_triggers.token_permissions(workflow, read_only=event.untrusted)
        token = self.hub.token_for("github-actions[bot]", repository=self.repository, **permissions)
        secrets = {**({} if event.untrusted else self.options.secrets), "GITHUB_TOKEN": token}
        reader = act_log.Reader(
            self.say, secrets=list(secrets.values()), verbose=self.options.verbose, aliases=_job_name
        )
        command = self._command(event, workflow, repository, room, secrets, run.run_id)
        # Not in the repository's folder: act reads an `.actrc` where it starts: this may be a stranger's.
        code = _follow(command, room, self._environ(), reader.line, self.options.timeout)
        run.jobs = list(reader.jobs.values())
        failed = code != 0 or any(job.conclusion == "failure" for job in run.jobs)
        run.conclusion = "failure" if failed else "success"
        if not any(job.conclusion for job in run.jobs):
            self.hub.finish_run(run.run_id, "failure")
            raise WorkflowRunError(
                f"{workflow.file} ran no job.",
                why="Every job was skipped by its `if`, or a file that it calls is not a reusable workflow.",
                tail="\n".join(reader.other),
            )
        if code and not any(job.conclusion == "failure" for job in run.jobs):
            for line in reader.other:
                self.say(f"  │ {line}")

    def _command(
        self,
        event: Event,
        workflow: act_triggers.Workflow,
        repository: Path,
        room: Path,
        secrets: Mapping[str, str],
        run_id: int,
    ) -> list[str]:
        env = {
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_API_URL": f"{self.url}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{self.url}/api/graphql",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REPOSITORY_OWNER": self.owner,
            "GITHUB_REF": event.ref,
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_NUMBER": str(run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RETENTION_DAYS": "90",
            "MODELRAIL_ACT_ARTIFACTS": str(room / "artifacts"),
            "MODELRAIL_CACHE": str(self.settings.cache),
        }
        # Every file that act would look for in the repository is named: a pull request may hold an `.env`.
        files = {"env": env, "secrets": dict(secrets), "vars": {}, "inputs": {}}
        for name, values in files.items():
            _private(room / f"{name}.yml", json.dumps(values))
        _private(room / "event.json", json.dumps(dict(event.payload)))
        command = [
            _act_program(), event.name, "--json", "--no-skip-checkout", "--no-cache-server", "--pull=false",
            "--directory", str(repository),
            "--workflows", str(repository / ".github" / "workflows" / workflow.file),
            "--eventpath", str(room / "event.json"),
            "--env-file", str(room / "env.yml"), "--secret-file", str(room / "secrets.yml"),
            "--var-file", str(room / "vars.yml"), "--input-file", str(room / "inputs.yml"),
            "--action-cache-path", str(room / "act"), "--actor", event.actor,
        ]  # fmt: skip
        for label in _LABELS:
            command += ["--platform", f"{label}=-self-hosted"]
        for mapping in act_place.local_repositories([workflow], self.settings.cache):
            command += ["--local-repository", mapping]
        return command

    def _environ(self) -> dict[str, str]:
        """What the steps inherit: this machine's, without what belongs to a surrounding run or to us."""
        environ = {key: value for key, value in self.settings.environ.items() if not key.startswith(_DROPPED)}
        path = act_place.python_folder(self.settings.cache)
        local = "127.0.0.1,localhost"
        return environ | {
            "PATH": f"{path}{os.pathsep}{environ.get('PATH', os.defpath)}",
            "NO_PROXY": ",".join(filter(None, (environ.get("NO_PROXY"), local))),
            "no_proxy": ",".join(filter(None, (environ.get("no_proxy"), local))),
        }

    def _keep_artifacts(self, folder: Path, run: Run) -> None:
        for artifact in sorted(folder.iterdir()):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(artifact.rglob("*")):
                    if path.is_file():
                        archive.write(path, path.relative_to(artifact))
            self.hub.add_artifact(run.run_id, artifact.name, buffer.getvalue())
            run.artifacts.append(artifact.name)


def check(runs: Sequence[Run], expected: Sequence[str]) -> None:
    """Raise WorkflowRunError when an expected job did not run, or a job failed. A skipped job did not run."""
    ran = [job for run in runs for job in run.jobs if job.conclusion in {"success", "failure"}]
    for name in expected:
        if not any(job.answers_to(name) for job in ran):
            raise WorkflowRunError(
                f"The job {name!r} did not run.",
                why=f"These ran: {', '.join(job.name for job in ran) or 'none'}.",
                next="Its `if`, a job that it needs, or a name that is spelled otherwise.",
            )
    failed = [job for job in ran if job.conclusion == "failure"]
    if failed:
        steps = [step for step in failed[0].steps if step.conclusion == "failure"]
        raise WorkflowRunError(
            f"The job {failed[0].name!r} failed" + (f" in the step {steps[0].name!r}." if steps else "."),
            tail="\n".join(steps[0].last) if steps else "",
        )
    broken = [run for run in runs if run.conclusion != "success"]
    if broken:
        raise WorkflowRunError(f"{broken[0].workflow} did not succeed; act's own words stand above.")


def _job_name(key: str) -> str:
    """The `workflow/job` and `caller/workflow/job` of act as GitHub shows them: `job`, `caller / job`."""
    parts = [part.strip() for part in key.split("/")]
    if len(parts) == 1:
        return parts[0]
    return " / ".join([*parts[:-2:2], parts[-1]]) if len(parts) > 2 else parts[-1]


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _act_program() -> str:
    ours = Path(sys.prefix) / "bin" / "act"
    found = str(ours) if os.access(ours, os.X_OK) else shutil.which("act")
    if not found:
        raise ToolMissingError(
            "act is not installed.", next="Install the extra: pip install 'modelrail[act]'."
        )
    return found


def _follow(
    command: list[str], cwd: Path, env: Mapping[str, str], take: Callable[[str], None], timeout: float
) -> int:
    """Run act, hand on its lines; its whole process group ends on interrupt and when the time is up."""
    child = subprocess.Popen(
        command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    late = threading.Event()

    def expire() -> None:
        late.set()
        _end(child)

    timer = threading.Timer(timeout, expire)
    timer.daemon = True
    timer.start()
    try:
        assert child.stdout is not None  # noqa: S101 - asked for above
        for raw in child.stdout:
            take(raw.decode("utf-8", "replace"))
        code = child.wait()
    except BaseException:
        _end(child)
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise WorkflowRunError(f"The workflow did not finish within {timeout:.0f} s.", next="See --timeout.")
    return code


def _end(child: subprocess.Popen[bytes]) -> None:
    for sig in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(3)
            return
