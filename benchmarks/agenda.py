"""The agenda: how late agents are woken, and what many recalls cost. `python benchmarks/agenda.py [--quick]`."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import CallType, Draft
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Filter, Viewer
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp

CONFIG = """
[consolidation]
enabled = false
[agents.a]
command = ["{agent}", "{{message}}"]
max_runs_per_day = 100000
max_minutes_per_day = 100000.0
"""
# The cheapest agent that can say when it was there.
AGENT = """#!/bin/sh
date +%s%N >> "{told}.$1"
"""
EVERYBODY = Viewer("", administrator=True)


def add(agenda: AgendaStore, name: str, due: int) -> None:
    now = time.time_ns() // 1_000_000
    trigger = Trigger("at", format_stamp(due / 1000), "UTC", due)
    draft = Draft(name, "a", name, CallType.ONCE, trigger, "me")
    agenda.add(draft, first(draft, now), now)


def lateness(number: int) -> list[float]:
    """Milliseconds between the time of a recall and the first words of its agent, one recall after the other."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        home, agent, told = Home(root / "home"), root / "agent", root / "told"
        home.create()
        agent.write_text(AGENT.format(told=told))
        agent.chmod(0o700)
        home.config.write_text(CONFIG.format(agent=agent))
        with closing(open_agenda(home)) as opened:
            begin = time.time_ns() // 1_000_000 + 2000
            due = {f"n{each}": begin + 400 * each for each in range(number)}
            for name, at in due.items():
                add(opened.store, name, at)
            with subprocess.Popen(
                [sys.executable, "-m", "iai_daemon", "--home", str(home.root), "run"]
            ) as daemon:
                _wait_until_answered(home)
                while opened.store.recalls(EVERYBODY, Filter(live=True)):
                    time.sleep(0.2)
                daemon.terminate()
        return [
            int(Path(f"{told}.{name}").read_text(encoding="ascii")) / 1e6 - at for name, at in due.items()
        ]


def _wait_until_answered(home: Home) -> None:
    while True:
        try:
            client.status(home)
        except DaemonAway:
            time.sleep(0.05)
        else:
            return


def many(number: int) -> tuple[float, float]:
    """Seconds to add so many, and microseconds of the question that the daemon asks once a tick."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.create()
        with closing(open_agenda(home)) as opened:
            far = time.time_ns() // 1_000_000 + 86_400_000
            watch = time.perf_counter()
            for each in range(number):
                add(opened.store, f"n{each}", far + each)
            added = time.perf_counter() - watch
            asked = []
            for _ in range(200):
                watch = time.perf_counter()
                opened.store.next_try_at(0)
                asked.append(time.perf_counter() - watch)
        return added, statistics.median(asked) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    late = sorted(lateness(20 if quick else 100))
    p99 = late[min(len(late) - 1, round(0.99 * len(late)))]
    print(
        f"woken after its time      p50 {statistics.median(late):6.1f} ms   p99 {p99:6.1f} ms   (goal 50 ms)"
    )
    few, lots = (100, 2_000) if quick else (1_000, 100_000)
    for number in (few, lots):
        added, asked = many(number)
        print(
            f"{number:>7,} pending   added in {added:6.1f} s   at rest one question of {asked:5.1f} µs a tick"
        )


if __name__ == "__main__":
    main()
