"""McNemar's test of two error rates on the same rows (McNemar 1947, Psychometrika 12:153-157).

Only rows count on which one model is right and the other wrong. Of up to 1,000 such rows the exact binomial
with mid-p, which keeps its level and is less timid than the plain exact test; of more the asymptotic test
(both as Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91, advise).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from modelrail.core import digits

EXACT = 1000  # discordant rows up to which the binomial is summed


@dataclass(frozen=True)
class McNemar:
    candidate: int  # rows that the candidate alone has right
    baseline: int

    @property
    def exact(self) -> bool:
        return self.candidate + self.baseline <= EXACT

    def p_value(self) -> float:
        """Two-sided, of equal error rates."""
        fewer, total = min(self.candidate, self.baseline), self.candidate + self.baseline
        if not total or 2 * fewer == total:
            return 1.0
        if not self.exact:
            return math.erfc(abs(self.candidate - self.baseline) / math.sqrt(2 * total))
        chances = [math.comb(total, count) for count in range(fewer + 1)]
        found: float = (2 * sum(chances) - chances[-1]) / 2**total
        return found

    def told(self) -> str:
        kind = "exact, mid-p" if self.exact else "asymptotic"
        p_value = self.p_value()
        shown = f"= {p_value:.2g}" if p_value >= 1e-4 else "below 0.0001"
        return (
            f"McNemar's test ({kind}): {digits.counted(self.candidate)} right by the candidate alone,"
            f" {self.baseline:,} by the baseline alone, p {shown}"
        )
