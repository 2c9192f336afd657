"""The clock and the zone: whether the time can be right, whether it was set, and whether the machine knows where it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import iai_daemon
from iai_daemon.clock import Now
from iai_daemon.doctor.finding import Finding, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.lifecycle import saved
from iai_daemon.paths import Home, backups
from iai_daemon.presence.ageing import Era
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.service import manager
from iai_daemon.service.manager import ManagerFailed, NoManager
from iai_daemon.units import format_stamp, parse_stamp, say_duration

# Before it no iai-daemon was written.
_EARLIEST = parse_stamp("2024-01-01T00:00:00Z")
_A_DAY = 86_400.0
_A_STEP = 60.0
_ANSWERS_WITHIN = 0.2
_SET_IT = "set the clock, as with `sudo timedatectl set-ntp true`"


def look(patient: Patient) -> Iterator[Finding]:
    now = patient.now
    yield _plausible(now, patient.home)
    clocks = saved.resume(patient.home.state, now, SystemProcesses().boot_id).clocks
    if step := largest_step(clocks.eras if clocks else (), now):
        said = f"the clock was set {'ahead' if step > 0 else 'back'} by {say_duration(abs(step))} since this machine started"
        yield warn(
            "clock.steps",
            said,
            "see why with `timedatectl`: recalls go by the clock, and may come late or early",
        )
    yield from _synchronised()
    yield from _zone()


def _plausible(now: Now, home: Home) -> Finding:
    shown = format_stamp(now.wall)[:16].replace("T", " ") + " UTC"
    if now.wall < _EARLIEST:
        return fail("clock", f"the clock shows {shown}", _SET_IT)
    newest, of = _newest(home)
    if now.wall < newest - _A_DAY:
        seen = f"the clock shows {shown}, {say_duration(newest - now.wall)} before {of} was written"
        return fail("clock", seen, f"{_SET_IT}; where it is right, it was wrong then")
    return ok("clock", f"it shows {shown}")


def _newest(home: Home) -> tuple[float, Path]:
    """When anything of ours was written last, by the clock of then, and what it is."""
    written = [(each.made_at, each.path) for each in backups(home.backups)]
    for path in (home.state, home.log, home.history, home.memory, Path(iai_daemon.__file__)):
        try:
            written.append((path.stat().st_mtime, path))
        except OSError:
            continue  # it was not written yet
    return max(written, default=(0.0, home.root))


def largest_step(eras: Sequence[Era], now: Now) -> float:
    """By how many seconds the wall clock was set in this boot, the most at once; 0 where it was less than a minute."""
    moments = [each.last for each in eras] + [now]
    steps = [(after.wall - before.wall) - (after.boot - before.boot) for before, after in pairwise(moments)]
    largest = max(steps, key=abs, default=0.0)
    return largest if abs(largest) > _A_STEP else 0.0


def _synchronised() -> Iterator[Finding]:
    """What systemd knows of it, where it is there and answers at once."""
    tool = shutil.which("timedatectl", path=f"{os.environ.get('PATH', '')}:/usr/bin:/bin")
    if tool is None:
        return
    try:
        asked = manager.run(
            [tool, "show", "--property=NTPSynchronized", "--value"], os.environ, _ANSWERS_WITHIN
        )
    except (NoManager, ManagerFailed):
        return
    if asked.status == 0 and asked.output.strip() == "no":
        seen = "nothing keeps the clock right: it is not synchronised with a time server"
        yield warn("clock.synchronised", seen, "`sudo timedatectl set-ntp true`")


def _zone() -> Iterator[Finding]:
    # Neither is needed where the clock is asked first: both take a while to load.
    import zoneinfo  # noqa: PLC0415 -- as the comment says

    from iai_daemon.agenda.asking.here import machine_zone  # noqa: PLC0415 -- as the comment says

    try:
        zoneinfo.ZoneInfo.no_cache("Europe/Berlin")
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        seen = "no time zones are known here: recalls that go by one cannot be planned"
        yield fail(
            "clock.zones", seen, "install the package tzdata beside iai-daemon, as with `pip install tzdata`"
        )
        return
    zone = machine_zone()
    if zone is None:
        seen = "the zone of this machine cannot be told: recalls that name none go by UTC"
        remedy = "set TZ to its name, as Europe/Berlin, or have /etc/localtime lead to its file"
        yield warn("clock.zone", seen, remedy)
    else:
        yield ok("clock.zone", zone)
