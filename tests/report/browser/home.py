"""A home after three days and nights that ended just now, in which what others wrote are scripts as often as not."""

from __future__ import annotations

import json
from contextlib import closing

from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import CallType, Draft, State
from iai_daemon.agenda.schedule.triggers import made_cron
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import Outcome
from iai_daemon.clock import read
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp
from tests.consolidation.evening import ALL, EVERY, night, remember
from tests.fakes import FakeClock
from tests.report.told import fire, twins

HOUR = 3600.0
SCRIPTS = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 2'>",
    "<svg onload=window.ran=3></svg>",
    "</code></script><script>window.ran = 4</script>",
    "javascript:window.ran=5",
)


def live_in(home: Home) -> Home:
    """Three nights, three days, and what was told in them."""
    now = read().wall
    with closing(open_stores(home)) as stores:
        for number, began in enumerate((now - 50 * HOUR, now - 26 * HOUR, now - 2 * HOUR)):
            for service in range(6):
                facts = {"subject": f"service {service}", "attribute": "port"}
                remember(
                    stores,
                    f"service {service} listens on {8000 + number}",
                    at=began - HOUR + service,
                    **facts,
                )
            remember(stores, f"the staging token is {number}", at=began - HOUR, expires_at=began - 60)
            for place, script in enumerate(SCRIPTS):
                facts = {"subject": f"page {place}", "attribute": "motto"}
                remember(stores, f"{number} {script}", at=began - HOUR + 60, **facts)
            twins(stores, 2 if number == 1 else 0)
            chosen = EVERY if number == 1 else ALL
            night(stores, chosen=chosen, memory=stores.memory, clock=FakeClock(wall=began))
    _remember_transitions(home, now)
    _remember_firings(home, now)
    return home


def _remember_firings(home: Home, now: float) -> None:
    """Of the last three noons: one was done, one failed and one was missed."""
    since = round((now - 3.5 * 24 * HOUR) * 1000)
    with closing(open_agenda(home)) as opened:
        each_noon = made_cron("0 12 * * *", "UTC", since)
        draft = Draft("1f0c", "claude", SCRIPTS[0], CallType.RECURRING, each_noon, "ann")
        recall = opened.store.add(draft, first(draft, since), since).id
        for outcome in (Outcome(State.DONE, 0, "fine"), Outcome(State.FAILED, 3, "no", SCRIPTS[1]), None):
            fire(opened.store, recall, outcome)


def _remember_transitions(home: Home, now: float) -> None:
    """Three days of getting up and going to bed."""
    states = [
        (54.0, None, "WAKE", "started"),
        (51, "WAKE", "IDLE", "idle"),
        (50.5, "IDLE", "BEDTIME", "inactive"),
    ]
    states += [
        (40, "BEDTIME", "WAKE", "active"),
        (27, "WAKE", "BEDTIME", "absent"),
        (16, "BEDTIME", "WAKE", "active"),
    ]
    states += [(3, "WAKE", "BEDTIME", "absent"), (0.5, "BEDTIME", "WAKE", "active")]
    transitions = [
        {
            "at": format_stamp(now - hours * HOUR),
            "from": before,
            "to": after,
            "rule": rule,
            "reason": f"{SCRIPTS[0]} for {hours} h",
            "figures": {},
        }
        for hours, before, after, rule in states
    ]
    attendance = [
        {
            "at": format_stamp(now - hours * HOUR),
            "clients": {f"claude {SCRIPTS[1]}": {"open": 1, "active": active}},
        }
        for hours, active in ((54.0, 1), (51, 0), (40, 1), (27, 0), (0.5, 1))
    ]
    for path, lines in ((home.history, transitions), (home.attendance, attendance)):
        path.write_text("".join(json.dumps(each) + "\n" for each in lines))
