"""What the daemon itself says that does not work (`degraded` in its status): nothing of it is left out, known here or not."""

from __future__ import annotations

from collections.abc import Iterator

from iai_daemon.doctor.check import Finding, Verdict
from iai_daemon.doctor.patient import Patient

# Under which name it stands here, where that is another; what begins with one of these words ("pass embed") counts as that.
_NAMES = {
    "clean-up": "presence.clean-up",
    "version": "daemon.version",
    "control": "daemon.control",
    "lock": "daemon.lock",
    "safe": "daemon.safe-mode",
    "state": "home.state",
    "history": "home.history",
    "config": "config.reload",
    "pass": "nights.passes",
    "agent": "agenda.agents",
    "calendar": "agenda.calendar",
}
# What is put off, or tried again, and may pass by itself: the checks of their own say when it lasts too long.
_PASSING = {"nights", "nights.passes", "agenda.agents", "daemon.version"}


def look(patient: Patient) -> Iterator[Finding]:
    for each in patient.status["degraded"] if patient.status else ():
        kind = each["what"].split()[0]
        name = _NAMES.get(kind, kind)
        status = Verdict.WARN if name in _PASSING else Verdict.FAIL
        yield Finding(name, status, f"the daemon says: {each['why']}", each["fix"])
