"""What a person or an agent does to slots, alike for the command line and the memory server: which slot is meant, and what is
refused."""

from __future__ import annotations

import re

from iai_daemon.agenda.slot import Slot, SlotState
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.errors import Refused, SlotOver, UsageError

# So much a backend is told in a summary or a reason.
MAX_TOLD = 2_000
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def meant(slots: SlotStore, named: str, agent: str | None = None, own: int | None = None) -> Slot:
    """The slot of this id; without one the slot that the recall `own` was made for, else the active one of the agent that
    started last. `agent`: whose slots alone are in reach; None: all are. Raises NoSuchSlot, Refused, UsageError."""
    if named:
        return _in_reach(slots.slot(named), agent)
    mine = None if own is None else slots.slot_of(own)
    if mine is not None:
        return mine
    active = [each for each in slots.open_slots() if each.state.is_active and agent in (None, each.agent)]
    if not active:
        whose = "No slot" if agent is None else f"No slot of {agent}"
        raise Refused(problem=f"{whose} is active: there is none to which this could be done.")
    if agent is None and len(active) > 1:
        ids = ", ".join(each.id for each in active)
        raise UsageError(problem=f"Several slots are active: say which one is meant, of {ids}.")
    return active[-1]


def complete(slots: SlotStore, slot: Slot, summary: str, now: int) -> Slot:
    """Also one that waits: somebody else has done it. Raises SlotOver, UsageError."""
    said = _text(summary, "summary")
    return _resolved(slots, slot, slots.resolve(slot.id, SlotState.COMPLETED, now, summary=said))


def abort(slots: SlotStore, slot: Slot, reason: str, now: int) -> Slot:
    """Also one that waits. Raises SlotOver, UsageError."""
    said = _text(reason, "reason")
    return _resolved(slots, slot, slots.resolve(slot.id, SlotState.ABORTED, now, reason=said))


def pause(slots: SlotStore, slot: Slot, reason: str, now: int) -> tuple[Slot, bool]:
    """The slot then, and whether it was not paused yet; `reason` may be empty. Raises SlotOver, Refused, UsageError."""
    said = _text(reason, "reason") if reason.strip() else None
    return _changed(slots, slot, slots.pause(slot.id, said, now))


def resume(slots: SlotStore, slot: Slot, now: int) -> tuple[Slot, bool]:
    """The slot then, and whether it was paused. Raises SlotOver, Refused."""
    return _changed(slots, slot, slots.resume(slot.id, now))


def _in_reach(slot: Slot, agent: str | None) -> Slot:
    if agent is not None and slot.agent != agent:
        raise Refused(problem=f"The slot {slot.id} is one of {slot.agent}, not of {agent}.")
    return slot


def _resolved(slots: SlotStore, slot: Slot, done: bool) -> Slot:
    now_is = slots.slot(slot.id)
    if not done:
        raise SlotOver(id=slot.id, state=now_is.state)
    return now_is


def _changed(slots: SlotStore, slot: Slot, done: bool) -> tuple[Slot, bool]:
    now_is = slots.slot(slot.id)
    if now_is.state.is_over:
        raise SlotOver(id=slot.id, state=now_is.state)
    if now_is.state is SlotState.QUEUED:
        raise Refused(
            problem=f"The slot {slot.id} is queued: {slot.agent} has not been woken for it yet, but it can be aborted."
        )
    return now_is, done


def _text(text: str, name: str) -> str:
    told = text.strip()
    if not 0 < len(told) <= MAX_TOLD or _NO_TEXT.search(told):
        raise UsageError(problem=f"The {name} must be a text of 1 to {MAX_TOLD:,} characters.")
    return told
