"""What the candidate is made of, and what of it differs from the version it would replace."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from modelrail import records
from modelrail.report import numbers

_NAMED = 3  # parameters are named in the summary up to so many


class Change(Struct, frozen=True, kw_only=True):
    what: str
    before: str
    after: str
    same: bool | None  # None: the other side is not known


class File(Struct, frozen=True, kw_only=True):
    path: str
    kind: str  # "added", "removed", "changed"
    added: int | None
    removed: int | None

    @property
    def lines(self) -> str:
        """`+3 \u22121`; of a new or removed file also that."""
        if self.added is None or self.removed is None:
            return self.kind
        counted = f"+{self.added:,} {numbers.MINUS}{self.removed:,}"
        return counted if self.kind == "changed" else f"{self.kind}, {counted}"


def files(
    found: records.CodeChanges | None,
    candidate: records.Candidate | None,
    evaluation: records.Evaluation | None,
) -> tuple[tuple[File, ...], str]:
    """The files that changed since the baseline's commit; none when the record speaks of other commits."""
    if found is None or candidate is None or evaluation is None:
        return (), ""
    if (found.baseline, found.candidate) != (evaluation.baseline_ref.commit, candidate.fingerprint.commit):
        return (), ""
    shown = tuple(
        File(path=one.path, kind=one.kind, added=one.added, removed=one.removed) for one in found.files
    )
    total = max(found.total, len(shown))
    added, removed = sum(one.added or 0 for one in shown), sum(one.removed or 0 for one in shown)
    words = (
        f"{numbers.plural(total, 'file')} changed since {evaluation.baseline_ref.version or 'the baseline'}"
    )
    if total == len(shown) and shown:
        words += f", +{added:,} {numbers.MINUS}{removed:,} lines"
    return shown, words


def short(digest: str | None) -> str:
    """`sha256:7c0e5d1a2b3c`; a commit's first 10 digits."""
    if not digest:
        return ""
    kind, colon, value = digest.partition(":")
    return f"{kind}:{value[:12]}" if colon else digest[:10]


def changes(
    candidate: records.Candidate | None,
    evaluation: records.Evaluation | None,
    baseline: records.Evidence | None,
    files_total: int = 0,
) -> tuple[tuple[Change, ...], str]:
    """Rows of code, data, parameters and environment, and one line that sums them up.

    `files_total`: how many files differ, where that is known; not all of them need be code.
    """
    if candidate is None:
        return (), ""
    new = candidate.fingerprint
    old = baseline.candidate.fingerprint if baseline else None
    commit = evaluation.baseline_ref.commit if evaluation else None
    before = short(old.commit if old else commit)
    dirty = " with uncommitted edits" if new.dirty else ""
    same_code = None if old is None else new.code == old.code and not new.dirty
    found = [
        Change(what="code", before=before, after=short(new.commit) + dirty, same=same_code),
        _data("training data", new.train, old.train if old else None, known=old is not None),
        _data("test data", new.test, old.test if old else None, known=old is not None),
        *_parameters(candidate.params, baseline.candidate.params if baseline else None),
        Change(
            what="environment",
            before=short(old.environment) if old else "",
            after=short(new.environment),
            same=None if old is None else new.environment == old.environment,
        ),
        *_packages(candidate.packages, baseline.candidate.packages if baseline else {}),
    ]
    return tuple(row for row in found if row.after or row.before), _summary(found, files_total) if old else ""


def _data(
    what: str, new: records.DataVersion | None, old: records.DataVersion | None, *, known: bool
) -> Change:
    same = (new.digest if new else None) == (old.digest if old else None) if known else None
    return Change(what=what, before=_version(old), after=_version(new), same=same)


def _version(found: records.DataVersion | None) -> str:
    if found is None:
        return ""
    amount = f", {numbers.plural(found.rows, 'row')}" if found.rows is not None else ""
    return f"{found.path} {short(found.digest)}{amount}"


