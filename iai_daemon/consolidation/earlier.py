"""The nights before this one, as far as they have left it something: those that were cut short, and those whose process was killed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from iai_daemon.consolidation.death import Death
from iai_daemon.consolidation.report import CUT_SHORT, Resumed, interrupted
from iai_daemon.memory.nights import NightRow, NightStore, Outlook

_LONGEST_CHAIN = 100


def cut_short_before(store: NightStore) -> list[NightRow]:
    """The nights cut short, newest first, that the next one goes on with: they and it are one night to the loss budget."""
    newest_first = reversed(store.nights(_LONGEST_CHAIN))
    return list(takewhile(lambda row: row.outcome in CUT_SHORT and row.undone_at is None, newest_first))


def resumed(earlier: Sequence[NightRow]) -> Resumed | None:
    """With which of these the next one goes on."""
    if not earlier:
        return None
    stopped = (earlier[0].report or {}).get("stopped")
    return Resumed(earlier[0].id, stopped["pass"] if isinstance(stopped, Mapping) else None)


def close_killed(store: NightStore, seen: Outlook, death: Death | None, now: int) -> None:
    """Whoever holds the lock knows that a night without an end has no process any more. `death`: how the last worker ended."""
    if death is not None and death.pass_name is not None:
        known = store.hindrances().get(death.pass_name)
        hindrance = death.hinders(known, now)
        if hindrance != known:
            store.hinder(death.pass_name, hindrance)
    for row in store.unfinished_nights():
        report = interrupted(store, row, seen, death)
        store.end_night(row.id, report.outcome, report.reason, report.as_json(), report.ended_at)
