"""What a day leaves behind, and the nights after it, in this process and in real workers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.job import Job
from iai_daemon.consolidation.night import Event, Night
from iai_daemon.consolidation.plan import Pass
from iai_daemon.consolidation.report import Counters, Report
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.nights import Outlook
from iai_daemon.memory.record import Draft, Record, describe
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.fakes import NOON, FakeClock

NOW = round(NOON * 1000)
# No pass of these tests reads files of a home.
NOWHERE = Home(Path("/nonexistent"))
EVERY = passes.chosen(Settings(), NOWHERE, alone=True)
# Those that change what is there or note something beside it. What adds links and records of its own has tests of its own.
ALL = tuple(each for each in EVERY if each.name not in ("associate", "summarize"))


def remember(stores: Stores, content: str, at: float = NOON - 600, **fields: Any) -> Record:
    """One memory, ten minutes old unless said otherwise."""
    return stores.memory.add(Draft(content, created_at=at, **fields), round(at * 1000))


def a_day(stores: Stores, memories: int = 12) -> None:
    """Facts that replace one another, facts whose time is over, and plain notes, in equal parts."""
    drafts = []
    for number in range(memories):
        at = NOON - 3600 + number
        drafts.append(
            (
                Draft(
                    f"the port is {number}", subject=f"service {number % 7}", attribute="port", created_at=at
                ),
                Draft(f"the staging token is {number}", expires_at=NOON - 60, created_at=at),
                Draft(f"note {number}: ask Ingrid before touching the deploy target", created_at=at),
            )[number % 3]
        )
    stores.memory.import_many(drafts, NOW)


def export(stores: Stores) -> str:
    """The whole memory as `memory export` writes it."""
    merged = stores.memory.merged_ids()
    return "\n".join(json.dumps(describe(each, merged.get(each.id, ()))) for each in stores.memory.export())


def night(
    stores: Stores,
    *,
    chosen: Sequence[Pass] = ALL,
    asked: bool = False,
    max_rounds: int = 1,
    review: bool = False,
    clock: FakeClock | None = None,
    **around: Any,
) -> Report:
    """A night in this process, at noon."""
    rule = "asked" if asked else "absent"
    order = Order("night", rule, asked, max_rounds, passes.model(Settings()), review=review)
    surroundings = Surroundings(clock=(clock or FakeClock()).now, **around)
    return run_night(stores.nights, chosen, order, surroundings)


def a_night(
    stores: Stores, at: int, *, kind: str = "night", rule: str = "absent", outcome: str = "completed"
) -> int:
    """A night in the books alone, of one second, begun at `at` (milliseconds): by whomever, another daemon perhaps."""
    number = stores.nights.begin_night(kind, rule, at)
    nothing = Outlook(work=False, total=0, embedded=0)
    report = Report(number, kind, rule, at, at + 1000, outcome, None, (), Counters(), nothing)
    stores.nights.end_night(number, outcome, None, report.as_json(), at + 1000)
    return number


def work_in_a_process(home: Home, heard: Any = lambda _: None, **job: Any) -> dict[str, Any] | None:
    """A night in a real worker."""

    async def run() -> dict[str, Any] | None:
        return await Night(Job(home.root, "night", "absent", **job), yield_within=30.0).run(heard)

    return asyncio.run(run())


@contextlib.contextmanager
def worker(home: Home, **job: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker without the parent's side of it: to speak with by hand, and to kill."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "iai_daemon.consolidation.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdin is not None
            process.stdin.write(Job(home.root, "night", "absent", **job).to_line(os.getpid()))
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def listen(process: subprocess.Popen[bytes]) -> Iterator[Event]:
    """Its events, as they come."""
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)
