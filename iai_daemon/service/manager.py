"""What systemd and launchd have in common for us: a service to define, a command of theirs to run, and what they can be asked."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import iai_daemon
from iai_daemon import atomic
from iai_daemon.clock import Stopwatch, pause
from iai_daemon.errors import IaiError
from iai_daemon.paths import Home
from iai_daemon.service.installed import definition_path, service_name

# For what only asks or notes; starting and stopping wait for the daemon.
SOON = 20.0
# The daemon's own times (TimeoutStartSec, TimeoutStopSec, ExitTimeOut), and some for the manager.
STARTS_WITHIN = 100.0
STOPS_WITHIN = 35.0
_BETWEEN = 0.05
_LONGEST_SAID = 300


class NoManager(IaiError):
    """{problem}, so the daemon cannot be a service here: run it yourself with `iai-daemon run`."""


class ManagerFailed(IaiError):
    """`{command}` {problem}: {remedy}."""


class NotInstalled(IaiError):
    """There is no service for the home {home}: `iai-daemon install` makes one."""


class ServiceRefused(IaiError):
    """{problem}"""


@dataclass(frozen=True, slots=True)
class Service:
    """One home's service, as this iai-daemon would define it."""

    home: Home
    name: str
    interpreter: Path
    version: str = iai_daemon.__version__

    @classmethod
    def of(cls, home: Home) -> Service:
        """Started by the interpreter that runs now. It keeps the name by which it was called: that of a virtual environment is a
        link that must not be followed."""
        return cls(home, service_name(home), Path(os.path.abspath(sys.executable)))  # noqa: PTH100 -- as said

    @property
    def argv(self) -> list[str]:
        return [str(self.interpreter), "-P", "-m", "iai_daemon", "--home", str(self.home.root), "run"]

    def require_text(self) -> None:
        """Raises ServiceRefused when a path cannot stand in a definition."""
        for path in (self.interpreter, self.home.root):
            if any(ord(each) < 0x20 or 0xD800 <= ord(each) <= 0xDFFF for each in str(path)):
                problem = f"The path {str(path)!r} cannot be written into a service: give another one."
                raise ServiceRefused(problem=problem)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a manager says of a service: whether it knows it, its process if it runs one, its state in the manager's words."""

    known: bool
    pid: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Kept:
    """How a manager keeps a service.

    `enabled`: whether its user's login starts it (None: it does not say); `stale`: whether its file was changed since the
    manager has read it; `confined`: what is set of a sandbox for it, by the manager's own names.
    """

    enabled: bool | None
    stale: bool = False
    confined: Mapping[str, str] = field(default_factory=dict)


class Manager(Protocol):
    """systemd or launchd. Each method raises NoManager where it does not answer, and ManagerFailed for what it refuses."""

    name: str
    platform: str

    def require(self) -> None:
        """Raises NoManager when it cannot be used here."""
        ...

    def render(self, service: Service) -> str:
        """The whole file that defines the service. Raises ServiceRefused."""
        ...

    def take_up(self, service: Service) -> None:
        """Let the manager know of the file that was just written, and start the service whenever its user comes."""
        ...

    def look(self, service: Service) -> Seen: ...

    def examine(self, service: Service) -> Kept:
        """More than `look` asks, of a service that is known."""
        ...

    def start(self, service: Service) -> None: ...

    def stop(self, service: Service) -> None: ...

    def restart(self, service: Service) -> None: ...

    def forget(self, service: Service) -> None:
        """Stop the service, start it no more, and delete its file; nothing is left of it in the manager."""
        ...

    def lingers(self) -> bool | None:
        """Whether services run while their user is not logged in; None: that is not known, or no question here."""
        ...

    def linger(self) -> None:
        """Let them. Raises ManagerFailed."""
        ...

    def where_to_look(self, service: Service) -> str:
        """The command that shows what a daemon said before its own log was open."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """How a command of the manager's ended."""

    status: int
    output: str
    error: str

    @property
    def said(self) -> str:
        """What it says first, on one line: further ones only tell where to read more."""
        lines = (self.error.strip() or self.output.strip()).splitlines()
        return lines[0].strip().rstrip(".")[:_LONGEST_SAID] if lines else f"exit status {self.status}"


def run(argv: Sequence[str], environment: Mapping[str, str], seconds: float = SOON) -> Done:
    """One command of the manager's to its end, at most so long: then it is ended, with all that it has started.

    Raises ManagerFailed at the deadline, NoManager when there is no such command.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as cause:
        raise NoManager(problem=f"{argv[0]} cannot be run ({cause.strerror})") from cause
    with process:
        try:
            output, error = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as cause:
            # What it has started holds its pipes open: without its end they have none.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            problem = f"did not end within {seconds:.0f} s"
            raise ManagerFailed(
                command=_shown(argv), problem=problem, remedy="try again; a new login helps where it stays so"
            ) from cause
    return Done(process.returncode, output.decode(errors="replace"), error.decode(errors="replace"))


def finds_us(interpreter: Path, seconds: float = SOON) -> bool:
    """Whether it imports this package in an environment that is not ours: a service has no PYTHONPATH. Raises as `run` does."""
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return run([str(interpreter), "-P", "-c", "import iai_daemon"], environment, seconds).status == 0


def failed(argv: Sequence[str], done: Done, remedy: str) -> ManagerFailed:
    """What a command said that refused."""
    return ManagerFailed(command=_shown(argv), problem=f"failed ({done.said})", remedy=remedy)


def _shown(argv: Sequence[str]) -> str:
    return " ".join([Path(argv[0]).name, *argv[1:]])


def write(path: Path, text: str) -> bool:
    """Put the definition in place, whole; whether that changed anything. Raises ServiceRefused."""
    data = text.encode()
    try:
        if path.read_bytes() == data:
            return False
    except OSError:
        pass  # there is none, or none that can be read: it is replaced
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, data, mode=0o644)
    except OSError as cause:
        problem = (
            f"{path} cannot be written ({cause.strerror}): see that its directory is yours and writable."
        )
        raise ServiceRefused(problem=problem) from cause
    return True


def delete(path: Path) -> None:
    """Raises ManagerFailed when it stays."""
    try:
        path.unlink(missing_ok=True)
    except OSError as cause:
        problem = f"failed ({cause.strerror})"
        raise ManagerFailed(command=f"rm {path}", problem=problem, remedy="delete it yourself") from cause


def render(folder: str, file: str, values: Mapping[str, str]) -> str:
    """A template with its places filled in: a data file of the installed package, the top-level file of a checkout."""
    installed = files(iai_daemon) / "service" / file
    if not installed.is_file():
        installed = Path(iai_daemon.__file__).parents[1] / folder / file
    text = installed.read_text(encoding="utf-8")
    # In one go: what is filled in may look like a place itself.
    return re.sub(r"@([A-Z]+)@", lambda place: values[place[1]], text)


def require_installed(service: Service, platform: str) -> Path:
    """The file that defines the service. Raises NotInstalled."""
    path = definition_path(service.home, platform)
    if not path.exists():
        raise NotInstalled(home=service.home.root)
    return path


def wait_until_gone(manager: Manager, service: Service, seconds: float) -> bool:
    """Whether the manager's process of this service has ended within this time."""
    watch = Stopwatch()
    while manager.look(service).pid is not None:
        if watch.seconds() > seconds:
            return False
        pause(_BETWEEN)
    return True
