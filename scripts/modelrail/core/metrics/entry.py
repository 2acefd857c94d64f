"""What the catalog says about a metric and its parameters: types alone, no numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

Task = Literal["binary", "multiclass", "multilabel", "regression", "ranking"]
Needs = Literal["labels", "scores", "probabilities", "values", "intervals", "nothing"]
Interval = Literal["influence", "bootstrap", "none"]

CELLS_PAPER = (
    "Agresti & Min 2005, Stat. Med. 24:729-740; Bonett & Price 2012, J. Educ. Behav. Stat. 37:479-488;"
    " the near end: McNemar 1947, Psychometrika 12:153-157; Leisenring, Alonzo & Pepe 2000,"
    " Biometrics 56:345-351"
)
MEANS_PAPER = (
    "Student 1908, Biometrika 6:1-25; degrees of freedom at the end of the longer tail by Satterthwaite 1946,"
    " Biometrics 2:110-114, at the other n - 1: Efron 1969, JASA 64:1278-1302;"
    " where skewed, the bootstrap-t: Hall 1988, Ann. Stat. 16:927-953"
)
DELONG_PAPER = (
    "DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837-845; Sun & Xu 2014, IEEE SPL 21:1389-1393"
)
FEW_PAPER = f"{DELONG_PAPER}; the far end on few rows: Fay & Feuer 1997, Stat. Med. 16:791-801"
INFLUENCE_PAPER = (
    "Hampel 1974, JASA 69:383-393; Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans"
)
EXCHANGES_PAPER = "the near end on few rows: Pitman 1937, JRSS Suppl. 4:119-130"
BOOTSTRAP_PAPER = "Efron 1979, Ann. Stat. 7:1-26; by cluster: Field & Welsh 2007, JRSS B 69:369-390"

TUNED = "tuned"  # the threshold that is chosen by the rows, see core/rows/thresholds.py


class Parameter(Struct, frozen=True, kw_only=True):
    """A parameter as modelrail.yaml writes it. `low` and `high` are what it lies strictly between."""

    name: str
    kind: Literal[
        "number", "whole", "choice", "class", "column", "costs", "threshold", "function", "flag", "test"
    ]
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    default: Any = None  # None: it must be given


class Metric(Struct, frozen=True, kw_only=True):
    """One metric for one or more tasks; `params` are bound by `bind`."""

    name: str
    title: str  # as people read it
    tasks: tuple[Task, ...]
    higher_is_better: bool
    low: float | None  # range of the value; None: unbounded
    high: float | None
    needs: Needs
    family: Literal["cells", "rows", "user", "reported"]
    function: str
    method: str  # of the interval of the paired difference; short name, as the records show it
    paper: str
    points: bool = False  # differences read as percentage points
    rests_on: str = "rows"  # what `support` counts: "positive rows", "rows of the rarest class", ...
    interval: Interval = "influence"
    resampler: str = ""  # of the bootstrap: a cheaper way to the same resamples, `module:function`
    # Few rows move it in steps: the near end is found by exchanging the models' scores, or their ranks.
    exchanged: Literal["", "scores", "ranks"] = ""
    parameters: tuple[Parameter, ...] = ()
    variant: str = ""
    fixed: Mapping[str, Any] = {}  # arguments of the function that no one chooses
    params: Mapping[str, Any] = {}
    biased: bool = False  # on few rows the value is too high: no scale makes up for that
    tunable: bool = False  # `threshold: tuned` means something: the metric has an inner best threshold

    @property
    def span(self) -> float | None:
        """Width of the range; None when unbounded."""
        return None if self.low is None or self.high is None else self.high - self.low

    @property
    def is_mean(self) -> bool:
        """A mean over rows or lists: its interval is Student's t, or the bootstrap-t where further."""
        return self.method.startswith("paired-t")

    @property
    def threshold(self) -> float | str | None:
        found: float | str | None = self.params.get("threshold")
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the test table that it reads."""
        return tuple(self.params[one.name] for one in self.parameters if one.kind == "column")
