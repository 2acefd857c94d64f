#!/usr/bin/env python3
"""A registry of many tags: reading, writing, a long ledger, twenty writers at once.

scripts/bench registry [--tags 10000] [--models 50] [--repeat 3] [--many 100000] [--gto]

MB is the most that the process held, `of all` the most of any program that it started as well.
CPU seconds are those of the process and of every program that it started; of a write that includes git's own
server, since the remote is on this disk. Writes are measured once more with a server whose work is not
counted: from this clone, which has every tag, and from one as jobs make it (shallow, without tags).
`x git` is against one bare `git for-each-ref` of all fields.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

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
    # Piece by piece: a child's peak begins with the size of this process when it was forked.
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=place, stdin=subprocess.PIPE) as made:
        assert made.stdin is not None
        for piece in stream(tags, models):
            made.stdin.write(piece.encode())
    if made.returncode:
        raise SystemExit(f"git fast-import: exit code {made.returncode}")
    subprocess.run(["git", "pack-refs", "--all"], cwd=place, check=True)


ONE_TAG = 'git tag -a -m x "x$$" && git push --quiet origin "refs/tags/x$$"'
MODEL = """\
    task: binary
    data: {test: test.csv, target: late, key: id}
    train: python train.py
    model: model.skops
    metrics: [roc_auc]
    gates: [{metric: roc_auc, min: 0.7}]
    stages: {staging: {enter: on-pass}, production: {from: staging, enter: manual}}
"""
RACERS = 20
RUN = (sys.executable, "-m", "modelrail")
BACK = (*RUN, "rollback", "m1", "--reason", "x")


class Measured(NamedTuple):
    """Of one process with all that it started."""

    cpu: float  # seconds, user and system
    wall: float
    memory: float  # MB, of the process itself, of which none is less than this one's when it was forked
    largest: float  # MB, of the largest that it started, and of itself

    def line(self, name: str, limit: float, click: float, wanted: str = "") -> str:
        return (
            f"{name:34}{self.cpu:8.3f}{self.wall:8.3f}{self.cpu / limit:8.1f}{self.cpu / click:9.1f}"
            f"{self.memory:7.0f}{self.largest:7.0f}  {wanted}"
        )


def environ(cache: Path) -> dict[str, str]:
    """As installed: byte code is kept. Of this checkout that lies with the benchmark, as do turns."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    own = {"MODELRAIL_CACHE": str(cache.parent / "cache"), "PYTHONPYCACHEPREFIX": str(cache)}
    return kept | {"PYTHONPATH": str(SCRIPTS)} | own


def measure(command: Sequence[str], place: Path, repeat: int) -> Measured:
    """The least of some runs, after one that is not counted, but asked for its own size all the time."""
    env = environ(place.parent / "byte-code")
    found = []
    memory = 0.0
    for at in range(repeat + (1 if repeat > 1 else 0)):
        start = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=place, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if not at:
            memory = peak(child.pid)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}")
        if at or repeat == 1:
            wall = time.perf_counter() - start
            cpu, largest = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
            found.append(Measured(cpu, wall, memory, max(memory, largest)))
    return min(found)


def peak(process: int) -> float:
    """The most that a process held by itself, in MB, as seen until it ends; it is left to be waited for."""
    held = 0.0
    while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                held = int(line.split()[1]) / 1024
        time.sleep(0.002)
    return held


def begin(place: Path, tags: int, models: int, configured: int = 2) -> Path:
    """A registry with a remote, and its ledger begun: what follows measures a write, not the adoption."""
    make(place, tags, models)
    remote = place.with_suffix(".git")
    subprocess.run(["git", "clone", "--quiet", "--mirror", str(place), str(remote)], check=True)
    for arguments in (
        ["remote", "add", "origin", str(remote)], ["config", "user.name", "x"],
        ["config", "user.email", "x@example.invalid"], ["config", "gc.auto", "0"],
    ):  # fmt: skip
        subprocess.run(["git", *arguments], cwd=place, check=True)
    text = "version: 1\nmodels:\n" + "".join(f"  m{at}:\n{MODEL}" for at in range(configured))
    (place / "modelrail.yaml").write_text(text, encoding="utf-8")
    measure(BACK, place, 1)
    return place


