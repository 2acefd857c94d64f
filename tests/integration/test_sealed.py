"""A sealed test set: who may read it, what is scored there, and what a pull request cannot make of it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from click.testing import CliRunner, Result

import support_models as support
import support_records as sample
from modelrail import records
from modelrail.adapters import files, sealed
from modelrail.adapters.github import artifact
from modelrail.cli import cli
from modelrail.config import check as config_check
from modelrail.errors import ConfigError, DataError, ModelrailError, RecordError, UnsafeModelError
from support_git import LocalHub

pytest.importorskip("dvc")

CONFIG = support.CONFIG.replace("    metrics_file: m.json\n", "").replace(
    "key: id}", "key: id, sealed: rows}"
)
TRAIN = """
import os
import pandas as pd
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

assert not os.path.exists("data/test.parquet"), "the sealed rows are here"
assert not os.path.exists("data/labels.parquet"), "the sealed labels are here"
table = pd.read_parquet("data/train.parquet")
os.makedirs("build", exist_ok=True)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
skops.io.dump(model.fit(table.drop(columns=["sick", "id"]), table["sick"]), "build/model.skops")
"""


class Place:
    """A repository whose test set lies in a DVC remote that only some may read."""

    def __init__(self, root: Path, remote: Path) -> None:
        self.root, self.remote, self.out = root, remote, root / "modelrail-out"
        self.folder = self.out / "cells"
        self.credentials = f"['remote \"sealed\"']\n    url = {remote}\n"

    def invoke(self, *arguments: str) -> Result:
        os.chdir(self.root)
        return CliRunner().invoke(cli, list(arguments), prog_name="modelrail")

    def ok(self, *arguments: str) -> Result:
        found = self.invoke(*arguments)
        assert found.exception is None, (found.exception, found.output)
        return found

    def error(self, *arguments: str) -> ModelrailError:
        found = self.invoke(*arguments)
        assert isinstance(found.exception, ModelrailError), (found.exception, found.output)
        return found.exception

    def candidate(self) -> records.Candidate:
        return files.read(records.Candidate, self.folder)

    def comparison(self) -> records.Comparison:
        return files.read(records.Comparison, self.folder)


def seal(root: Path, remote: Path, *names: str) -> None:
    """What `dvc add` and `dvc push` leave, without the files: the address of the remote is in no file."""
    (root / ".dvc").mkdir(exist_ok=True)
    (root / ".dvc" / "config").write_text("[core]\n    remote = sealed\n", encoding="utf-8")
    (root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n", encoding="utf-8")
    for name in names:
        data = (root / name).read_bytes()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        place = remote / "files" / "md5" / md5[:2] / md5[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        note = f"outs:\n- {{md5: {md5}, size: {len(data)}, hash: md5, path: {Path(name).name}}}\n"
        (root / f"{name}.dvc").write_text(note, encoding="utf-8")
        (root / name).unlink()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both forms, trained once: copies of it are what the tests use."""
    place = tmp_path_factory.mktemp("sealed")
    root = place / "rows"
    support.project(root, CONFIG, TRAIN)
    seal(root, place / "remote", "data/test.parquet")
    support.commit(root, "Sealed")
    return place


@pytest.fixture
def place(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    root = tmp_path / "repo"
    support.run(tmp_path, "git", "clone", "--quiet", str(prepared / "rows"), str(root))
    support.run(root, "git", "remote", "remove", "origin")
    monkeypatch.chdir(root)
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))
    support.this_python(monkeypatch)
    return Place(root, prepared / "remote")


