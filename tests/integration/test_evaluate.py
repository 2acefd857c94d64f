"""Candidate and baseline, each from its own commit, on the same rows of today's test set."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

import support_models as support
from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.registry import versions
from modelrail.cli import cli
from modelrail.core.registry import tags
from modelrail.errors import DataError, GitError, ModelrailError, NotFoundError, PredictionError, RecordError

PREDICT = """
import sys
import polars as pl
table = pl.read_parquet(sys.argv[2])
assert "sick" not in table.columns, "the label is here"
limit = float(open(sys.argv[1]).read())
score = (pl.col("size") / 30).clip(0, 1)
table.select("id", prediction=(pl.col("size") > limit).cast(pl.Int64), score=score).write_parquet(sys.argv[3])
"""
TRAIN = "import os; os.makedirs('build', exist_ok=True); open('build/limit.txt', 'w').write('15')"
CONFIG = support.CONFIG.replace("    metrics_file: m.json\n", "").replace(
    "model: build/model.skops",
    "model: build/limit.txt\n    predict: python predict.py {model} {input} {output}",
)


class Consumer:
    """A repository with a remote, and versions registered in it."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self.cache, self.folder = root, cache, root / "modelrail-out/cells"

    def invoke(self, *arguments: str) -> Result:
        os.chdir(self.root)
        return CliRunner().invoke(cli, list(arguments), prog_name="modelrail")

    def ok(self, *arguments: str) -> Result:
        result = self.invoke(*arguments)
        assert result.exception is None, (result.exception, result.output)
        return result

    def error(self, *arguments: str) -> ModelrailError:
        result = self.invoke(*arguments)
        assert isinstance(result.exception, ModelrailError), (result.exception, result.output)
        return result.exception

    def train(self) -> None:
        self.ok("train", "--no-tracking")

    def evaluation(self) -> records.Evaluation:
        return files.read(records.Evaluation, self.folder)

    def table(self, role: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / f"predictions/{role}.parquet")

    def register(self, version: str, number: int, *, digest: str = "", test: str = "") -> None:
        """Register what is in the records folder, and put it into production."""
        candidate = files.read(records.Candidate, self.folder)
        kept = self.cache / "models" / candidate.file.digest.replace(":", "-")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / "model" / candidate.file.name, kept)
        trailers = {
            "Model": "cells", "Version": version, "Model-Digest": digest or candidate.file.digest,
            "Model-File": candidate.file.name, "Evidence-Digest": "sha256:" + "0" * 64,
            **({"Test-Digest": test} if test else {}),
        }  # fmt: skip
        for name, more in ((f"cells@{version}", {}), (f"cells#production#{number}", {"Stage": "production"})):
            text = tags.message(f"cells {version}", [], {**trailers, **more})
            support.run(self.root, "git", "tag", "-a", "-m", text, name, candidate.fingerprint.commit)
        support.run(self.root, "git", "push", "--quiet", "origin", "HEAD:refs/heads/main", "--tags")


@pytest.fixture
def consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "predict.py").write_text(PREDICT)
    support.project(root, CONFIG, TRAIN)
    support.run(tmp_path, "git", "init", "--quiet", "--bare", "origin.git")
    support.run(root, "git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    support.run(root, "git", "push", "--quiet", "origin", "HEAD:refs/heads/main")
    monkeypatch.chdir(root)
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))
    support.this_python(monkeypatch)
    return Consumer(root, tmp_path / "cache")


