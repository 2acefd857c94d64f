"""scripts/modelrail-run: the tool's own environments. The installer is a stand-in but for the slow test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelrail import toolenv, toolenv_build

ROOT = Path(__file__).parents[2]
RUN = ROOT / "scripts" / "modelrail-run"
HERE = str(ROOT / "scripts")

# Makes an environment that is this test's own interpreter, and counts how often it was asked to.
FAKE_UV = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
  venv)
    for last; do :; done
    mkdir -p "$last/bin" "$last/lib"
    printf '#!/bin/sh\\nexec "{python}" "$@"\\n' > "$last/bin/python"
    chmod +x "$last/bin/python"
    ;;
  pip)
    sleep 0.2
    test ! -e "{fail}" || {{ echo "no such index"; exit 3; }}
    ;;
esac
"""


class Tool:
    def __init__(self, tmp_path: Path) -> None:
        self.cache = tmp_path / "cache"
        self.log = tmp_path / "uv.log"
        self.fail = tmp_path / "fail"
        folder = tmp_path / "bin"
        folder.mkdir()
        uv = folder / "uv"
        uv.write_text(FAKE_UV.format(log=self.log, python=sys.executable, fail=self.fail), encoding="utf-8")
        uv.chmod(0o755)
        self.env = {
            **os.environ,
            "MODELRAIL_CACHE": str(self.cache),
            "PATH": f"{folder}:{os.environ['PATH']}",
        }

    def run(self, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(RUN), *arguments],
            cwd=cwd, env=self.env | env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def builds(self) -> int:
        return self.log.read_text(encoding="utf-8").count("venv ") if self.log.exists() else 0

    @property
    def environments(self) -> list[str]:
        return sorted(
            path.name.rpartition("-")[0] for path in (self.cache / "tools").iterdir() if path.is_dir()
        )


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


def test_built_once_and_then_used(tool: Tool) -> None:
    assert tool.run("--version").stdout.startswith("modelrail, version")
    assert tool.run("--version").returncode == 0
    assert tool.builds == 1
    assert tool.environments == ["core"]
    log = tool.log.read_text(encoding="utf-8")
    assert "--require-hashes" in log
    assert "requirements/core.txt" in log


def test_only_the_extras_that_the_verb_needs(tool: Tool) -> None:
    tool.run("--warm", "compare")
    tool.run("--warm", "train")
    assert tool.environments == ["core+data", "+".join(toolenv.needed(["train"]))]


def test_an_environment_with_more_serves_too(tool: Tool) -> None:
    tool.run("--warm", MODELRAIL_WARM="validate-data train evaluate compare report")
    assert tool.environments == ["core+data+dvc+mlflow"]
    for verb in ("compare", "train", "show"):
        tool.run("--warm", verb)
    assert tool.builds == 1


def test_what_the_dvc_remote_asks_for_comes_with_it(tool: Tool, tmp_path: Path) -> None:
    """The first step warms up what the others need; a verb without data has nothing of it."""
    (tmp_path / "work" / ".dvc").mkdir(parents=True)
    config = tmp_path / "work" / ".dvc" / "config"
    config.write_text("['remote \"far\"']\n    url = s3://bucket/data\n", encoding="utf-8")
    verbs = "validate-data train evaluate compare report"
    tool.run("--warm", cwd=tmp_path / "work", MODELRAIL_WARM=verbs)
    tool.run("validate-data", "--help", cwd=tmp_path / "work")
    tool.run("--warm", "compare", cwd=tmp_path / "work")
    tool.run("--warm", "validate-data", cwd=tmp_path)  # more than it needs, and it is there
    assert tool.environments == ["core+data+dvc+dvc-s3+mlflow"]
    assert "requirements/dvc-s3.txt" in tool.log.read_text(encoding="utf-8")
    secret = "['remote \"far\"']\nurl = ssh://host/data\n"
    tool.run("--warm", "validate-data", cwd=tmp_path, MODELRAIL_DVC_REMOTE=secret)
    tool.run("--warm", "show", cwd=tmp_path, MODELRAIL_DVC_REMOTE=secret)
    assert tool.environments == ["core+data+dvc+dvc-s3+mlflow", "core+data+dvc+dvc-ssh"]


def test_a_half_built_and_a_broken_one_are_built_again(tool: Tool) -> None:
    tool.run("--warm", "show")
    (place,) = [path for path in (tool.cache / "tools").iterdir() if path.is_dir()]
    (place / toolenv.COMPLETE).unlink()
    (place / "rubbish").touch()
    tool.run("--warm", "show")
    assert tool.builds == 2
    assert not (place / "rubbish").exists()
    (place / "bin" / "python").unlink()
    (place / "bin" / "python").symlink_to("/nowhere/python3")  # the interpreter was uninstalled
    tool.run("--warm", "show")
    assert tool.builds == 3
    assert tool.run("--version").returncode == 0


def test_a_failed_installation_leaves_nothing_and_says_why(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool.fail.touch()
    # pip is tried next; it must not reach a real index here.
    done = tool.run(
        "--warm", "show", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_NO_INDEX="1"
    )
    assert done.returncode == 10
    assert "could not be installed" in done.stderr
    assert "Traceback" not in done.stderr
    assert tool.environments == []
    tool.fail.unlink()
    assert tool.run("--version").returncode == 0


def test_two_at_once_build_once(tool: Tool) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: tool.run("--warm", "show"), range(4)))
    assert [one.returncode for one in done] == [0] * 4
    assert tool.builds == 1
    assert any("waiting for it" in one.stderr for one in done)


