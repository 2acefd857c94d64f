"""The leading metric over the last versions, and who is in the stage since when: sentences and a sparkline.

The sentence says everything; the sparkline only repeats it: a screen reader and an e-mail lose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelrail import records
from modelrail.report import numbers

_BARS = "▁▂▃▄▅▆▇█"
MOST = 12


class Trend(Struct, frozen=True, kw_only=True):
    words: str
    bars: str
    points: tuple[tuple[str, float], ...]  # version and value, this change last with an empty version


def trend(found: records.Lineage | None, comparison: records.Comparison | None) -> Trend | None:
    """None with fewer than two versions to show."""
    if found is None or comparison is None:
        return None
    row = next((one for one in comparison.metrics if one.slice is None and one.metric == found.metric), None)
    known = [(one.version, one.value) for one in found.versions[-MOST:] if one.value is not None]
    if row is None or row.candidate is None or len(known) < 2:
        return None
    places = numbers.decimals(row.difference, row.interval, row.baseline, row.candidate)
    (first, low), (last, high) = known[0], known[-1]
    words = (
        f"{numbers.metric_name(found.metric)} over the last {len(known)} versions: from "
        f"{numbers.plain(low, places)} ({first}) to {numbers.plain(high, places)} ({last}), each on the test "
        f"data of its day; on today's, this change has {numbers.plain(row.candidate, places)}"
    )
    # Data differ from day to day: without this, a harder month reads as a worse model.
    if row.baseline is not None:
        words += f" and {found.version or 'the baseline'} {numbers.plain(row.baseline, places)}"
    points = (*known, ("", row.candidate))
    return Trend(words=f"{words}.", bars=sparkline([value for _, value in points]), points=points)


def sparkline(values: Sequence[float]) -> str:
    """One bar a value, between the least and the greatest; all alike: half height."""
    low, high = min(values), max(values)
    span = high / 2 - low / 2  # halves: the difference of two huge numbers is no number
    if span <= 0:
        return _BARS[3] * len(values)
    top = len(_BARS) - 1
    return "".join(_BARS[min(top, round((value / 2 - low / 2) / span * top))] for value in values)


def standing(found: records.Lineage | None, reference: records.Baseline | None) -> str:
    """`v1.2.1 has been in production since 2026-11-20, put there by alice: "canary was fine".`"""
    if reference is None or reference.status != "present":
        return ""
    name = reference.version or "The baseline"
    if reference.since:
        text = f"{name} has been in {reference.stage} since {reference.since[:10]}"
    else:
        text = f"{name} is in {reference.stage}"
    # The line over the versions may be of another moment, or made up: only what agrees is told.
    agrees = found is not None and (found.version, found.since) == (reference.version, reference.since)
    if found is not None and agrees and found.by:
        text += f", put there by {found.by}"
        if found.reason:
            text += f": “{found.reason}”"
    return text + "."
