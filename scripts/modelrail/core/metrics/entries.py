"""The metrics, one entry each; see catalog.py for how they are read."""

from __future__ import annotations

from typing import Any

from modelrail.core.metrics.entry import (
    BOOTSTRAP_PAPER,
    CELLS_PAPER,
    DELONG_PAPER,
    EXCHANGES_PAPER,
    FEW_PAPER,
    INFLUENCE_PAPER,
    MEANS_PAPER,
    Metric,
    Needs,
    Parameter,
    Task,
)

# --- parameters ------------------------------------------------------------------------------------------

_THRESHOLD = Parameter(
    name="threshold",
    kind="threshold",
    meaning="a row is positive from this score on; default: the predictor's own labels. `tuned`: the best"
    " for this metric, chosen for each model on one half of the rows and used on the other, both ways",
    low=0,
    high=1,
    default="",
)
_TEST = Parameter(
    name="test",
    kind="test",
    meaning="`mcnemar`: better and worse are told by McNemar's test instead of the interval's own",
    choices=("mcnemar",),
    default="",
)
_AVERAGE = Parameter(
    name="average",
    kind="choice",
    meaning="over the classes: `macro` counts each alike, `weighted` by its rows, `micro` counts rows",
    choices=("macro", "micro", "weighted"),
    default="macro",
)
_AVERAGE_OF_LABELS = Parameter(
    name="average",
    kind="choice",
    meaning="over the labels: `macro` counts each alike, `weighted` by its rows, `micro` counts cells;"
    " `samples`: over the rows",
    choices=("macro", "micro", "weighted", "samples"),
    default="macro",
)
_AVERAGE_OF_CURVES = Parameter(
    name="average",
    kind="choice",
    meaning="over the labels: `macro` counts each alike, `weighted` by its rows, `micro` counts cells",
    choices=("macro", "micro", "weighted"),
    default="macro",
)
_LABEL = Parameter(name="class", kind="class", meaning="of this label alone", default="")
_CLASS = Parameter(name="class", kind="class", meaning="of this class alone", default="")
_BETA = Parameter(
    name="beta", kind="number", meaning="recall counts this many times as much as precision", low=0
)
_AT_K = Parameter(name="k", kind="whole", meaning="length of the list that counts", low=0)
_K_ROWS = Parameter(name="k", kind="number", meaning="number of rows; below 1: share of the rows", low=0)
_BINS = Parameter(name="bins", kind="whole", meaning="bins of equal width", low=1, high=1001, default=10)


# --- entries ---------------------------------------------------------------------------------------------


def _cells(name: str, title: str, *tasks: Task, function: str, **more: Any) -> Metric:
    own = more.pop("parameters", ())
    found: dict[str, Any] = {
        "higher_is_better": True, "low": 0.0, "high": 1.0, "needs": "labels", "family": "cells",
        "method": "joint-cells-delta", "paper": CELLS_PAPER, "points": True,
        "parameters": (*own, *((_THRESHOLD,) if tasks == ("binary",) else ())),
    }  # fmt: skip
    return Metric(name=name, title=title, tasks=tasks, function=f"confusion:{function}", **found | more)


def _shares(
    name: str, title: str, rests_on: str, *own: Parameter, tunable: bool = True
) -> tuple[Metric, ...]:
    """Precision, recall and their means: of the positive class, or over the classes."""
    return (
        _cells(
            name,
            title,
            "binary",
            function=name,
            rests_on=rests_on,
            parameters=own,
            fixed={"average": "binary"},
            tunable=tunable,
        ),
        _cells(
            name,
            f"macro {title}",
            "multiclass",
            function=name,
            rests_on="rows of the rarest class",
            parameters=(*own, _AVERAGE, _CLASS),
        ),
        _labels(name, f"macro {title}", *own, _AVERAGE_OF_LABELS, _LABEL, rests_on=_RAREST_LABEL),
    )


def _row(
    name: str, title: str, tasks: tuple[Task, ...], needs: Needs, function: str, *own: Parameter, **more: Any
) -> Metric:
    found: dict[str, Any] = {
        "higher_is_better": False, "low": 0.0, "high": None, "family": "rows", "method": "paired-t",
        "paper": MEANS_PAPER, "parameters": own,
    }  # fmt: skip
    return Metric(name=name, title=title, tasks=tasks, needs=needs, function=function, **found | more)


def _curve(
    name: str, title: str, function: str, *own: Parameter, tasks: tuple[Task, ...] = ("binary",), **more: Any
) -> Metric:
    found: dict[str, Any] = {
        "higher_is_better": True, "high": 1.0, "method": "influence-function", "paper": INFLUENCE_PAPER,
        "rests_on": "rows of the rarer class",
    }  # fmt: skip
    needs: Needs = "scores" if tasks == ("binary",) else "probabilities"
    return _row(name, title, tasks, needs, function, *own, **found | more)


