"""The JSON schema of what judges a model: slices, gates, waivers, and how often a test set may be asked."""

from __future__ import annotations

from modelrail.config.schema_parts import Schema, choice, margin, table, text, texts

SEVERITIES = ("block", "warn", "info")
RULES = ("min", "max", "no_worse_than", "better_by", "within")
CHANGES = ("data", "params", "code", "environment")
CHECKS = ("leakage",)
OTHERS = ("latest", "best", "majority")
MAX_BINS = 100
MAX_DEPTH = 3
MIN_ROWS = 30
SEARCH_DEPTH = 2
SEARCH_ROWS = 200
CONFIDENCE = 0.95
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

# --- slices ----------------------------------------------------------------------------------------------

_MIN_ROWS = {
    "type": "integer",
    "minimum": 1,
    "default": MIN_ROWS,
    "examples": [100],
    "description": "A slice of fewer rows is inconclusive, not a failure.",
}

SLICE_TABLE = table(
    {
        "column": text("Column of the test table.", "distance"),
        "bins": {
            "type": "integer",
            "minimum": 2,
            "maximum": MAX_BINS,
            "examples": [5],
            "description": "Cut a numeric column into this many bins of equal count.",
        },
        "min_rows": _MIN_ROWS,
    },
    ("column",),
    "A slice with its settings.",
)

_COLUMNS = {"type": "array", "minItems": 2, "maxItems": 20, "items": text("Column.", "carrier")}

COMBINATION_TABLE = table(
    {
        "columns": _COLUMNS
        | {
            "description": "Combinations of these columns; a column that is cut into bins elsewhere in the "
            "list is cut here as well.",
            "examples": [["carrier", "origin"]],
        },
        "depth": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_DEPTH,
            "examples": [2],
            "description": "Every combination of up to this many of the columns. Default: all together.",
        },
        "min_rows": _MIN_ROWS,
    },
    ("columns",),
    "Combinations of columns.",
)

EXPRESSION_TABLE = table(
    {
        "name": text("What the slice is called.", "long_haul"),
        "where": text(
            "The rows of the slice: comparisons of columns with values or columns (`== != < <= > >=`), "
            "`in [...]`, `is missing`, joined by `and`, `or`, `not` and brackets; texts in quotes, odd names "
            "in backquotes.",
            "distance > 1000 and carrier in ['EV', 'UA']",
        ),
        "min_rows": _MIN_ROWS,
    },
    ("name", "where"),
    "Rows by an expression.",
)

SLICE: Schema = {
    "description": "Rows by whose values the metrics are also shown; short forms: a column's name, or a list "
    "of columns for their combination.",
    "examples": ["carrier", ["carrier", "origin"], {"column": "distance", "bins": 5}],
    "oneOf": [text("Column.", "carrier"), _COLUMNS, SLICE_TABLE, COMBINATION_TABLE, EXPRESSION_TABLE],
}

SEARCH = table(
    {
        "depth": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_DEPTH,
            "default": SEARCH_DEPTH,
            "examples": [2],
            "description": "Combine the values of up to this many of the model's slices.",
        },
        "min_rows": {
            "type": "integer",
            "minimum": 1,
            "default": SEARCH_ROWS,
            "examples": [500],
            "description": "Smaller combinations are not looked at.",
        },
        "metric": {
            "$ref": "#/definitions/named_metric",
        },
    },
    (),
    "Look for the worst served slices; shown with their number and correction, never gated.",
)

# --- gates -----------------------------------------------------------------------------------------------

_CONFIDENCE: Schema = {
    "type": "number",
    "exclusiveMinimum": 0.5,
    "exclusiveMaximum": 1,
}

BOUND_TABLE = table(
    {
        "value": {"type": "number", "description": "The bound.", "examples": [0.8]},
        "confidence": _CONFIDENCE
        | {"description": "Confidence with which it must hold.", "examples": [0.95], "default": CONFIDENCE},
    },
    ("value",),
    "A bound that must hold with this confidence.",
)


def _bound(description: str, example: float) -> Schema:
    return {
        "description": description,
        "examples": [example, {"value": example, "confidence": CONFIDENCE}],
        "oneOf": [{"type": "number"}, BOUND_TABLE],
    }


WHEN = table(
    {
        "changed": texts(
            "The candidate and the baseline differ in one of these: `data`, `params`, `code`, `environment`.",
            "data",
            choices=CHANGES,
        ),
        "stage": texts("The candidate is compared with the version in this stage.", "production"),
        "label": texts("The pull request carries this label.", "risky"),
    },
    (),
    "All of these must hold, each by any of its values. What cannot be known is taken to hold.",
)