def open_remote(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the job that has the secret: DVC reads it as its global configuration."""
    monkeypatch.setenv("MODELRAIL_DVC_REMOTE", place.credentials)


def test_the_whole_way(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained and left without a look at the sealed rows; scored where they can be read; nothing stays."""
    place.ok("validate-data")
    place.ok("train", "--no-tracking")
    assert place.candidate().fingerprint.test.digest.startswith("md5:")
    place.ok("evaluate")
    assert files.read(records.Sealed, place.folder).sealed == "rows"
    assert not files.exists(records.Evaluation, place.folder)
    assert "score-sealed" in place.ok("compare").stderr
    report = place.ok("report", "--format", "text").stdout
    assert "sealed" in report
    assert isinstance(place.error("score-sealed"), DataError)  # without the credentials
    open_remote(place, monkeypatch)
    found = json.loads(place.ok("score-sealed", "--json").stdout)["models"]["cells"]
    assert found["verdict"] == "pass"
    assert found["rows"] == 169
    comparison = place.comparison()
    assert comparison.policy.source == "base"
    assert "The test set is sealed" in comparison.notes[0]
    for name in ("data/test.parquet", ".dvc/cache", "modelrail-out/cells/plots.json"):
        assert not (place.root / name).exists(), name
    assert not list(place.out.rglob("*.parquet"))
    assert not (place.folder / records.Sealed.FILE).exists()
    assert not (place.folder / records.Failure.FILE).exists()
    evidence = files.read(records.Evidence, place.folder)
    assert evidence.comparison == comparison
    assert evidence.evaluation.test.digest == place.candidate().fingerprint.test.digest
    assert "may become the first version" in place.ok("report", "--format", "text").stdout.replace("\n", " ")


def test_labels_alone(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, remote = tmp_path / "repo", tmp_path / "remote"
    text = CONFIG.replace("sealed: rows", "sealed: labels, labels: data/labels.parquet")
    support.project(
        root, text, TRAIN.replace('assert not os.path.exists("data/test', 'assert os.path.exists("data/test')
    )
    _, test = support.tables()
    test.drop("sick").write_parquet(root / "data/test.parquet")
    test.select("id", "sick").sample(fraction=1, shuffle=True, seed=1).write_parquet(
        root / "data/labels.parquet"
    )
    seal(root, remote, "data/labels.parquet")
    support.commit(root, "Sealed labels")
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))
    support.this_python(monkeypatch)
    place = Place(root, remote)
    place.ok("train", "--no-tracking")
    place.ok("evaluate")
    open_remote(place, monkeypatch)
    place.ok("score-sealed")
    assert place.comparison().verdict == "pass"
    assert place.comparison().rows == 169
    assert not (root / "data/labels.parquet").exists()
    frame = pl.DataFrame({"id": [1, 2], "size": [1.0, 2.0]})
    with pytest.raises(DataError, match="name no row"):
        sealed._joined(frame, pl.DataFrame({"id": [1, 3], "sick": [0, 1]}), "id")
    with pytest.raises(DataError, match="fit the test set"):
        sealed._joined(frame, pl.DataFrame({"id": [1, 1], "sick": [0, 1]}), "id")


# --- what a pull request may try ---------------------------------------------------------------------------


@pytest.fixture
def pull(
    place: Place, hub: LocalHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, git: Callable[..., str]
) -> Callable[..., None]:
    """Its run ends with these artifacts; the environment is then the job's that scores."""
    hub.seed(place.root)
    open_remote(place, monkeypatch)

    def end(content: dict[str, bytes], model: dict[str, bytes]) -> None:
        run = int(
            hub.hub.start_run(
                hub.owner, hub.repo, workflow="pull-request.yml", event="pull_request", head_branch="x",
                head_sha=git(place.root, "rev-parse", "HEAD"), title="model", actor="eve",
                head_repository=hub.repository,
            )["id"]
        )  # fmt: skip
        hub.hub.add_artifact(run, artifact.NAME, packed(content))
        hub.hub.add_artifact(run, artifact.MODEL, packed(model))
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"workflow_run": {"id": run, "event": "pull_request"}}), encoding="utf-8")
        token = hub.bot_token(contents="read", actions="read")
        for name, value in hub.environ(
            token, GITHUB_ACTIONS="true", GITHUB_EVENT_NAME="workflow_run", GITHUB_EVENT_PATH=str(event)
        ).items():
            monkeypatch.setenv(name, value)

    return end


