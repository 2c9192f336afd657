"""What the daemon itself says that does not work (`degraded` in its status): nothing of it is left out, known here or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import Patient

# Under which name each stands here, by what it is called there or by the first word of that ("pass embed").
NAMES = {
    "presence": "presence",
    "watching": "watching",
    "clean-up": "presence.clean-up",
    "hosts": "presence.hosts",
    "home": "home",
    "state": "home.state",
    "history": "home.history",
    "attendance": "home.attendance",
    "log": "log",
    "lock": "daemon.lock",
    "control": "daemon.control",
    "version": "daemon.version",
    "safe mode": "daemon.safe-mode",
    "service": "service",
    "config": "config.reload",
    "store": "store",
    "spool": "store.spool",
    "nights": "nights",
    "pass": "nights.passes",
    "agenda": "agenda",
    "agent": "agenda.agents",
    "calendar": "agenda.calendar",
    "notify": "notify",
    "metrics": "metrics",
}
# What is put off, or tried again, and may pass by itself, and what something else makes up for: the checks of their own say
# when it lasts too long.
_PASSING = {
    "nights",
    "nights.passes",
    "agenda.agents",
    "daemon.version",
    "store.spool",
    "watching",
    "service",
}


def look(patient: Patient) -> Iterator[Finding]:
    told: dict[str, list[Mapping[str, str]]] = {}
    for each in patient.status["degraded"] if patient.status else ():
        told.setdefault(_name(each["what"]), []).append(each)
    for name, entries in told.items():
        status = Verdict.WARN if name in _PASSING else Verdict.FAIL
        remedies = dict.fromkeys(each["fix"] for each in entries)
        yield Finding(name, status, f"the daemon says: {_all(entries)}", "; ".join(remedies))


def _name(what: str) -> str:
    """What is not known keeps its own name."""
    return NAMES.get(what) or NAMES.get(what.split(maxsplit=1)[0], what)


def _all(entries: Sequence[Mapping[str, str]]) -> str:
    """Of one name there is one finding, so it holds whatever comes under that name."""
    return "; ".join(
        each["why"] if each["what"] in NAMES else f"{each['what']}: {each['why']}" for each in entries
    )
