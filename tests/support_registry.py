"""A consumer repository with a remote, records as the earlier verbs leave them, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import support_records
from modelrail import plans, records
from modelrail.__main__ import main
from modelrail.adapters import files
from modelrail.config import resolved as config
from modelrail.core.policy.rules import digest as rules_of
from modelrail.core.registry import tags
from modelrail.core.registry.decisions import Asked
from support_git import run_git

CONFIG = """\
version: 1
models:
  delay:
    task: binary
    data: {test: data/test.parquet, target: late, key: flight_id}
    train: python train.py
    model: build/model.skops
    metrics: [roc_auc]
    gates:
      - {metric: roc_auc, min: 0.70}
    stages:
      staging: {enter: on-pass}
      production: {from: staging, enter: manual, first: allowed}
"""


def policy(text: str = CONFIG, model: str = "delay") -> config.Model:
    from modelrail.config import check as config_check

    found = config_check.parse(text, "modelrail.yaml").model(model)
    assert found is not None
    return found


def asked(now: int = 1_700_000_000, operation: str = "1/test", **changes: Any) -> Asked:
    return Asked(**{"actor": "octo", "operation": operation, "now": now, "reason": "", **changes})


def evidence(
    *,
    model: str = "delay",
    commit: str = support_records.COMMIT,
    digest: str = support_records.digest("1"),
    size: int = 10,
    baseline: records.Baseline | None = None,
    version: str | None = None,
    verdict: Any = "pass",
    **comparison: Any,
) -> records.Evidence:
    """Evidence of one candidate; without `baseline` production was empty. `version`: it was measured anew."""
    file = records.ModelFile(name="model.skops", digest=digest, size=size, format="skops")
    candidate = support_records.candidate(
        model, file=file, fingerprint=support_records.fingerprint(commit=commit)
    )
    base = support_records.evaluation(model, bootstrap=baseline is None)
    scored = msgspec.structs.replace(base.candidate, model_digest=digest, commit=commit, version=version)
    changes: dict[str, Any] = {"candidate": scored}
    if baseline is not None:
        changes["baseline_ref"] = baseline
    evaluation = msgspec.structs.replace(base, **changes)
    compared = support_records.comparison(
        model, evaluation=files.digest_bytes(files.encode(evaluation)), verdict=verdict, **comparison
    )
    return support_records.evidence(model, candidate=candidate, evaluation=evaluation, comparison=compared)


def as_event(tag: plans.Tag) -> records.Event:
    """A planned tag as it would be read."""
    name = tags.parse_name(tag.name)
    assert name is not None
    subject, trailers = tags.parse_message(tag.message)
    return records.Event(
        kind=name.kind,
        model=name.model,
        version=name.version or trailers.get("Version"),
        stage=name.stage,
        sequence=name.counter,
        tag=tag.name,
        object=tag.name,
        commit=tag.target,
        time=tag.time,
        tagger="x",
        subject=subject,
        trailers=trailers,
    )


def digest_of(record: records.Record) -> str:
    return files.digest_bytes(files.encode(record))


@dataclass
class Said:
    code: int
    out: str
    err: str
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """A clone that a person or a job works in."""

    root: Path
    remote: str
    environ: dict[str, str] = field(default_factory=dict)

    def git(self, *arguments: str) -> str:
        return run_git(self.root, *arguments)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, code: int | None = 0) -> Said:
        """`modelrail ...` in this process; fails when the exit code is another."""
        out, err = io.StringIO(), io.StringIO()
        output = self.root.parent / "github-output"
        output.write_text("", encoding="utf-8")
        values = {"NO_COLOR": "1", "GITHUB_OUTPUT": str(output), **self.environ, **(env or {})}
        with (
            _surroundings(self.root, values),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            got = main(list(arguments))
        said = Said(got, out.getvalue(), err.getvalue(), _outputs(output.read_text(encoding="utf-8")))
        assert code is None or got == code, f"exit code {got}\n{said.out}\n{said.err}"
        return said

    def commit(self, text: str) -> str:
        """A change on main, pushed; returns the commit."""
        (self.root / "train.py").write_text(f"# {text}\n", encoding="utf-8")
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", text)
        self.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
        return self.git("rev-parse", "HEAD")

    def train(self, content: str, *, verdict: str = "pass", version: str | None = None, new: bool = True,
              model: str = "delay", first: bool = False) -> records.Evidence:  # fmt: skip
        """Lay down what train, evaluate and compare leave for a model file with this content.

        `first`: nothing stands in production, and it is not looked at.
        """
        commit = self.commit(content) if new else self.git("rev-parse", "HEAD")
        folder = files.folder(self.root / "modelrail-out", model)
        data = content.encode()
        files.write_bytes(folder / "model" / "model.skops", data)
        rules = policy((self.root / "modelrail.yaml").read_text(encoding="utf-8"), model)
        judged = records.PolicyRef(commit=commit, digest=rules_of(rules), changed=False, source="head")
        record = evidence(
            policy=judged, model=model, commit=commit, digest=files.digest_bytes(data), size=len(data),
            baseline=None if first else self.baseline(model), version=version, verdict=verdict,
        )  # fmt: skip
        for part in (record.candidate, record.evaluation, record.comparison, record):
            files.write(part, folder)
        return record

    def baseline(self, model: str = "delay", stage: str = "production") -> records.Baseline | None:
        shown = self.run("show", model, "--json", "--fetch", code=None)
        found = shown.json[model]["stages"].get(stage) if shown.code == 0 else None
        if found is None:
            return None
        return records.Baseline(
            status="present", stage=stage, version=found["version"], sequence=found["sequence"],
            commit="c" * 40, model_digest="sha256:" + "2" * 64,
        )  # fmt: skip

    def release(self, content: str, **env: str) -> Said:
        """Train and register."""
        self.train(content)
        return self.run("register", env=env)

    def evidence_file(self, model: str = "delay") -> str:
        return str(files.folder("modelrail-out", model) / "evidence.json")

    def remote_tags(self) -> dict[str, str]:
        listed = self.git("ls-remote", "--tags", "--refs", "origin")
        return {
            ref.removeprefix("refs/tags/"): oid
            for oid, ref in (line.split("\t") for line in listed.splitlines())
        }

    def local_tags(self) -> dict[str, str]:
        listed = self.git("for-each-ref", "--format=%(objectname)\t%(refname)", "refs/tags")
        return {
            ref.removeprefix("refs/tags/"): oid
            for oid, ref in (line.split("\t") for line in listed.splitlines())
        }

    def clone(self, to: Path, *options: str) -> Project:
        # By a URL: of a path git makes no shallow clone.
        remote = self.remote if "://" in self.remote else Path(self.remote).as_uri()
        run_git(to.parent, "clone", "--quiet", *options, remote, str(to))
        return Project(to, self.remote, dict(self.environ))


@contextlib.contextmanager
def _surroundings(folder: Path, values: Mapping[str, str]) -> Iterator[None]:
    before, place = dict(os.environ), Path.cwd()
    os.environ.update(values)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)


def _outputs(text: str) -> dict[str, str]:
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, mark = line.partition("<<")
        value = []
        for part in lines:
            if part == mark:
                break
            value.append(part)
        found[name] = "\n".join(value)
    return found


def project(parent: Path, text: str = CONFIG, remote: str = "") -> Project:
    """A fresh consumer repository; its remote is a bare one beside it, unless given."""
    root = parent / "consumer"
    root.mkdir()
    run_git(root, "init", "--quiet")
    if not remote:
        bare = parent / "remote.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
        remote = str(bare)
    run_git(root, "remote", "add", "origin", remote)
    (root / "modelrail.yaml").write_text(text, encoding="utf-8")
    (root / ".gitignore").write_text("modelrail-out/\n", encoding="utf-8")
    found = Project(root, remote)
    found.commit("begin")
    return found
