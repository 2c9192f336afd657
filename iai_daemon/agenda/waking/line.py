"""Our end of the line to a guard: what it tells of the program below it, and how all of that is ended. Used by wake.py."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import cast

from iai_daemon.programs.starting import ASK_TO_END, keep_tail

# A process: its pid, and its start in clock ticks since boot (None where the kernel does not say).
Identity = tuple[int, int | None]

# The guard ends everything at once; should it not, it is ended itself, and its unit with it.
_GUARD_PATIENCE = 1.4
_LAST_PATIENCE = 0.4
_LONGEST_TOLD = 4096


class Line(asyncio.SubprocessProtocol):
    """Our end of the line to a guard: what it tells, and the end of what the program writes."""

    def __init__(self) -> None:
        self.greeted, self.over, self._gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.identity: Identity | None = None
        self.exit_status: int | None = None
        self.failure: str | None = None
        self.output = b""
        self._told = b""
        self._guard: int | None = None
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.output = keep_tail(self.output, data)
            return
        *lines, self._told = (self._told + data).split(b"\n")
        self._told = self._told[:_LONGEST_TOLD]
        for line in lines:
            self._hear(line.decode(errors="replace"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 -- of the protocol
        if fd == 1:
            self.greeted.set()
            self.over.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- of the protocol
        """It has ended, and nobody holds its pipes any more."""
        self.greeted.set()
        self.over.set()
        self._gone.set()
        self._process().close()

    def write(self, data: bytes) -> None:
        self._to_guard().write(data)

    async def end(self, grace: float | None) -> None:
        """All of it, if it has not ended by itself; without a `grace` at once."""
        try:
            if grace is not None and not self.over.is_set():
                self.write(ASK_TO_END)
                await within(self.over, grace)
            self._to_guard().close()
            if not await within(self._gone, _GUARD_PATIENCE):
                await self._force()
        finally:
            self._to_guard().close()
            if self._guard is not None:
                os.close(self._guard)

    async def _force(self) -> None:
        """The guard may be stopped, or what has escaped it holds our pipes: its end is that of its program, and of its unit."""
        if self._guard is not None and not self.over.is_set():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._guard, signal.SIGKILL)
            await within(self._gone, _LAST_PATIENCE)
        self._process().close()
        await within(self._gone, _LAST_PATIENCE)

    def _hear(self, told: str) -> None:
        """See guard.py and guarding.py."""
        match told.split(" ", 1):
            case ["failed", why]:
                self.failure = why
            case ["ended", status] if status.isdecimal():
                self.exit_status = int(status)
                self.over.set()
            case [pid, start] if pid.isdecimal() and self.identity is None:
                self.identity = int(pid), int(start) if start.isdecimal() else None
                if hasattr(os, "pidfd_open"):
                    with suppress(OSError):
                        self._guard = os.pidfd_open(int(pid))
                self.greeted.set()

    def _to_guard(self) -> asyncio.WriteTransport:
        return cast("asyncio.WriteTransport", self._process().get_pipe_transport(0))

    def _process(self) -> asyncio.SubprocessTransport:
        return cast("asyncio.SubprocessTransport", self._transport)


async def open_line(argv: Sequence[str], environment: Mapping[str, str]) -> Line | None:
    """Start a guard, in a session of its own; None: that cannot be done."""
    loop = asyncio.get_running_loop()
    try:
        _, line = await loop.subprocess_exec(
            Line, *argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True
        )
    except OSError:
        return None
    return line


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
