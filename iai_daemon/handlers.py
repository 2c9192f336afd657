"""What a caller of the control socket may ask of the daemon: status, sleep, wake, consolidate, look."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import iai_daemon
from iai_daemon.agenda.secretary import Secretary
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.control.server import Handler, Notify
from iai_daemon.errors import Refused, UsageError
from iai_daemon.lifecycle.decide import Allowed, Asked, Decision, Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Status
from iai_daemon.shift import Shift
from iai_daemon.units import NEVER, format_stamp, parse_duration


class Daemon(Protocol):
    """What the handlers see and change of the daemon."""

    clock: Clock
    settings: Settings
    standing: Standing
    presence: Presence
    decision: Decision
    shift: Shift
    agenda: Secretary
    failures: int
    ticked_at: float

    def decide(self, now: Now) -> Decision:
        """What holds at this time, by the last look; changes nothing."""
        ...

    def degraded(self) -> list[dict[str, str]]: ...

    def look_now(self) -> None:
        """Scan and decide at once."""
        ...


def handlers(daemon: Daemon) -> Mapping[str, Handler]:
    """The methods of the control socket, by name."""

    async def status(_params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        return describe(daemon, daemon.clock.now())

    async def sleep(params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        daemon.look_now()
        if daemon.presence.in_flight:
            raise Refused(problem="A tool call is still in flight: ask again when it has been answered.")
        return _ask(daemon, State.BEDTIME, _held_for(params))

    async def wake(params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        return _ask(daemon, State.WAKE, _held_for(params) or daemon.settings.lifecycle.idle_after)

    async def consolidate(params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        daemon.look_now()
        force = params.get("force") is True
        if daemon.standing.state is State.WAKE and not force:
            raise Refused(
                problem=f"Someone is at work ({daemon.standing.reason}): "
                "wait, or run it all the same with `iai-daemon consolidate --force`."
            )
        return await daemon.shift.run_asked(
            alone=daemon.decision.allowed is Allowed.ALL,
            max_rounds=_whole(params.get("max_rounds")),
            passes=_names(params.get("passes")),
            progress=notify,
        )

    async def look(_params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        """Somebody has changed in the store what nights or recalls depend on."""
        now = daemon.clock.now()
        daemon.shift.look(now)
        daemon.agenda.look(now)
        daemon.look_now()
        return {}

    return {"status": status, "sleep": sleep, "wake": wake, "consolidate": consolidate, "look": look}


def _ask(daemon: Daemon, state: State, held_for: float | None) -> Mapping[str, object]:
    """Note the user's wish, act on it at once, and say what came of it."""
    now = daemon.clock.now()
    until = NEVER if held_for is None else now.awake + held_for
    slept_at = now.awake if state is State.BEDTIME else daemon.standing.slept_at
    daemon.standing = replace(daemon.standing, asked=Asked(state, now.awake, until), slept_at=slept_at)
    daemon.look_now()
    return describe(daemon, daemon.clock.now())


def _held_for(params: Mapping[str, object]) -> float | None:
    text = params.get("for")
    if text is None:
        return None
    try:
        seconds = parse_duration(str(text))
    except ValueError as cause:
        raise UsageError(problem=f"{cause}.") from cause
    if seconds <= 0:
        raise UsageError(problem="The time to hold it for must be longer than nothing.")
    return seconds


def _whole(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise UsageError(problem="max_rounds must be a whole number from 1 to 100.")
    return value


def _names(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise UsageError(problem="passes must be a list of names.")
    return tuple(value)


def describe(daemon: Daemon, now: Now) -> dict[str, object]:
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
        "consolidation": daemon.shift.describe(),
        "agenda": daemon.agenda.describe(now),
        "store": daemon.shift.describe_store(),
        "tick": {"at": format_stamp(daemon.ticked_at), "failures": daemon.failures},
        "degraded": daemon.degraded(),
    }


def _reason(daemon: Daemon, now: Now) -> str:
    """Decided anew, so that its seconds are those of this moment; a threshold that has just passed is the loop's to see."""
    standing, anew = daemon.standing, daemon.decide(now).standing
    return anew.reason if (anew.state, anew.rule) == (standing.state, standing.rule) else standing.reason
