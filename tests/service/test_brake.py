"""The brake under launchd, which restarts without end: five starts in five minutes without a clean stop end in safe mode."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from iai_daemon.claim import claim
from iai_daemon.config import Consolidation, Log, Settings
from iai_daemon.control import client
from iai_daemon.daemon import Daemon
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.log import close_log, open_log
from iai_daemon.paths import Home
from iai_daemon.service.brake import RESTS_FOR, STARTS, WITHIN, Brake, SafeMode, is_under_launchd
from tests.fakes import FakeClock
from tests.journeys.real import SHORT, call, command, until

LAUNCHD = {"XPC_SERVICE_NAME": "io.example.iai-daemon"}


@pytest.fixture
def brake(home: Home) -> Brake:
    return Brake(home.starts, "this boot")


def _starts(brake: Brake, clock: FakeClock, count: int, every: float = 12.0) -> list[bool]:
    """Whether each of so many starts, one after the other, is one in safe mode."""
    found = []
    for _ in range(count):
        found.append(brake.start(clock.now()) is not None)
        clock.advance(every)
    return found


def test_the_fifth_start_within_five_minutes_is_safe_and_so_is_the_next(brake: Brake) -> None:
    assert _starts(brake, FakeClock(), STARTS + 2) == [False] * (STARTS - 1) + [True] * 3


def test_a_start_now_and_then_is_no_loop(brake: Brake) -> None:
    assert not any(_starts(brake, FakeClock(), 20, every=WITHIN / (STARTS - 1) + 1))


def test_a_clean_stop_begins_anew(brake: Brake) -> None:
    clock = FakeClock()
    _starts(brake, clock, STARTS)
    brake.stop()
    brake.stop()
    assert _starts(brake, clock, STARTS - 1) == [False] * (STARTS - 1)


def test_it_says_why_and_rests_for_an_hour(brake: Brake) -> None:
    clock = FakeClock()
    _starts(brake, clock, STARTS - 1)
    safe = brake.start(clock.now())
    assert safe is not None
    assert safe.until == clock.awake + RESTS_FOR
    assert safe.why == "it was started 5 times within 5 minutes and never stopped cleanly in between"


def test_neither_a_set_clock_nor_another_boot_makes_a_loop(home: Home, brake: Brake) -> None:
    clock = FakeClock()
    _starts(brake, clock, STARTS - 1)
    assert Brake(home.starts, "another boot").start(clock.now()) is None
    clock = FakeClock()
    for _ in range(STARTS - 1):
        brake.start(clock.now())
        clock.step(-3600)
    clock.suspend(WITHIN)
    assert brake.start(clock.now()) is None


@pytest.mark.parametrize(
    "left", [b"", b"[]", b"{", b'{"boot_id": "this boot", "starts": ["x"]}', b"[" * 100_000]
)
def test_a_damaged_note_tells_of_no_start(home: Home, brake: Brake, left: bytes) -> None:
    home.starts.write_bytes(left)
    assert _starts(brake, FakeClock(), STARTS) == [False] * (STARTS - 1) + [True]


@pytest.mark.parametrize(
    ("name", "under"),
    [(None, False), ("0", False), ("application.com.apple.Terminal.1", False), ("io.example.x", True)],
)
def test_only_a_label_of_a_service_means_launchd(name: str | None, under: bool) -> None:
    assert is_under_launchd({} if name is None else {"XPC_SERVICE_NAME": name}) is under


# --- real daemons


@contextmanager
def started(home: Home, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(home, "run"),
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: process.poll() is not None or _answers(home, process.pid))
        yield process
    finally:
        process.terminate()
        assert process.communicate(timeout=20) == ("", "")


def _answers(home: Home, pid: int) -> bool:
    try:
        return bool(client.status(home)["pid"] == pid)
    except (DaemonAway, DaemonMute):
        return False


def _die(home: Home, environment: dict[str, str], times: int) -> None:
    for _ in range(times):
        with started(home, environment) as process:
            process.send_signal(signal.SIGKILL)


def _safe(home: Home) -> bool:
    return any(each["what"] == "safe mode" for each in client.status(home)["degraded"])


def test_a_daemon_that_keeps_dying_stays_up_and_only_looks(home: Home) -> None:
    home.config.write_text(SHORT)
    _die(home, LAUNCHD, STARTS - 1)
    home.memory.unlink()
    with started(home, LAUNCHD):
        assert _safe(home)
        until(lambda: client.status(home)["state"] == "BEDTIME")
        done = call(home, "consolidate")
        assert done.returncode == 1
        assert "safe mode" in done.stderr
        seen = client.status(home)
        assert (seen["consolidation"]["running"], seen["store"]["memories"]) == (False, None)
        assert not home.memory.exists()
        assert '"safe mode: presence only, no nights, no agents"' in home.log.read_text()
    with started(home, LAUNCHD):
        assert not _safe(home)


def test_elsewhere_there_is_no_brake(home: Home) -> None:
    home.config.write_text(SHORT)
    _die(home, {}, STARTS - 1)
    with started(home, {}):
        assert not _safe(home)
    assert not home.starts.exists()


def test_launchd_is_not_asked_to_mend_the_settings(home: Home) -> None:
    """It would start the daemon every ten seconds for ever."""
    home.config.write_text("nonsense")
    for environment, status in ((LAUNCHD, 0), ({}, 78)):
        done = subprocess.run(
            command(home, "run"),
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == status
        assert "config.toml" in done.stderr


class _Hours(FakeClock):
    """Time that passes as soon as the daemon waits; after two hours it is asked to end."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self._began = self.awake
        self.looked_after: list[float] = []

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        if self._home.memory.exists():
            self.looked_after.append(self.awake - self._began)
        if self.awake - self._began > 2 * RESTS_FOR:
            os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(5):
            await asyncio.sleep(0)  # noqa: TID251 -- lets the loop hear of the signal, takes no time
        return await super().wait(changed, seconds)


def test_after_an_hour_it_works_again_by_itself(home: Home) -> None:
    clock = _Hours(home)
    safe = SafeMode(clock.awake + RESTS_FOR, STARTS)

    async def main() -> None:
        with claim(home) as claimed:
            log = open_log(home.log, Log(), None)
            settings = Settings(consolidation=Consolidation(enabled=False))
            await Daemon(claimed, settings, clock, log, safe=safe).run()

    try:
        asyncio.run(main())
    finally:
        close_log()
    assert clock.looked_after[0] == pytest.approx(RESTS_FOR, abs=Settings().lifecycle.tick)
    assert '"safe mode is over"' in home.log.read_text()
