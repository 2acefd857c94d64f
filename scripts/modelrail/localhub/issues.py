"""Issues, labels and comments. A pull request is an issue with a `pull` part (pulls.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelrail.localhub.answers import ApiError, not_found, validation
from modelrail.localhub.store import Doc
from modelrail.localhub.world import World

MAX_BODY = 65_536  # characters, as on GitHub


def check_body(body: Any, *, resource: str, required: bool = False) -> str | None:
    """A text that GitHub would take as a body."""
    if body is not None and not isinstance(body, str):
        raise ApiError(422, "Invalid request.\n\nFor 'properties/body', it is not a string.")
    if required and not (body or "").strip():
        raise validation(
            resource, "missing_field" if body is None else "custom", "body", "body cannot be blank"
        )
    if body is not None and len(body) > MAX_BODY:
        raise validation(resource, "custom", "body", f"body is too long (maximum is {MAX_BODY} characters)")
    return body


def create(
    world: World, repo: Doc, *, title: str, body: str | None, user: str, labels: Sequence[str] = ()
) -> Doc:
    if not isinstance(title, str) or not title.strip():
        raise validation("Issue", "missing_field", "title")
    check_body(body, resource="Issue")
    world.user(user)
    with world.store.writing():
        number = world.store.next(f"issue:{repo['full_name']}")
        found = world.store.add(
            "issue",
            repo["full_name"],
            {
                "number": number,
                "title": title,
                "body": body,
                "user": user,
                "state": "open",
                "labels": [],
                "created_at": world.now(),
                "updated_at": world.now(),
                "closed_at": None,
                "pull": None,
            },
            name=str(number),
        )
        return set_labels(world, repo, found, labels) if labels else found


def get(world: World, repo: Doc, number: int) -> Doc:
    found = world.store.get("issue", repo["full_name"], str(number))
    if found is None:
        raise not_found()
    return found


def change(world: World, repo: Doc, number: int, values: dict[str, Any]) -> Doc:
    """Title, body, state, labels."""
    with world.store.writing():
        found = get(world, repo, number)
        if "title" in values:
            found["title"] = values["title"]
        if "body" in values:
            found["body"] = check_body(values["body"], resource="Issue")
        state = values.get("state")
        if state and state != found["state"]:
            if found["pull"] and found["pull"]["merged_at"]:
                raise validation("Issue", "invalid", "state", "A merged pull request cannot be reopened")
            found["state"], found["closed_at"] = state, world.now() if state == "closed" else None
        found["updated_at"] = world.now()
        world.store.save(found)
        return set_labels(world, repo, found, values["labels"]) if "labels" in values else found


# --- labels -----------------------------------------------------------------------------------------


def label(world: World, repo: Doc, name: str, color: str = "ededed", description: str = "") -> Doc:
    """The repository's label of this name (names ignore case); made when there is none, as GitHub does."""
    found = find_label(world, repo, name)
    return found or world.store.add(
        "label",
        repo["full_name"],
        {"name": name, "color": color, "description": description, "default": False},
        name.lower(),
    )


def find_label(world: World, repo: Doc, name: str) -> Doc | None:
    return world.store.get("label", repo["full_name"], name.lower())


def set_labels(world: World, repo: Doc, found: Doc, names: Sequence[str]) -> Doc:
    found["labels"] = list(dict.fromkeys(label(world, repo, name)["name"] for name in names))
    found["updated_at"] = world.now()
    return world.store.save(found)


def add_labels(world: World, repo: Doc, number: int, names: Sequence[str]) -> Doc:
    with world.store.writing():
        found = get(world, repo, number)
        return set_labels(world, repo, found, [*found["labels"], *names])


def remove_label(world: World, repo: Doc, number: int, name: str) -> Doc:
    with world.store.writing():
        found = get(world, repo, number)
        kept = [present for present in found["labels"] if present.lower() != name.lower()]
        if len(kept) == len(found["labels"]):
            raise ApiError(404, "Label does not exist")
        return set_labels(world, repo, found, kept)


# --- comments ---------------------------------------------------------------------------------------


def comment(world: World, repo: Doc, number: int, body: Any, user: str) -> Doc:
    text = check_body(body, resource="IssueComment", required=True)
    world.user(user)
    with world.store.writing():
        found = get(world, repo, number)
        world.store.save(found | {"updated_at": world.now()})
        return world.store.add(
            "comment",
            repo["full_name"],
            {
                "number": number,
                "body": text,
                "user": user,
                "created_at": world.now(),
                "updated_at": world.now(),
            },
        )


def comments(world: World, repo: Doc, number: int) -> list[Doc]:
    return world.store.all("comment", repo["full_name"], lambda doc: bool(doc["number"] == number))


def get_comment(world: World, repo: Doc, identity: int) -> Doc:
    found = world.store.by_id("comment", repo["full_name"], identity)
    if found is None:
        raise not_found()
    return found


def edit_comment(world: World, repo: Doc, identity: int, body: Any) -> Doc:
    text = check_body(body, resource="IssueComment", required=True)
    with world.store.writing():
        return world.store.save(
            get_comment(world, repo, identity) | {"body": text, "updated_at": world.now()}
        )
