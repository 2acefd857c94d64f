"""`modelrail report` as CI runs it: hostile records, the event's pull request, the local GitHub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from click.testing import CliRunner, Result

import support_records as sample
from modelrail import records
from modelrail.adapters import files
from modelrail.commands.report import command
from modelrail.errors import PermissionMissingError
from modelrail.report.view import ModelRecords

if TYPE_CHECKING:
    from support_git import LocalHub

Run = Callable[..., Result]


def write(out: Path, found: ModelRecords) -> Path:
    """The records as the verbs leave them."""
    folder = files.folder(out, found.model)
    for record in (found.data, found.candidate, found.failure):
        if record is not None:
            files.write(record, folder)
    if found.evaluation is not None:
        digest = files.write(found.evaluation, folder)
        if found.comparison is not None:
            files.write(msgspec.structs.replace(found.comparison, evaluation=digest), folder)
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def out(place: Path) -> Path:
    return place / "modelrail-out"


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: str, event: dict[str, Any] | None = None, **environ: str) -> Result:
        if event is not None:
            path = place.parent / "event.json"
            path.write_text(json.dumps(event))
            environ["GITHUB_EVENT_PATH"] = str(path)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(command, list(arguments), auto_envvar_prefix="MODELRAIL_REPORT")

    return call


def ci(place: Path, **more: str) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(place.parent / "output"),
        "GITHUB_STEP_SUMMARY": str(place.parent / "summary"),
        "GITHUB_RUN_ID": "812",
    } | more


def outputs(place: Path) -> dict[str, str]:
    lines = (place.parent / "output").read_text().splitlines()
    return {lines[i].split("<<")[0]: lines[i + 1] for i in range(0, len(lines), 3)}


# --- formats and records -----------------------------------------------------------------------------------


def test_prints_and_keeps_the_report(run: Run, out: Path) -> None:
    write(out, sample.worse_slice())
    write(out, sample.training_failed("fraud/card"))
    done = run()
    assert done.exit_code == 0
    assert done.stdout.startswith("### ⛔ Do not merge: 2 of 2 models")
    assert (out / "report.md").read_text() == done.stdout
    assert (
        (out / "fraud=card" / "report.md")
        .read_text()
        .startswith("### ⛔ Do not merge: training failed\n\n**`fraud/card` could not")
    )
    assert run("--format", "text").stdout.startswith("✗ 2 models")
    assert json.loads(run("--json").stdout)["verdict"] == "fail"
    assert run("--model", "delay").stdout.startswith(
        "### ⛔ Do not merge: recall for carrier EV fell by 4.1 points"
    )


def test_a_dry_run_writes_nothing(run: Run, out: Path, place: Path) -> None:
    folder = write(out, sample.passing())
    before = sorted(path.name for path in place.parent.rglob("*"))
    assert run("--dry-run", "--pull-request", "3", "--comment", **ci(place)).exit_code == 0
    assert sorted(path.name for path in place.parent.rglob("*")) == before
    assert not (folder / "report.md").exists()


def test_summary_and_outputs(run: Run, out: Path, place: Path) -> None:
    write(out, sample.passing())
    done = run("--format", "text", **ci(place))
    assert done.exit_code == 0
    assert outputs(place) == {"verdict": "pass", "report-path": "modelrail-out/report.md", "comment-url": ""}
    assert (place.parent / "summary").read_text().startswith("### ✅ Fine to register: all 3 gates pass")


@pytest.mark.fault(29)
def test_a_summary_that_is_nearly_full_gets_a_shorter_report(run: Run, out: Path, place: Path) -> None:
    write(out, sample.huge())
    (place.parent / "summary").write_bytes(b"x" * (1024 * 1024 - 10_000))
    assert run(**ci(place)).exit_code == 0
    summary = (place.parent / "summary").read_bytes()
    assert len(summary) <= 1024 * 1024
    assert "should not replace" in summary.decode()
    assert outputs(place)["verdict"] == "fail"


@pytest.mark.fault(36)
def test_a_programs_output_is_no_workflow_command(run: Run, out: Path, place: Path) -> None:
    failure = sample.training_failed().failure
    assert failure is not None
    evil = msgspec.structs.replace(failure, tail="::error::x\n::add-mask::y")
    write(out, ModelRecords(model="delay", failure=evil))
    environ = {**os.environ, **ci(place), "PYTHONPATH": str(Path(records.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "modelrail", "report"], cwd=place, env=environ, capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    assert "│ ::error::x" in lines
    assert not [line for line in lines if line.lstrip().startswith("::")]


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("comparison.json", b"{", "is not JSON"),
        ("comparison.json", b'{"schema": "modelrail/comparison/9"}', "is not a Comparison record"),
        ("candidate.json", b'{"model": "a", "model": "b"}', "the key"),
        ("data-report.json", b"\xff\xfe", "is not JSON"),
        ("evaluation.json", b"[" * 100_000, "is not JSON"),
        ("failure.json", b"null", "is not a Failure record"),
    ],
)
def test_a_malformed_record_is_said_and_blocks(
    run: Run, out: Path, name: str, data: bytes, words: str
) -> None:
    folder = write(out, sample.passing())
    (folder / name).write_bytes(data)
    done = run()
    assert done.exit_code == 0
    assert "`delay` could not be evaluated: its records cannot be trusted" in done.stdout
    assert words in done.stdout


@pytest.mark.fault(24)
def test_links_and_foreign_folders_are_not_followed(run: Run, out: Path, place: Path) -> None:
    folder = write(out, sample.passing())
    secret = place.parent / "secret.json"
    secret.write_text('{"token": "hush"}')
    (folder / "candidate.json").unlink()
    (folder / "candidate.json").symlink_to(secret)
    (out / "linked").symlink_to(folder, target_is_directory=True)
    done = run()
    assert "hush" not in done.stdout
    assert "linked" not in done.stdout
    assert "could not be evaluated" in done.stdout


@pytest.mark.fault(19)
def test_a_comparison_of_another_evaluation_blocks(run: Run, out: Path) -> None:
    folder = write(out, sample.passing())
    comparison = sample.passing().comparison
    assert comparison is not None
    files.write(comparison, folder)
    assert "The comparison was not made from this evaluation" in run().stdout


def test_models_of_the_configuration_that_left_no_record(run: Run, out: Path, place: Path) -> None:
    write(out, sample.passing())
    (place / "modelrail.yaml").write_text("version: 1\nmodels: {delay: {tusk: binary}}\n")
    shown = run(**ci(place)).stdout
    assert "could not be evaluated: the configuration has faults" in shown
    assert "models.delay" in shown
    assert (out / "modelrail.yaml" / "failure.json").is_file()


# --- what changed ------------------------------------------------------------------------------------------


def test_the_baselines_evidence_beside_the_records(run: Run, out: Path) -> None:
    data = files.encode(sample.baseline())
    folder = write(out, with_evidence(files.digest_bytes(data)))
    (folder / "baseline-evidence.json").write_bytes(data)
    assert "What changed: code, 1 parameter" in run().stdout
    (folder / "baseline-evidence.json").write_bytes(data.replace(b'"6"', b'"7"'))
    assert "What changed" not in run().stdout


def with_evidence(digest: str) -> ModelRecords:
    found = sample.worse_slice()
    assert found.evaluation is not None
    reference = msgspec.structs.replace(found.evaluation.baseline_ref, evidence_digest=digest)
    return msgspec.structs.replace(
        found, evaluation=msgspec.structs.replace(found.evaluation, baseline_ref=reference)
    )


def test_the_baselines_evidence_from_its_release(
    run: Run, out: Path, place: Path, hub: LocalHub, repository: Path, git: Callable[..., str]
) -> None:
    from modelrail.adapters.github.client import GitHub
    from modelrail.plans import Asset, PublishRelease
    from modelrail.settings import Secret

    hub.seed(repository)
    git(repository, "tag", "-a", "delay@v1.2.1", "-m", "x")
    git(repository, "push", "--quiet", hub.authorized_url(), "refs/tags/delay@v1.2.1")
    path = place.parent / "evidence.json"
    path.write_bytes(files.encode(sample.baseline()))
    digest = files.digest_file(path)
    import requests

    with requests.Session() as session:
        GitHub(hub.api_url, Secret(hub.token), hub.repository, session=session).publish_release(
            PublishRelease(
                tag="delay@v1.2.1", title="x", body="x", prerelease=False, latest=True,
                assets=(Asset(name="evidence.json", path=path, digest=digest),),
            )
        )  # fmt: skip
    folder = write(out, with_evidence(digest))
    done = run(**ci(place), **hub.environ(hub.bot_token(contents="read")))
    assert "What changed: code, 1 parameter" in done.stdout
    assert (folder / "baseline-evidence.json").is_file()


# --- the pull request --------------------------------------------------------------------------------------


@pytest.fixture
def pull(hub: LocalHub, repository: Path, git: Callable[..., str]) -> dict[str, Any]:
    hub.seed(repository)
    git(repository, "checkout", "--quiet", "-b", "better")
    (repository / "params.yaml").write_text("depth: 9\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Deeper")
    hub.seed(repository, "better")
    hub.hub.open_pull_request("octo", "flights", head="better", base="main", title="Deeper", user="octo")
    return pull_of(hub)


def pull_of(hub: LocalHub) -> dict[str, Any]:
    import requests

    answer = requests.get(
        f"{hub.api_url}/repos/{hub.repository}/pulls/1",
        headers={"Authorization": f"Bearer {hub.token}"},
        timeout=5,
    )
    return dict(answer.json())


def comments(hub: LocalHub) -> list[str]:
    return [str(found["body"]) for found in hub.hub.comments("octo", "flights", 1)]


def pr_ci(place: Path, hub: LocalHub, **permissions: str) -> dict[str, str]:
    granted = permissions or {"pull_requests": "write"}
    return ci(place, **hub.environ(hub.bot_token(**granted)), GITHUB_EVENT_NAME="pull_request")


def test_one_comment_updated_in_place(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    write(out, sample.worse_slice())
    event = {"pull_request": pull, "number": 1}
    assert run(event=event, **pr_ci(place, hub)).exit_code == 0
    first = outputs(place)["comment-url"]
    assert first.startswith(hub.url)
    (only,) = comments(hub)
    assert only.startswith("<!-- modelrail:report -->\n### ⛔ Do not merge: recall for carrier EV fell")
    assert f"/{hub.repository}/actions/runs/812)" in only
    write(out, sample.passing())
    run(event=event, **pr_ci(place, hub))
    (only,) = comments(hub)
    assert "may replace" in only


def test_the_same_again_leaves_the_comment_alone_and_earlier_runs_are_folded(
    run: Run,
    out: Path,
    place: Path,
    hub: LocalHub,
    pull: dict[str, Any],
    repository: Path,
    git: Callable[..., str],
) -> None:
    write(out, sample.worse_slice())
    run(event={"pull_request": pull}, **pr_ci(place, hub))
    before = hub.hub.comments("octo", "flights", 1)
    done = run(event={"pull_request": pull}, **{**pr_ci(place, hub), "GITHUB_RUN_ID": "900"})
    assert "says the same already" in done.stderr
    assert hub.hub.comments("octo", "flights", 1) == before
    assert "Earlier runs" not in str(before[0]["body"])
    (repository / "params.yaml").write_text("depth: 10\n")
    git(repository, "commit", "--quiet", "-am", "Deeper still")
    hub.seed(repository, "better")
    write(out, sample.passing())
    run(event={"pull_request": pull_of(hub)}, **pr_ci(place, hub))
    (only,) = comments(hub)
    assert "Earlier runs of this pull request: 1" in only
    assert f"| ⛔ blocked | `{pull['head']['sha'][:10]}` | recall for carrier EV fell" in only


def of_commit(hub: LocalHub, sha: str, what: str) -> Any:
    import requests

    answer = requests.get(
        f"{hub.api_url}/repos/{hub.repository}/commits/{sha}/{what}",
        headers={"Authorization": f"Bearer {hub.token}"},
        timeout=5,
    )
    return answer.json()


def test_a_check_run_with_notes_once(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    folder = write(out, sample.worse_slice())
    files.write(
        records.Places(model="delay", file="modelrail.yaml", lines={"models.delay.gates[3]": 41}), folder
    )
    for _ in range(2):
        done = run(event={"pull_request": pull}, **pr_ci(place, hub, pull_requests="write", checks="write"))
        assert done.exit_code == 0
    (check,) = of_commit(hub, pull["head"]["sha"], "check-runs")["check_runs"]
    assert (check["name"], check["conclusion"]) == ("modelrail", "failure")
    assert check["output"]["title"] == "Do not merge: recall for carrier EV fell by 4.1 points [2.9, 5.3]"
    assert check["output"]["annotations_count"] == 1
    write(out, sample.passing())
    run(event={"pull_request": pull}, **pr_ci(place, hub, pull_requests="write", checks="write"))
    newest = max(
        of_commit(hub, pull["head"]["sha"], "check-runs")["check_runs"], key=lambda found: int(found["id"])
    )
    assert newest["conclusion"] == "success"


def test_a_status_where_checks_may_not_be_written(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    write(out, sample.worse_slice())
    for _ in range(2):
        run(event={"pull_request": pull}, **pr_ci(place, hub, pull_requests="write", statuses="write"))
    (status,) = of_commit(hub, pull["head"]["sha"], "statuses")
    assert (status["context"], status["state"]) == ("modelrail", "failure")
    assert status["description"] == "Do not merge: recall for carrier EV fell by 4.1 points [2.9, 5.3]"
    assert of_commit(hub, pull["head"]["sha"], "check-runs")["check_runs"] == []


@pytest.mark.fault(10)
def test_without_the_permission_the_report_does_without_a_check(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    write(out, sample.passing())
    done = run(event={"pull_request": pull}, **pr_ci(place, hub))
    assert done.exit_code == 0
    assert "No check run is written" in done.stderr
    assert "checks: write" in done.stderr
    assert len(comments(hub)) == 1


def test_a_push_has_no_pull_request(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    write(out, sample.passing())
    done = run(
        "--comment", event={"ref": "refs/heads/main"}, **{**pr_ci(place, hub), "GITHUB_EVENT_NAME": "push"}
    )
    assert done.exit_code == 0
    assert comments(hub) == []


@pytest.mark.fault(7)
def test_an_old_run_does_not_overwrite_a_newer_one(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    write(out, sample.passing())
    old = {**pull, "head": {**pull["head"], "sha": "0" * 40}}
    done = run(event={"pull_request": old}, **pr_ci(place, hub))
    assert done.exit_code == 0
    assert "newer commits" in done.stderr
    assert comments(hub) == []


@pytest.mark.fault(10)
def test_a_token_that_cannot_write_is_an_error_after_the_report(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    write(out, sample.passing())
    done = run(event={"pull_request": pull}, **pr_ci(place, hub, pull_requests="read"))
    assert isinstance(done.exception, PermissionMissingError)
    assert (out / "report.md").is_file()
    assert outputs(place)["verdict"] == "pass"


def fork_event(pull: dict[str, Any], **run_of: Any) -> dict[str, Any]:
    head = pull["head"]
    return {
        "workflow_run": {
            "id": 7,
            "event": "pull_request",
            "conclusion": "success",
            "html_url": "http://127.0.0.1/octo/flights/actions/runs/7",
            "head_branch": head["ref"],
            "head_sha": head["sha"],
            "head_repository": {"full_name": "eve/flights", "owner": {"login": "eve"}},
            "pull_requests": [],
        }
        | run_of
    }


@pytest.fixture
def fork(hub: LocalHub, repository: Path, git: Callable[..., str]) -> dict[str, Any]:
    hub.seed(repository)
    hub.hub.fork("octo", "flights", to="eve")
    git(repository, "checkout", "--quiet", "-b", "patch")
    (repository / "params.yaml").write_text("depth: 9\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Deeper")
    eve = hub.hub.token_for("eve")
    url = hub.running.git_url("eve", "flights").replace("http://", f"http://x-access-token:{eve}@")
    git(repository, "push", "--quiet", url, "HEAD:refs/heads/patch")
    hub.hub.open_pull_request("octo", "flights", head="eve:patch", base="main", title="Deeper", user="eve")
    return pull_of(hub)


@pytest.mark.fault(23)
def test_a_forks_report_goes_to_the_pull_request_of_the_event(
    run: Run, out: Path, place: Path, hub: LocalHub, fork: dict[str, Any]
) -> None:
    folder = write(out, sample.worse_slice())
    (folder / "pull-request.txt").write_text("99")  # what an artifact claims
    environ = {**pr_ci(place, hub), "GITHUB_EVENT_NAME": "workflow_run"}
    assert run(event=fork_event(fork), **environ).exit_code == 0
    (only,) = comments(hub)
    assert "should not replace" in only
    assert "(http://127.0.0.1/octo/flights/actions/runs/7)" in only


def test_a_sealed_model_is_left_to_the_job_that_scores_it(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    files.write(
        records.Sealed(model="delay", sealed="rows", run=records.RunRef()), files.folder(out, "delay")
    )
    result = run(event={"pull_request": pull}, **pr_ci(place, hub))
    assert result.exit_code == 0
    assert "`sealed.yml` posts the report" in result.stderr
    assert comments(hub) == []


def test_a_claim_to_be_sealed_silences_nothing(
    run: Run, out: Path, place: Path, hub: LocalHub, fork: dict[str, Any]
) -> None:
    """Of a stranger's run: an earlier comment that said "pass" would else stay."""
    files.write(
        records.Sealed(model="delay", sealed="rows", run=records.RunRef()), files.folder(out, "delay")
    )
    environ = {**pr_ci(place, hub), "GITHUB_EVENT_NAME": "workflow_run"}
    assert run(event=fork_event(fork), **environ).exit_code == 0
    (only,) = comments(hub)
    assert "The test set is sealed: this run cannot read it" in only
    assert "⛔" in only


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    "change",
    [
        {"head_sha": "0" * 40},
        {"head_branch": "main"},
        {"head_repository": {"full_name": "mallory/flights", "owner": {"login": "mallory"}}},
    ],
)
def test_a_run_of_another_commit_branch_or_owner_posts_nothing(
    run: Run, out: Path, place: Path, hub: LocalHub, fork: dict[str, Any], change: dict[str, Any]
) -> None:
    write(out, sample.worse_slice())
    done = run(event=fork_event(fork, **change), **{**pr_ci(place, hub), "GITHUB_EVENT_NAME": "workflow_run"})
    assert done.exit_code == 0
    assert "Nothing is posted" in done.stderr
    assert comments(hub) == []


