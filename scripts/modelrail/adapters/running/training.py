"""Run the user's training command and see to it that what it wrote is of this run."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelrail.adapters import files, process
from modelrail.adapters.actions_io import say
from modelrail.adapters.running import inputs
from modelrail.adapters.running.environments import Environment
from modelrail.config import resolved as config
from modelrail.core import params, traceback
from modelrail.errors import ConfigError, TrainingError
from modelrail.settings import Settings

_ASIDE = ".modelrail-earlier-"  # then the process and a random part


def run(
    model: config.Model, root: Path, environment: Environment, settings: Settings, extra: Mapping[str, str]
) -> float:
    """The command in the model's folder, without tokens; returns wall seconds. Raises TrainingError."""
    model_path = inputs.place(model, root, model.model)
    outputs = [model_path]
    if model.metrics_file:
        outputs.append(inputs.place(model, root, model.metrics_file))
    home = (root / model.path).resolve()
    for path in outputs:
        # They are moved aside before the training: that must never be a folder with the user's work in it.
        if home == path.resolve() or home.is_relative_to(path.resolve()):
            raise ConfigError(
                f"{path.name or path} is the model's own folder.",
                next="`model:` names the file that the training writes.",
                path=f"models.{model.name}.model",
                file=config.FILE,
            )
    with set_aside(outputs):
        model_path.parent.mkdir(parents=True, exist_ok=True)
        done = process.run(
            shlex.split(model.train),
            cwd=root / model.path,
            env=environment.activate(settings.child_environ({"PYTHONUNBUFFERED": "1", **extra})),
            timeout=model.train_timeout,
            prefix="  train │ ",
        )
        if done.timed_out:
            raise TrainingError(
                f"The training of {model.name} did not finish within {model.train_timeout:g} s.",
                next="Raise `timeout: {train: …}`, or make it shorter.",
                path=f"models.{model.name}.train",
                tail=done.tail,
            )
        if done.code:
            how = f"ended by signal {-done.code}" if done.code < 0 else f"failed with exit code {done.code}"
            raise TrainingError(
                f"The training of {model.name} {how}: {model.train}",
                why=_lacking(model, environment, done.tail),
                next=f"Its last lines say why. By hand{_in(model.path)}: {model.train}",
                path=f"models.{model.name}.train",
                tail=done.tail,
                **_place(done.tail, root, model.path),
            )
        for path in outputs:
            if not path.exists():
                raise TrainingError(
                    f"The training of {model.name} ended without an error and did not write"
                    f" {path.relative_to(root).as_posix()}.",
                    next="`model:` and `metrics_file:` are relative to the model's folder;"
                    " correct them or the script.",
                    path=f"models.{model.name}.{'model' if path == model_path else 'metrics_file'}",
                    tail=done.tail,
                )
    return done.seconds


def _lacking(model: config.Model, environment: Environment, tail: str) -> str:
    """Whose packages the training could use, when it missed one: never those beside modelrail itself."""
    if "ModuleNotFoundError" not in tail:
        return ""
    if model.env is None:
        return f"Without `env:` it runs with {environment.python}; name a requirements file there."
    return f"It has the packages of {model.env}, and no others."


def _in(folder: str) -> str:
    return "" if folder == "." else f", in {folder}"


def _place(tail: str, root: Path, folder: str) -> dict[str, Any]:
    """File and line where the user's own code failed, as far as its last lines tell."""
    for name, line in traceback.frames(tail, root.resolve().as_posix(), folder):
        path = root / name
        if path.is_file() and ".venv" not in path.parts and "site-packages" not in path.parts:
            return {"file": files.in_repository(path), "line": line}
    return {}


@contextlib.contextmanager
def set_aside(outputs: list[Path]) -> Iterator[None]:
    """Move what an earlier run left out of the way, and put it back when this run fails.

    Otherwise a command that writes nothing would pass off yesterday's model as its own.
    """
    kept: list[tuple[Path, Path]] = []
    with contextlib.ExitStack() as stack:
        for path in outputs:
            _recover(path)
            if path.exists() or path.is_symlink():
                # Beside the original: a rename never copies and never crosses file systems.
                folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f"{_ASIDE}{os.getpid()}-"))
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                os.rename(path, folder / path.name)  # noqa: PTH104
                kept.append((path, folder / path.name))
        try:
            yield
        except BaseException:
            for path, earlier in kept:
                _put_back(earlier, path)
            raise


def _put_back(earlier: Path, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    os.replace(earlier, path)  # noqa: PTH105


def _recover(path: Path) -> None:
    """Put back what a run that was killed had set aside; what it had written until then goes."""
    for folder in sorted(path.parent.glob(f"{_ASIDE}*")):
        process_id = folder.name.removeprefix(_ASIDE).partition("-")[0]
        if process_id.isdigit() and _alive(int(process_id)):
            continue  # another training, of another model beside this one
        earlier = folder / path.name
        if earlier.exists() or earlier.is_symlink():
            _put_back(earlier, path)
            say(f"! An earlier training was killed: {path.name} is again what it was before.")
        with contextlib.suppress(OSError):  # not empty: it holds another model's file
            folder.rmdir()


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return process_id != os.getpid()  # of a process that had this number before


def metrics(model: config.Model, root: Path) -> dict[str, float]:
    """What the training itself reported. Raises TrainingError naming the metric that is no finite number."""
    if model.metrics_file is None:
        return {}
    path = inputs.place(model, root, model.metrics_file)
    return params.metrics(path.read_bytes(), model.metrics_file)
