"""The records of another run, taken from its artifact: a zip file that a stranger's program may have filled.

The archive is read under limits. Only files with the name of a record, in a folder with the name of a model,
are written, each to a place that this module chooses. Anything that an honest run would not hold (a link, a
way out of the folder, a nested or encrypted file) refuses the whole archive.
"""

from __future__ import annotations

import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from modelrail.adapters import files
from modelrail.errors import NotFoundError, RecordError

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub

NAME = "modelrail-records"
MODEL = "modelrail-model"
MAX_ARCHIVE = 32 * 1024 * 1024  # compressed
MAX_ENTRIES = 20_000
BLOCK = 1024 * 1024
# A folder is a model's name with `=` for `/`, or modelrail.yaml for what is wrong with that file itself.
_FOLDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_=-]{0,126}[A-Za-z0-9])?|modelrail\.yaml")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.(?:json|md|html|xml)")
# What zipfile lets out when the bytes are not what they should be.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    LookupError, OverflowError, OSError,
)  # fmt: skip
_PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def take(github: GitHub, run_id: int, out: Path) -> int:
    """Write the records of this run below `out`; returns how many there were.

    Raises NotFoundError when the run left none, RecordError when they are refused.
    """
    found = github.newest_artifact(run_id, NAME)
    if found is None:
        raise NotFoundError("The run left no records.", why=f"It has no artifact {NAME}.")
    if found.get("expired"):
        raise NotFoundError("The records of the run have expired.", next="Run the evaluation again.")
    size = int(found.get("size_in_bytes") or 0)
    if size > MAX_ARCHIVE:
        raise RecordError(f"The records have {size:,} bytes; at most {MAX_ARCHIVE:,} are read.")
    with tempfile.TemporaryFile() as stream:
        github.download_artifact(int(found["id"]), stream, MAX_ARCHIVE)
        stream.seek(0)
        return unpack(stream, out)


def take_files(github: GitHub, run_id: int, name: str, wanted: Mapping[str, Path], limit: int) -> int:
    """Write these entries of an artifact, and no other, each to its place; returns how many were there.

    Raises RecordError when one is not a plain file, stands twice or is larger than `limit`.
    """
    found = github.newest_artifact(run_id, name)
    if found is None or found.get("expired"):
        raise NotFoundError(f"The run left no artifact {name}.", next="Run the evaluation again.")
    with tempfile.TemporaryFile() as stream:
        github.download_artifact(int(found["id"]), stream, limit)
        stream.seek(0)
        return unpack_files(stream, wanted, limit)


def unpack_files(stream: BinaryIO, wanted: Mapping[str, Path], limit: int) -> int:
    """The same from an archive at hand."""
    done = 0
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise RecordError(f"The artifact has {len(entries):,} files; at most {MAX_ENTRIES:,}.")
            for name, place in wanted.items():
                same = [entry for entry in entries if entry.orig_filename == name]
                if not same:
                    continue
                if len(same) > 1 or not _is_plain(same[0]):
                    raise RecordError(f"The artifact holds something that is not a plain file: {name!r}.")
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("xb") as out:
                    for block in _blocks(archive, same[0], limit):
                        out.write(block)
                done += 1
    except _UNREADABLE as error:
        raise RecordError("The artifact is not a readable archive.", why=str(error)) from None
    return done


def unpack(stream: BinaryIO, out: Path) -> int:
    """The record files of an archive, written below `out`. Raises RecordError before anything is written when
    a name is refused; limits on sizes hold while it is read, whatever the archive says of itself.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            chosen = _chosen(archive.infolist())
            left = files.MAX_RECORDS_BYTES
            for (folder, name), entry in sorted(chosen.items()):
                data = _read(archive, entry, min(left, files.MAX_RECORD_BYTES))
                left -= len(data)
                files.write_bytes(out / folder / name, data)
    except _UNREADABLE as error:
        raise RecordError("The records are not a readable archive.", why=str(error)) from None
    return len(chosen)


def _chosen(entries: list[zipfile.ZipInfo]) -> dict[tuple[str, str], zipfile.ZipInfo]:
    if len(entries) > MAX_ENTRIES:
        raise RecordError(f"The records are {len(entries):,} files; at most {MAX_ENTRIES:,} are read.")
    known, chosen = files.record_names(), {}
    for entry in entries:
        # `filename` ends at a NUL, and has its separators exchanged: what is judged is what stands there.
        name = entry.orig_filename
        if name.endswith("/") and _FOLDER.fullmatch(name.removesuffix("/")):
            continue
        parts = name.split("/")
        if len(parts) != 2 or not _FOLDER.fullmatch(parts[0]) or not _FILE.fullmatch(parts[1]):
            raise RecordError(f"The records hold a file with a name that is refused: {name[:80]!r}.")
        if not _is_plain(entry):
            raise RecordError(f"The records hold something that is not a plain file: {name!r}.")
        place = (parts[0], parts[1])
        if place in chosen:
            raise RecordError(f"The records hold {name!r} twice.")
        if parts[1] in known:
            chosen[place] = entry
    return chosen


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return kind in {0, stat.S_IFREG} and not entry.flag_bits & 0x1 and entry.compress_type in _PLAIN


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    return b"".join(_blocks(archive, entry, limit))


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
    size = 0
    with archive.open(entry) as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > limit:
                raise RecordError(f"{entry.filename} has more than {limit:,} bytes; it is not read.")
            yield block
