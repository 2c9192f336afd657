"""A manager's watchdog strikes while the machine wakes up: the restart changes nothing that a person or a night would notice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from iai_daemon.lifecycle import history
from iai_daemon.paths import Home
from tests.faults.evening import HOUR
from tests.faults.machine import Machine
from tests.faults.test_suspend import CONFIG, everybody
from tests.journeys.real import RunningDaemon, call_json, until
from tests.journeys.test_nights import add_corrected_fact, nights

# A night comes at once where nobody is there, and the next one an hour later.
NIGHTS = """
[lifecycle]
tick = "100ms"
idle_after = "100ms"
absent_for = "100ms"
[consolidation]
naps = false
interval = "1h"
"""


@contextmanager
def running(home: Home, config: str) -> Iterator[RunningDaemon]:
    daemon = RunningDaemon(home, config)
    try:
        yield daemon
    finally:
        daemon.stop()


def struck(daemon: RunningDaemon) -> None:
    daemon.process.send_signal(signal.SIGABRT)
    daemon.process.communicate(timeout=20)


def test_whoever_was_there_before_the_sleep_is_there_after_it_and_the_restart(
    home: Home, machine: Machine
) -> None:
    with everybody(home, machine) as clients:
        with running(home, CONFIG) as daemon:
            until(lambda: daemon.status()["presence"]["fresh"] == len(clients) + 1)
            machine.suspend(8 * HOUR)
            struck(daemon)
        with running(home, CONFIG) as again:
            until(lambda: again.status()["presence"]["fresh"] == len(clients) + 1)
            assert again.state()[0] == "WAKE"
            seen = again.status()["presence"]
            assert (seen["stale"], seen["orphan"]) == (0, 0)
        assert [each["to"] for each in history.read(home.history)] == ["WAKE", "WAKE"]


def test_no_restart_brings_a_night_forward_and_a_sleep_counts_as_before(home: Home, machine: Machine) -> None:
    home.create()
    add_corrected_fact(home)
    with running(home, NIGHTS) as daemon:
        until(lambda: daemon.status()["consolidation"]["last"], 30)
        add_corrected_fact(home)
        machine.suspend(HOUR / 2)
        struck(daemon)
    for _ in range(3):
        with running(home, NIGHTS) as again:
            again.wait_state("BEDTIME")
            before = again.status()["tick"]["at"]
            until(lambda: again.status()["tick"]["at"] > before)  # noqa: B023 -- called at once
            struck(again)
    assert [each["outcome"] for each in nights(home)] == ["completed"]
    with running(home, NIGHTS) as daemon:
        machine.suspend(HOUR)
        until(lambda: len(nights(home)) == 2, 30)
        assert call_json(home, "status")["tick"]["failures"] == 0
