"""`modelrail compare` on record files in a real repository."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from modelrail import __main__, records
from modelrail.adapters import files
from modelrail.adapters.data import tables
from support_compare import DIGEST, binary, scored

CONFIG = """\
version: 1
models:
  delay:
    task: binary
    data: {{test: test.parquet, target: late, key: id}}
    train: "true"
    model: model.skops
    metrics: [roc_auc, brier]
    slices: [carrier]
    gates:
      - {{metric: roc_auc, no_worse_than: {margin}}}
    stages:
      production: {{first: allowed}}
"""


def write_config(root: Path, margin: str) -> None:
    (root / "modelrail.yaml").write_text(CONFIG.format(margin=margin), encoding="utf-8")


def candidate(digest: str) -> records.Candidate:
    version = records.DataVersion(path="test.parquet", digest=DIGEST, source="file")
    return records.Candidate(
        model="delay",
        fingerprint=records.Fingerprint(
            commit="a" * 40,
            code="b" * 40,
            dirty=False,
            train=None,
            test=version,
            params=None,
            environment=DIGEST,
        ),
        file=records.ModelFile(name="model.skops", digest=digest, size=1, format="skops"),
        params={},
        metrics={},
        train_seconds=1.0,
        tracking=None,
        run=records.RunRef(),
    )


@pytest.fixture
def workspace(repository, git, monkeypatch):
    """A repository whose policy (margin 0.01) is committed, with the records of an evaluation."""
    write_config(repository, "0.01")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Policy")
    monkeypatch.chdir(repository)
    return repository


def evaluate(root: Path, skill: float = 2.0, *, n: int = 3000) -> Path:
    folder = root / "modelrail-out" / "delay"
    truth, ours, theirs = binary(n, skill=skill)
    made = {}
    for role, table in {"truth": truth.drop("distance"), "candidate": ours, "baseline": theirs}.items():
        path = folder / "predictions" / f"{role}.parquet"
        tables.write(table, path)
        made[role] = records.Predictions(digest=files.digest_file(path), rows=n, columns=tuple(table.columns))
    one, two = scored("candidate", DIGEST, n), scored("baseline", "sha256:" + "2" * 64, n)
    files.write(
        records.Evaluation(
            model="delay",
            task="binary",
            test=records.DataVersion(path="test.parquet", digest=DIGEST, source="file"),
            truth=made["truth"],
            candidate=msgspec.structs.replace(one, predictions=made["candidate"]),
            baseline=msgspec.structs.replace(two, predictions=made["baseline"], version="v1.0.0"),
            baseline_ref=records.Baseline(status="present", stage="production", version="v1.0.0"),
            run=records.RunRef(),
        ),
        folder,
    )
    files.write(candidate(DIGEST), folder)
    return folder


def test_a_better_candidate_passes_and_leaves_its_evidence(workspace, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_OUTPUT", str(workspace / "outputs"))
    folder = evaluate(workspace)
    assert __main__.main(["compare"]) == 0
    shown = capsys.readouterr().out
    assert "✓ Fine to merge: the gate passes; ROC AUC rose by" in shown
    assert "V1.0.0" in shown
    assert "ROC AUC, may fall by at most 0.01" in shown
    comparison = files.read(records.Comparison, folder)
    evidence = files.read(records.Evidence, folder)
    assert evidence.comparison == comparison
    assert comparison.evaluation == files.digest_file(folder / "evaluation.json")
    assert comparison.policy.source == "head"
    outputs = (workspace / "outputs").read_text()
    assert "verdict<<" in outputs
    assert "\npass\n" in outputs
    assert "modelrail-out/delay/comparison.json" in outputs


def test_what_pictures_are_drawn_from_belongs_to_the_comparison(workspace):
    folder = evaluate(workspace)
    (folder / "plots.json").write_text("of an earlier run", encoding="utf-8")
    assert __main__.main(["compare"]) == 0
    plots = files.read(records.Plots, folder)
    assert plots.comparison == files.digest_file(folder / "comparison.json")
    for found in (plots.roc, plots.precision_recall, plots.calibration, plots.confusion):
        assert [one.role for one in found] == ["candidate", "baseline"]


def test_a_worse_candidate_exits_with_4_unless_told_otherwise(workspace, capsys):
    folder = evaluate(workspace, skill=1.0)
    assert __main__.main(["compare"]) == 4
    said = capsys.readouterr()
    assert "ROC AUC falls by" in said.err
    assert "models.delay.gates[0]" in said.err
    assert not files.exists(records.Failure, folder)  # a verdict is no failure of the step
    assert __main__.main(["compare", "--fail-on", "never"]) == 0
    assert files.read(records.Comparison, folder).verdict == "fail"


def test_json_is_one_document(workspace, capsys):
    evaluate(workspace)
    assert __main__.main(["compare", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["models"]["delay"]
    assert found["verdict"] == "pass"
    assert {row["metric"] for row in found["metrics"]} == {"roc_auc", "brier"}


def test_dry_run_writes_nothing(workspace):
    folder = evaluate(workspace)
    assert __main__.main(["compare", "--dry-run"]) == 0
    assert not files.exists(records.Comparison, folder)
    assert not files.exists(records.Evidence, folder)


@pytest.mark.fault(22)
def test_a_pull_request_is_judged_by_the_policy_of_its_base(workspace, git, monkeypatch, capsys):
    base = git(workspace, "rev-parse", "HEAD")
    write_config(workspace, "0.9")  # a margin that lets anything pass
    git(workspace, "commit", "-q", "-a", "-m", "Loosen")
    event = workspace / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1, "base": {"sha": base}}}))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    folder = evaluate(workspace, skill=1.0)
    assert __main__.main(["compare"]) == 4
    policy = files.read(records.Comparison, folder).policy
    assert (policy.commit, policy.source, policy.changed) == (base, "base", True)
    assert "edits the policy" in capsys.readouterr().out
    assert __main__.main(["compare", "--policy-ref", "HEAD"]) == 0
    assert __main__.main(["compare", "--policy-ref", "--no-such-branch"]) == 7
    assert "names no commit of this clone" in capsys.readouterr().err


@pytest.mark.fault(22)
def test_a_waiver_counts_from_the_base_until_its_last_day_and_is_told(workspace, git, capsys):
    def waived(until: str) -> str:
        write_config(workspace, "0.01")
        with (workspace / "modelrail.yaml").open("a", encoding="utf-8") as file:
            file.write("    waivers:\n      - {metric: roc_auc, owner: ana, reason: canary, ")
            file.write(f"expires: {until}}}\n")
        git(workspace, "commit", "-q", "-a", "-m", f"Waived until {until}")
        return git(workspace, "rev-parse", "HEAD")

    without = git(workspace, "rev-parse", "HEAD")
    folder = evaluate(workspace, skill=1.0)
    past, coming = waived("2020-01-31"), waived("9999-12-31")
    # What the change itself writes does not help it, and is shown.
    assert __main__.main(["compare", "--policy-ref", without]) == 4
    assert "waiver" in " ".join(files.read(records.Comparison, folder).policy_changes)
    assert "waiver" in capsys.readouterr().out
    assert __main__.main(["compare", "--policy-ref", past]) == 4
    assert "2020-01-31" in capsys.readouterr().out  # an expired one is not dropped in silence
    assert files.read(records.Comparison, folder).gates[0].waived is None
    assert __main__.main(["compare", "--policy-ref", coming]) == 0
    assert "waived by ana until 9999-12-31" in " ".join(capsys.readouterr().out.split())
    (gate,) = files.read(records.Comparison, folder).gates
    assert (gate.outcome, gate.waived.owner, gate.waived.reason) == ("fail", "ana", "canary")


def test_a_base_without_a_policy_takes_the_heads_and_says_so(workspace, git, capsys):
    first = git(workspace, "rev-list", "--max-parents=0", "HEAD")
    folder = evaluate(workspace)
    assert __main__.main(["compare", "--policy-ref", first]) == 0
    policy = files.read(records.Comparison, folder).policy
    assert (policy.source, policy.changed) == ("head", True)
    assert "has no policy for delay" in capsys.readouterr().out


def test_a_base_policy_that_cannot_be_read_is_not_taken_as_none(workspace, git):
    (workspace / "modelrail.yaml").write_text("version: 1\nmodels: {delay: {}}\n")
    git(workspace, "commit", "-q", "-a", "-m", "Break")
    broken = git(workspace, "rev-parse", "HEAD")
    write_config(workspace, "0.01")
    evaluate(workspace)
    assert __main__.main(["compare", "--policy-ref", broken]) == 3


@pytest.mark.fault(20)
@pytest.mark.parametrize("role", ["truth", "candidate", "baseline"])
def test_tables_that_changed_after_the_evaluation_are_refused(workspace, role, capsys):
    folder = evaluate(workspace)
    path = folder / "predictions" / f"{role}.parquet"
    tables.write(tables.read(path).reverse(), path)
    assert __main__.main(["compare"]) == 8
    assert f"{role}.parquet is not the table that was evaluated" in capsys.readouterr().err
    assert files.read(records.Failure, folder).command == "compare"


@pytest.mark.fault(20)
def test_another_candidate_than_the_evaluated_one_is_refused(workspace, capsys):
    folder = evaluate(workspace)
    files.write(candidate("sha256:" + "9" * 64), folder)
    assert __main__.main(["compare"]) == 8
    assert "not the one that was evaluated" in capsys.readouterr().err


def test_a_stale_comparison_does_not_survive_a_failure(workspace):
    folder = evaluate(workspace)
    assert __main__.main(["compare"]) == 0
    (folder / "predictions" / "candidate.parquet").unlink()
    assert __main__.main(["compare"]) == 8
    assert not files.exists(records.Comparison, folder)
    assert not files.exists(records.Evidence, folder)


def test_names_from_data_cannot_write_escapes_to_the_terminal(workspace, capsys):
    import polars as pl

    folder = evaluate(workspace, skill=1.0)
    path = folder / "predictions" / "truth.parquet"
    tables.write(tables.read(path).with_columns(carrier=pl.lit("\x1b[31mEV\u202e")), path)
    found = files.read(records.Evaluation, folder)
    truth = msgspec.structs.replace(found.truth, digest=files.digest_file(path))
    files.write(msgspec.structs.replace(found, truth=truth), folder)
    __main__.main(["compare"])
    shown = capsys.readouterr().out
    assert "EV" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
