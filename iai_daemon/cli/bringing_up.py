"""Bring a service's daemon up, and see by its own answer that it is up. Used by `iai-daemon install`, `start` and `restart`."""

from __future__ import annotations

from typing import Any

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute, Refused
from iai_daemon.flock import holder, is_held
from iai_daemon.paths import Home
from iai_daemon.service.manager import Manager, Service

ANSWERS_WITHIN = 20.0
_BETWEEN = 0.1
_LINE_WITHIN = 2.0


def bring_up(here: Manager, service: Service, *, anew: bool) -> dict[str, Any]:
    """The status of the service's daemon, once it answers; with `anew` that of another one than before.

    Raises NoManager, ManagerFailed, Refused.
    """
    before = here.look(service)
    if not before.known:
        here.take_up(service)
    if anew and before.known:
        here.restart(service)
    elif before.pid is None:
        here.start(service)
    return _wait_for_answer(here, service)


def _wait_for_answer(here: Manager, service: Service) -> dict[str, Any]:
    """What the daemon answers whose pid is the manager's: that it was started is no proof that it works."""
    watch = Stopwatch()
    while True:
        pid, status = here.look(service).pid, _ask_daemon(service.home)
        if status and pid == status["pid"]:
            return status
        if watch.seconds() > ANSWERS_WITHIN:
            break
        pause(_BETWEEN)
    state, look = here.look(service).state, here.where_to_look(service)
    raise Refused(
        problem=f"The daemon was started and does not answer (the service is {state}): "
        f"see `iai-daemon logs` and `{look}`, then `iai-daemon restart`."
    )


def _ask_daemon(where: Home) -> dict[str, Any] | None:
    try:
        return client.status(where, timeout=_LINE_WITHIN)
    except (DaemonAway, DaemonMute, Refused):
        return None


def who_runs(where: Home) -> str | None:
    """The pid of the daemon of this home, whoever has started it."""
    status = _ask_daemon(where)
    if status:
        return str(status["pid"])
    return (holder(where.daemon_lock) or "unknown") if is_held(where.daemon_lock) else None


def stranger(here: Manager, service: Service) -> str | None:
    """The pid of a daemon of this home that is not the service's."""
    running = who_runs(service.home)
    return None if running is None or running == str(here.look(service).pid) else running


def refuse_stranger(here: Manager, service: Service) -> None:
    """Raises Refused: two daemons have no room in one home."""
    if found := stranger(here, service):
        raise Refused(problem=f"The service is not started: {by_hand(found, service.home)}")


def by_hand(pid: str, where: Home) -> str:
    """What is to be done about a daemon that is not the service's: its user started it, so its user ends it."""
    return (
        f"a daemon that was started in another way (pid {pid}) runs in {where.root}; "
        f"end it (`kill {pid}`), then do this again."
    )
