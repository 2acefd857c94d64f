"""Records as a stranger's program may leave them: folders, files and archives of every bad kind."""

from __future__ import annotations

import io
import json
import os
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

import support_records as sample
from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.github import artifact
from modelrail.commands.report import command
from modelrail.errors import RecordError

pytestmark = pytest.mark.fault(24)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "modelrail-out"


def honest(folder: Path) -> Path:
    found = sample.passing()
    assert found.evaluation
    assert found.comparison
    digest = files.write(found.evaluation, folder)
    files.write(msgspec.structs.replace(found.comparison, evaluation=digest), folder)
    assert found.candidate
    files.write(found.candidate, folder)
    return folder


def report(*arguments: str) -> str:
    """The report, which must come whatever the records are, and quickly."""
    started = time.monotonic()
    done = CliRunner().invoke(command, list(arguments))
    assert done.exception is None, done.exception
    assert time.monotonic() - started < 5
    return str(done.stdout)


# --- what can lie in the folder ---------------------------------------------------------------------------


def endless(path: Path) -> None:
    os.truncate(path, 10 * 1024**3)  # sparse: 10 GB that cost no disk


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "candidate.json").write_text("{}")


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


def unreadable(path: Path) -> None:
    path.write_bytes(b"\x00" * 1000)


@pytest.mark.parametrize("name", ["candidate.json", "evaluation.json", "comparison.json", "evidence.json"])
@pytest.mark.parametrize("trick", [endless, pipe, folder, link, device, dangling, unreadable])
def test_a_record_that_is_no_plain_small_file_blocks(
    out: Path, name: str, trick: Callable[[Path], None]
) -> None:
    place = honest(out / "delay")
    (place / "evidence.json").touch()
    if name != "evidence.json":
        (place / "evidence.json").unlink()
    trick(place / name)
    shown = report()
    assert "`delay` could not be evaluated: its records cannot be trusted" in shown[:200]


@pytest.mark.parametrize("name", ["report.md", "baseline-evidence.json"])
def test_a_trap_in_place_of_what_is_written_does_no_harm(out: Path, name: str) -> None:
    place = honest(out / "delay")
    (place / name).mkdir()
    assert report().startswith("### ✅ Fine to merge")
    (out / "report.md").unlink()
    (out / "report.md").mkdir()
    assert report().startswith("### ⛔ Do not merge: 1 of 2 models")


def test_a_key_twice_among_very_many_is_found_quickly(out: Path) -> None:
    place = honest(out / "delay")
    many = ",".join(f'"k{number}":1' for number in range(60_000))
    (place / "candidate.json").write_text(f'{{{many},"k5":2}}')
    assert "has the key 'k5' twice" in report("--format", "json")


def test_a_million_files_are_not_counted_to_the_end(out: Path) -> None:
    honest(out / "delay")
    for number in range(files.MAX_MODELS + 1):
        (out / f"m{number}").mkdir()
    assert "more than the records of 500 models" in report()
    for number in range(files.MAX_MODELS + 1):
        (out / f"m{number}").rmdir()
    for number in range(4 * files.MAX_MODELS + 1):
        (out / f"{number}.json").touch()
    shown = report()
    assert "`modelrail-out` could not be evaluated: its records cannot be trusted" in shown[:200]


