"""`iai-daemon history`: a hypnogram of the last day or week, and what happened in it; works without a daemon and a store."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import click

from iai_daemon.cli import chronicle
from iai_daemon.cli.chronicle import Told
from iai_daemon.cli.colour import Tone, paint, wants_colour
from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.cli.hypnogram import BLOCKS, MARGIN, PLAIN, Row, Signs, draw
from iai_daemon.cli.layout import in_ascii, shows_unicode
from iai_daemon.clock import read
from iai_daemon.consolidation.report import of_row
from iai_daemon.errors import IaiError
from iai_daemon.lifecycle import history as told
from iai_daemon.lifecycle.hypnogram import Night, Stretch, Totals, nights_between, stretches, totals
from iai_daemon.lifecycle.states import State
from iai_daemon.memory.nights import NightRow, NightStore
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home, backups
from iai_daemon.storage.patience import patience
from iai_daemon.storage.where import address_of
from iai_daemon.units import format_stamp, parse_duration, to_local

_DAY = 86_400.0
_COLUMNS = 80
# Seconds for the nights: the transitions, which this is about, do not wait longer for a store.
_PATIENCE = 2.0
_FIRST_NIGHTS = 64
_TONES = {State.WAKE.value: Tone.WAKE, State.IDLE.value: Tone.IDLE, State.BEDTIME.value: Tone.BEDTIME}


@dataclass(frozen=True, slots=True)
class _Nights:
    """Those of the range with their reports; `missing`: why they cannot be told."""

    nights: Sequence[Night] = ()
    reports: Mapping[int, Told] = field(default_factory=dict)
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class _Past:
    """What is known of the range, and its transitions and marks in the order of the file."""

    since: float
    until: float
    stretches: Sequence[Stretch]
    totals: Totals
    nights: _Nights
    entries: Sequence[Told]


@click.command()
@click.option("--day", "since", flag_value="24h", help="The last 24 hours; so without an option.")
@click.option("--week", "since", flag_value="week", help="The last seven days.")
@click.option("--since", metavar="T", help="From a time on: 3d, 90m, 2026-11-20, '2026-11-20 18:00'.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N transitions.")
@click.option(
    "--drawing/--no-drawing",
    default=None,
    help="The hypnogram; without a word only on a terminal.",
)
@home_option
@json_option
def history(since: str | None, limit: int | None, drawing: bool | None, as_json: bool) -> None:
    """Draw the last day or week, WAKE, IDLE and BEDTIME with nights and naps, and say what happened when and why.

    Times are local. --json has them in UTC, and without a range every transition that is kept.

    \b
    Example: iai-daemon history --week
    Example: iai-daemon history --since '2026-11-20 18:00' --limit 20
    """
    now = read().wall
    here = home()
    entries = told.entries(here.history)
    past = _past(here, entries, _since("24h" if since is None else since, now), now)
    if as_json:
        listed = entries if since is None else past.entries
        emit(_plain(past, told.transitions(listed, limit)), as_json=True, human=str)
        return
    colour = wants_colour(os.environ, is_terminal=sys.stdout.isatty())
    unicode = shows_unicode(os.environ, sys.stdout.encoding or "utf-8")
    drawn = sys.stdout.isatty() if drawing is None else drawing
    rows = _drawing(past, BLOCKS if unicode else PLAIN) if drawn and entries else []
    lines = [_paint(row) if colour else row.line for row in rows]
    words = _words(past, limit) if entries else ["no transitions yet"]
    lines += [""] * bool(rows) + [each if unicode else in_ascii(each) for each in words]
    click.echo("\n".join(lines), color=colour)


def _since(wanted: str, now: float) -> float:
    """The moment that is meant by a duration, a date, a time or `week`. Raises click.BadParameter."""
    try:
        since = _moment(wanted, now)
    except (ValueError, OverflowError, OSError) as cause:
        example = "say how long ago, such as 3d, or a date or time, such as 2026-11-20 or '2026-11-20 18:00'"
        raise click.BadParameter(f"{wanted!r} is no time: {example}.", param_hint="--since") from cause
    if not 0 <= since < now:
        raise click.BadParameter(f"{wanted!r} is not in the past, or too long ago.", param_hint="--since")
    return since


def _moment(wanted: str, now: float) -> float:
    if wanted == "week":
        # Seven days by the clock on the wall, one of which may have an hour more or less.
        return (to_local(now, None).replace(tzinfo=None) - timedelta(days=7)).timestamp()
    if wanted[-1:] in "smhd":
        return now - parse_duration(wanted)
    return datetime.fromisoformat(wanted.upper()).timestamp()


def _past(here: Home, entries: Sequence[Told], since: float, now: float) -> _Past:
    known_until = told.known_until(here, now)
    found = stretches(entries, since, now, known_until=known_until)
    nights = _nights(here, since, now)
    inside = [each for each in entries if since <= chronicle.moment(each) < math.inf]
    return _Past(since, now, found, totals(found, nights.nights), nights, inside)


def _nights(here: Home, since: float, until: float) -> _Nights:
    try:
        with patience(_PATIENCE):
            if address_of(here) is None and not here.memory.exists() and not backups(here.backups):
                return _Nights(missing="there is no memory yet")
            with closing(open_stores(here, within=_PATIENCE, deadline=_PATIENCE)) as stores:
                rows = _newest(stores.nights, since)
    except IaiError as error:
        return _Nights(missing=str(error))
    nights = nights_between(rows, since, until)
    ids = {each.id for each in nights}
    return _Nights(nights, {row.id: of_row(row) for row in rows if row.id in ids})


def _newest(store: NightStore, since: float) -> Sequence[NightRow]:
    """All that may reach into the range, without reading years of them for a day."""
    limit = _FIRST_NIGHTS
    while True:
        rows = store.nights(limit)
        # The oldest that was read began before the range, and so did the one before it.
        if len(rows) < limit or max(row.started_at for row in rows[:2]) < since * 1000:
            return rows
        limit *= 4


def _plain(past: _Past, transitions: Sequence[Told]) -> dict[str, object]:
    return {
        "transitions": transitions,
        "range": {"since": format_stamp(past.since), "until": format_stamp(past.until)},
        "stretches": [each.plain() for each in past.stretches],
        "nights": [each.plain() for each in past.nights.nights],
        "nights_missing": past.nights.missing,
        "totals": past.totals.plain(),
    }


def _drawing(past: _Past, signs: Signs) -> list[Row]:
    columns = shutil.get_terminal_size((_COLUMNS, 24)).columns
    # The last column stays free: some terminals begin a new line after it.
    return draw(past.stretches, past.nights.nights, zone=None, width=columns - MARGIN - 1, signs=signs)


def _paint(row: Row) -> str:
    return paint(row.line, _TONES.get(row.label, Tone.PLAIN if row.label else Tone.QUIET))


def _words(past: _Past, limit: int | None) -> list[str]:
    """The totals in one line, then what happened, oldest first."""
    nights = past.nights
    shown, there_are = told.transitions(past.entries, limit), len(told.transitions(past.entries))
    entries: Sequence[Told] = past.entries
    if len(shown) < there_are:
        entries = entries[entries.index(shown[0]) :]
    begin = past.since if entries is past.entries else chronicle.moment(shown[0])
    listed = [each for each in nights.nights if each.since >= begin]
    missing = [f"nights are not known: {nights.missing}"] if nights.missing else []
    return [
        chronicle.say_range(past.since, past.until),
        chronicle.say_totals(past.totals, with_nights=not nights.missing),
        *missing,
        chronicle.say_shown(len(shown), there_are),
        *chronicle.tell(entries, listed, nights.reports),
    ]