def packed(content: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return made.getvalue()


def trained(data: bytes, **changes: Any) -> dict[str, bytes]:
    """The records of an honest training of this model file."""
    found = sample.passing("cells").candidate
    assert found
    file = records.ModelFile(
        name="model.skops", digest=files.digest_bytes(data), size=len(data), format="skops"
    )
    run = records.RunRef()
    return {
        "cells/candidate.json": files.encode(msgspec.structs.replace(found, file=file, **changes)),
        "cells/sealed.json": files.encode(records.Sealed(model="cells", sealed="rows", run=run)),
    }


@pytest.fixture(scope="module")
def model() -> bytes:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    train, _ = support.tables()
    fitted = LogisticRegression(max_iter=5000).fit(
        train.drop("sick", "id").to_pandas(), train["sick"].to_numpy()
    )
    return bytes(skops.io.dumps(fitted))


@pytest.mark.fault(22)
def test_claims_of_the_other_run_count_for_nothing(
    place: Place, pull: Callable[..., None], model: bytes
) -> None:
    """It forged a verdict and evidence beside its candidate; it is judged by this checkout's gates."""
    forged = sample.passing("cells")
    assert forged.evaluation
    assert forged.comparison
    claims = {
        "cells/evaluation.json": files.encode(forged.evaluation),
        "cells/comparison.json": files.encode(forged.comparison),
    }
    # What nothing here writes anew would be shown as if it had been measured here.
    shown = {str(kind.FILE) for kind in (records.Places, records.Plots, *records.EXTRAS)}
    claims |= {f"cells/{name}": b"{}" for name in shown}
    config = place.root / "modelrail.yaml"
    config.write_text(config.read_text().replace("min: 0.9", "min: 0.9999"), encoding="utf-8")
    pull(trained(model) | claims, {"cells/model/model.skops": model, "cells/model/train.py": b"x"})
    place.ok("score-sealed")
    comparison = place.comparison()
    assert comparison.verdict != "pass"
    assert comparison.rows == 169
    assert not shown & {path.name for path in place.folder.iterdir()}
    assert sorted(path.name for path in (place.folder / "model").iterdir()) == ["model.skops"]
    assert files.read(records.Evaluation, place.folder).changed is None


@pytest.mark.fault(20, 25)
def test_a_file_that_is_not_data_alone_is_not_loaded(
    place: Place, pull: Callable[..., None], model: bytes, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (canary,))

    evil = pickle.dumps(Evil())
    pickled = records.ModelFile(
        name="model.joblib", digest=files.digest_bytes(evil), size=len(evil), format="joblib"
    )
    told = records.ModelFile(
        name="model.skops", digest=files.digest_bytes(evil), size=len(evil), format="joblib"
    )
    entry = "cells/model/model.skops"
    tries: tuple[tuple[dict[str, bytes], dict[str, bytes], type[ModelrailError], str], ...] = (
        (trained(model), {entry: model + b"x"}, RecordError, "not the one that was trained"),
        (trained(model), {"cells/model/other.skops": model}, RecordError, "does not exist"),
        (trained(evil) , {entry: evil}, ModelrailError, "predictor failed"),
        (
            {**trained(evil), "cells/candidate.json": _with(evil, pickled)},
            {"cells/model/model.joblib": evil}, RecordError, "awaited is model.skops",
        ),
        (
            {**trained(evil), "cells/candidate.json": _with(evil, told)},
            {entry: evil}, UnsafeModelError, "may run code",
        ),
        ({}, {entry: model}, RecordError, ""),
        ({"cells/candidate.json": b"{}"}, {entry: model}, RecordError, ""),
    )  # fmt: skip
    for content, archive, kind, words in tries:
        pull(content or {"other/candidate.json": b"{}"}, archive)
        error = place.error("score-sealed")
        assert isinstance(error, kind), error
        assert words in str(error)
        assert not files.exists(records.Comparison, place.folder)
        assert files.read(records.Failure, place.folder).command == "score-sealed"
        assert not canary.exists()
        support.run(place.root, "rm", "-rf", "modelrail-out")


def in_onnx(place: Place, data: bytes) -> dict[str, bytes]:
    """The default branch awaits an ONNX file; the records of a training that left these bytes as one."""
    config = place.root / "modelrail.yaml"
    config.write_text(config.read_text().replace("model.skops", "model.onnx"), encoding="utf-8")
    file = records.ModelFile(
        name="model.onnx", digest=files.digest_bytes(data), size=len(data), format="onnx"
    )
    return trained(data) | {"cells/candidate.json": _with(data, file)}


def test_a_model_in_onnx_is_scored(place: Place, pull: Callable[..., None]) -> None:
    skl2onnx = pytest.importorskip("skl2onnx")
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression

    train, test = support.tables()
    fitted = LogisticRegression(max_iter=5000).fit(
        train.drop("sick", "id").to_numpy(), train["sick"].to_numpy()
    )
    made = skl2onnx.to_onnx(fitted, initial_types=[("x", FloatTensorType([None, 4]))]).SerializeToString()
    pull(in_onnx(place, made), {"cells/model/model.onnx": made})
    place.ok("score-sealed")
    comparison = place.comparison()
    assert (comparison.verdict, comparison.rows) == ("pass", 169)
    from sklearn.metrics import roc_auc_score

    wanted = roc_auc_score(test["sick"], fitted.predict_proba(test.drop("sick", "id").to_numpy())[:, 1])
    assert comparison.metrics[0].candidate == pytest.approx(wanted, abs=1e-6)


@pytest.mark.fault(25)
def test_a_pickle_under_the_name_of_an_onnx_file_is_not_loaded(
    place: Place, pull: Callable[..., None], tmp_path: Path
) -> None:
    import pickle

    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (canary,))

    evil = pickle.dumps(Evil())
    pull(in_onnx(place, evil), {"cells/model/model.onnx": evil})
    error = place.error("score-sealed")
    assert "predictor failed" in str(error)
    assert not files.exists(records.Comparison, place.folder)
    assert not canary.exists()
    pickle.loads(evil)
    assert canary.exists()  # the trap works


