"""Taking a night back from the page: what it would take back, and doing it, as `iai-daemon nights undo` does."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from iai_daemon.consolidation.journal import name_records, say_undone, stamp, undo_night
from iai_daemon.control import client
from iai_daemon.errors import ChangedSince, NightRefused
from iai_daemon.memory.nights import NightRow
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.report.days import local_zone
from iai_daemon.report.words import count
from iai_daemon.units import to_local

# What the page calls a change, where the journal has another word for it.
_WORDS = {
    "superseded": "replaced",
    "merged": "joined with others",
    "gist": "gists written",
    "gist ended": "gists ended",
    "profiled": "facts about models",
    "learnt": "learnt from outcomes",
}


def describe(home: Home, night: int) -> dict[str, Any]:
    """What undoing this night would take back, in words. Raises NoSuchNight, NightRefused when there is nothing to undo, StoreUnusable."""
    with closing(open_stores(home)) as stores:
        row = stores.nights.night(night)
        if row.undone_at is not None:
            raise NightRefused(problem=f"Night {night} was undone already, at {stamp(row.undone_at)}.")
        effects: dict[str, int] = {}
        for (_, effect), number in stores.nights.effects(night).items():
            effects[effect] = effects.get(effect, 0) + number
        links = sum(stores.nights.linked(night).values())
        waiting = sum(stores.nights.count_held(night).values())
    return {
        "night": night,
        "kind": row.kind,
        "started_at": stamp(row.started_at),
        "changes": sum(effects.values()),
        "said": f"{_began(row)} {_did(effects, links)} {_undoing(waiting)}",
    }


def _began(row: NightRow) -> str:
    """`This nap began on Saturday 21 November at 03:12.`"""
    began = to_local(row.started_at / 1000, local_zone())
    return f"This {row.kind} began on {began.strftime('%A %-d %B')} at {began.strftime('%H:%M')}."


def _did(effects: Mapping[str, int], links: int) -> str:
    """`It made 3 changes: 1 expired, 2 replaced.`"""
    changes = sum(effects.values())
    counted = ", ".join(
        f"{number} {_WORDS.get(effect, effect)}" for effect, number in sorted(effects.items())
    )
    said = f"It made {count(changes, 'change')}: {counted}." if changes else "It changed no memory."
    return f"{said} It found {count(links, 'link')} between memories, which go again." if links else said


def _undoing(waiting: int) -> str:
    said = "Undoing it makes every memory what it was before; nights leave those memories alone from then on."
    return f"{said} What it proposed ({waiting}) waits no longer." if waiting else said


def undo(home: Home, night: int, now: int, *, force: bool) -> dict[str, Any]:
    """Do it; `now` in milliseconds since the epoch. Raises NoSuchNight, NightRefused, NightBusy, ChangedSince, StoreUnusable, StoreBusy."""
    with closing(open_stores(home)) as stores:
        stores.nights.night(night)
        refused = sum(stores.nights.count_held(night).values())
        undone = undo_night(stores.nights, home, night, now, force=force)
    return {"night": night, "restored": undone.restored, "said": say_undone(night, undone, refused)}


def lost_by_force(refusal: ChangedSince, night: int) -> str:
    """What going on all the same would cost."""
    records = refusal.data["records"]
    named = name_records(records) if isinstance(records, list | tuple) else "some memories"
    return (
        f"Nothing was undone yet: {named} changed after night {night}. "
        "Undoing it all the same also takes back what changed there since; those later changes are lost."
    )


def tell_daemon(home: Home) -> None:
    """A running daemon looks at the memory at once; without one nothing is lost."""
    client.tell(home)
