"""The JSON schema of modelrail.yaml: for editors, for the generated reference, and the one list of its keys.

`check.py` takes keys, choices, patterns and defaults from here, so that what an editor accepts and
what the checker accepts cannot drift. What JSON schema cannot say (a `from` that exists, a metric that fits
the task) is the checker's alone.
"""

from __future__ import annotations

from modelrail import __version__
from modelrail.config.schema_metrics import METRIC, NAMED_METRIC
from modelrail.config.schema_parts import DURATION, NAME, PATH, PERCENT, TEXT, Schema
from modelrail.config.schema_parts import choice as _choice
from modelrail.config.schema_parts import duration as _duration
from modelrail.config.schema_parts import path as _path
from modelrail.config.schema_parts import table as _table
from modelrail.config.schema_parts import text as _text
from modelrail.config.schema_policy import (
    BASELINES,
    BUDGET,
    CHECK,
    CONFIDENCE,
    GATE,
    MIN_ROWS,
    RULES,
    SEARCH,
    SEVERITIES,
    SLICE,
    SLICE_TABLE,
    WAIVER,
    WHEN,
)

__all__ = [
    "CONFIDENCE",
    "DURATION",
    "MIN_ROWS",
    "NAME",
    "PATH",
    "PERCENT",
    "RULES",
    "SEVERITIES",
    "SLICE_TABLE",
]
__all__ += ["TEXT", "Schema"]

REPOSITORY = "modelrail/modelrail"
PATH_IN_REPOSITORY = "schemas/modelrail.schema.json"
URL = f"https://raw.githubusercontent.com/{REPOSITORY}/v{__version__}/{PATH_IN_REPOSITORY}"

TASKS = ("binary", "multiclass", "multilabel", "regression", "ranking")
MAX_BLOCK = 1_000_000
SEALS = ("rows", "labels")
STORES = ("release", "dvc", "mlflow")
ENTERS = ("on-pass", "manual")
FIRSTS = ("allowed", "refused")
DEFAULT_STAGES = {"staging": {"enter": "on-pass"}, "production": {"from": "staging", "enter": "manual"}}
TRAIN_TIMEOUT = "2h"
PREDICT_TIMEOUT = "30m"
MAX_TIMEOUT = 120 * 3600
MAX_NAME = 100
MAX_STANDING = 20
MAX_FILE_BYTES = 1024 * 1024


_DATA = _table(
    {
        "train": _path("Training table. Optional: training may read what it likes.", "data/train.parquet"),
        "test": _path(
            "Test table, Parquet or CSV. Candidate and baseline are scored on these rows, without the label.",
            "data/test.parquet",
        ),
        "target": {
            "oneOf": [
                _text("Column of the label.", "late"),
                {
                    "type": "array",
                    "minItems": 2,
                    "items": {"type": "string", "pattern": TEXT, "maxLength": 1000},
                    "description": "Multilabel: a column of 0 and 1 for each label.",
                },
            ],
            "description": "Column of the label. Multilabel: a list of columns that hold 0 and 1, or one "
            "column of lists, or of text parted by `separator`.",
            "examples": ["late", ["toxic", "insult"]],
        },
        "separator": _text("Multilabel: what parts the labels of a text.", "|") | {"default": "|"},
        "key": _text("Column that names a row: pairs candidate and baseline. No value twice.", "flight_id"),
        "group": _text("Column of the groups whose rows are not independent; widens the intervals.", "day"),
        "weight": _text("Column of how much a row counts, in every metric and its interval.", "weight"),
        "time": _text(
            "Column of the time: rows near in time are not independent, so that blocks of consecutive times "
            "are taken together.",
            "day",
        ),
        "block": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_BLOCK,
            "examples": [7],
            "description": "How many distinct times make a block. Default: 2 T^(1/3) of T.",
        },
        "query": _text(
            "Ranking: column of the lists that are ranked; their rows belong together.", "query_id"
        ),
        "schema": _path("Schema that `validate-data` checks, in pandera's YAML form.", "data/schema.yaml"),
        "needs": {
            "type": "array",
            "items": {"type": "string", "pattern": PATH, "maxLength": 500},
            "default": [],
            "examples": [["data/airports.parquet", "embeddings"]],
            "description": "Further files and folders that training or prediction read and that DVC tracks. "
            "They are pulled with the tables; for the baseline, as its own commit has them.",
        },
        "sealed": _choice(
            SEALS,
            None,
            "What of the test set no job that runs a pull request's code may read: all its `rows`, or its "
            "`labels` alone. `modelrail score-sealed` reads it; see docs/sealed.md.",
        ),
        "labels": _path(
            "With `sealed: labels`: the table of key and target. `test` then holds everything else.",
            "data/labels.parquet",
        ),
    },
    ("test", "target", "key"),
    "The tables. A file that DVC tracks is named as itself; its version is read from `.dvc` or `dvc.lock`.",
)


