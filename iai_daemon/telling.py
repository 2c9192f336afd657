"""How the daemon stands, in the words of `status`, of the service manager, and of those who want to hear of every change."""

from __future__ import annotations

import heapq
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

import iai_daemon
from iai_daemon import log as logs
from iai_daemon.agenda.secretary import Secretary
from iai_daemon.claim import Claim
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.lifecycle.books import Books
from iai_daemon.lifecycle.decide import Allowed, Decision, Standing
from iai_daemon.lifecycle.outlook import Outlook, look_ahead
from iai_daemon.lifecycle.states import State
from iai_daemon.neighbours.neighbours import Neighbours
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.service.brake import SafeMode
from iai_daemon.shift import Shift
from iai_daemon.surroundings import Surroundings
from iai_daemon.troubles import AS_SAID, Troubles, degraded
from iai_daemon.units import NEVER, format_stamp

# So many of those who are here are listed, the others counted; of what clients call themselves the beginning is told.
_MOST_HERE, _LONGEST_NAME, _LONGEST_SESSION = 32, 64, 200
# Seconds: what is a century away is never.
_FARTHEST = 36_525 * 86_400.0
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
    agenda = daemon.agenda.describe(now)
    here = [*daemon.presence.present, *daemon.presence.elsewhere]
    return {
        "schema": 1,
        "at": format_stamp(now.wall),
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
        "here": _here(here, agenda["running"], now, idle_after),
        "here_more": max(0, len(here) - _MOST_HERE),
        "hosts": daemon.neighbours.describe(now, idle_after),
        "consolidation": daemon.shift.describe(),
        "agenda": agenda,
        "next": _next(daemon, now),
        "store": daemon.shift.describe_store(),
        "tick": {"at": format_stamp(daemon.ticked_at), "failures": daemon.troubles.failures},
        "degraded": daemon.degraded(),
    }


def _reason(daemon: Told, now: Now) -> str:
    """Decided anew, so that its seconds are those of this moment; a threshold that has just passed is the loop's to see."""
    standing, anew = daemon.standing, daemon.decide(now).standing
    return anew.reason if (anew.state, anew.rule) == (standing.state, standing.rule) else standing.reason


def _here(here: Sequence[Wrapper], runs: object, now: Now, idle_after: float) -> list[dict[str, object]]:
    """Those who are present, people before agents, who did something last first."""
    listed = heapq.nlargest(_MOST_HERE, here, key=lambda each: _importance(each, now, idle_after))
    recalls = {run["session_id"]: run["recall"] for run in runs} if isinstance(runs, list) else {}
    return [_describe_wrapper(each, recalls, now, idle_after) for each in listed]


def _importance(wrapper: Wrapper, now: Now, idle_after: float) -> tuple[bool, bool, float]:
    did = -NEVER if wrapper.active_at is None else wrapper.active_at
    return not wrapper.headless, wrapper.is_active(now.awake, idle_after), did


def _describe_wrapper(
    wrapper: Wrapper, recalls: Mapping[str | None, object], now: Now, idle_after: float
) -> dict[str, object]:
    """Of what is open on another host, what that host tells of it; whose session that is stays there."""
    beat, is_ours = wrapper.beat, wrapper.host is None
    session = beat.session_id if beat and is_ours else None
    return {
        "client": _beginning(beat.client_name if beat else None, _LONGEST_NAME),
        "session_id": _beginning(session, _LONGEST_SESSION),
        "since": _started(wrapper, now),
        "last_activity": _stamp_at(wrapper.active_at, now),
        "active": wrapper.is_active(now.awake, idle_after),
        "headless": wrapper.headless,
        "pid": beat.pid if beat and is_ours else None,
        "host": wrapper.host,
        "server": _beginning(beat.server if beat else None, _LONGEST_NAME),
        "busy": _busy(wrapper, recalls.get(session) if session and wrapper.headless else None),
    }


def _started(wrapper: Wrapper, now: Now) -> str | None:
    """As it says itself; never later than now, whatever its clock was."""
    if wrapper.host is not None or wrapper.beat is None or wrapper.beat.started_at is None:
        return None
    return format_stamp(min(wrapper.beat.started_at, now.wall))


def _busy(wrapper: Wrapper, recall: object) -> dict[str, object] | None:
    """The calls that have no answer yet, and the recall that its agent was woken for."""
    calls = wrapper.beat.in_flight if wrapper.beat else 0
    return {"calls": calls, "recall": recall} if calls or recall is not None else None


def _beginning(text: str | None, longest: int) -> str | None:
    return text[:longest] if text else None


def _stamp_at(at: float | None, now: Now) -> str | None:
    """A time of the awake clock as a stamp; None for one that is too far away to be written."""
    if at is None or abs(at - now.awake) > _FARTHEST:
        return None
    return format_stamp(max(0.0, now.wall + at - now.awake))


def _next(daemon: Told, now: Now) -> dict[str, object]:
    """What comes if nobody does anything from now on, and the recall that comes in any case."""
    ahead = look_ahead(
        daemon.standing,
        daemon.presence,
        now.awake,
        daemon.settings.lifecycle,
        daemon.shift.overdue(now),
    )
    is_bedtime = daemon.standing.state is State.BEDTIME
    bedtime = None if is_bedtime else _stamp_at(ahead.bedtime_at, now)
    idle = _stamp_at(ahead.idle_at, now)
    return {
        "recall": None if daemon.safe is not None else daemon.agenda.next_recall(now),
        "bedtime": bedtime and {"at": bedtime, "rule": ahead.rule},
        "idle": idle and {"at": idle},
        "night": None if daemon.shift.describe_running()["running"] else _next_night(daemon, ahead, now),
    }


def _next_night(daemon: Told, ahead: Outlook, now: Now) -> dict[str, object]:
    if daemon.safe is not None:
        return {"at": None, "why": f"safe mode: {daemon.safe.why}"}
    if ahead.bedtime_at is None:
        return {"at": None, "why": "it does not become BEDTIME by itself while these clients are open"}
    at, why = daemon.shift.next_night(ahead.bedtime_at, now, alone=ahead.allowed is Allowed.ALL)
    if at is not None and ahead.allowed is Allowed.NONE:
        return {"at": None, "why": _held_up(daemon.presence)}
    return {"at": _stamp_at(at, now), "why": why}


def _held_up(presence: Presence) -> str:
    """Why no pass may run although it is BEDTIME."""
    if presence.out_of_sight:
        return "other hosts cannot be seen"
    if any(each.headless for each in (*presence.present, *presence.elsewhere)):
        return "an agent that was woken is at work"
    return "a client has just been opened"


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
        "present": {"here": len(daemon.presence.present), "elsewhere": len(daemon.presence.elsewhere)},
        "night": daemon.shift.describe_running(),
        "agents": daemon.agenda.describe_running(),
        "degraded": _wrong(daemon),
    }


def _wrong(daemon: Told) -> list[str]:
    return list(dict.fromkeys(each["what"] for each in daemon.degraded()))
