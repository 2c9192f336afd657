"""Wrappers below an agent that we woke: they are its, not the user's."""

from __future__ import annotations

import os
from pathlib import Path

from iai_daemon import clock
from iai_daemon.presence.classify import Status
from iai_daemon.presence.processes import SystemProcesses
from tests.fakes import FakeClock, FakeProcesses, process
from tests.presence.heartbeats import PID, only, publish, scanner, writing

AGENT = 700
WOKEN = frozenset({(AGENT, 500_000)})


def _family() -> FakeProcesses:
    """The wrapper below its client, that below a shell, that below the agent's own process."""
    return FakeProcesses(
        process(PID, parent=703), process(703, parent=702), process(702, parent=AGENT), process(AGENT)
    )


def test_a_wrapper_is_headless_when_one_of_its_ancestors_is_an_agent_that_we_woke(directory: Path) -> None:
    now = FakeClock().now()
    publish(directory, now)
    assert not only(scanner(directory, _family()).scan(now)).headless
    assert only(scanner(directory, _family()).scan(now, WOKEN)).headless


def test_a_recycled_pid_of_an_agent_makes_nobody_headless(directory: Path) -> None:
    now = FakeClock().now()
    publish(directory, now)
    assert not only(scanner(directory, _family()).scan(now, frozenset({(AGENT, 499_999)}))).headless


def test_it_stays_headless_when_the_agent_has_ended_and_the_wrapper_still_writes(directory: Path) -> None:
    time, family = FakeClock(), _family()
    looking = scanner(directory, family)
    publish(directory, time.now())
    looking.scan(time.now(), WOKEN)
    family.end(AGENT)
    publish(directory, time.advance(30), last_activity="2026-11-21T12:00:29Z")
    assert only(looking.scan(time.now())).headless


def test_ancestors_that_go_round_in_a_circle_end_the_search(directory: Path) -> None:
    now = FakeClock().now()
    publish(directory, now)
    circle = FakeProcesses(process(PID, parent=703), process(703, parent=PID))
    assert not only(scanner(directory, circle).scan(now, WOKEN)).headless


def test_a_real_wrapper_below_this_process_is_headless_when_this_process_was_woken(
    directory: Path, tmp_path: Path
) -> None:
    processes = SystemProcesses()
    me = processes.look_up(os.getpid(), clock.read())
    assert me is not None
    with writing(directory), writing(tmp_path) as stranger:
        looking = scanner(directory, processes)
        other = processes.look_up(stranger.pid, clock.read())
        assert other is not None
        assert not only(looking.scan(clock.read(), frozenset({(other.pid, other.start)}))).headless
        seen = only(looking.scan(clock.read(), frozenset({(me.pid, me.start)})))
        assert (seen.status, seen.headless) == (Status.FRESH, True)