@pytest.mark.skipif(importlib.util.find_spec("dvc") is None, reason="the dvc extra is not installed")
def test_a_baseline_gets_the_tracked_files_of_its_own_commit(consumer: Consumer, tmp_path: Path) -> None:
    """A file that prediction reads, in DVC: each side has the bytes that its own commit names."""
    root = consumer.root
    (root / "predict.py").write_text(PREDICT.replace("open(sys.argv[1])", "open('limit.txt')"))
    (root / ".dvc").mkdir()
    # Relative to .dvc/: in a worktree it would be another folder.
    (root / ".dvc/config").write_text("[core]\n    remote = s\n['remote \"s\"']\n    url = ../../store\n")
    (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (root / ".gitignore").write_text("limit.txt\nbuild\nmodelrail-out\n")

    def track(limit: str, config: str) -> None:
        md5 = hashlib.md5(limit.encode(), usedforsecurity=False).hexdigest()
        stored = tmp_path / "store/files/md5" / md5[:2] / md5[2:]
        stored.parent.mkdir(parents=True)
        stored.write_text(limit)
        (root / "limit.txt.dvc").write_text(
            f"outs:\n- {{md5: {md5}, size: {len(limit)}, hash: md5, path: limit.txt}}\n"
        )
        (root / "modelrail.yaml").write_text(config)
        support.commit(root, f"Limit {limit}")
        consumer.train()

    track("15", CONFIG)
    consumer.register("v1.0.0", 1)
    track("1", CONFIG.replace("data: {", "data: {needs: [limit.txt], "))  # the baseline did not say it yet
    consumer.ok("evaluate")
    assert consumer.table("candidate")["prediction"].sum() == 169
    assert 0 < consumer.table("baseline")["prediction"].sum() < 169


@pytest.mark.fault(14)
def test_a_first_version_has_no_baseline(consumer: Consumer) -> None:
    consumer.train()
    result = consumer.ok("evaluate", "--json")
    found = consumer.evaluation()
    assert found.baseline_ref == records.Baseline(status="absent", stage="production")
    assert found.baseline is None
    assert found.truth.columns == ("id", "sick", "size")
    assert found.truth.rows == found.candidate.predictions.rows == 169
    assert found.candidate.predictions.digest == files.digest_file(
        consumer.folder / "predictions/candidate.parquet"
    )
    assert json.loads(result.stdout)["models"]["cells"]["baseline_version"] == ""


def test_each_version_that_this_test_set_has_judged_counts(consumer: Consumer) -> None:
    """By the tags, whichever stage they are in; a version that other rows have judged does not count."""
    consumer.train()
    consumer.ok("evaluate")
    digest, other = consumer.evaluation().test.digest, "sha256:" + "7" * 64
    for number, test in enumerate((digest, other, "", digest), 1):
        consumer.register(f"v1.{number}.0", number, test=test)
    consumer.ok("evaluate")
    consumer.ok("compare", "--fail-on", "never")
    found = consumer.evaluation()
    assert (found.test_uses, found.test_before) == (2, digest)
    notes = files.read(records.Comparison, consumer.folder).notes
    assert any(note.startswith("This test set has already been used to choose 2 versions") for note in notes)
    assert not any("has changed since" in note for note in notes)

    support.tables()[1][:120].write_parquet(consumer.root / "data/test.parquet")
    support.commit(consumer.root, "Fresh rows")
    consumer.train()
    consumer.ok("evaluate")
    consumer.ok("compare", "--fail-on", "never")
    found = consumer.evaluation()
    assert (found.test_uses, found.test_before) == (0, digest)
    notes = files.read(records.Comparison, consumer.folder).notes
    assert any(note.startswith("The test set has changed since v1.4.0 was judged") for note in notes)


@pytest.mark.fault(22)
def test_rules_that_a_change_takes_out_are_applied_still(
    consumer: Consumer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base slices, weighs and groups by columns that the head's file names no more."""
    test = support.tables()[1].with_columns(
        ward=pl.when(pl.col("id") % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b")),
        w=pl.col("id") % 3 + 1.0,
        day=pl.col("id") // 10,
    )
    test.write_parquet(consumer.root / "data/test.parquet")
    config = CONFIG.replace("key: id", "key: id, weight: w, group: day")
    config = config.replace("slices: [", "slices: [ward, ").replace(
        "    stages:", "      - {metric: roc_auc, slices: ward, min: 0.5}\n    stages:"
    )
    (consumer.root / "modelrail.yaml").write_text(config)
    base = support.commit(consumer.root, "The policy")
    (consumer.root / "modelrail.yaml").write_text(CONFIG)
    support.commit(consumer.root, "No ward, no weight, no day")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1, "base": {"sha": base}}}))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    consumer.train()
    consumer.ok("evaluate")
    consumer.ok("compare", "--fail-on", "never")
    found = files.read(records.Comparison, consumer.folder)
    assert found.policy.source == "base"
    assert [(row.slice.column, row.outcome) for row in found.gates if row.slice] == [("ward", "pass")]
    assert "Rows count by the column w." in found.notes
    assert any("rows of the same day" in note for note in found.notes)
    assert not any("cannot be" in note or "drops" in note for note in found.notes)
    assert "changed: the weight of rows, w → none" in found.policy_changes


