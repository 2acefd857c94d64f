"""The tool's own virtual environments: which one a verb needs, where it is, and the start of the verb in it.

Standard library only, and little of it: this runs before every command of every action. An environment
stands in `$MODELRAIL_CACHE/tools` (default: the user's cache folder), its name says its extras and the
digest of the requirement files and of the interpreter, so that a change of either makes a new one. An
environment that has more than the verb needs serves it too: a job that warmed up all its verbs has one.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterable

# What each verb needs beyond `core`. A verb that is not named here needs nothing more.
EXTRAS: dict[str, tuple[str, ...]] = {
    "validate-data": ("data", "dvc"),
    "train": ("data", "dvc", "mlflow"),
    "evaluate": ("data", "dvc"),
    "score-sealed": ("data", "dvc"),
    "compare": ("data",),
    "hub": ("hub",),
    "act": ("act", "hub"),
}
# Schemes of DVC remotes -> what `dvc` needs beyond itself; folders and HTTP it reads alone. Installed only
# where the repository's DVC configuration names one: a pull request can choose among these, and add none.
REMOTES = {"s3": "dvc-s3", "gs": "dvc-gs", "azure": "dvc-azure", "ssh": "dvc-ssh"}
CONFIGURATIONS = (".dvc/config", ".dvc/config.local")
MOST_BYTES = 1 << 20  # of a configuration; DVC's own has a few hundred
MOST_SHARDS = 256  # jobs of a matrix, by GitHub's limits
USAGE = 2
COMPLETE = ".complete"  # written last; without it an environment is half-built
# -I: neither PYTHON* variables nor the folder of the caller decide what is imported. A pull request may well
# hold a file of the name `requests.py`, and the token of this process must not meet it.
_START = (
    "import sys; sys.path.insert(0, {here!r}); from modelrail.__main__ import main; raise SystemExit(main())"
)


def main(here: str, arguments: list[str]) -> int:  # noqa: RET503 - execv does not return
    """Start a verb in its environment (this process becomes it), or only prepare one (`--warm`)."""
    warm = arguments[:1] == ["--warm"]
    # An action's input comes by environment, so that no shell splits it.
    verbs = (arguments[1:] or os.environ.get("MODELRAIL_WARM", "").split()) if warm else _verb(arguments)
    extras = needed(verbs)
    if "dvc" in extras:
        extras = with_remotes(extras, [*configurations("."), os.environ.get("MODELRAIL_DVC_REMOTE", "")])
    environment = find(here, extras)
    if environment is None:
        from modelrail import toolenv_build

        try:
            environment = toolenv_build.build(here, extras, folder(), name(here, extras))
        except toolenv_build.BuildError as error:
            return toolenv_build.report(error)
    if warm:
        return _tell_shards(os.environ.get("MODELRAIL_SHARDS", ""), os.environ.get("GITHUB_OUTPUT", ""))
    interpreter = python(environment)
    start = _START.format(here=here)
    os.execv(  # noqa: S606 - no shell is wanted
        interpreter, [interpreter, "-I", "-X", "utf8", "-c", start, *arguments]
    )


def _tell_shards(number: str, output: str) -> int:
    """Write the list that a job's matrix needs: expressions of a workflow can count, but not list."""
    if not number or not output:
        return 0
    if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= MOST_SHARDS:
        sys.stderr.write(
            f"shards: {number!r} is no number from 1 to {MOST_SHARDS}, the most jobs that a matrix has.\n"
        )
        return USAGE
    with open(output, "a", encoding="utf-8") as stream:
        stream.write(f"shards={list(range(1, int(number) + 1))}\n")
    return 0


def _verb(arguments: list[str]) -> list[str]:
    return [argument for argument in arguments if not argument.startswith("-")][:1]


def needed(verbs: Iterable[str]) -> tuple[str, ...]:
    """The extras of these verbs, `core` first."""
    return ("core", *sorted({extra for verb in verbs for extra in EXTRAS.get(verb, ())}))


def with_remotes(extras: Iterable[str], texts: Iterable[str]) -> tuple[str, ...]:
    """These extras, and those of every remote that the texts of DVC configurations name."""
    found = {REMOTES[scheme] for text in texts for scheme in schemes(text) if scheme in REMOTES}
    return ("core", *sorted((found | set(extras)) - {"core"}))


def schemes(text: str) -> set[str]:
    """Of every line `url = SCHEME://...`, in whatever section. A text that is no configuration has none."""
    found = set()
    for line in text.splitlines():
        key, _, value = line.partition("=")
        scheme, separator, _ = value.strip().lstrip("\"'").partition("://")
        if separator and key.strip().strip("\"'") == "url":
            found.add(scheme.lower())
    return found


def configurations(root: str) -> list[str]:
    """The texts of the repository's DVC configuration. What cannot be read has none: DVC will say so."""
    texts = []
    for path in CONFIGURATIONS:
        try:
            # A pull request may have put anything there: a pipe must not be waited for.
            number = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if stat.S_ISREG(os.fstat(number).st_mode):
                texts.append(os.read(number, MOST_BYTES).decode("utf-8-sig", "replace"))
        except OSError:
            pass
        finally:
            os.close(number)
    return texts


def folder() -> str:
    """Where the environments are: the same cache folder as settings.py reads."""
    cache = os.environ.get("MODELRAIL_CACHE")
    if not cache:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        cache = os.path.join(base, "modelrail")
    # The real path: programs in an environment name its interpreter by it, and a link may go away.
    return os.path.realpath(os.path.join(os.path.abspath(cache), "tools"))


def requirement_files(here: str, extras: Iterable[str]) -> list[str]:
    return [os.path.join(os.path.dirname(here), "requirements", f"{extra}.txt") for extra in extras]


def digest(here: str) -> str:
    """Twelve hex digits over the interpreter and every requirement file that an environment can hold."""
    every = {extra for extras in (*EXTRAS.values(), REMOTES.values()) for extra in extras}
    everything = ("core", *sorted(every))
    total = hashlib.sha256(f"{sys.version}\0{sys.base_prefix}\0{sys.platform}\0{os.uname().machine}".encode())
    for path in requirement_files(here, everything):
        with open(path, "rb") as stream:
            total.update(stream.read())
    return total.hexdigest()[:12]


def name(here: str, extras: tuple[str, ...]) -> str:
    return f"{'+'.join(extras)}-{digest(here)}"


def python(environment: str) -> str:
    return os.path.join(environment, "bin", "python")


def is_complete(environment: str) -> bool:
    """Whether it was built to the end and its interpreter is still there."""
    return os.path.exists(os.path.join(environment, COMPLETE)) and os.access(python(environment), os.X_OK)


def find(here: str, extras: tuple[str, ...]) -> str | None:
    """The smallest complete environment that has these extras, or None."""
    place = folder()
    exact = name(here, extras)
    if is_complete(os.path.join(place, exact)):
        return os.path.join(place, exact)
    suffix = exact.rpartition("-")[2]
    try:
        entries = os.listdir(place)
    except OSError:
        return None
    larger = []
    for entry in entries:
        has, _, key = entry.rpartition("-")
        if key == suffix and set(extras) <= set(has.split("+")):
            larger.append((entry.count("+"), entry))
    for _, entry in sorted(larger):
        if is_complete(os.path.join(place, entry)):
            return os.path.join(place, entry)
    return None
