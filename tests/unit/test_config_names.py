"""The names in modelrail.yaml, as `show` reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelrail.config import names as config_names
from modelrail.config import schema as config_schema
from support_registry import CONFIG, policy


def test_the_names_are_those_of_the_whole_check(tmp_path: Path) -> None:
    file = tmp_path / "modelrail.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    assert config_names.read(file) == {"delay": tuple(stage.name for stage in policy().stages)}
    file.write_text(CONFIG[: CONFIG.index("    stages:")], encoding="utf-8")
    assert config_names.read(file) == {"delay": tuple(config_schema.DEFAULT_STAGES)}


@pytest.mark.parametrize(
    "text", ["", "x", "models: [a]", "models: {a: 1, '$(id)': {}}", "\t", "models: {a: {stages: []}}"]
)
def test_a_file_that_is_wrong_names_what_can_be_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "modelrail.yaml"
    file.write_text(text, encoding="utf-8")
    assert set(config_names.read(file)) <= {"a"}
    file.write_bytes(b"\xff")
    assert config_names.read(file) == {}