def test_who_waited_keeps_an_environment_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tests-<key>` is no name of extras: one that waited must not build it again under who works in it."""
    here, name = str(Path(toolenv.__file__).parents[1]), "tests-0123456789ab"
    place = tmp_path / name
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(sys.executable)
    (place / toolenv.COMPLETE).touch()
    monkeypatch.setenv("MODELRAIL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(toolenv_build, "_install", lambda *_: pytest.fail("built again"))
    assert toolenv_build.build(here, ("core", "dev"), str(tmp_path), name) == str(place)


def test_an_unwritable_cache_is_a_clear_error(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = tool.run("--version", MODELRAIL_CACHE=str(tmp_path / "file" / "cache"))
    assert done.returncode == 10
    assert "MODELRAIL_CACHE" in done.stderr


@pytest.mark.fault(26)
def test_nothing_of_the_callers_folder_is_imported(tool: Tool, tmp_path: Path) -> None:
    """A pull request may hold `click.py`; it must not run where the token is."""
    hostile = tmp_path / "hostile"
    (hostile / "modelrail").mkdir(parents=True)
    canary = tmp_path / "canary"
    for name in ("click.py", "hashlib.py", "sitecustomize.py", "os.py", "modelrail/__init__.py"):
        (hostile / name).write_text(f"open({str(canary)!r}, 'w')\n", encoding="utf-8")
    done = tool.run("--help", cwd=hostile, PYTHONSTARTUP=str(hostile / "click.py"))
    assert done.returncode == 0, done.stderr
    assert not canary.exists()


@pytest.mark.fault(26)
def test_nothing_of_the_callers_folder_takes_part_in_the_installation(tool: Tool, tmp_path: Path) -> None:
    """Where uv is not there, pip brings it: `python -m pip` would import the `pip.py` of a pull request."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    canary = tmp_path / "canary"
    for name in ("pip.py", "venv.py"):
        (hostile / name).write_text(f"open({str(canary)!r}, 'w')\n", encoding="utf-8")
    bare = os.pathsep.join(part for part in ("/usr/bin", "/bin") if not Path(part, "uv").exists())
    done = tool.run("--version", cwd=hostile, PATH=bare, PIP_NO_INDEX="1")
    assert done.returncode == 10  # no index to install from
    assert not canary.exists()


def test_a_link_to_the_script_works(tool: Tool, tmp_path: Path) -> None:
    link = tmp_path / "modelrail"
    link.symlink_to(RUN)
    done = subprocess.run([sys.executable, link, "--version"], env=tool.env, capture_output=True, check=False)
    assert done.returncode == 0


def test_the_exit_code_is_the_commands(tool: Tool) -> None:
    assert tool.run("no-such-verb").returncode == 2


def test_it_costs_next_to_nothing_when_it_is_there(tool: Tool) -> None:
    """CPU of finding the environment above that of an empty Python; wall time says more of the machine."""
    tool.run("--warm", "show")

    def cpu(*command: str) -> float:
        best = 10.0
        for _ in range(5):
            child = subprocess.Popen(command, env=tool.env, stdout=subprocess.DEVNULL)
            usage = os.wait4(child.pid, 0)[2]
            child.returncode = 0
            best = min(best, usage.ru_utime + usage.ru_stime)
        return best

    assert cpu(sys.executable, str(RUN), "--warm", "show") - cpu(sys.executable, "-c", "pass") < 0.1


def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    source = RUN.read_text(encoding="utf-8")
    head = source[: source.index("HERE =")]
    compile(head, "modelrail-run", "exec")
    assert 'f"' not in head
    assert "walrus" not in head
    namespace = head.replace("sys.version_info < (3, 11)", "True")
    done = subprocess.run([sys.executable, "-c", namespace], capture_output=True, text=True, check=False)
    assert done.returncode == 19
    assert "needs Python 3.11" in done.stderr


@pytest.mark.slow
def test_without_uv_it_is_fetched_by_pip(tmp_path: Path) -> None:
    """The real thing, on a machine that has Python and pip alone."""
    home = os.environ["HOME"]
    path = os.pathsep.join(part for part in ("/usr/bin", "/bin") if not shutil.which("uv", path=part))
    done = subprocess.run(
        [os.path.realpath(sys.executable), str(RUN), "--version"],
        env={**os.environ, "HOME": home, "PATH": path, "MODELRAIL_CACHE": str(tmp_path / "cache")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("modelrail, version"), done.stderr
    assert list((tmp_path / "cache" / "tools").glob("uv-*/bin/uv"))


def test_the_numbers_of_the_shards_for_a_matrix(tmp_path, monkeypatch):
    output = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    monkeypatch.setattr(toolenv, "find", lambda *_: "there")
    for number, code in (("1", 0), ("3", 0), ("0", 2), ("257", 2), ("3; id", 2), ("", 0)):
        monkeypatch.setenv("MODELRAIL_SHARDS", number)
        assert toolenv.main(HERE, ["--warm", "evaluate"]) == code
    assert output.read_text().splitlines() == ["shards=[1]", "shards=[1, 2, 3]"]
