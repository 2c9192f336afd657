"""The home: whether it is there, ours, private and writable, on what file system it stands, and what room the disk has left."""

from __future__ import annotations

import errno
import os
import pwd
import re
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path

import psutil

from iai_daemon import atomic, lines
from iai_daemon.config import Lifecycle
from iai_daemon.doctor.finding import Finding, Mend, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import FileUnusable
from iai_daemon.flock import FileLock, is_held
from iai_daemon.lifecycle.machine import objection, room_for_a_night
from iai_daemon.paths import Home
from iai_daemon.units import say_duration

_PRIVATE = 0o700
# More files than anybody's eyes follow; beyond that a sample does.
_MOST_FILES = 20_000
_ACROSS_MACHINES = (
    *(
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afpfs",
        "webdav",
        "ncpfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
    ),
    *("9p", "virtiofs", "drvfs", "vboxsf", "prl_fs", "vmhgfs", "osxfuse", "macfuse"),
)
_GONE_AT_THE_NEXT_START = ("tmpfs", "ramfs")
# As `atomic.write` and a copy of the memory name what they have not finished.
_UNFINISHED = re.compile(r"\..+\.\d+\.tmp|\.memory-\d+\.tmp", re.ASCII)
_LEFT_FOR = 3600.0
# Below so many times what a night may need it gets narrow.
_PLENTY = 3
_FEW_INODES = 1000
_REMEDIES = {
    errno.EROFS: "`mount` shows why it is read-only: a disk with errors is mounted so",
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room: your quota is used up",
}


def look(patient: Patient) -> Iterator[Finding]:
    home = patient.home
    if not os.path.lexists(home.root):
        yield ok("home", f"there is no home yet in {home.root}: the daemon makes it when it starts")
        return
    if not home.root.is_dir():
        another = "move away what stands there, or give another home with --home DIR"
        yield fail("home", f"{home.root} is no directory", another)
        return
    yield from _owner(home)
    yield from _mode(home.root)
    if not os.access(home.root, os.R_OK | os.X_OK):
        return
    yield from _directories(home)
    for each in _parts(home):
        yield from _mode(each)
    yield _writable(home)
    yield from _file_system(home)
    yield from _unfinished(home, patient.now.wall)
    yield from _disk(home)


def _parts(home: Home) -> tuple[Path, ...]:
    return home.wrappers, home.backups, home.log.parent


def _owner(home: Home) -> Iterator[Finding]:
    us, owner = os.geteuid(), home.root.stat().st_uid
    if owner != us:
        seen = f"{home.root} belongs to {_name(owner)}, and you are {_name(us)}"
        remedy = (
            f"call it as {_name(owner)}, without sudo"
            if us == 0
            else f"sudo chown -R {_name(us)} {home.root}"
        )
        yield fail("home.owner", seen, remedy)
        return
    found = _of_others(home, us)
    if found:
        seen = f"{len(found)} files in it are not yours, as {found[0]}: something ran as another user there"
        yield fail("home.owner", seen, f"sudo chown -R {_name(us)} {home.root}")


def _of_others(home: Home, us: int) -> list[Path]:
    """Files of ours that are not this user's: a home may be a place where others keep theirs beside."""
    kept = (home.config, home.memory, home.state, home.daemon_lock, home.consolidation_lock)
    told = (home.history, lines.older(home.history), home.attendance, lines.older(home.attendance))
    folders = (*_parts(home), home.trajectories)
    ours = (*kept, *told, home.socket, home.last_night, home.report, home.killed_night, home.starts, *folders)
    names = tuple(each.name for each in ours)
    entries = chain(
        (each for each in _entries(home.root) if each.name.startswith(names)),
        *map(_entries, folders),
    )
    return [Path(each.path) for each in islice(entries, _MOST_FILES) if _uid(each) not in (us, None)]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return  # it is not there, or not ours to read, which is told elsewhere


