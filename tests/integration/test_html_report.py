"""The pages that `modelrail report` prints and keeps, from records on disk; where the pictures come from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from click.testing import CliRunner, Result

import support_html
import support_records as sample
from modelrail import records
from modelrail.adapters import files
from modelrail.commands.report import command
from modelrail.report.view import ModelRecords

Run = Callable[..., Result]


def write(out: Path, found: ModelRecords) -> Path:
    """The records as the verbs leave them, digests and all."""
    folder = files.folder(out, found.model)
    for record in (found.data, found.candidate, found.failure, *found.extras):
        if record is not None:
            files.write(record, folder)
    if found.evaluation is not None and found.comparison is not None:
        digest = files.write(found.evaluation, folder)
        digest = files.write(msgspec.structs.replace(found.comparison, evaluation=digest), folder)
        if found.plots is not None:
            files.write(msgspec.structs.replace(found.plots, comparison=digest), folder)
    return folder


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "modelrail-out"


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def test_html_and_junit_are_printed_and_kept(out: Path, run: Run) -> None:
    folder = write(out, support_html.flights(extras=support_html.extras()))
    printed = run("--format", "html").stdout
    assert printed.lower().startswith("<!doctype html>")
    for words in ("ROC curve", "Calibration", "Robustness", "Importance of the features", "Fairness"):
        assert words in printed
    assert (folder / "report.html").read_text() == (out / "report.html").read_text() == printed
    root = ET.fromstring(run("--format", "junit").stdout.encode())
    assert root.get("failures") == "1"
    assert ET.parse(out / "junit.xml").getroot().attrib == root.attrib


def test_a_page_a_model_and_one_of_all(out: Path, run: Run) -> None:
    for name in ("delay", "fraud/card"):
        write(out, support_html.flights(name))
    assert run().exit_code == 0
    assert "2 of 2 models should not replace" in (out / "report.html").read_text()
    page = (out / "fraud=card" / "report.html").read_text()
    assert "fraud/card should not replace v1.2.1" in page
    assert "of 2 models" not in page


def test_a_dry_run_keeps_nothing(out: Path, run: Run) -> None:
    write(out, support_html.flights())
    assert "ROC curve" in run("--format", "html", "--dry-run").stdout
    assert not list(out.rglob("report.html"))
    assert not list(out.rglob("junit.xml"))


@pytest.mark.parametrize(
    "plots",
    [
        b"{}",
        b"not JSON",
        files.encode(support_html.plots()),  # of another comparison
        files.encode(support_html.plots("other")),
    ],
    ids=["no record", "no JSON", "another comparison", "another model"],
)
def test_pictures_that_do_not_belong_are_left_out_and_decide_nothing(
    out: Path, run: Run, plots: bytes
) -> None:
    folder = write(out, support_html.flights(worse=None))
    (folder / records.Plots.FILE).write_bytes(plots)
    done = run("--format", "html")
    assert "delay may replace v1.2.1" in done.stdout
    assert "ROC curve" not in done.stdout


def test_a_link_is_no_record_of_pictures(out: Path, run: Run, tmp_path: Path) -> None:
    folder = write(out, support_html.flights(worse=None))
    elsewhere = tmp_path / "elsewhere.json"
    (folder / records.Plots.FILE).rename(elsewhere)
    (folder / records.Plots.FILE).symlink_to(elsewhere)
    assert "ROC curve" not in run("--format", "html").stdout


def test_an_extra_record_of_another_model_is_not_shown(out: Path, run: Run) -> None:
    folder = write(out, support_html.flights(worse=None))
    for record in support_html.extras("other"):
        files.write(record, folder)
    assert "Robustness" not in run("--format", "html").stdout


def test_a_failure_has_its_page(out: Path, run: Run) -> None:
    write(out, sample.training_failed())
    page = run("--format", "html").stdout
    assert "could not be evaluated: training failed" in page
    assert "not in index" in page


def test_the_report_needs_the_core_alone(out: Path, tmp_path: Path) -> None:
    write(out, support_html.flights())
    program = (
        "import sys; from modelrail.__main__ import main; sys.argv[1:] = ['report', '--format', 'html'];"
        "\ntry: main()\nexcept SystemExit as ended: assert not ended.code, ended.code"
        "\nassert not {'numpy', 'polars', 'pandas', 'sklearn'} & set(sys.modules), sys.modules.keys()"
    )
    scripts = Path(__file__).parents[2] / "scripts"
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={**env, "PYTHONPATH": str(scripts)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "<!doctype html>" in done.stdout
