"""One class and one exit code per kind of failure.

A message says what failed, why, and what to do next. `path` is the place in the user's file
(`models.delay.gates[2].metric`); `file` and `line` let CI put the annotation there. `tail` holds the last
lines that a failed program printed. The exit codes are part of the public contract: scripts may rely on them.
"""

from __future__ import annotations


class ModelrailError(Exception):
    """The base of every failure that modelrail foresees. Anything else is a bug (exit code 1)."""

    code = 1
    kind = "internal"

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        next: str = "",  # noqa: A002 - the word a reader of the call expects
        path: str = "",
        file: str = "",
        line: int = 0,
        tail: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next
        self.path = path
        self.file = file
        self.line = line
        self.tail = tail

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.next) if part)


class UsageError(ModelrailError):
    """An option or argument that cannot be meant (click's own errors use the same code)."""

    code = 2
    kind = "usage"


class ConfigError(ModelrailError):
    """modelrail.yaml is missing or wrong. `faults` holds every fault found, each with its path and a hint."""

    code = 3
    kind = "config"

    def __init__(self, what: str, *, faults: tuple[ConfigFault, ...] = (), **details: str | int) -> None:
        super().__init__(what, **details)  # type: ignore[arg-type]
        self.faults = faults


class ConfigFault:
    """One fault of a file: where it stands, what is wrong, and what would be right."""

    __slots__ = ("file", "hint", "line", "path", "what")

    def __init__(self, path: str, what: str, hint: str = "", line: int = 0, file: str = "") -> None:
        self.path, self.what, self.hint, self.line, self.file = path, what, hint, line, file

    def __repr__(self) -> str:
        return f"ConfigFault({self.path!r}, {self.what!r}, hint={self.hint!r}, line={self.line})"


class GateError(ModelrailError):
    """The gates did not pass: the verdict is `fail` or `inconclusive`."""

    code = 4
    kind = "gates"


class ConflictError(ModelrailError):
    """The state moved: a tag exists, production changed since the evaluation, or a race was lost."""

    code = 5
    kind = "conflict"


class RefusedError(ModelrailError):
    """The policy or the state machine does not allow the transition."""

    code = 6
    kind = "refused"


class NotFoundError(ModelrailError):
    """A model, version, stage or record that does not exist."""

    code = 7
    kind = "not-found"


class RecordError(ModelrailError):
    """A record file is missing, malformed, of another schema version, or its digest differs."""

    code = 8
    kind = "record"


class DataError(ModelrailError):
    """The data is missing, unreadable, or breaks its schema."""

    code = 9
    kind = "data"


class EnvironmentFailedError(ModelrailError):
    """The user's environment could not be built."""

    code = 10
    kind = "environment"


class TrainingError(ModelrailError):
    """The training command failed, timed out, or wrote no model."""

    code = 11
    kind = "training"


class PredictionError(ModelrailError):
    """A predictor crashed, hung, or returned other rows than it was asked for."""

    code = 12
    kind = "prediction"


class UnsafeModelError(ModelrailError):
    """A model file that may run code when loaded, without the policy's leave."""

    code = 13
    kind = "unsafe-model"


class ComparisonError(ModelrailError):
    """Candidate and baseline cannot be compared: other rows, no usable metric value."""

    code = 14
    kind = "comparison"


class GitError(ModelrailError):
    """git failed, is too old, or the repository cannot answer (shallow, no remote)."""

    code = 15
    kind = "git"


class GitHubError(ModelrailError):
    """GitHub answered with an error that a retry does not mend."""

    code = 16
    kind = "github"


class PermissionMissingError(GitHubError):
    """No token, a token of the wrong kind, or one that lacks a permission: the message names it."""

    code = 17
    kind = "permission"


class UnavailableError(GitHubError):
    """The service did not answer within the bounded retries, or a rate limit outlasts the budget."""

    code = 18
    kind = "unavailable"


class ToolMissingError(ModelrailError):
    """A program or an extra of modelrail that the command needs is not installed."""

    code = 19
    kind = "tool-missing"


class WorkflowRunError(ModelrailError):
    """`modelrail act`: a job failed, or an expected job did not run."""

    code = 20
    kind = "workflow"


class FilesystemError(ModelrailError):
    """Disk full, read-only folder, or a path outside the repository."""

    code = 21
    kind = "filesystem"


class TrackingError(ModelrailError):
    """The experiment tracker (MLflow) did not take the run."""

    code = 22
    kind = "tracking"


class TagTamperedError(ModelrailError):
    """A registry tag was moved, deleted, replaced, or is none that the ledger lists."""

    code = 23
    kind = "tag-tampered"


class LedgerTamperedError(ModelrailError):
    """The ledger was rewound, rewritten or forked: it does not follow what was seen, or itself."""

    code = 24
    kind = "ledger-tampered"


class BytesTamperedError(ModelrailError):
    """Evidence or a release file has other bytes than its tag names."""

    code = 25
    kind = "bytes-tampered"


class SignatureError(ModelrailError):
    """A tag or ledger commit is unsigned, or not signed by an allowed signer."""

    code = 26
    kind = "signature"


class InconsistentError(ModelrailError):
    """The record says what cannot be: events out of order, a stage whose version was taken back."""

    code = 27
    kind = "inconsistent"


class UnfitError(ModelrailError):
    """`modelrail doctor` found what does not work or is not safe."""

    code = 28
    kind = "unfit"


INTERRUPTED = 130
