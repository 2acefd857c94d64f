"""DVC: versions are read from its own YAML files; its program is called only to fetch what is missing."""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from modelrail import toolenv
from modelrail.adapters import own_environment, process
from modelrail.adapters.actions_io import say
from modelrail.errors import DataError, ToolMissingError
from modelrail.settings import Settings

PULL_TIMEOUT = 3600.0


@dataclass(frozen=True)
class Tracked:
    """What DVC recorded of a file: `target` is what `dvc pull` takes, `md5` the recorded hash."""

    path: Path
    target: str
    md5: str
    legacy: bool  # DVC 2 hashed text files with other line ends: equality cannot be told by md5 alone
    inside: bool  # the file lies in a tracked folder: `md5` is the folder's

    @property
    def digest(self) -> str:
        return f"md5:{self.md5}"


def find(path: Path, root: Path) -> Tracked | None:
    """What DVC says of a file below `root`; None when it does not track it. Broken YAML: DataError."""
    if not (root / ".dvc").is_dir():
        return None
    path = path.absolute()
    for place in (path, *path.parents):
        if place == root or root not in place.parents:
            return None
        note = place.with_name(place.name + ".dvc")
        if note.is_file():
            for out in _list(_load(note).get("outs")):
                if out.get("path") == place.name and out.get("md5"):
                    return _tracked(path, place, out, note.relative_to(root).as_posix())
        for out in _locked(place, root):
            return _tracked(path, place, out, place.relative_to(root).as_posix())
    return None


def _tracked(path: Path, place: Path, out: dict[str, Any], target: str) -> Tracked:
    return Tracked(path, target, str(out["md5"]), "hash" not in out, inside=place != path)


def _locked(place: Path, root: Path) -> Iterator[dict[str, Any]]:
    """Outputs of pipeline stages (`dvc.lock` beside the file or above it) that are this very path."""
    for folder in place.parents:
        lock = folder / "dvc.lock"
        if lock.is_file():
            stages = _load(folder / "dvc.yaml").get("stages") if (folder / "dvc.yaml").is_file() else {}
            for name, stage in _dict(_load(lock).get("stages")).items():
                wdir = str(_dict(_dict(stages).get(name)).get("wdir") or ".")
                for out in _list(_dict(stage).get("outs")):
                    found = folder / PurePosixPath(wdir) / PurePosixPath(str(out.get("path")))
                    if out.get("md5") and _same(found, place):
                        yield out
        if folder == root:
            return


def _same(one: Path, other: Path) -> bool:
    return Path(*_normal(one)) == Path(*_normal(other))


def _normal(path: Path) -> Iterator[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return iter(parts)


def _load(path: Path) -> dict[str, Any]:
    try:
        return _dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"DVC's file {path} cannot be read.", why=str(error), file=str(path)) from None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def needs_pull(tracked: Tracked) -> bool:
    """Whether the file is absent or differs from what DVC recorded."""
    if not tracked.path.exists():
        return True
    if tracked.inside or tracked.path.is_dir():
        return False  # the folder's hash is over a listing; DVC itself compares it when it pulls
    with tracked.path.open("rb") as stream:
        actual = hashlib.file_digest(stream, "md5").hexdigest()
    return actual != tracked.md5 and not tracked.legacy


def pull(paths: Sequence[Path], settings: Settings, root: Path) -> list[str]:
    """Fetch tracked files that are absent or differ, in one call; returns the targets that were pulled.

    A file that was changed by hand and never given to DVC is not overwritten: DVC refuses, and so do we.
    """
    tracked = [found for path in paths if (found := find(path, root)) is not None]
    stale = [item for item in tracked if needs_pull(item)]
    targets = sorted({item.target for item in stale})
    if not targets:
        return []
    say(f"dvc pull {' '.join(targets)}")
    with _credentials(settings) as env:
        done = process.run(
            [program(settings, root), "pull", "--no-run-cache", *targets],
            cwd=root,
            env=settings.child_environ({"DVC_NO_ANALYTICS": "1", "DVC_STUDIO_OFFLINE": "1"} | env),
            timeout=PULL_TIMEOUT,
            prefix="  dvc │ ",
        )
    missing = [item for item in stale if needs_pull(item)]
    if done.code or missing:
        what = (missing or stale)[0].path.relative_to(root)
        raise DataError(
            f"DVC could not bring {what} to its recorded version.",
            why="It did not finish in time." if done.timed_out else "",
            next="If you changed the file, run `dvc add` or `dvc commit`; else check the remote"
            " (`dvc remote list`) and its credentials.",
            file=str(what),
            tail=done.tail,
        )
    return targets


