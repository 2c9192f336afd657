"""The log: whether it can be written and is, how large it has grown, and what stands in it of the last day. Its words are not told:
only events are, which are ours."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from iai_daemon.config import Log
from iai_daemon.doctor.finding import Finding, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.foreign import one_line
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp, parse_stamp

_TAIL = 1_000_000
_A_DAY = 86_400.0
_LOUD = ("error", "critical")
_LONGEST_EVENT = 80
# What the last entry before a rotation may exceed it by: a traceback.
_LONGEST_ENTRY = 100_000
# A start takes less from the beginning of its process to its first entry.
_STARTS_WITHIN = 60.0


def look(patient: Patient) -> Iterator[Finding]:
    home = patient.home
    settings = patient.settings.log if patient.settings else Log()
    if home.log.parent.is_dir():
        if trouble := _unusable(home.log):
            yield fail(
                "log",
                trouble,
                "move away what stands there, or make it yours and writable: `chmod 600`, `chown`",
            )
            return
        yield _written(patient, settings)
        yield from _size(home, settings)
        yield from _errors(home.log, patient.now.wall)
        yield from _crash(home)
    else:
        yield ok("log", "nothing is logged yet")


def _unusable(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None if os.access(path.parent, os.W_OK | os.X_OK) else f"no file can be made in {path.parent}"
    except OSError as cause:
        return f"{path} cannot be looked at ({cause.strerror})"
    if not stat.S_ISREG(mode):
        return f"{path} is no file"
    return None if os.access(path, os.R_OK | os.W_OK) else f"{path} cannot be read and written"


def _written(patient: Patient, settings: Log) -> Finding:
    """Whether the daemon that runs has logged its own start, where it should."""
    path, started = patient.home.log, _started(patient)
    written = path.stat().st_mtime if path.exists() else None
    if started is not None and settings.level in ("debug", "info"):
        missing = written is None or written < started - _STARTS_WITHIN
        if missing:
            seen = f"the daemon runs since {format_stamp(started)} and nothing was written to {path}"
            return warn("log", seen, "see that the file is the daemon's to write, then `iai-daemon restart`")
    if written is None:
        return ok("log", "nothing is logged yet")
    return ok("log", f"last written {format_stamp(written)}")


def _started(patient: Patient) -> float | None:
    """When the process of the daemon began; None where none runs, or not on this machine."""
    try:
        return process.create_time() if (process := patient.process) else None
    except psutil.Error:
        return None


def _size(home: Home, settings: Log) -> Iterator[Finding]:
    """What rotation should bound, and does not."""
    files = {
        each: each.stat().st_size for each in home.log.parent.glob(f"{home.log.name}*") if each.is_file()
    }
    most = (settings.keep + 1) * (settings.max_size + _LONGEST_ENTRY)
    told = f"the settings mean {settings.keep} of {settings.max_size / 1e6:g} MB beside the newest"
    if files.get(home.log, 0) > settings.max_size + _LONGEST_ENTRY:
        seen = f"{home.log} has {files[home.log] / 1e6:,.1f} MB, and is not rotated: {told}"
        yield warn("log.size", seen, f"see that {home.log.parent} can be written; `iai-daemon restart`")
    elif sum(files.values()) > most or len(files) > settings.keep + 1:
        beyond = sorted((each for each in files if _number(each) > settings.keep), key=_number)
        seen = f"{len(files)} files with {sum(files.values()) / 1e6:,.1f} MB are kept: {told}"
        remedy = "rm " + " ".join(map(str, beyond[:5])) if beyond else "delete the oldest of them"
        yield warn("log.size", seen, remedy)
    launchd = home.log.with_name("launchd.log")
    if launchd.is_file() and launchd.stat().st_size > settings.max_size:
        seen = f"{launchd} has {launchd.stat().st_size / 1e6:,.1f} MB: the daemon says much before its own log is open"
        yield warn("log.launchd", seen, f"`tail {launchd}` shows what; delete it then")


def _number(path: Path) -> int:
    """Of a rotated file, the higher the older; 0 for the newest."""
    last = path.name.rpartition(".")[2]
    return int(last) if last.isdecimal() else 0


def _errors(path: Path, wall: float) -> Iterator[Finding]:
    found = [each for each in _entries(path) if _is_error(each, wall - _A_DAY)]
    if found:
        event = one_line(str(found[-1].get("event", "")), _LONGEST_EVENT)
        seen = f"{len(found)} errors were logged within the last day, the newest: {event}"
        yield warn("log.errors", seen, "`iai-daemon logs` shows them")


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """What stands at the end of the log, oldest first; what is no entry is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        lines = file.read(_TAIL).splitlines()
    for line in lines:
        # Most lines are no errors, and are not taken apart.
        if b"error" not in line and b"critical" not in line:
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the first one may be cut, the last one on its way
        if isinstance(entry, dict):
            yield entry


def _is_error(entry: dict[str, Any], since: float) -> bool:
    try:
        return entry.get("level") in _LOUD and parse_stamp(str(entry.get("timestamp"))) >= since
    except ValueError:
        return False


def _crash(home: Home) -> Iterator[Finding]:
    """The next start takes what stands there into the log, and empties it."""
    if home.crash.is_file() and (seen := home.crash.stat()).st_size:
        when = format_stamp(seen.st_mtime)
        remedy = "the next start takes it into the log; report it with what `iai-daemon logs` shows of it"
        yield warn("log.crash", f"the daemon crashed at {when}: {home.crash} says where", remedy)
