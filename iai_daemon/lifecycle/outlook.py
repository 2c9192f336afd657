"""What comes if nobody does anything from now on. Pure: `decide` itself is run forward, so none of its rules stands here again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Overdue, Standing, decide
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Wrapper
from iai_daemon.units import NEVER

# More thresholds than that lie ahead only while dozens of new wrappers settle, which is over within seconds.
_MOST_STEPS = 32


@dataclass(frozen=True, slots=True)
class Outlook:
    """Times on the awake clock; None: it does not come by itself.

    `idle_at`: when IDLE begins. `bedtime_at` and `rule`: when BEDTIME does, and by what; where it is BEDTIME already, now.
    `allowed`: which passes may run then.
    """

    idle_at: float | None = None
    bedtime_at: float | None = None
    rule: str | None = None
    allowed: Allowed = Allowed.NONE


def look_ahead(
    standing: Standing, presence: Presence, now: float, settings: Lifecycle, overdue: Overdue
) -> Outlook:
    """What comes after `now` (awake clock), as long as everybody who is here stays and nobody does anything.

    Something is taken to be due when a night will be overdue: whether it is, only the store knows then.
    """
    lasting = _lasting(presence, now)
    at, idle_at = now, None
    for _ in range(_MOST_STEPS):
        decision = decide(standing, lasting, at, settings, _overdue_after(overdue, at - now))
        state = decision.standing.state
        if state is State.BEDTIME:
            return Outlook(idle_at, at, decision.standing.rule, decision.allowed)
        if state is State.IDLE and standing.state is not State.IDLE and idle_at is None:
            idle_at = at
        if decision.next_at == NEVER:
            break
        standing, at = decision.standing, decision.next_at
    return Outlook(idle_at)


def _lasting(presence: Presence, now: float) -> Presence:
    """The same people, whose wrappers go on refreshing their heartbeats, here and on other hosts."""
    return Presence(
        wrappers=tuple(replace(each, stale_at=NEVER) for each in _who_matter(presence.present, now)),
        elsewhere=tuple(replace(each, stale_at=NEVER) for each in _who_matter(presence.elsewhere, now)),
        out_of_sight=presence.out_of_sight,
    )


def _who_matter(wrappers: Iterable[Wrapper], now: float) -> Iterator[Wrapper]:
    """Of thousands a few decide: whoever is still to settle, who did something last, who settled last, one that is too old to
    say what it does, one of an agent."""
    settled = []
    for each in wrappers:
        if each.has_settled(now):
            settled.append(each)
        else:
            yield each
    people = [each for each in settled if not each.headless]
    if people:
        yield max(people, key=lambda each: -NEVER if each.active_at is None else each.active_at)
        yield max(people, key=lambda each: each.settled_at)
    legacy = next((each for each in people if each.beat and not each.beat.reports_activity), None)
    agent = next((each for each in settled if each.headless), None)
    yield from (each for each in (legacy, agent) if each)


def _overdue_after(overdue: Overdue, seconds: float) -> Overdue:
    """How that stands so many seconds later."""
    if overdue.now or overdue.in_seconds == NEVER:
        return overdue
    # A difference rounds otherwise than the sum that the step was made of.
    left = max(0.0, round(overdue.in_seconds - seconds, 6))
    return Overdue(now=left == 0, in_seconds=left)
