"""Where everything lives: one home, and the names in it."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.errors import HomeUnusable, NoHome
from iai_daemon.units import format_stamp, parse_stamp

HOME_VARIABLE = "IAI_DAEMON_HOME"
_BACKUP = re.compile(r"memory-(\d{8}T\d{6}Z)(?:-([a-z-]+))?\.db", re.ASCII)


@dataclass(frozen=True, slots=True)
class Home:
    """One home directory; a property for every file in it."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def memory(self) -> Path:
        return self.root / "memory.db"

    @property
    def wrappers(self) -> Path:
        return self.root / "wrappers"

    @property
    def trajectories(self) -> Path:
        return self.root / "trajectories"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def history(self) -> Path:
        return self.root / "history.jsonl"

    @property
    def attendance(self) -> Path:
        return self.root / "attendance.jsonl"

    @property
    def daemon_lock(self) -> Path:
        return self.root / "daemon.lock"

    @property
    def consolidation_lock(self) -> Path:
        return self.root / "consolidation.lock"

    @property
    def host(self) -> Path:
        return self.root / "host.json"

    @property
    def socket(self) -> Path:
        return self.root / "control.sock"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def last_night(self) -> Path:
        return self.root / "last-night.txt"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def killed_night(self) -> Path:
        return self.root / "killed-night.json"

    @property
    def log(self) -> Path:
        return self.root / "log" / "daemon.jsonl"

    @property
    def crash(self) -> Path:
        return self.root / "log" / "crash.txt"

    @property
    def clients(self) -> Path:
        return self.root / "clients.json"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def starts(self) -> Path:
        return self.root / "starts.json"

    def create(self) -> None:
        """Make the home and its directories, 0700. Raises HomeUnusable when that cannot be."""
        for directory in (self.root, self.wrappers, self.backups, self.log.parent):
            make_private(directory)


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the memory; `made_at` in seconds since the epoch, `purpose` as in its name: empty when a night made it."""

    path: Path
    made_at: float
    purpose: str


def backups(folder: Path) -> list[Backup]:
    """What bears the name of a backup in this folder, oldest first; none where the folder is missing."""
    found = []
    for path in folder.glob("memory-*.db"):
        name = _BACKUP.fullmatch(path.name)
        # Digits that are no date make no stamp: that name is not one of ours.
        with contextlib.suppress(ValueError):
            if name and path.is_file():
                found.append(Backup(path, parse_stamp(name[1]), name[2] or ""))
    return sorted(found, key=lambda each: (each.made_at, each.path.name))


def compact(seconds: float) -> str:
    """A stamp for the name of a file: `20261121T110000Z`."""
    return format_stamp(seconds)[:19].replace("-", "").replace(":", "") + "Z"


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of what stands at the path; None when nothing does, or it cannot be seen."""
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def make_private(directory: Path) -> None:
    """Make `directory` (and its parents) when missing, and ours alone. Raises HomeUnusable."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = directory.stat()
        if seen.st_uid != os.geteuid():
            raise HomeUnusable(path=directory, cause="it belongs to another user")
        if stat.S_IMODE(seen.st_mode) != 0o700:
            directory.chmod(0o700)
    except FileExistsError as cause:
        raise HomeUnusable(path=directory, cause="it is no directory") from cause
    except OSError as cause:
        raise HomeUnusable(path=directory, cause=cause.strerror or cause) from cause


def find_home(option: str | None, environment: Mapping[str, str] = os.environ) -> Home:
    """The home: the `--home` option, else IAI_DAEMON_HOME, else `$HOME/.iai-daemon`; absolute. Raises NoHome.

    XDG_* is not asked: MCP clients strip the environment, and wrapper and daemon must agree.
    """
    chosen = option or environment.get(HOME_VARIABLE)
    try:
        path = Path(chosen).expanduser() if chosen else Path.home() / ".iai-daemon"
    except RuntimeError as cause:
        raise NoHome from cause
    return Home(Path(os.path.abspath(path)))  # noqa: PTH100 -- resolve() would follow a symlink that the user chose
