"""Wrappers on hosts, and hosts that tell each other of them, for the tests beside this file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from iai_daemon.clock import Stopwatch, SystemClock
from iai_daemon.config import Lifecycle as LifecycleSettings
from iai_daemon.config import Memory, Settings
from iai_daemon.config import Presence as PresenceSettings
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.neighbours import account as accounts
from iai_daemon.neighbours.account import Account
from iai_daemon.neighbours.hosts import Row
from iai_daemon.neighbours.neighbours import Neighbours
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.troubles import Troubles
from iai_daemon.units import NEVER

LEASE = 2.0


def wrapper(
    own: str = "a",
    *,
    active: float | None = None,
    settled: float = 0.0,
    in_flight: int = 0,
    headless: bool = False,
    legacy: bool = False,
    client: str | None = "editor",
    session: str | None = "0123456789abcdef",
    stale_at: float = NEVER,
) -> Wrapper:
    """One that is present here."""
    beat = Heartbeat(
        1, own, 0.0, reports_activity=not legacy, in_flight=in_flight, client_name=client, session_id=session
    )
    return Wrapper(own, Status.FRESH, "", beat, active, settled, stale_at, headless)


def account(
    *wrappers: Wrapper, state: State = State.WAKE, rule: str = "active", night: int | None = None
) -> Account:
    return accounts.of(state, rule, Presence(wrappers), night)


def row(
    told: Account | str = "{}",
    *,
    name: str = "mill",
    at: float = 0.0,
    renewed: float = 0.0,
    lease: float = 30.0,
    own: bool = False,
    owner: str = "ann",
    same_user: bool = True,
) -> Row:
    """What the table holds of a host that told this at `at` (its awake clock)."""
    text = told if isinstance(told, str) else accounts.write(told, at)
    return Row(f"id-{name}", owner, name, text, renewed, lease, own, same_user)


class RunningHost:
    """The side of one daemon: real but for its loop."""

    def __init__(
        self, folder: Path, name: str, address: str, *, lease: float = LEASE, tick: float = 30.0
    ) -> None:
        home = Home(folder / name)
        home.create()
        settings = Settings(
            presence=PresenceSettings(host_lease=lease),
            lifecycle=LifecycleSettings(tick=tick),
            memory=Memory(store=address),
        )
        self.said = structlog.testing.CapturingLogger()
        log = structlog.wrap_logger(self.said, [])
        self.clock = SystemClock()
        self.troubles = Troubles(log)
        self.changed = asyncio.Event()
        self.neighbours = Neighbours(home, settings, self.clock, self.changed.set, log, self.troubles)

    def tell(self, *wrappers: Wrapper, state: State = State.WAKE, night: int | None = None) -> None:
        now = self.clock.now()
        standing = Standing(state, since=now.awake, last_active=now.awake)
        self.neighbours.tell(standing, Presence(wrappers), night, now)

    def presence(self) -> Presence:
        return self.neighbours.join(Presence(), self.clock.now())

    def seen(self) -> set[str]:
        """The wrappers that are seen elsewhere."""
        return {each.path for each in self.presence().elsewhere}

    def degraded(self) -> list[str]:
        return [each["what"] for each in self.troubles.degraded()]

    def events(self) -> list[str]:
        return [str(call.kwargs.get("event", call.args)) for call in self.said.calls]


@asynccontextmanager
async def hosts(
    folder: Path, address: str, *names: str, lease: float = LEASE, tick: float = 30.0, others: int = 0
) -> AsyncIterator[list[RunningHost]]:
    """So many, which are in sight of each other and of so many `others`; at the end they say goodbye."""
    running = [RunningHost(folder, name, address, lease=lease, tick=tick) for name in names]
    for each in running:
        each.neighbours.begin()
        each.tell()
    try:
        for each in running:
            await until(
                lambda each=each: len(each.neighbours.describe(each.clock.now(), 1.0)) == len(names) + others
            )
        yield running
    finally:
        for each in running:
            await each.neighbours.close()


async def until(found: Callable[[], object], seconds: float = 10.0) -> float:
    """Ask again and again until the answer is true, while the loop goes on; how long that took."""
    watch = Stopwatch()
    while not found():
        assert watch.seconds() < seconds, f"not within {seconds} s"
        await SystemClock().wait(asyncio.Event(), 0.005)
    return watch.seconds()


async def stays(found: Callable[[], object], seconds: float) -> None:
    """The answer is true all the time."""
    watch = Stopwatch()
    while watch.seconds() < seconds:
        assert found()
        await SystemClock().wait(asyncio.Event(), 0.005)


def plain(told: Account, at: float) -> dict[str, object]:
    """What is written of it, as an object."""
    content: dict[str, object] = json.loads(accounts.write(told, at))
    return content
