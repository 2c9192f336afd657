"""What a daemon sees of other hosts, and they of it: one task with one connection to the server that they share.

What it knows is handed over at each look of the loop, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.errors import BadConfig, IaiError
from iai_daemon.neighbours import account as accounts
from iai_daemon.neighbours.account import Account, Unreadable, read
from iai_daemon.neighbours.hosts import FORGOTTEN, Host, Hosts, Row
from iai_daemon.neighbours.identity import change, identify
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence
from iai_daemon.storage.where import address_of
from iai_daemon.units import NEVER

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from iai_daemon.neighbours.link import Link
    from iai_daemon.storage.postgres.server import Server

# When the server is away it is tried again after a second, then two, four …
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
# Seconds: no two publications within the one, no two readings of what others told within the other.
_BETWEEN_NEWS, _BETWEEN_READINGS = 1.0, 0.1
# A lease that seems to be over is looked at so much later: exactly then the server may say that it is not.
_BEYOND = 0.05
# The table takes no longer lease.
_LONGEST_LEASE = 86_400.0
# To say goodbye may take so long.
_GOODBYE = 2.0
_NO_NIGHTS = "no night starts meanwhile; it is tried again by itself"


class Troubles(Protocol):
    """Where it is told what does not work."""

    def note(self, what: str, why: str, fix: str = ..., *, said: str) -> None: ...

    def over(self, what: str) -> None: ...

    def failed(self, what: str, error: BaseException | None) -> None: ...


class Sight:
    """Begins at once; `close` ends it. Every other method is called from the event loop and returns at once.

    `next_at`: when (awake clock) somebody elsewhere no longer counts without any event.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        clock: Clock,
        changed: Callable[[], None],
        log: BoundLogger,
        troubles: Troubles,
    ) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._log = log
        self._troubles = troubles
        self.next_at = NEVER
        self._server: Server | None = None
        self._own = identify(home)
        self._run = secrets.token_hex(8)
        self._hosts = Hosts()
        self._in_sight = False
        self._closing = False
        self._stirred = asyncio.Event()
        self._let_go = asyncio.Event()
        self._pause = _FIRST_PAUSE
        self._account: Account | None = None
        self._forget_what_was_told()
        self._read_at = self._named_at = -NEVER
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._live())

    def _forget_what_was_told(self) -> None:
        self._told: Account | None = None
        self._news = True
        self._told_at = -NEVER
        self._renewed: Now | None = None

    # What the loop asks.

    def join(self, presence: Presence, now: Now) -> Presence:
        """The same with everybody who is present elsewhere."""
        self.next_at = NEVER if self._in_sight else self._hosts.ending_after(now.awake)
        elsewhere = self._hosts.elsewhere(now.awake, in_sight=self._in_sight)
        return replace(presence, elsewhere=elsewhere, out_of_sight=not self._in_sight)

    def tell(self, account: Account, now: Now) -> None:
        """How this host stands. Others hear of it at once where it matters to them, else with the next renewal."""
        self._account = account = replace(account, run=self._run)
        self._news = self._news or accounts.is_news(self._told, account)
        # A machine that slept has its lease renewed as soon as it wakes up.
        if self._news or self._renewal_at(now) <= now.boot:
            self._stirred.set()

    def go_by(self, settings: Settings) -> None:
        """The same server, by other settings from now on."""
        self._settings = settings
        self._stirred.set()

    async def close(self) -> None:
        """Say goodbye, and let go of the server."""
        self._closing = True
        self._stirred.set()
        self._let_go.set()
        _, waited = await asyncio.wait({self._task}, timeout=_GOODBYE)
        for each in waited:
            each.cancel()
            await asyncio.wait({each})
        self._troubles.over("hosts")
        if self._server is not None:
            from iai_daemon.storage.postgres.server import give_back  # noqa: PLC0415 -- its driver may be missing

            self._server.stop_watching()
            give_back(self._server)
            self._server = None

    # What the task does.

    async def _live(self) -> None:
        while not self._closing:
            try:
                async with self._linked() as link:
                    await self._serve(link)
            except IaiError as error:
                self._lost(error)
            except Exception as error:  # noqa: BLE001 -- whatever comes from a database does not end it; `failed` logs and counts it
                self._troubles.failed("other hosts cannot be asked", error)
                self._lost(error)
            if not self._closing:
                await self._clock.wait(self._let_go, self._pause)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    @contextlib.asynccontextmanager
    async def _linked(self) -> AsyncIterator[Link]:
        """A connection of our own. Raises IaiError."""
        # Before anything else that needs the driver: it says how to get it.
        from iai_daemon.storage.postgres.server import take  # noqa: PLC0415 -- as said above

        address = address_of(self._home, self._settings.memory)
        if address is None:
            raise BadConfig(path=self._home.config, where="memory.store", problem="names no server any more")
        if self._server is None:
            self._server = take(address)
            self._server.watch(self._suspected)
        from iai_daemon.neighbours.link import Link  # noqa: PLC0415 -- as said above

        link = await Link.open(address, self._own, self._stirred.set)
        try:
            yield link
        finally:
            link.close()

    async def _serve(self, link: Link) -> None:
        """Until it is closed; raises IaiError when it breaks."""
        await link.forget_old(FORGOTTEN)
        await self._read(link)
        self._found()
        while not self._closing:
            now = self._clock.now()
            if self._writes_at(now) <= now.awake:
                await self._write(link, now)
            if self._reads_at() <= now.awake:
                await self._read(link)
            if (link.named or link.broken) and self._named_at + _BETWEEN_READINGS <= now.awake:
                await self._read_named(link)
            await self._clock.wait(self._stirred, self._until_next(link))
        await link.forget()

    def _until_next(self, link: Link) -> float:
        now = self._clock.now()
        named_at = self._named_at + _BETWEEN_READINGS if link.named or link.broken else NEVER
        return max(0.0, min(self._writes_at(now), self._reads_at(), named_at) - now.awake)

    def _writes_at(self, now: Now) -> float:
        """When we have something to say, on the awake clock."""
        if self._account is None:
            return NEVER
        news_at = self._told_at + _BETWEEN_NEWS if self._news else NEVER
        return min(news_at, now.awake + self._renewal_at(now) - now.boot)

    def _renewal_at(self, now: Now) -> float:
        """When our lease is renewed, on the clock that goes on while the machine sleeps, as the server's does."""
        return now.boot if self._renewed is None else self._renewed.boot + self._lease / 3

    def _reads_at(self) -> float:
        """Once a tick, should a notification have been lost, and when the lease of somebody who counts may be over."""
        tick = self._settings.lifecycle.tick
        over_at = max(self._hosts.lease_ends() + _BEYOND, self._read_at + min(tick, _BETWEEN_NEWS))
        return min(self._read_at + tick, over_at)

    @property
    def _lease(self) -> float:
        return min(self._settings.presence.host_lease, _LONGEST_LEASE)

    async def _write(self, link: Link, now: Now) -> None:
        account, news = self._account, self._news
        if account is None:
            return
        self._told, self._news = account, False
        if news:
            self._told_at = now.awake
        await link.tell(accounts.write(account, self._clock.now().awake), self._lease, news=news)
        self._renewed = now

    async def _read(self, link: Link) -> None:
        link.named.clear()
        rows = await link.read()
        if self._is_somebody_else(rows):
            self._take_another_id(link)
            rows = await link.read()
        self._read_at = self._named_at = self._clock.now().awake
        if self._server is not None:
            self._server.answers()
        self._heard(self._hosts.take(rows, self._read_at))

    async def _read_named(self, link: Link) -> None:
        named = frozenset(link.named)
        link.named.clear()
        rows = await link.read(named)
        if self._is_somebody_else(rows):
            await self._read(link)
            return
        self._named_at = self._clock.now().awake
        self._heard(self._hosts.take(rows, self._named_at, named))

    def _is_somebody_else(self, rows: Iterable[Row]) -> bool:
        """Whether another daemon tells of itself under our id: what was there before we wrote is our own past."""
        for row in rows:
            if row.own and self._renewed is not None:
                with contextlib.suppress(Unreadable):
                    return read(row.presence, row.name, 0.0).run not in (self._run, None)
        return False

    def _take_another_id(self, link: Link) -> None:
        self._log.warning("another host has the id of this one: taking another", id=self._own.id)
        self._own = link.own = change(self._home, self._own)
        self._forget_what_was_told()

    def _heard(self, changed: bool) -> None:
        for said, data in self._hosts.news:
            self._log.info(said, **data)
        self._hosts.news.clear()
        if changed:
            self._changed()

    def _found(self) -> None:
        """The server answers: nobody need wait any longer."""
        self._in_sight = True
        self._pause = _FIRST_PAUSE
        self._troubles.over("hosts")
        self._log.info("other hosts are in sight")
        self._changed()

    def _suspected(self) -> None:
        """Somebody else in this process has had no answer, in whatever thread: see whether there is one."""
        self._loop.call_soon_threadsafe(self._look_now)

    def _look_now(self) -> None:
        self._read_at = -NEVER
        self._stirred.set()

    def _lost(self, error: Exception) -> None:
        """What others told last holds until its lease is over."""
        why = str(error) if isinstance(error, IaiError) else f"they cannot be asked ({type(error).__name__})"
        self._in_sight = False
        self._forget_what_was_told()
        if self._server is not None:
            from iai_daemon.neighbours.link import is_gone  # noqa: PLC0415 -- its driver may be missing

            if isinstance(error, IaiError) and is_gone(error):
                self._server.is_away(str(error.data.get("cause", why)))
            else:
                self._server.answers()
        self._troubles.note("hosts", why, _NO_NIGHTS, said="other hosts cannot be seen")
        self._changed()

    # What is told.

    def describe(self, now: Now, idle_after: float) -> list[dict[str, object]]:
        """The part `hosts` of the status, ours first."""
        seen = None if self._renewed is None else max(0.0, now.boot - self._renewed.boot)
        own: dict[str, object] = {
            "id": self._own.id,
            "name": self._own.name,
            "this": True,
            **_account(self._account, now, idle_after),
            "seen": None if seen is None else round(seen, 1),
            "lease_over": seen is None or seen >= self._lease,
        }
        others = sorted(self._hosts, key=lambda each: (each.name, each.id))
        return [own, *(self._describe(each, now, idle_after) for each in others)]

    def _describe(self, host: Host, now: Now, idle_after: float) -> dict[str, object]:
        return {
            "id": host.id,
            "name": host.name,
            "this": False,
            **_account(host.account, now, idle_after),
            "seen": round(max(0.0, now.awake - host.seen_at), 1),
            "lease_over": not host.holds(now.awake, in_sight=self._in_sight),
        }

    def describe_wrappers(self, now: Now, idle_after: float) -> list[dict[str, object]]:
        """Everybody who is present on other hosts that count."""
        return [
            {
                "host": host.name,
                "client": each.beat and each.beat.client_name,
                "session_id": each.beat and each.beat.session_id,
                "active": each.is_active(now.awake, idle_after),
                "active_ago": None
                if each.active_at is None
                else round(max(0.0, now.awake - each.active_at), 1),
                "in_flight": each.beat.in_flight if each.beat else 0,
                "headless": each.headless,
            }
            for host in self._hosts
            if host.holds(now.awake, in_sight=self._in_sight)
            for each in host.wrappers(now.awake)
        ]


def _account(account: Account | None, now: Now, idle_after: float) -> dict[str, object]:
    """What is shown of it; nothing of one that cannot be used."""
    if account is None:
        return {"state": None, "rule": None, "wrappers": None, "active": None, "night": None}
    active = sum(
        each.is_active(now.awake, idle_after) or bool(each.beat and each.beat.in_flight)
        for each in account.wrappers
    )
    return {
        "state": account.state,
        "rule": account.rule,
        "wrappers": account.open,
        "active": active,
        "night": account.night,
    }