def test_many_large_records_are_refused_together(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        place = honest(out / name)
        size = sum(path.stat().st_size for path in place.iterdir())
    monkeypatch.setattr(files, "MAX_RECORDS_BYTES", 2 * size + 10)
    from modelrail.commands._records import Budget

    assert Budget.__init__.__defaults__ is not None
    monkeypatch.setattr(Budget.__init__, "__defaults__", (2 * size + 10,))
    shown = report()
    assert "3 of 3 models" in shown  # these name another model than their folder
    assert "more than" in shown


def test_a_folder_that_is_a_link_is_not_entered(out: Path, tmp_path: Path) -> None:
    honest(tmp_path / "elsewhere" / "delay")
    out.symlink_to(tmp_path / "elsewhere")
    assert "delay" not in report()


def test_deeper_folders_are_nothing(out: Path) -> None:
    honest(out / "a" / "b" / "delay")
    assert "delay" not in report()


# --- what can stand in a record ---------------------------------------------------------------------------


def changed(**fields: object) -> bytes:
    failure = sample.training_failed().failure
    return json.dumps({**msgspec.to_builtins(failure), "model": "delay", **fields}).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (changed(what="x" * (files.MAX_TEXT + 1)), "what is a text of 65,537 characters"),
        (changed(tail="\ud800"), "half a character"),
        (changed(**{"k" * 70_000: 1}), "a key is a text of 70,000 characters"),
        (changed(code=1e400), "is not"),
        (changed(code=int("9" * 60)), "code is an integer of 200 bits"),
        (b'{"code":' + b"9" * 5000 + b"}", "is not JSON"),
        (b"[" * 900 + b"]" * 900, "is not a Failure record"),
        (b"\xef\xbb\xbf{}", "is not a Failure record"),
        (changed(extra=[]), "is not a Failure record"),
    ],
    ids=["long", "surrogate", "key", "infinite", "large", "digits", "deep", "bom", "unknown"],
)
def test_a_record_with_a_poisoned_field_blocks(out: Path, data: bytes, words: str) -> None:
    place = honest(out / "delay")
    (place / "failure.json").write_bytes(data)
    shown = report()
    assert "its records cannot be trusted" in shown
    assert words in shown


def test_a_list_of_long_texts_is_looked_into() -> None:
    comparison = sample.passing().comparison
    assert comparison is not None
    data = msgspec.json.encode(msgspec.structs.replace(comparison, notes=("x" * 70_000,)))
    with pytest.raises(RecordError, match="notes is a text of 70,000 characters"):
        files.decode(data, records.Comparison, "comparison.json")


def test_what_we_write_ourselves_is_within_the_limits(out: Path) -> None:
    """However long the words of a failed program are."""
    from modelrail.commands import _context
    from modelrail.errors import TrainingError

    long = "x" * 200_000
    failed = _context.recording(out / "delay", "delay", "train")
    with pytest.raises(TrainingError), failed:
        raise TrainingError(long, why=long, next=long, path=long, tail=long)
    assert files.read(records.Failure, out / "delay").tail


# --- what can be in the archive ---------------------------------------------------------------------------


Entry = tuple[str | zipfile.ZipInfo, bytes]


def archive(*entries: Entry) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in entries:
            opened.writestr(name, data)
    made.seek(0)
    return made


def special(name: str, mode: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.create_system = 3
    made.external_attr = mode << 16
    return made


def test_an_honest_archive(out: Path) -> None:
    made = archive(
        ("delay/", b""), ("delay/candidate.json", b"1"), ("delay/report.md", b"2"),
        ("fraud=card/failure.json", b"3"), ("delay/later-kind.json", b"4"),
        ("modelrail.yaml/failure.json", b"5"),
    )  # fmt: skip
    assert artifact.unpack(made, out) == 3
    written = {
        path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }
    assert written == {
        "delay/candidate.json": b"1",
        "fraud=card/failure.json": b"3",
        "modelrail.yaml/failure.json": b"5",
    }


@pytest.mark.parametrize(
    "name",
    [
        "../candidate.json",
        "delay/../../candidate.json",
        "/etc/candidate.json",
        "C:/candidate.json",
        "..\\candidate.json",
        "delay\\candidate.json",
        "./candidate.json",
        "delay/./candidate.json",
        "delay//candidate.json",
        "candidate.json",
        "delay/deep/candidate.json",
        "delay/.hidden.json",
        "delay/candidate.json/",
        "delay/candidate.json\x00.txt",
        ".git/config.json",
        "-rf/candidate.json",
        "$(id)/candidate.json",
        "delay\n/candidate.json",
        "de\u202elay/candidate.json",
        "delay/sitecustomize.py",
        "modelrail.yaml",
        "x" * 200 + "/candidate.json",
        "délai/candidate.json",
    ],
)
@pytest.mark.fault(26)
def test_a_name_that_an_honest_run_would_not_write_refuses_all(out: Path, name: str, tmp_path: Path) -> None:
    # zipfile would mend some of these names when writing: put them in by hand.
    odd = name.encode()
    holder = b"e" * len(odd)
    made = archive(("delay/candidate.json", b"1"), (holder.decode(), b"2"))
    raw = made.getvalue().replace(holder, odd)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecordError, match=r"a name that is refused|not a readable archive"):
        artifact.unpack(io.BytesIO(raw), out)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_link_or_device_in_the_archive(out: Path, kind: int) -> None:
    with pytest.raises(RecordError, match="not a plain file"):
        artifact.unpack(archive((special("delay/candidate.json", kind | 0o777), b"/etc/passwd")), out)
    assert not out.exists()


