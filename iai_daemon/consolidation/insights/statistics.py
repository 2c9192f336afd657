"""How sure counts make one: intervals, comparisons within strata, and what is left of them when many were made. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Two-sided 95 % of the normal distribution.
Z = 1.959964


def wilson(events: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a rate (Wilson 1927)."""
    if total <= 0:
        return 0.0, 1.0
    rate, square = events / total, Z * Z
    middle = (rate + square / (2 * total)) / (1 + square / total)
    reach = Z / (1 + square / total) * math.sqrt(rate * (1 - rate) / total + square / (4 * total * total))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def at_least(events: float, total: float, rate: float) -> float:
    """The probability of so many events or more of `total` when each comes with this `rate` (in (0, 1)): binomial."""
    whole, fewest = round(total), math.ceil(events - 1e-9)
    return min(1.0, sum(_binomial(each, whole, rate) for each in range(fewest, whole + 1)))


def _binomial(events: int, total: int, rate: float) -> float:
    ways = math.lgamma(total + 1) - math.lgamma(events + 1) - math.lgamma(total - events + 1)
    return math.exp(ways + events * math.log(rate) + (total - events) * math.log1p(-rate))


def design_effect(groups: Sequence[tuple[int, int]]) -> float:
    """By how much fewer observations a sample is worth because those of one group are alike: 1 or more.

    `groups`: (events, total) of each. From the analysis of variance (Donner and Klar 2000, chapter 1). With fewer than five
    groups nothing can be said, so 1.
    """
    total, count = sum(n for _, n in groups), len(groups)
    if count < 5 or total <= count:
        return 1.0
    rate, squares = sum(k for k, _ in groups) / total, sum(n * n for _, n in groups)
    between = sum(n * (k / n - rate) ** 2 for k, n in groups) / (count - 1)
    within = sum(k * (1 - k / n) for k, n in groups) / (total - count)
    typical = (total - squares / total) / (count - 1)
    spread = between + (typical - 1) * within
    likeness = (between - within) / spread if spread > 0 else 0.0
    return max(1.0, 1 + (squares / total - 1) * max(0.0, likeness))


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of one stratum: events and all, of those concerned and of the others."""

    events: int
    total: int
    other_events: int
    other_total: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether something happens more often to those concerned, within strata. `odds` with its 95 % interval `low`–`high`;
    `p`: two-sided, that chance alone does as much; `strata`: how many tell something about it."""

    together: Table
    strata: int
    odds: float
    low: float
    high: float
    p: float

    @property
    def more(self) -> bool:
        return self.odds > 1


def compare(strata: Sequence[Table], deff: float = 1.0) -> Comparison | None:
    """Mantel–Haenszel: odds ratio with the interval of Robins, Breslow and Greenland (1986), p with continuity correction.

    Only strata that hold both sides count; None when there are none, or when nothing differs in them. `deff`: the design
    effect, by which variances are multiplied.
    """
    both = [each for each in strata if each.total and each.other_total]
    telling = [each for each in both if 0 < each.events + each.other_events < each.total + each.other_total]
    if not telling:
        return None
    expected = variance = seen = 0.0
    for each in telling:
        n, hit = each.total + each.other_total, each.events + each.other_events
        seen += each.events
        expected += each.total * hit / n
        variance += each.total * each.other_total * hit * (n - hit) / (n * n * (n - 1))
    away = max(0.0, abs(seen - expected) - 0.5)
    p = math.erfc(away / math.sqrt(2 * variance * deff))
    odds, error = _odds(telling)
    reach = math.exp(Z * error * math.sqrt(deff))
    return Comparison(_together(both), len(telling), odds, odds / reach, odds * reach, p)


def _odds(strata: Sequence[Table]) -> tuple[float, float]:
    """The common odds ratio, and the standard error of its logarithm. Where it would be 0 or infinite, half a case is added
    everywhere (Haldane 1956)."""
    for added in (0.0, 0.5):
        with_, against, pr, mixed, qs = 0.0, 0.0, 0.0, 0.0, 0.0
        for each in strata:
            a, b = each.events + added, each.total - each.events + added
            c, d = each.other_events + added, each.other_total - each.other_events + added
            n = a + b + c + d
            r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
            with_, against = with_ + r, against + s
            pr, mixed, qs = pr + p * r, mixed + p * s + q * r, qs + q * s
        if with_ and against:
            break
    variance = pr / (2 * with_**2) + mixed / (2 * with_ * against) + qs / (2 * against**2)
    return with_ / against, math.sqrt(variance)


def _together(strata: Sequence[Table]) -> Table:
    return Table(
        sum(each.events for each in strata),
        sum(each.total for each in strata),
        sum(each.other_events for each in strata),
        sum(each.other_total for each in strata),
    )


def adjusted(ps: Sequence[float]) -> list[float]:
    """What is left of each p when all of them were looked at: false discovery rates (Benjamini and Hochberg 1995)."""
    smallest, found = 1.0, [1.0] * len(ps)
    ordered = sorted(range(len(ps)), key=lambda at: ps[at], reverse=True)
    for place, at in enumerate(ordered):
        smallest = min(smallest, ps[at] * len(ps) / (len(ps) - place))
        found[at] = smallest
    return found
