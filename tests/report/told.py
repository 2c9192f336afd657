"""A home of which there is something to tell: real nights over a real memory, an agenda with a past, and the daemon's files.

`NOW` is noon, UTC, on Saturday the 21st of November 2026.
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from iai_daemon.agenda.planning import first, following
from iai_daemon.agenda.recall import CallType, Draft, NewRun, State
from iai_daemon.agenda.schedule.triggers import made_cron
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Outcome, Settle
from iai_daemon.config import load
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.report.gather import look
from iai_daemon.units import format_stamp
from tests.consolidation.evening import EVERY, a_day, night, remember
from tests.fakes import NOON, FakeClock

NOW = round(NOON * 1000)
DAY = 86_400.0
BERLIN = ZoneInfo("Europe/Berlin")
EVIL = "<script>document.title='owned'</script><img src=x onerror=alert(1)> \u202egnp.exe\u202c \x1b[2J \x07"


def told(home: Home, now: int = NOW, **how: Any) -> dict[str, Any]:
    """The report of this home, at noon; one object that JSON can hold."""
    report = look(home, load(home), now, **{"zone": UTC, **how})
    again: dict[str, Any] = json.loads(json.dumps(report))
    assert again == report
    return report


def some_nights(home: Home) -> None:
    """One that replaced and expired, one that joined duplicates and was taken back, and a nap that found nothing."""
    with closing(open_stores(home)) as stores:
        a_day(stores, 12)
        night(stores, memory=stores.memory)
        twins(stores, 3)
        second = night(stores, chosen=EVERY, memory=stores.memory, clock=FakeClock(NOON + 60))
        assert second.counters.duplicates_merged == 3
        assert second.id is not None
        stores.nights.undo(second.id, NOW + 120_000, force=True)


def twins(stores: Stores, number: int) -> None:
    """Notes that say the same in almost the same words."""
    for each in range(number):
        said = (
            f"The nightly backup of service {each} runs at half past two on the small machine in the cellar"
        )
        remember(stores, f"{said}.")
        remember(stores, f"{said}!")


def evil_nights(home: Home) -> None:
    """What others wrote as no page would like it, changed by a night."""
    with closing(open_stores(home)) as stores:
        for content in (EVIL, "x" * 10_000, "</style></textarea><!--", "&lt;b&gt; \ufdd0"):
            remember(stores, content, expires_at=NOON - 60)
        night(stores)


def days(home: Home) -> None:
    """The daemon's own files: two days with a gap, and two clients, one of which is called badly."""
    lines = [
        transition(-2 * DAY, None, "WAKE", "started", "the daemon started"),
        transition(-2 * DAY + 3600, "WAKE", "IDLE", "idle", "nobody has been active for 5 min"),
        transition(-DAY, "IDLE", "BEDTIME", "inactive", EVIL),
        transition(-3600, "BEDTIME", "WAKE", "active", "claude-code: activity 0 s ago"),
    ]
    home.history.write_text("".join(map(as_line, lines)) + "torn {\n")
    here = [
        attended(-2 * DAY, **{"claude-code": (1, 1), "<b>Cursor</b>": (1, 0)}),
        attended(-2 * DAY + 7200, **{"claude-code": (1, 0)}),
        attended(-2 * DAY + 10_800),
        attended(-3600, **{"claude-code": (1, 1)}),
    ]
    home.attendance.write_text("".join(map(as_line, here)))


def transition(after: float, before: str | None, state: str, rule: str, reason: str) -> dict[str, object]:
    """One so many seconds after noon."""
    at = format_stamp(NOON + after)
    return {"at": at, "from": before, "to": state, "rule": rule, "reason": reason, "figures": {}}


def attended(after: float, **clients: tuple[int, int]) -> dict[str, object]:
    found = {name: {"open": number, "active": active} for name, (number, active) in clients.items()}
    return {"at": format_stamp(NOON + after), "clients": found}


def as_line(entry: dict[str, object]) -> str:
    return json.dumps(entry) + "\n"


def a_week(home: Home, message: str = "Is the build green?") -> None:
    """A recall of each noon: one firing was done, one failed, one was missed, and the next is planned."""
    with closing(open_agenda(home)) as opened:
        store = opened.store
        since = NOW - round(3.5 * DAY) * 1000
        draft = Draft(
            "1f0c", "claude", message, CallType.RECURRING, made_cron("0 12 * * *", "UTC", since), "ann"
        )
        recall = store.add(draft, first(draft, since), since).id
        for outcome in (
            Outcome(State.DONE, 0, "fine"),
            Outcome(State.FAILED, 3, "no", "exit status 3: <b>"),
            None,
        ):
            fire(store, recall, outcome)


def fire(store: AgendaStore, recall: int, outcome: Outcome | None) -> None:
    """What is planned of it comes to this end; None: it was missed."""
    (planned,) = (each for each in store.history(recall, 100) if each.state is State.PLANNED)
    at = planned.scheduled_for + 1000
    after = following(store.recall(recall), planned.scheduled_for)
    if outcome is None:
        store.settle([Settle(planned.id, State.MISSED, "no daemon was running", following=after)], at)
        return
    assert store.claim(planned.id, "me", at + 60_000, after, at)
    run = store.begin(planned.id, "me", NewRun("claude", "1f0c"), at)
    assert run is not None
    store.end(run, outcome, at + 90_000)


def everything(home: Home) -> None:
    """All of it."""
    some_nights(home)
    days(home)
    a_week(home)