_SIGNING = _table(
    {
        "format": _choice(("ssh", "gpg"), "ssh", "The kind of key."),
        "key": _text(
            "The key, as for git's `user.signingKey`. In a workflow it comes from the secret `signing-key`.",
            "~/.ssh/id_ed25519.pub",
        ),
        "signers": _path(
            "File of the allowed signers, as for git's `gpg.ssh.allowedSignersFile`; public OpenPGP keys in "
            "their armour may stand in it too.",
            ".github/allowed-signers",
        ),
        "required": {
            "type": "boolean",
            "default": False,
            "description": "Writes are signed; only a version that an allowed signer signed enters a stage.",
        },
    },
    (),
    "Sign tags and ledger commits. `git verify-tag` reads the signatures too.",
)

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
        "versions": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_STANDING,
            "default": 1,
            "examples": [3],
            "description": "So many versions may stand here at once; one more lets the oldest leave.",
        },
        "by": {
            "type": "array",
            "minItems": 1,
            "items": _text("A login on GitHub; on a laptop, git's `user.name`.", "ana"),
            "examples": [["ana", "release-bot"]],
            "description": "Who may put a version here, by `promote` or `rollback`, or take one out. "
            "Default: whoever may run the workflow.",
        },
    },
    (),
    "A stage. Tags name it: `delay#production#3`.",
)


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
            "`score:<class>`; multilabel: `prediction` as lists or text, or `prediction:<label>` with 0 "
            "and 1, and `score:<label>`. `{input}`, `{model}`, `{output}` in the command stand for the same "
            "paths.",
            "python predict.py",
        ),
        "metrics_file": _path(
            "File of the metrics that training itself reports (YAML or JSON); recorded. "
            "`{loss: {reported: true, higher_is_better: false}}` in `metrics` shows one of them, without an "
            "interval, and a gate `{metric: loss, max: 0.4}` judges it by its value alone, over all rows.",
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
            "items": {"oneOf": [{"$ref": "#/definitions/gate"}, {"$ref": "#/definitions/check"}]},
            "description": "The policy. The verdict is `pass` when every gate of severity `block` passes.",
        },
        "waivers": {
            "type": "array",
            "items": {"$ref": "#/definitions/waiver"},
            "default": [],
            "description": "Gates that need not hold for a while, by somebody's word. Read from the base "
            "commit, like the gates; never silent.",
        },
        "slice_search": {"$ref": "#/definitions/slice_search"},
        "test_budget": BUDGET,
        "baselines": BASELINES,
        "stages": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": NAME, "maxLength": MAX_NAME},
            "additionalProperties": {"$ref": "#/definitions/stage"},
            "default": DEFAULT_STAGES,
            "description": "The stages by name.",
        },
        "store": _choice(
            STORES,
            "release",
            "Where the model's bytes are kept: as assets of GitHub releases, in the DVC remote, or in "
            "MLflow's artifact store under the run that trained it (MLFLOW_TRACKING_URI).",
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
    "metric": METRIC,
    "named_metric": NAMED_METRIC,
    "slice": SLICE,
    "slice_search": SEARCH,
    "gate": GATE,
    "check": CHECK,
    "when": WHEN,
    "waiver": WAIVER,
    "stage": _STAGE,
    "signing": _SIGNING,
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
            "signing": {"$ref": "#/definitions/signing"},
        },
        "definitions": DEFINITIONS,
    }
