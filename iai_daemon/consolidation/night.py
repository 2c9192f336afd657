"""A night as its parent sees it: starts the worker, hears it, asks it to yield, and kills it when it does not.

Used by the daemon, and by `consolidate` where no daemon runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from typing import Any, cast

from iai_daemon.clock import Stopwatch
from iai_daemon.consolidation.job import Job
from iai_daemon.errors import NightBusy, NightFailed

__all__ = ["Job", "Night"]

Event = Mapping[str, Any]

# The worker answers within a few batches; a kill is safe at any instant, so the user does not wait for it to the last.
_PATIENCE = 0.8
_LONGEST_LINE = 16 * 2**20
_TAIL = 2000

# One thread for each of the libraries that numpy may have been built with: the other cores are the user's.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}


class Night:
    """One worker process. `yield_within`: seconds within which it must be gone once it is asked to yield."""

    def __init__(self, job: Job, yield_within: float) -> None:
        self._job = job
        self._patience = _PATIENCE * yield_within
        self._process: Process | None = None
        self._wish: bytes | None = None
        self._asked: Stopwatch | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._said = ""
        self.yield_seconds: float | None = None

    async def run(self, heard: Callable[[Event], None] = lambda _: None) -> dict[str, Any] | None:
        """Run it to its end; `heard` gets every event on the way. The report, with the `changes` of a dry run.

        None when the worker was killed. Raises NightBusy and NightFailed.
        """
        process = await self._start()
        try:
            events, _ = await asyncio.gather(self._hear(process, heard), self._keep_said(process))
            status = await process.wait()
        finally:
            self._forget(process)
            if process.returncode is None:
                process.kill()
                await process.wait()
        return self._judge(status, events)

    def request_yield(self, reason: str, *, cancelled: bool = False) -> None:
        """Ask the worker to stop; `cancelled`: because a person said so, not because one came back. Returns at once.

        It is killed when it has not ended in time. Before the start, the wish is kept for it.
        """
        if self._wish is not None:
            return
        self._wish = json.dumps({"cancel" if cancelled else "yield": reason}).encode() + b"\n"
        self._asked = Stopwatch()
        if self._process is not None:
            self._pass_on(self._process)

    def kill(self) -> None:
        """End the worker now. The store stands before or after a batch, never between."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _start(self) -> Process:
        # A session of its own: the signals of a terminal are the parent's to answer.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "iai_daemon.consolidation.worker",
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,
            env={**os.environ, **_ONE_THREAD},
        )
        self._process = process
        _stdin(process).write(self._job.to_line(os.getpid()))
        if self._wish is not None:
            self._pass_on(process)
        return process

    def _pass_on(self, process: Process) -> None:
        if process.returncode is None and self._wish is not None:
            _stdin(process).write(self._wish)
        self._deadline = asyncio.get_running_loop().call_later(self._patience, self.kill)

    async def _hear(self, process: Process, heard: Callable[[Event], None]) -> list[Event]:
        """Every event but progress, once the worker has closed its end."""
        events: list[Event] = []
        async for line in cast("asyncio.StreamReader", process.stdout):
            event = json.loads(line)
            heard(event)
            if event["event"] != "progress":
                events.append(event)
        return events

    async def _keep_said(self, process: Process) -> None:
        """The end of what the worker wrote to standard error: what an interpreter says when it breaks down."""
        stderr = cast("asyncio.StreamReader", process.stderr)
        while chunk := await stderr.read(4096):
            self._said = (self._said + chunk.decode(errors="replace"))[-_TAIL:]

    def _forget(self, process: Process) -> None:
        """Nothing is left behind: no timer, no pipe."""
        if self._deadline is not None:
            self._deadline.cancel()
        if self._asked is not None:
            self.yield_seconds = self._asked.seconds()
        _stdin(process).close()

    def _judge(self, status: int, events: list[Event]) -> dict[str, Any] | None:
        by_name = {event["event"]: event for event in events}
        if "report" in by_name:
            report: dict[str, Any] = dict(by_name["report"]["report"])
            if self._job.dry_run:
                planned = [event["changes"] for event in events if event["event"] == "planned"]
                report["changes"] = [change for changes in planned for change in changes]
            return report
        if "busy" in by_name:
            raise NightBusy(holder=by_name["busy"]["holder"])
        if "error" in by_name:
            raise NightFailed(cause=by_name["error"]["message"].rstrip("."))
        if status < 0:
            return None
        raise NightFailed(cause=self._said.strip() or f"its worker ended with status {status}")


def _stdin(process: Process) -> asyncio.StreamWriter:
    """It was started with a pipe, so there is one."""
    return cast("asyncio.StreamWriter", process.stdin)
