"""`modelrail report` on a real (pseudo) terminal: colour there, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import modelrail
import support_records as sample
from modelrail.adapters import files


def on_a_terminal(place: Path, *form: str, **environ: str) -> str:
    """What `modelrail report` writes to a pseudo-terminal."""
    parent, child = pty.openpty()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "MODELRAIL_"))}
    env.pop("NO_COLOR", None)
    env["PYTHONPATH"] = str(Path(modelrail.__file__).parents[1])
    command = [sys.executable, "-m", "modelrail", "report", *form, "--no-comment"]
    with subprocess.Popen(command, cwd=place, env=env | {"TERM": "xterm"} | environ, stdout=child) as process:
        os.close(child)
        blocks = []
        while True:
            try:
                block = os.read(parent, 65536)
            except OSError:  # the other end is closed
                break
            if not block:
                break
            blocks.append(block)
        process.wait(30)
    os.close(parent)
    return b"".join(blocks).decode()


def test_a_real_terminal_gets_colour_unless_it_says_no(tmp_path: Path) -> None:
    found = sample.training_failed()
    assert found.failure is not None
    files.write(found.failure, files.folder(tmp_path / "modelrail-out", "delay"))
    assert "\x1b[1;31m✗\x1b[0m" in on_a_terminal(tmp_path)
    for said in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"GITHUB_ACTIONS": "true"}):
        plain = on_a_terminal(tmp_path, "--format", "text", **said)
        assert ": training failed" in plain.splitlines()[0]
        assert "\x1b" not in plain


def test_a_code_page_without_our_signs_stops_nothing(tmp_path: Path) -> None:
    found = sample.training_failed()
    assert found.failure is not None
    files.write(found.failure, files.folder(tmp_path / "modelrail-out", "delay"))
    shown = on_a_terminal(tmp_path, PYTHONIOENCODING="cp1252")
    assert shown.startswith("\x1b[1;31m?\x1b[0m"), "a question mark in place of the sign"
    assert "training failed" in shown
    env = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(Path(modelrail.__file__).parents[1])}
    command = [sys.executable, "-m", "modelrail", "report", "--format", "md", "--no-comment"]
    piped = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True).stdout
    assert piped.decode().startswith("### \N{NO ENTRY} ")