def grow(place: Path, events: int) -> None:
    """So many events more on the ledger, a commit each, of a hundred models, in one push."""
    from modelrail import plans
    from modelrail.adapters.git import Git
    from modelrail.adapters.registry import reading as registry
    from modelrail.adapters.registry import tagging
    from modelrail.core.registry import tags

    git = Git(place, environ=os.environ)
    registry.fetch(git, ["m1"], with_ledger=True)
    head = git.text("rev-parse", "refs/heads/main")
    made = []
    for at in range(events):
        model, number = f"g{at % 100}", at // 100 + 1
        facts = {"Model": model, "Version": "v1.0.0", "Stage": "a", "Sequence": str(number)}
        made.append(
            plans.Tag(
                name=f"{model}#a#{number}", target=head, time=1_700_000_000 + at,
                message=tags.message("x", (), facts),
            )
        )  # fmt: skip
    tagging.push(git, plans.PushTags(tags=tuple(made), operation="grow"), "x <x@example.invalid>")
    for where in (place, place.with_suffix(".git")):
        subprocess.run(["git", "repack", "-adq"], cwd=where, check=True)
        subprocess.run(["git", "pack-refs", "--all"], cwd=where, check=True)


def reading(place: Path, tags: int, options: argparse.Namespace) -> None:
    """Every question of people and scripts; and gto's answers to the same."""
    limit = measure(["git", "for-each-ref", f"--format={FIELDS}", "refs/tags"], place, options.repeat)
    click = measure([sys.executable, "-c", "import click"], place, options.repeat)
    print(f"\n{tags:,} packed tags; least of {options.repeat} runs\n")
    print(f"{'':34}{'CPU s':>8}{'wall s':>8}{'x git':>8}{'x click':>9}{'MB':>7}{'of all':>7}  wanted")
    print(limit.line("git for-each-ref", limit.cpu, click.cpu))
    print(click.line("python -c import click", limit.cpu, click.cpu))
    show = "0.3 s" if tags <= 10_000 else "2.5 s, 150 MB" if tags <= 100_000 else ""
    write = "0.25 s" if tags <= 10_000 else ""
    rows: list[tuple[str, Sequence[str], str]] = [
        ("modelrail --help", [*RUN, "--help"], ""),
        ("modelrail show", [*RUN, "show"], show),
        ("modelrail show m0", [*RUN, "show", "m0"], "0.2 x gto"),
        ("modelrail which m0#production", [*RUN, "which", "m0#production"], "0.15 s"),
        ("modelrail history m0", [*RUN, "history", "m0"], "0.15 s"),
        ("git fetch of one model", ["git", "fetch", "-q", "--no-tags", "--prune", "origin",
                                    *(f"+refs/tags/m1{mark}*:refs/x/m1{mark}*" for mark in "@#")], ""),
        ("git push of one tag", ["sh", "-c", ONE_TAG], ""),
        ("modelrail rollback m1 (a write)", BACK, write),
    ]  # fmt: skip
    if options.gto and tags <= 10_000:
        beside = Path(sys.executable).parent / "gto"
        gto = str(beside) if beside.exists() else shutil.which("gto") or "gto"
        rows += [(f"gto {' '.join(words)}", [gto, *words], "") for words in (
            ("show",), ("show", "m0"), ("history", "m0"), ("register", "m0", "--version", "v99.0.0"),
        )]  # fmt: skip
    for name, command, wanted in rows:
        found = measure(command, place, 1 if name.startswith("gto") else options.repeat)
        print(found.line(name, limit.cpu, click.cpu, wanted), flush=True)
    with served(place) as clones:
        for where, clone in clones.items():
            for name, command, wanted in (
                ("git push, served, ", ["sh", "-c", ONE_TAG], ""),
                ("a write, served, ", BACK, write),
            ):
                found = measure(command, clone, options.repeat)
                print(found.line(name + where, limit.cpu, click.cpu, wanted), flush=True)


