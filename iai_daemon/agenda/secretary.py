"""The agenda as the daemon knows it: recalls, and slots where there is a calendar."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from iai_daemon.agenda.deciding import Busy
from iai_daemon.agenda.dispatch import Agenda
from iai_daemon.agenda.waking.line import Identity
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.paths import Home

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from iai_daemon.agenda.slots.calendar import Calendar


class People(Protocol):
    """Who is here, as far as the agenda asks; times on the awake clock."""

    @property
    def sessions(self) -> Mapping[tuple[str, str], str | None]: ...

    def sessions_at_work(self, now: float, idle_after: float) -> Busy: ...

    def clients(self, now: float, idle_after: float) -> Mapping[str, bool]: ...


class Secretary:
    """Every method is called from the event loop and returns at once."""

    def __init__(
        self, home: Home, settings: Settings, clock: Clock, changed: Callable[[], None], log: BoundLogger
    ) -> None:
        self._home = home
        self._clock = clock
        self._changed = changed
        self._log = log
        self._idle_after = settings.lifecycle.idle_after
        self._recalls = Agenda(home, settings, clock, changed, log)
        self._calendar = self._calendar_of(settings)

    def _calendar_of(self, settings: Settings) -> Calendar | None:
        """Who has no calendar does not pay for one."""
        if not settings.calendar.is_set:
            return None
        from iai_daemon.agenda.slots.calendar import Calendar  # noqa: PLC0415 -- as the docstring says
        from iai_daemon.agenda.slots.messenger import Messenger  # noqa: PLC0415 -- as the docstring says

        messenger = Messenger(self._home)
        return Calendar(self._recalls, messenger, settings, self._clock, self._changed, self._log)

    async def reload(self, settings: Settings) -> None:
        """Go by other settings from now on; agents that are at work go on, and the backend is asked anew."""
        self._idle_after = settings.lifecycle.idle_after
        await self._recalls.reload(settings)
        if self._calendar is not None:
            await self._calendar.close()
        self._calendar = self._calendar_of(settings)

    @property
    def woken(self) -> Container[Identity]:
        """The processes that all wrappers of our agents are below."""
        return self._recalls.woken

    @property
    def next_at(self) -> float:
        """When something falls due (awake clock)."""
        recalls = self._recalls.next_at
        return recalls if self._calendar is None else min(recalls, self._calendar.next_at)

    def look(self, now: Now) -> None:
        """Once a tick, and when somebody has changed something."""
        self._recalls.look(now)

    def reached(self) -> None:
        """The server of the store answers again."""
        self._recalls.reached()

    def act(self, people: People, now: Now) -> None:
        """Do what is due."""
        if self._calendar is not None:
            self._calendar.act(people.clients(now.awake, self._idle_after), now)
        self._recalls.act(people.sessions_at_work(now.awake, self._idle_after), people.sessions, now)

    async def try_out(self, name: str) -> Mapping[str, object]:
        """Wake this agent for nobody's recall and say how that ended. Raises IaiError."""
        return (await self._recalls.try_out(name)).to_json()

    async def close(self) -> None:
        """End what runs, and let go of the store."""
        if self._calendar is not None:
            await self._calendar.close()
        await self._recalls.close()

    def describe(self, now: Now) -> dict[str, object]:
        """The part `agenda` of the status."""
        calendar = {"enabled": False} if self._calendar is None else self._calendar.describe()
        return {**self._recalls.describe(now), "calendar": calendar}

    def next_recall(self, now: Now) -> dict[str, object] | None:
        """The recall whose time comes next: when, and whom it wakes for what."""
        return self._recalls.next_recall(now)

    def describe_running(self) -> list[dict[str, object]]:
        """The agents that are at work; the store is not asked."""
        return self._recalls.describe_running()

    def degraded(self) -> Iterator[dict[str, str]]:
        """What keeps recalls and slots from happening as they should."""
        yield from self._recalls.degraded()
        if self._calendar is not None:
            yield from self._calendar.degraded()
