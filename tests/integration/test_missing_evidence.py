"""Fault 35: the job that should have judged was skipped, cancelled, or died. Nothing is registered.

The release run hands records from job to job; here they arrive incomplete in every way.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelrail import records
from modelrail.adapters import files
from support_registry import Project, project

pytestmark = pytest.mark.fault(35)


@pytest.fixture
def consumer(tmp_path: Path) -> Project:
    return project(tmp_path)


def nothing(folder: Path) -> None:
    shutil.rmtree(folder.parent)


def no_model_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def only_a_failure(folder: Path) -> None:
    for path in folder.glob("*.json"):
        path.unlink()
    files.write(
        records.Failure(
            model="delay",
            command="evaluate",
            kind="prediction",
            code=12,
            what="x",
            why="",
            next="",
            path="",
            tail="",
        ),
        folder,
    )


def without(name: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        (folder / name).unlink()

    remove.__name__ = f"without_{name}"
    return remove


def no_model_file(folder: Path) -> None:
    shutil.rmtree(folder / "model")


def empty(folder: Path) -> None:
    (folder / "evidence.json").write_bytes(b"")


WAYS = [
    nothing, no_model_folder, only_a_failure, no_model_file, empty,
    *map(without, ("candidate.json", "evaluation.json", "comparison.json", "evidence.json")),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))
def test_incomplete_records_register_nothing(consumer: Project, way: Callable[[Path], None]) -> None:
    consumer.train("one")
    way(consumer.root / "modelrail-out" / "delay")
    said = consumer.run("register", code=None)
    assert said.code not in {0, 1}, said.err
    assert said.outputs.get("registered", "false") == "false"
    assert consumer.remote_tags() == {}
    assert consumer.local_tags() == {}
    assert "Traceback" not in said.err


@pytest.mark.parametrize("verdict", ["fail", "inconclusive"])
def test_what_did_not_pass_registers_nothing(consumer: Project, verdict: str) -> None:
    consumer.train("one", verdict=verdict)
    said = consumer.run("register", code=4)
    assert f"the verdict is {verdict}" in said.err
    assert consumer.remote_tags() == {}


def test_evidence_of_an_earlier_run_does_not_stand_in(consumer: Project) -> None:
    """The folder of the last candidate, beside the file of this one."""
    consumer.train("one")
    evidence = (consumer.root / consumer.evidence_file()).read_bytes()
    consumer.train("two")
    (consumer.root / consumer.evidence_file()).write_bytes(evidence)
    said = consumer.run("register", code=8)
    assert "does not hold together" in said.err
    assert consumer.remote_tags() == {}


@pytest.mark.fault(22)
def test_evidence_judged_by_other_gates_registers_nothing(consumer: Project) -> None:
    """The training code of the release run may have rewritten modelrail.yaml on its disk."""
    file = consumer.root / "modelrail.yaml"
    text = file.read_text()
    file.write_text(text.replace("min: 0.70", "min: 0.10"))
    consumer.train("one")
    consumer.git("checkout", "--quiet", "HEAD~1", "--", "modelrail.yaml")
    assert file.read_text() == text
    said = consumer.run("register", code=6)
    assert "judged by other rules than those of this checkout" in said.err
    assert consumer.remote_tags() == {}
