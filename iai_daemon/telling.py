"""How the daemon stands, in the words of `status`, of the service manager, and of those who want to hear of every change."""

from __future__ import annotations

import os
from typing import Protocol

import iai_daemon
from iai_daemon import log as logs
from iai_daemon.agenda.secretary import Secretary
from iai_daemon.claim import Claim
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.lifecycle.books import Books
from iai_daemon.lifecycle.decide import Decision, Standing
from iai_daemon.neighbours.neighbours import Neighbours
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence, Status
from iai_daemon.service.brake import SafeMode
from iai_daemon.shift import Shift
from iai_daemon.surroundings import Surroundings
from iai_daemon.troubles import AS_SAID, Troubles, degraded
from iai_daemon.units import format_stamp

_LET_WRITE = "make room on the disk, or let the file be written to; the daemon tries again"
_RESTART = (
    "`iai-daemon logs` tells why; mend it, then `iai-daemon restart` (it tries again by itself after an hour)"
)


class Told(Protocol):
    """What is told of the daemon."""

    claim: Claim
    home: Home
    clock: Clock
    settings: Settings
    standing: Standing
    presence: Presence
    decision: Decision
    surroundings: Surroundings
    shift: Shift
    agenda: Secretary
    neighbours: Neighbours
    books: Books
    troubles: Troubles
    safe: SafeMode | None
    ticked_at: float

    def decide(self, now: Now) -> Decision:
        """What holds at this time, by the last look; changes nothing."""
        ...

    def degraded(self) -> list[dict[str, str]]: ...


def describe(daemon: Told, now: Now) -> dict[str, object]:
    """The object of `iai-daemon status --json`."""
    standing, counts = daemon.standing, daemon.presence.counts
    idle_after = daemon.settings.lifecycle.idle_after
    return {
        "schema": 1,
        "pid": os.getpid(),
        "version": iai_daemon.__version__,
        "state": standing.state.value,
        "since": format_stamp(now.wall - now.awake + standing.since),
        "reason": _reason(daemon, now),
        "rule": standing.rule,
        "presence": {
            "fresh": counts[Status.FRESH],
            "active": sum(wrapper.is_active(now.awake, idle_after) for wrapper in daemon.presence.present),
            "stale": counts[Status.STALE],
            "orphan": counts[Status.ORPHAN],
            "invalid": counts[Status.INVALID],
        },
        "hosts": daemon.neighbours.describe(now, idle_after),
        "consolidation": daemon.shift.describe(),
        "agenda": daemon.agenda.describe(now),
        "store": daemon.shift.describe_store(),
        "tick": {"at": format_stamp(daemon.ticked_at), "failures": daemon.troubles.failures},
        "degraded": daemon.degraded(),
    }


def _reason(daemon: Told, now: Now) -> str:
    """Decided anew, so that its seconds are those of this moment; a threshold that has just passed is the loop's to see."""
    standing, anew = daemon.standing, daemon.decide(now).standing
    return anew.reason if (anew.state, anew.rule) == (standing.state, standing.rule) else standing.reason


def complaints(daemon: Told) -> list[dict[str, str]]:
    """What does not work as it should, why, and what mends it."""
    found = [*daemon.surroundings.degraded(daemon.presence), *daemon.troubles.degraded()]
    if daemon.safe is not None:
        found.append(degraded("safe mode", f"no nights and no agents: {daemon.safe.why}", _RESTART))
    found += [degraded(what, why, _LET_WRITE) for what, why in daemon.books.trouble.items()]
    if why := logs.trouble():
        found.append(degraded("log", why, _LET_WRITE))
    if daemon.claim.trouble:
        found.append(degraded("lock", daemon.claim.trouble, AS_SAID))
    return [*found, *daemon.shift.degraded(), *daemon.agenda.degraded()]


def headline(daemon: Told) -> str:
    """The one line that a person wants to read: state, rule, what is going on, what does not work."""
    said = [f"{daemon.standing.state} ({daemon.standing.rule})"]
    if daemon.shift.describe_running()["running"]:
        said.append("a night is running")
    if wrong := _wrong(daemon):
        said.append(f"degraded: {', '.join(wrong)}")
    return "; ".join(said)


def news(daemon: Told) -> dict[str, object]:
    """What subscribers are told: what only time changes is left out."""
    return {
        "state": daemon.standing.state.value,
        "rule": daemon.standing.rule,
        "night": daemon.shift.describe_running(),
        "agents": daemon.agenda.describe_running(),
        "degraded": _wrong(daemon),
    }


def _wrong(daemon: Told) -> list[str]:
    return list(dict.fromkeys(each["what"] for each in daemon.degraded()))