def _labels(name: str, title: str, *own: Parameter, **more: Any) -> Metric:
    """Of several labels a row."""
    found: dict[str, Any] = {
        "higher_is_better": True, "high": 1.0, "points": True, "method": "influence-function",
        "paper": INFLUENCE_PAPER,
    }  # fmt: skip
    return _row(
        name, title, ("multilabel",), more.pop("needs", "labels"), f"multilabel:{name}", *own, **found | more
    )


def _error(name: str, title: str, *own: Parameter, **more: Any) -> Metric:
    return _row(name, title, ("regression",), more.pop("needs", "values"), f"errors:{name}", *own, **more)


def _list(name: str, title: str, function: str, *own: Parameter) -> Metric:
    return _row(
        name,
        title,
        ("ranking",),
        "values",
        f"queries:{function}",
        *own,
        higher_is_better=True,
        high=1.0,
        method="paired-t-by-list",
        rests_on="lists with a relevant row",
    )


_RAREST_LABEL = "rows of the rarest label"
_SMOOTH: dict[str, Any] = {"method": "influence-function", "paper": INFLUENCE_PAPER}
_RESAMPLED: dict[str, Any] = {"method": "bootstrap", "paper": BOOTSTRAP_PAPER, "interval": "bootstrap"}
_RAREST = "rows of the rarest class"
_BY_RANK: dict[str, Any] = {"exchanged": "ranks", "paper": f"{INFLUENCE_PAPER}; {EXCHANGES_PAPER}"}
_MEAN: dict[str, Any] = {"method": "paired-t", "paper": MEANS_PAPER}

