"""What a workflow runner needs: queued dispatches, runs, artifacts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from modelrail.localhub.answers import ApiError, not_found
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World

MAX_INPUTS, MAX_INPUT_CHARACTERS, MAX_PAYLOAD_KEYS = 25, 65_535, 10
ARTIFACT_DAYS = 90


def dispatch_workflow(world: World, repo: Doc, workflow: str, user: str, values: dict[str, Any]) -> Doc:
    """Queue a `workflow_dispatch`. The workflow file must stand on the ref and listen to the event."""
    bare = world.bare(repo)
    ref = values.get("ref")
    if not isinstance(ref, str) or not ref:
        raise ApiError(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
    inputs = values.get("inputs") or {}
    if len(inputs) > MAX_INPUTS:
        raise ApiError(
            422,
            f"Invalid request.\n\nNo more than {MAX_INPUTS} properties are allowed, not {len(inputs)}.",
        )
    if sum(len(str(value)) for value in inputs.values()) > MAX_INPUT_CHARACTERS:
        raise ApiError(422, "inputs are too large.")
    full = _full_ref(world, repo, ref)
    commit = bare.resolve(full)
    entry = bare.entry(commit, f".github/workflows/{Path(workflow).name}") if commit else None
    if commit is None:
        raise ApiError(422, f"No ref found for: {ref}")
    if entry is None:
        raise not_found()
    if b"workflow_dispatch" not in bare.blob(entry[1]):
        raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
    return _queue(
        world,
        repo,
        {
            "event": "workflow_dispatch",
            "workflow": Path(workflow).name,
            "ref": full,
            "inputs": {key: str(value) for key, value in inputs.items()},
            "user": user,
        },
    )


def dispatch_repository(world: World, repo: Doc, user: str, values: dict[str, Any]) -> Doc:
    """Queue a `repository_dispatch`."""
    payload = values.get("client_payload") or {}
    if len(payload) > MAX_PAYLOAD_KEYS:
        raise ApiError(
            422,
            f"Invalid request.\n\nNo more than {MAX_PAYLOAD_KEYS} properties, not {len(payload)}.",
        )
    return _queue(
        world,
        repo,
        {"event": "repository_dispatch", "type": values["event_type"], "payload": payload, "user": user},
    )


def _full_ref(world: World, repo: Doc, ref: str) -> str:
    if ref.startswith("refs/"):
        return ref
    return f"refs/heads/{ref}" if world.bare(repo).ref(f"refs/heads/{ref}") else f"refs/tags/{ref}"


def _queue(world: World, repo: Doc, values: dict[str, Any]) -> Doc:
    return world.store.add(
        "dispatch",
        repo["full_name"],
        values | {"repository": repo["full_name"], "state": "queued", "created_at": world.now()},
    )


def queued(world: World, repo: Doc) -> list[Doc]:
    """Oldest first."""
    return world.store.all("dispatch", repo["full_name"], lambda doc: bool(doc["state"] == "queued"))


def take(world: World, identity: int) -> bool:
    """True for exactly one taker."""
    with world.store.writing():
        found = next((doc for doc in world.store.all("dispatch") if doc["id"] == identity), None)
        if found is None or found["state"] != "queued":
            return False
        world.store.save(found | {"state": "taken", "taken_at": world.now()})
        return True


# --- runs -------------------------------------------------------------------------------------------


def start_run(
    world: World,
    repo: Doc,
    *,
    workflow: str,
    event: str,
    head_branch: str,
    head_sha: str,
    name: str = "",
    actor: str = "",
    head_repository: str = "",
) -> Doc:
    file = Path(workflow).name
    with world.store.writing():
        number = world.store.next(f"run:{repo['full_name']}:{file}")
        return world.store.add(
            "run",
            repo["full_name"],
            {
                "workflow": file,
                "name": name or Path(file).stem,
                "event": event,
                "head_branch": head_branch,
                "head_sha": head_sha,
                "head_repository": head_repository or repo["full_name"],
                "number": number,
                "actor": actor or repo["owner"],
                "status": "in_progress",
                "conclusion": None,
                "attempt": 1,
                "repository": repo["full_name"],
                "created_at": world.now(),
                "updated_at": world.now(),
            },
        )


def any_run(world: World, identity: int) -> Doc:
    """A run by its id alone: ids are unique over all repositories."""
    found = next((doc for doc in world.store.all("run") if doc["id"] == identity), None)
    if found is None:
        raise not_found()
    return found


def finish_run(world: World, identity: int, conclusion: str) -> Doc:
    with world.store.writing():
        found = any_run(world, identity)
        return world.store.save(
            found | {"status": "completed", "conclusion": conclusion, "updated_at": world.now()}
        )


def get_run(world: World, repo: Doc, identity: int) -> Doc:
    found = world.store.by_id("run", repo["full_name"], identity)
    if found is None:
        raise not_found()
    return found


def runs(world: World, repo: Doc, **wanted: str | None) -> list[Doc]:
    """Newest first, filtered by event, branch, status or conclusion, head_sha, actor."""
    asked = {key: value for key, value in wanted.items() if value}
    keys = {"branch": "head_branch"}

    def fits(doc: Doc) -> bool:
        return all(
            value in {doc["status"], doc["conclusion"]}
            if key == "status"
            else doc[keys.get(key, key)] == value
            for key, value in asked.items()
        )

    return world.store.all("run", repo["full_name"], fits)[::-1]


# --- artifacts --------------------------------------------------------------------------------------


def add_artifact(world: World, run_id: int, name: str, archive: bytes) -> Doc:
    """A zip file that a run hands over; a name is unique within its run."""
    run = any_run(world, run_id)
    with world.store.writing():
        if any(doc["name"] == name for doc in artifacts(world, run["repository"], run_id)):
            raise ApiError(409, f"an artifact with the name {name!r} already exists on the workflow run")
        found = world.store.add(
            "artifact",
            run["repository"],
            {
                "run": run_id,
                "name": name,
                "size": len(archive),
                "created_at": world.now(),
                "digest": "sha256:" + hashlib.sha256(archive).hexdigest(),
                "updated_at": world.now(),
            },
        )
        path = artifact_path(world, found)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(archive)
    return found


def artifact_path(world: World, artifact: Doc) -> Path:
    return world.state / "artifacts" / f"{artifact['id']}.zip"


def artifacts(world: World, full_name: str, run_id: int | None = None, name: str | None = None) -> list[Doc]:
    """Newest first."""
    return world.store.all(
        "artifact",
        full_name,
        lambda doc: (run_id is None or doc["run"] == run_id) and (not name or doc["name"] == name),
    )[::-1]


def get_artifact(world: World, repo: Doc, identity: int) -> Doc:
    found = world.store.by_id("artifact", repo["full_name"], identity)
    if found is None:
        raise not_found()
    return found
