"""`scripts/bench report`: what the report costs, from records on disk to the posted comment and the page.

Whole processes are measured, with the interpreter and every import, against the local GitHub; beside them
stands `python -c pass` of the same interpreter. `--clean` does it in an environment of the core dependencies
alone (requirements/core.txt), which is built for it. `--flights` adds a whole pull request of the example,
run by act as scripts/demo does, and what of it is neither training nor installation; it takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

import support_html  # noqa: E402
import support_records  # noqa: E402
from modelrail import records  # noqa: E402
from modelrail.adapters import files  # noqa: E402
from modelrail.localhub.server import Hub  # noqa: E402
from modelrail.report import html, junit, render, view  # noqa: E402
from modelrail.report.view import ModelRecords  # noqa: E402

HEAVY = ("numpy", "polars", "pandas", "pyarrow", "sklearn", "flask")
MAIN = "import sys; from modelrail.__main__ import main; raise SystemExit(main(sys.argv[1:]))"


def wide(columns: int, slices: int) -> ModelRecords:
    """A run of that many metrics, each on that many slices, with the distributions of as many columns."""
    found = [
        support_records.metric(f"metric_{at:03}", 0.7, 0.71, -0.01, 0.03, "not worse")
        for at in range(columns)
    ]
    found += [
        support_records.metric(
            f"metric_{at:03}", 0.7, 0.7 + (at % 7 - 3) / 100, -0.04 + at / 10_000, 0.04,
            ("worse", "not worse", "better", "inconclusive")[(at + place) % 4],
            where=("airport", f"A{place:03}"), rows=100 + place,
        )
        for place in range(slices)
        for at in range(columns)
    ]  # fmt: skip
    labels = tuple(f"{at} to {at + 1}" for at in range(10))
    distributions = records.Distributions(
        model="delay", reference="training data", current="test data", distance="PSI",
        columns=tuple(
            records.ColumnDistribution(
                column=f"column_{at:03}", labels=labels, reference=tuple(range(100, 110)),
                current=tuple(range(100 + at, 110 + at)), distance=at / 1000, limit=0.25, outcome="pass",
            )
            for at in range(columns)
        ),
    )  # fmt: skip
    return support_html.flights(
        comparison=support_records.comparison(metrics=tuple(found)), extras=(distributions,)
    )


def write(out: Path, found: ModelRecords) -> None:
    folder = files.folder(out, found.model)
    for record in (found.data, found.candidate, *found.extras):
        if record is not None:
            files.write(record, folder)
    assert found.evaluation is not None
    assert found.comparison is not None
    assert found.plots is not None
    digest = files.write(found.evaluation, folder)
    digest = files.write(msgspec.structs.replace(found.comparison, evaluation=digest), folder)
    files.write(msgspec.structs.replace(found.plots, comparison=digest), folder)


def cpu(command: list[str], repeat: int, **options: Any) -> float:
    """CPU seconds of a process and its children, the best of `repeat`."""
    best = float("inf")
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, **options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return best


def core_only(place: Path) -> str:
    """An interpreter with the core dependencies and nothing else; their bytecode compiled, as on a runner."""
    venv.create(place, with_pip=True)
    python = str(place / "bin" / "python")
    requirements = HERE.parent / "requirements" / "core.txt"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(requirements)],
        check=True, env=env,
    )  # fmt: skip
    subprocess.run([python, "-m", "compileall", "-q", str(HERE / "modelrail")], check=False)
    return python


def posted(python: str, repeat: int, place: Path) -> dict[str, float]:
    """CPU seconds of `modelrail report` up to the comment, on flights."""
    write(place / "modelrail-out", support_html.flights())
    hub = Hub(place / "hub")
    running = hub.serve(port=0)
    try:
        hub.create_repository("octo", "flights")
        pull = _pull_request(hub, running.git_url("octo", "flights"), place)
        event = place / "event.json"
        event.write_text(json.dumps({"pull_request": pull, "number": 1}), encoding="utf-8")
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GITHUB_", "MODELRAIL_")) and name != "PYTHONDONTWRITEBYTECODE"
        } | {
            "PYTHONPATH": str(HERE),
            "NO_PROXY": "127.0.0.1",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": running.api_url,
            "GITHUB_SERVER_URL": running.url,
            "GITHUB_REPOSITORY": "octo/flights",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_SHA": pull["head"]["sha"],
            "GITHUB_WORKSPACE": str(place),
            "GITHUB_RUN_ID": "812",
            "GITHUB_TOKEN": hub.token_for("octo"),
        }
        command = [python, "-c", MAIN, "report"]
        options: dict[str, Any] = {"cwd": place, "env": env}
        done = subprocess.run(command, check=True, capture_output=True, text=True, **options)
        assert "the report is on pull request 1" in done.stderr, done.stderr
        loaded = subprocess.run(
            [python, "-X", "importtime", *command[1:]], check=True, capture_output=True, text=True, **options
        ).stderr  # fmt: skip
        heavy = [name for name in HEAVY if any(line.endswith(f" {name}") for line in loaded.splitlines())]
        assert not heavy, f"imported: {heavy}"
        return {
            "report, posted: CPU s": cpu(command, repeat, **options),
            "python -c pass: CPU s": cpu([python, "-c", "pass"], repeat, **options),
        }
    finally:
        running.close()


def _pull_request(hub: Hub, url: str, place: Path) -> dict[str, Any]:
    """Two branches and a pull request between them, as GitHub describes it."""
    root = place / "work"
    identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.invalid"]

    def git(*arguments: str) -> None:
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)

    root.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    authorized = url.replace("http://", f"http://x-access-token:{hub.token_for('octo')}@")
    for branch in ("main", "topic"):
        git("checkout", "--quiet", "-B", branch)
        git("commit", "--quiet", "--allow-empty", "-m", branch)
        git("push", "--quiet", authorized, branch)
    return dict(hub.open_pull_request("octo", "flights", head="topic", base="main", title="Bench"))


def page(columns: int, slices: int, repeat: int, place: Path) -> dict[str, float]:
    """CPU seconds and size of the HTML of a wide run: a whole process from its records, and each part."""
    out = place / "wide"
    write(out / "modelrail-out", wide(columns, slices))
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    env = {name: value for name, value in env.items() if not name.startswith(("GITHUB_", "MODELRAIL_"))}
    command = [sys.executable, "-c", MAIN, "report", "--format", "html", "--dry-run"]
    whole = cpu(command, repeat, cwd=out, env=env)
    text = subprocess.run(command, check=True, capture_output=True, cwd=out, env=env).stdout
    shown = view.build([wide(columns, slices)], support_records.RUN)
    parts = {
        "HTML": lambda: html.html(shown),
        "Markdown": lambda: render.markdown(msgspec.structs.replace(shown)),  # a copy: the last is kept
        "JUnit": lambda: junit.junit(shown),
    }
    figures = {
        f"HTML of {columns} metrics and columns, {slices} slices: CPU s": whole,
        "its size: kB": len(text) / 1000,
    }
    for name, work in parts.items():
        work()
        begin = time.process_time()
        work()
        figures[f"of it, {name} alone: CPU s"] = time.process_time() - begin
    return figures


def flights(place: Path) -> dict[str, float]:
    """CPU seconds of a pull request on the flights example, its environments being there already."""
    import demo_loop
    from demo_console import Console
    from demo_world import World

    world = World(place / "flights", Console(color=False), verbose=False)

    def spent(work: Callable[[], object]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    world.fresh()
    world.data_environment()
    try:
        demo_loop.first_version(world, {})
        world.branch("trees")
        world.edit(
            "params.yaml",
            ("model: logistic ", "model: gradient_boosting "),
            ("weather: false", "weather: true "),
        )
        world.push("Gradient boosting", "trees")
        number = str(world.open_pull_request("trees", "Gradient boosting", ""))
        whole = spent(lambda: world.act("pull_request", "--pull-request", number, "--expect-job", "report"))
        training = spent(lambda: world.tool("train", quiet=True))
    finally:
        world.stop_hub()
    return {
        "a pull request on flights: CPU s": whole,
        "of it, training: CPU s": training,
        "of it, the rest: CPU s": whole - training,
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench report", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument(
        "--clean", action="store_true", help="in an environment of the core dependencies alone"
    )
    parser.add_argument("--flights", action="store_true", help="also a whole pull request of the example")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="modelrail-bench-") as folder:
        place = Path(folder)
        python = core_only(place / "core") if chosen.clean else sys.executable
        figures = posted(python, chosen.repeat, place)
        figures |= page(chosen.columns, chosen.slices, min(chosen.repeat, 3), place)
        if chosen.flights:
            figures |= flights(place)
    if chosen.json:
        print(json.dumps(figures, indent=2))
        return 0
    for name, value in figures.items():
        print(f"  {name:<64} {value:>9,.3f}" if value < 100 else f"  {name:<64} {value:>9,.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
