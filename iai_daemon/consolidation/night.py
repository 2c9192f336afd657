"""A night as its parent sees it: starts the worker, hears it, asks it to yield, and kills it when it does not.

Used by the daemon, and by `consolidate` where no daemon runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from iai_daemon import atomic
from iai_daemon.clock import Stopwatch
from iai_daemon.consolidation.child import hurry, kills_for_memory
from iai_daemon.consolidation.death import Cause, Death
from iai_daemon.consolidation.job import Job
from iai_daemon.errors import NightBusy, NightFailed
from iai_daemon.paths import Home

__all__ = ["WORKER", "Job", "Night"]

# What a Python runs to be a worker.
WORKER = ("-m", "iai_daemon.consolidation.worker")

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

_CRASHES = {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}


class Night:
    """One worker process. `yield_within`: seconds within which it must be gone once it is asked to yield.

    `program`: what Python runs, another worker with passes of its own. After the end `yield_seconds` says how long it took
    to be gone, and `death` how it came to end without a report, if it did.
    """

    def __init__(self, job: Job, yield_within: float, program: Sequence[str] = WORKER) -> None:
        self._job = job
        self._patience = _PATIENCE * yield_within
        self._program = program
        self._process: Process | None = None
        self._wish: dict[str, str] | None = None
        self._asked: Stopwatch | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._killed = False
        self._kills_before: int | None = None
        self._said = ""
        # What it has told to be at work on: the night, the pass, how much at a time, and whether any of that is done.
        self._night: int | None = None
        self._pass: str | None = None
        self._portion: int | None = None
        self._settled = False
        self.yield_seconds: float | None = None
        self.death: Death | None = None

    async def run(self, heard: Callable[[Event], None] = lambda _: None) -> dict[str, Any] | None:
        """Run it to its end; `heard` gets every event on the way. The report, with the `changes` of a dry run and what would be `held`.

        None when the worker ended without one: `death` says how, and so does the next worker in its stead. Raises
        NightBusy and NightFailed.
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
        report = self._judge(events)
        if report is None:
            self.death = self._describe_death(status)
            self._leave_word(self.death, heard)
        return report

    def request_yield(self, reason: str, *, cancelled: bool = False) -> None:
        """Ask the worker to stop; `cancelled`: because a person said so, not because one came back. Returns at once.

        It is killed when it has not ended in time. Before the start, the wish is kept for it.
        """
        if self._wish is not None:
            return
        self._wish = {"cancel" if cancelled else "yield": reason}
        self._asked = Stopwatch()
        if self._process is not None:
            self._pass_on(self._process)

    def _kill(self) -> None:
        """It is late. The store stands before or after a batch, never between."""
        if self._process is not None and self._process.returncode is None:
            self._killed = True
            self._process.kill()

    async def _start(self) -> Process:
        self._kills_before = kills_for_memory()
        try:
            # A session of its own: the signals of a terminal are the parent's to answer.
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                *self._program,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=_LONGEST_LINE,
                start_new_session=True,
                env={**os.environ, **_ONE_THREAD},
            )
        except OSError as cause:
            raise NightFailed(cause=f"its worker cannot be started ({cause.strerror or cause})") from cause
        self._process = process
        _stdin(process).write(self._job.to_line(os.getpid()))
        if self._wish is not None:
            self._pass_on(process)
        return process

    def _pass_on(self, process: Process) -> None:
        if process.returncode is None and self._wish is not None:
            _stdin(process).write(json.dumps(self._wish).encode() + b"\n")
            hurry(process.pid)
        self._deadline = asyncio.get_running_loop().call_later(self._patience, self._kill)

    async def _hear(self, process: Process, heard: Callable[[Event], None]) -> list[Event]:
        """Every event but progress, once the worker has closed its end."""
        events: list[Event] = []
        async for line in cast("asyncio.StreamReader", process.stdout):
            if not line.endswith(b"\n"):
                break  # it was killed while it was writing
            event = json.loads(line)
            self._follow(event)
            heard(event)
            if event["event"] != "progress":
                events.append(event)
        return events

    def _follow(self, event: Event) -> None:
        match event["event"]:
            case "started":
                self._night = event["night"]
                if self._wish is not None and self._process is not None:
                    hurry(self._process.pid)  # it has made room for others since the wish was passed on
            case "pass":
                self._pass, self._portion, self._settled = event["pass"], event["portion"], False
            case "progress":
                self._portion, self._settled = event["portion"], True

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

    def _judge(self, events: list[Event]) -> dict[str, Any] | None:
        by_name = {event["event"]: event for event in events}
        if "report" in by_name:
            report: dict[str, Any] = dict(by_name["report"]["report"])
            if self._job.dry_run:
                planned = [event for event in events if event["event"] == "planned"]
                for name in ("changes", "held"):
                    report[name] = [each for event in planned for each in event.get(name, ())]
            return report
        if "busy" in by_name:
            raise NightBusy(holder=by_name["busy"]["holder"])
        if "error" in by_name:
            raise NightFailed(cause=by_name["error"]["message"].rstrip("."))
        return None

    def _describe_death(self, status: int) -> Death:
        cause, words = self._cause(status)
        late = None if self.yield_seconds is None else round(self.yield_seconds * 1000)
        return Death(cause, words, self._night, self._pass, self._settled, self._portion, late)

    def _cause(self, status: int) -> tuple[Cause, str]:
        """Why there is no report."""
        if self._killed and self._wish is not None:
            ((kind, reason),) = self._wish.items()
            return Cause(kind), f"{reason}; its worker did not give way in time and was killed"
        if status == -signal.SIGKILL and (kills_for_memory() or 0) > (self._kills_before or 0):
            return Cause.MEMORY, "the kernel killed its worker because memory ran short"
        return Cause.OTHER, f"its worker {_end(status, self._said)}"

    def _leave_word(self, death: Death, heard: Callable[[Event], None]) -> None:
        """For the next worker, which closes the books of this night. A rehearsal had none."""
        if self._job.dry_run:
            return
        path = Home(self._job.home).killed_night
        try:
            atomic.write(path, death.to_bytes())
        except OSError as cause:
            heard({"event": "warning", "message": f"{path} cannot be written ({cause.strerror})"})


def _end(status: int, said: str) -> str:
    """What an exit status means, with the last thing that was said to standard error."""
    last = (said.strip().splitlines() or [""])[-1].strip()
    if status >= 0:
        return f"ended with status {status}" + (f" ({last})" if last else "")
    name = signal.Signals(-status).name
    return f"crashed ({last or name})" if -status in _CRASHES else f"was killed by somebody ({name})"


def _stdin(process: Process) -> asyncio.StreamWriter:
    """It was started with a pipe, so there is one."""
    return cast("asyncio.StreamWriter", process.stdin)
