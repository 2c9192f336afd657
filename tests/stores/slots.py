"""Slots as tests want them, and what they do with them. Times are milliseconds."""

from __future__ import annotations

from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import CallType, Draft, NewRun, Recall
from iai_daemon.agenda.schedule.triggers import made_now
from iai_daemon.agenda.slot import Listed, Slot, SlotState
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import Outcome
from iai_daemon.agenda.store.slots import SlotStore
from tests.stores.recalls import DONE, LEASE, MINUTE, NOW


def listed(slot: str = "a", agent: str = "claude", **other: str) -> Listed:
    return Listed(slot, agent, other.get("title", "Standup"), other.get("message", "Write the standup."))


def waking(slot: str = "a", agent: str = "claude", now: int = NOW) -> Draft:
    """The recall that a daemon makes for a slot."""
    trigger = made_now("UTC", now)
    return Draft(f"session-of-{slot}", agent, "Go.", CallType.IMMEDIATE, trigger, "ann", "calendar")


def fire(slots: SlotStore, slot: str = "a", now: int = NOW, agent: str = "claude") -> Recall:
    draft = waking(slot, agent, now)
    recall = slots.fire(slot, draft, first(draft, now), now)
    assert recall is not None
    return recall


def active(slots: SlotStore, slot: str = "a", now: int = NOW, agent: str = "claude") -> Recall:
    """A slot whose agent is about to be woken."""
    assert slots.take(listed(slot, agent), now)
    return fire(slots, slot, now, agent)


def begin(kept: OpenedAgenda, recall: Recall, now: int = NOW, token: str | None = None) -> int:
    """Its agent is at work from now on."""
    (occurrence,) = kept.store.history(recall.id, 5)
    assert kept.store.claim(occurrence.id, "me", now + LEASE, None, now)
    run = kept.store.begin(occurrence.id, "me", NewRun(recall.agent, recall.session_id, token), now)
    assert run is not None
    return run


def carry_out(
    kept: OpenedAgenda, recall: Recall, outcome: Outcome = DONE, now: int = NOW, token: str | None = None
) -> None:
    """Its agent is woken and ends."""
    kept.store.end(begin(kept, recall, now, token), outcome, now + MINUTE)


def ids(found: list[Slot] | object) -> list[str]:
    return [each.id for each in found]  # type: ignore[attr-defined]


def told(slots: SlotStore) -> list[tuple[str, SlotState]]:
    """What the backend is still to be told."""
    return [(each.slot, each.status) for each in slots.outbox(100)]
