"""How the days went, from what the daemon has noted: which state held when and why, and the nights in it. Pure.

`iai-daemon history` and the report draw the same from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from iai_daemon.lifecycle.history import STOPPED
from iai_daemon.lifecycle.spans import Entry, spans, stamp
from iai_daemon.lifecycle.states import State
from iai_daemon.units import NEVER, format_stamp

NOT_KNOWN = "nothing is known of this time"
NOT_RUNNING = "no daemon was running, or it was killed"

_STATES = frozenset(state.value for state in State)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One state from `since` until just before `until` (seconds since the epoch), by which rule and why.

    Without a state the daemon was not running, the machine slept, or nothing is known; `reason` says which.
    """

    since: float
    until: float
    state: str | None
    rule: str | None
    reason: str

    @property
    def seconds(self) -> float:
        return self.until - self.since

    def plain(self) -> dict[str, object]:
        """As `history --json` shows it."""
        return {
            "since": format_stamp(self.since),
            "until": format_stamp(self.until),
            "state": self.state,
            "rule": self.rule,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Night:
    """A night or a nap (`kind`), in seconds since the epoch; without an `outcome` it is running, or its process was killed."""

    id: int
    kind: str
    since: float
    until: float
    outcome: str | None
    undone: bool = False

    def plain(self) -> dict[str, object]:
        """As `history --json` shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "since": format_stamp(self.since),
            "until": format_stamp(self.until),
            "outcome": self.outcome,
            "undone": self.undone,
        }


class NightRow(Protocol):
    """What is asked of a night as a store keeps it; stamps in milliseconds since the epoch."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def started_at(self) -> int: ...
    @property
    def ended_at(self) -> int | None: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def undone_at(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Totals:
    """Seconds in each state, and without a known one; how many nights and naps."""

    seconds: Mapping[str, float]
    unknown: float
    nights: int
    naps: int

    def plain(self) -> dict[str, object]:
        """As `history --json` shows it."""
        seconds = {state: round(each, 3) for state, each in self.seconds.items()}
        return {
            "seconds": seconds,
            "unknown": round(self.unknown, 3),
            "nights": self.nights,
            "naps": self.naps,
        }


# What holds from an entry on: state, rule and reason.
_Value = tuple[str | None, str | None, str]


def stretches(
    entries: Iterable[Mapping[str, object]], since: float, until: float, *, known_until: float = NEVER
) -> list[Stretch]:
    """Every second from `since` until just before `until` in exactly one stretch, oldest first.

    `entries` are those of `history.entries`, in the order of the file; what cannot be used is left out. `known_until`
    (`history.known_until`): until when the last of them is known to hold. Seconds since the epoch throughout.
    """
    told = spans(_entries(entries, until, known_until), since, until, _away(NOT_KNOWN))
    return [Stretch(each.since, each.until, *each.value) for each in told]


def _entries(
    lines: Iterable[Mapping[str, object]], until: float, known_until: float
) -> Iterator[Entry[_Value]]:
    before: float | None = None
    stopped = False
    for line in lines:
        at = stamp(line.get("at"))
        if at is None:
            continue
        ended = stamp(line.get("known_until"))
        if line.get("rule") == "started" and ended is None:
            # It tells only that the daemon came back: since when it was away is not known.
            ended = before
        gap = _away(str(line.get("why") or NOT_RUNNING))
        # After a clean stop it is known that none was running.
        yield Entry(at, _value(line), gap, None if stopped else ended)
        before, stopped = at, line.get("mark") == STOPPED
    yield Entry(until, _away(NOT_RUNNING), _away(NOT_RUNNING), None if stopped else known_until)


def _away(reason: str) -> _Value:
    return None, None, reason


def _value(line: Mapping[str, object]) -> _Value:
    if line.get("mark") == STOPPED:
        return _away(str(line.get("why") or NOT_RUNNING))
    state, rule = str(line.get("to") or line.get("state")), line.get("rule")
    if state not in _STATES:
        return _away(f"{state} is no state that this version knows")
    return state, None if rule is None else str(rule), str(line.get("reason") or "")


def nights_between(rows: Iterable[NightRow], since: float, until: float) -> list[Night]:
    """Those that were running at some time of the range, in the order in which they began; one without an end runs until then."""
    found = [_night(row, until) for row in rows]
    inside = (each for each in found if each.since < until and each.until >= since)
    return sorted(inside, key=lambda each: (each.since, each.id))


def _night(row: NightRow, until: float) -> Night:
    since = row.started_at / 1000
    # A clock that was set back meanwhile makes no night end before it began.
    ended = max(since, until if row.ended_at is None else row.ended_at / 1000)
    return Night(row.id, row.kind, since, ended, row.outcome, row.undone_at is not None)


def totals(stretches: Sequence[Stretch], nights: Sequence[Night]) -> Totals:
    """How long each state held, and how many nights and naps there were."""
    seconds = dict.fromkeys((state.value for state in State), 0.0)
    unknown = 0.0
    for each in stretches:
        if each.state is None:
            unknown += each.seconds
        else:
            seconds[each.state] += each.seconds
    naps = sum(each.kind == "nap" for each in nights)
    return Totals(seconds, unknown, len(nights) - naps, naps)
