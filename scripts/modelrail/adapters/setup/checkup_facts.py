"""Collects what core/doctor/checkup.py judges: files of the working copy, Git, settings. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from modelrail.adapters import git as git_adapter
from modelrail.adapters.data import dvc
from modelrail.adapters.git import Git
from modelrail.adapters.setup import look
from modelrail.config import resolved as config
from modelrail.core.doctor import callers, checkup
from modelrail.core.doctor.github import Remote, Unseen
from modelrail.errors import (
    ConfigError,
    ConfigFault,
    GitHubError,
    ModelrailError,
    NotFoundError,
    PermissionMissingError,
)
from modelrail.settings import Settings

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub

MAX_WORKFLOW_BYTES = 1_000_000
MAX_RULESETS = 50
_NOT_ASKED = "the token may not ask (it needs `administration: read`, which a workflow's token never has)."
T = TypeVar("T")


# --- the working copy ---------------------------------------------------------------------------------------


def local(root: Path, config_file: str, settings: Settings) -> checkup.Local:
    from modelrail.config import check as config_check

    git = Git(root, environ=settings.environ)
    models: tuple[config.Model, ...] = ()
    faults: tuple[ConfigFault, ...] = ()
    absent = not (root / config_file).is_file()
    if not absent:
        try:
            models = config_check.load(root / config_file).models
        except ConfigError as error:
            faults = error.faults or (_fault(error),)
    branch = look.default_branch(git)
    workflows = _workflows(root)
    inside = git.attempt("rev-parse", "--is-inside-work-tree").returncode == 0
    return checkup.Local(
        faults=faults,
        absent=absent,
        models=models,
        requirements={path: _text(root / path) for path in _requirement_files(models)},
        data=tuple(_files(models, root, git)),
        dvc_remote=_has_dvc_remote(root),
        workflows=workflows,
        on_default=_on_branch(git, branch) if inside else None,
        default_branch=branch,
        git=git.version(),
        oldest_git=git_adapter.OLDEST,
        shallow=inside and git.text("rev-parse", "--is-shallow-repository") == "true",
        remote=git.attempt("remote", "get-url", "origin").stdout.decode("utf-8", "replace").strip(),
        ignored=not inside or git.attempt("check-ignore", "--quiet", "modelrail-out/x").returncode == 0,
    )


def _fault(error: ConfigError) -> ConfigFault:
    return ConfigFault(error.path or config.FILE, error.what, error.next)


def _requirement_files(models: Iterable[config.Model]) -> list[str]:
    return sorted({_within(model, model.env) for model in models if model.env})


def _within(model: config.Model, path: str) -> str:
    return path if model.path == "." else f"{model.path}/{path}"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:MAX_WORKFLOW_BYTES]
    except OSError:
        return None


def _files(models: Iterable[config.Model], root: Path, git: Git) -> Iterable[checkup.File]:
    """The tables that the models read, and who keeps them."""
    named = {
        _within(model, path)
        for model in models
        for path in (model.data.train, model.data.test, *model.data.needs)
        if path
    }
    for path in sorted(named):
        try:
            by_dvc = dvc.find(root / path, root) is not None
        except ModelrailError:
            by_dvc = False
        if by_dvc:
            yield checkup.File(path=path, tracked="dvc")
        else:
            known = git.attempt("ls-files", "--error-unmatch", "--", path).returncode == 0
            yield checkup.File(path=path, tracked="git" if known else "")


def _has_dvc_remote(root: Path) -> bool:
    """A remote that a job has too: `config.local` is of this machine alone."""
    import configparser

    text = _text(root / ".dvc" / "config") or ""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string("\n".join(line.strip() for line in text.splitlines()))
    except configparser.Error:
        return False
    return parser.has_option("core", "remote")


def _workflows(root: Path) -> tuple[callers.Workflow, ...]:
    found = []
    for path in sorted((root / ".github" / "workflows").glob("*.y*ml")):
        text = _text(path) if path.is_file() else None
        workflow = callers.read(path.name, text) if text else None
        if workflow is not None:
            found.append(workflow)
    return tuple(found)


def _on_branch(git: Git, branch: str) -> frozenset[str] | None:
    """The workflow files of the default branch, as last fetched; without a remote, this clone's own."""
    for ref in (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"):
        if git.attempt("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").returncode == 0:
            done = git.attempt("ls-tree", "--name-only", "-z", ref, ".github/workflows/")
            names = done.stdout.decode("utf-8", "replace").split("\0")
            return frozenset(name.rsplit("/", 1)[-1] for name in names if name)
    return None


def shipped() -> dict[str, callers.Caller]:
    """The callers of this version, by purpose."""
    found = (callers.read(name, text) for name, text in look.caller_workflows(sealed=True).items())
    return {caller.purpose: caller for workflow in found if workflow for caller in workflow.callers}


# --- GitHub -------------------------------------------------------------------------------------------------


def remote(github: GitHub) -> Remote:
    """Ask for everything that this token may see. Raises when the repository itself cannot be read."""
    base = github.base
    answer = github.http.send("GET", base)
    repository = answer.json()
    scopes = answer.headers.get("X-OAuth-Scopes", "")
    private = bool(repository.get("private"))
    actions = _ask(lambda: github.http.get(f"{base}/actions/permissions"))
    listed = isinstance(actions, dict) and actions.get("allowed_actions") == "selected"
    return Remote(
        repository=repository,
        kind=_kind(github.http.token_prefix()),
        scopes=tuple(part.strip() for part in scopes.split(",") if part.strip()),
        actions=actions,
        selected=_ask(lambda: github.http.get(f"{base}/actions/permissions/selected-actions"))
        if listed
        else None,
        workflow=_ask(lambda: github.http.get(f"{base}/actions/permissions/workflow")),
        forks=_ask(lambda: github.http.get(f"{base}/actions/permissions/fork-pr-workflows-private-repos"))
        if private
        else None,
        approval=None
        if private
        else _ask(lambda: github.http.get(f"{base}/actions/permissions/fork-pr-contributor-approval")),
        rulesets=_ask(lambda: _rulesets(github)),
        environments=_ask(lambda: _environments(github)),
        immutable=_immutable(github),
    )


def _ask(question: Callable[[], T]) -> T | Unseen:
    try:
        return question()
    except PermissionMissingError:
        return Unseen(why=_NOT_ASKED)
    except NotFoundError:
        return Unseen(why="the server has no answer to it.")
    except GitHubError as error:
        return Unseen(why=error.what)


def _kind(prefix: str) -> str:
    return {"ghs_": "workflow", "ghp_": "classic", "gith": "fine-grained", "gho_": "app", "ghu_": "app"}.get(
        prefix, "other"
    )


def _rulesets(github: GitHub) -> list[Any]:
    listed = list(github.http.pages(f"{github.base}/rulesets", limit=1, complete=False))
    return [github.http.get(f"{github.base}/rulesets/{int(one['id'])}") for one in listed[:MAX_RULESETS]]


def _environments(github: GitHub) -> list[Any]:
    found = github.http.get(f"{github.base}/environments", per_page=100)
    return list(found.get("environments") or ())


def _immutable(github: GitHub) -> Any:
    """404 says that they are not; or that the server is too old to have them."""
    try:
        return github.http.get(f"{github.base}/immutable-releases")
    except NotFoundError:
        return {"enabled": False}
    except PermissionMissingError:
        return Unseen(why=_NOT_ASKED)
    except GitHubError:
        return None
