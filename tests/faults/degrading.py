"""Faults that the daemon lives through, one after the other, and what everybody who is to hear of them hears."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.clock import read
from iai_daemon.consolidation.backup import back_up_now
from iai_daemon.control.client import ask
from iai_daemon.control.messages import call as control_call
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.errors import Refused
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from iai_daemon.service.installed import definition_path
from tests.agenda.backend import calendar_backend, configure
from tests.consolidation.foreign_passes import Looking
from tests.consolidation.own_worker import hungry
from tests.doctor.looking import look
from tests.faults.stage import CONFIG, Scene, Stage, also, wrapping
from tests.faults.test_descriptors import _Line, _none_left
from tests.journeys.real import call, until
from tests.memory.embedding_server import embedding_server
from tests.service.test_notify import Manager

# Only nights that are asked for.
ASKED = CONFIG.replace("[consolidation]", "[consolidation]\nenabled = false")


class Play:
    """A scene before its audience: whoever asks for the status, the service manager, and the doctor."""

    def __init__(self, scene: Scene, manager: Manager, stage: Stage | None) -> None:
        self.scene = scene
        self.home = scene.home
        self.manager = manager
        self.stage = stage
        self.status: Callable[[], dict[str, Any]] = scene.daemon.status
        self.consolidate: Callable[[str], None] = partial(_consolidate, self.home)
        self._line = ""

    def told(self, what: str) -> list[dict[str, str]]:
        """What the status says of it."""
        return [each for each in self.status()["degraded"] if each["what"] == what]

    def line(self) -> str:
        """What stands in the service manager's status."""
        for each in self.manager.listen():
            self._line = each.partition("STATUS=")[2] or self._line
        self.manager.heard.clear()
        return self._line

    def names_in_line(self) -> list[str]:
        return self.line().partition("; degraded: ")[2].split(", ")

    def finding(self, name: str) -> Finding | None:
        """What the doctor finds wrong under this name."""
        found = look(self.home, "daemon").get(name)
        return found if found is not None and found.status is not Verdict.OK else None

    def hang_up(self) -> None:
        """Ask for a reload as `systemctl reload` does."""
        self.scene.daemon.process.send_signal(signal.SIGHUP)


def _consolidate(home: Home, name: str) -> None:
    """Ask for a night of one pass, whatever becomes of it."""
    with suppress(Refused):
        ask(home, "consolidate", {"force": True, "passes": [name]}, timeout=60)


Breaks = Callable[[Play], AbstractContextManager[None]]


# --- what still works meanwhile


def wakes_for_its_user(play: Play) -> None:
    """Who comes is seen."""
    with wrapping(play.scene.told, play.scene.before) as wrapper:
        play.scene.wait_fresh(2)
        wrapper.send("tools/call")
        play.scene.daemon.wait_state("WAKE")
        wrapper.answer()


def does_as_it_is_told(play: Play) -> None:
    """No wrapper can write a heartbeat here."""
    for wish, state in (("sleep", "BEDTIME"), ("wake", "WAKE")):
        ask(play.home, wish, {"for": "1s"})
        assert play.scene.daemon.state()[0] == state
    assert play.status()["presence"]["fresh"] == 1


def keeps_who_is_there(play: Play) -> None:
    """And no worker can be started."""
    play.consolidate("expire")
    assert any("its worker cannot be started" in each["why"] for each in play.told("nights"))
    before = play.status()
    until(lambda: play.status()["tick"]["at"] > before["tick"]["at"])
    assert play.status()["presence"]["fresh"] == 1


def goes_on_unasked(play: Play) -> None:
    """Nobody can call; who works is seen all the same."""
    play.scene.wrapper.send("tools/call")
    until(lambda: play.line().startswith("WAKE (active)"))
    play.scene.wrapper.answer()


def _require_linux(why: str) -> None:
    if sys.platform != "linux":
        pytest.skip(why)


# --- the home


@contextmanager
def bad_settings(play: Play) -> Iterator[None]:
    play.home.config.write_text(CONFIG.replace("tick", "tikc"))
    play.hang_up()
    yield
    play.home.config.write_text(CONFIG)


@contextmanager
def file_for_directory(play: Play) -> Iterator[None]:
    play.home.backups.rmdir()
    play.home.backups.write_text("")
    yield
    play.home.backups.unlink()


def _directory_at(path: Path) -> bool:
    """The daemon makes its file again whenever it looks, so one has to be faster."""
    path.unlink(missing_ok=True)
    with suppress(FileExistsError):
        path.mkdir()
    return path.is_dir()


@contextmanager
def directory_for_file(play: Play, path: Callable[[Home], Path]) -> Iterator[None]:
    until(lambda: _directory_at(path(play.home)))
    yield
    path(play.home).rmdir()


