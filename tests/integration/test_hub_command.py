"""`modelrail hub`: started in the background, found, ended; what it held is there again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

pytest.importorskip("flask")
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def modelrail(*arguments: str) -> subprocess.CompletedProcess[str]:
    environ = dict(os.environ) | {"PYTHONPATH": str(SCRIPTS)}
    return subprocess.run(
        [sys.executable, "-m", "modelrail", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_hub_starts_stops_and_remembers(tmp_path: Path) -> None:
    state = ["--state", str(tmp_path / "hub")]
    assert modelrail("hub", "status", *state).returncode == 7
    started = modelrail("hub", "start", *state, "--repository", "octo/flights", "--json")
    assert started.returncode == 0, started.stderr
    place = json.loads(started.stdout)
    try:
        headers = {"Authorization": f"Bearer {place['tokens']['octo']}"}
        answer = requests.get(f"{place['api-url']}/user", headers=headers, timeout=10)
        assert answer.json()["login"] == "octo"
        status = json.loads(modelrail("hub", "status", *state, "--json").stdout)
        assert (status["url"], status["repositories"]) == (place["url"], ["octo/flights"])
        again = modelrail("hub", "start", *state)
        assert (again.returncode, "already serves" in again.stderr) == (5, True)
    finally:
        stopped = modelrail("hub", "stop", *state)
    assert stopped.returncode == 0, stopped.stderr
    assert modelrail("hub", "stop", *state).returncode == 7
    with pytest.raises(requests.ConnectionError):
        requests.get(place["url"], timeout=2)
    second = json.loads(modelrail("hub", "start", *state, "--json").stdout)
    try:
        answer = requests.get(f"{second['api-url']}/repos/octo/flights", headers=headers, timeout=10)
        assert answer.status_code == 200
    finally:
        assert modelrail("hub", "stop", *state).returncode == 0


def test_hub_refuses_a_name_that_is_none(tmp_path: Path) -> None:
    done = modelrail("hub", "start", "--state", str(tmp_path / "hub"), "--repository", "flights")
    assert done.returncode == 2
    assert "OWNER/NAME" in done.stderr
