"""Which of our own extras the repository's DVC configuration asks for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import support_models as support
from modelrail import toolenv
from modelrail.adapters import own_environment
from modelrail.adapters.data import dvc
from modelrail.adapters.stores import worker_process

S3 = "[core]\n    remote = far\n['remote \"far\"']\n    url = s3://bucket/data\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("    url = s3://bucket/data", {"s3"}),
        ("url=GS://bucket", {"gs"}),
        ("  'url' = \"azure://box/x?a=b\"", {"azure"}),
        ("url = ssh://me@host:22/path  # note", {"ssh"}),
        ("url = https://host/path?to=s3://x", {"https"}),
        ("url = ../store", set()),
        ("endpointurl = s3://bucket", set()),
        ("# url = s3://bucket", set()),
        ("[url = s3://bucket]", set()),
        ("url", set()),
        ("url = ", set()),
        ("", set()),
    ],
)
def test_the_scheme_of_a_line(line: str, found: set[str]) -> None:
    assert toolenv.schemes(f"[core]\n{line}\n") == found


def test_only_our_own_extras_are_added_and_core_stays_first() -> None:
    base = toolenv.needed(["validate-data"])
    assert toolenv.with_remotes(base, [S3, "url = gs://b\nurl = oss://b\nurl = ../../etc://b"]) == (
        "core", "data", "dvc", "dvc-gs", "dvc-s3",
    )  # fmt: skip
    assert toolenv.with_remotes(base, ["", "url = https://x"]) == base


@given(st.text())
def test_any_text_will_do(text: str) -> None:
    assert set(toolenv.with_remotes(("core", "dvc"), [text])) <= {"core", "dvc", *toolenv.REMOTES.values()}


def test_both_files_are_read(tmp_path: Path) -> None:
    assert toolenv.configurations(str(tmp_path)) == []
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_bytes(b"\xef\xbb\xbf" + S3.encode())
    (tmp_path / ".dvc" / "config.local").write_bytes(b"\xff\x00\nurl = ssh://host/x\n")
    texts = toolenv.configurations(str(tmp_path))
    assert toolenv.with_remotes(["dvc"], texts) == ("core", "dvc", "dvc-s3", "dvc-ssh")


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "loop", "file-above", "huge"])
def test_what_is_no_configuration_is_none(tmp_path: Path, kind: str) -> None:
    place = tmp_path / ".dvc" / "config"
    if kind == "file-above":
        place.parent.touch()
    else:
        place.parent.mkdir()
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)  # an open for reading would wait for a writer
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "loop":
        place.symlink_to("config")
    elif kind == "huge":
        with place.open("wb") as stream:
            stream.truncate(1 << 40)  # a hole: nothing of it is on the disk
    assert toolenv.with_remotes(["core"], toolenv.configurations(str(tmp_path))) == ("core",)


def test_another_environment_is_made_where_ours_cannot_read_the_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another commit may name another remote than the workspace; `register` and `fetch` start without dvc."""
    asked: list[tuple[str, ...]] = []

    def python(extras: tuple[str, ...]) -> Path:
        asked.append(tuple(extras))
        return tmp_path / "made" / "bin" / "python"

    monkeypatch.setattr(own_environment, "python", python)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(S3, encoding="utf-8")
    found = support.surroundings(tmp_path)
    assert dvc.program(found, tmp_path) == str(tmp_path / "made" / "bin" / "dvc")
    made = str(tmp_path / "made" / "bin" / "python")
    assert worker_process._interpreter("dvc", {"root": str(tmp_path)}, found) == made
    there = {"root": str(tmp_path / "nowhere"), "configuration": S3.replace("s3:", "gs:")}
    assert worker_process._interpreter("dvc", there, found) == made
    secret = support.surroundings(tmp_path, MODELRAIL_DVC_REMOTE=S3.replace("s3:", "azure:"))
    assert worker_process._interpreter("dvc", {"root": str(tmp_path / "nowhere")}, secret) == made
    assert asked == [
        ("core", "dvc", "dvc-s3"), ("core", "dvc", "dvc-s3"), ("core", "dvc", "dvc-gs"),
        ("core", "dvc", "dvc-azure"),
    ]  # fmt: skip
    assert worker_process._interpreter("dvc", {"root": str(tmp_path / "nowhere")}, found) == sys.executable
