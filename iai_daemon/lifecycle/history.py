"""`history.jsonl`: every transition with its rule and figures, appended by the daemon, read by `history` and the report.

Between them stand marks: that the daemon was stopped, that the machine slept, that the clock was set. Who reads transitions alone
does not see them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from iai_daemon import lines
from iai_daemon.clock import Now
from iai_daemon.flock import is_held
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp

# About 20,000 transitions: half a year of restless days. One older file is kept.
MAX_BYTES = 4_000_000

# Shorter sleeps, and smaller steps of the clock, are nothing that a day's picture shows.
_NOTICEABLE = 60.0

STOPPED, SLEPT, STEPPED = "stopped", "slept", "stepped"
_WHY = {
    STOPPED: "the daemon was stopped",
    SLEPT: "the machine slept",
    STEPPED: "the clock was set",
}

_Entry = TypeVar("_Entry", bound=Mapping[str, object])


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of the history; `at` in seconds since the epoch, `before` None at a start.

    `known_until`, at a start: the last sign of life of the daemon before it.
    """

    at: float
    before: str | None
    after: str
    rule: str
    reason: str
    figures: Mapping[str, float]
    known_until: float | None = None

    def plain(self) -> dict[str, object]:
        """As it stands in the file and in `history --json`."""
        told: dict[str, object] = {
            "at": format_stamp(self.at),
            "from": self.before,
            "to": self.after,
            "rule": self.rule,
            "reason": self.reason,
            "figures": dict(self.figures),
        }
        if self.known_until is not None:
            told["known_until"] = format_stamp(self.known_until)
        return told


def mark(what: str, at: float, known_until: float, held: Standing) -> dict[str, object]:
    """The line for STOPPED, SLEPT or STEPPED: what `held` is known to have done so until `known_until`, and but for a stop it does
    again from `at` on (seconds since the epoch)."""
    return {
        "at": format_stamp(at),
        "mark": what,
        "why": _WHY[what],
        "known_until": format_stamp(known_until),
        "state": held.state.value,
        "rule": held.rule,
        "reason": held.reason,
    }


def append(path: Path, entry: Mapping[str, object]) -> None:
    """Add one line, in one write, so that a reader never sees half of it. Raises OSError, and then nothing was added."""
    lines.append(path, entry, MAX_BYTES)


def entries(path: Path) -> list[dict[str, object]]:
    """The transitions and the marks between them, oldest first. A line that is not whole is left out. Raises OSError."""
    return [each for each in lines.read(path) if "to" in each or "mark" in each]


def read(path: Path, limit: int | None = None) -> list[dict[str, object]]:
    """The transitions, oldest first, at most the newest `limit`. A line that is not whole is left out. Raises OSError."""
    return transitions(entries(path), limit)


def transitions(told: Iterable[_Entry], limit: int | None = None) -> list[_Entry]:
    """Those of the entries that are transitions, at most the newest `limit`."""
    found = [each for each in told if "to" in each]
    return found[-limit:] if limit else found


def gap(before: Now, now: Now) -> tuple[str, float] | None:
    """What kept a look from following the one before it, SLEPT or STEPPED, and until when by its wall clock things were as seen then.

    None: nothing that anybody would notice.
    """
    awake, boot = now.awake - before.awake, now.boot - before.boot
    slept, stepped = boot - awake, now.wall - before.wall - boot
    if max(slept, abs(stepped)) < _NOTICEABLE:
        return None
    return SLEPT if slept >= _NOTICEABLE else STEPPED, before.wall + awake


def known_until(home: Home, now: float) -> float:
    """Until when the last entry is known to hold: `now` while a daemon runs, else the last sign of life of one."""
    sign = None if is_held(home.daemon_lock) else last_sign(home)
    return now if sign is None else min(now, sign)


def last_sign(home: Home) -> float | None:
    """When the daemon of this home last said that it lives, at most a minute before it ended; None: never."""
    try:
        return home.attendance.lstat().st_mtime
    except OSError:
        return None


def give_sign(home: Home, wall: float) -> None:
    """Say that the daemon lives, in the modification time of a file that nobody else writes. Raises OSError."""
    os.utime(home.attendance, (wall, wall), follow_symlinks=False)
