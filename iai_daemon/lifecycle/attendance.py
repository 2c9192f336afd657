"""Who was here when, on this host: `attendance.jsonl` as the daemon's roll call writes it, read for the report. Pure but for `read`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon import lines
from iai_daemon.lifecycle.history import STOPPED
from iai_daemon.lifecycle.roll_call import name_of
from iai_daemon.lifecycle.spans import Entry, spans, stamp
from iai_daemon.units import NEVER


@dataclass(frozen=True, slots=True)
class Attended:
    """A client was open from `since` until just before `until` (seconds since the epoch), and somebody worked with it or not."""

    since: float
    until: float
    active: bool


def read(path: Path, since: float, until: float, *, known_until: float = NEVER) -> dict[str, list[Attended]]:
    """By client, when it was open and active within the range; nothing without a file. Raises OSError.

    `known_until` (`history.known_until`): until when the last line is known to hold. Agents that the daemon woke are not in it,
    nor is who was on another host.
    """
    return attended(lines.read(path), since, until, known_until=known_until)


def attended(
    told: Iterable[Mapping[str, object]], since: float, until: float, *, known_until: float = NEVER
) -> dict[str, list[Attended]]:
    """The same from the lines of the file, in its order; what cannot be used is left out. The clients by name."""
    found: dict[str, list[Attended]] = {}
    for span in spans(_entries(told, until, known_until), since, until, {}):
        for name, active in span.value.items():
            stretches = found.setdefault(name, [])
            if stretches and (stretches[-1].until, stretches[-1].active) == (span.since, active):
                stretches[-1] = Attended(stretches[-1].since, span.until, active)
            else:
                stretches.append(Attended(span.since, span.until, active))
    return dict(sorted(found.items()))


def _entries(
    told: Iterable[Mapping[str, object]], until: float, known_until: float
) -> Iterator[Entry[Mapping[str, bool]]]:
    stopped = False
    for line in told:
        at = stamp(line.get("at"))
        if at is not None:
            yield Entry(
                at, _here(line.get("clients")), {}, None if stopped else stamp(line.get("known_until"))
            )
            stopped = line.get("mark") == STOPPED
    yield Entry(until, {}, {}, known_until)


def _here(clients: object) -> dict[str, bool]:
    """The open clients, and whether anybody is active in them."""
    if not isinstance(clients, dict):
        return {}
    return {
        name_of(name): _number(each.get("active")) > 0
        for name, each in clients.items()
        if isinstance(each, dict) and _number(each.get("open")) > 0
    }


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