def _parameters(new: dict[str, str], old: dict[str, str] | None) -> list[Change]:
    if old is None:
        text = ", ".join(f"{key}: {value}" for key, value in sorted(new.items()))
        return [Change(what="parameters", before="", after=text, same=None)]
    changed = [key for key in sorted(new.keys() | old.keys()) if new.get(key) != old.get(key)]
    if not changed:
        return [Change(what="parameters", before=numbers.plural(len(old), "value"), after="", same=True)]
    return [
        Change(
            what=f"parameter {key}", before=old.get(key, "not set"), after=new.get(key, "not set"), same=False
        )
        for key in changed
    ]


def _packages(new: dict[str, str], old: dict[str, str]) -> list[Change]:
    """What is installed in another version, or on one side alone; nothing where one side is not known."""
    if not new or not old:
        return []
    names = sorted(new.keys() | old.keys(), key=lambda name: (name != "python", name))
    return [
        Change(
            what=f"package {name}" if name != "python" else name,
            before=old.get(name, "not installed"), after=new.get(name, "not installed"), same=False,
        )
        for name in names if old.get(name) != new.get(name)
    ]  # fmt: skip


def _summary(found: list[Change], files_total: int) -> str:
    """`2 files, 1 parameter (depth); same training data, test data, environment`."""
    parameters = [
        row.what.removeprefix("parameter ")
        for row in found
        if row.what.startswith("parameter ") and row.same is False
    ]
    packages = sum(1 for row in found if row.what.startswith("package ") and row.same is False)
    changed = [
        numbers.plural(files_total, "file") if row.what == "code" and files_total else row.what
        for row in found
        if row.same is False and not row.what.startswith(("parameter ", "package "))
    ]
    same = [row.what for row in found if row.same]
    if parameters:
        named = f" ({', '.join(parameters)})" if len(parameters) <= _NAMED else ""
        changed.append(numbers.plural(len(parameters), "parameter") + named)
    if packages:
        changed.append(numbers.plural(packages, "package"))
    parts = [", ".join(changed) if changed else "nothing"]
    if same:
        parts.append("same " + ", ".join(same))
    return "; ".join(parts)


def checks(data: records.DataReport | None) -> tuple[tuple[records.DataCheck, ...], str]:
    if data is None:
        return (), ""
    failed = [check for check in data.checks if not check.passed]
    passed = [check for check in data.checks if check.passed]
    tables = ", ".join(f"{numbers.plural(table.rows, f'{table.table} row')}" for table in data.tables)
    total = len(data.checks)
    if failed:
        words = f"{len(failed):,} of {numbers.plural(total, 'check')} failed"
    elif not data.passed:
        words = "failed"
    else:
        words = f"{numbers.plural(total, 'check')} passed" if total else "no schema is configured"
    found = tuple(msgspec.structs.replace(check, check=_spoken(check.check)) for check in (*failed, *passed))
    return found, f"{words}; {tables}" if tables else words


def _spoken(check: str) -> str:
    return check.replace("_", " ") if check.isidentifier() else check


def lineage(
    candidate: records.Candidate | None, evaluation: records.Evaluation | None
) -> tuple[tuple[str, str], ...]:
    """Name and full value of everything that identifies this candidate."""
    found: list[tuple[str, str | None]] = []
    if candidate is not None:
        print_ = candidate.fingerprint
        found += [
            ("tested commit", print_.commit),
            ("code (git tree)", print_.code),
            ("training data", print_.train.digest if print_.train else None),
            ("test data", print_.test.digest),
            ("parameters", print_.params),
            ("environment", print_.environment),
            (
                "model file",
                f"{candidate.file.name}, {numbers.size(candidate.file.size)}, {candidate.file.format}",
            ),
            ("model digest", candidate.file.digest),
            ("training time", numbers.seconds(candidate.train_seconds)),
            ("MLflow run", candidate.tracking.run_id if candidate.tracking else None),
            ("MLflow experiment", candidate.tracking.experiment if candidate.tracking else None),
        ]
    if evaluation is not None:
        reference = evaluation.baseline_ref
        found += [
            ("baseline", f"{reference.version} in {reference.stage}" if reference.version else "none yet"),
            ("baseline commit", reference.commit),
            ("baseline model digest", reference.model_digest),
            ("baseline evidence", reference.evidence_digest),
        ]
    return tuple((name, value) for name, value in found if value)
