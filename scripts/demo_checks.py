"""What must be true at the end of the demo, read from the hub and from Git, never from exit codes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo_world import MODEL, NAME, OWNER, World

VERSIONS = ("v1.0.0", "v1.1.0", "v1.2.0")
# Stage events in order: which version each put where.
EVENTS = (
    ("staging", "v1.0.0"), ("production", "v1.0.0"),
    ("staging", "v1.1.0"), ("production", "v1.1.0"),
    ("staging", "v1.2.0"), ("production", "v1.2.0"),
    ("production", "v1.1.0"),
)  # fmt: skip
REPORT = "<!-- modelrail:report -->"
ASSETS = {"model.skops", "evidence.json", "model-card.md"}


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    detail: str = ""


def equal(name: str, found: object, wanted: object) -> Check:
    return Check(name, found == wanted, f"found {found!r}, wanted {wanted!r}")


def tags(world: World) -> list[str]:
    """Every tag of the repository on the hub, oldest event first."""
    lines = world.git.text(
        "for-each-ref", "--sort=taggerdate", "--format=%(refname:strip=2)", "refs/tags"
    ).splitlines()
    return [line for line in lines if line]


def trailers(world: World, tag: str) -> dict[str, str]:
    last = world.tag_message(tag).strip().split("\n\n")[-1]
    return dict(line.split(": ", 1) for line in last.splitlines() if ": " in line)


def run(world: World, told: dict[str, Any]) -> Iterator[Check]:
    """Check all of it; adds what was found to `told`."""
    world.pull_main()
    yield from _tags(world, told)
    yield from _releases(world, told)
    yield from _pull_requests(world, told)
    yield from _stages(world, told)


def _tags(world: World, told: dict[str, Any]) -> Iterator[Check]:
    found = tags(world)
    wanted = {f"{MODEL}@{version}" for version in VERSIONS}
    assigned = [f"{MODEL}#{stage}#{number}" for number, (stage, _) in enumerate(EVENTS, 1)]
    told["tags"] = found
    yield equal(
        "the tags are those of three versions and seven stage events", set(found), wanted | set(assigned)
    )
    if not set(assigned) <= set(found):
        return
    said = [(trailers(world, tag).get("Stage"), trailers(world, tag).get("Version")) for tag in assigned]
    yield equal("each stage event says the version that it means", said, list(EVENTS))
    kinds = world.git.text("for-each-ref", "--format=%(objecttype)", "refs/tags").split()
    yield equal("every tag is annotated", set(kinds), {"tag"})
    targets = [world.git.text("rev-parse", f"refs/tags/{MODEL}@{version}^{{commit}}") for version in VERSIONS]
    trained = [told["first_commit"], told["better_merge"], told["data_merge"]]
    yield equal("each version points at the commit that was trained", targets, trained)
    reason = trailers(world, assigned[-1]).get("Reason", "")
    yield Check("the rollback's tag says why", "complaints" in reason, f"Reason: {reason!r}")


def _releases(world: World, told: dict[str, Any]) -> Iterator[Check]:
    releases = {release["tag_name"]: release for release in world.hub.releases(OWNER, NAME)}
    told["releases"] = {}
    yield equal("three releases, none of them a draft", {
        tag: release["draft"] for tag, release in releases.items()
    }, {f"{MODEL}@{version}": False for version in VERSIONS})  # fmt: skip
    for version in VERSIONS:
        release = releases.get(f"{MODEL}@{version}")
        if release is None:
            continue
        assets = {asset["name"]: asset for asset in release["assets"]}
        digests = {name: digest(world, asset) for name, asset in assets.items()}
        told["releases"][version] = digests
        note = trailers(world, f"{MODEL}@{version}")
        yield Check(
            f"{version}: model, evidence and card are attached", set(assets) >= ASSETS, f"{sorted(assets)}"
        )
        yield equal(
            f"{version}: the bytes are those of the tag",
            (digests.get("model.skops"), digests.get("evidence.json")),
            (note.get("Model-Digest"), note.get("Evidence-Digest")),
        )


def digest(world: World, asset: dict[str, Any]) -> str:
    """SHA-256 of an asset, downloaded as a client would."""
    import requests

    answer = requests.get(
        asset["url"], timeout=60,
        headers={
            "Accept": "application/octet-stream", "Authorization": f"Bearer {world.hub.token_for(OWNER)}",
        },
    )  # fmt: skip
    answer.raise_for_status()
    return f"sha256:{hashlib.sha256(answer.content).hexdigest()}"


def _pull_requests(world: World, told: dict[str, Any]) -> Iterator[Check]:
    comments = {number: world.comments(number) for number in (1, 2, 3)}
    told["comments"] = {
        str(number): [comment["body"] for comment in found] for number, found in comments.items()
    }
    reports = {
        number: [text for text in bodies if REPORT in text] for number, bodies in told["comments"].items()
    }
    yield equal("one report on each pull request", [len(found) for found in reports.values()], [1, 1, 1])
    answers = [len(comments[number]) - len(reports[str(number)]) for number in comments]
    yield equal("and the release's answer on those that were merged", answers, [1, 0, 1])
    authors = {comment["user"]["login"] for found in comments.values() for comment in found}
    yield equal("all of them by the workflow's own account", authors, {"github-actions[bot]"})
    bodies = {int(number): found[0] if found else "" for number, found in reports.items()}
    blocked = bodies[2]
    yield Check("the worse model's comment says that it is blocked, and leads with the airline", (
        "⛔" in blocked.splitlines()[1 if blocked.startswith("<!--") else 0]
        and "for carrier EV falls by" in blocked and "hidden behind a better average precision" in blocked
    ), blocked[:300])  # fmt: skip
    yield Check("the other two do not", not any("⛔" in bodies[number] for number in (1, 3)), bodies[1][:300])
    pulls = {number: world.hub.pull_request(OWNER, NAME, number) for number in (1, 2, 3)}
    yield equal("the worse one is open, the others are merged", [
        (pull["state"], pull["merged"]) for pull in pulls.values()
    ], [("closed", True), ("open", False), ("closed", True)])  # fmt: skip
    worse = told["worse_run"]
    failed = [job["name"] for job in worse["jobs"] if job["conclusion"] == "failure"]
    yield Check("its check is red", worse["conclusion"] == "failure" and bool(failed), f"{worse['jobs']}")


def _stages(world: World, told: dict[str, Any]) -> Iterator[Check]:
    shown = json.loads(world.tool("show", MODEL, "--no-fetch", "--json", quiet=True).out)
    told["show"] = shown
    for stage, version in (("staging", "v1.2.0"), ("production", "v1.1.0")):
        said = world.tool("which", f"{MODEL}#{stage}", "--no-fetch", quiet=True).out.strip()
        yield equal(f"{version} is in {stage}", said, version)
    newest = world.tool("which", f"{MODEL}@latest", "--no-fetch", quiet=True).out.strip()
    yield equal("the latest version is v1.2.0", newest, "v1.2.0")
    deployed = world.hub.deployments(OWNER, NAME)
    told["deployments"] = len(deployed)
    yield Check("GitHub's deployments show the stage", any(
        item["environment"] == "production" for item in deployed
    ), f"{len(deployed)} deployments")  # fmt: skip
