"""Record files on disk: strict in, canonical out, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

from modelrail import records
from modelrail.errors import RecordError

MAX_RECORD_BYTES = 16 * 1024 * 1024  # a record is hostile data until parsed

R = TypeVar("R", bound=records.Record)


def folder(out: str | Path, model: str) -> Path:
    """The records folder of one model; a `/` in the name becomes `=`, as in GTO."""
    return Path(out) / model.replace("/", "=")


def models_in(out: str | Path) -> list[str]:
    """The models that have a records folder under `out`, sorted."""
    root = Path(out)
    if not root.is_dir():
        return []
    return sorted(entry.name.replace("=", "/") for entry in root.iterdir() if entry.is_dir())


def digest_bytes(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def encode(record: records.Record) -> bytes:
    """Canonical JSON: sorted keys, two spaces, one final newline. Refuses what JSON cannot say."""
    _refuse_non_finite(msgspec.to_builtins(record), type(record).__name__)
    return msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2) + b"\n"


def _refuse_non_finite(value: object, path: str) -> None:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        raise RecordError(
            f"{path} is {value}, which is not a number that a record may hold.",
            next="A metric that is not defined on these rows must be left out or be null.",
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_non_finite(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_non_finite(item, f"{path}[{index}]")


def write(record: records.Record, directory: Path) -> str:
    """Write the record under its own file name, atomically; returns its digest."""
    data = encode(record)
    write_bytes(directory / str(type(record).FILE), data)  # type: ignore[attr-defined]
    return digest_bytes(data)


def write_bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)  # noqa: PTH101
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def decode(data: bytes, kind: type[R], source: str) -> R:
    """Parse hostile bytes as one record. Raises RecordError with the path inside the file."""
    if len(data) > MAX_RECORD_BYTES:
        raise RecordError(f"{source} has {len(data):,} bytes; a record has at most {MAX_RECORD_BYTES:,}.")
    _refuse_duplicate_keys(data, source)
    try:
        return msgspec.json.decode(data, type=kind, strict=True)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(
            f"{source} is not a {kind.__name__} record.",
            why=str(error),
            next="Run the step that writes it again, with the same version of modelrail.",
        ) from None


def _refuse_duplicate_keys(data: bytes, source: str) -> None:
    import json

    def check(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [key for key, _ in pairs]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise RecordError(f"{source} has the key {twice[0]!r} twice.")
        return found

    try:
        json.loads(data, object_pairs_hook=check)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{source} is not JSON.", why=str(error)) from None


def read(kind: type[R], directory: Path) -> R:
    """Read one record of `kind` from a records folder."""
    path = directory / str(kind.FILE)  # type: ignore[attr-defined]
    if path.is_symlink() or not path.is_file():
        raise RecordError(
            f"{shown(path)} does not exist.",
            next=f"The step that writes {path.name} has not run, or it failed; see its own message.",
        )
    if path.stat().st_size > MAX_RECORD_BYTES:
        raise RecordError(f"{shown(path)} has more than {MAX_RECORD_BYTES:,} bytes; it is not read.")
    return decode(path.read_bytes(), kind, shown(path))


def shown(path: Path) -> str:
    """A path as a person would write it: from the working folder, where it lies below that."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def exists(kind: type[records.Record], directory: Path) -> bool:
    path = directory / str(kind.FILE)  # type: ignore[attr-defined]
    return path.is_file() and not path.is_symlink()
