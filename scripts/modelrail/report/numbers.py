"""Numbers as people read them: digits as the interval supports, a real minus sign, grouped thousands."""

from __future__ import annotations

import math
import re

from modelrail import records
from modelrail.core import digits
from modelrail.core.metrics import names as metric_names

MINUS = "\u2212"
_MOST = digits.MOST


def decimals(difference: float | None, interval: records.Interval | None, *values: float | None) -> int:
    """Decimals for one row, as the interval supports; without one four significant digits of the largest."""
    if interval is not None:
        supported = digits.places(interval.low, interval.high)
        if supported is not None:
            return supported
    largest = max((abs(value) for value in (difference, *values) if value is not None), default=0.0)
    if not largest or not math.isfinite(largest):
        return 4
    return min(_MOST, max(0, 4 - max(0, math.floor(math.log10(largest)) + 1)))


def plain(value: float | None, places: int) -> str:
    """A metric's value; a dash where there is none."""
    if value is None:
        return "\u2013"
    if value and (abs(value) >= 1e9 or abs(value) < 10.0**-_MOST / 2):
        return f"{value:.3g}".replace("-", MINUS)
    text = f"{value:,.{places}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float | None, places: int) -> str:
    text = plain(value, places)
    return text if value is None or text.startswith(MINUS) or not text.strip("0.,") else f"+{text}"


def difference(value: float | None, interval: records.Interval | None, places: int) -> str:
    """`+0.011 (+0.006 … +0.016)`."""
    if value is None:
        return ""
    if interval is None:
        return signed(value, places)
    return f"{signed(value, places)} ({signed(interval.low, places)} … {signed(interval.high, places)})"


def count(value: int) -> str:
    return f"{value:,}"


def size(amount: int) -> str:
    value = float(amount)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:,.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def seconds(value: float) -> str:
    if value < 10:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min"


def plural(amount: int, word: str) -> str:
    return f"{amount:,} {word}" if amount == 1 else f"{amount:,} {word}s"


_NAMES = {
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "f1": "F1",
    "f_beta": "F-beta",
    "lift": "lift of the top k",
    "map": "MAP",
    "mape": "MAPE",
    "mase": "MASE",
    "mcc": "MCC",
    "mae": "MAE",
    "median_ae": "median absolute error",
    "mrr": "MRR",
    "mse": "MSE",
    "ndcg": "NDCG",
    "poisson_deviance": "Poisson deviance",
    "precision_at_k": "precision among the top k",
    "r2": "R²",
    "rmse": "RMSE",
    "smape": "sMAPE",
    "top_k_accuracy": "top-k accuracy",
    "wape": "WAPE",
}
_PARAMETERS = re.compile(r"\w+=[^,=()]*(?:, \w+=[^,=()]*)*\Z")


def metric_name(name: str) -> str:
    """A metric's label for people: `f1(average=weighted)` is `weighted F1`."""
    base, bracket, rest = name.partition("(")
    title = _NAMES.get(base, base.replace("_", " ") if base.isidentifier() else base)
    given = rest.removesuffix(")")
    if not bracket or not _PARAMETERS.match(given):  # a class can be called anything
        return title + bracket + rest
    parts = [part.partition("=") for part in given.split(", ")]
    return metric_names.spoken(title, [(key, value) for key, _, value in parts])
