"""The demo's story, step by step; started by scripts/demo inside the tool's environment."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import demo_checks
from demo_console import Console, excerpt
from demo_world import MODEL, DemoError, World
from modelrail.errors import ModelrailError

# The change of a colleague, as `git apply` takes it.
DELAYS_SO_FAR = Path(__file__).with_name("demo_delays_so_far.patch")


def main(arguments: Sequence[str]) -> int:
    state, summary, serving, verbose, started = arguments
    console = Console(color=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    world = World(Path(state), console, verbose=verbose == "1")
    told: dict[str, Any] = {"state": state}
    failed = ""
    try:
        world.fresh()
        console.note("Preparing the example's environment (kept for later runs).")
        world.data_environment()
        told["install_seconds"] = round(time.time() - float(started), 1)
        console.began = time.monotonic()
        play(world, told)
    except (DemoError, ModelrailError, OSError) as error:
        failed = str(error)
        console.line(f"\n{console.paint('red', '✗')} {failed}")
    except KeyboardInterrupt:
        failed = "interrupted"
    console.close_step()
    told["seconds"] = round(time.monotonic() - console.began, 1)
    told["steps"] = [
        {"number": s.number, "title": s.title, "seconds": round(s.seconds, 1)} for s in console.steps
    ]
    told["failed"] = failed
    if summary:
        Path(summary).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    goodbye(world, told, serving=serving == "1")
    return 1 if failed else 0


def play(world: World, told: dict[str, Any]) -> None:
    first_version(world, told)
    better_model(world, told)
    worse_model(world, told)
    new_month(world, told)
    rollback(world)
    record(world, told)


def first_version(world: World, told: dict[str, Any]) -> None:
    console = world.console
    console.step("A local GitHub and a new repository")
    world.start_hub()
    told.update(url=world.url, page=world.page)
    console.note(f"pages: {world.page}")
    world.create_repository()
    world.prepare("2013-06")
    world.configure()
    told["first_commit"] = world.push("Predict late arrivals: logistic regression on the schedule", "main")

    console.step("The first version: pushed to main, trained, judged, registered")
    world.act("push", "--workflow", "release.yml", "--expect-job", "register")
    world.show_state()
    promote(world, "v1.0.0", "first version")


def better_model(world: World, told: dict[str, Any]) -> None:
    console = world.console
    console.step("A pull request with a better model")
    world.branch("trees-and-weather")
    world.edit(
        "params.yaml", ("model: logistic ", "model: gradient_boosting "), ("weather: false", "weather: true ")
    )
    told["better_commit"] = world.push("Gradient boosting, with the weather", "trees-and-weather")
    number = world.open_pull_request(
        "trees-and-weather", "Gradient boosting, with the weather",
        "Late flights come with bad weather, and not in straight lines.",
    )  # fmt: skip
    world.act(
        "pull_request", "--pull-request", str(number), "--expect-job", "evaluate", "--expect-job", "report"
    )
    show_comment(world, number)

    console.step("Merged: trained again where the pull request has no say, registered, in staging")
    told["better_merge"] = world.merge(number)
    world.act("push", "--workflow", "release.yml", "--expect-job", "register")
    world.show_state()
    promote(world, "v1.1.0", "weekly release")


def worse_model(world: World, told: dict[str, Any]) -> None:
    console = world.console
    console.step("A pull request that is better on average, and fails one airline")
    world.branch("delays-so-far")
    world.patch(DELAYS_SO_FAR)
    world.prepare("2013-06")
    told["worse_commit"] = world.push("Delays so far in the place of most of the weather", "delays-so-far")
    number = world.open_pull_request(
        "delays-so-far", "Delays so far in the place of most of the weather",
        "How late the airport and the airline run two hours before says more than rain and wind. "
        "ROC AUC and Brier score both improve.",
    )  # fmt: skip
    console.note(
        "ExpressJet is XE in the new table, its code until 2012; its flights say EV, and get no delays."
    )
    # 20: a job failed. It is the job that judges, and it is meant to.
    runs = world.act("pull_request", "--pull-request", str(number), "--expect-job", "evaluate", expect=20)
    told["worse_run"] = runs[0]
    show_comment(world, number)


def new_month(world: World, told: dict[str, Any]) -> None:
    console = world.console
    console.step("A new month of data: train January to July, test August")
    world.pull_main()
    world.branch("data-through-july")
    world.prepare("2013-07")
    told["data_commit"] = world.push("Data through July", "data-through-july")
    number = world.open_pull_request("data-through-july", "Data through July", "The monthly update.")
    world.act(
        "pull_request", "--pull-request", str(number), "--expect-job", "evaluate", "--expect-job", "report"
    )
    show_comment(world, number)
    console.step("Merged, registered, promoted")
    told["data_merge"] = world.merge(number)
    world.act("push", "--workflow", "release.yml", "--expect-job", "register")
    promote(world, "v1.2.0", "data through July")


def rollback(world: World) -> None:
    world.console.step("Rolled back, by one dispatch")
    world.act(
        "workflow_dispatch", "--workflow", "rollback.yml", "--input", f"model={MODEL}",
        "--input", "reason=complaints about late warnings since the update", "--expect-job", "rollback",
    )  # fmt: skip
    world.show_state()


def record(world: World, told: dict[str, Any]) -> None:
    console = world.console
    console.step("What Git remembers")
    world.pull_main()
    console.evidence(world.tool("history", MODEL, "--no-fetch").out)
    tags = demo_checks.tags(world)
    last = tags[-1]
    console.command(["git", "tag", "-n99", last])
    console.evidence(world.tag_message(last), limit=40)
    tampered(world)
    console.step("The end state, checked")
    told["checks"] = []
    wrong = 0
    for check in demo_checks.run(world, told):
        console.check(check.name, check.passed, check.detail)
        told["checks"].append({"name": check.name, "passed": check.passed, "detail": check.detail})
        wrong += not check.passed
    if wrong:
        raise DemoError(f"{wrong} of {len(told['checks'])} checks failed.")


def tampered(world: World) -> None:
    """Green; then red, after somebody moved a tag; and green again with the tag where it was."""
    console = world.console
    console.step("Is the record whole? A tag is moved by hand, and found")
    console.evidence(world.tool("verify", signed_in=True).out)
    tag = f"{MODEL}@v1.1.0"
    true = world.git.text("rev-parse", f"refs/tags/{tag}")
    console.command(["git", "tag", "--force", "--annotate", tag, "main"])
    world.git.run("tag", "--force", "--annotate", "--message", "v1.1.0", tag, "main")
    console.command(["git", "push", "--force", "origin", tag])
    world.git.run("push", "--quiet", "--force", "origin", f"refs/tags/{tag}", network=True)
    console.evidence(world.tool("verify", expect=23, signed_in=True).out)
    console.note("put back:")
    world.git.run("update-ref", f"refs/tags/{tag}", true)
    world.git.run("push", "--quiet", "--force", "origin", f"refs/tags/{tag}", network=True)
    console.evidence(world.tool("verify", signed_in=True).out)


def promote(world: World, version: str, reason: str) -> None:
    world.console.step(f"{version} to production, by one dispatch")
    world.act(
        "workflow_dispatch", "--workflow", "promote.yml", "--input", f"model={MODEL}", "--input",
        f"version={version}", "--input", f"reason={reason}", "--expect-job", "promote",
    )  # fmt: skip
    world.show_state()


def show_comment(world: World, number: int) -> None:
    comments = world.comments(number)
    if not comments:
        raise DemoError(f"Pull request #{number} has no comment.")
    world.console.note(f"the comment on #{number}:")
    world.console.evidence(excerpt(comments[-1]["body"]), limit=24)


def goodbye(world: World, told: dict[str, Any], *, serving: bool) -> None:
    console = world.console
    console.line()
    if not told["failed"]:
        console.line(console.paint("bold", f"Done in {told['seconds']:.0f} s; every check passed."))
    if not world.url:
        return
    run = Path(__file__).with_name("modelrail-run")
    folder = world.state / "hub"
    console.line(f"  the repository's clone  {world.work}")
    if serving:
        for name, place in (("the pages", ""), ("the blocked change", "/pull/2"), ("releases", "/releases")):
            console.line(f"  {name:<23} {world.page}{place}")
        console.line(f"  end the server          {run} hub stop --state {folder}")
    else:
        world.stop_hub()
        console.line(f"  look at the pages       {run} hub serve --state {folder}")
