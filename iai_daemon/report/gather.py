"""What the report tells, as one plain object: `report --json` prints it, the page is made of it.

Each part has `problem`: why it cannot be told, in words; the others are there all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

import iai_daemon
from iai_daemon.config import Settings
from iai_daemon.consolidation import note
from iai_daemon.errors import IaiError
from iai_daemon.memory.growth import QUARTER_HOUR
from iai_daemon.memory.nights import NightRow
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.report import gather_agenda, gather_days, gather_nights
from iai_daemon.report.days import Day, local_zone, the_days
from iai_daemon.units import format_stamp, stamp_of

# So many of the newest nights are looked at: of a week there are hardly more, also where a nap comes every hour.
_NIGHTS = 400
Told = dict[str, Any]


def look(home: Home, settings: Settings, now: int, *, days: int = 30, zone: tzinfo | None = None) -> Told:
    """Open what is needed, gather, close it again; `now` in milliseconds since the epoch. For one thread at a time."""
    try:
        stores = open_stores(home, settings=settings.memory)
    except IaiError as cause:
        return gather(home, None, settings, now, days=days, zone=zone, problem=str(cause))
    with closing(stores):
        return gather(home, stores, settings, now, days=days, zone=zone)


def gather(
    home: Home,
    stores: Stores | None,
    settings: Settings,
    now: int,
    *,
    days: int = 30,
    zone: tzinfo | None = None,
    problem: str = "the memory is not open",
) -> Told:
    """All that the report tells about the last `days` days, in the times of `zone` (None: this machine's).

    `stores` None: they are away, and `problem` says why.
    """
    zone = zone or local_zone()
    back = the_days(now, days, zone)
    rows: list[NightRow] = []
    if stores is not None:
        try:
            rows = list(stores.nights.nights(_NIGHTS))
        except IaiError as cause:
            stores, problem = None, str(cause)
    return {
        "made_at": stamp_of(now),
        "version": iai_daemon.__version__,
        "home": str(home.root),
        "zone": str(zone),
        "days": days,
        "since": format_stamp(back[0].since),
        "headline": _part(stores, problem, lambda opened: _headline(opened, rows, zone), _NO_HEADLINE),
        "hypnogram": gather_days.hypnogram(home, rows, now / 1000, zone),
        "nights": _part(
            stores, problem, lambda opened: gather_nights.nights(opened, rows), gather_nights.NOTHING
        ),
        "memory": _part(stores, problem, lambda opened: _growth(opened, back, now), {"growth": []}),
        "self_check": {"problem": problem if stores is None else None, "nights": gather_nights.checks(rows)},
        "agenda": _part(
            stores,
            problem,
            lambda _: gather_agenda.agenda(home, settings, now, back[0].since),
            gather_agenda.NOTHING,
        ),
        "presence": gather_days.presence(home, back, now / 1000),
    }


def _part(stores: Stores | None, problem: str, tell: Callable[[Stores], Told], nothing: Told) -> Told:
    """What `tell` says; `nothing` and the reason where the store cannot be asked, or not any more."""
    if stores is not None:
        try:
            return {"problem": None, **tell(stores)}
        except IaiError as cause:
            problem = str(cause)
    return {"problem": problem, **nothing}


_NO_HEADLINE: Told = {"summary": None, "night": None, "note": [], "waiting": 0, "wrong": []}


def _headline(stores: Stores, rows: list[NightRow], zone: tzinfo) -> Told:
    """The morning note, what waits for a person, and which passes cannot run."""
    morning = note.look(stores.nights)
    waiting = {why.value: number for why, number in stores.nights.waiting().items()}
    wrong = [
        f"the pass {name} does not run: {each.reason}"
        if each.not_before
        else f"the pass {name} is late: {each.reason}"
        for name, each in stores.nights.hindrances().items()
        if each.reason
    ]
    proposing = [each.id for each in rows[-gather_nights.LISTED :] if (each.report or {}).get("proposed")]
    return {
        "summary": None if morning is None else note.summary(morning),
        "night": None if morning is None else morning.night["id"],
        "note": [] if morning is None else note.morning_note(morning, zone).splitlines(),
        "waiting": waiting.get("review", 0),
        "proposed_by": proposing if waiting.get("review") else [],
        "wrong": wrong,
    }


def _growth(stores: Stores, back: list[Day], now: int) -> Told:
    """How many memories there were at the end of each day, and are now."""
    ends = [round(each.until) * 1000 for each in back]
    moments = [each for each in ends if each <= now and each % QUARTER_HOUR == 0]
    standings = stores.growth.standings(moments, now)
    return {"growth": [{**asdict(each), "at": stamp_of(each.at)} for each in standings]}
