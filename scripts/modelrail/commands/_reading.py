"""Where the reading commands read: this clone, or with `--remote URL` any repository, without a clone."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from modelrail import records, settings
from modelrail.adapters.actions_io import say
from modelrail.adapters.git import Git
from modelrail.adapters.registry import reading as registry
from modelrail.commands import _registry
from modelrail.core.registry import selectors
from modelrail.core.registry.history import ModelState, Registered
from modelrail.errors import GitHubError, UsageError

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub


class Place(Struct, frozen=True):
    """A registry to read. `elsewhere`: it is a remote's, mirrored into an empty repository."""

    settings: settings.Settings
    git: Git
    elsewhere: bool = False

    def states(
        self,
        model: str | None,
        fetch: bool | None,
        models: Sequence[str] | None,
        *,
        with_ledger: bool = False,
        read: _registry.Reader = registry.states,
    ) -> Mapping[str, ModelState]:
        wanted = True if self.elsewhere else fetch
        return _registry.look(
            self.settings, self.git, model, wanted, models, with_ledger=with_ledger, read=read
        )

    def select(
        self,
        text: str,
        fetch: bool | None,
        *,
        with_ledger: bool = False,
        read: _registry.Reader = registry.states,
    ) -> tuple[ModelState, selectors.Selected]:
        """The version that a selector means, and its model's state."""
        wanted = selectors.parse(text)
        states = self.states(wanted.model, fetch, [wanted.model], with_ledger=with_ledger, read=read)
        return selectors.model_state(states, wanted.model), selectors.resolve(states, wanted)

    def trusted(self, text: str, *, fetch: bool) -> selectors.Selected:
        """The version that a selector means, for use: the model's tags must be those that the ledger lists.

        Raises TagTamperedError, LedgerTamperedError.
        """
        wanted = selectors.parse(text)
        look = _registry.current if fetch or self.elsewhere else _registry.seen
        state = look(self.git, wanted.model)
        return selectors.resolve({wanted.model: state} if state.events else {}, wanted)

    def github(self) -> GitHub | None:
        """A client where there is a GitHub to ask, without a word where there is none."""
        if not (self.settings.repository and self.settings.token):
            return None
        from modelrail.adapters.github import client as github

        return github.connect(self.settings)

    def evidence(self, registered: Registered) -> tuple[records.Evidence, str] | None:
        """The evidence of a version, or None with a word about why it cannot be had."""
        from modelrail.adapters.registry import evidence

        try:
            return evidence.find(self.git, registered, self.github(), cache=self.settings.cache)
        except GitHubError as error:
            say(f"⚠ The evidence of {registered.event.tag} could not be read: {error.what}")
            return None


@contextlib.contextmanager
def place(remote: str = "") -> Iterator[Place]:
    """The registry of this repository, or of the one at a URL: of that, tags alone are fetched."""
    if not remote:
        yield Place(*_registry.opened())
        return
    if remote.startswith("-") or any(char.isspace() for char in remote):
        raise UsageError(f"{remote!r} is not the address of a repository.", next="Write a URL or a path.")
    found = settings.read()
    if "://" not in remote and (found.workspace / remote).exists():
        remote = str((found.workspace / remote).resolve())
    repository = _registry.repository_of(remote, found.server_url)
    found = dataclasses.replace(found, repository=repository)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="modelrail-remote-") as folder:
        git = Git(
            Path(folder),
            remote="origin",
            token=found.token,
            server_url=found.server_url,
            environ=found.environ,
        )
        git.run("init", "--quiet", "--bare", "--template", "/dev/null")
        for key, value in (
            ("remote.origin.url", remote),
            # Neither trees nor files, and of the history only the tagged commits.
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", "tree:0"),
        ):
            git.run("config", key, value)
        (
            Path(folder) / "shallow"
        ).touch()  # git calls it shallow from the start, so that every fetch stays so
        yield Place(found, git, elsewhere=True)
