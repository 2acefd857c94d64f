"""The ledger branch in this repository: its tip, its tree, and the objects of the next commits.

Nothing is checked out. What a write reads is the folders that it touches, whatever the ledger's length; what
it makes are the objects of those folders. `REF` is the furthest tip that this clone has seen: a branch that
does not follow it was rewound or rewritten, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.git import Git
from modelrail.core.registry import ledger, objects, tags
from modelrail.errors import GitError, LedgerTamperedError

BRANCH = f"refs/heads/{ledger.BRANCH}"
REF = "refs/modelrail/ledger/tip"
INCOMING = "refs/modelrail/incoming/ledger"
REFSPEC = f"+{BRANCH}*:{INCOMING}*"  # a pattern, since one ref that is not there yet would be an error
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def tip(git: Git) -> str:
    """The furthest tip that this clone has seen, or nothing."""
    return git.refs(REF).get(REF, "")


def incoming(git: Git) -> str:
    """The tip that the last fetch found, followed or not."""
    return git.refs(INCOMING).get(INCOMING, "")


def accept(git: Git, refs: Mapping[str, str]) -> str:
    """Take the tip that was just fetched, if it follows the one that was seen; returns it.

    `refs`: what `REF` and `INCOMING` hold now. Raises LedgerTamperedError naming both.
    """
    seen, there = refs.get(REF, ""), refs.get(INCOMING, "")
    if seen == there:
        return there
    if seen and not there:
        raise LedgerTamperedError(
            f"The branch {ledger.BRANCH} is gone from the remote.",
            why=f"This clone has seen it at {seen}.",
            next=_remedy(git, seen),
        )
    if seen and git.attempt("merge-base", "--is-ancestor", seen, there, network=True).returncode:
        back = git.attempt("merge-base", "--is-ancestor", there, seen, network=True).returncode == 0
        raise LedgerTamperedError(
            f"The ledger was {'rewound' if back else 'rewritten'}: it does not follow what was seen here.",
            why=f"Seen: {seen}; the remote has now: {there}.",
            next=_remedy(git, seen),
        )
    git.run("update-ref", REF, there)
    return there


def _remedy(git: Git, seen: str) -> str:
    return (
        "Find out who did it, and forbid force-pushes and deletion of that branch. To put back what was seen:"
        f"  git push --force {git.remote if '/' not in git.remote else 'origin'} {seen}:{BRANCH}"
    )


def index(git: Git, commit: str, model: str | None = None) -> dict[str, str]:
    """The tags that the ledger lists at a commit, with their objects; of one model, or of all."""
    if not commit:
        return {}
    place = ledger.EVENTS if model is None else f"{ledger.EVENTS}/{ledger.folder(model)}"
    out = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{place}/", network=True)
    found = {}
    for line in out.decode("utf-8", "replace").split("\0"):
        facts, mark, path = line.partition("\t")
        if mark:
            found[ledger.tag_of(path.rpartition("/")[2])] = facts.split(" ")[2]
    return found


def document(git: Git, commit: str, path: str) -> bytes | None:
    """A file of the ledger, or None when it has none there."""
    if not commit:
        return None
    done = git.attempt("cat-file", "blob", f"{commit}:{path}", network=True)
    if done.returncode == 0:
        return done.stdout
    if git.attempt("ls-tree", commit, "--", path, network=True).stdout:
        raise GitError(
            f"{path} of the ledger could not be read.", why=done.stderr.decode("utf-8", "replace").strip()
        )
    return None


def evidence(git: Git, commit: str, model: str, version: str, digest: str) -> bytes | None:
    """The evidence with this digest that the ledger keeps of a version, or None."""
    if not _DIGEST.match(digest):
        return None
    place = ledger.version_folder(model, version)
    for name in (records.Evidence.FILE, ledger.later_evidence(digest)):
        data = document(git, commit, f"{place}/{name}")
        if data is not None and files.digest_bytes(data) == digest:
            return data
    return None


def digests(git: Git, commit: str, paths: Sequence[str]) -> dict[str, str | None]:
    """The SHA-256 of files of the ledger; None for one that it has not."""
    if not (commit and paths):
        return dict.fromkeys(paths)
    if git.partial:
        _bring(git, commit, paths)
    names = "".join(f"{commit}:{path}\n" for path in paths)
    out = git.run("cat-file", "--batch", data=names.encode(), network=True)
    found: dict[str, str | None] = {}
    at = 0
    for path in paths:
        end = out.index(b"\n", at)
        head, at = out[at:end], end + 1
        if head.endswith(b" missing"):
            found[path] = None
            continue
        size = int(head.rpartition(b" ")[2])
        found[path] = files.digest_bytes(out[at : at + size])
        at += size + 1
    return found


def _bring(git: Git, commit: str, paths: Sequence[str]) -> None:
    """Fetch those of these files that are missing, at once: one by one they take a request each."""
    folder = f"{commit}:{ledger.MODELS}"
    walked = git.attempt("rev-list", "--objects", "--no-object-names", "--missing=print", folder)
    missing = {line[1:] for line in walked.stdout.decode().splitlines() if line.startswith("?")}
    if not missing:
        return
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{ledger.MODELS}/", network=True)
    wanted = set(paths)
    oids = set()
    for line in listed.decode("utf-8", "replace").split("\0"):
        facts, _, path = line.partition("\t")
        if path in wanted:
            oids.add(facts.split(" ")[2])
    feed = "".join(f"{oid}\n" for oid in sorted(oids & missing))
    if feed:
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--filter=blob:none")
        source = git.url() or git.remote
        git.run("fetch", *options, "--stdin", source, data=feed.encode(), network=True)


def log(git: Git, commit: str) -> tuple[list[ledger.Entry], dict[str, str]]:
    """The commits of the ledger, from the first to this one, and the tags that the first one lists.

    Also from within a shallow clone.
    """
    if not commit:
        return [], {}
    if git.text("rev-parse", "--is-shallow-repository") != "true":
        return _log(git, commit)
    import tempfile

    # To deepen one branch of a shallow clone deepens all of them: the commits go into a place of their own.
    url = git.url() or git.remote
    with tempfile.TemporaryDirectory(prefix="modelrail-ledger-") as place:
        alone = git.at(Path(place), "origin")
        alone.run("init", "--quiet", "--bare")
        # No trees, but those that are asked for later.
        for key, value in (("url", url), ("promisor", "true"), ("partialclonefilter", "tree:0")):
            alone.run("config", f"remote.origin.{key}", value)
        alone.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "origin", f"+{BRANCH}:{REF}",
            network=True,
        )  # fmt: skip
        return _log(alone, commit)


def _log(git: Git, commit: str) -> tuple[list[ledger.Entry], dict[str, str]]:
    fields = "%H%x00%P%x00%ct%x00%cn%x00%B%x00%x00"
    out = git.run("log", "--reverse", "--topo-order", f"--format={fields}", commit, network=True)
    found = []
    for record in out.decode("utf-8", "replace").split("\0\0\n"):
        parts = record.rstrip("\0").split("\0")
        if len(parts) == 5:
            subject, trailers = tags.parse_message(parts[4])
            found.append(
                ledger.Entry(parts[0], tuple(parts[1].split()), int(parts[2]), parts[3], subject, trailers)
            )
    return found, index(git, found[0].commit) if found else {}


# --- the next commits -------------------------------------------------------------------------------------


@dataclass
class Tree:
    """The tree of a commit, read folder by folder as they are touched, and the objects of its changes."""

    git: Git
    commit: str  # "" for an empty tree
    folders: dict[str, dict[str, objects.Entry]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def folder(self, path: str) -> dict[str, objects.Entry]:
        if path not in self.folders:
            self.load([path])
        return self.folders[path]

    def load(self, paths: Iterable[str]) -> None:
        """Read several folders with one process."""
        wanted = [path for path in paths if path not in self.folders]
        if not self.commit:
            self.folders |= {path: {} for path in wanted}
            return
        names = "".join(f"{self.commit}:{path}\n" for path in wanted)
        out = self.git.run("cat-file", "--batch", data=names.encode(), network=True)
        at = 0
        for path in wanted:
            end = out.index(b"\n", at)
            head = out[at:end]
            at = end + 1
            if head.endswith(b" missing"):
                self.folders[path] = {}
                continue
            size = int(head.rpartition(b" ")[2])
            self.folders[path] = _parse(out[at : at + size])
            at += size + 1

    def foresee(self, paths: Iterable[str]) -> None:
        """Read these folders and all above them, with one process."""
        self.load(
            sorted({"", *("/".join(path.split("/")[:depth]) for path in paths for depth in range(1, 9))})
        )

    def put(self, path: str, entry: objects.Entry) -> None:
        parent, _, name = path.rpartition("/")
        self.folder(parent)[name] = entry
        while True:
            self.touched.add(parent)
            if not parent:
                return
            parent = parent.rpartition("/")[0]

    def write(self) -> tuple[str, list[objects.Object]]:
        """The tree's id, and the objects of the folders that changed."""
        made: list[objects.Object] = []
        for path in sorted(self.touched, key=lambda path: path.count("/") + bool(path), reverse=True):
            made.append(objects.tree(self.folder(path)))
            if path:
                parent, _, name = path.rpartition("/")
                self.folder(parent)[name] = objects.Entry(objects.TREE, made[-1].oid)
        self.touched.clear()
        return (made[-1].oid if made else objects.tree({}).oid), made or [objects.tree({})]

    def add_event(self, model: str, tag: str, oid: str) -> None:
        place = f"{ledger.EVENTS}/{ledger.folder(model)}"
        shards = self.folder(place)
        last = max(len(shards) - 1, 0)
        if len(self.folder(f"{place}/{ledger.shard(last)}")) >= ledger.SHARD:
            last += 1
        self.put(f"{place}/{ledger.shard(last)}/{ledger.leaf(tag)}", objects.Entry(objects.LINK, oid))


