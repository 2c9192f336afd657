"""What comes of slots: which is woken, which waits, which is over. Used by `calendar`, which hears and tells of them.

A slot is woken through a recall, so claims, limits and what a crash leaves are those of recalls.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from iai_daemon.agenda.asking.here import this_user
from iai_daemon.agenda.dispatch import Agenda
from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import CallType, CatchUp, Draft, Occurrence, Policy, State
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.agenda.slot import Listed, Slot, SlotState
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.units import say_duration, stamp_of

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

MADE_BY = "calendar"
_LONGEST_SUMMARY = 500
_SLOTS = uuid.UUID("5f0d7f0e-5a0c-4f5c-9d0e-6d1f9f5f8a52")


class Slots:
    """Carries slots out through the recalls of this agenda. Everything may raise StoreUnusable and StoreBusy."""

    def __init__(self, agenda: Agenda, settings: Settings, log: BoundLogger) -> None:
        self._agenda = agenda
        self._settings = settings
        self._log = log

    def look(self, opened: OpenedAgenda, now: Now) -> None:
        """Carry on with the slots that are known."""
        self._resolve_ended(opened, now)
        self._end_aborted(opened)
        self._fire_queued(opened, now)

    def _resolve_ended(self, opened: OpenedAgenda, now: Now) -> None:
        """What came of the agents that have ended."""
        for slot, occurrence in opened.slots.agents_ended():
            moment = self._agenda.time(now)
            if occurrence.state is State.UNCONFIRMED or (
                occurrence.state is State.DONE and slot.state is SlotState.PAUSED
            ):
                opened.slots.note_agent_ended(slot.id, occurrence.reason)
            elif occurrence.state is State.DONE:
                said = _last_line(opened, occurrence)
                opened.slots.resolve(slot.id, SlotState.COMPLETED, moment, summary=said)
            else:
                why = f"wake-agent failed: {occurrence.reason or occurrence.state}"
                opened.slots.resolve(slot.id, SlotState.ABORTED, moment, reason=why)
            self._log.info("slot's agent ended", slot=slot.id, agent=slot.agent, state=occurrence.state)

    def _end_aborted(self, opened: OpenedAgenda) -> None:
        """Whoever aborts a slot means its agent, too."""
        for recall in self._agenda.at_work_on(MADE_BY):
            slot = opened.slots.slot_of(recall)
            if slot is not None and slot.state is SlotState.ABORTED:
                self._agenda.end_run(recall, f"its slot was aborted: {slot.reason or 'no reason given'}")

    def _fire_queued(self, opened: OpenedAgenda, now: Now) -> None:
        """Wake the agents of waiting slots that are free by now; what has waited for too long is given up."""
        slots, moment = opened.slots, self._agenda.time(now)
        for slot in slots.open_slots():
            if slot.state is not SlotState.QUEUED or self._is_for_others(opened, slot.agent):
                continue
            waited = (moment - slot.listed_at) / 1000
            if waited >= self._settings.agenda.max_defer:
                why = f"wake-agent failed: {slot.agent} was not free for {say_duration(waited)}"
                slots.resolve(slot.id, SlotState.ABORTED, moment, reason=why)
            elif self._is_free(slot.agent, slots.open_slots()):
                self._fire(slots, slot, now)

    def _is_for_others(self, opened: OpenedAgenda, agent: str) -> bool:
        """Where several daemons share the agenda, slots are for those that have their agents."""
        return opened.shared and agent not in self._settings.agents

    def _is_free(self, agent: str, known: Sequence[Slot]) -> bool:
        """Whether it can be woken at once: nothing of it runs or is about to, and there is room."""
        starting = [each for each in known if each.state.is_active and not each.agent_ended]
        working = self._agenda.working
        about_to = {each.agent for each in starting} - working
        return agent not in working | about_to and self._agenda.room > len(about_to)

    def _fire(self, slots: SlotStore, slot: Slot, now: Now) -> None:
        moment = self._agenda.time(now)
        draft = Draft(
            session_id=str(uuid.uuid5(_SLOTS, slot.id)),
            agent=slot.agent,
            message=slot.message,
            call_type=CallType.IMMEDIATE,
            trigger=Trigger("at", stamp_of(moment), "UTC", moment),
            owner=this_user(),
            made_by=MADE_BY,
            comment=f"calendar:slot-{slot.id}",
            policy=Policy(catch_up=CatchUp.ALL),
        )
        if slots.fire(slot.id, draft, first(draft, moment), moment) is not None:
            self._agenda.expect(moment)
            self._log.info("slot fires", slot=slot.id, agent=slot.agent)

    def take(self, opened: OpenedAgenda, listed: Listed, now: Now) -> None:
        """What the backend lists: what is over there is over here, what is new is queued, the newest of each agent alone."""
        slots, moment = opened.slots, self._agenda.time(now)
        known = {each.id: each for each in slots.open_slots()}
        if listed.status in (SlotState.COMPLETED, SlotState.ABORTED):
            if listed.id in known:
                state = SlotState(listed.status)
                slots.resolve(listed.id, state, moment, reason="the backend says so", tell=False)
            return
        if listed.status in (SlotState.IN_PROGRESS, SlotState.PAUSED) and listed.id not in known:
            return  # somebody else's, or of a memory that was lost: it may have run
        if self._is_for_others(opened, listed.agent) or not slots.take(listed, moment):
            return
        if listed.agent not in self._settings.agents:
            why = f"wake-agent failed: there is no [agents.{listed.agent}] in the settings"
            slots.resolve(listed.id, SlotState.ABORTED, moment, reason=why)
            return
        for other in known.values():
            if other.agent == listed.agent and other.state is SlotState.QUEUED:
                why = f"replaced by slot {listed.id}"
                slots.resolve(other.id, SlotState.ABORTED, moment, reason=why)
        if self._is_free(listed.agent, slots.open_slots()):
            self._fire(slots, slots.slot(listed.id), now)


def _last_line(opened: OpenedAgenda, occurrence: Occurrence) -> str:
    """What the agent said at last, as far as a summary goes."""
    runs = opened.store.runs(occurrence.id)
    lines = runs[-1].output.strip().splitlines() if runs else []
    return lines[-1].strip()[:_LONGEST_SUMMARY] if lines else "its agent has ended well"
