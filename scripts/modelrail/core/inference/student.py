"""Student's t, for any positive degrees of freedom: distribution and quantile, without scipy."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_NORMAL = NormalDist()
_AS_NORMAL = 1e7  # degrees of freedom from which the normal is exact to ten digits


def two_sided_p(t: float, df: float) -> float:
    """P(|T| >= |t|)."""
    if math.isinf(t):
        return 0.0
    if df >= _AS_NORMAL:
        return 2 * _NORMAL.cdf(-abs(t))
    return _beta_ratio(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t))


@lru_cache(maxsize=1 << 12)  # most metrics of a comparison have n - 1 degrees of freedom at one end
def critical(confidence: float, df: float) -> float:
    """The t with P(|T| <= t) = confidence: the factor of a two-sided interval."""
    tail = 1 - confidence
    guess = _NORMAL.inv_cdf(1 - tail / 2)
    if df >= _AS_NORMAL:
        return guess
    low, high = 0.0, max(2 * guess, 1.0)
    while two_sided_p(high, df) > tail:
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if two_sided_p(middle, df) > tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_ratio(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function, by a continued fraction; `rest` is 1 - x, not rounded."""
    if x <= 0 or rest >= 1:
        return 0.0
    if x >= 1 and rest <= 0:
        return 1.0
    gammas = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(gammas + a * math.log1p(-rest) + b * math.log(rest)) if rest else 0.0
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away(1 + even * d)
        c = _away(1 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away(1 + odd * d)
        c = _away(1 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1) < 1e-15:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
