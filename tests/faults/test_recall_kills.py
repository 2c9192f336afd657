"""A daemon that is killed again and again around the moments at which recalls are due: none runs twice, none is forgotten."""

from __future__ import annotations

import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

from iai_daemon import clock
from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import CallType, Draft, State
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Filter, Viewer
from iai_daemon.clock import pause
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp
from tests.fakes import LONG
from tests.faults.seeds import luck
from tests.journeys.real import RunningDaemon, command, until

KILLS = 1000 if LONG else 12
AT_A_TIME = 3
EVERYBODY = Viewer("", administrator=True)
CONFIG = """
[lifecycle]
tick = "1s"
[consolidation]
enabled = false
[agents.a]
command = ["{script}", "{{message}}"]
max_runs_per_day = 100000
max_minutes_per_day = 100000.0
"""
SCRIPT = """#!/bin/sh
echo "$1" >> "{ran}"
"""


def add(agenda: AgendaStore, name: str, due: int, now: int) -> None:
    trigger = Trigger("at", format_stamp(due / 1000), "UTC", due)
    draft = Draft(name, "a", name, CallType.ONCE, trigger, "me")
    agenda.add(draft, first(draft, now), now)


def run_and_kill(home: Home, seconds: float) -> None:
    with subprocess.Popen(
        command(home, "run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as daemon:
        pause(seconds)
        daemon.kill()


def is_over(agenda: AgendaStore) -> bool:
    return not agenda.recalls(EVERYBODY, Filter(live=True))


def test_a_daemon_that_is_killed_at_any_moment_never_starts_an_agent_twice_and_forgets_nothing(
    tmp_path: Path,
) -> None:
    home, ran, script = Home(tmp_path / "home"), tmp_path / "ran", tmp_path / "agent"
    home.create()
    ran.touch()
    script.write_text(SCRIPT.format(ran=ran))
    script.chmod(0o700)
    home.config.write_text(CONFIG.format(script=script))
    chance = luck("recalls")
    with closing(open_agenda(home)) as opened:
        for number in range(KILLS):
            now = clock.read().milliseconds
            for each in range(AT_A_TIME):
                add(opened.store, f"{number}.{each}", now + chance.randrange(200, 700), now)
            run_and_kill(home, chance.uniform(0.25, 0.8))
        daemon = RunningDaemon(home, home.config.read_text())
        try:
            until(lambda: is_over(opened.store), 60)
        finally:
            daemon.stop()
        told = {each.session_id: each for each in opened.store.history(None, 1_000_000)}
    times = Counter(ran.read_text().split())
    assert max(times.values()) == 1
    assert len(told) == KILLS * AT_A_TIME
    assert {each.state for each in told.values()} <= {State.DONE, State.FAILED}
    for name, each in told.items():
        if each.state is State.DONE:
            assert times[name] == 1, name
        else:
            assert each.reason, name
    assert any(each.state is State.DONE for each in told.values())
