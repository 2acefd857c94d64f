"""Reads act's JSON log as it comes: jobs, steps, annotations; prints them as they happen."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

TAIL = 25
MARKS = {"success": "✓", "failure": "✗", "skipped": "·"}
_NOISE = ("LocalRepositoryCache ", "Cleaning up container")


@dataclass(eq=False)
class Step:
    name: str
    conclusion: str = ""
    seconds: float = 0.0
    last: collections.deque[str] = field(default_factory=lambda: collections.deque(maxlen=TAIL))


@dataclass
class Job:
    name: str  # as GitHub shows it: `caller / called`
    conclusion: str = ""
    seconds: float = 0.0
    steps: list[Step] = field(default_factory=list)
    annotations: list[dict[str, str]] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)

    def answers_to(self, name: str) -> bool:
        """Whether a person means this job by the name: whole, or the last part of it."""
        wanted = " / ".join(part.strip() for part in name.split("/"))
        return self.name == wanted or self.name.endswith(f" / {wanted}")

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "conclusion": self.conclusion,
            "seconds": round(self.seconds, 3),
            "steps": [
                {"name": step.name, "conclusion": step.conclusion, "seconds": round(step.seconds, 3)}
                for step in self.steps
            ],
            "annotations": self.annotations,
        }


class Reader:
    """Takes act's lines one by one. `say` gets the lines for the person who watches."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        secrets: Sequence[str] = (),
        verbose: bool = False,
        aliases: Callable[[str], str] = str,
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.other: collections.deque[str] = collections.deque(maxlen=TAIL)  # what belongs to no job
        self._say = say
        self._secrets = [text for text in secrets if text]
        self._verbose = verbose
        self._aliases = aliases
        self._steps: dict[tuple[str, str], Step] = {}
        self._shown = ""

    def line(self, raw: str) -> None:
        raw = raw.rstrip("\r\n")
        try:
            entry = json.loads(raw)
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or "job" not in entry:
            text = str(entry.get("msg", raw)) if isinstance(entry, dict) else raw
            if text.strip() and "docker connection" not in text:
                self.other.append(self._masked(text.strip()))
            return
        self._entry(entry)

    def _entry(self, entry: dict[str, Any]) -> None:
        identity = entry.get("stepID") or []
        if "jobResult" not in entry and (not identity or str(identity[0]).startswith("--")):
            # Among them the calls of reusable workflows, whose own jobs come under their own names.
            if entry.get("level") == "error":
                self._say(f"  │ {self._masked(str(entry.get('msg', '')).strip())}")
            return
        job = self._job(str(entry["job"]).strip())
        if "jobResult" in entry:
            if job.conclusion != "failure":
                job.conclusion = str(entry["jobResult"])
            job.seconds = sum(step.seconds for step in job.steps)
            self._heading(job)
            self._say(f"  {MARKS.get(job.conclusion, '?')} {job.name}: {job.conclusion}, {job.seconds:.1f} s")
            return
        # act names a step by its command when it has no name, secrets in the clear: mask it like its output.
        step = self._step(job, str(identity[0]), self._title(str(entry.get("step", ""))))
        self._content(entry, job, step)
        if "stepResult" in entry and len(identity) == 1:
            self._finished(entry, job, step)

    def _content(self, entry: dict[str, Any], job: Job, step: Step) -> None:
        message = self._masked(str(entry.get("msg", "")))
        command = entry.get("command")
        if command in {"error", "warning", "notice"}:
            found = {"level": str(command), "message": self._masked(str(entry.get("arg", "")))}
            found |= {key: self._masked(str(value)) for key, value in (entry.get("kvPairs") or {}).items()}
            job.annotations.append(found)
        elif command == "summary":
            job.summaries.append(self._masked(str(entry.get("content", ""))))
        elif entry.get("raw_output"):
            step.last.append(message.rstrip("\n"))
            if self._verbose:
                self._heading(job)
                self._say(f"    │ {message.rstrip()}")
        elif entry.get("level") == "error" and not message.startswith(_NOISE):
            step.last.append(message.strip())

    def _finished(self, entry: dict[str, Any], job: Job, step: Step) -> None:
        result = str(entry["stepResult"])
        step.seconds += float(entry.get("executionTime") or 0) / 1e9
        main = entry.get("stage") == "Main"
        if main or result == "failure":
            if (
                step not in job.steps
            ):  # in the order in which they ran, which is not that of their `pre` parts
                job.steps.append(step)
            if step.conclusion != "failure":
                step.conclusion = result
            self._heading(job)
            label = step.name if main else f"{step.name} ({entry.get('stage')})"
            self._say(f"    {MARKS.get(result, '?')} {label:<40} {step.seconds:6.1f} s")
        if result == "failure":
            for text in step.last:
                self._say(f"      │ {text}")

    def _heading(self, job: Job) -> None:
        if self._shown != job.name:
            self._shown = job.name
            self._say(f"  ▸ {job.name}")

    def _job(self, key: str) -> Job:
        name = self._aliases(key)
        if name not in self.jobs:
            self.jobs[name] = Job(name)
        return self.jobs[name]

    def _step(self, job: Job, identity: str, name: str) -> Step:
        key = (job.name, identity)
        if key not in self._steps:
            self._steps[key] = Step(name)
        return self._steps[key]

    def _title(self, text: str) -> str:
        first = self._masked(text.strip().splitlines()[0] if text.strip() else "step")
        return first if len(first) <= 60 else first[:59] + "…"

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return re.sub(r"\x1b\[[0-9;]*m", "", text)
