"""Model files in a DVC remote: by their MD5, beside the data, where `dvc push` puts such objects too."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelrail.adapters.git import Git
from modelrail.adapters.stores import worker_process
from modelrail.errors import NotFoundError, RecordError

if TYPE_CHECKING:
    from modelrail.records import Event
    from modelrail.settings import Settings


CONFIGURATION = ".dvc/config"


def location(source: Path) -> str:
    with source.open("rb") as stream:
        return f"md5:{hashlib.file_digest(stream, 'md5').hexdigest()}"


class DvcRemote:
    """The default remote of the repository's DVC configuration."""

    name = "dvc"

    def __init__(self, settings: Settings, root: Path) -> None:
        self._settings, self._root = settings, root

    def publish(self, source: Path, location: str) -> None:
        self._call({"do": "publish", "path": str(source)}, location)

    def fetch(self, event: Event, location: str, dest: Path) -> None:
        job = {"do": "fetch", "path": str(dest), "tag": event.tag}
        self._call(job | self._configuration(event), location)

    def _configuration(self, event: Event) -> dict[str, str]:
        """For a registry that is read without a clone: DVC's configuration as it was at the commit.

        Read with our own git, which has the token; DVC would clone the whole repository, and without one.
        """
        git = Git(
            self._root, remote="origin", token=self._settings.token, server_url=self._settings.server_url,
            environ=self._settings.environ,
        )  # fmt: skip
        if git.attempt("rev-parse", "--is-bare-repository").stdout.strip() != b"true":
            return {}
        done = git.attempt("cat-file", "blob", f"{event.commit}:{CONFIGURATION}", network=True)
        if done.returncode:
            raise NotFoundError(
                f"{event.tag} keeps its file with DVC, but its commit has no {CONFIGURATION}.",
                why=done.stderr.decode("utf-8", "replace").strip(),
                next="Fetch it from a clone of the repository, where DVC is configured.",
            )
        return {"configuration": done.stdout.decode("utf-8", "replace")}

    def _call(self, job: dict[str, str], location: str) -> None:
        kind, _, md5 = location.partition(":")
        if kind != "md5" or len(md5) != 32 or not all(char in "0123456789abcdef" for char in md5):
            raise RecordError(f"{location!r} is no location in a DVC remote.")
        with self._credentials() as extra:
            worker_process.call(
                "dvc",
                {**job, "kind": "dvc", "md5": md5, "root": str(self._root)},
                settings=self._settings,
                extra=extra,
            )

    @contextlib.contextmanager
    def _credentials(self) -> Iterator[dict[str, str]]:
        """As for `dvc pull`: for this one process, in a file that only it is told of."""
        env = {"DVC_NO_ANALYTICS": "1", "DVC_STUDIO_OFFLINE": "1"}
        if not self._settings.dvc_remote:
            yield env
            return
        with tempfile.TemporaryDirectory(prefix="modelrail-dvc-") as folder:
            place = Path(folder) / "config"
            place.touch(mode=0o600)
            place.write_text(self._settings.dvc_remote.reveal(), encoding="utf-8")
            yield env | {"DVC_GLOBAL_CONFIG_DIR": folder}
