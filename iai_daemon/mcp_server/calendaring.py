"""What the tools for slots do. Loaded when one of them is called first: calendar_tools.py has what an agent sees."""

from __future__ import annotations

from collections.abc import Callable

from iai_daemon.agenda.asking import slots_by_hand
from iai_daemon.agenda.asking.describe import describe_past_slot, describe_slot
from iai_daemon.agenda.slot import Slot
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.clock import read
from iai_daemon.config import Settings
from iai_daemon.mcp_server.own_run import OwnRun, status_of_agenda, tell_daemon
from iai_daemon.mcp_server.schemas import ActiveSlotResult, CalendarResult, PastSlotResult
from iai_daemon.paths import Home


class Calendaring:
    """The slots of a home, as one agent may use them: those of the agent whose run this is; all where it is none of ours."""

    def __init__(self, home: Home, settings: Settings) -> None:
        opened = open_agenda(home)
        self.close: Callable[[], None] = opened.close
        self.moved: Callable[[], bool] = opened.moved
        self._slots = opened.slots
        self._run = OwnRun(opened.store)
        self._home = home
        self._settings = settings

    def status(self) -> CalendarResult:
        agent, _ = self._own()
        calendar, told = self._settings.calendar, status_of_agenda(self._home).get("calendar") or {}
        heard_at = told.get("last_heartbeat")
        own = [each for each in self._slots.open_slots() if agent in (None, each.agent)]
        past = [each for each in self._slots.past_slots(calendar.history) if agent in (None, each.agent)]
        return CalendarResult(
            enabled=calendar.is_set,
            last_heartbeat=heard_at,
            heartbeat_every=calendar.interval,
            active=[_active(each, heard_at) for each in own if each.state.is_active],
            queued=[each.id for each in own if not each.state.is_active],
            history=[_past(each) for each in past],
            restart_pending=told.get("restart_pending"),
        )

    def complete(self, slot: str, summary: str) -> PastSlotResult:
        done = slots_by_hand.complete(self._slots, self._meant(slot), summary, read().milliseconds)
        tell_daemon(self._home)
        return _past(done)

    def abort(self, slot: str, reason: str) -> PastSlotResult:
        done = slots_by_hand.abort(self._slots, self._meant(slot), reason, read().milliseconds)
        tell_daemon(self._home)
        return _past(done)

    def pause(self, slot: str, reason: str) -> ActiveSlotResult:
        paused, _ = slots_by_hand.pause(self._slots, self._meant(slot), reason, read().milliseconds)
        tell_daemon(self._home)
        return _active(paused)

    def resume(self, slot: str) -> ActiveSlotResult:
        resumed, _ = slots_by_hand.resume(self._slots, self._meant(slot), read().milliseconds)
        tell_daemon(self._home)
        return _active(resumed)

    def _meant(self, slot: str) -> Slot:
        agent, recall = self._own()
        return slots_by_hand.meant(self._slots, slot, agent, recall)

    def _own(self) -> tuple[str | None, int | None]:
        """The agent that this server works for, and the recall that woke it."""
        run = self._run.find()
        return (None, None) if run is None else (run[1].agent, run[0].id)


def _active(slot: Slot, heard_at: str | None = None) -> ActiveSlotResult:
    return ActiveSlotResult(**describe_slot(slot), last_heartbeat=heard_at)


def _past(slot: Slot) -> PastSlotResult:
    return PastSlotResult.model_validate(describe_past_slot(slot))
