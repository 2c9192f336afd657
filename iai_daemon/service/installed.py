"""What is installed: the file that defines a home's service, what it says, and whether what runs still stands on the disk.

Light, and reads only: the daemon asks once a tick, `status` at each call.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import iai_daemon
from iai_daemon.paths import Home

# The unit, and the label of the launchd agent, of the home where nobody has chosen another.
NAME = "iai-daemon"
_WRITTEN_BY = re.compile(r"Written by iai-daemon (\S+)\. ")
_EXEC_START = re.compile(r"^ExecStart=(.+)$", re.MULTILINE)
_FIRST_ARGUMENT = re.compile(r"<key>ProgramArguments</key>\s*<array>\s*<string>([^<]*)</string>")
_VERSION = re.compile(r"^__version__ = \"([^\"]+)\"", re.MULTILINE)
_REFERENCES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


@dataclass(frozen=True, slots=True)
class Installed:
    """What a definition says: which interpreter it starts, and which version wrote it; None: it does not say."""

    path: Path
    interpreter: Path | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Outdated:
    """What runs is no longer what is installed: in words, and the command that mends it."""

    why: str
    fix: str


def service_name(home: Home) -> str:
    """`iai-daemon`; for a home other than the usual one with its name and a number of its own."""
    if home.root == Path.home() / ".iai-daemon":
        return NAME
    words = re.sub(r"[^a-z0-9]+", "-", home.root.name.lower()).strip("-")[:30]
    number = f"{zlib.crc32(os.fsencode(home.root)):08x}"
    return "-".join(each for each in (NAME, words, number) if each)


def definition_path(home: Home, platform: str = sys.platform) -> Path:
    """Where the service of this home is defined, whether it is or not."""
    if platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{service_name(home)}.plist"
    return Path.home() / ".config" / "systemd" / "user" / f"{service_name(home)}.service"


def find(home: Home, platform: str = sys.platform) -> Installed | None:
    """The service of this home as it is defined; None: there is none, or it cannot be read."""
    path = definition_path(home, platform)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    version = _WRITTEN_BY.search(text)
    interpreter = _agent_interpreter(text) if platform == "darwin" else _unit_interpreter(text)
    return Installed(path, interpreter, version[1] if version else None)


def trouble(home: Home, platform: str = sys.platform) -> Outdated | None:
    """Why the service of this home cannot start its daemon any more; None when it can, or there is no service."""
    found = find(home, platform)
    if found is None or found.interpreter is None or os.access(found.interpreter, os.X_OK):
        return None
    why = f"{found.path} starts {found.interpreter}, which is gone"
    return Outdated(why, "`iai-daemon install`, with the iai-daemon that you use now")


class Running:
    """What this process runs from. `outdated` compares it with what stands there now; a look costs a `stat` or two.

    The version is read from the package itself: beside an editable installation the metadata tell that of long ago.
    """

    def __init__(
        self,
        version: str = iai_daemon.__version__,
        package: Path = Path(iai_daemon.__file__),
        interpreter: Path = Path(sys.executable),
    ) -> None:
        self._version = version
        self._package = package
        self._interpreter = interpreter
        self._seen: tuple[int, int, int] | None = None
        self._installed: str | None = version

    def outdated(self, home: Home) -> Outdated | None:
        """None: what runs is what is installed. `home` is for the advice: a service is restarted in another way."""
        restart = "`iai-daemon restart`" if definition_path(home).exists() else "stop it, then start it again"
        if not os.access(self._interpreter, os.X_OK):
            why = f"the interpreter that runs, {self._interpreter}, is gone"
            return Outdated(why, "`iai-daemon install`, with the iai-daemon that you use now")
        installed = self._read()
        if installed is None:
            why = f"running {self._version}, and the package is gone from {self._package.parent}"
            return Outdated(why, restart)
        if installed != self._version:
            return Outdated(f"running {self._version}, installed {installed}", restart)
        return None

    def _read(self) -> str | None:
        """The version that stands on the disk; None when there is none."""
        try:
            there = self._package.stat()
            seen = there.st_ino, there.st_mtime_ns, there.st_size
            if seen != self._seen:
                found = _VERSION.search(self._package.read_text(encoding="utf-8"))
                self._installed, self._seen = found[1] if found else None, seen
        except (OSError, ValueError):
            # An update may stand half written: the next look reads it anew.
            self._installed, self._seen = None, None
        return self._installed


def _unit_interpreter(text: str) -> Path | None:
    """The first word of ExecStart, as systemd reads it."""
    found = _EXEC_START.search(text)
    try:
        words = shlex.split(found[1]) if found else []
    except ValueError:
        return None
    return Path(words[0].replace("%%", "%")) if words else None


def _agent_interpreter(text: str) -> Path | None:
    found = _FIRST_ARGUMENT.search(text)
    if found is None:
        return None
    path = found[1]
    for reference, meant in _REFERENCES:
        path = path.replace(reference, meant)
    return Path(path)
