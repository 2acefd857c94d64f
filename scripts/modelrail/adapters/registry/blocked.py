"""Refs that stand in the way of ours: git keeps no name both as a ref and as the folder of others.

A tag `team` leaves no room for `team/x@v1.0.0`, nor a branch `modelrail` for the ledger's `modelrail/ledger`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from modelrail.adapters.git import Git
from modelrail.core.registry import tags
from modelrail.errors import RefusedError

MANY = 1000  # names that fit into a command line; of more, all refs are looked at
_KINDS = {"refs/tags/": "tag", "refs/heads/": "branch"}


def present(git: Git, refs: Sequence[str]) -> dict[str, str]:
    """These refs, and what can be in their way, of those that this clone has; with their objects."""
    patterns = sorted({*refs, *(above for ref in refs for above in _above(ref))})
    if len(patterns) > MANY:
        other = (ref for ref in refs if not ref.startswith(tuple(_KINDS)))
        patterns = [*(root.rstrip("/") for root in _KINDS), *other]
    lines = git.text("for-each-ref", "--format=%(refname) %(objectname)", *patterns).splitlines()
    return dict(line.split(" ") for line in lines)


def here(git: Git, refs: Sequence[str]) -> dict[str, str]:
    """Of these refs those that cannot be created in this clone, each with the one that is in its way."""
    return between(refs, present(git, refs))


def there(git: Git, refs: Sequence[str]) -> dict[str, str]:
    """The same on the remote; nothing where it does not answer."""
    patterns = {*(f"{ref}/*" for ref in refs), *(above for ref in refs for above in _above(ref))}
    done = git.attempt("ls-remote", git.remote, *sorted(patterns), network=True)
    lines = done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []
    return between(refs, [line.partition("\t")[2] for line in lines])


def refuse(blocked: dict[str, str], git: Git, *, remote: bool) -> None:
    """Raises RefusedError for what `here` or `there` found, with what to do about the first."""
    for ref, other in blocked.items():
        root = next(known for known in _KINDS if ref.startswith(known))
        kind, name = _KINDS[root], other.removeprefix(root)
        known = tags.is_name(name)  # what else a name holds is not for a command line
        where = "of the remote" if remote else "of this clone"
        shown = tags.one_line(name, 200)
        raise RefusedError(
            f"The {kind} {shown} {where} leaves no room for {ref.removeprefix(root)}; nothing was written.",
            why=f"Git keeps no name both as a {kind} and as a folder of others.",
            next=_remedy(git, root, name, remote=remote) if known else f"Rename or delete that {kind}.",
        )


def _remedy(git: Git, root: str, name: str, *, remote: bool) -> str:
    if remote:
        to = shlex.quote(git.remote if "/" not in git.remote else "origin")
        old = f"{root}{name}"
        return f"Rename it:  git fetch {to} {old} && git push --atomic {to} FETCH_HEAD:{old}-old :{old}"
    return f"Rename it:  git tag {name}-old {name} && git tag -d {name}"


def _above(ref: str) -> list[str]:
    """The folders that a ref lies in, below `refs/tags` or `refs/heads`."""
    parts = ref.split("/")
    return ["/".join(parts[:depth]) for depth in range(3, len(parts))]


def between(refs: Iterable[str], there: Iterable[str]) -> dict[str, str]:
    """Of these refs those that find no room among what is there, each with the one that is in its way."""
    wanted, known = list(refs), set(there)
    ours = set(wanted)
    below: dict[str, str] = {}
    for other in sorted(known):
        for above in _above(other):
            if above in ours:
                below.setdefault(above, other)
    ways = {ref: next((above for above in _above(ref) if above in known), below.get(ref)) for ref in wanted}
    return {ref: way for ref, way in ways.items() if way is not None}