def _parse(data: bytes) -> dict[str, objects.Entry]:
    found, at = {}, 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        found[name.decode("utf-8", "surrogateescape")] = objects.Entry(
            mode.decode(), data[end + 1 : end + 21].hex()
        )
        at = end + 21
    return found


def before(git: Git) -> dict[str, str]:
    """The annotated registry tags of the remote, for a ledger that begins: names and objects alone."""
    out = git.run("ls-remote", "--tags", git.remote, network=True).decode("utf-8", "replace")
    plain: dict[str, str] = {}
    annotated: set[str] = set()
    for line in out.splitlines():
        oid, _, ref = line.partition("\t")
        name = ref.removeprefix("refs/tags/")
        if name.endswith("^{}"):
            annotated.add(name[:-3])
        else:
            plain[name] = oid
    return {name: oid for name, oid in plain.items() if name in annotated and tags.parse_name(name)}


def begin(
    tree: Tree, there: dict[str, str], *, who: str, time: int, sign: objects.Sign | None
) -> list[objects.Object]:
    """The first commit, which lists what was there before; it is the last of the objects."""
    named = [(name, tag) for tag in there if (name := tags.parse_name(tag))]
    for name, tag in sorted(named, key=lambda item: (item[0].model, item[0].counter or 0, item[1])):
        tree.add_event(name.model, tag, there[tag])
    root, made = tree.write()
    message = ledger.beginning(there)
    return [*made, objects.commit(tree=root, parents=(), who=who, time=time, message=message, sign=sign)]


def store(git: Git, made: Sequence[objects.Object]) -> None:
    """Write objects into the repository: one process, no ref."""
    git.run("unpack-objects", "-q", data=objects.pack(made))
