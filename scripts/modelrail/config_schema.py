"""The JSON schema of modelrail.yaml: for editors, for the generated reference, and the one list of its keys.

`config_check.py` takes keys, choices, patterns and defaults from here, so that what an editor accepts and
what the checker accepts cannot drift. What JSON schema cannot say (a `from` that exists, a metric that fits
the task) is the checker's alone.
"""

from __future__ import annotations

from typing import Any

from modelrail import __version__
from modelrail.core.metrics import catalog

Schema = dict[str, Any]

REPOSITORY = "modelrail/modelrail"
PATH_IN_REPOSITORY = "schemas/modelrail.schema.json"
URL = f"https://raw.githubusercontent.com/{REPOSITORY}/v{__version__}/{PATH_IN_REPOSITORY}"

# GTO's grammar of names, without the doubled slash that git refuses in a ref.
NAME = r"^[A-Za-z0-9]([A-Za-z0-9_-]|/(?!/))*(?<![/_-])$"
# Relative, inside the repository: no leading `/`, `-`, `~` or drive; no part `..` or `.git`; no backslash.
PATH = r"^(?=.*\S)(?![-/~])(?![A-Za-z]:)(?!(.*/)?\.\.(/|$))(?!(.*/)?\.[gG][iI][tT](/|$))[^\\\x00-\x1f\x7f]+$"
PERCENT = r"^[0-9]{1,9}(\.[0-9]{1,9})? ?%$"
DURATION = r"^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
TEXT = r"\S"  # anything but blanks

TASKS = ("binary", "multiclass", "regression")
STORES = ("release",)
SEVERITIES = ("block", "warn", "info")
ENTERS = ("on-pass", "manual")
FIRSTS = ("allowed", "refused")
RULES = ("min", "max", "no_worse_than", "better_by")
DEFAULT_STAGES = {"staging": {"enter": "on-pass"}, "production": {"from": "staging", "enter": "manual"}}
TRAIN_TIMEOUT = "2h"
PREDICT_TIMEOUT = "30m"
MAX_TIMEOUT = 120 * 3600
MAX_BINS = 100
MAX_NAME = 100
MIN_ROWS = 30
CONFIDENCE = 0.95
MAX_FILE_BYTES = 1024 * 1024


def _path(description: str, example: str) -> Schema:
    return {
        "type": "string",
        "pattern": PATH,
        "maxLength": 500,
        "description": description,
        "examples": [example],
    }


def _text(description: str, *examples: str, **more: Any) -> Schema:
    return {
        "type": "string", "pattern": TEXT, "maxLength": 1000, "description": description,
        "examples": list(examples), **more,
    }  # fmt: skip


def _choice(values: tuple[str, ...], default: str | None, description: str) -> Schema:
    found: Schema = {"enum": list(values), "description": description}
    return found | ({"default": default} if default else {})


def _table(properties: Schema, required: tuple[str, ...], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_DATA = _table(
    {
        "train": _path("Training table. Optional: training may read what it likes.", "data/train.parquet"),
        "test": _path(
            "Test table, Parquet or CSV. Candidate and baseline are scored on these rows, without the label.",
            "data/test.parquet",
        ),
        "target": _text("Column of the label.", "late"),
        "key": _text("Column that names a row: pairs candidate and baseline. No value twice.", "flight_id"),
        "group": _text("Column of the groups whose rows are not independent; widens the intervals.", "day"),
        "schema": _path("Schema that `validate-data` checks, in pandera's YAML form.", "data/schema.yaml"),
    },
    ("test", "target", "key"),
    "The tables. A file that DVC tracks is named as itself; its version is read from `.dvc` or `dvc.lock`.",
)

_METRIC: Schema = {
    "enum": list(catalog.names()),
    "description": "A metric by name; it must fit the task.",
    "examples": ["roc_auc"],
}

SLICE_TABLE = _table(
    {
        "column": _text("Column of the test table.", "distance"),
        "bins": {
            "type": "integer",
            "minimum": 2,
            "maximum": MAX_BINS,
            "examples": [5],
            "description": "Cut a numeric column into this many bins of equal count.",
        },
        "min_rows": {
            "type": "integer",
            "minimum": 1,
            "default": MIN_ROWS,
            "examples": [100],
            "description": "A slice of fewer rows is inconclusive, not a failure.",
        },
    },
    ("column",),
    "A slice with its settings.",
)

_SLICE: Schema = {
    "description": "A column by whose values the metrics are also shown; short form: the column's name.",
    "examples": ["carrier", {"column": "distance", "bins": 5}],
    "oneOf": [_text("Column.", "carrier"), SLICE_TABLE],
}


def _margin(description: str) -> Schema:
    return {
        "description": description,
        "examples": [0.005, "1%"],
        "oneOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": PERCENT},
        ],
    }


