"""Daemons that share one agenda on a real server, each as a host of its own: with a home, a clock that may be wrong, and agents
made of values. Leases and what is due go by the server's clock, so time passes here as it does there.

As a program it is such a daemon in a process of its own, which may be killed and stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from iai_daemon import config
from iai_daemon.agenda.dispatch import Agenda
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.waking.call import Call
from iai_daemon.agenda.waking.wake import Ended
from iai_daemon.clock import Now, Stopwatch, SystemClock
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence
from tests.agenda.world import AGENT, WELL, Said

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# In seconds; a lease holds for three of them.
TICK = 0.2
LEASE = 3 * TICK
IDLE_AFTER = 60.0


class WrongClock(SystemClock):
    """The machine's, so many seconds ahead of what is right."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def now(self) -> Now:
        now = super().now()
        return Now(now.wall + self._ahead, now.awake, now.boot)


class Agents:
    """A waker whose agents take `seconds`; `woken`: their sessions, as they began. `at_wake`: called first."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.woken: list[str] = []
        self.at_wake: Callable[[], None] = lambda: None

    async def wake(self, call: Call, began: Callable[[tuple[int, int | None]], None]) -> Ended:
        self.woken.append(call.argv[1])
        began((os.getpid(), None))
        self.at_wake()
        if self.seconds:
            await SystemClock().wait(asyncio.Event(), self.seconds)
        return WELL

    def get_ready(self) -> None: ...

    async def close(self) -> None: ...

    def describe(self) -> str:
        return "as values"


class Host:
    """One daemon's agenda."""

    def __init__(
        self,
        folder: Path,
        address: str,
        *,
        ahead: float = 0.0,
        seconds: float = 0.0,
        knows: tuple[str, ...] = ("a",),
        agenda: type[Agenda] = Agenda,
        tick: float = TICK,
        **settings: Any,
    ) -> None:
        self.home = Home(folder)
        self.home.create()
        self.settings = config.Settings(
            memory=config.Memory(store=address),
            lifecycle=config.Lifecycle(tick=tick),
            agenda=config.Agenda(**settings),
            agents={name: replace(AGENT, name=name, command=("/bin/true", "{session_id}")) for name in knows},
        )
        self.clock, self.said, self.agents = WrongClock(ahead), Said(), Agents(seconds)
        self._changed = asyncio.Event()
        log = cast("BoundLogger", self.said)
        # Whoever waits for an agent to be woken sees it at once.
        self.agents.at_wake = self._changed.set
        # Who is here, and elsewhere.
        self.people: Callable[[], Presence] = Presence
        self.agenda = agenda(self.home, self.settings, self.clock, self._changed.set, log, self.agents)
        self._tick = tick
        self._looked_at = 0.0

    async def turn(self) -> None:
        """One turn of the loop, and the wait until the next."""
        now = self.clock.now()
        if now.awake - self._looked_at >= self._tick:
            self._looked_at = now.awake
            self.agenda.look(now)
        self.agenda.act(self.people().sessions_at_work(now.awake, IDLE_AFTER), {}, now)
        wait = min(self.agenda.next_at, self._looked_at + self._tick) - self.clock.now().awake
        await self.clock.wait(self._changed, max(0.0, wait))

    def open(self) -> OpenedAgenda:
        """As another process of this host's."""
        return open_agenda(self.home, self.settings.memory)


async def live(until: Callable[[], bool], *hosts: Host, seconds: float = 20.0) -> bool:
    """Let these daemons live until this holds; False: so many seconds have passed before."""
    watch = Stopwatch()

    async def one(host: Host) -> None:
        while not until() and watch.seconds() < seconds:
            await host.turn()

    await asyncio.gather(*(one(host) for host in hosts))
    return until()


def share(until: Callable[[], bool], *hosts: Host, seconds: float = 20.0, and_then: float = 0.0) -> bool:
    """The same from their start to their end, which is so many seconds later."""

    async def lives() -> bool:
        held = await live(until, *hosts, seconds=seconds)
        await live(lambda: False, *hosts, seconds=and_then)
        for host in hosts:
            await host.agenda.close()
        return held

    return asyncio.run(lives())


# As a program.


class _Halts(Agenda):
    """Gets a signal between its claim and the beginning."""

    halt = signal.SIGKILL

    def _begin(self, *given: Any) -> None:
        os.kill(os.getpid(), self.halt)
        super()._begin(*given)


def main() -> None:
    """Lives until nothing is planned any more, or, with --until-told, until its input ends. Says what it does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--tick", type=float, default=TICK)
    parser.add_argument("--halt-before-beginning", type=int, default=0)
    parser.add_argument("--halt-when-woken", type=int, default=0)
    parser.add_argument("--until-told", action="store_true")
    given = parser.parse_args()
    _Halts.halt = signal.Signals(given.halt_before_beginning or signal.SIGKILL)
    kind = _Halts if given.halt_before_beginning else Agenda
    host = Host(
        given.folder, given.address, seconds=given.seconds, agenda=kind, tick=given.tick, max_concurrent=20
    )
    if given.halt_when_woken:
        host.agents.at_wake = lambda: os.kill(os.getpid(), given.halt_when_woken)
    opened = host.open()
    _say("ready")
    sys.stdin.readline()
    share(_told() if given.until_told else lambda: _is_over(opened, host), host, seconds=300.0)
    opened.close()
    for session in host.agents.woken:
        _say(f"woken {session}")
    for event, fields in host.said.lines:
        if event == "agent ended after its run had been given up":
            _say(f"given up: {fields['reason']}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _is_over(opened: OpenedAgenda, host: Host) -> bool:
    return not host.agenda.working and opened.store.next_try_at(0) is None


def _told() -> Callable[[], bool]:
    """Whether its input has ended."""
    return lambda: bool(select.select([sys.stdin], [], [], 0)[0])


if __name__ == "__main__":
    main()
