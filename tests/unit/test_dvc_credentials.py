"""The DVC secret reaches `dvc pull`, and neither the workspace nor any other program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelrail import settings
from modelrail.adapters.data import dvc

SECRET = "['remote \"store\"']\n    password = canary-4711\n"


@pytest.fixture
def tracked(repository: Path) -> Path:
    (repository / ".dvc").mkdir()
    (repository / "data.csv.dvc").write_text(
        "outs:\n- md5: 900150983cd24fb0d6963f7d28e17f72\n  hash: md5\n  path: data.csv\n", encoding="utf-8"
    )
    return repository


def test_the_secret_is_dvcs_global_configuration_for_one_call(
    tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "dvc"
    fake.parent.mkdir()
    fake.write_text(
        "#!/usr/bin/env python3\n"
        "import json, os, pathlib\n"
        "place = os.environ['DVC_GLOBAL_CONFIG_DIR']\n"
        "config = pathlib.Path(place, 'config')\n"
        "seen = {'place': place, 'text': config.read_text(), 'env': [k for k in os.environ if 'RAIL' in k]}\n"
        f"pathlib.Path({str(tmp_path / 'seen.json')!r}).write_text(json.dumps(seen))\n"
        "pathlib.Path('data.csv').write_text('abc')\n",
        encoding="utf-8",
    )
    fake.chmod(0o755)
    monkeypatch.setattr(dvc, "program", lambda *_: str(fake))
    surroundings = settings.read(
        {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "MODELRAIL_DVC_REMOTE": SECRET}, cwd=tracked
    )

    assert dvc.pull([tracked / "data.csv"], surroundings, tracked) == ["data.csv.dvc"]

    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert seen["text"] == SECRET
    assert seen["env"] == []
    assert not Path(seen["place"]).exists()
    assert "canary-4711" not in repr(surroundings.dvc_remote)
    assert not [path for path in tracked.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]


def test_without_a_secret_nothing_is_set(tracked: Path, tmp_path: Path) -> None:
    surroundings = settings.read({"HOME": str(tmp_path)}, cwd=tracked)
    with dvc._credentials(surroundings) as env:
        assert env == {}