_GATE: Schema = {
    **_table(
        {
            "metric": {"$ref": "#/definitions/metric"},
            "min": {
                "type": "number", "examples": [0.7],
                "description": "The candidate's value is at least this.",
            },
            "max": {
                "type": "number", "examples": [0.2],
                "description": "The candidate's value is at most this.",
            },
            "no_worse_than": _margin(
                "The candidate is at most this much worse than the baseline: absolute, or `%` of its value."
            ),
            "better_by": _margin(
                "The candidate is at least this much better than the baseline: absolute, or `%` of its value."
            ),
            "slices": _text("The rule holds for every slice of this column of `slices:`.", "carrier"),
            "severity": _choice(
                SEVERITIES, "block", "What a failure does: `block` the verdict, `warn`, or `info`."
            ),
            "confidence": {
                "type": "number",
                "exclusiveMinimum": 0.5,
                "exclusiveMaximum": 1,
                "default": CONFIDENCE,
                "description": "Confidence of the interval that decides. Written out, `min` and `max` must "
                "hold with it too; without it, by the value alone.",
            },
        },
        ("metric",),
        "One rule: a metric and exactly one of `min`, `max`, `no_worse_than`, `better_by`.",
    ),
    "oneOf": [{"required": [rule]} for rule in RULES],
}  # fmt: skip

_STAGE = _table(
    {
        "enter": _choice(
            ENTERS, "manual", "`on-pass`: a registered version enters at once; `manual`: by `promote` alone."
        ),
        "from": _text(
            "Only a version that is in this stage may enter. Default: any registered version.",
            "staging",
        ),
        "first": _choice(
            FIRSTS,
            "refused",
            "Where the stage is empty: `allowed` judges the first version without a baseline.",
        ),
    },
    (),
    "A stage. Tags name it: `delay#production#3`.",
)


def _duration(description: str, default: str) -> Schema:
    return {
        "type": "string", "pattern": DURATION, "default": default, "description": description,
        "examples": ["90s", "30m", "1h30m"],
    }  # fmt: skip


_MODEL = _table(
    {
        "task": _choice(TASKS, None, "What the model predicts."),
        "path": _path(
            "Folder of the model; every other path of the model is relative to it, and commands run in it.",
            "services/fraud",
        )
        | {"default": "."},
        "env": _path(
            "Requirements file of the environment that trains and predicts. Default: the `python3` on "
            "the PATH, as it is.",
            "requirements.txt",
        ),
        "data": {"$ref": "#/definitions/data"},
        "params": _path(
            "Parameter file (YAML, JSON or TOML): recorded and compared; training reads it itself.",
            "params.yaml",
        ),
        "train": _text("Command that trains. It must write `model`.", "python train.py"),
        "model": _path(
            "What training writes: `.skops`, `.onnx`, `.joblib`, the folder of an MLflow model, "
            "or anything that `predict` reads.",
            "build/model.skops",
        ),
        "predict": _text(
            "Command that predicts, where the built-in predictor of the file type does not do. It reads "
            "`$MODELRAIL_INPUT` (the test table without its label) and `$MODELRAIL_MODEL`, and writes "
            "`$MODELRAIL_OUTPUT`: the key, `prediction`, and `score` (binary: of the positive class) or "
            "`score:<class>`. `{input}`, `{model}`, `{output}` in the command stand for the same paths.",
            "python predict.py",
        ),
        "metrics_file": _path(
            "File of the metrics that training itself reports (YAML or JSON); recorded, never gated.",
            "metrics.json",
        ),
        "positive": {
            "type": ["string", "integer", "boolean"],
            "description": "The positive class of a binary task. Default: the greater of the two labels.",
            "examples": ["late", 1],
        },
        "metrics": {
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/definitions/metric"},
            "description": "What the report shows. Metrics that only gates name are added.",
        },
        "slices": {
            "type": "array",
            "items": {"$ref": "#/definitions/slice"},
            "default": [],
            "description": "Columns by whose values every metric is also shown.",
        },
        "gates": {
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/definitions/gate"},
            "description": "The policy. The verdict is `pass` when every gate of severity `block` passes.",
        },
        "stages": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": NAME, "maxLength": MAX_NAME},
            "additionalProperties": {"$ref": "#/definitions/stage"},
            "default": DEFAULT_STAGES,
            "description": "The stages by name.",
        },
        "store": _choice(
            STORES, "release", "Where the model's bytes are kept: as assets of GitHub releases."
        ),
        "allow_pickle": {
            "type": "boolean",
            "default": False,
            "description": "Accept pickle and joblib files, which run code when they are loaded.",
        },
        "timeout": _table(
            {
                "train": _duration("Time that training may take.", TRAIN_TIMEOUT),
                "predict": _duration("Time that one predictor may take.", PREDICT_TIMEOUT),
            },
            (),
            "Time limits, as `90s`, `30m`, `1h30m`.",
        ),
    },
    ("task", "data", "train", "model", "metrics", "gates"),
    "A model.",
)

DEFINITIONS: Schema = {
    "model": _MODEL,
    "data": _DATA,
    "metric": _METRIC,
    "slice": _SLICE,
    "gate": _GATE,
    "stage": _STAGE,
}


def schema() -> Schema:
    """The whole schema, draft 7 (what editors understand best)."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": URL,
        "title": "modelrail.yaml",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "models"],
        "properties": {
            "version": {"const": 1, "description": "Version of this format.", "examples": [1]},
            "models": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": NAME, "maxLength": MAX_NAME},
                "additionalProperties": {"$ref": "#/definitions/model"},
                "description": "The models by name. Tags name them: `delay@v1.2.0`.",
            },
        },
        "definitions": DEFINITIONS,
    }
