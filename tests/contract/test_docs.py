"""The generated documentation is what the code says today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WRITTEN = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/cli.md", "docs/actions.md",
           "docs/configuration.md", "docs/faults.md")  # fmt: skip


def test_generating_again_changes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate-docs"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", WRITTEN)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert ((ROOT / name).parent / target.split("#")[0]).exists(), target


def test_the_forty_faults_are_listed() -> None:
    source = yaml.safe_load((ROOT / "tests" / "faults.yaml").read_text(encoding="utf-8"))
    assert list(source["faults"]) == list(range(1, 41))
    assert list(source["promises"]) == [f"S{number}" for number in range(1, 10)]


def test_the_configuration_in_the_readme_is_valid() -> None:
    from modelrail.config import check as config_check

    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    policies = [block for block in blocks if "version: 1" in block]
    assert policies
    for block in policies:
        config_check.parse(block, "README.md")
