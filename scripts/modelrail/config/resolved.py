"""modelrail.yaml: what the user writes, and the resolved form the rest works with.

The structs below are the resolved form: short forms are spelled out, defaults are in. `check.load()`
makes them and reports every fault at once; `schema.py` is the JSON schema for editors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

FILE = "modelrail.yaml"
UNSHOWN = {"function", "reported", "higher_is_better"}  # of a metric that the user named


class Part(Struct, frozen=True, kw_only=True):
    """Base of the resolved parts."""


class Data(Part, frozen=True, kw_only=True):
    test: str
    target: str  # multilabel by columns: their names, as people read them
    key: str
    train: str | None = None
    group: str | None = None  # rows of one group are not independent
    weight: str | None = None  # how much a row counts
    time: str | None = None  # rows near in time are not independent
    block: int | None = None  # how many distinct times make one block; default: by their number
    query: str | None = None  # ranking: rows of one list

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the test table that a comparison needs whatever it measures; each once."""
        named = (self.key, *self.label_columns, self.group, self.weight, self.time, self.query)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that hold the label: withheld from every predictor."""
        return self.targets or (self.target,)

    schema: str | None = None  # pandera's YAML form
    targets: tuple[str, ...] = ()  # multilabel: a column of 0 and 1 a label, where `target` names several
    separator: str = "|"  # multilabel: between the labels of a text
    needs: tuple[str, ...] = ()  # further files and folders that training or prediction read
    sealed: Literal["rows", "labels"] | None = None  # what only `modelrail score-sealed` reads
    labels: str | None = None  # sealed labels: the table of key and target


class Metric(Part, frozen=True, kw_only=True):
    """A metric with its parameters; `name` as in core/metrics, `label` as people and records see it."""

    name: str
    params: dict[str, Any] = {}  # numbers, texts; costs: numbers by "TRUE>PREDICTED"

    @property
    def label(self) -> str:
        shown = ", ".join(f"{key}={value}" for key, value in written(self.params))
        return f"{self.name}({shown})" if shown else self.name


def written(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters that are shown, as text; of costs each pair."""
    found: list[tuple[str, str]] = []
    for key, value in params.items():
        if key in UNSHOWN:
            continue
        if isinstance(value, dict):
            found += [(name, f"{cost:g}") for name, cost in value.items()]
        else:
            found.append((key, value if isinstance(value, str) else f"{value:g}"))
    return found


class Slice(Part, frozen=True, kw_only=True):
    """By the values of a column, its quantile bins, a combination of such parts, or one expression."""

    column: str  # what it is called; the column itself, unless `parts` or `where` say otherwise
    bins: int | None = None  # quantile bins of a numeric column
    min_rows: int = 30  # fewer: inconclusive
    parts: tuple[Slice, ...] = ()  # the values of all of them together
    where: str | None = None  # the rows for which this holds; see core/slices/expressions.py
    where_columns: tuple[str, ...] = ()  # that the expression reads

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the test table that it needs."""
        if self.where is not None:
            return self.where_columns
        return tuple(part.column for part in self.parts) or (self.column,)


class Margin(Part, frozen=True, kw_only=True):
    """A tolerated difference: absolute (`0.005`) or relative to the baseline (`1%`)."""

    value: float
    relative: bool = False


Severity = Literal["block", "warn", "info"]


class When(Part, frozen=True, kw_only=True):
    """Under which circumstances a gate applies: all that are named, each by any of its values."""

    changed: tuple[str, ...] = ()  # data, params, code, environment: what the candidate is a function of
    stage: tuple[str, ...] = ()  # whose version the candidate is compared with
    label: tuple[str, ...] = ()  # of the pull request


class Gate(Part, frozen=True, kw_only=True):
    """One rule. Exactly one of `min`, `max`, `no_worse_than`, `better_by`, `within` is set."""

    path: str  # models.delay.gates[2]
    metric: Metric
    name: str | None = None  # for waivers
    within: Margin | None = None  # as good as the baseline, neither worse nor better by more than this
    only: tuple[str, ...] = ()  # of the slices, these values alone
    when: When | None = None
    min: float | None = None
    max: float | None = None
    no_worse_than: Margin | None = None
    better_by: Margin | None = None
    slices: str | None = None  # column: the rule holds for every slice of it
    severity: Severity = "block"
    confidence: float = 0.95
    with_confidence: bool = False  # `confidence` was written: min and max must hold with it


class Check(Part, frozen=True, kw_only=True):
    """A gate that needs no metric: `{gate: leakage, max: 0}`."""

    path: str
    kind: Literal["leakage"]
    max: Margin  # test rows that also stand in the training table: a number, or a share of the test rows
    name: str | None = None
    severity: Severity = "block"
    when: When | None = None


class Waiver(Part, frozen=True, kw_only=True):
    """Somebody's word that a gate need not hold for a while. It names the gate by `gate`, or by `metric`."""

    path: str  # models.delay.waivers[0]
    owner: str
    reason: str
    expires: str  # 2026-12-31, the last day on which it counts, in UTC
    gate: str | None = None  # a gate's name, or `leakage`
    metric: str | None = None  # the label of a gate's metric
    slices: str | None = None  # gates over this column alone
    slice: str | None = None  # this slice alone
    stage: str | None = None  # comparisons with this stage's version alone


