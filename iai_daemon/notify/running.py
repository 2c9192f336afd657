"""Runs one short program of the user's below a guard, beside the loop: whatever it does, it ends, and nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iai_daemon.foreign import printable
from iai_daemon.programs import starting
from iai_daemon.programs.starting import ASK_TO_END, Order, keep_tail, signal_of

# A pipe takes so much without anybody reading: so nobody waits for a program that does not read.
_MOST_GIVEN = 16_384
# Seconds between being asked to end and being ended, and for the guard to do that.
_GRACE, _GUARD_PATIENCE = 1.0, 2.0
_UMASK = 0o022
_LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: its exit status, the end of what it wrote to both streams, and whether its time was over."""

    status: int
    said: str
    late: bool

    @property
    def how(self) -> str:
        """In words, with the last line that it wrote."""
        lines = printable(self.said, " ").strip().splitlines()
        words = f": {lines[-1].strip()[:_LONGEST_WORDS]}" if lines else ""
        name = signal_of(self.status)
        return f"{f'was ended by {name}' if name else f'ended with status {self.status}'}{words}"


async def run(argv: Sequence[str], environment: Mapping[str, str], given: str, limit: float) -> Ended:
    """Run it to its end, after `limit` seconds by force. `given`: what it may read from its standard input, the beginning of it
    where it is long. Raises OSError, and ValueError for a text with a zero byte."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        os.write(writing, given.encode()[:_MOST_GIVEN].decode(errors="ignore").encode())
        order = Order(argv, environment, Path.home(), umask=_UMASK, given=reading, fresh=True).to_bytes()
        guard = await asyncio.create_subprocess_exec(
            *starting.guard(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            pass_fds=(reading,),
            start_new_session=True,
            env={},
        )
    finally:
        os.close(reading)
        os.close(writing)
    _line(guard).write(order)
    return await _follow(guard, limit)


async def _follow(guard: Process, limit: float) -> Ended:
    heard, late = _Heard(), False
    reading = asyncio.create_task(heard.listen(guard))
    try:
        async with asyncio.timeout(limit):
            await guard.wait()
    except TimeoutError:
        late = True
    finally:
        await _end(guard)
        await reading
    return Ended(guard.returncode or 0, heard.tail.decode(errors="replace"), late)


class _Heard:
    """The end of what it has written so far."""

    def __init__(self) -> None:
        self.tail = b""

    async def listen(self, guard: Process) -> None:
        """Until nobody is left who could write."""
        out = cast("asyncio.StreamReader", guard.stdout)
        while chunk := await out.read(65_536):
            self.tail = keep_tail(self.tail, chunk)


async def _end(guard: Process) -> None:
    """The program is asked to end, then ended with all that it has started; should the guard not do that, it goes itself."""
    line = _line(guard)
    if guard.returncode is None:
        line.write(ASK_TO_END)
        await _wait(guard, _GRACE)
    line.close()
    await _wait(guard, _GUARD_PATIENCE)
    if guard.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # it was quicker
            guard.kill()
        await guard.wait()


async def _wait(guard: Process, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await guard.wait()


def _line(guard: Process) -> asyncio.StreamWriter:
    """It was started with a pipe, so there is one."""
    return cast("asyncio.StreamWriter", guard.stdin)
