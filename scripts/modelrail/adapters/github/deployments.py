"""The deployment that shows an event, and that it takes the place of those before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelrail import plans

if TYPE_CHECKING:
    from modelrail.adapters.github.repository import Repository

MAX_DESCRIPTION = 140  # characters

Json = Mapping[str, Any]


def publish(github: Repository, effect: plans.SetDeployment) -> str:
    """A deployment of `ref` with this status, or the one that is there already. Returns its API URL."""
    path = f"{github.base}/deployments"
    payload = dict(effect.payload)

    def find() -> Json | None:
        listed = github.http.pages(
            path, limit=5, complete=False, environment=effect.environment, ref=effect.ref
        )
        return next((found for found in listed if _payload(found) == payload), None)

    description = _clip(effect.description, MAX_DESCRIPTION)
    found = find() or github.create(
        lambda: github.http.post(
            path,
            {
                "ref": effect.ref,
                "environment": effect.environment,
                "description": description,
                "payload": payload,
                # On purpose: GitHub would else merge the default branch into `ref` and wait for checks.
                "auto_merge": False,
                "required_contexts": [],
            },
        ),
        find,
    )
    _set_state(github, found, effect.state, description)
    if effect.state == "success":
        _retire(github, effect, int(found["id"]))
    return str(found["url"])


def _set_state(github: Repository, deployment: Json, state: str, description: str) -> None:
    def current() -> Json | None:
        newest = _newest(github, deployment)
        return newest if newest is not None and newest.get("state") == state else None

    if current() is None:
        github.create(
            lambda: github.http.post(
                _statuses(github, deployment),
                {
                    "state": state,
                    "environment": deployment["environment"],
                    "description": description,
                    "auto_inactive": True,
                },
            ),
            current,
        )


def _retire(github: Repository, effect: plans.SetDeployment, newest: int) -> None:
    """The earlier deployments of the model are active no more.

    GitHub sees to that itself, but not in an environment that it takes for production, as one of that name.
    """
    path = f"{github.base}/deployments"
    for found in github.http.pages(path, limit=1, complete=False, environment=effect.environment):
        payload = _payload(found)
        ours = isinstance(payload, dict) and "sequence" in payload
        if int(found["id"]) >= newest or not ours or payload.get("model") != effect.payload.get("model"):
            continue
        status = _newest(github, found)
        if status is None or status.get("state") != "success":
            return  # those before it went when it came
        _set_state(github, found, "inactive", str(found.get("description") or ""))


def _statuses(github: Repository, deployment: Json) -> str:
    return f"{github.base}/deployments/{deployment['id']}/statuses"


def _newest(github: Repository, deployment: Json) -> Json | None:
    return next(iter(github.http.pages(_statuses(github, deployment), limit=1, complete=False)), None)


def _payload(deployment: Json) -> Any:
    payload = deployment.get("payload")
    if not isinstance(payload, str):
        return payload
    try:
        return json.loads(payload) if payload else {}
    except ValueError:
        return payload


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