@contextlib.contextmanager
def served(place: Path) -> Iterator[dict[str, Path]]:
    """The same remote behind git's own daemon: the whole clone, and one as a job has it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    parent, url = place.parent, f"git://127.0.0.1:{port}/{place.name}.git"
    job = parent / f"{place.name}-job"
    command = [
        "git", "daemon", "--listen=127.0.0.1", f"--port={port}", f"--base-path={parent}", "--export-all",
        "--enable=receive-pack", str(parent),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    ) as daemon:
        try:
            for _ in range(100):
                if (
                    subprocess.run(
                        ["git", "ls-remote", url, "HEAD"], capture_output=True, check=False
                    ).returncode
                    == 0
                ):
                    break
                time.sleep(0.05)
            subprocess.run(["git", "clone", "--quiet", "--depth=1", "--no-tags", url, str(job)], check=True)
            for arguments in (["user.name", "x"], ["user.email", "x@example.invalid"], ["gc.auto", "0"]):
                subprocess.run(["git", "config", *arguments], cwd=job, check=True)
            shutil.copyfile(place / "modelrail.yaml", job / "modelrail.yaml")
            subprocess.run(["git", "remote", "set-url", "origin", url], cwd=place, check=True)
            yield {"whole clone": place, "job's clone": job}
        finally:
            subprocess.run(["git", "remote", "set-url", "origin", f"{place}.git"], cwd=place, check=True)
            os.killpg(daemon.pid, signal.SIGTERM)


def long_ledger(parent: Path, options: argparse.Namespace) -> None:
    """The same number of tags, on a ledger of a hundred events and of ten thousand."""
    print("\na write, by the length of the ledger, 10,100 tags\n")
    for tags, events in ((10_000, 100), (400, 9_700)):  # so many that no rollback runs out of versions
        place = begin(parent / f"ledger-{events}", tags, 5)
        grow(place, events)
        found = measure(BACK, place, options.repeat)
        print(f"{events:>8,} events: {found.cpu:.3f} s of CPU, {found.wall:.3f} s", flush=True)


def race(parent: Path) -> None:
    """Twenty models are rolled back: one after the other, then all at once."""
    place = begin(parent / "race", RACERS * 12, RACERS, RACERS)
    copies = [parent / f"racer-{at}" for at in range(RACERS)]
    for copy in copies:
        shutil.copytree(place, copy)
    env = environ(parent / "byte-code")
    push = measure(["sh", "-c", ONE_TAG], place, 3)
    took = []
    for at_once in (False, True):
        start = time.perf_counter()
        running = []
        for at, copy in enumerate(copies):
            command = [*RUN, "rollback", f"m{at}", "--reason", "x"]
            running.append(
                subprocess.Popen(
                    command, cwd=copy, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
            )
            if not at_once:
                running[-1].wait()
        ends = [(child.wait(), child.stderr.read() if child.stderr else b"") for child in running]
        took.append(time.perf_counter() - start)
        failed = [said.decode() for code, said in ends if code]
        if failed:
            raise SystemExit(f"{len(failed)} of {RACERS} did not land: {failed[0]}")
    measure([*RUN, "verify"], place, 1)  # nothing lost, nothing double
    print(
        f"\n{RACERS} writes of {RACERS} models: one after the other {took[0]:.2f} s, at once {took[1]:.2f} s;"
        f" a bare `git push` {push.wall:.3f} s, {RACERS} of them {RACERS * push.wall:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--many", type=int, default=0, help="a second registry, of so many tags (100000)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--gto", action="store_true", help="measure gto too (40 s a command at 10,000 tags)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modelrail-bench-") as folder:
        parent = Path(folder)
        # Every measured write goes back by one version: each model has some sixty.
        few = max(min(options.models, options.tags // 200), 2)
        reading(begin(parent / "some", options.tags, few), options.tags, options)
        if options.many:
            models = max(options.many // 1000, 1)
            reading(begin(parent / "many", options.many, models), options.many, options)
        long_ledger(parent, options)
        race(parent)


if __name__ == "__main__":
    main()