def test_on_the_forks_own_run_nothing_is_tried(
    run: Run, out: Path, place: Path, hub: LocalHub, fork: dict[str, Any]
) -> None:
    write(out, sample.passing())
    done = run(event={"pull_request": fork}, **pr_ci(place, hub, pull_requests="read"))
    assert done.exit_code == 0
    assert "comes from a fork" in done.stderr


def test_dependabots_own_run_leaves_the_comment_to_the_run_that_follows(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    """Its branch is of this repository, and yet its token can only read."""
    write(out, sample.passing())
    done = run(event={"pull_request": pull}, **pr_ci(place, hub), GITHUB_ACTOR="dependabot[bot]")
    assert done.exit_code == 0
    assert "from Dependabot" in done.stderr
    assert comments(hub) == []
    event = fork_event(pull, head_repository={"full_name": hub.repository, "owner": {"login": "octo"}})
    run(event=event, **{**pr_ci(place, hub), "GITHUB_EVENT_NAME": "workflow_run"})
    assert len(comments(hub)) == 1


def test_both_ways_of_posting_write_one_comment(
    run: Run, out: Path, place: Path, hub: LocalHub, pull: dict[str, Any]
) -> None:
    """A caller without its `if` follows pull requests that their own run has commented already."""
    write(out, sample.passing())
    run(event={"pull_request": pull}, **pr_ci(place, hub))
    event = fork_event(
        pull,
        head_repository={"full_name": hub.repository, "owner": {"login": "octo"}},
        html_url=f"{hub.url}/{hub.repository}/actions/runs/812",
    )
    before = comments(hub)
    run(event=event, **{**pr_ci(place, hub), "GITHUB_EVENT_NAME": "workflow_run"})
    assert comments(hub) == before
    assert len(before) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"event": "push"}, "was of the event 'push'"),
        ({"conclusion": "skipped"}, "ended as 'skipped'"),
        ({"conclusion": "action_required"}, "ended as 'action_required'"),
        ({"conclusion": None}, "ended as None"),
        ({"head_repository": None}, "a deleted fork?"),
    ],
)
def test_runs_that_have_nothing_to_say(
    run: Run, out: Path, place: Path, hub: LocalHub, fork: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    write(out, sample.worse_slice())
    done = run(event=fork_event(fork, **change), **{**pr_ci(place, hub), "GITHUB_EVENT_NAME": "workflow_run"})
    assert done.exit_code == 0
    assert words in done.stderr
    assert comments(hub) == []


@pytest.mark.fault(5, 8)
def test_an_artifact_whose_download_is_cut_is_tried_again(
    run: Run, place: Path, make_hub: Callable[..., LocalHub], repository: Path, git: Callable[..., str]
) -> None:
    import io
    import zipfile

    from modelrail.localhub.faults import Fault, Incoming

    def cut_once(request: Incoming) -> Fault | None:
        return Fault(cut="body") if request.path.startswith("/_artifacts/") and request.nth == 1 else None

    hub = make_hub(faults=cut_once)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("delay/failure.json", files.encode(sample.training_failed().failure))
    hub.seed(repository)
    started = hub.hub.start_run(
        "octo",
        "flights",
        workflow="pull-request.yml",
        event="pull_request",
        head_branch="x",
        head_sha="0" * 40,
    )
    hub.hub.add_artifact(started["id"], "modelrail-records", archive.getvalue())
    event = {"workflow_run": {"id": started["id"], "event": "pull_request", "conclusion": "failure"}}
    environ = ci(place, **hub.environ(hub.bot_token(actions="read")), GITHUB_EVENT_NAME="workflow_run")
    done = run("--no-comment", event=event, **environ)
    assert done.exit_code == 0, done.output
    assert "training failed" in done.stdout


# --- cost --------------------------------------------------------------------------------------------------


def test_imports_nothing_heavy(out: Path, place: Path) -> None:
    write(out, sample.worse_slice())
    scripts = str(Path(records.__file__).parents[1])
    code = (
        "import sys; from modelrail.__main__ import main; code = main(['report']); "
        "heavy = {'numpy', 'polars', 'pandas', 'requests', 'mlflow'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy or code else 0)"
    )
    environ = {**os.environ, "PYTHONPATH": scripts}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, env=environ, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
