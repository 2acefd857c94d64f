"""The only reader of environment variables and of the event file.

One frozen object; everything else gets it (or a part of it) as an argument. An empty variable counts as
unset. The token never prints.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelrail.errors import UsageError


class Secret:
    """A text that does not print. `reveal()` is called where a child's environment or a header is made."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"

    __str__ = __repr__


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the surroundings say. Paths are absolute; URLs carry no trailing slash."""

    workspace: Path
    cache: Path  # environments, predictions, model files by digest
    in_ci: bool  # GitHub Actions (or act): annotations, outputs and the job summary are written
    token: Secret
    api_url: str
    server_url: str
    repository: str  # "owner/name", or "" on a laptop without one
    sha: str
    ref: str
    event_name: str
    event: Mapping[str, Any]
    actor: str
    run_id: str
    run_attempt: int
    workflow: str
    output_file: Path | None
    summary_file: Path | None
    bot_login: str  # whose comments are ours
    tracking_uri: str
    signing_key: Secret  # a private SSH or OpenPGP key: signs tags and ledger commits
    dvc_remote: Secret  # what `.dvc/config.local` would hold; given to `dvc pull` alone
    no_color: bool
    environ: Mapping[str, str] = field(repr=False)  # for children; see `child_environ`

    @property
    def run_url(self) -> str:
        if not (self.run_id and self.repository):
            return ""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"

    @property
    def pull_request(self) -> Mapping[str, Any] | None:
        """The pull request of a `pull_request` event, as GitHub sent it."""
        found = self.event.get("pull_request")
        return found if isinstance(found, Mapping) else None

    def child_environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a program that is not ours: no token, no CI command files, nothing of modelrail.

        A training script must not be able to set step outputs, or to read a token by `os.environ`.
        """
        return {key: value for key, value in self.environ.items() if not _is_private(key, value)} | dict(
            extra or {}
        )


_PRIVATE_PREFIXES = ("MODELRAIL_", "ACTIONS_", "INPUT_", "GIT_CONFIG_")
_PRIVATE_NAMES = frozenset(
    {
        "GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE",
        "GITHUB_STEP_SUMMARY", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV",
    }
)  # fmt: skip


def _is_private(key: str, value: str) -> bool:
    return key in _PRIVATE_NAMES or key.startswith(_PRIVATE_PREFIXES) or not value


def read(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read the surroundings once. `environ` and `cwd` are given by tests.

    Raises UsageError when the event file is named but cannot be read.
    """
    env = {key: value for key, value in (os.environ if environ is None else environ).items() if value}
    home = Path(env.get("HOME") or "~").expanduser()
    base = Path(env.get("XDG_CACHE_HOME") or home / ".cache")
    cache = env.get("MODELRAIL_CACHE") or str(base / "modelrail")
    attempt = env.get("GITHUB_RUN_ATTEMPT", "1")
    return Settings(
        workspace=(cwd or Path.cwd()).resolve(),
        cache=Path(cache).absolute(),
        in_ci=env.get("GITHUB_ACTIONS") == "true",
        token=Secret(env.get("MODELRAIL_TOKEN") or env.get("GITHUB_TOKEN") or env.get("GH_TOKEN") or ""),
        api_url=env.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
        server_url=env.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/"),
        repository=env.get("GITHUB_REPOSITORY", ""),
        sha=env.get("GITHUB_SHA", ""),
        ref=env.get("GITHUB_REF", ""),
        event_name=env.get("GITHUB_EVENT_NAME", ""),
        event=_event(env.get("GITHUB_EVENT_PATH")),
        actor=env.get("GITHUB_ACTOR", ""),
        run_id=env.get("GITHUB_RUN_ID", ""),
        run_attempt=int(attempt) if attempt.isdigit() else 1,
        workflow=env.get("GITHUB_WORKFLOW", ""),
        output_file=_path(env.get("GITHUB_OUTPUT")),
        summary_file=_path(env.get("GITHUB_STEP_SUMMARY")),
        bot_login=env.get("MODELRAIL_BOT_LOGIN", "github-actions[bot]"),
        tracking_uri=env.get("MLFLOW_TRACKING_URI", ""),
        signing_key=Secret(env.get("MODELRAIL_SIGNING_KEY", "")),
        dvc_remote=Secret(env.get("MODELRAIL_DVC_REMOTE", "")),
        no_color="NO_COLOR" in env,
        environ=env,
    )


def in_ci() -> bool:
    """Whether annotations are wanted, also when nothing else of the surroundings can be read."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _event(path: str | None) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        loaded = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The event file {path} cannot be read.",
            why=str(error),
            next="GITHUB_EVENT_PATH must name the JSON file of the event, or be unset.",
        ) from None
    return loaded if isinstance(loaded, dict) else {}