def _uid(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except OSError:
        return None  # it has gone meanwhile


def _directories(home: Home) -> Iterator[Finding]:
    there = [each for each in _parts(home) if os.path.lexists(each)]
    for each in there:
        if not each.is_dir():
            yield fail("home.directories", f"{each} is no directory", "move away what stands there")
            return
    missing = [each for each in _parts(home) if each not in there]
    if missing:
        names = ", ".join(each.name for each in missing)
        mend = Mend(f"make {names} in {home.root}", home.create)
        remedy = f"mkdir -m 700 {' '.join(map(str, missing))}"
        yield warn("home.directories", f"{home.root} lacks {names}", remedy, mend)


def _mode(directory: Path) -> Iterator[Finding]:
    if not directory.is_dir():
        return
    mode = stat.S_IMODE(directory.stat().st_mode)
    remedy = f"chmod 700 {directory}"
    mend = Mend(f"make {directory} yours alone (0700)", partial(directory.chmod, _PRIVATE))
    if mode & _PRIVATE != _PRIVATE:
        seen = f"you may not read, write and enter {directory} (mode {mode:04o})"
        yield fail("home.private", seen, remedy, mend)
    elif mode != _PRIVATE:
        seen = f"others may look into {directory}, or write there (mode {mode:04o})"
        yield warn("home.private", seen, remedy, mend)


def _writable(home: Home) -> Finding:
    """A file is written whole, locked and deleted again; the parts are asked only: what is written there wakes the daemon."""
    probe = home.root / f".doctor.{os.getpid()}.tmp"
    try:
        atomic.write(probe, b"doctor\n")
        locks = _locks(probe)
        probe.unlink()
    except OSError as cause:
        remedy = _REMEDIES.get(cause.errno or 0, f"chmod 700 {home.root}, and see that it is yours")
        return fail("home", f"{home.root} cannot be written ({cause.strerror})", remedy)
    if not locks:
        seen = f"files in {home.root} cannot be locked: two daemons, or two nights, would not see each other"
        return fail("home", seen, "move the home to a disk of this machine, with --home DIR")
    for each in _parts(home):
        if each.is_dir() and not os.access(each, os.W_OK | os.X_OK):
            return fail("home", f"{each} cannot be written", f"chmod 700 {each}, and see that it is yours")
    return ok("home", f"{home.root} is yours and can be written")


def _locks(probe: Path) -> bool:
    lock = FileLock(probe)
    try:
        return lock.acquire("doctor\n") and is_held(probe)
    except FileUnusable:
        return False
    finally:
        lock.release()


def _file_system(home: Home) -> Iterator[Finding]:
    mounted = [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]
    kind = kind_of(mounted, home.root.resolve())
    if why := unfit(kind):
        seen = f"{home.root} is on {kind}: {why}"
        yield warn("home.file-system", seen, "move it to a disk of this machine, with --home DIR")


def kind_of(mounted: Sequence[tuple[str, str]], path: Path) -> str:
    """The file system of what is mounted nearest above `path`; of several on one place it is the last. Empty: not known."""
    around = {Path(place): kind for place, kind in mounted}
    return next((around[each] for each in (path, *path.parents) if each in around), "")


def unfit(kind: str) -> str | None:
    """Why a home should not be on such a file system."""
    name = kind.lower()
    if name in _GONE_AT_THE_NEXT_START:
        return "it is in memory, and gone when the machine starts anew"
    if name in _ACROSS_MACHINES or name.startswith("fuse."):
        return (
            "locks, and being told of changes, do not reach across machines, and SQLite may lose data there"
        )
    return None


def _unfinished(home: Home, wall: float) -> Iterator[Finding]:
    if left := _all_left(home, wall):
        age = say_duration(_LEFT_FOR)
        seen = f"{len(left)} files that killed processes never finished are older than {age}, as {left[0]}"
        mend = Mend(f"delete {len(left)} files that nobody finishes any more", partial(_delete, home, wall))
        yield warn("home.leftovers", seen, "rm " + " ".join(map(str, left[:3])), mend)


def _all_left(home: Home, wall: float) -> list[Path]:
    return [each for folder in (home.root, home.backups, home.log.parent) for each in _left(folder, wall)]


def _left(folder: Path, wall: float) -> Iterator[Path]:
    for each in _entries(folder):
        if _UNFINISHED.fullmatch(each.name):
            try:
                seen = each.stat(follow_symlinks=False)
            except OSError:
                continue  # it is finished now
            if stat.S_ISREG(seen.st_mode) and wall - seen.st_mtime > _LEFT_FOR:
                yield Path(each.path)


def _delete(home: Home, wall: float) -> None:
    """What is old still: a process may have begun another one by the same name."""
    for each in _all_left(home, wall):
        each.unlink(missing_ok=True)


def _disk(home: Home) -> Iterator[Finding]:
    seen = os.statvfs(home.root)
    free = seen.f_bavail * seen.f_frsize
    if seen.f_files and seen.f_favail < _FEW_INODES:
        told = fail if seen.f_favail == 0 else warn
        text = f"the disk takes {seen.f_favail} more files"
        yield told("disk.inodes", text, f"`df -i {home.root}` shows it; delete files there")
    needed = room_for_a_night(home)
    # Without a wish of the user's only the disk objects.
    against = objection(Lifecycle(), home)
    if against and free < needed:
        yield fail("disk", against, "make room there: until then no night begins")
    elif free < _PLENTY * needed:
        yield warn(
            "disk", f"the disk has {free / 1e6:,.0f} MB left, which a few nights may need", "make room there"
        )
    else:
        yield ok("disk", f"{free / 1e6:,.0f} MB are free")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
