"""The calendar that slots come from: whether its key can be read, whether the backend answers the daemon and takes its news."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from iai_daemon.agenda.slots.courier.answers import Trouble
from iai_daemon.agenda.slots.courier.key import read_key
from iai_daemon.config import Calendar, filled_in
from iai_daemon.doctor import environment
from iai_daemon.doctor.checks.agenda import opened
from iai_daemon.doctor.checks.embedder import is_open_to_others
from iai_daemon.doctor.finding import Finding, Mend, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.paths import Home
from iai_daemon.units import parse_stamp, say_duration

# After so many intervals without an answer it is none that was only missed.
_INTERVALS = 3
# News that the backend has not taken for so many seconds.
_LONG = 600.0
_SEE = "see that the backend answers at that address (`iai-daemon config show`); `iai-daemon logs` tells more"


def look(patient: Patient) -> Iterator[Finding]:
    calendar = patient.require_settings().calendar
    if not calendar.is_set:
        return
    has_key = bool(calendar.api_key_env or calendar.api_key_file)
    if has_key and is_open_to_others(calendar.url):
        seen = f"the backend's key goes unencrypted to {urlsplit(calendar.url).hostname}"
        yield warn("agenda.calendar.http", seen, "set calendar.url to an address that begins with https://")
    if has_key:
        yield _key(patient, calendar)
    told = patient.require_daemon()["agenda"]["calendar"]
    yield _heard_of(patient, told)
    yield from _news(patient)


def _key(patient: Patient, calendar: Calendar) -> Finding:
    try:
        read_key(calendar, patient.home, environment.of_daemon(patient))
    except Trouble as trouble:
        mend = _to_close(calendar, patient.home)
        return fail(
            "agenda.calendar.key", str(trouble), "as the sentence says; it is read anew each time", mend
        )
    return ok("agenda.calendar.key", "the backend's key can be read")


def _to_close(calendar: Calendar, home: Home) -> Mend | None:
    """What is open to others is closed; nothing else that may be wrong with a key mends itself."""
    path = filled_in(calendar.api_key_file, home)
    if not calendar.api_key_file or not path.is_file() or not path.stat().st_mode & 0o077:
        return None
    return Mend(f"make {path} yours alone (0600)", lambda: path.chmod(0o600))


def _heard_of(patient: Patient, told: Mapping[str, Any]) -> Finding:
    if not told["enabled"]:
        seen = "the daemon goes by settings without a calendar"
        return fail("agenda.calendar", seen, "`iai-daemon config reload`")
    if told["last_heartbeat"] is None:
        if told["failures"]:
            return fail("agenda.calendar", f"the backend has never been reached: {told['problem']}", _SEE)
        return warn("agenda.calendar", "the backend has not been talked to yet", "look again in a minute")
    ago = max(0.0, patient.now.wall - parse_stamp(told["last_heartbeat"]))
    if ago > _INTERVALS * told["heartbeat_every"]:
        why = told["problem"] or "nobody says why"
        return fail(
            "agenda.calendar",
            f"the backend was reached {say_duration(ago)} ago for the last time: {why}",
            _SEE,
        )
    active, queued = len(told["active"]), len(told["queued"])
    return ok(
        "agenda.calendar",
        f"the backend was reached {say_duration(ago)} ago; {active} slots active, {queued} queued",
    )


def _news(patient: Patient) -> Iterator[Finding]:
    """What the backend is to be told, and has not taken."""
    with opened(patient) as agenda:
        waiting = agenda.slots.outbox(1)
    waited = patient.now.wall - waiting[0].made_at / 1000 if waiting else 0.0
    if waited > _LONG:
        first = waiting[0]
        why = f", after {first.tries} tries: {first.problem}" if first.tries else ""
        seen = f"the backend has not taken for {say_duration(waited)} that slot {first.slot} is {first.status}{why}"
        yield warn("agenda.calendar.outbox", seen, _SEE)
