"""Record files on disk: strict in, canonical out, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from pathlib import Path
from typing import TypeVar

import msgspec

from modelrail import records
from modelrail.errors import FilesystemError, RecordError

# A record is hostile data until parsed. These limits are far beyond what 5,000 metrics on 2,000 slices need.
MAX_RECORD_BYTES = 16 * 1024 * 1024
MAX_RECORDS_BYTES = 128 * 1024 * 1024  # of all records of a run
MAX_MODELS = 500
MAX_TEXT = 64 * 1024  # characters of one text in a record
MAX_INTEGER = 2**53  # beyond it, readers in other languages see another number

R = TypeVar("R", bound=records.Record)


def folder(out: str | Path, model: str) -> Path:
    """The records folder of one model; a `/` in the name becomes `=`, as in GTO."""
    return Path(out) / model.replace("/", "=")


def models_in(out: str | Path) -> list[str]:
    """The models that have a records folder under `out`, sorted. RecordError when there are too many."""
    root = Path(out)
    if root.is_symlink() or not root.is_dir():
        return []
    found: list[str] = []
    with os.scandir(root) as entries:
        for seen, entry in enumerate(entries):
            if seen > 4 * MAX_MODELS or len(found) > MAX_MODELS:
                raise RecordError(
                    f"{shown(root)} holds more than the records of {MAX_MODELS} models.",
                    next="The records folder is modelrail's own: let nothing else write there.",
                )
            if entry.is_dir(follow_symlinks=False):
                found.append(entry.name.replace("=", "/"))
    return sorted(found)


def in_repository(path: Path) -> str:
    """A path as an annotation names it: relative to the top of its repository; "" outside of one."""
    place = path.resolve()
    top = next((parent for parent in place.parents if (parent / ".git").exists()), None)
    return place.relative_to(top).as_posix() if top is not None else ""


def record_names() -> frozenset[str]:
    """The file names of the records."""
    kinds = (
        kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, records.Record)
    )
    return frozenset(str(kind.FILE) for kind in kinds if hasattr(kind, "FILE"))


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
    """Write a file whole or not at all. Raises FilesystemError."""
    try:
        _write_whole(path, data)
    except OSError as error:
        raise FilesystemError(
            f"{shown(path)} could not be written: {error.strerror or error}.",
            next="Check free space and permissions; what was there before is unchanged.",
        ) from None


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    import tempfile

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
    _check_shape(data, source)
    try:
        return msgspec.json.decode(data, type=kind, strict=True)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(
            f"{source} is not a {kind.__name__} record.",
            why=str(error),
            next="Run the step that writes it again, with the same version of modelrail.",
        ) from None


def _check_shape(data: bytes, source: str) -> None:
    """What the schema does not say: no key twice, no text without end, none that is not Unicode."""
    import json

    def check(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            counted = Counter(key for key, _ in pairs)  # one pass: a stranger may have written a million keys
            twice = min(name for name, times in counted.items() if times > 1)
            raise RecordError(f"{source} has the key {twice[:80]!r} twice.")
        for key, value in pairs:
            _check_text(key, source)
            _check_value(value, key, source)
        return found

    try:
        json.loads(data, object_pairs_hook=check)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{source} is not JSON.", why=str(error)) from None


def _check_value(value: object, key: str, source: str) -> None:
    if isinstance(value, str):
        _check_text(value, source, key)
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise RecordError(f"{source}: {key[:80]} is an integer of {value.bit_length()} bits; it is not read.")
    elif isinstance(value, list):
        for item in value:
            _check_value(item, key, source)


def _check_text(text: str, source: str, key: str = "") -> None:
    where = f"{source}: {key[:80]}" if key else f"{source}: a key"
    if len(text) > MAX_TEXT:
        raise RecordError(f"{where} is a text of {len(text):,} characters; at most {MAX_TEXT:,} are read.")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RecordError(f"{where} is a text with half a character (a lone surrogate).") from None


def read(kind: type[R], directory: Path) -> R:
    """Read one record of `kind` from a records folder."""
    path = directory / str(kind.FILE)  # type: ignore[attr-defined]
    return decode(read_bytes(path), kind, shown(path))


def read_bytes(path: Path, limit: int = MAX_RECORD_BYTES) -> bytes:
    """A plain file of at most `limit` bytes: no link, no pipe or device that would never end.

    Raises RecordError. What is checked is what was opened, so that nothing can be exchanged in between.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RecordError(
            f"{shown(path)} does not exist.",
            next=f"The step that writes {path.name} has not run, or it failed; see its own message.",
        ) from None
    except OSError as error:
        raise RecordError(f"{shown(path)} cannot be read.", why=error.strerror or str(error)) from None
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise RecordError(f"{shown(path)} is not a plain file; it is not read.")
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(limit + 1) if state.st_size <= limit else b""
        if state.st_size > limit or len(data) > limit:
            raise RecordError(f"{shown(path)} has more than {limit:,} bytes; it is not read.")
        return data


def shown(path: Path) -> str:
    """A path as a person would write it: from the working folder, where it lies below that."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def exists(kind: type[records.Record], directory: Path) -> bool:
    path = directory / str(kind.FILE)  # type: ignore[attr-defined]
    return path.is_file() and not path.is_symlink()