def _with(data: bytes, file: records.ModelFile) -> bytes:
    found = msgspec.json.decode(trained(data)["cells/candidate.json"], type=records.Candidate)
    return files.encode(msgspec.structs.replace(found, file=file))


@pytest.mark.fault(24)
def test_a_model_archive_with_tricks(tmp_path: Path) -> None:
    place = tmp_path / "model.skops"
    wanted = {"cells/model/model.skops": place}
    link = zipfile.ZipInfo("cells/model/model.skops")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(RecordError, match="not a plain file"):
        artifact.unpack_files(made, wanted, 100)
    with pytest.raises(RecordError, match="more than 100 bytes"):
        artifact.unpack_files(io.BytesIO(packed({"cells/model/model.skops": b" " * 101})), wanted, 100)
    place.unlink()
    found = {"../cells/model/model.skops": b"x", "cells/model/model.skops": b"y", "a/../../b": b"z"}
    assert artifact.unpack_files(io.BytesIO(packed(found)), wanted, 100) == 1
    assert place.read_bytes() == b"y"
    assert [path.name for path in tmp_path.iterdir()] == ["model.skops"]
    with pytest.raises(RecordError, match="not a readable archive"):
        artifact.unpack_files(io.BytesIO(b"#!/bin/sh"), wanted, 100)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sealed: rows", "sealed: labels", "go together"),
        ("sealed: rows", "labels: x.csv", "go together"),
        ("build/model.skops", "build/model.joblib", "does not fit a sealed"),
        ("    train: python", "    predict: python p.py\n    train: python", "does not fit a sealed"),
        ("    train: python", "    allow_pickle: true\n    train: python", "does not fit a sealed"),
        ("    gates:\n", "    gates:\n      - {gate: leakage, max: 0}\n", "leakage does not"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_it(old: str, new: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_check.parse(CONFIG.replace(old, new), "modelrail.yaml")
    assert words in str([fault.what for fault in caught.value.faults])