def test_the_baseline_runs_the_code_of_its_own_commit(consumer: Consumer) -> None:
    consumer.train()
    consumer.register("v1.0.0", 1)
    first = files.read(records.Candidate, consumer.folder)
    # The new commit predicts otherwise, calls its script otherwise, and has other test rows.
    (consumer.root / "predict.py").rename(consumer.root / "score.py")
    script = (consumer.root / "score.py").read_text().replace("> limit", "> limit + 5")
    (consumer.root / "score.py").write_text(script)
    config = (consumer.root / "modelrail.yaml").read_text().replace("predict.py", "score.py")
    (consumer.root / "modelrail.yaml").write_text(config)
    support.tables()[1][:100].write_parquet(consumer.root / "data/test.parquet")
    head = support.commit(consumer.root, "Other code, other data")
    consumer.train()
    consumer.ok("evaluate")
    found = consumer.evaluation()
    assert found.baseline is not None
    assert (found.baseline.version, found.baseline.commit) == ("v1.0.0", first.fingerprint.commit)
    assert (found.candidate.version, found.candidate.commit) == (None, head)
    assert found.baseline_ref.sequence == 1
    assert found.baseline_ref.since is not None
    truth, ours, theirs = (consumer.table(role) for role in ("truth", "candidate", "baseline"))
    assert truth["id"].to_list() == ours["id"].to_list() == theirs["id"].to_list()
    assert truth.height == 100
    assert (theirs["prediction"] == (truth["size"] > 15)).all()
    assert (ours["prediction"] == (truth["size"] > 20)).all()
    assert len(support.run(consumer.root, "git", "worktree", "list").splitlines()) == 1
    # The same question again is answered from the cache.
    consumer.ok("evaluate")
    again = consumer.evaluation()
    assert again.baseline is not None
    assert again.baseline.cached
    assert again.baseline.predictions == found.baseline.predictions


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c: c.register("v1.0.0", 1, digest="sha256:" + "1" * 64), "no GitHub to ask"),
        (lambda c: c.register("v1.0.0", 1) or shutil.rmtree(c.cache / "models"), "no GitHub to ask"),
        (lambda c: c.register("v1.0.0", 1), "cannot be scored"),
    ],
)
def test_a_baseline_that_cannot_be_scored_blocks(
    consumer: Consumer, spoil: Callable[[Consumer], Any], words: str
) -> None:
    script = consumer.root / "predict.py"
    script.write_text("raise SystemExit('broken at that commit')")
    support.commit(consumer.root, "Broken")
    consumer.train()
    spoil(consumer)
    script.write_text(PREDICT)
    support.commit(consumer.root, "Mended")
    consumer.train()
    error = consumer.error("evaluate")
    assert isinstance(error, PredictionError)
    assert "The baseline v1.0.0 exists and cannot be scored" in error.what
    assert words in str(error)
    assert not files.exists(records.Evaluation, consumer.folder)
    assert files.read(records.Failure, consumer.folder).kind == "prediction"


def test_predictions_are_not_kept_beyond_the_code_that_they_rest_on(consumer: Consumer) -> None:
    """Code beside the model's folder counts, and a module that nobody has added yet."""
    root = consumer.root
    text = (root / "modelrail.yaml").read_text()
    (root / "modelrail.yaml").write_text(text.replace("    task:", "    path: cells\n    task:", 1))
    (root / "cells").mkdir()
    for name in ("data", "params.yaml", "train.py", "predict.py"):
        (root / name).rename(root / "cells" / name)
    predict = root / "cells/predict.py"
    predict.write_text(f"import sys; sys.path.append('..'); import shared\n{predict.read_text()}")
    (root / "shared.py").write_text("")
    support.commit(root, "A folder of its own")
    consumer.train()
    for cached in (False, True):
        consumer.ok("evaluate")
        assert consumer.evaluation().candidate.cached is cached
    (root / "shared.py").write_text("# another rule\n")
    support.commit(root, "Shared code")
    consumer.ok("evaluate")
    assert not consumer.evaluation().candidate.cached
    (root / "cells/extra.py").write_text("")
    consumer.ok("evaluate")
    assert not consumer.evaluation().candidate.cached


