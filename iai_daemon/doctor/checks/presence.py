"""Who is here: heartbeats and the processes behind them, and which of those keep the daemon from seeing rightly."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from iai_daemon.clock import pause
from iai_daemon.config import Settings
from iai_daemon.doctor.finding import NAMED, Finding, Mend, fail, ok, some, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.lifecycle.looking import look as look_once
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.units import format_stamp, say_duration

# Seconds without activity after which a wrapper beside a newer one, or any, counts as forgotten by its client.
_FORGOTTEN_BESIDE, _FORGOTTEN = 2 * 86400.0, 7 * 86400.0
# Who does nothing for so long hangs, in seconds.
_A_MOMENT = 0.2
# How much later than it should have been a file may still lie there, in seconds.
_SLACK = 60.0
_OWNERS = stat.S_IRWXU


def look(patient: Patient) -> Iterator[Finding]:
    settings, home = patient.require_settings(), patient.require_home()
    directories = settings.wrappers_dirs(home)
    seen = look_once(home, settings, patient.now, patient.status, directories)
    counts = ", ".join(f"{count} {status}" for status, count in seen.counts.items())
    yield ok("presence", counts)
    for each in seen.trouble:
        yield fail("presence", each.why, each.fix)
    yield from _invalid(seen)
    yield from _left_lying(patient, settings, seen, directories)
    yield from _old(seen)
    yield from _hanging(seen, patient)
    yield from _forgotten(seen, patient)
    yield from _hosts(patient)


def _invalid(seen: Presence) -> Iterator[Finding]:
    found = [each for each in seen.wrappers if each.status is Status.INVALID]
    if found:
        names = some([f"{Path(each.path).name}: {each.reason}" for each in found])
        remedy = f"see who makes them in {Path(found[0].path).parent}, and delete them"
        yield warn("presence.invalid", names, remedy)


def _hosts(patient: Patient) -> Iterator[Finding]:
    """Other hosts that share the memory: who was lost sight of, and who tells what nobody can use."""
    others = [each for each in (patient.status or {}).get("hosts") or () if not each["this"]]
    lost = [each for each in others if each["lease_over"]]
    odd = [each for each in others if not each["lease_over"] and each["state"] is None]
    if others and not lost and not odd:
        yield ok("presence.hosts", f"{len(others)} other host{'' if len(others) == 1 else 's'} in sight")
    if lost:
        said = some(
            [f"{each['name']} has not been heard of for {say_duration(each['seen'])}" for each in lost]
        )
        remedy = "none where those are switched off or asleep; else see `iai-daemon status` there"
        yield warn("presence.hosts", f"{said}: whoever is active there ends no night here", remedy)
    if odd:
        said = some([f"{each['name']} tells what cannot be read" for each in odd])
        yield warn("presence.hosts", said, "bring iai-daemon there and here to the same version")


def _old(seen: Presence) -> Iterator[Finding]:
    found = [
        each
        for each in seen.present
        if each.beat is not None and not each.beat.reports_activity and not each.beat.fallback
    ]
    if found:
        said = f"{some(list(map(_called, found)))}: too old to say what its user does, so it always counts as active"
        remedy = "end and start that client again: it takes the wrapper that is there now"
        yield warn("presence.old", said, remedy)


# --- what is left lying


def _left_lying(
    patient: Patient, settings: Settings, seen: Presence, directories: Sequence[Path]
) -> Iterator[Finding]:
    """Files of wrappers that are gone: where nothing can be deleted, or that the daemon should have deleted."""
    gone = [each for each in seen.wrappers if each.status in (Status.STALE, Status.ORPHAN)]
    for directory in directories:
        here = [each for each in gone if Path(each.path).parent == directory]
        if here and not os.access(directory, os.W_OK | os.X_OK):
            yield _unwritable(directory, len(here))
            continue
        late = [each for each in here if _is_overdue(each, patient, settings)]
        if late:
            names = some([Path(each.path).name for each in late])
            said = f"a daemon runs, and {_files(len(late))} of wrappers that are gone still lie in {directory}: {names}"
            remedy = f"see what `ls -la {directory}` and `iai-daemon logs` say, then delete them"
            yield fail("presence.clean-up", said, remedy)


def _files(count: int) -> str:
    return f"{count} file{'s' if count > 1 else ''}"


def _unwritable(directory: Path, count: int) -> Finding:
    seen = f"of wrappers that are gone, {_files(count)} cannot be deleted: {directory} does not let you write"
    found = directory.stat()
    if found.st_uid != os.geteuid():
        return fail("presence.clean-up", seen, f"`sudo chown -R {os.geteuid()} {directory}`")
    if found.st_mode & _OWNERS == _OWNERS:
        return fail("presence.clean-up", seen, "see whether its disk is mounted read-only (`mount`)")
    mode = stat.S_IMODE(found.st_mode) | _OWNERS
    mend = Mend(f"let you write to {directory} again ({mode:04o})", lambda: directory.chmod(mode))
    return fail("presence.clean-up", seen, f"chmod u+rwx {directory}", mend)


def _is_overdue(wrapper: Wrapper, patient: Patient, settings: Settings) -> bool:
    """Whether a daemon that was here all the time would have deleted it."""
    if patient.status is None or wrapper.status is not Status.STALE:
        return False
    stale_after = settings.presence.stale_after
    due = wrapper.stale_at + stale_after + 2 * settings.lifecycle.tick + _SLACK
    started = _started(patient.status.get("pid", 0))
    runs_for = patient.now.wall - started if started else 0.0
    return patient.now.awake > due and runs_for > 2 * stale_after + 2 * settings.lifecycle.tick + _SLACK


# --- what hangs

_STATES = {
    psutil.STATUS_STOPPED: "is stopped",
    psutil.STATUS_TRACING_STOP: "is held by a debugger",
    psutil.STATUS_ZOMBIE: "has ended, and the wrapper has not noticed",
    psutil.STATUS_DISK_SLEEP: "waits for a disk that does not answer",
}


def _hanging(seen: Presence, patient: Patient) -> Iterator[Finding]:
    """Servers and wrappers that exist and do nothing: who calls them waits without end."""
    said, remedies = [], []
    for each, pid, state in _stuck(seen, patient):
        who = "it" if each.beat and each.beat.pid == pid else "its server"
        said.append(f"{_called(each)}: {who} (process {pid}) {state}")
        stopped = state == _STATES[psutil.STATUS_STOPPED]
        remedies.append(f"`kill -CONT {pid}`" if stopped else "end and start that client again")
    if said:
        yield warn("presence.hanging", some(said), ", ".join(dict.fromkeys(remedies[:NAMED])))


def _stuck(seen: Presence, patient: Patient) -> Iterator[tuple[Wrapper, int, str]]:
    """Each with the process that is stuck, and how, where that is still so a moment later."""
    found = list(_processes(seen, patient))
    before = {pid: _state(pid) for _, pid in found}
    if any(before.values()):
        pause(_A_MOMENT)
    for each, pid in found:
        state = before[pid]
        if state and _state(pid) == state:
            yield each, pid, state
        elif each.status is Status.STALE:
            yield each, pid, f"runs, but was {each.reason}"


def _processes(seen: Presence, patient: Patient) -> Iterator[tuple[Wrapper, int]]:
    """The servers of those who are present, and those wrappers that are not and whose process is still the same."""
    table = SystemProcesses()
    for each in seen.wrappers:
        beat = each.beat
        if beat is None or beat.fallback:
            continue
        if each.status is Status.FRESH and beat.child_pid:
            child = table.look_up(beat.child_pid, patient.now)
            if child and child.parent == beat.pid and beat.child_start in (None, child.start):
                yield each, beat.child_pid
        if each.status is Status.STALE and beat.process_start is not None:
            process = table.look_up(beat.pid, patient.now)
            if process and process.start == beat.process_start and not process.zombie:
                yield each, beat.pid


def _state(pid: int) -> str | None:
    """In what state it can do nothing; None where it can, and where it is gone."""
    try:
        return _STATES.get(psutil.Process(pid).status())
    except psutil.ZombieProcess:
        return _STATES[psutil.STATUS_ZOMBIE]
    except psutil.Error:
        return None


# --- what was forgotten


def _forgotten(seen: Presence, patient: Patient) -> Iterator[Finding]:
    """Wrappers that their client has forgotten: they refresh for ever, and nobody uses them."""
    idle = dict(_idle(seen, patient))
    found = [each for each, seconds in idle.items() if seconds > _FORGOTTEN]
    for siblings in _siblings(idle):
        found += [each for each in left_behind(siblings, idle) if each not in found]
    if found:
        pids = " ".join(str(each.beat.pid) for each in found[:NAMED] if each.beat)
        remedy = f"end and start that client again, or `kill {pids}` while those are the processes that started then"
        yield warn("presence.leaked", some([_forgotten_said(each, idle[each]) for each in found]), remedy)


def left_behind(siblings: Sequence[Wrapper], idle: Mapping[Wrapper, float]) -> Sequence[Wrapper]:
    """Of wrappers for the same client and server the older ones, where only the newest is used; `idle` in seconds."""
    newest = max(siblings, key=lambda each: (each.beat and each.beat.started_at) or 0.0)
    others = [each for each in siblings if each is not newest]
    used = idle[newest] <= _FORGOTTEN_BESIDE
    return others if used and all(idle[each] > _FORGOTTEN_BESIDE for each in others) else []


def _idle(seen: Presence, patient: Patient) -> Iterator[tuple[Wrapper, float]]:
    """How long nobody has used those that are present and say so, in seconds; since their start where nobody has."""
    for each in seen.present:
        if each.beat is None or each.beat.fallback or not each.beat.reports_activity:
            continue
        if each.active_at is not None:
            yield each, patient.now.awake - each.active_at
        elif each.beat.started_at is not None:
            yield each, patient.now.wall - each.beat.started_at


def _siblings(wrappers: Iterable[Wrapper]) -> Iterator[list[Wrapper]]:
    """Those that the same process started, with the same command in the same directory, for the same conversation."""
    found: dict[object, list[Wrapper]] = defaultdict(list)
    for each in wrappers:
        if each.beat is None:
            continue
        try:
            process = psutil.Process(each.beat.pid)
            with process.oneshot():
                parent, command, folder = process.ppid(), tuple(process.cmdline()), process.cwd()
        except psutil.Error:
            continue
        if parent == each.beat.parent_pid:
            found[parent, command, folder, each.beat.client_name, each.beat.session_id].append(each)
    yield from (siblings for siblings in found.values() if len(siblings) > 1)


def _forgotten_said(wrapper: Wrapper, idle: float) -> str:
    started = _started(wrapper.beat.pid) if wrapper.beat else None
    since = f", started {format_stamp(started)[:19]}Z" if started else ""
    return f"{_called(wrapper)}{since}: not used for {say_duration(idle)}"


def _started(pid: int) -> float | None:
    """When a process was started, in seconds since the epoch."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def _called(wrapper: Wrapper) -> str:
    beat = wrapper.beat
    if beat is None:
        return Path(wrapper.path).name
    return f"{beat.client_name or 'a client'}'s wrapper {beat.pid}"
