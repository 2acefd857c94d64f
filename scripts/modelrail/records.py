"""Frozen, versioned records: the only things that travel between steps and jobs.

Each is one strict JSON file: unknown keys, wrong types and non-finite numbers are refused. A record that
comes out of a job which ran untrusted code is hostile data; nothing in it may be used as a path, a URL or
markup.
Digests are written `sha256:<64 hex>` (DVC's own `md5:<hex>` for data versions); times are RFC 3339 in UTC.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

type_ = type  # `type` is a field name below


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the records. A top-level record names its schema; `FILE` is its name in the records folder."""


# --- what a model is a function of -----------------------------------------------------------------------


class DataVersion(Record, frozen=True, kw_only=True):
    path: str  # as written in modelrail.yaml, relative to the model's folder
    digest: str  # "md5:..." when DVC tracks it, else "sha256:..."
    source: Literal["dvc", "git", "file"]
    rows: int | None = None


class Fingerprint(Record, frozen=True, kw_only=True):
    commit: str  # 40 hex
    code: str  # git tree of the model's folder at that commit
    dirty: bool  # tracked files differed from the commit when training began
    train: DataVersion | None
    test: DataVersion
    params: str | None  # digest of the parameter file
    environment: str  # digest of interpreter version + requirements file


class ModelFile(Record, frozen=True, kw_only=True):
    name: str  # base name, never a path
    digest: str
    size: int  # bytes
    format: Literal["skops", "onnx", "joblib", "mlflow", "custom"]


class RunRef(Record, frozen=True, kw_only=True):
    """The CI run that produced a record; empty strings on a laptop."""

    url: str = ""
    id: str = ""
    attempt: int = 1
    workflow: str = ""
    actor: str = ""
    event: str = ""


class TrackingRun(Record, frozen=True, kw_only=True):
    run_id: str
    experiment: str
    uri: str  # credentials removed


# --- validate-data ---------------------------------------------------------------------------------------


class DataCheck(Record, frozen=True, kw_only=True):
    table: Literal["train", "test"]
    check: str
    column: str | None
    passed: bool
    failures: int = 0
    detail: str = ""


class TableSummary(Record, frozen=True, kw_only=True):
    table: Literal["train", "test"]
    version: DataVersion
    rows: int
    columns: int


