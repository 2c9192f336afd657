"""`iai-daemon report --serve`: listens on this machine alone, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from iai_daemon.clock import SystemClock
from iai_daemon.config import Settings
from iai_daemon.errors import PortTaken
from iai_daemon.paths import Home
from iai_daemon.report.page import Live
from iai_daemon.report.serving import listening
from iai_daemon.report.serving.access import Access
from iai_daemon.report.serving.app import App
from iai_daemon.report.serving.changes import Changes
from iai_daemon.report.serving.pages import Pages

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds for who is being answered when the end comes; streams end at once.
_LAST_ANSWERS = 1
_MOST_CONNECTIONS = 64


def serve(
    home: Home, settings: Settings, announce: Callable[[str], None], *, days: int, port: int = 0
) -> None:
    """Serve the report of the last `days` days; `port` 0: a free one. `announce` is told the address, token and all, once it can be asked.

    Raises PortTaken.
    """
    with _listening(port) as there:
        access = Access.new(there.getsockname()[1])
        asyncio.run(_serve(home, settings, there, access, lambda: announce(access.address), days))


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    there = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with there:
        try:
            there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            there.bind(("127.0.0.1", port))
            there.listen(_MOST_CONNECTIONS)
        except OSError as cause:
            raise PortTaken(port=port, cause=cause.strerror or cause) from cause
        yield there


async def _serve(
    home: Home,
    settings: Settings,
    there: socket.socket,
    access: Access,
    announce: Callable[[], None],
    days: int,
) -> None:
    # What it has to say besides mistakes of ours is of no use to a person: how many it did not wait for at the end, say.
    logging.getLogger("uvicorn.error").addFilter(lambda entry: entry.exc_info is not None)
    clock, changes = SystemClock(), Changes()
    pages = Pages(home, settings, days, Live(access.csrf), changes)
    app = App(home, pages, changes, clock).guarded(access)
    tasks = [
        asyncio.create_task(each)
        for each in (
            changes.pass_on(clock, lambda: pages.cost),
            listening.hear_daemon(home, changes, clock),
            listening.look_at_files(home, changes, clock),
            listening.look_at_server(home, changes, clock),
            listening.look_at_the_time(changes, clock),
        )
    ]
    server = _Server(_config(app), announce, changes.end)
    serving = asyncio.create_task(server.serve([there]))
    try:
        # None of the others ends by itself: where one does, it raises what is wrong.
        await asyncio.wait([serving, *tasks], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        for each in tasks:
            each.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for problem in ended:
        if isinstance(problem, Exception):
            raise problem


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )


class _Server(uvicorn.Server):
    """Says when it can be asked, ends its streams before it waits for their end, and a signal is its end and nothing more."""

    def __init__(
        self, config: uvicorn.Config, started: Callable[[], None], ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._started, self._ending = started, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _end(self, *_: Any) -> None:
        self.should_exit = True
