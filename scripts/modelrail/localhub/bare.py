"""One bare repository, read and written by the git program: refs, objects, merges without a working tree."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ZERO = "0" * 40
_SHA = re.compile(r"[0-9a-f]{40}\Z")
_CONFIG = {
    # GitHub serves any object by its id, filtered clones, and keeps refs/pull/* to itself.
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    "receive.advertiseAtomic": "true",
    "receive.hideRefs": "refs/pull",
    "receive.fsckObjects": "true",
    "http.receivepack": "true",
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
}


@dataclass(frozen=True)
class Signature:
    name: str
    email: str
    time: int

    def environ(self, role: str) -> dict[str, str]:
        return {
            f"GIT_{role}_NAME": self.name,
            f"GIT_{role}_EMAIL": self.email,
            f"GIT_{role}_DATE": f"{self.time} +0000",
        }


@dataclass(frozen=True)
class Ref:
    name: str
    kind: str  # "commit", "tag", ...
    sha: str  # what the ref holds
    peeled: str  # the commit behind an annotated tag, else `sha`


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class TagObject:
    sha: str
    target: str
    target_kind: str
    name: str
    tagger: Signature
    message: str


@dataclass(frozen=True)
class Change:
    """One file of a comparison."""

    path: str
    status: str  # added, removed, modified, renamed
    previous: str
    blob: str
    additions: int
    deletions: int
    patch: str


class Refused(Exception):  # noqa: N818 - git's word
    """git did not do it; the text is its own."""


def environment() -> dict[str, str]:
    """A surrounding without a user's git configuration."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_") or key == "GIT_EXEC_PATH"
    }
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


