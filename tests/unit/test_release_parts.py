"""Files that are too large for one asset of a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelrail import records
from modelrail.adapters import files, stores
from modelrail.adapters.stores import release_assets
from modelrail.errors import NotFoundError, RecordError, UsageError

CONTENT = bytes(range(256)) * 10


class FakeRelease:
    """Assets by name, as the GitHub client hands them out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def release_by_tag(self, tag: str) -> dict[str, Any]:
        return {"tag_name": tag}

    def download_asset(
        self, release: Any, name: str, dest: Path, *, digest: str = "", max_bytes: int = 2**40
    ) -> str:
        source = self.folder / name
        if not source.is_file():
            raise NotFoundError(name)
        data = source.read_bytes()
        if digest and files.digest_bytes(data) != digest:
            raise RecordError(f"{name} is another")
        assert len(data) <= max_bytes
        dest.write_bytes(data)
        return files.digest_bytes(data)


def event(digest: str) -> records.Event:
    return records.Event(
        kind="register", model="delay", version="v1.0.0", stage=None, sequence=None, tag="delay@v1.0.0",
        object="1" * 40, commit="2" * 40, time=1, tagger="octo", subject="x",
        trailers={"Model-File": "model.onnx", "Model-Digest": digest},
    )  # fmt: skip


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a release that holds the file in three parts."""
    monkeypatch.setattr(release_assets, "PART_BYTES", 1000)
    source = tmp_path / "model.onnx"
    source.write_bytes(CONTENT)
    made = release_assets.assets(source, files.digest_file(source), tmp_path / "release")
    assert [asset.name for asset in made] == [
        "model.onnx.part-001", "model.onnx.part-002", "model.onnx.part-003", "model.onnx.parts.json",
    ]  # fmt: skip
    assert all(asset.digest == files.digest_file(asset.path) for asset in made)
    return tmp_path / "release"


def fetch(folder: Path, dest: Path) -> None:
    digest = files.digest_bytes(CONTENT)
    place, location = stores.of_event(event(digest), settings=None, github=FakeRelease(folder), root=dest)  # type: ignore[arg-type]
    place.fetch(event(digest), location, dest / "got")
    stores.check(dest / "got", digest, "delay@v1.0.0")


def test_a_file_that_fits_is_one_asset(tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(CONTENT)
    (asset,) = release_assets.assets(source, "sha256:x", tmp_path)
    assert asset.path == source


def test_parts_make_the_file_again(parts: Path, tmp_path: Path) -> None:
    fetch(parts, tmp_path)
    assert (tmp_path / "got").read_bytes() == CONTENT
    assert not list(tmp_path.glob(".*"))


def test_a_part_with_other_bytes_is_refused(parts: Path, tmp_path: Path) -> None:
    (parts / "model.onnx.part-002").write_bytes(b"x" * 1000)
    with pytest.raises(RecordError):
        fetch(parts, tmp_path)
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["parts"].reverse(),
        lambda document: document["parts"][0].update(name="../../etc/passwd"),
        lambda document: document["parts"][0].update(size=-1),
        lambda document: document.update(schema="other"),
        lambda document: document.pop("parts"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(parts: Path, tmp_path: Path, change: Any) -> None:
    manifest = parts / "model.onnx.parts.json"
    document = json.loads(manifest.read_text())
    change(document)
    manifest.write_text(json.dumps(document))
    with pytest.raises(RecordError):
        fetch(parts, tmp_path)


def test_parts_in_another_order_are_not_the_file(parts: Path, tmp_path: Path) -> None:
    """A manifest that is sound in itself, its parts exchanged: the whole has another digest."""
    one, two = parts / "model.onnx.part-001", parts / "model.onnx.part-002"
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)
    manifest = parts / "model.onnx.parts.json"
    document = json.loads(manifest.read_text())
    for part in document["parts"]:
        part["digest"] = files.digest_file(parts / part["name"])
    manifest.write_text(json.dumps(document))
    with pytest.raises(RecordError, match="not the file that"):
        fetch(parts, tmp_path)


def test_too_many_parts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_assets, "PART_BYTES", 1)
    source = tmp_path / "model.onnx"
    source.write_bytes(CONTENT)
    with pytest.raises(UsageError, match="store: dvc"):
        release_assets.assets(source, "sha256:x", tmp_path)


@pytest.mark.parametrize("location", ["", "../x", "a/../b", "-x", "md5:zz\n"])
def test_a_location_of_a_tag_is_not_trusted(tmp_path: Path, location: str) -> None:
    found = event("sha256:" + "0" * 64)
    found.trailers.update({"Store": "dvc", "Store-Location": location})
    with pytest.raises(RecordError):
        stores.of_event(found, settings=None, github=None, root=tmp_path)
