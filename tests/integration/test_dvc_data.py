"""DVC: versions from its files, missing data fetched from a real remote, changed data never overwritten."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

import support_models as support
from modelrail.adapters.data import dvc
from modelrail.adapters.git import Git
from modelrail.adapters.running import inputs
from modelrail.errors import DataError, ToolMissingError

needs_dvc = pytest.mark.skipif(
    importlib.util.find_spec("dvc") is None, reason="the dvc extra is not installed"
)


def note(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_versions_are_read_from_dvcs_own_files(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    note(tmp_path, "data/a.csv.dvc", "outs:\n- {md5: aaa, path: a.csv, hash: md5}\n")
    note(tmp_path, "old.csv.dvc", "outs:\n- {md5: bbb, path: old.csv}\n")
    note(tmp_path, "whole.dvc", "outs:\n- {md5: ccc.dir, path: whole, hash: md5}\n")
    note(
        tmp_path,
        "sub/dvc.lock",
        "schema: '2.0'\nstages:\n  prepare: {outs: [{path: ../made/t.parquet, md5: ddd, hash: md5}]}\n"
        "  other: {outs: [{path: u.parquet, md5: eee, hash: md5}]}\n",
    )
    note(tmp_path, "sub/dvc.yaml", "stages: {prepare: {cmd: x}, other: {cmd: y, wdir: w}}\n")
    found = {
        name: getattr(dvc.find(tmp_path / name, tmp_path), "digest", None)
        for name in (
            "data/a.csv",
            "old.csv",
            "whole/x/y.csv",
            "sub/w/u.parquet",
            "sub/u.parquet",
            "data/b.csv",
        )
    }
    assert found == {
        "data/a.csv": "md5:aaa", "old.csv": "md5:bbb", "whole/x/y.csv": "md5:ccc.dir",
        "sub/w/u.parquet": "md5:eee", "sub/u.parquet": None, "data/b.csv": None,
    }  # fmt: skip
    old = dvc.find(tmp_path / "old.csv", tmp_path)
    assert old is not None
    assert old.legacy
    note(tmp_path, "data/a.csv.dvc", "outs: [\n")
    with pytest.raises(DataError, match=r"a\.csv\.dvc cannot be read"):
        dvc.find(tmp_path / "data/a.csv", tmp_path)


@needs_dvc
def test_missing_data_is_pulled_and_changed_data_is_kept(tmp_path: Path) -> None:
    root = support.project(tmp_path / "repo")
    program = str(Path(sys.prefix) / "bin/dvc")

    def run(*arguments: str) -> None:
        support.run(root, program, *arguments)

    support.run(root, "git", "rm", "-q", "--cached", "data/train.parquet")
    run("init", "-q")
    run("remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    run("add", "-q", "data/train.parquet")
    run("push", "-q")
    support.commit(root, "Track the data with DVC")
    settings, model, git = support.surroundings(root), support.model(), Git(root, environ=dict(os.environ))
    train = root / "data/train.parquet"
    content = train.read_bytes()
    assert inputs.pull(model, root, settings, train=True) == []

    train.unlink()
    support.run(root, "rm", "-rf", ".dvc/cache")
    assert inputs.pull(model, root, settings, train=True) == ["data/train.parquet.dvc"]
    assert train.read_bytes() == content
    version = inputs.version(model, root, "data/train.parquet", git)
    assert (version.source, version.rows) == ("dvc", 400)
    assert version.digest.startswith("md5:")
    assert inputs.version(model, root, "data/test.parquet", git).source == "git"

    # Changed by hand and never given to DVC: not ours to overwrite.
    changed = support.tables()[0][:10]
    train.unlink()
    changed.write_parquet(train)
    with pytest.raises(DataError, match=r"data/train\.parquet") as caught:
        inputs.pull(model, root, settings, train=True)
    assert "dvc add" in caught.value.next
    assert inputs.version(model, root, "data/train.parquet", git).rows == 10

    train.unlink()
    support.run(root, "rm", "-rf", ".dvc/cache", str(tmp_path / "store"))
    with pytest.raises(DataError, match="could not bring") as caught:
        inputs.pull(model, root, settings, train=True)
    assert caught.value.tail


def test_a_remote_that_our_own_dvc_cannot_read_is_left_to_the_users(tmp_path: Path) -> None:
    note(tmp_path, "data.csv.dvc", "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: data.csv\n")
    remote = "[core]\n    remote = far\n['remote \"far\"']\n    url = oss://bucket/data\n"
    note(tmp_path, ".dvc/config", remote)
    tools = tmp_path / "bin"
    tools.mkdir()
    with pytest.raises(ToolMissingError, match="DVC's remote needs dvc-oss"):
        dvc.pull([tmp_path / "data.csv"], support.surroundings(tmp_path, PATH=str(tools)), tmp_path)
    theirs = tools / "dvc"
    theirs.write_text('#!/bin/sh\necho "$@" > called\n', encoding="utf-8")
    theirs.chmod(0o755)
    with pytest.raises(DataError):  # the stand-in brings nothing
        dvc.pull([tmp_path / "data.csv"], support.surroundings(tmp_path, PATH=str(tools)), tmp_path)
    assert (tmp_path / "called").read_text(encoding="utf-8") == "pull --no-run-cache data.csv.dvc\n"
    # What the secret says of the remote counts where the repository says nothing.
    note(tmp_path, ".dvc/config", "[core]\n    remote = far\n")
    secret = remote.replace("oss:", "gdrive:")
    found = support.surroundings(tmp_path, MODELRAIL_DVC_REMOTE=secret)
    assert dvc.missing_plugin(found, tmp_path) == "dvc-gdrive"
    note(tmp_path, ".dvc/config", remote.replace("oss:", "https:"))
    assert dvc.missing_plugin(found, tmp_path) == ""
