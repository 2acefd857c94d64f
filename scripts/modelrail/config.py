"""modelrail.yaml: what the user writes, and the resolved form the rest works with.

The structs below are the resolved form: short forms are spelled out, defaults are in. `config_check.load()`
makes them and reports every fault at once; `config_schema.py` is the JSON schema for editors.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

FILE = "modelrail.yaml"


class Part(Struct, frozen=True, kw_only=True):
    """Base of the resolved parts."""


class Data(Part, frozen=True, kw_only=True):
    test: str
    target: str
    key: str
    train: str | None = None
    group: str | None = None  # rows of one group are not independent
    schema: str | None = None  # pandera's YAML form


class Metric(Part, frozen=True, kw_only=True):
    """A metric with its parameters; `name` as in core/metrics, `label` as people and records see it."""

    name: str
    params: dict[str, float] = {}

    @property
    def label(self) -> str:
        if not self.params:
            return self.name
        return f"{self.name}({', '.join(f'{key}={value:g}' for key, value in self.params.items())})"


class Slice(Part, frozen=True, kw_only=True):
    column: str
    bins: int | None = None  # quantile bins of a numeric column
    min_rows: int = 30  # fewer: inconclusive


class Margin(Part, frozen=True, kw_only=True):
    """A tolerated difference: absolute (`0.005`) or relative to the baseline (`1%`)."""

    value: float
    relative: bool = False


class Gate(Part, frozen=True, kw_only=True):
    """One rule. Exactly one of `min`, `max`, `no_worse_than`, `better_by` is set."""

    path: str  # models.delay.gates[2]
    metric: Metric
    min: float | None = None
    max: float | None = None
    no_worse_than: Margin | None = None
    better_by: Margin | None = None
    slices: str | None = None  # column: the rule holds for every slice of it
    severity: Literal["block", "warn", "info"] = "block"
    confidence: float = 0.95
    with_confidence: bool = False  # `confidence` was written: min and max must hold with it


class Stage(Part, frozen=True, kw_only=True):
    name: str
    enter: Literal["on-pass", "manual"] = "manual"
    source: str | None = None  # `from:` only versions in that stage may enter
    first: Literal["allowed", "refused"] = "refused"  # a first version without a baseline


class Model(Part, frozen=True, kw_only=True):
    name: str
    path: str  # the model's folder, "." for the root; other paths here are relative to it
    task: Literal["binary", "multiclass", "regression"]
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

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)


class Config(Part, frozen=True, kw_only=True):
    version: int
    models: tuple[Model, ...]

    def model(self, name: str) -> Model | None:
        return next((model for model in self.models if model.name == name), None)
