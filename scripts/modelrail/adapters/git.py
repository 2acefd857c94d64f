"""Git, by its own program: argument lists, an isolated environment, refs that cannot be empty.

A token is never an argument and never in a URL or in `.git/config`: it travels in the child's environment, as
an extra HTTP header for the one server it belongs to.
"""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from modelrail.errors import GitError, PermissionMissingError, ToolMissingError, UnavailableError
from modelrail.settings import Secret, Settings

_SHA = re.compile(r"[0-9a-f]{40}\Z")
TIMEOUT = 600.0  # seconds; a fetch of a large history
OLDEST = (2, 34)  # older ones ignore configuration by environment, and with it the token
READS = 4  # attempts of a command that only reads from the remote
_INSTALL = "Install git 2.34 or newer."


class Git:
    """One repository, and the remote that holds the record."""

    def __init__(
        self,
        root: Path,
        *,
        remote: str = "origin",
        token: Secret | None = None,
        server_url: str = "",
        environ: Mapping[str, str],
    ) -> None:
        self.root = root
        self.remote = remote
        self._token = token or Secret("")
        self._server = server_url
        self._facts: tuple[bool, Path] | None = None
        self._settings: dict[str, list[str]] | None = None
        self._filtered = False  # a fetch may have made this a partial clone since the settings were read
        self._environ = {
            key: value
            for key, value in environ.items()
            if not key.startswith("GIT_") or key in {"GIT_SSL_CAINFO", "GIT_EXEC_PATH"}
        }

    def at(self, root: Path, remote: str) -> Git:
        """Another repository, with the same token for the same server."""
        return Git(root, remote=remote, token=self._token, server_url=self._server, environ=self._environ)

    # --- running ---------------------------------------------------------------------------------------

    def run(
        self,
        *arguments: str,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        network: bool = False,
    ) -> bytes:
        """Run git and return its stdout. Raises GitError with git's own last words."""
        done = self.attempt(*arguments, data=data, env=env, network=network)
        if done.returncode:
            raise self._error(arguments, done)
        return done.stdout

    def text(self, *arguments: str) -> str:
        return self.run(*arguments).decode("utf-8", "replace").strip()

    def attempt(
        self,
        *arguments: str,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        network: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git and return whatever came of it; raises only when git is absent or hangs.

        What only reads from the remote is tried again when the server or the line failed. A push is not:
        whether it arrived is for the caller to read back.
        """
        done = self._once(*arguments, data=data, env=env, network=network)
        for attempt in range(1, READS if network and "push" not in arguments else 1):
            if not (done.returncode and re.search(_PASSING, done.stderr)):
                break
            pause(2.0 ** (attempt - 1))
            done = self._once(*arguments, data=data, env=env, network=network)
        return done

    def _once(
        self, *arguments: str, data: bytes | None, env: Mapping[str, str] | None, network: bool
    ) -> subprocess.CompletedProcess[bytes]:
        if arguments[0] == "config":
            self._settings = None  # it may be written to
        elif any(argument.startswith("--filter") for argument in arguments):
            self._filtered = True
        if any(argument == "" or argument.startswith(":") for argument in arguments):
            # `git push origin "$EMPTY:refs/tags/x"` deletes the ref; no caller of ours means that.
            raise GitError(f"An empty argument or refspec in: git {' '.join(arguments)}")
        try:
            return subprocess.run(
                ["git", *arguments],
                cwd=self.root,
                input=data,
                env={
                    **self._environ,
                    **self._quiet(),
                    **self._configured(arguments, network),
                    **(env or {}),
                },
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except FileNotFoundError:
            raise ToolMissingError("git is not installed.", next=_INSTALL) from None
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"git {arguments[0]} did not finish within {TIMEOUT:.0f} s.") from None

    def stream(self, *arguments: str, feed: Sequence[str] = (), block: int = 1024 * 1024) -> Iterator[bytes]:
        """The stdout of a local command, piece by piece, while it runs. Raises like `run`, at the end.

        `feed`: another git command whose stdout is the first one's stdin.
        """
        import tempfile

        with tempfile.TemporaryFile() as said, contextlib.ExitStack() as both:
            source = None
            if feed:
                source = both.enter_context(self._started(feed, subprocess.DEVNULL, said))
            child = self._started(arguments, source.stdout if source else subprocess.DEVNULL, said)
            if source is not None and source.stdout is not None:
                source.stdout.close()  # the child has it; should it die, git's first half is told so
            with child:
                try:
                    if child.stdout is not None:
                        yield from iter(lambda: child.stdout.read(block) if child.stdout else b"", b"")
                except BaseException:
                    child.kill()
                    raise
            for words, ended in ((feed, source), (arguments, child)):
                if ended is not None and ended.wait():
                    said.seek(0)
                    done = subprocess.CompletedProcess(ended.args, ended.returncode, b"", said.read())
                    raise self._error(words, done)

    def _started(
        self, arguments: Sequence[str], stdin: int | IO[bytes] | None, stderr: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["git", *arguments], cwd=self.root, env={**self._environ, **self._quiet()},
                stdin=stdin, stdout=subprocess.PIPE, stderr=stderr,
            )  # fmt: skip
        except FileNotFoundError:
            raise ToolMissingError("git is not installed.", next=_INSTALL) from None

    @staticmethod
    def _quiet() -> dict[str, str]:
        return {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}

    def _configured(self, arguments: Sequence[str], network: bool) -> dict[str, str]:
        """Configuration of one call, as environment: arguments are seen by every process of the machine."""
        entries = self._auth() if network else []
        if arguments[0] == "fetch":
            # git looks whether what it got hangs together with what was there. Branches and mirrored tags are
            # enough for that; to read ten thousand tags as well takes it longer than all the rest of a fetch.
            # Known to git 2.41 and newer; older ones do not mind.
            entries = [*entries, ("fetch.hideRefs", "refs/tags")]
        if arguments[0] == "fetch" and "--stdin" in arguments:
            # Objects by name: a server that is told what commits are here takes them to be here as well.
            entries = [*entries, ("fetch.negotiationAlgorithm", "noop")]
        found = {"GIT_CONFIG_COUNT": str(len(entries))} if entries else {}
        for at, (key, value) in enumerate(entries):
            found |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
        return found

    def _auth(self) -> list[tuple[str, str]]:
        if not (self._token and self._server):
            return []
        basic = base64.b64encode(f"x-access-token:{self._token.reveal()}".encode()).decode()
        key = f"http.{self._server}/.extraheader"
        # An empty value first: whatever header the checkout left behind must not be sent as well.
        return [(key, ""), (key, f"AUTHORIZATION: basic {basic}")]

    def version(self) -> tuple[int, ...]:
        """What git says it is; empty when it does not say."""
        found = re.search(
            r"(\d+)\.(\d+)(?:\.(\d+))?", self.attempt("--version").stdout.decode("utf-8", "replace")
        )
        return tuple(int(part) for part in found.groups() if part) if found else ()

    def _error(
        self, arguments: Sequence[str], done: subprocess.CompletedProcess[bytes]
    ) -> GitError | ToolMissingError:
        said = done.stderr.decode("utf-8", "replace").strip()
        version = self.version()
        if version and version < OLDEST:
            return ToolMissingError(
                f"git {'.'.join(map(str, version))} is too old.",
                why=f"git {arguments[0]}: {said}",
                next=_INSTALL,
            )
        if denied(said):
            raise PermissionMissingError(
                f"The remote refused git {arguments[0]}.",
                why=said,
                next="Give the job its token, and `contents: read` or (to write) `contents: write`.",
            )
        if "not a git repository" in said:
            return GitError(
                f"{self.root} is not inside a Git repository.",
                next="Run modelrail in a clone, or let the reading commands name one with --remote URL;"
                " in a workflow, check it out first.",
            )
        if "dubious ownership" in said:  # a workspace of another user, as in a job's container
            import shlex

            return GitError(
                f"git does not trust {self.root}: it belongs to another user.",
                next=f"If it may: git config --global --add safe.directory {shlex.quote(str(self.root))}",
            )
        return GitError(f"git {arguments[0]} failed.", why=said)

    # --- reading ---------------------------------------------------------------------------------------

    def toplevel(self) -> Path:
        return Path(self.text("rev-parse", "--show-toplevel"))

    def facts(self) -> tuple[bool, Path]:
        """Whether this clone is a shallow one, and git's folder, that of all worktrees; asked once.

        Raises GitError outside a repository.
        """
        if self._facts is None:
            shallow, _, folder = self.text(
                "rev-parse", "--is-shallow-repository", "--git-common-dir"
            ).partition("\n")
            self._facts = (shallow == "true", self.root / folder)
        return self._facts

    def setting(self, key: str) -> str:
        """The value that git's configuration has for a key (section and name in small letters), or nothing.

        All of it is read once. A key that is written without a value is `true`, as git takes it.
        """
        return next(iter(self._values(key)[::-1]), "")

    def _values(self, key: str) -> list[str]:
        return self._configuration().get(key, [])

    def _configuration(self) -> dict[str, list[str]]:
        if self._settings is None:
            found: dict[str, list[str]] = {}
            said = self.attempt("config", "--list", "-z").stdout.decode("utf-8", "surrogateescape")
            for entry in said.split("\0")[:-1]:
                key, valued, value = entry.partition("\n")
                found.setdefault(key, []).append(value if valued else "true")
            self._settings = found
        return self._settings

    def has_remote(self) -> bool:
        """Whether the remote has an address here."""
        return bool(self._values(f"remote.{self.remote}.url"))

    @property
    def _by_address(self) -> bool:
        return re.search(r"[/:]", self.remote) is not None

    @property
    def whole(self) -> tuple[str, ...]:
        """Options of a fetch that brings files too, although the registry lacks them where it needs none."""
        # A filter that is kept for an address is the registry's; one that is kept for a name is the user's.
        return ("--no-filter",) if self._by_address else ()

    @property
    def partial(self) -> bool:
        """Whether files that this clone lacks are brought when they are read."""
        if self._filtered:
            self._settings, self._filtered = None, False
        return any(key.endswith(".promisor") for key in self._configuration())

    def url(self, *, push: bool = False) -> str:
        """The address of the remote as git uses it, or nothing where it has none here."""
        if self._by_address:
            return self.remote
        own, pushed = (self._values(f"remote.{self.remote}.{key}") for key in ("url", "pushurl"))
        wanted = pushed if push and pushed else own
        rewritten = any(key.startswith("url.") for key in self._configuration())
        if len(wanted) < 2 and not rewritten:
            return "".join(wanted)
        done = self.attempt("remote", "get-url", *(["--push"] if push else []), self.remote)
        return done.stdout.decode("utf-8", "surrogateescape").strip() if done.returncode == 0 else ""

    def refs(self, *names: str) -> dict[str, str]:
        """Those of these refs that exist, with their objects; full names."""
        said = self.text("for-each-ref", "--format=%(refname) %(objectname)", *names).splitlines()
        found = dict(line.split(" ") for line in said)
        return {name: found[name] for name in names if name in found}

    def head(self) -> str:
        """The commit that is checked out. Raises GitError outside a repository or before the first commit."""
        done = self.attempt("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if done.returncode:
            raise GitError(
                f"{self.root} is not a Git repository with a commit.",
                next="Run modelrail inside the repository; in a workflow, check it out first.",
            )
        return done.stdout.decode().strip()

    def tree(self, commit: str, path: str = ".") -> str:
        """The tree object of a folder at a commit: the identity of its code."""
        return self.text("rev-parse", f"{commit}^{{tree}}" if path == "." else f"{commit}:{path}")

    def edited(self, path: str = ".") -> list[str]:
        """Tracked files below `path` that differ from the commit, relative to the folder of this object."""
        said = self.run("diff", "--name-only", "-z", "--relative", "--no-ext-diff", "HEAD", "--", path)
        return said.decode("utf-8", "surrogateescape").split("\0")[:-1]

    def has_untracked(self, ending: str) -> bool:
        """Whether there are files of this ending that no commit holds and nothing ignores."""
        found = self.run("ls-files", "--others", "--exclude-standard", "-z")
        return any(name.endswith(ending) for name in found.decode("utf-8", "replace").split("\0"))

    def file_at(self, commit: str, path: str) -> bytes | None:
        """A file's bytes at a commit, or None when the commit has no such file."""
        self.ensure_commit(commit)
        if self.attempt("cat-file", "-e", f"{commit}:{path}").returncode:
            return None
        return self.run("cat-file", "blob", f"{commit}:{path}")

    def differing(self, old: str, new: str, path: str = ".") -> list[tuple[str, str]]:
        """Files below `path` that differ between two commits at hand: git's letter (A, D, M, T), the path."""
        said = self.run("diff-tree", "-r", "-z", "--no-renames", "--name-status", old, new, "--", path)
        parts = said.decode("utf-8", "replace").split("\0")
        return list(zip(parts[0:-1:2], parts[1::2], strict=False))

    def lines_changed(self, old: str, new: str, paths: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Lines added and removed in these files; what is not text is left out."""
        said = self.run(
            "--literal-pathspecs", "diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv",
            "--numstat", old, new, "--", *paths,
        )  # fmt: skip
        rows = [entry.split("\t", 2) for entry in said.decode("utf-8", "replace").split("\0") if entry]
        return {
            row[2]: (int(row[0]), int(row[1]))
            for row in rows
            if len(row) == 3 and row[0].isdecimal() and row[1].isdecimal()
        }

    def has_commit(self, commit: str) -> bool:
        return self.attempt("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def ensure_commit(self, commit: str) -> None:
        """Make a commit of the remote available in a shallow clone, by its exact id."""
        if not _SHA.match(commit):
            raise GitError(f"{commit!r} is not a full commit id.")
        if not self.has_commit(commit):
            # With --depth a whole clone would become a shallow one; without it a shallow one would grow.
            shallow = self.text("rev-parse", "--is-shallow-repository") == "true"
            depth = ["--depth=1"] if shallow else []
            self.run("fetch", "--quiet", "--no-tags", *self.whole, *depth, self.remote, commit, network=True)

    @contextlib.contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """The files of a commit in a folder of their own, removed afterwards."""
        import tempfile

        self.ensure_commit(commit)
        with tempfile.TemporaryDirectory(prefix="modelrail-worktree-") as parent:
            place = Path(parent) / "tree"
            self.run("worktree", "add", "--quiet", "--detach", str(place), commit)
            try:
                yield place
            finally:
                self.attempt("worktree", "remove", "--force", str(place))


# What git says when a server or a line failed; another attempt may well succeed. Compiled where a command
# failed: few do, and every start would pay for it.
_PASSING = (
    rb"returned error: (?:429|5\d\d)|RPC failed|early EOF|hung up|unexpected disconnect|Empty reply|"
    rb"transfer closed|Recv failure|Connection (?:reset|timed out)|Operation timed out|SSL_ERROR_SYSCALL|"
    rb"cannot lock ref"  # another process of this clone fetches the same
)


# Numbers count only where git means a status: ports, commits and names of repositories hold them as well.
_DENIED = (
    r"authentication failed|returned error: 40[13]\b|\bHTTP 40[13]\b|permission to \S+ denied|"
    r"could not read username|access denied|permission denied \("
)


def denied(said: str) -> bool:
    """Whether git's words say that the token or key lacks the right."""
    return re.search(_DENIED, said, re.IGNORECASE) is not None


def pause(seconds: float) -> None:
    time.sleep(seconds)


def open_repository(settings: Settings, remote: str = "") -> Git:
    """The repository of the workspace. In CI the remote is the server's own URL, else `origin`."""
    url = remote
    if not url and settings.in_ci and settings.repository:
        url = f"{settings.server_url}/{settings.repository}"
    return Git(
        settings.workspace,
        remote=url or "origin",
        token=settings.token,
        server_url=settings.server_url,
        environ=settings.environ,
    )
