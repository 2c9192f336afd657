"""Recalls as tests want them, and what they do with them. Times are milliseconds; NOW is noon, UTC."""

from __future__ import annotations

from dataclasses import replace

from iai_daemon.agenda.planning import first, following
from iai_daemon.agenda.recall import (
    CallType,
    Draft,
    NewRun,
    Occurrence,
    Planned,
    Policy,
    Recall,
    State,
)
from iai_daemon.agenda.schedule.triggers import Trigger, made_at, made_every
from iai_daemon.agenda.store.recalls import AgendaStore, Outcome
from iai_daemon.units import format_stamp

NOW = 1_795_262_400_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LEASE = 2 * MINUTE

RUN = NewRun("claude", "s1", "token-1")
DONE = Outcome(State.DONE, 0, "all is well")
FAILED = Outcome(State.FAILED, 3, "oh no", "exit status 3")


def at(moment: int) -> Trigger:
    return made_at(format_stamp(moment / 1000), "UTC", moment - 1)


def hourly() -> Trigger:
    """At every full hour, from one o'clock on."""
    return made_every(3600, "UTC", NOW)


def once(session: str = "s1", when: int = NOW + HOUR, **other: object) -> Draft:
    draft = Draft(session, "claude", "Go on.", CallType.ONCE, at(when), "ann")
    return replace(draft, **other)  # type: ignore[arg-type]


def recurring(session: str = "s1", **other: object) -> Draft:
    draft = Draft(session, "claude", "Go on.", CallType.RECURRING, hourly(), "ann", policy=Policy(retries=2))
    return replace(draft, **other)  # type: ignore[arg-type]


def add(agenda: AgendaStore, draft: Draft, now: int = NOW) -> Recall:
    return agenda.add(draft, first(draft, now), now)


def occurrences(agenda: AgendaStore, recall: Recall) -> list[Occurrence]:
    return list(agenda.history(recall.id, 1000))


def the_last(agenda: AgendaStore, recall: Recall) -> Occurrence:
    return occurrences(agenda, recall)[-1]


def states(agenda: AgendaStore, recall: Recall) -> list[tuple[int, State]]:
    """When each was scheduled, in hours after noon, and where it stands."""
    return [((each.scheduled_for - NOW) // HOUR, each.state) for each in occurrences(agenda, recall)]


def claim(agenda: AgendaStore, occurrence: Occurrence, now: int, holder: str = "me") -> bool:
    """As the daemon does it."""
    recall = agenda.recall(occurrence.recall)
    after = None
    if recall.call_type is CallType.RECURRING and not occurrence.extra:
        after = following(recall, occurrence.scheduled_for)
    return agenda.claim(occurrence.id, holder, now + LEASE, after, now)


def begin(agenda: AgendaStore, occurrence: Occurrence, now: int, run: NewRun = RUN) -> int:
    """Claim it and begin its run."""
    assert claim(agenda, occurrence, now)
    begun = agenda.begin(occurrence.id, "me", run, now)
    assert begun is not None
    return begun


def run(agenda: AgendaStore, occurrence: Occurrence, now: int, outcome: Outcome = DONE) -> int:
    """From the claim to the end."""
    begun = begin(agenda, occurrence, now)
    agenda.end(begun, outcome, now + MINUTE)
    return begun


def in_hours(hours: int) -> Planned:
    return Planned(NOW + hours * HOUR, NOW + hours * HOUR)
