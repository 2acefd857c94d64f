"""The user's environment: kept by what it is made of, built once, never modelrail's own."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import support_models as support
from modelrail.adapters.running import environments
from modelrail.errors import EnvironmentFailedError

IDENTITY = ("cpython", "3.11.0", "x86_64")


def digest(path: Path) -> str:
    return environments.requirements_digest(path, path.parent, IDENTITY)


def test_the_digest_is_over_all_that_the_file_includes(tmp_path: Path) -> None:
    main, other = tmp_path / "requirements.txt", tmp_path / "base.txt"
    main.write_text("-r base.txt\nsix\n")
    other.write_text("tomli\n-c base.txt\n")  # a circle is no problem
    first = digest(main)
    assert digest(main) == first
    other.write_text("tomli==2.0.1\n")
    assert digest(main) != first
    assert environments.requirements_digest(main, tmp_path, ("cpython", "3.12.0", "x86_64")) != digest(main)


@pytest.mark.parametrize("line", ["-e .", ".", "./lib", "../x", "/opt/x", "file:///x", "x @ file:///x"])
def test_code_of_one_commit_is_no_part_of_a_shared_environment(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"six\n{line}\n")
    with pytest.raises(EnvironmentFailedError, match="local folder") as caught:
        digest(tmp_path / "requirements.txt")
    assert caught.value.line == 2


def test_a_file_that_is_not_there_or_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(EnvironmentFailedError, match="cannot be read"):
        digest(root / "requirements.txt")
    (tmp_path / "out.txt").write_text("six\n")
    (root / "requirements.txt").write_text("-r ../out.txt\n")
    with pytest.raises(EnvironmentFailedError, match="outside"):
        digest(root / "requirements.txt")


def test_without_env_it_is_the_users_python_and_not_ours(tmp_path: Path) -> None:
    found = environments.prepare(support.model(env=None), tmp_path, support.surroundings(tmp_path))
    assert found.python.resolve().parent != (Path(sys.prefix) / "bin")
    assert (
        found.digest == environments.prepare(support.model(), tmp_path, support.surroundings(tmp_path)).digest
    )


def test_activation_puts_it_first(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").touch()
    made = environments.Environment(tmp_path / "bin/python", "x").activate({"PATH": "/usr/bin", "A": "b"})
    assert made == {"PATH": f"{tmp_path}/bin:/usr/bin", "A": "b", "VIRTUAL_ENV": str(tmp_path)}


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_build_that_fails_shows_why_and_leaves_nothing(
    tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.txt").write_text("not-a-package ==\n")
    which = environments.shutil.which
    monkeypatch.setattr(
        environments.shutil,
        "which",
        lambda name, **k: None if name == "uv" and tool == "pip" else which(name, **k),
    )
    settings = support.surroundings(tmp_path)
    with pytest.raises(EnvironmentFailedError, match="could not be built") as caught:
        environments.prepare(support.model(env="requirements.txt"), tmp_path, settings)
    assert "not-a-package" in caught.value.tail
    assert not [path for path in (settings.cache / "envs").iterdir() if path.is_dir()]


@pytest.mark.slow
def test_a_real_environment_is_built_once_by_two_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("six==1.17.0\n")
    index = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
    settings, model = support.surroundings(tmp_path, **index), support.model(env="requirements.txt")
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: environments.prepare(model, tmp_path, settings), range(2))
    assert one == two
    assert capsys.readouterr().err.count("Building the environment") == 1
    done = subprocess.run(
        [one.python, "-c", "import six; print(six.__version__)"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1.17.0"
    assert list((one.python.parent.parent / "lib").rglob("six*.pyc"))
    # A build that was killed is begun again.
    (one.python.parent.parent / environments.MARKER).unlink()
    assert environments.prepare(model, tmp_path, settings) == one
    assert "Building the environment" in capsys.readouterr().err