class Bare:
    def __init__(self, path: Path) -> None:
        self.path = path

    # --- running -------------------------------------------------------------------------------------

    def run(self, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        done = self.attempt(*arguments, data=data, env=env)
        if done.returncode:
            raise Refused(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def attempt(
        self, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "--git-dir", str(self.path), *arguments],
            input=data if data is not None else b"",
            env={**environment(), **(env or {})},
            capture_output=True,
            check=False,
        )

    def text(self, *arguments: str) -> str:
        return self.run(*arguments).decode("utf-8", "replace").strip()

    @classmethod
    def create(cls, path: Path, default_branch: str) -> Bare:
        path.mkdir(parents=True)
        made = cls(path)
        made.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}")
        with (path / "config").open("a", encoding="utf-8") as stream:
            for key, value in _CONFIG.items():
                section, name = key.split(".")
                stream.write(f"[{section}]\n\t{name} = {value}\n")
        return made

    def fetch(self, other: Bare, *refspecs: str) -> None:
        """Objects and refs from another repository on this disk."""
        self.run("fetch", "--quiet", "--no-tags", "--force", str(other.path), *refspecs)

    # --- refs ----------------------------------------------------------------------------------------

    def refs(self, *prefixes: str) -> list[Ref]:
        form = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objectname)"
        found = []
        for line in (
            self.run("for-each-ref", f"--format={form}", *prefixes).decode("utf-8", "replace").splitlines()
        ):
            name, kind, sha, peeled = line.split("\0")
            found.append(Ref(name, kind, sha, peeled or sha))
        return found

    def ref(self, name: str) -> Ref | None:
        return next((ref for ref in self.refs(name) if ref.name == name), None)

    def resolve(self, revision: str) -> str | None:
        """The commit of a branch, tag, full ref or id; None when there is none."""
        if not revision or revision.startswith("-"):
            return None
        tries = (
            [revision]
            if revision.startswith("refs/")
            else [f"refs/heads/{revision}", f"refs/tags/{revision}"]
        )
        if re.fullmatch(r"[0-9a-f]{4,40}", revision) or revision == "HEAD":
            tries.append(revision)
        for name in tries:
            done = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            if done.returncode == 0:
                return done.stdout.decode().strip()
        return None

    def kind(self, sha: str) -> str | None:
        if not _SHA.match(sha):
            return None
        done = self.attempt("cat-file", "-t", sha)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def update(self, name: str, new: str, old: str | None = None) -> None:
        """Set a ref; with `old` (ZERO: must not exist) only from that value. Raises Refused."""
        self.run("update-ref", "--no-deref", name, new, *([] if old is None else [old]))

    def delete(self, name: str) -> None:
        self.run("update-ref", "--no-deref", "-d", name)

    def valid_name(self, name: str) -> bool:
        return self.attempt("check-ref-format", name).returncode == 0

    # --- objects -------------------------------------------------------------------------------------

    def commits(self, *revisions: str, limit: int = 250, skip: int = 0) -> list[Commit]:
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00%x01"
        out = self.run("log", f"--format={form}", f"--max-count={limit}", f"--skip={skip}", *revisions, "--")
        found = []
        for block in out.decode("utf-8", "replace").split("\0\x01"):
            fields = block.lstrip("\n").split("\0")
            if len(fields) != 10:
                continue
            sha, tree, parents, an, ae, at, cn, ce, ct, message = fields
            found.append(
                Commit(
                    sha,
                    tree,
                    tuple(parents.split()),
                    Signature(an, ae, int(at)),
                    Signature(cn, ce, int(ct)),
                    message.rstrip("\n"),
                )
            )
        return found

    def commit(self, sha: str) -> Commit:
        return self.commits(sha, limit=1)[0]

    def count(self, *revisions: str) -> int:
        return int(self.text("rev-list", "--count", *revisions, "--"))

    def is_ancestor(self, old: str, new: str) -> bool:
        return self.attempt("merge-base", "--is-ancestor", old, new).returncode == 0

    def merge_base(self, one: str, other: str) -> str | None:
        done = self.attempt("merge-base", one, other)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def tag_object(self, sha: str) -> TagObject | None:
        if self.kind(sha) != "tag":
            return None
        raw = self.run("cat-file", "tag", sha).decode("utf-8", "replace")
        head, _, message = raw.partition("\n\n")
        fields = dict(line.split(" ", 1) for line in head.splitlines())
        found = re.match(r"(.*?) <(.*?)> (\d+)", fields.get("tagger", "")) or re.match(r"()()(0?)", "")
        name, email, time = found.groups() if found else ("", "", "0")
        return TagObject(
            sha,
            fields["object"],
            fields["type"],
            fields["tag"],
            Signature(name, email, int(time or 0)),
            message,
        )

    def make_tag_object(self, name: str, target: str, kind: str, message: str, tagger: Signature) -> str:
        stamp = f"{tagger.name} <{tagger.email}> {tagger.time} +0000"
        text = f"object {target}\ntype {kind}\ntag {name}\ntagger {stamp}\n\n{message}"
        data = (text if text.endswith("\n") else text + "\n").encode()
        return self.run("mktag", data=data).decode().strip()

    def entry(self, commit: str, path: str) -> tuple[str, str] | None:
        """(type, id) of a path at a commit."""
        if path in {"", "."}:
            return "tree", self.text("rev-parse", f"{commit}^{{tree}}")
        line = self.run("ls-tree", "-z", commit, "--", path.rstrip("/")).decode("utf-8", "replace")
        if not line:
            return None
        _, kind, sha = line.split("\t", 1)[0].split()
        return kind, sha

    def listing(self, tree: str) -> list[tuple[str, str, int, str]]:
        """(type, id, size, name) of a tree's entries."""
        found = []
        for line in self.run("ls-tree", "-z", "-l", tree).decode("utf-8", "replace").split("\0"):
            if line:
                head, name = line.split("\t", 1)
                _, kind, sha, size = head.split()
                found.append((kind, sha, int(size) if size.isdigit() else 0, name))
        return found

    def blob(self, sha: str) -> bytes:
        return self.run("cat-file", "blob", sha)

    def workflows(self, commit: str) -> str:
        """The id of the folder of workflows at a commit, "" without one."""
        found = self.entry(commit, ".github/workflows")
        return found[1] if found else ""

    def changes(self, base: str, head: str) -> list[Change]:
        numbers: dict[str, tuple[int, int]] = {}
        fields = iter(
            self.run("diff", "-z", "-M", "--numstat", base, head).decode("utf-8", "replace").split("\0")
        )
        for field in fields:
            if not field:
                continue
            added, removed, path = field.split("\t", 2)
            if not path:  # a rename: old and new name follow
                next(fields)
                path = next(fields)
            numbers[path] = (int(added) if added.isdigit() else 0, int(removed) if removed.isdigit() else 0)
        words = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
        found = []
        fields = iter(
            self.run("diff", "-z", "-M", "--raw", "--no-abbrev", base, head)
            .decode("utf-8", "replace")
            .split("\0")
        )
        for field in fields:
            if not field.startswith(":"):
                continue
            _, _, old_blob, new_blob, letter = field[1:].split()
            path, previous = next(fields), ""
            if letter[0] in "RC":
                previous, path = path, next(fields)
            patch = self.run("diff", "-M", base, head, "--", *filter(None, (previous, path))).decode(
                "utf-8", "replace"
            )
            hunk = patch.find("\n@@ ")
            added_lines, removed_lines = numbers.get(path, (0, 0))
            found.append(
                Change(
                    path,
                    words.get(letter[0], "changed"),
                    previous,
                    new_blob if new_blob != ZERO else old_blob,
                    added_lines,
                    removed_lines,
                    patch[hunk + 1 :].rstrip("\n") if hunk >= 0 else "",
                )
            )
        return found

    # --- merges --------------------------------------------------------------------------------------

    def merge_tree(self, base: str, head: str) -> str | None:
        """The tree of merging `head` into `base`; None on a conflict."""
        done = self.attempt("merge-tree", "--write-tree", "--allow-unrelated-histories", base, head)
        return done.stdout.decode().split("\n", 1)[0].strip() if done.returncode == 0 else None

    def make_commit(
        self, tree: str, parents: tuple[str, ...], message: str, author: Signature, committer: Signature
    ) -> str:
        arguments = [argument for parent in parents for argument in ("-p", parent)]
        env = author.environ("AUTHOR") | committer.environ("COMMITTER")
        return self.run("commit-tree", tree, *arguments, data=message.encode(), env=env).decode().strip()