class SliceSearch(Part, frozen=True, kw_only=True):
    """Look for the worst served slices, over the values of the model's slices and their combinations."""

    depth: int = 2
    min_rows: int = 200
    metric: str | None = None  # label; default: the model's first


class Budget(Part, frozen=True, kw_only=True):
    """How often one test set may be asked before its answers are too optimistic."""

    path: str
    limit: int
    severity: Severity = "warn"


class Other(Part, frozen=True, kw_only=True):
    """A further baseline, shown beside the one of the stage."""

    kind: Literal["latest", "best", "majority", "version"]
    version: str | None = None


class Stage(Part, frozen=True, kw_only=True):
    name: str
    enter: Literal["on-pass", "manual"] = "manual"
    source: str | None = None  # `from:` only versions in that stage may enter
    first: Literal["allowed", "refused"] = "refused"  # a first version without a baseline
    versions: int = 1  # so many may stand there at once
    by: tuple[str, ...] = ()  # who may put a version there; empty: whoever may run the command


class Model(Part, frozen=True, kw_only=True):
    name: str
    path: str  # the model's folder, "." for the root; other paths here are relative to it
    task: Literal["binary", "multiclass", "multilabel", "regression", "ranking"]
    env: str | None  # requirements file
    data: Data
    params: str | None
    train: str  # command, run in the model's folder
    model: str  # file that training writes
    predict: str | None  # command; otherwise a built-in predictor by file type
    metrics_file: str | None
    positive: str | None  # the positive class of a binary task; default: the greater label
    metrics: tuple[Metric, ...]
    slices: tuple[Slice, ...]
    gates: tuple[Gate, ...]
    stages: tuple[Stage, ...]
    store: Literal["release", "dvc", "mlflow"]
    allow_pickle: bool  # `allow_pickle: true`: joblib/pickle files, which run code when loaded, are accepted
    train_timeout: float  # seconds
    predict_timeout: float
    checks: tuple[Check, ...] = ()  # gates without a metric
    waivers: tuple[Waiver, ...] = ()
    slice_search: SliceSearch | None = None
    test_budget: Budget | None = None
    baselines: tuple[Other, ...] = ()

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)


class Signing(Part, frozen=True, kw_only=True):
    """Tags and ledger commits are signed."""

    format: Literal["ssh", "gpg"] = "ssh"
    key: str | None = None  # a key file or id, as for git's user.signingKey
    signers: str | None = None  # file of the allowed signers
    required: bool = False  # nothing is written that none of them signed


class Config(Part, frozen=True, kw_only=True):
    version: int
    models: tuple[Model, ...]
    signing: Signing | None = None

    def model(self, name: str) -> Model | None:
        return next((model for model in self.models if model.name == name), None)
