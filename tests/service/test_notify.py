"""What a service manager hears: of the parts, and of a real daemon whose loop works, fails in its parts, hangs, reloads and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.paths import Home
from iai_daemon.service.notify import Notifier, watchdog_interval
from iai_daemon.service.pulse import Pulse
from iai_daemon.units import NEVER
from tests.fakes import FakeClock
from tests.journeys.real import SHORT, command, until
from tests.journeys.test_nights import fill

# No tick of its own within any test: what comes then comes for the watchdog's sake.
SELDOM = SHORT.replace('tick = "2s"', 'tick = "1h"')
WATCHDOG = 0.9


class Manager:
    """The socket that a manager listens on."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.heard: list[str] = []

    def listen(self, seconds: float = 0.0) -> list[str]:
        """All that was told so far, a datagram each."""
        self._socket.settimeout(seconds or 0.001)
        try:
            while True:
                self.heard.append(self._socket.recv(4096).decode())
                self._socket.settimeout(0.001)
        except TimeoutError:
            return self.heard

    def wait(self, words: str, seconds: float = 10.0) -> str:
        """The first that begins so, from now on."""
        self.heard.clear()

        def found() -> str | None:
            return next((each for each in self.listen(0.05) if each.startswith(words)), None)

        return until(found, seconds) or ""

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    name = f"@iai-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    if name.startswith("@") and not Path("/proc").is_dir():
        pytest.skip("only Linux has names without a file")
    opened = Manager(name)
    yield opened
    opened.close()


@pytest.fixture
def at_a_path(tmp_path: Path) -> Iterator[Manager]:
    opened = Manager(str(tmp_path / "notify"))
    yield opened
    opened.close()


def test_every_word_is_the_managers(manager: Manager) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.address})
    notifier.ready("WAKE\n(active)")
    notifier.watchdog()
    notifier.status("IDLE (idle)")
    notifier.reloading()
    notifier.stopping()
    *told, reloading, stopping = manager.listen()
    assert told == ["READY=1\nSTATUS=WAKE (active)", "WATCHDOG=1", "STATUS=IDLE (idle)"]
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert reloading.partition("USEC=")[2].isdigit()
    assert stopping == "STOPPING=1"


