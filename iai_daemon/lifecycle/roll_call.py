"""The daemon's side of `attendance.jsonl`: a line whenever other clients are open or active than the line before says."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from iai_daemon.clock import Now
from iai_daemon.foreign import printable
from iai_daemon.lifecycle.history import STOPPED
from iai_daemon.presence.classify import Presence, Wrapper
from iai_daemon.units import NEVER, format_stamp

# About 30,000 changes. One older file is kept.
MAX_BYTES = 4_000_000
STARTED = "started"
# What a client is called that has not said its name.
UNNAMED = "unnamed"
MOST_CLIENTS = 32
LONGEST_NAME = 64
# Seconds between two lines, however often clients come and go.
_BETWEEN = 1.0

_Clients = Mapping[str, Mapping[str, int]]


class RollCall:
    """Who was here when it was last written down. `last_sign`: of the daemon before this one (seconds since the epoch)."""

    def __init__(self, last_sign: float | None) -> None:
        self._last_sign = last_sign
        self._told: _Clients | None = None
        self._told_at = -NEVER
        self._begun = False
        # When a change that came too early for a line may have one (awake clock).
        self.next_at = NEVER

    def take(
        self, presence: Presence, now: Now, idle_after: float, away: tuple[str, float] | None
    ) -> dict[str, object] | None:
        """The line to write now; None: nothing has changed, or the last line is not a second old.

        `away`: what kept us from looking since the last time, and until when who was here then is known to have stayed.
        """
        here = clients(presence, now.awake, idle_after)
        if not self._begun:
            return self._tell(here, now, STARTED, self._last_sign)
        if away:
            return self._tell(here, now, *away)
        self.next_at = NEVER if here == self._told else self._told_at + _BETWEEN
        return self._tell(here, now) if self.next_at <= now.awake else None

    def forget(self) -> None:
        """What was told is not written anywhere any more."""
        self._told, self._told_at = None, -NEVER

    def stop(self, now: Now) -> dict[str, object]:
        """The last line: from now on nobody looks."""
        return self._tell({}, now, STOPPED)

    def _tell(
        self, here: _Clients, now: Now, mark: str | None = None, known_until: float | None = None
    ) -> dict[str, object]:
        self._told, self._told_at, self.next_at = here, now.awake, NEVER
        self._begun = True
        line: dict[str, object] = {"at": format_stamp(now.wall)}
        if mark is not None:
            line["mark"] = mark
        if known_until is not None:
            line["known_until"] = format_stamp(known_until)
        return {**line, "clients": here}


def clients(presence: Presence, now: float, idle_after: float) -> dict[str, dict[str, int]]:
    """By the name that a client gives itself, how many of it are open here and how many of those are active, at `now` (awake clock).

    Several wrappers of one process are one client. Agents that we woke are nobody's attendance, nor are wrappers that have not
    settled and do nothing. The active ones come first; more than MOST_CLIENTS names are left out.
    """
    found: dict[str, dict[int | str, bool]] = {}
    for wrapper in presence.present:
        if wrapper.headless or wrapper.beat is None:
            continue
        active = wrapper.is_active(now, idle_after)
        if active or wrapper.has_settled(now):
            processes = found.setdefault(name_of(wrapper.beat.client_name), {})
            which = _process(wrapper)
            processes[which] = processes.get(which, False) or active
    counted = {name: {"open": len(each), "active": sum(each.values())} for name, each in found.items()}
    in_order = sorted(counted.items(), key=lambda each: (not each[1]["active"], each[0]))
    return dict(islice(in_order, MOST_CLIENTS))


def _process(wrapper: Wrapper) -> int | str:
    parent = wrapper.beat.parent_pid if wrapper.beat else None
    return wrapper.path if parent is None else parent


def name_of(client: str | None) -> str:
    """As one line of a terminal and of a page can show it."""
    text = printable((client or "")[: 2 * LONGEST_NAME], " ", keep="")
    return " ".join(text.split())[:LONGEST_NAME] or UNNAMED
