"""The inputs of a model on disk: which version of each file is there, and what the model is a function of."""

from __future__ import annotations

from pathlib import Path

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.data import dvc
from modelrail.adapters.git import Git
from modelrail.adapters.running.environments import Environment
from modelrail.config import resolved as config
from modelrail.core import params
from modelrail.errors import DataError
from modelrail.settings import Settings


def place(model: config.Model, root: Path, name: str) -> Path:
    """A path of modelrail.yaml on disk, held inside the repository. Raises DataError."""
    found = root / model.path / name
    if not found.resolve().is_relative_to(root.resolve()):
        raise DataError(
            f"{name} is outside the repository.",
            next="Paths in modelrail.yaml stay below its folder.",
            file=name,
        )
    return found


def pull(model: config.Model, root: Path, settings: Settings, *, train: bool) -> list[str]:
    """Fetch what DVC tracks and what is not there yet; never what is sealed."""
    test = [] if model.data.sealed == "rows" else [model.data.test]
    names = [*test, *([model.data.train] if train and model.data.train else []), *model.data.needs]
    return dvc.pull([place(model, root, name) for name in names], settings, root)


def pull_beside(
    model: config.Model, tree: Path, settings: Settings, further: tuple[str, ...] = ()
) -> list[str]:
    """In a worktree of another commit: what the model's code reads beside the tables, as that commit has it.

    `further`: names that today's configuration knows; that commit's own may be older than `needs:`.
    """
    names = dict.fromkeys((*model.data.needs, *further))
    with dvc.as_in(settings.workspace, tree):
        return dvc.pull([place(model, tree, name) for name in names], settings, tree)


def version(
    model: config.Model, root: Path, name: str, git: Git, *, rows: bool = True
) -> records.DataVersion:
    """The version of one data file as it is now: DVC's own hash, else the SHA-256 of its content."""
    path = place(model, root, name)
    if model.data.sealed == "rows" and name == model.data.test:
        return records.DataVersion(path=name, digest=sealed_digest(path, root), source="dvc")
    if not path.is_file():
        raise DataError(
            f"The data file {name} of {model.name} does not exist.",
            next="If DVC tracks it, commit its `.dvc` file; else correct its path in modelrail.yaml.",
            file=name,
        )
    from modelrail.adapters.data import tables

    tracked = dvc.find(path, root)
    total = tables.count(path) if rows else None
    if tracked is not None:
        return records.DataVersion(path=name, digest=tracked.digest, source="dvc", rows=total)
    relative = path.absolute().relative_to(root.absolute()).as_posix()
    in_git = git.attempt("ls-files", "--error-unmatch", "--", relative).returncode == 0
    return records.DataVersion(
        path=name, digest=files.digest_file(path), source="git" if in_git else "file", rows=total
    )


def sealed_digest(path: Path, root: Path) -> str:
    """The version of a sealed table, read from DVC's file about it. Raises DataError without one."""
    tracked = dvc.find(path, root)
    if tracked is None:
        raise DataError(
            f"{path.name} is sealed, and DVC does not track it.",
            why="What stands in the repository is readable by every job.",
            next="Keep it in a DVC remote of its own; see docs/sealed.md.",
            file=str(path.relative_to(root)),
        )
    return tracked.digest


def parameters(model: config.Model, root: Path) -> dict[str, str]:
    """The parameter file, flattened; empty when the model has none."""
    if model.params is None:
        return {}
    path = place(model, root, model.params)
    try:
        return params.read(path.read_bytes(), model.params)
    except OSError as error:
        raise DataError(
            f"The parameter file {model.params} of {model.name} cannot be read.",
            why=str(error),
            file=model.params,
        ) from None


def fingerprint(
    model: config.Model, root: Path, git: Git, environment: Environment, values: dict[str, str]
) -> records.Fingerprint:
    """Everything that the model is a function of, read before training begins."""
    head = git.head()
    return records.Fingerprint(
        commit=head,
        code=git.tree(head, model.path),
        dirty=bool(edited(model, root, git, model.path)),
        train=version(model, root, model.data.train, git) if model.data.train else None,
        test=version(model, root, model.data.test, git),
        params=params.digest(values) if model.params else None,
        environment=environment.digest,
    )


def edited(model: config.Model, root: Path, git: Git, path: str = ".") -> list[str]:
    """Tracked files below `path` that differ from the commit.

    What the training itself writes is no input of it, also where somebody committed it.
    """
    own = [place(model, root, name).resolve() for name in (model.model, model.metrics_file) if name]
    return [
        name
        for name in git.edited(path)
        if not any((root / name).resolve().is_relative_to(output) for output in own)
    ]


def summary(model: config.Model, root: Path, name: str, git: Git, table: str) -> records.TableSummary:
    """Size and version of one table."""
    from modelrail.adapters.data import tables

    found = version(model, root, name, git)
    return records.TableSummary(
        table="train" if table == "train" else "test",
        version=found,
        rows=found.rows or 0,
        columns=len(tables.columns(place(model, root, name))),
    )
