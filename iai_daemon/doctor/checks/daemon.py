"""The daemon: whether it answers, whether its loop goes on, whether it is what is installed, and what it takes of the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import psutil

import iai_daemon
from iai_daemon.clock import Now, Stopwatch, pause
from iai_daemon.config import Settings
from iai_daemon.control import client
from iai_daemon.doctor.checks.service import answering
from iai_daemon.doctor.finding import Finding, Mend, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import DaemonAway, DaemonMute, Refused
from iai_daemon.flock import holder, is_held
from iai_daemon.lifecycle.looking import ageing_of
from iai_daemon.paths import Home
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.service import installed
from iai_daemon.service.here import manager_here
from iai_daemon.service.manager import Service
from iai_daemon.units import format_stamp, parse_stamp, say_duration

# Beside two ticks: a turn over thousands of files, on a machine that has other work.
_PATIENCE = 10.0
# It lives in a third of this; in bytes.
_MUCH_MEMORY = 100_000_000
_NEARLY_ALL = 0.8
_ANSWERS_WITHIN = 20.0
# After the first second in which it said nothing; a check is given three.
_SECOND_CHANCE = 1.2
_BETWEEN = 0.1
_LOGS = "`iai-daemon logs` tells why"


def look(patient: Patient) -> Iterator[Finding]:
    status = patient.status
    if status is None:
        yield _silent(patient)
        return
    process = patient.process
    since = f", since {format_stamp(process.create_time())}" if process else ""
    yield ok("daemon", f"pid {status['pid']}{since}, version {status['version']}, {status['state']}")
    anew = _anew(patient.home, status["pid"])
    yield from _ticks(patient, status["tick"], anew)
    if status["version"] != iai_daemon.__version__:
        seen = f"version {status['version']} runs, and this is {iai_daemon.__version__}"
        yield warn("daemon.version", seen, anew)
    if process:
        yield from _takes(process, anew)


def _ticks(patient: Patient, tick: Mapping[str, Any], anew: str) -> Iterator[Finding]:
    every = (patient.settings or Settings()).lifecycle.tick
    age = _awake_since(parse_stamp(tick["at"]), patient.home, patient.now, every)
    if age > 2 * every + _PATIENCE:
        seen = (
            f"it answers, and its loop has done nothing for {say_duration(age)} (it should every {every:g} s)"
        )
        yield fail("daemon.tick", seen, f"`iai-daemon logs` tells what it is at; {anew}")
    elif tick["failures"]:
        yield warn("daemon.tick", f"its loop has failed {tick['failures']} times and gone on", _LOGS)
    else:
        yield ok("daemon.tick", f"the last one {say_duration(max(age, 0.0))} ago")


def _awake_since(stamp: float, home: Home, now: Now, every: float) -> float:
    """Seconds awake since then, by what the daemon has noted of the clocks: neither a sleep nor a step makes it seem to hang."""
    return ageing_of(home, every, now, SystemProcesses().boot_id).sight(stamp, now).age


def _takes(process: psutil.Process, remedy: str) -> Iterator[Finding]:
    """What it has of the machine."""
    with suppress(psutil.Error):
        memory = process.memory_info().rss
        if memory > _MUCH_MEMORY:
            seen = f"it has {memory / 1e6:.0f} MB, where {_MUCH_MEMORY / 1e6:.0f} are much"
            yield warn("daemon.memory", seen, f"{remedy}; where it comes back, report it")
        if sys.platform == "linux":
            opened, limit = process.num_fds(), process.rlimit(psutil.RLIMIT_NOFILE)[0]
            if 0 < _NEARLY_ALL * limit < opened:
                seen = f"it has {opened} files open, and may have {limit}"
                yield warn("daemon.descriptors", seen, f"raise its limit of open files, or {remedy}")


def _anew(home: Home, pid: int) -> str:
    """How this daemon is replaced by another."""
    return "`iai-daemon restart`" if installed.find(home) else f"`kill {pid}`, then start it again"


def _silent(patient: Patient) -> Finding:
    """Why nobody answers, and what to do about it."""
    home, why = patient.home, patient.away
    if is_held(home.daemon_lock) or is_held(home.root):
        return _held(patient)
    if not isinstance(why, DaemonAway):
        return fail("daemon", str(why), f"`lsof {home.socket}` shows who listens there in its place")
    here, found = answering(), installed.find(home)
    if found is None:
        return _nothing(home, managed=here is not None)
    seen = f"no daemon is running in {home.root}, and its service is installed"
    if outdated := installed.trouble(home):
        return fail("daemon", f"{seen}: {outdated.why}", outdated.fix)
    if here is None:
        return fail("daemon", f"{seen}, but no manager answers", "`iai-daemon run`")
    if patient.unset is not None:
        return fail(
            "daemon", f"{seen}, but its settings cannot be used", "mend them, then `iai-daemon start`"
        )
    service = Service.of(home)
    return fail("daemon", seen, "`iai-daemon start`", Mend(f"start {service.name}", lambda: _start(service)))


def _nothing(home: Home, *, managed: bool) -> Finding:
    """No service, no daemon: how to begin."""
    begin = (
        "`iai-daemon install` makes the daemon a service that starts with your login"
        if managed
        else "`iai-daemon run` runs it, under whatever keeps programs running here"
    )
    if home.root.exists():
        return fail("daemon", f"no daemon is running in {home.root}, and none is installed", begin)
    remedy = f"{begin}; `iai-daemon demo` shows first what it does"
    return fail("daemon", "nothing is installed yet", remedy)


def _held(patient: Patient) -> Finding:
    """Some process has the home and does not answer."""
    home = patient.home
    mute = isinstance(patient.away, DaemonMute)
    find = f"see who it is with `lsof {home.root} {home.daemon_lock}`, and end it"
    process = _holder(home)
    if process is None:
        seen = f"a process that cannot be told has the home {home.root}, and does not answer"
        return fail("daemon", seen, find)
    who = f"the daemon (pid {process.pid}, since {format_stamp(process.create_time())})"
    state = _state(process)
    if state == psutil.STATUS_STOPPED:
        return fail("daemon", f"{who} is stopped, as by Ctrl-Z", f"`kill -CONT {process.pid}` lets it go on")
    if state == psutil.STATUS_ZOMBIE:
        seen = f"{who} has ended, and a process that it has started keeps the home"
        return fail("daemon", seen, find)
    if not mute:
        seen = f"{who} has the home, and its socket does not answer: it is starting, ending, or lost it"
        return fail("daemon", seen, "look again in a minute: with its next tick it opens the socket again")
    if _answers(home, _SECOND_CHANCE):
        seen = f"{who} answers, and takes more than a second for it"
        return warn("daemon", seen, "see what keeps it, or this machine, so busy: `iai-daemon logs`")
    restart = (
        "`iai-daemon restart` begins anew" if installed.find(home) else f"`kill -9 {process.pid}` ends it"
    )
    seen = f"{who} runs and does not answer"
    return fail("daemon", seen, f"`iai-daemon logs` tells what it is at; {restart}")


def _holder(home: Home) -> psutil.Process | None:
    """The process whose pid stands in the lock; None where that is no longer the one that wrote it."""
    try:
        process = psutil.Process(int(holder(home.daemon_lock)))
        written = home.daemon_lock.stat().st_mtime
        # It was there when it wrote its pid: what began later is another one with the same number.
        return process if process.create_time() <= written + 1.0 else None
    except (ValueError, OverflowError, OSError, psutil.Error):
        return None


def _state(process: psutil.Process) -> str | None:
    try:
        return process.status()
    except psutil.Error:
        return None


def _start(service: Service) -> None:
    """Start it, and see that it answers. Raises NoManager, ManagerFailed, Refused."""
    here, watch = manager_here(), Stopwatch()
    if not here.look(service).known:
        here.take_up(service)
    here.start(service)
    while not _answers(service.home, 1.0):
        if watch.seconds() > _ANSWERS_WITHIN:
            raise Refused(problem="The daemon was started and does not answer: see `iai-daemon logs`.")
        pause(_BETWEEN)


def _answers(home: Home, seconds: float) -> bool:
    try:
        client.status(home, timeout=seconds)
    except (DaemonAway, DaemonMute, Refused):
        return False
    return True
