"""The agenda: how late agents are woken, and what many recalls cost.

Late is from the time of a recall to the first words of its agent, a script that writes down when it is, one recall after the other.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.figures import Figure, absolute, constant, ratio
from benchmarks.living import Running
from benchmarks.measuring import Effort, by_turns, quantile, seconds, until
from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import CallType, Draft
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Filter, Viewer
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
# Milliseconds from one recall to the next, and until the first.
_APART, _AHEAD = 400, 5000
_FEW, _MANY = 500, 5_000
_ASKED = 200
_PORTION = 200


def measure(effort: Effort) -> Iterator[Figure]:
    late = lateness(effort.turns(8, 50))
    yield absolute("woken after its time, p50", late, "s", goal=0.05)
    yield constant("woken after its time, p99", quantile(late, 99), "s", goal=0.05)
    with tempfile.TemporaryDirectory() as name:
        numbers = itertools.count()
        kinds = {
            "ours": lambda: adding(Path(name) / f"home-{next(numbers)}"),
            "bare": lambda: adding_rows(Path(name) / f"rows-{next(numbers)}.db"),
        }
        added = by_turns(effort.of(3, 7), kinds)
        few, many = (filled(Path(name) / f"{count}", count) for count in (_FEW, _MANY))
        asked = asking(few, many, effort.of(3, 9))
    yield ratio(
        "a recall that is added",
        added["ours"],
        added["bare"],
        "s",
        "a row in a bare file of SQLite that is as safe from a loss of power",
    )
    words = f"asking what is due, of {_MANY:,}"
    yield ratio(words, asked[1], asked[0], "s", f"the same of {_FEW:,}")


def add(agenda: AgendaStore, name: str, due: int) -> None:
    now = time.time_ns() // 1_000_000
    trigger = Trigger("at", format_stamp(due / 1000), "UTC", due)
    draft = Draft(name, "a", name, CallType.ONCE, trigger, "me")
    agenda.add(draft, first(draft, now), now)


def lateness(number: int) -> list[float]:
    """Seconds, of so many recalls."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        home, agent, told = Home(root / "home"), root / "agent", root / "told"
        home.create()
        agent.write_text(AGENT.format(told=told))
        agent.chmod(0o700)
        with closing(open_agenda(home)) as opened:
            begin = time.time_ns() // 1_000_000 + _AHEAD
            due = {f"n{each}": begin + _APART * each for each in range(number)}
            for name, at in due.items():
                add(opened.store, name, at)
            with Running(home.root, CONFIG.format(agent=agent)):
                until(lambda: not opened.store.recalls(EVERYBODY, Filter(live=True)), 60 + number, pause=0.2)
        return [
            int(Path(f"{told}.{name}").read_text(encoding="ascii")) / 1e9 - at / 1e3
            for name, at in due.items()
        ]


def adding(root: Path) -> float:
    """Seconds of one, the mean of a portion."""
    home = Home(root)
    home.create()
    far = time.time_ns() // 1_000_000 + 86_400_000
    with closing(open_agenda(home)) as opened:
        return seconds(lambda: [add(opened.store, f"n{n}", far + n) for n in range(_PORTION)]) / _PORTION


def adding_rows(path: Path) -> float:
    """The same of rows as wide, each in a transaction of its own."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "CREATE TABLE recalls (id INTEGER PRIMARY KEY, session, agent, message, due INTEGER)"
        )
        connection.execute("CREATE INDEX by_due ON recalls (due)")

        def one(number: int) -> None:
            with connection:
                row = (f"n{number}", "a", f"n{number}", number)
                connection.execute(
                    "INSERT INTO recalls (session, agent, message, due) VALUES (?, ?, ?, ?)", row
                )

        return seconds(lambda: [one(number) for number in range(_PORTION)]) / _PORTION


def filled(root: Path, number: int) -> Home:
    """A home in whose agenda so many recalls wait for tomorrow."""
    home = Home(root)
    home.create()
    far = time.time_ns() // 1_000_000 + 86_400_000
    with closing(open_agenda(home)) as opened:
        for each in range(number):
            add(opened.store, f"n{each}", far + each)
    return home


def asking(few: Home, many: Home, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the question that the daemon asks once a tick, in both, by turns."""

    def of(agenda: AgendaStore) -> float:
        return statistics.median(seconds(lambda: agenda.next_try_at(0)) for _ in range(_ASKED))

    with closing(open_agenda(few)) as one, closing(open_agenda(many)) as other:
        taken = by_turns(rounds, {"few": lambda: of(one.store), "many": lambda: of(other.store)})
    return taken["few"], taken["many"]