@contextmanager
def directory_for_log(play: Play) -> Iterator[None]:
    with directory_for_file(play, lambda home: home.log):
        ask(play.home, "wake", {"for": "100ms"})
        yield


@contextmanager
def vanished_directory(play: Play) -> Iterator[None]:
    others = play.home.root / "others"
    others.rmdir()
    yield
    others.mkdir()


@contextmanager
def interpreter_gone(play: Play) -> Iterator[None]:
    _require_linux("a unit is systemd's")
    unit = definition_path(play.home, "linux")
    unit.parent.mkdir(parents=True)
    unit.write_text('[Service]\nExecStart="/gone/python" -P -m iai_daemon run\n')
    yield
    unit.unlink()


# --- the store


def memories(home: Home, number: int = 30) -> str:
    """A memory, and the name of its backup."""
    with closing(open_stores(home)) as stores:
        stores.memory.import_many((Draft(f"Note {each}.") for each in range(number)), 0)
        return back_up_now(stores.nights, home, read().wall).name


@contextmanager
def damaged_store(play: Play) -> Iterator[None]:
    backup = memories(play.home)
    spoiled = play.home.root / "spoiled"
    spoiled.write_bytes(b"\xff" * 4096 + play.home.memory.read_bytes()[4096:])
    for ending in ("-wal", "-shm"):
        play.home.memory.with_name(f"memory.db{ending}").unlink(missing_ok=True)
    spoiled.replace(play.home.memory)
    yield
    assert call(play.home, "store", "restore", backup).returncode == 0


@contextmanager
def newer_store(play: Play) -> Iterator[None]:
    until(play.home.memory.exists)
    with closing(sqlite3.connect(play.home.memory, isolation_level=None)) as other:
        (known,) = other.execute("PRAGMA user_version").fetchone()
        other.execute(f"PRAGMA user_version = {known + 1}")
        play.hang_up()
        yield
        other.execute(f"PRAGMA user_version = {known}")