class DataReport(Record, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/data-report/1"
    FILE: ClassVar[str] = "data-report.json"
    schema: Literal["modelrail/data-report/1"] = "modelrail/data-report/1"
    model: str
    passed: bool
    tables: tuple[TableSummary, ...]
    checks: tuple[DataCheck, ...]


# --- train -----------------------------------------------------------------------------------------------


class Candidate(Record, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/candidate/1"
    FILE: ClassVar[str] = "candidate.json"
    schema: Literal["modelrail/candidate/1"] = "modelrail/candidate/1"
    model: str
    fingerprint: Fingerprint
    file: ModelFile
    params: dict[str, str]  # flattened, dotted keys; values as text
    packages: dict[str, str] = {}  # what was installed where it was trained, with `python` itself
    metrics: dict[str, float]  # what the training itself reported, if anything
    train_seconds: float
    tracking: TrackingRun | None
    run: RunRef


# --- evaluate --------------------------------------------------------------------------------------------


class Predictions(Record, frozen=True, kw_only=True):
    """A table with one row per key, beside the record: `predictions/<role>.parquet`."""

    digest: str
    rows: int
    columns: tuple[str, ...]  # key, `prediction`, and `score` or `score:<class>` where the model gives them


class Scored(Record, frozen=True, kw_only=True):
    role: Literal["candidate", "baseline", "other"]
    version: str | None  # of a registered model
    commit: str
    model_digest: str
    predictions: Predictions
    seconds: float  # wall time of the predictor's process
    cached: bool
    label: str = ""  # of a further baseline: its version and what it is there for, "v1.1.0 (best brier)"


class Baseline(Record, frozen=True, kw_only=True):
    """What the candidate would replace. `absent` is a fact read from the registry, never a failed read."""

    status: Literal["present", "absent"]
    stage: str
    version: str | None = None
    sequence: int | None = None  # event number of the assign that put it there
    commit: str | None = None
    model_digest: str | None = None
    evidence_digest: str | None = None
    since: str | None = None


class Evaluation(Record, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/evaluation/1"
    FILE: ClassVar[str] = "evaluation.json"
    schema: Literal["modelrail/evaluation/1"] = "modelrail/evaluation/1"
    model: str
    task: Literal["binary", "multiclass", "multilabel", "regression", "ranking"]
    test: DataVersion
    truth: Predictions  # key, target, group and slice columns: `predictions/truth.parquet`
    candidate: Scored
    baseline: Scored | None
    baseline_ref: Baseline
    run: RunRef
    shard: str = ""  # "2/8": of these rows alone; `compare` puts them together
    # Of data, params, code, environment: what differs from the baseline, or is not known to be the same.
    changed: tuple[str, ...] | None = None
    test_before: str | None = None  # digest of the test set that the baseline was judged by, where known
    test_uses: int | None = None  # registered versions that were judged by this very test set
    others: tuple[Scored, ...] = ()  # further baselines: `predictions/other-<index>.parquet`


class Sealed(Record, frozen=True, kw_only=True):
    """In an evaluation's place where the test set is sealed: `modelrail score-sealed` takes it up."""

    SCHEMA: ClassVar[str] = "modelrail/sealed/1"
    FILE: ClassVar[str] = "sealed.json"
    schema: Literal["modelrail/sealed/1"] = "modelrail/sealed/1"
    model: str
    sealed: Literal["rows", "labels"]
    run: RunRef


# --- compare ---------------------------------------------------------------------------------------------

MetricVerdict = Literal["better", "not worse", "worse", "inconclusive", "not compared"]
GateOutcome = Literal["pass", "fail", "inconclusive"]
Severity = Literal["block", "warn", "info"]


class Interval(Record, frozen=True, kw_only=True):
    low: float
    high: float
    confidence: float  # 0.95
    method: str  # short name of the method, e.g. "delong", "paired-normal", "multinomial-bootstrap"


class SliceRef(Record, frozen=True, kw_only=True):
    column: str
    value: str  # label of the value or bin, as shown to people


class MetricRow(Record, frozen=True, kw_only=True):
    """One metric on all rows (`slice` is null) or on one slice."""

    metric: str  # name with its parameters, e.g. "recall(at_precision=0.6)"
    slice: SliceRef | None
    rows: int
    higher_is_better: bool
    candidate: float | None  # null: not defined on these rows; `note` says why
    baseline: float | None
    difference: float | None  # candidate - baseline
    interval: Interval | None  # of the difference
    verdict: MetricVerdict
    note: str = ""


class Waived(Record, frozen=True, kw_only=True):
    """Somebody's word that a gate need not hold here, until a day."""

    path: str  # place in modelrail.yaml: models.delay.waivers[0]
    owner: str
    reason: str
    expires: str  # 2027-03-31


class GateRow(Record, frozen=True, kw_only=True):
    path: str  # place in modelrail.yaml: models.delay.gates[2]
    title: str  # "ROC AUC, may fall by at most 0.005"
    metric: str | None
    slice: SliceRef | None  # the slice that decided
    severity: Severity
    outcome: GateOutcome
    baseline: float | None
    candidate: float | None
    difference: float | None
    interval: Interval | None
    interval_of: Literal["difference", "candidate"] = "difference"  # of the value, where that is what decides
    verdict: MetricVerdict
    detail: str = ""  # a sentence for people: why it failed, what size would settle it
    waived: Waived | None = None  # it did not pass, and does not block

    @property
    def blocks(self) -> bool:
        """Whether it keeps the candidate from passing."""
        return self.severity == "block" and self.outcome != "pass" and self.waived is None

    margin: float | None = None  # the difference where the rule's border lies, in the metric's own unit


class FoundSlice(Record, frozen=True, kw_only=True):
    """A badly served slice that the search found."""

    slice: SliceRef
    kind: Literal["level", "difference"]  # worse than the whole, or worse than the baseline
    rows: int
    candidate: float | None
    baseline: float | None
    effect: float  # slice less whole, or candidate less baseline
    interval: Interval  # of the effect, by itself
    p_value: float  # corrected over all that were looked at


class SliceSearch(Record, frozen=True, kw_only=True):
    metric: str
    depth: int
    min_rows: int
    looked: int  # slices, of both kinds
    correction: str
    found: tuple[FoundSlice, ...]  # the worst, also where chance explains them


class OtherRow(Record, frozen=True, kw_only=True):
    """A further baseline by one metric; shown, never gated."""

    name: str  # v1.2.0, majority
    metric: str
    value: float | None
    candidate: float | None
    difference: float | None  # candidate - this
    interval: Interval | None
    verdict: MetricVerdict  # corrected over all of these rows


class PolicyRef(Record, frozen=True, kw_only=True):
    """Where the gates were read from."""

    commit: str
    digest: str  # of the model's gates and stages, canonical JSON
    changed: bool  # the head's policy differs from this one
    source: Literal["base", "head"]


class Comparison(Record, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/comparison/1"
    FILE: ClassVar[str] = "comparison.json"
    schema: Literal["modelrail/comparison/1"] = "modelrail/comparison/1"
    model: str
    evaluation: str  # digest of evaluation.json
    rows: int
    metrics: tuple[MetricRow, ...]
    gates: tuple[GateRow, ...]
    verdict: GateOutcome
    headline: str  # one plain-text sentence: the reason for the verdict
    short: str = ""  # the same in half a line, to stand behind "Do not merge: "
    policy: PolicyRef
    correction: str  # "none", "holm"
    seed: int
    notes: tuple[str, ...] = ()
    policy_changes: tuple[str, ...] = ()  # what this change does to the policy that judged it, in words
    search: SliceSearch | None = None
    others: tuple[OtherRow, ...] = ()


class Curve(Record, frozen=True, kw_only=True):
    """Points of a curve of one model, thinned to what a picture can show; x ascending."""

    role: Literal["candidate", "baseline"]
    x: tuple[float, ...]
    y: tuple[float, ...]
    count: tuple[int, ...] = ()  # calibration: rows in each bin


class ConfusionMatrix(Record, frozen=True, kw_only=True):
    """Rows: true label, columns: predicted label, in the order of `labels`; counts of rows."""

    role: Literal["candidate", "baseline"]
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Histogram(Record, frozen=True, kw_only=True):
    role: Literal["candidate", "baseline"]
    edges: tuple[float, ...]  # one more than counts
    counts: tuple[int, ...]


class Plots(Record, frozen=True, kw_only=True):
    """What pictures are drawn from; beside the comparison, never part of the evidence."""

    SCHEMA: ClassVar[str] = "modelrail/plots/1"
    FILE: ClassVar[str] = "plots.json"
    schema: Literal["modelrail/plots/1"] = "modelrail/plots/1"
    model: str
    comparison: str  # digest of comparison.json
    roc: tuple[Curve, ...] = ()  # x: false positive rate, y: true positive rate
    precision_recall: tuple[Curve, ...] = ()  # x: recall, y: precision
    calibration: tuple[Curve, ...] = ()  # x: mean score, y: share of positives
    confusion: tuple[ConfusionMatrix, ...] = ()
    errors: tuple[Histogram, ...] = ()  # prediction - target


# --- of checks that a project may have; the report shows each where its record is there -------------------


class Extra(Record, frozen=True, kw_only=True):
    """Base of the records that only the report reads. They decide nothing: gates are in the comparison."""

    FILE: ClassVar[str]
    model: str


class ColumnDistribution(Record, frozen=True, kw_only=True):
    """One column of both tables; `labels` are values or bins, with the rows of each table in them."""

    column: str
    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    distance: float | None
    limit: float | None = None
    outcome: GateOutcome | None = None
    note: str = ""


class Distributions(Extra, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/distributions/1"
    FILE: ClassVar[str] = "distributions.json"
    schema: Literal["modelrail/distributions/1"] = "modelrail/distributions/1"
    reference: str  # "training data"
    current: str  # "test data"
    distance: str  # "population stability index"
    columns: tuple[ColumnDistribution, ...]


class RobustnessCurve(Record, frozen=True, kw_only=True):
    perturbation: str  # "noise on temperature"
    unit: str  # of the levels: "standard deviations"
    metric: str
    levels: tuple[float, ...]  # ascending
    candidate: tuple[float, ...]
    baseline: tuple[float, ...] = ()
    outcome: GateOutcome | None = None
    note: str = ""


class Robustness(Extra, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/robustness/1"
    FILE: ClassVar[str] = "robustness.json"
    schema: Literal["modelrail/robustness/1"] = "modelrail/robustness/1"
    curves: tuple[RobustnessCurve, ...]


class FairnessGroup(Record, frozen=True, kw_only=True):
    column: str
    value: str
    metric: str
    rows: int
    candidate: float | None
    baseline: float | None = None
    outcome: GateOutcome | None = None
    note: str = ""


class Fairness(Extra, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/fairness/1"
    FILE: ClassVar[str] = "fairness.json"
    schema: Literal["modelrail/fairness/1"] = "modelrail/fairness/1"
    groups: tuple[FairnessGroup, ...]


class Importance(Record, frozen=True, kw_only=True):
    feature: str
    candidate: float | None
    baseline: float | None = None


class Importances(Extra, frozen=True, kw_only=True):
    SCHEMA: ClassVar[str] = "modelrail/importances/1"
    FILE: ClassVar[str] = "importances.json"
    schema: Literal["modelrail/importances/1"] = "modelrail/importances/1"
    method: str  # "permutation importance, loss of ROC AUC"
    features: tuple[Importance, ...]


EXTRAS: tuple[type[Extra], ...] = (Distributions, Robustness, Fairness, Importances)


class Measured(Record, frozen=True, kw_only=True):
    """A registered version and what its own tag says it measured, on the test data of its day."""

    version: str
    value: float | None


class Lineage(Record, frozen=True, kw_only=True):
    """The last versions, and who put the present one into the stage. Shown; nothing decides by it."""

    SCHEMA: ClassVar[str] = "modelrail/lineage/1"
    FILE: ClassVar[str] = "lineage.json"
    schema: Literal["modelrail/lineage/1"] = "modelrail/lineage/1"
    model: str
    metric: str
    versions: tuple[Measured, ...]  # in order of registration
    stage: str
    version: str | None = None  # that the stage holds
    since: str | None = None
    by: str = ""
    reason: str = ""


class Places(Record, frozen=True, kw_only=True):
    """Where the gates stand in the head's modelrail.yaml, for annotations."""

    SCHEMA: ClassVar[str] = "modelrail/places/1"
    FILE: ClassVar[str] = "places.json"
    schema: Literal["modelrail/places/1"] = "modelrail/places/1"
    model: str
    file: str  # relative to the repository
    lines: dict[str, int]  # of each gate's path


class ChangedFile(Record, frozen=True, kw_only=True):
    path: str  # relative to the repository; only shown
    kind: Literal["added", "removed", "changed"]
    added: int | None = None  # lines; null: not counted, or not text
    removed: int | None = None


class CodeChanges(Record, frozen=True, kw_only=True):
    """Which files differ between the baseline's commit and the candidate's. Shown; nothing decides by it."""

    SCHEMA: ClassVar[str] = "modelrail/code-changes/1"
    FILE: ClassVar[str] = "code-changes.json"
    schema: Literal["modelrail/code-changes/1"] = "modelrail/code-changes/1"
    model: str
    baseline: str  # commit
    candidate: str  # commit
    total: int  # files; `files` may be fewer
    files: tuple[ChangedFile, ...]


class Evidence(Record, frozen=True, kw_only=True):
    """Everything that carries one version. Its digest stands in the tags."""

    SCHEMA: ClassVar[str] = "modelrail/evidence/1"
    FILE: ClassVar[str] = "evidence.json"
    schema: Literal["modelrail/evidence/1"] = "modelrail/evidence/1"
    model: str
    candidate: Candidate
    data: DataReport | None
    evaluation: Evaluation
    comparison: Comparison
    modelrail: str  # version of the tool


class Failure(Record, frozen=True, kw_only=True):
    """Why a step stopped; written beside the other records so that the report can say it."""

    SCHEMA: ClassVar[str] = "modelrail/failure/1"
    FILE: ClassVar[str] = "failure.json"
    schema: Literal["modelrail/failure/1"] = "modelrail/failure/1"
    model: str
    command: str
    kind: str
    code: int
    what: str
    why: str
    next: str
    path: str
    tail: str
    file: str = ""  # of the repository, where the cause is known
    line: int = 0


# --- registry --------------------------------------------------------------------------------------------


class Event(Record, frozen=True, kw_only=True):
    """One registry tag, read. `trailers` keeps every trailer in order of appearance, keys as written."""

    kind: Literal["register", "deregister", "assign", "unassign", "deprecate"]
    model: str
    version: str | None
    stage: str | None
    sequence: int | None
    tag: str
    object: str  # the tag object
    commit: str  # what the tag points at
    time: int  # tagger date, Unix seconds
    tagger: str
    subject: str
    trailers: dict[str, str]
