"""What a caller of the control socket may ask of the daemon: status, sleep, wake, consolidate, look, elsewhere, reload,
subscribe, wake_test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from iai_daemon.clock import Now
from iai_daemon.control.server import Handler, Notify
from iai_daemon.control.subscribers import Subscribers
from iai_daemon.errors import BadConfig, NotReloaded, Refused, UsageError
from iai_daemon.lifecycle.decide import Allowed, Asked
from iai_daemon.lifecycle.states import State
from iai_daemon.reloading import Reloads
from iai_daemon.telling import Told, describe
from iai_daemon.units import NEVER, parse_duration


class Daemon(Told, Protocol):
    """What the handlers see and change of the daemon."""

    subscribers: Subscribers
    reloads: Reloads

    def look_now(self) -> None:
        """Scan and decide at once."""
        ...

    def learn(self, now: Now) -> None:
        """See what others have changed in the store."""
        ...


def handlers(daemon: Daemon) -> Mapping[str, Handler]:
    """The methods of the control socket, by name."""
    return {**_wishes(daemon), **_errands(daemon)}


def _wishes(daemon: Daemon) -> Mapping[str, Handler]:
    """What a user wants of it."""

    async def status(_params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        return describe(daemon, daemon.clock.now())

    async def sleep(params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        daemon.look_now()
        if daemon.presence.in_flight:
            raise Refused(problem="A tool call is still in flight: ask again when it has been answered.")
        if host := daemon.presence.in_flight_elsewhere:
            # Being at work there, it would end the sleep at once.
            raise Refused(
                problem=f"A tool call is still in flight on {host}: ask again when it has been answered."
            )
        return _ask(daemon, State.BEDTIME, _held_for(params))

    async def wake(params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        return _ask(daemon, State.WAKE, _held_for(params) or daemon.settings.lifecycle.idle_after)

    async def consolidate(params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        if daemon.safe is not None:
            raise Refused(problem=f"No night runs in safe mode ({daemon.safe.why}): see `iai-daemon status`.")
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

    return {"status": status, "sleep": sleep, "wake": wake, "consolidate": consolidate}


def _errands(daemon: Daemon) -> Mapping[str, Handler]:
    """What programs need of it."""

    async def look(_params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        """Somebody has changed in the store what nights or recalls depend on."""
        daemon.learn(daemon.clock.now())
        daemon.look_now()
        return {}

    async def elsewhere(_params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        """Who is present on other hosts."""
        now, idle_after = daemon.clock.now(), daemon.settings.lifecycle.idle_after
        return {"wrappers": daemon.neighbours.describe_wrappers(now, idle_after)}

    async def reload(_params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        """Somebody has changed the settings."""
        try:
            return (await daemon.reloads.reload()).to_json()
        except BadConfig as bad:
            raise NotReloaded(problem=str(bad)) from bad

    async def subscribe(_params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        """Somebody wants to hear of every change: it ends when he hangs up."""
        return await daemon.subscribers.serve(notify)

    async def wake_test(params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        """Somebody wants to see whether an agent can be woken from here; hanging up ends it."""
        if daemon.safe is not None:
            raise Refused(
                problem=f"No agent is woken in safe mode ({daemon.safe.why}): see `iai-daemon status`."
            )
        name = _agent(params)
        notify.stay()
        return await daemon.agenda.try_out(name)

    return {
        "look": look,
        "elsewhere": elsewhere,
        "reload": reload,
        "subscribe": subscribe,
        "wake_test": wake_test,
    }


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


def _agent(params: Mapping[str, object]) -> str:
    name = params.get("agent")
    if not isinstance(name, str):
        raise UsageError(problem="agent must be the name of one.")
    if other := sorted(params.keys() - {"agent"}):
        raise UsageError(problem=f"There is no {other[0][:64]!r}: an agent is tried out by its name alone.")
    return name


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