def test_a_file_twice_in_the_archive(out: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        made = archive(("delay/candidate.json", b"1"), ("delay/candidate.json", b"2"))
    with pytest.raises(RecordError, match="twice"):
        artifact.unpack(made, out)


def test_a_bomb_is_cut_off(out: Path) -> None:
    """One entry of a gigabyte of zeros; and many that together exceed what a run may have."""
    made = archive(("delay/candidate.json", b"0" * (files.MAX_RECORD_BYTES + 1)))
    assert len(made.getvalue()) < 100_000
    with pytest.raises(RecordError, match="has more than 16,777,216 bytes"):
        artifact.unpack(made, out)
    made = archive(*((f"m{number}/candidate.json", b"0" * files.MAX_RECORD_BYTES) for number in range(9)))
    with pytest.raises(RecordError, match="has more than"):
        artifact.unpack(made, out)
    assert sum(path.stat().st_size for path in out.rglob("*.json")) <= files.MAX_RECORDS_BYTES


def test_an_archive_that_lies_about_its_sizes(out: Path) -> None:
    raw = bytearray(archive(("delay/candidate.json", b"0" * 100_000)).getvalue())
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    raw[22:26] = (10).to_bytes(4, "little")
    with pytest.raises(RecordError, match="not a readable archive"):
        artifact.unpack(io.BytesIO(bytes(raw)), out)


def test_too_many_files_in_the_archive(out: Path) -> None:
    entries = [(f"delay/n{number}.json", b"") for number in range(artifact.MAX_ENTRIES + 1)]
    with pytest.raises(RecordError, match="20,001 files"):
        artifact.unpack(archive(*entries), out)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + b"\xff" * 18, b"not a zip at all" * 100])
def test_what_is_no_archive(out: Path, data: bytes) -> None:
    with pytest.raises(RecordError, match="not a readable archive"):
        artifact.unpack(io.BytesIO(data), out)


def test_an_entry_without_any_name(out: Path) -> None:
    """Found by scripts/fuzz: Python's zipfile stumbles over it."""
    raw = bytearray(archive(("e", b"")).getvalue())
    directory, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    raw[directory + 28] = 0
    raw[end + 12] -= 1
    del raw[directory + 46]
    with pytest.raises(RecordError, match="a name that is refused: ''"):
        artifact.unpack(io.BytesIO(bytes(raw)), out)


def test_an_encrypted_or_oddly_packed_file(out: Path) -> None:
    raw = bytearray(archive(("delay/candidate.json", b"1")).getvalue())
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 8] |= 1
    with pytest.raises(RecordError, match="not a plain file"):
        artifact.unpack(io.BytesIO(bytes(raw)), out)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_LZMA) as opened:
        opened.writestr("delay/candidate.json", b"1" * 1000)
    made.seek(0)
    with pytest.raises(RecordError, match="not a plain file"):
        artifact.unpack(made, out)
