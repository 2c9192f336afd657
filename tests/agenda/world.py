"""An agenda under a clock that is handed in: agents are made of values, the store is real, and the daemon may be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from iai_daemon import config
from iai_daemon.agenda.dispatch import Agenda
from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import Draft, Occurrence, Recall
from iai_daemon.agenda.slots.calendar import Calendar
from iai_daemon.agenda.slots.messenger import Messenger
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.agenda.waking.call import Call
from iai_daemon.agenda.waking.wake import Ended
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite_database import SqliteDatabase
from iai_daemon.units import NEVER
from tests.agenda.plans import NOON
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

WELL = Ended(0, "done", 1.0, None)
BADLY = Ended(3, "no", 1.0, "exit status 3")
AGENT = config.Agent(("/bin/true",), name="a", max_runs_per_day=100_000, max_minutes_per_day=1e9)


@dataclass
class Said:
    """What the agenda logged: event and fields."""

    lines: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    debug = warning = error = info


class Agents:
    """A waker whose agents take `seconds` of the clock and end as `how` says. `began`: what was woken, with when."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._at_work: list[tuple[float, asyncio.Future[None]]] = []
        self.seconds = 0.0
        self.how: Callable[[Call], Ended] = lambda _: WELL
        self.began: list[tuple[Call, float]] = []
        self.made_ready: list[float] = []

    async def wake(self, call: Call, began: Callable[[tuple[int, int | None]], None]) -> Ended:
        self.began.append((call, self._clock.wall))
        began((len(self.began), None))
        if self.seconds:
            future = asyncio.get_running_loop().create_future()
            self._at_work.append((self._clock.awake + self.seconds, future))
            await future
        return self.how(call)

    def get_ready(self) -> None:
        self.made_ready.append(self._clock.wall)

    async def close(self) -> None: ...

    def describe(self) -> str:
        return "as values"

    @property
    def next_end(self) -> float:
        return min((at for at, _ in self._at_work), default=NEVER)

    def end_those_due(self) -> None:
        due = [each for each in self._at_work if each[0] <= self._clock.awake]
        self._at_work = [each for each in self._at_work if each not in due]
        for _, future in due:
            if not future.done():
                future.set_result(None)


class World:
    """A home, its clock, its agents, and a daemon's agenda that `live`s in it, until it is closed or killed."""

    def __init__(
        self, home: Home, *, wall: float = NOON / 1000 - 0.01, tick: float = 3600.0, **agenda: Any
    ) -> None:
        self.home = home
        self.clock = FakeClock(wall)
        self.settings = config.Settings(
            lifecycle=config.Lifecycle(tick=tick), agenda=config.Agenda(**agenda), agents={"a": AGENT}
        )
        self.agents = Agents(self.clock)
        self.said = Said()
        self.busy: dict[str, str] = {}
        self.named: dict[tuple[str, str], str | None] = {}
        self.clients: dict[str, bool] = {}
        self.messenger: Messenger | None = None
        self._mine: OpenedAgenda | None = None
        self._agenda: Agenda | None = None
        self._calendar: Calendar | None = None
        self._changed = asyncio.Event()

    @property
    def store(self) -> AgendaStore:
        """As another process sees it, the command line for one."""
        return self.mine.store

    @property
    def mine(self) -> OpenedAgenda:
        if self._mine is None:
            self._mine = open_agenda(self.home)
            # What a test adds needs not survive a power cut.
            if isinstance(self._mine.database, SqliteDatabase):
                self._mine.database.connection.execute("PRAGMA synchronous = OFF")
        return self._mine

    @property
    def now(self) -> int:
        return int(self.clock.wall * 1000)

    @property
    def agenda(self) -> Agenda:
        if self._agenda is None:
            log = cast("BoundLogger", self.said)
            self._agenda = Agenda(
                self.home, self.settings, self.clock, self._changed.set, log, waker=self.agents
            )
            if self.messenger is not None:
                self._calendar = Calendar(
                    self._agenda, self.messenger, self.settings, self.clock, self._changed.set, log
                )
            self._agenda.look(self.clock.now())
        return self._agenda

    @property
    def calendar(self) -> Calendar:
        assert self._calendar is not None
        return self._calendar

    def tell_daemon(self) -> None:
        """Somebody has changed something."""
        self.agenda.look(self.clock.now())
        self._changed.set()

    def add(self, draft: Draft) -> Recall:
        """Somebody makes a recall, and the daemon is told."""
        made = self.store.add(draft, first(draft, self.now), self.now)
        if self._agenda is not None:
            self._agenda.look(self.clock.now())
        return made

    async def live(self, seconds: float) -> None:
        """Let so much time pass with the daemon running: it looks when something is due, and at each tick."""
        until, agenda = self.clock.awake + seconds, self.agenda
        tick = self.clock.awake + self.settings.lifecycle.tick
        while True:
            self.agents.end_those_due()
            await _settle()
            if self._calendar is not None:
                self._calendar.act(self.clients, self.clock.now())
            agenda.act(self.busy, self.named, self.clock.now())
            await _settle()
            if self._changed.is_set():
                self._changed.clear()
                continue
            due = min(agenda.next_at, tick, self.agents.next_end, until)
            if self._calendar is not None:
                due = min(due, self._calendar.next_at)
            # Stamps are whole milliseconds: a fraction early is looked at again.
            self.clock.advance(max(0.0005, due - self.clock.awake))
            if self.clock.awake >= until:
                return
            if self.clock.awake >= tick:
                tick += self.settings.lifecycle.tick
                agenda.look(self.clock.now())

    async def close(self) -> None:
        """The daemon is stopped."""
        if self._calendar is not None:
            await self._calendar.close()
            self._calendar = None
        if self._agenda is not None:
            await self._agenda.close()
            self._agenda = None

    def kill(self) -> None:
        """The daemon is gone without a word; its agents go with it."""
        if self._agenda is not None:
            for _, task in self._agenda._runs._running.values():
                task.remove_done_callback(lambda _: None)
                task.get_loop().call_soon(task.cancel)
            self._agenda._runs._ended = lambda _run, _ended: None
            self._agenda._ledger.close()
            self._agenda = self._calendar = None

    def history(self, recall: Recall | None = None) -> list[Occurrence]:
        return list(self.store.history(None if recall is None else recall.id, 1_000_000))

    def forget(self) -> None:
        """Close what is open."""
        if self._mine is not None:
            self._mine.close()
            self._mine = None


async def _settle() -> None:
    """Let the tasks go as far as they can without time."""
    for _ in range(6):
        await asyncio.sleep(0)  # noqa: TID251 -- lets the other tasks run, takes no time
