"""Which of the counts are more than chance, and how that is said in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from iai_daemon.consolidation.insights.runs import Counts, Family, Key, Rate, Tool
from iai_daemon.consolidation.insights.statistics import (
    Comparison,
    adjusted,
    at_least,
    compare,
    design_effect,
    wilson,
)
from iai_daemon.consolidation.plan import YieldPoint

# The least that is needed: calls (or runs) on each side, and tasks that tell something where tasks are known.
LEAST, LEAST_TASKS = 10, 5
# A tool that fails no more often than this is as tools are.
USUAL = 0.05
# The share of false findings among those that are told; and up to which p one that was told before is not dropped.
FALSE, KEPT = 0.05, 0.2


@dataclass(frozen=True, slots=True)
class Tested:
    """One thing that was looked at with enough support.

    `rate` and `other`: of those concerned and of the others (None: nothing is compared); `more`: in which direction. `q`: p
    after all that was looked at. `within`: the key of what says it more exactly. `sentence` says it, `over` that it is so no more. `clear`: the interval excludes chance.
    """

    subject: str
    attribute: str
    sentence: str
    over: str
    support: int
    rate: float
    other: float | None
    more: bool
    p: float
    clear: bool
    q: float = 1.0
    within: tuple[str, str] | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.subject, self.attribute

    @property
    def told(self) -> bool:
        return self.clear and self.q <= FALSE


def judge(counts: Counts, yield_point: YieldPoint) -> list[Tested]:
    """Everything that has enough support to be looked at, the surest first."""
    found: list[Tested] = []
    for rate, tool in sorted(counts.rates):
        yield_point()
        groups = counts.groups(rate, tool)
        if sum(total for _, total in groups) >= LEAST:
            found.append(_rate(rate, tool, groups))
    for number, key in enumerate(sorted(counts.concerned)):
        if number % 20 == 0:
            yield_point()
        family, tool, _ = key
        deff = 1.0 if family in _OF_RUNS else design_effect(counts.groups(Rate.FAILED, tool))
        comparison, tasks = compare(counts.tables(key), deff), counts.knows_tasks(family, tool)
        if comparison is not None and _enough(comparison, tasks=tasks):
            found.append(_compared(key, comparison, tasks=tasks))
    qs = adjusted([each.p for each in found])
    judged = [replace(each, q=q) for each, q in zip(found, qs, strict=True)]
    said = {each.key: each.more for each in judged if each.told}
    # What fails directly after another fails once that was called at all: said once.
    judged = [
        replace(each, clear=False) if each.within and said.get(each.within) is each.more else each
        for each in judged
    ]
    return sorted(judged, key=lambda each: (each.p, each.key))


def _enough(found: Comparison, *, tasks: bool) -> bool:
    together = found.together
    least = min(together.total, together.other_total)
    return least >= LEAST and (not tasks or found.strata >= LEAST_TASKS)


# Rates of one tool: the attribute, the claim, and the rate that is usual.

_RATES: Mapping[Rate, tuple[str, str, float]] = {
    Rate.FAILED: ("failure rate", "{tool} failed in", USUAL),
    Rate.UNFINISHED: (
        "rate of calls without an answer",
        "{tool} was cancelled, or gave no answer, in",
        USUAL,
    ),
    Rate.FAILED_AGAIN: (
        "failure rate when tried again",
        "after a failure, the next call of {tool} in the same run failed again in",
        0.5,
    ),
}


def _rate(rate: Rate, tool: Tool, groups: Sequence[tuple[int, int]]) -> Tested:
    """Only more than usual is worth telling; but of calls that are tried again, also that most of them work."""
    attribute, claim, usual = _RATES[rate]
    events, total = sum(k for k, _ in groups), sum(n for _, n in groups)
    # Calls of one run are alike, so they count for less than as many of different runs.
    weight = 1 / design_effect(groups)
    low, high = wilson(events * weight, total * weight)
    p = at_least(events * weight, total * weight, usual)
    if rate is Rate.FAILED_AGAIN:
        p = min(1.0, 2 * min(p, at_least((total - events) * weight, total * weight, usual)))
    said = claim.format(tool=tool.label)
    runs = "1 run" if len(groups) == 1 else f"{len(groups)} runs"
    told = f"{events} of {total} calls ({events / total:.0%}, 95 % interval {low:.0%}–{high:.0%}), in {runs}"
    return Tested(
        subject=tool.name,
        attribute=_on(attribute, tool),
        sentence=f"{said[0].upper()}{said[1:]} {told}.",
        over=f"This is no more than usual now: {said} {told}.",
        support=total,
        rate=events / total,
        other=None,
        more=events / total > usual,
        p=p,
        clear=low > usual or (rate is Rate.FAILED_AGAIN and high < usual),
    )


# Comparisons: the attribute, and the claim, with a word for the direction.

_OF_RUNS = (Family.CALLED, Family.FAILED)
_CLAIMS: Mapping[Family, tuple[str, str]] = {
    Family.CLIENT: ("failures with {other}", "with {other}, {tool} fails {more} often than with others"),
    Family.AFTER: ("failures directly after {other}", "directly after {other}, {tool} fails {more} often"),
    Family.ONCE: (
        "failures once {other} was called",
        "once {other} was called in a run, {tool} fails {more} often",
    ),
    Family.RETRIED: (
        "failures when tried again at once",
        "called again directly after it failed, {tool} fails {more} often than otherwise",
    ),
    Family.RECOVERED: (
        "failures when tried again after {other}",
        "where {other} was called between a failure of {tool} and its next attempt, that fails {more} often",
    ),
    Family.CALLED: ("success of runs that call it", "runs that call {tool} succeed {more} often"),
    Family.FAILED: (
        "success of runs in which it fails",
        "runs in which a call of {tool} failed succeed {more} often than others that call it",
    ),
}


def _compared(key: Key, found: Comparison, *, tasks: bool) -> Tested:
    family, tool, other = key
    together, (attribute, claim) = found.together, _CLAIMS[family]
    quoted = f"`{other}`" if family is Family.CLIENT else other
    what = "runs" if family in _OF_RUNS else "calls"
    told = (
        f"{_of(together.events, together.total, what)} against "
        f"{_of(together.other_events, together.other_total, what)}; odds ratio {_odds(found.odds)}, 95 % interval "
        f"{_odds(found.low)}–{_odds(found.high)}"
    )
    if tasks:
        told += f", compared within the same task ({found.strata} tasks tell something)"
    said = claim.format(tool=tool.label, other=quoted, more="more" if found.more else "less")
    plain = quoted.replace("`", "")
    after = _on(_CLAIMS[Family.AFTER][0].format(other=plain), tool)
    return Tested(
        subject=tool.name,
        attribute=_on(attribute.format(other=plain), tool),
        sentence=f"{said[0].upper()}{said[1:]}: {told}.",
        over=f"It is no longer clear that {said}: {told}.",
        support=together.total + together.other_total,
        rate=together.events / together.total,
        other=together.other_events / together.other_total,
        more=found.more,
        p=found.p,
        # Of two clients the one fails more often when the other fails less often: that is said once.
        clear=(found.low > 1 or found.high < 1) and (found.more or family is not Family.CLIENT),
        within=(tool.name, after) if family is Family.ONCE else None,
    )


def _of(events: int, total: int, what: str) -> str:
    return f"{events} of {total} {what} ({events / total:.0%})"


def _odds(value: float) -> str:
    return f"{value:.2g}" if value < 100 else "100 or more"


def _on(attribute: str, tool: Tool) -> str:
    return f"{attribute} on {tool.server}" if tool.server else attribute
