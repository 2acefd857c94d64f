#!/usr/bin/env python3
"""Reading a registry of many tags: CPU seconds against the limit, one bare `git for-each-ref` of all fields.

scripts/bench registry [--tags 10000] [--models 50] [--repeat 3] [--gto]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
FIELDS = (
    "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)%00%(taggerdate:unix)%00"
    "%(taggername)%00%(contents)%00"
)


def stream(tags: int, models: int) -> Iterator[str]:
    """A fast-import stream: each model is registered, staged and promoted in turn, as modelrail writes it."""
    yield "commit refs/heads/main\nmark :1\ncommitter x <x@example.invalid> 1600000000 +0000\ndata 1\nx\n"
    state = [(0, 0, 1)] * models  # versions, counter, the version's commit: GTO tells them by it
    for at in range(tags):
        model, step = at % models, (at // models) % 3
        versions, counter, mark = state[model]
        if step == 0:
            versions, mark = versions + 1, at + 2
            yield (
                f"commit refs/heads/main\nmark :{mark}\n"
                f"committer x <x@example.invalid> {1600000000 + at} +0000\ndata 1\nx\n"
            )
            name, trailers = f"m{model}@v1.{versions}.0", f"After: {counter}\nModel-File: model.skops"
        else:
            counter += 1
            stage = ("staging", "production")[step - 1]
            name, trailers = f"m{model}#{stage}#{counter}", f"Stage: {stage}\nSequence: {counter}"
        state[model] = (versions, counter, mark)
        body = (
            f"m{model} v1.{versions}.0\n\nROC AUC rises by 0.011. 8 of 8 gates passed.\n\nModel: m{model}\n"
            f"Version: v1.{versions}.0\n{trailers}\nModel-Digest: sha256:{at:064x}\n"
            f"Data-Digest: md5:{at:032x}\nEvidence-Digest: sha256:{at + 1:064x}\n"
            f"Baseline: v1.{versions - 1}.0\nBaseline-Sequence: {counter}\n"
            f"Verdict: pass\nGates: 8/8\nActor: github-actions[bot]\nWorkflow: release\n"
            f"Run: https://github.com/example/flights/actions/runs/{at}\n"
            f"Operation: {at}/register/m{model}/x\n"
        )
        yield (
            f"tag {name}\nfrom :{mark}\n"
            f"tagger github-actions[bot] <b@example.invalid> {1600000000 + at} +0000\n"
            f"data {len(body.encode())}\n{body}\n"
        )


def make(place: Path, tags: int, models: int) -> None:
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(place)], check=True)
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=place, input="".join(stream(tags, models)).encode(), check=True
    )
    subprocess.run(["git", "pack-refs", "--all"], cwd=place, check=True)


ONE_TAG = 'git tag -a -m x "x$$" && git push --quiet origin "refs/tags/x$$"'
CONFIG = """\
version: 1
models:
  m1:
    task: binary
    data: {test: test.csv, target: late, key: id}
    train: python train.py
    model: model.skops
    metrics: [roc_auc]
    gates: [{metric: roc_auc, min: 0.7}]
    stages: {staging: {enter: on-pass}, production: {from: staging, enter: manual}}
"""


def adopt(place: Path, remote: Path, run: Sequence[str]) -> None:
    """A remote with these tags, and its ledger begun: what follows measures a write, not the adoption."""
    subprocess.run(["git", "clone", "--quiet", "--mirror", str(place), str(remote)], check=True)
    for arguments in (
        ["remote", "add", "origin", str(remote)], ["config", "user.name", "x"],
        ["config", "user.email", "x@example.invalid"], ["config", "gc.auto", "0"],
    ):  # fmt: skip
        subprocess.run(["git", *arguments], cwd=place, check=True)
    (place / "modelrail.yaml").write_text(CONFIG, encoding="utf-8")
    subprocess.run(
        [*run, "rollback", "m1", "--reason", "the ledger begins"], cwd=place, check=True,
        stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
    )  # fmt: skip


def cpu(command: Sequence[str], place: Path, repeat: int) -> tuple[float, float]:
    """Least CPU seconds (user + system, with children) of some runs, and the peak memory in MB."""
    best = float("inf")
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            command, cwd=place, check=True, stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--gto", action="store_true", help="measure gto too (40 s at 10,000 tags)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modelrail-bench-") as parent:
        place = Path(parent) / "repository"
        make(place, options.tags, options.models)
        run = [sys.executable, "-m", "modelrail"]
        limit, _ = cpu(["git", "for-each-ref", f"--format={FIELDS}", "refs/tags"], place, options.repeat)
        click, _ = cpu([sys.executable, "-c", "import click"], place, options.repeat)
        adopt(place, Path(parent) / "remote.git", run)
        print(f"{options.tags:,} packed tags of {options.models} models; least of {options.repeat} runs\n")
        print(f"{'':28}{'CPU s':>8}{'x git':>8}{'x click':>9}{'MB':>7}")
        print(f"{'git for-each-ref':28}{limit:8.3f}{1:8.1f}")
        print(f"{'python -c import click':28}{click:8.3f}{'':8}{1:9.1f}")
        rows = [
            ("modelrail --help", [*run, "--help"]),
            ("modelrail show", [*run, "show"]),
            ("modelrail show m0", [*run, "show", "m0"]),
            ("modelrail which m0#production", [*run, "which", "m0#production"]),
            ("modelrail history m0", [*run, "history", "m0"]),
            ("git push of one tag", ["sh", "-c", ONE_TAG]),
            ("modelrail rollback m1 (*)", [*run, "rollback", "m1", "--reason", "x"]),
        ]
        if options.gto:
            beside = Path(sys.executable).parent / "gto"
            gto = str(beside) if beside.exists() else shutil.which("gto") or "gto"
            rows += [("gto show", [gto, "show"]), ("gto history m0", [gto, "history", "m0"])]
            rows += [("gto register (no push)", [gto, "register", "m0", "--version", "v99.0.0"])]
        for name, command in rows:
            seconds, memory = cpu(command, place, 1 if name.startswith("gto") else options.repeat)
            print(f"{name:28}{seconds:8.3f}{seconds / limit:8.1f}{seconds / click:9.1f}{memory:7.0f}")
        print("\n(*) the whole write: fetch, check, decide, push tag and ledger; the remote is on this disk")


if __name__ == "__main__":
    main()
