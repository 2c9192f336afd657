"""How many mutants were found out, and how sure a sample makes that."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Of a normal distribution, 95 % lie within so many standard deviations.
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one module, or of all. A mutant that never ends counts as found out. `of`: how many there are, sampled or not."""

    killed: int = 0
    survived: int = 0
    timeout: int = 0
    of: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.killed + other.killed,
            self.survived + other.survived,
            self.timeout + other.timeout,
            self.of + other.of,
        )

    @property
    def tried(self) -> int:
        return self.killed + self.survived + self.timeout

    @property
    def ratio(self) -> float:
        return (self.killed + self.timeout) / self.tried if self.tried else 1.0


def interval(ratio: float, tried: int, of: int) -> tuple[float, float]:
    """Between what the ratio of all lies, with 95 % certainty: Wilson's interval, narrowed as the sample nears the whole.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    if not tried or tried >= of:
        return ratio, ratio
    # The sample counts as if it were larger, since it was drawn without putting back.
    n = tried * (of - 1) / (of - tried)
    middle = (ratio + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(ratio * (1 - ratio) / n + _Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def combined(tallies: list[Tally]) -> tuple[float, float, float]:
    """The ratio of all modules together and what it lies between: each module weighs as many mutants as it has."""
    everything = sum(each.of for each in tallies)
    if not everything:
        return 1.0, 1.0, 1.0
    ratio = sum(each.ratio * each.of for each in tallies) / everything
    variance = 0.0
    for each in tallies:
        low, high = interval(each.ratio, each.tried, each.of)
        variance += ((high - low) / 2 * each.of / everything) ** 2
    half = math.sqrt(variance)
    return ratio, max(0.0, ratio - half), min(1.0, ratio + half)