@pytest.mark.fault(13)
def test_an_unreadable_registry_is_never_no_baseline(consumer: Consumer) -> None:
    consumer.train()
    consumer.register("v1.0.0", 1)
    support.run(consumer.root, "git", "remote", "set-url", "origin", str(consumer.root / "nowhere"))
    assert isinstance(consumer.error("evaluate"), GitError)
    assert not files.exists(records.Evaluation, consumer.folder)


@pytest.mark.fault(13)
def test_a_shallow_clone_without_tags_finds_the_baseline(consumer: Consumer, tmp_path: Path) -> None:
    consumer.train()
    consumer.register("v1.0.0", 1)
    (consumer.root / "note").write_text("x")
    support.commit(consumer.root, "More")
    support.run(consumer.root, "git", "push", "--quiet", "origin", "HEAD:refs/heads/main")
    clone = tmp_path / "clone"
    url = (tmp_path / "origin.git").as_uri()
    support.run(
        tmp_path, "git", "clone", "--quiet", "--depth=1", "--no-tags", "--branch=main", url, str(clone)
    )
    other = Consumer(clone, consumer.cache)
    other.train()
    other.ok("evaluate")
    assert other.evaluation().baseline_ref.version == "v1.0.0"
    # Without the remote nobody can tell what the shallow clone lacks.
    support.run(clone, "git", "remote", "remove", "origin")
    assert isinstance(other.error("evaluate"), GitError)


@pytest.mark.fault(20)
def test_bytes_that_changed_after_the_training(consumer: Consumer) -> None:
    consumer.train()
    (consumer.folder / "model/limit.txt").write_text("16")
    error = consumer.error("evaluate")
    assert isinstance(error, RecordError)
    assert "is not the one that was trained" in error.what


def test_code_that_changed_after_the_training(consumer: Consumer) -> None:
    consumer.train()
    (consumer.root / "note").write_text("x")
    support.commit(consumer.root, "More")
    assert "train" in consumer.error("evaluate").next


@pytest.mark.fault(24)
def test_a_record_cannot_name_a_path(consumer: Consumer) -> None:
    consumer.train()
    path = consumer.folder / "candidate.json"
    path.write_text(path.read_text().replace('"limit.txt"', '"../../../modelrail.yaml"'))
    assert "no plain file name" in consumer.error("evaluate").what


@pytest.mark.fault(17)
def test_a_key_that_is_not_unique(consumer: Consumer) -> None:
    consumer.train()
    test = support.tables()[1]
    pl.concat([test, test[:7]]).write_parquet(consumer.root / "data/test.parquet")
    error = consumer.error("evaluate")
    assert isinstance(error, DataError)
    assert "7 of 176 rows repeat a key" in error.what


def test_a_stage_that_the_policy_does_not_have(consumer: Consumer) -> None:
    consumer.train()
    error = consumer.error("evaluate", "--against", "staging")
    assert isinstance(error, NotFoundError)
    assert "It has: production" in error.next


def test_before_the_training(consumer: Consumer) -> None:
    error = consumer.error("evaluate")
    assert isinstance(error, RecordError)
    assert "candidate.json does not exist" in error.what


def test_a_dry_run_reads_and_writes_nothing(consumer: Consumer) -> None:
    consumer.train()
    before = sorted(consumer.folder.rglob("*"))
    assert consumer.ok("evaluate", "--dry-run").stdout == ""
    assert sorted(consumer.folder.rglob("*")) == before


def test_a_registered_version_is_measured_again(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer.train()
    consumer.register("v1.0.0", 1)
    first = files.read(records.Candidate, consumer.folder)
    (consumer.root / "predict.py").write_text(PREDICT.replace("> limit", "> limit + 5"))
    support.commit(consumer.root, "Other code")
    consumer.train()
    consumer.register("v1.1.0", 2)
    # v1.0.0 asks to come back, against v1.1.0; its evidence would come from its release.
    evidence = SimpleNamespace(candidate=first)
    monkeypatch.setattr(
        versions, "evidence", lambda _git, registered, _: evidence if registered.version == "v1.0.0" else None
    )
    consumer.ok("evaluate", "cells@v1.0.0")
    found = consumer.evaluation()
    assert found.baseline is not None
    assert (found.candidate.version, found.candidate.commit) == ("v1.0.0", first.fingerprint.commit)
    assert (found.baseline.version, found.baseline_ref.sequence) == ("v1.1.0", 2)
    assert files.read(records.Candidate, consumer.folder) == first
    truth = consumer.table("truth")
    assert (consumer.table("candidate")["prediction"] == (truth["size"] > 15)).all()
    assert (consumer.table("baseline")["prediction"] == (truth["size"] > 20)).all()


def test_a_selector_of_what_is_not_registered(consumer: Consumer) -> None:
    assert isinstance(consumer.error("evaluate", "cells@v9.0.0"), NotFoundError)


def change(consumer: Consumer, old: str, new: str) -> None:
    path = consumer.root / "modelrail.yaml"
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new))
    support.commit(consumer.root, "Configuration")