_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("BEGIN EXCLUSIVE")
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_store(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """By a process that lets nobody read it; it goes when its input is closed."""
    memories(home)
    words = [sys.executable, "-c", _HOLD, str(home.memory)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n"
        yield holder


# --- nights


@contextmanager
def embedder_gone(play: Play) -> Iterator[None]:
    memories(play.home)
    with embedding_server() as server:
        answer = server.answer
        server.answer = lambda handler, _asked: handler.connection.close()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        play.home.config.write_text(
            f'{ASKED}[embedding]\nmodel = "http"\nurl = "{url}"\nremote_model = "tiny"\n'
        )
        ask(play.home, "reload")
        play.consolidate("embed")
        yield
        server.answer = answer
        play.consolidate("embed")


class Hungry(Looking):
    """A pass that takes more memory than it may have for as many records as it wants at once."""

    name = "hungry"
    portion_size = 16

    def plan(self, portion: Any, now: int, yield_point: Any) -> Any:
        hungry(portion.records, yield_point)
        return super().plan(portion, now, yield_point)


@contextmanager
def too_little_memory(play: Play) -> Iterator[None]:
    memories(play.home)
    play.home.config.write_text(
        ASKED.replace("[consolidation]", '[consolidation]\npasses = ["hungry"]\nmemory_limit = "256MB"')
    )
    ask(play.home, "reload")
    play.consolidate("hungry")
    yield
    play.consolidate("hungry")


@contextmanager
def worker_killed(play: Play) -> Iterator[None]:
    """By somebody, as the kernel does where memory runs short."""
    memories(play.home)
    play.home.config.write_text(ASKED.replace("[consolidation]", '[consolidation]\npasses = ["shot"]'))
    ask(play.home, "reload")
    play.consolidate("shot")
    yield
    (play.home.root / "spared").touch()
    play.consolidate("shot")


class Shot(Looking):
    """A pass whose process is killed, until it is spared."""

    name = "shot"

    def plan(self, portion: Any, now: int, yield_point: Any) -> Any:
        if not (self.home.root / "spared").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().plan(portion, now, yield_point)


# --- the agenda


@contextmanager
def agent_gone(play: Play) -> Iterator[None]:
    program = play.home.root / "scribe"
    play.home.config.write_text(
        f'{CONFIG}[agenda]\ndefer_when_busy = "100ms"\n[agents.scribe]\ncommand = ["{program}"]\n'
    )
    ask(play.home, "reload")
    assert call(play.home, "recall", "add", "Hello.", "--session", "one", "--now").returncode == 0
    yield
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)


@contextmanager
def backend_gone(play: Play) -> Iterator[None]:
    with calendar_backend() as backend:
        backend.on_beat = lambda handler: handler.connection.close()
        configure(play.home, backend.url, interval="300ms")
        ask(play.home, "reload")
        yield
        backend.on_beat = None
        until(lambda: not play.told("calendar"))
        play.home.config.write_text(CONFIG)
        ask(play.home, "reload")


# --- the machine


@contextmanager
def full_disk(play: Play) -> Iterator[None]:
    play.scene.wait_quiet()
    filler = play.home.root / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    until(partial(_moves_until, play, "state"))
    yield
    filler.unlink()


@contextmanager
def read_only_disk(play: Play) -> Iterator[None]:
    assert play.stage is not None
    where = play.scene.told.root
    play.scene.wait_quiet()
    play.stage.run("mount", "--bind", where, where)
    play.stage.run("mount", "-o", "remount,bind,ro", where)
    until(partial(_moves_until, play, "state"))
    yield
    play.stage.run("umount", "--lazy", where)


def _moves_until(play: Play, what: str) -> bool:
    """Two transitions that want to be written down."""
    for wish in ("sleep", "wake"):
        ask(play.home, wish, {"for": "100ms"})
    return bool(play.told(what))


@contextmanager
def no_descriptors(play: Play) -> Iterator[None]:
    _require_linux("only Linux has prlimit and /proc")
    line = _Line(play.home)
    with line.connection:
        line.status()
        play.status, play.consolidate = line.status, partial(_consolidate_on, line)
        with _none_left(play.scene.daemon.process.pid):
            yield
    play.status, play.consolidate = play.scene.daemon.status, partial(_consolidate, play.home)
    play.consolidate("expire")


def _consolidate_on(line: _Line, name: str) -> None:
    line.connection.sendall(control_call("consolidate", {"force": True, "passes": [name]}, 1))
    assert b"error" in line.connection.recv(65536)


@contextmanager
def no_inotify(play: Play) -> Iterator[None]:
    assert play.stage is not None
    limit = "/proc/sys/user/max_inotify_watches"
    play.stage.run("sh", "-c", f"echo 0 > {limit}")
    shutil.rmtree(play.home.wrappers)
    play.home.wrappers.mkdir(mode=0o700)
    # Its heartbeat went with the directory, and without news it writes the next one in half a minute.
    play.scene.act()
    yield
    play.stage.run("sh", "-c", f"echo 100 > {limit}")


@dataclass(frozen=True)
class Fault:
    """One line of the table.

    `what` is degraded then, because of something in these `words`, and the doctor has a `finding`. `still` shows what works all
    the same. `kinds` are the namespaces that it takes.
    """

    what: str
    words: tuple[str, ...]
    finding: str
    breaks: Breaks
    still: Callable[[Play], None] = wakes_for_its_user
    config: str = CONFIG
    kinds: tuple[str, ...] = ()
    answers: bool = True


MOUNTS = ("--mount",)
FAULTS = {
    "bad settings": Fault("config", ("line", "tikc"), "config.reload", bad_settings),
    "a file for a directory": Fault("home", ("backups",), "home", file_for_directory),
    "a directory for the lock": Fault(
        "lock",
        ("daemon.lock",),
        "daemon.lock",
        partial(directory_for_file, path=lambda home: home.daemon_lock),
    ),
    "a directory for the socket": Fault(
        "control",
        ("daemon.sock",),
        "daemon",
        partial(directory_for_file, path=lambda home: home.socket),
        goes_on_unasked,
        answers=False,
    ),
    "a directory for the log": Fault("log", ("cannot be written",), "log", directory_for_log),
    "wrappers' directory gone": Fault(
        "presence", ("others", "vanished"), "presence", vanished_directory, config=also(Path("{home}/others"))
    ),
    "interpreter gone": Fault("version", ("/gone/python",), "daemon.version", interpreter_gone),
    "damaged store": Fault("store", ("is damaged", "store restore"), "store", damaged_store),
    "newer store": Fault("store", ("newer iai-daemon",), "store", newer_store),
    "embedder gone": Fault("nights", ("embed", "127.0.0.1"), "nights", embedder_gone, config=ASKED),
    "too little memory": Fault("nights", ("too little memory",), "nights", too_little_memory, config=ASKED),
    "worker killed": Fault("nights", ("killed", "SIGKILL"), "nights", worker_killed, config=ASKED),
    "agent gone": Fault("agent scribe", ("scribe",), "agenda.agents", agent_gone),
    "backend gone": Fault("calendar", ("127.0.0.1",), "agenda.calendar", backend_gone),
    "full disk": Fault(
        "state", ("No space left",), "home.state", full_disk, does_as_it_is_told, kinds=MOUNTS
    ),
    "read-only disk": Fault(
        "state", ("Read-only",), "home.state", read_only_disk, does_as_it_is_told, kinds=MOUNTS
    ),
    "no descriptors": Fault(
        "presence", ("Too many open files",), "daemon", no_descriptors, keeps_who_is_there
    ),
    "no inotify": Fault(
        "watching", ("inotify watches",), "watching", no_inotify, kinds=("--user", "--map-root-user")
    ),
}
