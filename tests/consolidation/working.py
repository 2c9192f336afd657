"""Nights in real workers, with the real passes or with one of own_worker.py, from the side of their parent."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from iai_daemon.consolidation.night import WORKER, Event, Job, Night
from iai_daemon.paths import Home

BACK = "somebody is back"


@dataclass(frozen=True)
class Worked:
    """One night of one worker, as its parent has it."""

    report: dict[str, Any] | None
    night: Night
    events: Sequence[Event]

    @property
    def said(self) -> str:
        """How the worker ended without a report."""
        assert self.report is None
        assert self.night.death is not None
        return self.night.death.say()


def work(
    home: Home,
    program: Sequence[str] = WORKER,
    heard: Callable[[Night, Event], None] = lambda _night, _event: None,
    *,
    yield_within: float = 30.0,
    after: float | None = None,
    **job: Any,
) -> Worked:
    """Start it and hear it to its end. `after` so many seconds, whatever it does then, somebody comes back."""
    night = Night(Job(home.root, "night", "absent", **job), yield_within, program)
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)
        heard(night, event)

    async def run() -> dict[str, Any] | None:
        if after is not None:
            asyncio.get_running_loop().call_later(after, night.request_yield, BACK)
        return await night.run(hear)

    return Worked(asyncio.run(run()), night, events)


def whole_or_untouched(home: Home) -> None:
    """Every journal row is the record's state, every changed record has its journal row, and the file is sound."""
    with closing(sqlite3.connect(home.memory)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.row_factory = sqlite3.Row
        rows = {row["id"]: dict(row) for row in connection.execute("SELECT * FROM records")}
        after = {
            row["record"]: json.loads(row["after"])
            for row in connection.execute("SELECT record, after FROM journal ORDER BY id")
        }
    touched = {number for number, row in rows.items() if row["revision"] > 1 or row["made_by"] is not None}
    assert touched == after.keys()
    assert all(rows[number] == image for number, image in after.items())