@contextlib.contextmanager
def as_in(workspace: Path, tree: Path) -> Iterator[None]:
    """Let DVC work in a worktree of the workspace as it does there: with its cache and its local settings.

    A worktree has no cache, no `config.local`, and a remote of a relative path would lie somewhere else.
    """
    ours, theirs = workspace / ".dvc", tree / ".dvc"
    place = theirs / "config.local"
    if not theirs.is_dir() or place.exists():
        yield
        return
    settings = _ini(theirs / "config")
    settings.read_dict({name: dict(section) for name, section in _ini(ours / "config.local").items()})
    written = configparser.RawConfigParser()
    written.read_dict({name: dict(section) for name, section in _ini(ours / "config.local").items()})
    for name, section in settings.items():
        url = section.get("url", "")
        if name.startswith("'remote ") and url and "://" not in url and not Path(url).is_absolute():
            if not written.has_section(name):
                written.add_section(name)
            written.set(name, "url", str((ours / url).resolve()))
    if not written.has_section("cache"):
        written.add_section("cache")
    if not written.has_option("cache", "dir"):
        cache = settings.get("cache", "dir", fallback="cache")
        written.set("cache", "dir", str((ours / cache).resolve()))
    place.touch(mode=0o600)
    try:
        with place.open("w", encoding="utf-8") as stream:
            written.write(stream)
        yield
    finally:
        place.unlink(missing_ok=True)


def _ini(path: Path) -> configparser.RawConfigParser:
    """DVC's configuration file; empty when there is none."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        parser.read_string("\n".join(line.strip() for line in lines), str(path))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise DataError(f"DVC's file {path} cannot be read.", why=str(error), file=str(path)) from None
    return parser


@contextlib.contextmanager
def _credentials(settings: Settings) -> Iterator[dict[str, str]]:
    """The remote's credentials for this one call: never in the workspace, where the user's code could read
    them.

    `dvc_remote` holds what `.dvc/config.local` would hold; DVC reads it as its global configuration, so that
    whatever the repository itself says comes on top.
    """
    if not settings.dvc_remote:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="modelrail-dvc-") as folder:
        place = Path(folder) / "config"
        place.touch(mode=0o600)
        place.write_text(settings.dvc_remote.reveal(), encoding="utf-8")
        yield {"DVC_GLOBAL_CONFIG_DIR": folder}


def program(settings: Settings, root: Path) -> str:
    """Our own dvc if it is installed and speaks to the remote, else the one on the user's PATH.

    modelrail-run saw to it that ours does, for what the workspace names; another commit may name another.
    """
    ours = Path(sys.prefix) / "bin" / "dvc"
    missing = missing_plugin(settings, root)
    if ours.is_file() and not missing:
        return str(ours)
    if missing in toolenv.REMOTES.values():
        prepared = own_environment.python(("core", "dvc", missing))
        if prepared is not None:
            return str(prepared.with_name("dvc"))
    folders = [
        folder
        for folder in settings.environ.get("PATH", "").split(os.pathsep)
        if folder and Path(folder).resolve() != ours.parent.resolve()
    ]
    found = shutil.which("dvc", path=os.pathsep.join(folders))
    if found:
        return found
    if ours.is_file():
        raise ToolMissingError(
            f"DVC's remote needs {missing}, which modelrail's own dvc does not have.",
            next=f"Put a dvc that has it on the PATH of this step: pip install dvc {missing}",
        )
    raise ToolMissingError(
        "DVC tracks the data, and dvc is not installed.",
        next="Install it with modelrail: pip install 'modelrail[dvc]'.",
    )


# Schemes of remotes -> the package that DVC needs for them. Folders and HTTP are in DVC itself.
_PLUGINS = {
    **toolenv.REMOTES, "gdrive": "dvc-gdrive", "oss": "dvc-oss", "hdfs": "dvc-hdfs",
    "webhdfs": "dvc-webhdfs", "webdav": "dvc-webdav", "webdavs": "dvc-webdav",
}  # fmt: skip


def missing_plugin(settings: Settings, root: Path) -> str:
    """The package for the default remote that is not beside our own dvc, or ""."""
    merged = configparser.RawConfigParser(strict=False, allow_no_value=True)
    with contextlib.suppress(configparser.Error):
        lines = settings.dvc_remote.reveal().splitlines()
        merged.read_string("\n".join(line.strip() for line in lines))
    for name in ("config", "config.local"):
        parsed = _ini(root / ".dvc" / name)
        merged.read_dict({section: dict(values) for section, values in parsed.items()})
    remote = merged.get("core", "remote", fallback="")
    url = merged.get(f"'remote \"{remote}\"'", "url", fallback="") or ""
    package = _PLUGINS.get(url.partition("://")[0] if "://" in url else "", "")
    return package if package and importlib.util.find_spec(package.replace("-", "_")) is None else ""
