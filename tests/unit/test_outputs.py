"""Step outputs of verbs over several models."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from modelrail import settings
from modelrail.commands import _outputs

ONE = {"verdict": "pass", "rows": 3, "baseline-version": "v1.0.0"}


def told(
    tmp_path: Path, by_model: dict[str, _outputs.Values], overall: _outputs.Values | None = None
) -> dict[str, str]:
    place = tmp_path / "out"
    place.touch()
    surroundings = settings.read({"HOME": str(tmp_path), "GITHUB_OUTPUT": str(place)}, cwd=tmp_path)
    _outputs.tell(surroundings, by_model, overall)
    return dict(re.findall(r"^(.+)<<(?:.+)\n(.*)\n", place.read_text(), re.MULTILINE))


def test_one_model_has_plain_outputs(tmp_path: Path) -> None:
    found = told(tmp_path, {"delay": ONE})
    assert json.loads(found.pop("models")) == {"delay": ONE}
    assert found == {"verdict": "pass", "rows": "3", "baseline-version": "v1.0.0"}


@pytest.mark.parametrize("order", [1, -1])
def test_no_model_speaks_for_another(tmp_path: Path, order: int) -> None:
    other = {"verdict": "fail", "rows": 3, "baseline-version": ""}
    both = dict([("delay", ONE), ("fraud", other)][::order])
    found = told(tmp_path, both, {"verdict": "fail"})
    assert json.loads(found.pop("models")) == both
    assert found == {"verdict": "fail", "rows": "3", "baseline-version": ""}


def test_nothing_done_is_nothing_told(tmp_path: Path) -> None:
    assert told(tmp_path, {}) == {}