def test_what_changed_since_the_baseline_is_recorded(consumer: Consumer) -> None:
    consumer.train()
    consumer.ok("evaluate")
    assert consumer.evaluation().changed is None
    assert consumer.evaluation().test_uses == 0
    consumer.register("v1.0.0", 1)
    consumer.ok("evaluate")
    # The tag of this test says neither data nor environment: what is not known counts as changed.
    assert consumer.evaluation().changed == ("data", "params", "environment")
    (consumer.root / "note").write_text("x")
    support.commit(consumer.root, "More")
    consumer.train()
    consumer.ok("evaluate")
    assert "code" in consumer.evaluation().changed


def test_further_baselines_are_scored_beside(consumer: Consumer) -> None:
    change(
        consumer,
        "    metrics: [",
        "    baselines: [latest, best, majority, {version: v9.0.0}]\n    metrics: [",
    )
    consumer.train()
    consumer.register("v1.0.0", 1)
    consumer.train()
    result = consumer.ok("evaluate")
    assert "there is no version v9.0.0" in result.stderr
    (other,) = consumer.evaluation().others
    assert (other.role, other.version, other.label) == ("other", "v1.0.0", "v1.0.0 (latest)")
    assert "there is no best version" in result.stderr  # its tag says no metrics
    assert other.predictions.digest == files.digest_file(consumer.folder / "predictions/other-0.parquet")
    consumer.invoke("compare", "--fail-on", "never")
    found = files.read(records.Comparison, consumer.folder)
    assert {row.name for row in found.others} == {"v1.0.0 (latest)", "majority"}
    assert {row.verdict for row in found.others if row.name != "majority"} == {"not worse"}


def test_a_further_baseline_that_was_made_for_another_label_is_left_out(consumer: Consumer) -> None:
    """It would be scored by labels that it never meant; the one with the same label stands beside."""
    change(consumer, "    task: binary\n", "    task: binary\n    positive: 0\n")
    consumer.train()
    consumer.register("v1.0.0", 1)
    change(
        consumer,
        "    task: binary\n    positive: 0\n",
        "    task: binary\n    baselines: [latest, {version: v1.0.0}]\n",
    )
    consumer.train()
    consumer.register("v1.0.1", 2)
    consumer.train()
    said = consumer.ok("evaluate").stderr
    assert "the further baseline v1.0.0 is left out: It was made for the positive class '0'" in said
    assert [one.version for one in consumer.evaluation().others] == ["v1.0.1"]


def test_the_same_model_again_is_not_worse_and_never_better(consumer: Consumer) -> None:
    consumer.train()
    consumer.register("v1.0.0", 1)
    (consumer.root / "README.md").write_text("Nothing of the model.\n")
    support.commit(consumer.root, "A sentence")
    consumer.train()
    consumer.ok("evaluate")
    found = consumer.evaluation()
    assert found.baseline is not None
    assert found.candidate.model_digest == found.baseline.model_digest
    shown = consumer.ok("compare").stdout
    comparison = files.read(records.Comparison, consumer.folder)
    assert comparison.verdict == "pass"
    assert {row.verdict for row in comparison.metrics if row.slice is None} == {"not worse"}
    assert "better" not in {row.verdict for row in comparison.metrics}
    assert "same model file: it can be not worse, never better" in " ".join(shown.split())


@pytest.mark.fault(19)
def test_a_baseline_with_another_positive_class_is_refused(consumer: Consumer) -> None:
    consumer.train()
    consumer.register("v1.0.0", 1)
    change(consumer, "    task: binary\n", "    task: binary\n    positive: 0\n")
    consumer.train()
    error = consumer.error("evaluate")
    assert isinstance(error, PredictionError)
    assert "the positive class" in error.what
    assert not files.exists(records.Evaluation, consumer.folder)
