"""The daemon's side of the calendar: the backend is told who is here, lists slots, and is told what became of them.

The talking itself is the courier's, a process of its own; what comes of slots stands in `slots`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iai_daemon.agenda.dispatch import Agenda
from iai_daemon.agenda.slot import Listed, SlotState, Update
from iai_daemon.agenda.slots.messenger import Messenger
from iai_daemon.agenda.slots.slots import Slots
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Agent, Settings
from iai_daemon.errors import IaiError
from iai_daemon.units import NEVER, format_stamp, parse_stamp

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# Longer than the courier takes at most: while one daemon tells something, no other one does.
_TELLS_FOR = 30.0
# So much of the outbox is sent in one go; what is left comes with the next beat.
_AT_ONCE = 100
# What the backend's answers make no sense for is told so often at least, and so many milliseconds long: then the rest is told.
_TRIES, _TRIED_FOR = 3, 86_400_000
# What is over is remembered so long, or a backend that still lists it would have it done again.
_REMEMBERED = 400 * 86_400_000


class Calendar:
    """Every method is called from the event loop and returns at once. `next_at`: when something falls due (awake clock)."""

    def __init__(
        self,
        agenda: Agenda,
        messenger: Messenger,
        settings: Settings,
        clock: Clock,
        changed: Callable[[], None],
        log: BoundLogger,
    ) -> None:
        self._agenda = agenda
        self._messenger = messenger
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._log = log
        self._slots = Slots(agenda, settings, log)
        self._talk: asyncio.Task[None] | None = None
        self._beat_at = 0.0
        self._clients: Mapping[str, bool] = {}
        self._last_attempt: float | None = None
        self._last_success: float | None = None
        self._restart_pending = False
        self._failures = 0
        self._problem: str | None = None
        self._dropped: tuple[str, ...] = ()
        self.next_at = 0.0

    # What the loop asks.

    def act(self, clients: Mapping[str, bool], now: Now) -> None:
        """Carry on with the slots that are known, and talk to the backend when it is time. `clients`: those that are present, by
        what they call themselves, and whether they are active."""
        self._clients = clients
        opened = self._agenda.opened
        if opened is not None:
            try:
                self._slots.look(opened, now)
                if self._talk is None and (now.awake >= self._beat_at or self._has_news(opened)):
                    self._talk = asyncio.create_task(self._converse(beat=now.awake >= self._beat_at))
            except IaiError as error:
                self._failed(str(error))
        # Without a store, or in the middle of a talk, something else wakes the loop.
        self.next_at = NEVER if opened is None or self._talk is not None else self._beat_at

    def _has_news(self, opened: OpenedAgenda) -> bool:
        """Whether there is something to tell, to a backend that answered the last time."""
        return not self._failures and opened.slots.news(self._agenda.holder) is not None

    # The backend.

    async def _converse(self, *, beat: bool) -> None:
        """Tell the backend who is here, take what it lists, and tell it what it does not know yet."""
        try:
            if not beat or await self._beat():
                await self._tell_news()
        except IaiError as error:
            self._failed(str(error))
        finally:
            self._talk = None
            self._changed()

    async def _beat(self) -> bool:
        now = self._clock.now()
        self._beat_at = now.awake + self._settings.calendar.interval
        self._last_attempt = now.wall
        answer = await self._messenger.ask(
            {
                "do": "beat",
                "captured_at": format_stamp(now.wall),
                "agents": [
                    {"id": name, "model": agent.model, "status": self._status_of(name, agent)}
                    for name, agent in self._settings.agents.items()
                ],
            }
        )
        if not answer["ok"]:
            self._failed(answer["problem"])
            return False
        self._heard(answer, self._clock.now())
        return True

    def _heard(self, answer: Mapping[str, Any], now: Now) -> None:
        self._failures, self._problem = 0, None
        self._last_success = now.wall
        self._restart_pending = answer["restart_pending"]
        if answer["next_at"] is not None:
            due_in = parse_stamp(answer["next_at"]) - now.wall
            self._beat_at = min(self._beat_at, now.awake + max(0.0, due_in))
        dropped = tuple(answer["dropped"])
        if dropped and dropped != self._dropped:
            self._log.warning("slots not taken", why=list(dropped))
        self._dropped = dropped
        opened = self._agenda.opened
        if opened is not None:
            for each in answer["slots"]:
                self._slots.take(opened, Listed(**each), now)
            opened.slots.prune_slots(self._agenda.time(now) - _REMEMBERED)

    async def _tell_news(self) -> None:
        """In order: what does not arrive keeps the rest waiting, what the backend refuses for good, or never answers usably, does not."""
        for _ in range(_AT_ONCE):
            opened = self._agenda.opened
            news = opened.slots.take_news(self._agenda.holder, _TELLS_FOR) if opened is not None else None
            if news is None:
                return
            answer = await self._messenger.ask(_told(news))
            opened = self._agenda.opened
            if opened is None:
                return
            if not self._settled(opened.slots, news, answer):
                return

    def _settled(self, slots: SlotStore, update: Update, answer: Mapping[str, Any]) -> bool:
        """Whether the backend has taken it, or never will."""
        now = self._agenda.time(self._clock.now())
        if answer["ok"] or answer["kind"] == "refused" or _is_hopeless(update, answer["kind"], now):
            slots.delivered(update.id, now)
            if not answer["ok"]:
                self._log.warning("slot's status not taken", slot=update.slot, why=answer["problem"])
            elif answer["status"] and SlotState(answer["status"]) is not update.status:
                slots.resolve(
                    update.slot, SlotState(answer["status"]), now, reason="the backend says so", tell=False
                )
            return True
        slots.undelivered(update.id, answer["problem"])
        self._failed(answer["problem"])
        return False

    def _failed(self, problem: str) -> None:
        self._failures += 1
        if problem != self._problem:
            self._log.warning("calendar's backend not reached", why=problem)
        self._problem = problem

    def _status_of(self, name: str, agent: Agent) -> str:
        """`working`: a run of ours is under way; else by the clients that call themselves as it or its program."""
        if name in self._agenda.working:
            return "working"
        names = {name.lower(), Path(agent.command[0]).name.lower()}
        here = [active for client, active in self._clients.items() if _is_called(client, names)]
        return "active" if any(here) else "idle" if here else "offline"

    async def close(self) -> None:
        if self._talk is not None:
            self._talk.cancel()
            await asyncio.wait({self._talk})
        await self._messenger.close()

    # What is told.

    def describe(self) -> dict[str, object]:
        """The part `agenda.calendar` of the status."""
        opened = self._agenda.opened
        known = opened.slots.open_slots() if opened is not None else ()
        return {
            "enabled": True,
            "backend": self._settings.calendar.backend,
            "heartbeat_every": self._settings.calendar.interval,
            "last_attempt": _stamp(self._last_attempt),
            "last_heartbeat": _stamp(self._last_success),
            "failures": self._failures,
            "problem": self._problem,
            "restart_pending": self._restart_pending,
            "dropped": list(self._dropped),
            "outbox": len(opened.slots.outbox(_AT_ONCE)) if opened is not None else None,
            "active": [each.id for each in known if each.state.is_active],
            "queued": [each.id for each in known if each.state is SlotState.QUEUED],
        }

    def degraded(self) -> Iterator[dict[str, str]]:
        """What keeps slots from being carried out."""
        if self._problem:
            fix = "see that the backend answers, and `iai-daemon config show` for its address; the next beat tries again"
            yield {"what": "calendar", "why": self._problem, "fix": fix}
        for why in self._dropped:
            yield {"what": "calendar", "why": why, "fix": "mend it where the calendar is kept"}


def _told(update: Update) -> dict[str, object]:
    return {
        "do": "update",
        "slot": update.slot,
        "status": update.status.value,
        "summary": update.summary,
        "reason": update.reason,
        "key": update.key,
    }


def _is_hopeless(update: Update, kind: str, now: int) -> bool:
    """An answer that is none may come of something in between, and soon be over. Of the backend, which answers all else, it is not."""
    return kind == "bad" and update.tries >= _TRIES and now - update.made_at >= _TRIED_FOR


def _is_called(client: str, names: Collection[str]) -> bool:
    """`claude-code` is the client of an agent `claude`."""
    said = client.lower()
    return any(said == name or said.startswith((f"{name}-", f"{name} ")) for name in names)


def _stamp(seconds: float | None) -> str | None:
    return None if seconds is None else format_stamp(seconds)