@pytest.mark.parametrize("address", ["", "relative/path", "vsock:2:1234", "/nowhere/at/all"])
def test_without_a_manager_nothing_is_told_and_nothing_fails(address: str) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": address} if address else {})
    notifier.ready("WAKE")
    notifier.stopping()
    assert notifier.is_heard == address.startswith("/")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
    ],
)
def test_the_watchdog_is_for_the_process_that_it_names(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert watchdog_interval(environment, pid=7) == seconds


def test_a_pulse_makes_ready_once_and_tells_a_status_only_when_it_is_another(at_a_path: Manager) -> None:
    clock = FakeClock()
    pulse = Pulse(Notifier({"NOTIFY_SOCKET": at_a_path.address}), None)
    pulse.reloading()
    for status in ("one", "one", "two"):
        pulse.beat(lambda said=status: said, clock.now())  # type: ignore[misc]
    assert at_a_path.listen() == ["READY=1\nSTATUS=one", "STATUS=two"]
    assert pulse.next_at == NEVER


def test_a_pulse_is_due_several_times_within_the_managers_limit(at_a_path: Manager) -> None:
    clock = FakeClock()
    pulse = Pulse(Notifier({"NOTIFY_SOCKET": at_a_path.address}), 30.0)
    pulse.beat(lambda: "one", clock.now())
    assert pulse.next_at == clock.awake + 10.0
    assert at_a_path.listen() == ["READY=1\nSTATUS=one", "WATCHDOG=1"]


def test_nobody_is_asked_for_a_status_that_nobody_hears() -> None:
    def fail() -> str:
        raise AssertionError

    pulse = Pulse(Notifier({}), 30.0)
    pulse.beat(fail, FakeClock().now())
    pulse.reloading()
    pulse.reloaded(fail)
    assert pulse.next_at == NEVER


# --- a real daemon


@contextmanager
def served(home: Home, manager: Manager, config: str = SELDOM) -> Iterator[subprocess.Popen[str]]:
    home.create()
    home.config.write_text(config)
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": str(round(WATCHDOG * 1_000_000)),
    }
    process = subprocess.Popen(
        command(home, "run"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        assert process.communicate(timeout=20) == ("", "")


def test_ready_is_told_when_the_socket_answers_and_the_first_look_is_done(
    home: Home, manager: Manager
) -> None:
    with served(home, manager):
        told = manager.wait("READY=1")
        assert client.status(home)["rule"] in told
        assert told.startswith("READY=1\nSTATUS=IDLE (nobody)")


def test_the_daemon_wakes_for_the_watchdog_where_its_tick_is_longer(home: Home, at_a_path: Manager) -> None:
    with served(home, at_a_path):
        at_a_path.wait("READY=1")
        watch = Stopwatch()
        for _ in range(4):
            at_a_path.wait("WATCHDOG=1", WATCHDOG)
        assert watch.seconds() > WATCHDOG / 3


def test_a_loop_that_hangs_is_not_heard_of(home: Home, at_a_path: Manager) -> None:
    with served(home, at_a_path) as process:
        at_a_path.wait("WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        pause(0.1)
        at_a_path.listen()
        at_a_path.heard.clear()
        assert at_a_path.listen(WATCHDOG) == []
        process.send_signal(signal.SIGCONT)
        at_a_path.wait("WATCHDOG=1")


def test_a_tick_that_fails_in_its_parts_is_heard_of_and_the_status_says_what_fails(
    home: Home, at_a_path: Manager
) -> None:
    with served(home, at_a_path, SHORT.replace('tick = "2s"', 'tick = "100ms"')):
        at_a_path.wait("READY=1")
        home.backups.rmdir()
        home.backups.write_text("in the way")
        assert at_a_path.wait("STATUS=").endswith("; degraded: home")
        failures = client.status(home)["tick"]["failures"]
        at_a_path.wait("WATCHDOG=1", WATCHDOG)
        until(lambda: client.status(home)["tick"]["failures"] > failures)


def test_a_reload_is_announced_and_ended_whatever_becomes_of_it(home: Home, at_a_path: Manager) -> None:
    with served(home, at_a_path) as process:
        at_a_path.wait("READY=1")
        for text, status in ((SELDOM, "(nobody)"), ("nonsense", "degraded: config")):
            home.config.write_text(text)
            at_a_path.heard.clear()
            process.send_signal(signal.SIGHUP)
            until(lambda: [each for each in at_a_path.listen(0.05) if each.startswith("READY=1")])
            told = [each for each in at_a_path.heard if each != "WATCHDOG=1"]
            assert told[0].startswith("RELOADING=1\nMONOTONIC_USEC=")
            assert told[1].startswith("READY=1\n")
            assert told[1].endswith(status)


def test_the_end_is_announced_and_nothing_after_it(home: Home, at_a_path: Manager) -> None:
    with served(home, at_a_path) as process:
        at_a_path.wait("READY=1")
        process.terminate()
        process.wait(timeout=20)
        assert at_a_path.listen(0.05)[-1] == "STOPPING=1"


def test_no_child_speaks_in_the_daemons_name(home: Home, at_a_path: Manager) -> None:
    home.create()
    fill(home, 5000)
    with served(home, at_a_path, SHORT) as process:
        names = until(lambda: _environment_of_a_worker(process.pid), 30).keys()
        assert "PATH" in names
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & names


def _environment_of_a_worker(daemon: int) -> dict[str, str]:
    """Once it is one: at first it still has what the daemon was started with."""
    for child in psutil.Process(daemon).children():
        with suppress(psutil.NoSuchProcess):
            if "iai_daemon.consolidation.worker" in child.cmdline():
                return child.environ()
    return {}
