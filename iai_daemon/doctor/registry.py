"""Every check, in the order in which a person reads them."""

from __future__ import annotations

from functools import partial

from iai_daemon.doctor.checks import (
    agenda,
    calendar,
    clients,
    clock,
    config,
    daemon,
    embedder,
    home,
    log,
    metrics,
    nights,
    notify,
    presence,
    service,
    store,
    told,
    watching,
    wrapper,
)
from iai_daemon.doctor.examine import Check

CHECKS = (
    Check("config", config.look),
    Check("home", home.look),
    Check("daemon", daemon.look),
    Check("service", service.look),
    Check("presence", presence.look),
    Check("watching", watching.look),
    Check("wrapper", wrapper.look),
    Check("store", store.look),
    Check("nights", nights.look),
    Check("embedder", embedder.look),
    Check("agenda", agenda.look),
    Check("agenda.calendar", calendar.look),
    Check("clients", clients.look),
    Check("notify", notify.look),
    Check("metrics", metrics.look),
    Check("clock", clock.look),
    Check("log", log.look),
    Check("daemon", told.look),
)

WAKE_TEST = "agenda.wake-test"
# An agent may take as long as its own timeout, which ends it, whatever that is.
_A_DAY = 86_400.0


def wake_test(agent: str) -> Check:
    """Starting this agent's command as the daemon would; the one check that is asked for, since it costs something."""
    return Check(WAKE_TEST, partial(agenda.wake, agent=agent), seconds=_A_DAY)