METRICS: tuple[Metric, ...] = (
    _cells("accuracy", "accuracy", "binary", function="accuracy", tunable=True, parameters=(_TEST,)),
    _cells("accuracy", "accuracy", "multiclass", function="accuracy", parameters=(_TEST,)),
    _labels("accuracy", "subset accuracy", **_MEAN),
    _labels("hamming_loss", "Hamming loss", higher_is_better=False, **_MEAN),
    _cells(
        "balanced_accuracy",
        "balanced accuracy",
        "binary",
        function="balanced_accuracy",
        rests_on=_RAREST,
        tunable=True,
    ),
    _cells(
        "balanced_accuracy", "balanced accuracy", "multiclass", function="balanced_accuracy", rests_on=_RAREST
    ),
    *_shares("precision", "precision", "rows predicted positive", tunable=False),
    *_shares("recall", "recall", "positive rows", tunable=False),
    _curve(
        "recall",
        "recall at precision",
        "ranking:recall_at_precision",
        Parameter(
            name="at_precision",
            kind="number",
            low=0,
            high=1,
            meaning="the highest recall of any threshold that keeps this precision",
        ),
        variant="at_precision",
        points=True,
        rests_on="positive rows",
        resampler="recalls:at_precision",
        exchanged="ranks",
        **_RESAMPLED | {"paper": f"{BOOTSTRAP_PAPER}; {EXCHANGES_PAPER}"},
    ),
    _cells("specificity", "specificity", "binary", function="specificity", rests_on="negative rows"),
    *_shares("f1", "F1", "positive rows"),
    *_shares("f_beta", "F-beta", "positive rows", _BETA),
    _labels("jaccard", "macro Jaccard", _AVERAGE_OF_LABELS, _LABEL, rests_on=_RAREST_LABEL),
    _cells(
        "mcc",
        "Matthews correlation",
        "binary",
        function="mcc",
        low=-1.0,
        points=False,
        rests_on=_RAREST,
        tunable=True,
    ),
    _cells(
        "mcc", "Matthews correlation", "multiclass", function="mcc", low=-1.0, points=False, rests_on=_RAREST
    ),
    _cells(
        "kappa",
        "Cohen's kappa",
        "binary",
        function="kappa",
        low=-1.0,
        points=False,
        rests_on=_RAREST,
        tunable=True,
    ),
    _cells(
        "kappa", "Cohen's kappa", "multiclass", function="kappa", low=-1.0, points=False, rests_on=_RAREST
    ),
    _cells(
        "expected_cost",
        "expected cost",
        "binary",
        function="expected_cost",
        higher_is_better=False,
        high=None,
        points=False,
        tunable=True,
        parameters=(
            Parameter(name="false_positive", kind="number", meaning="cost of one", default=1.0),
            Parameter(name="false_negative", kind="number", meaning="cost of one", default=1.0),
        ),
    ),
    _cells(
        "expected_cost",
        "expected cost",
        "multiclass",
        function="cost_by_class",
        higher_is_better=False,
        high=None,
        points=False,
        parameters=(
            Parameter(
                name="costs",
                kind="costs",
                meaning="`TRUE>PREDICTED: cost` for some errors; the others cost 1",
            ),
        ),
    ),
    _curve("roc_auc", "ROC AUC", "ranking:roc_auc", method="delong", paper=FEW_PAPER),
    _curve(
        "roc_auc",
        "ROC AUC, one against the rest",
        "ranking:roc_auc_of_classes",
        Parameter(
            name="average",
            kind="choice",
            meaning=_AVERAGE.meaning,
            choices=("macro", "weighted"),
            default="macro",
        ),
        tasks=("multiclass",),
        method="delong",
        paper=DELONG_PAPER,
        rests_on=_RAREST,
    ),
    _labels(
        "roc_auc",
        "macro ROC AUC",
        _AVERAGE_OF_CURVES,
        _LABEL,
        needs="scores",
        points=False,
        method="delong",
        paper=DELONG_PAPER,
        rests_on="rows of the rarer side of a label",
    ),
    _curve("average_precision", "average precision", "ranking:average_precision"),
    _labels(
        "average_precision",
        "macro average precision",
        _AVERAGE_OF_CURVES,
        _LABEL,
        needs="scores",
        points=False,
        rests_on="rows of the rarer side of a label",
    ),
    _curve(
        "precision_at_k",
        "precision among the top k",
        "ranking:precision_at_k",
        _K_ROWS,
        points=True,
        rests_on="rows in the list",
        **_BY_RANK,
    ),
    _curve(
        "lift",
        "lift of the top k",
        "ranking:lift",
        _K_ROWS,
        high=None,
        rests_on="rows in the list",
        **_BY_RANK,
    ),
    _row("log_loss", "log loss", ("binary", "multiclass"), "probabilities", "losses:log_loss"),
    _row("brier", "Brier score", ("binary",), "probabilities", "losses:brier", high=1.0),
    _row("brier", "Brier score", ("multiclass",), "probabilities", "losses:brier", high=2.0),
    _row(
        "calibration_error",
        "calibration error",
        ("binary", "multiclass"),
        "probabilities",
        "losses:calibration_error",
        _BINS,
        high=1.0,
        biased=True,
        method="influence-function",
        **_BY_RANK | {"exchanged": "scores"},
    ),
    _row(
        "top_k_accuracy",
        "top-k accuracy",
        ("multiclass",),
        "probabilities",
        "losses:top_k_accuracy",
        Parameter(name="k", kind="whole", meaning="the true class is among the k most probable", low=0),
        higher_is_better=True,
        high=1.0,
        points=True,
    ),
    _error("mae", "mean absolute error"),
    _error("mse", "mean squared error"),
    _error("rmse", "RMSE", method="paired-moments-delta", paper=INFLUENCE_PAPER),
    _error("r2", "R²", higher_is_better=True, low=None, high=1.0, **_SMOOTH),
    _error("mape", "mean absolute percentage error"),
    _error("smape", "symmetric MAPE", high=2.0),
    _error("wape", "weighted absolute percentage error", **_SMOOTH),
    _error(
        "mase",
        "mean absolute scaled error",
        Parameter(
            name="scale", kind="column", meaning="column with the naive in-sample MAE of the row's series"
        ),
    ),
    _error(
        "pinball",
        "pinball loss",
        Parameter(name="quantile", kind="number", meaning="which the predictions are", low=0, high=1),
    ),
    _error("poisson_deviance", "Poisson deviance"),
    _error("gamma_deviance", "gamma deviance"),
    _error("median_ae", "median absolute error", resampler="medians:of_absolute_errors", **_RESAMPLED),
    _error("max_error", "largest error", method="none", paper="", interval="none"),
    _error(
        "interval_coverage",
        "coverage of predicted intervals",
        needs="intervals",
        higher_is_better=True,
        high=1.0,
        points=True,
    ),
    _error("interval_width", "width of predicted intervals", needs="intervals", low=None),
    _error(
        "interval_score",
        "interval score",
        Parameter(name="coverage", kind="number", meaning="that the intervals aim at", low=0, high=1),
        needs="intervals",
    ),
    _list("ndcg", "NDCG@k", "ndcg", _AT_K),
    _list("map", "MAP@k", "mean_average_precision", _AT_K),
    _list("mrr", "mean reciprocal rank", "mrr"),
    _list("recall", "recall@k", "recall_at_k", _AT_K),
)

_BETTER = Parameter(name="higher_is_better", kind="flag", meaning="direction of the number")
USER = Metric(
    name="",
    title="",
    tasks=("binary", "multiclass", "multilabel", "regression", "ranking"),
    higher_is_better=True,
    low=None,
    high=None,
    needs="nothing",
    family="user",
    function="",
    interval="bootstrap",
    method="bootstrap",
    paper=BOOTSTRAP_PAPER,
    variant="function",
    parameters=(
        Parameter(
            name="function",
            kind="function",
            meaning="`module:function` in the model's folder, called with arrays by its arguments' names:"
            " `truth`, `prediction`, `score`, or columns of the test table",
        ),
        _BETTER,
    ),
)
REPORTED = Metric(
    name="",
    title="",
    tasks=USER.tasks,
    higher_is_better=True,
    low=None,
    high=None,
    needs="nothing",
    family="reported",
    function="",
    interval="none",
    method="none",
    paper="",
    variant="reported",
    parameters=(
        Parameter(
            name="reported", kind="flag", meaning="`true`: the number that training wrote into `metrics_file`"
        ),
        _BETTER,
    ),
)