_NAME = text("A name, for waivers and reports.", "auc-by-carrier", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_SEVERITY = choice(SEVERITIES, "block", "What a failure does: `block` the verdict, `warn`, or `info`.")

GATE: Schema = {
    **table(
        {
            "metric": {"$ref": "#/definitions/named_metric"},
            "name": _NAME,
            "min": _bound("The candidate's value is at least this.", 0.7),
            "max": _bound("The candidate's value is at most this.", 0.2),
            "no_worse_than": margin(
                "The candidate is at most this much worse than the baseline: absolute, or `%` of its value."
            ),
            "better_by": margin(
                "The candidate is at least this much better than the baseline: absolute, or `%` of its value."
            ),
            "within": margin(
                "The candidate is neither worse nor better than the baseline by more than this: absolute, or "
                "`%` of its value."
            ),
            "slices": texts(
                "The rule holds for every slice of this column of `slices:`, or of this combination of "
                "columns.",
                "carrier",
            ),
            "only": texts("Of these slices, the ones of these values alone.", "EV"),
            "severity": _SEVERITY,
            "when": {"$ref": "#/definitions/when"},
            "confidence": {
                **_CONFIDENCE,
                "default": CONFIDENCE,
                "description": "Confidence of the interval that decides. Written out, `min` and `max` must "
                "hold with it too; without it, by the value alone.",
            },
        },
        ("metric",),
        "One rule: a metric and exactly one of `min`, `max`, `no_worse_than`, `better_by`, `within`.",
    ),
    "oneOf": [{"required": [rule]} for rule in RULES],
}

CHECK = table(
    {
        "gate": choice(CHECKS, None, "`leakage`: test rows that also stand in the training table.")
        | {"examples": ["leakage"]},
        "max": margin("So many are tolerated: a number of rows, or `%` of the test rows.", 0, "1%")
        | {"default": 0},
        "name": _NAME,
        "severity": _SEVERITY,
        "when": {"$ref": "#/definitions/when"},
    },
    ("gate",),
    "A gate that needs no metric.",
)

WAIVER: Schema = {
    **table(
        {
            "gate": text("The `name` of a gate, or `leakage`.", "auc-by-carrier"),
            "metric": {"$ref": "#/definitions/named_metric"},
            "slices": texts("Only gates over these slices.", "carrier"),
            "slice": text("Only this slice, by its value.", "EV"),
            "stage": text("Only comparisons with the version in this stage.", "staging"),
            "owner": text("Who answers for it.", "ana"),
            "reason": text("Why the gate need not hold.", "EV leaves the schedule in March"),
            "expires": {
                "type": "string", "pattern": DATE, "examples": ["2027-03-31"],
                "description": "The last day on which it counts (UTC).",
            },
        },
        ("owner", "reason", "expires"),
        "A gate, named by `gate` or by `metric`, that need not hold for a while. The failure stays in the "
        "report, in the evidence and in the tag.",
    ),
    "oneOf": [{"required": ["gate"]}, {"required": ["metric"]}],
}  # fmt: skip

BUDGET_TABLE = table(
    {
        "limit": {"type": "integer", "minimum": 1, "examples": [20], "description": "So many versions."},
        "severity": choice(SEVERITIES, "warn", "What it does when the budget is used up."),
    },
    ("limit",),
    "How many registered versions may be judged by one and the same test set.",
)

BUDGET: Schema = {
    "description": "How many registered versions may be judged by one and the same test set before its "
    "answers are too optimistic; beyond it a warning, or `{limit: 20, severity: block}`.",
    "examples": [20],
    "oneOf": [{"type": "integer", "minimum": 1}, BUDGET_TABLE],
}

VERSION_TABLE = table(
    {
        "version": {
            "type": "string",
            "pattern": r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$",
            "examples": ["v1.0.0"],
            "description": "A registered version.",
        }
    },
    ("version",),
    "A named version.",
)

BASELINES: Schema = {
    "type": "array",
    "items": {"oneOf": [{"enum": list(OTHERS)}, VERSION_TABLE]},
    "default": [],
    "examples": [["latest", "best", "majority", {"version": "v1.0.0"}]],
    "description": "Further baselines, shown beside the version in the stage and never gated: the `latest` "
    "registered version, the `best` (the one whose tag says the best value of the first gate's metric; "
    "scored again on today's rows), `majority` (always the most frequent class, or the mean), or a named "
    "version.",
}
