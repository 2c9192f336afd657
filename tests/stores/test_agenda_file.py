"""The agenda in the embedded engine's file: who races for it, what kills leave, what it costs to ask, and how it got there."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

from iai_daemon.agenda.recall import Spent, State, Status
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Defer, Filter, Viewer
from iai_daemon.agenda.store.sql.agenda import SqlAgenda
from iai_daemon.errors import NewerStore, SessionTaken, StoreBusy
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from iai_daemon.storage.migrate import migrate, newest
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests.fakes import LONG
from tests.stores.recalls import (
    DONE,
    HOUR,
    LEASE,
    NOW,
    RUN,
    add,
    begin,
    claim,
    in_hours,
    occurrences,
    once,
    recurring,
    run,
    the_last,
)

ALL = Viewer("root", administrator=True)
DUE = 24
# Of all the statements that a run needs from its claim to its end, so many are not waited for.
KILLS = range(1, 60, 1 if LONG else 6)


@pytest.fixture
def agenda(home: Home) -> Iterator[SqlAgenda]:
    opened = open_agenda(home)
    assert isinstance(opened.store, SqlAgenda)
    yield opened.store
    opened.close()


def connection_of(agenda: SqlAgenda) -> sqlite3.Connection:
    assert isinstance(agenda._database, SqliteDatabase)
    return agenda._database.connection


# Races.


def test_of_threads_that_race_for_an_occurrence_exactly_one_gets_it(home: Home, agenda: AgendaStore) -> None:
    for number in range(DUE):
        add(agenda, recurring(f"s{number}"))
    won: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    start = Barrier(len(won))

    def race(holder: str) -> None:
        opened = open_agenda(home)
        start.wait()
        won[holder] += [
            due.occurrence.id
            for due in opened.store.due(NOW + HOUR, DUE)
            if claim(opened.store, due.occurrence, NOW + HOUR, holder)
        ]
        opened.close()

    threads = [Thread(target=race, args=(holder,)) for holder in won]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed = [occurrence for each in won.values() for occurrence in each]
    assert len(claimed) == len(set(claimed)) == DUE
    held = {each.id: each.holder for each in agenda.history(None, 1000) if each.state is State.CLAIMED}
    assert held == {occurrence: holder for holder, claims in won.items() for occurrence in claims}
    assert len(agenda.history(None, 1000)) == 2 * DUE, "what follows is planned once"


_RACE = """
import sys
from pathlib import Path
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.paths import Home
from tests.stores.recalls import HOUR, NOW, RUN, claim

agenda = open_agenda(Home(Path(sys.argv[1]))).store
print("ready", flush=True)
sys.stdin.readline()
for due in agenda.due(NOW + HOUR, 1000):
    if claim(agenda, due.occurrence, NOW + HOUR, sys.argv[2]):
        assert agenda.begin(due.occurrence.id, sys.argv[2], RUN, NOW + HOUR)
        print(due.occurrence.id)
"""


def test_of_processes_that_race_for_an_occurrence_exactly_one_runs_it(
    home: Home, agenda: AgendaStore
) -> None:
    for number in range(DUE):
        add(agenda, once(f"s{number}"))
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACE, str(home.root), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    ran = [int(line) for racer in racers for line in racer.communicate()[0].split()]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert len(ran) == len(set(ran)) == DUE
    assert len(agenda.under_way()) == DUE


def test_the_database_itself_refuses_a_second_pending_recall(agenda: SqlAgenda) -> None:
    first = add(agenda, recurring())
    begun = begin(agenda, the_last(agenda, first), NOW + HOUR)
    add(agenda, once(when=NOW + 9 * HOUR), NOW + HOUR)
    agenda.end(begun, DONE, NOW + HOUR)
    with pytest.raises(sqlite3.IntegrityError, match=r"recalls\.session_id"):
        connection_of(agenda).execute("UPDATE recalls SET status = 'pending'")


def test_of_threads_that_race_for_a_session_exactly_one_gets_it(home: Home, agenda: AgendaStore) -> None:
    kept, refused = [], []
    start = Barrier(3)

    def race() -> None:
        opened = open_agenda(home)
        start.wait()
        try:
            kept.append(add(opened.store, once()))
        except SessionTaken as error:
            refused.append(error)
        opened.close()

    threads = [Thread(target=race) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(kept), len(refused)) == (1, 2)
    assert agenda.recalls(ALL, Filter()) == kept


# Kills.

_FROM_CLAIM_TO_END = """
import os, signal, sys
from pathlib import Path
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.paths import Home
from tests.stores.recalls import DONE, HOUR, NOW, RUN, claim

home, left = Home(Path(sys.argv[1])), int(sys.argv[2])
opened = open_agenda(home)
agenda = opened.store

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

(due,) = agenda.due(NOW + HOUR, 5)
opened.database.connection.set_trace_callback(count)
assert claim(agenda, due.occurrence, NOW + HOUR)
run = agenda.begin(due.occurrence.id, "me", RUN, NOW + HOUR)
(home.root / "the-agent-was-here").touch()
agenda.end(run, DONE, NOW + HOUR)
"""


def everything(agenda: AgendaStore) -> object:
    history = agenda.history(None, 1000)
    return agenda.recalls(ALL, Filter()), history, [agenda.runs(each.id) for each in history]


def whole_ones(folder: Path) -> list[object]:
    """What there is before and after each step."""
    home = Home(folder)
    home.create()
    opened = open_agenda(home)
    agenda = opened.store
    recall = add(agenda, recurring())
    seen = [everything(agenda)]
    occurrence = the_last(agenda, recall)
    claim(agenda, occurrence, NOW + HOUR)
    seen.append(everything(agenda))
    begun = agenda.begin(occurrence.id, "me", RUN, NOW + HOUR)
    assert begun
    seen.append(everything(agenda))
    agenda.end(begun, DONE, NOW + HOUR)
    seen.append(everything(agenda))
    opened.close()
    return seen


def test_a_kill_anywhere_between_claim_and_end_leaves_whole_steps_and_never_a_second_run(
    tmp_path: Path,
) -> None:
    whole = whole_ones(tmp_path / "whole")
    reached = set()
    for kill in KILLS:
        home = Home(tmp_path / f"killed-{kill}")
        home.create()
        opened = open_agenda(home)
        agenda = opened.store
        recall = add(agenda, recurring())
        done = subprocess.run(
            [sys.executable, "-c", _FROM_CLAIM_TO_END, str(home.root), str(kill)], check=False
        )
        assert done.returncode in (-signal.SIGKILL, 0)
        now = everything(agenda)
        assert now in whole, f"killed at statement {kill}"
        reached.add(whole.index(now))
        agenda.recover("another", "lost", NOW + HOUR + LEASE, alone=False)
        if (home.root / "the-agent-was-here").exists():
            assert occurrences(agenda, recall)[0].state in (State.FAILED, State.DONE)
        opened.close()
    assert reached == {0, 1, 2, 3}, "the kills reach every step"


def test_a_run_that_was_lost_counts_until_it_was_heard_of_last(agenda: AgendaStore) -> None:
    begin(agenda, the_last(agenda, add(agenda, once())), NOW + HOUR)
    agenda.recover("another", "lost", NOW + 9 * HOUR, alone=False)
    assert agenda.spent("claude", NOW, NOW + 9 * HOUR) == Spent(1, LEASE)


# What it costs.


def hot_questions(agenda: SqlAgenda) -> None:
    """What is asked at each tick, or when something is due."""
    agenda.next_try_at(0)
    agenda.see(NOW + HOUR, NOW + HOUR - 60_000)
    with agenda.deciding(NOW + HOUR, 3) as decisions:
        assert decisions.claim(decisions.due[0], "me", LEASE, in_hours(2))
        decisions.change(Defer(decisions.due[1].occurrence.id, NOW + HOUR, "busy"))
        decisions.cancel(decisions.due[2], "enough")
    agenda.waiting_for_others(["claude"], NOW + HOUR)
    for due in agenda.due(NOW + HOUR, 3):
        if claim(agenda, due.occurrence, NOW + HOUR):
            begun = agenda.begin(due.occurrence.id, "me", RUN, NOW + HOUR)
            assert begun
            agenda.started(begun, 5, 5)
            agenda.renew("me", [due.occurrence.id], NOW + HOUR + LEASE, NOW + HOUR)
            agenda.under_way()
            agenda.confirm("token-1", NOW + HOUR)
            agenda.end(begun, DONE, NOW + HOUR)
    agenda.recover("me", "lost", NOW + 9 * HOUR, alone=False)
    agenda.recover("me", "lost", NOW + 9 * HOUR, alone=True)
    agenda.acted_after(NOW + HOUR)
    agenda.spent("claude", NOW, NOW + HOUR)
    agenda.oldest_run_since("claude", NOW)
    agenda.missed_since(NOW + HOUR)
    agenda.with_pending(["s1", "s2"])
    agenda.register("s1", None, NOW)
    agenda.history(1, 5)
    agenda.skip_next(5, in_hours(2), "", NOW)
    agenda.run_now(6, NOW)
    agenda.cancel(7, "", NOW)


@pytest.mark.parametrize("analysed", [False, True])
def test_what_the_daemon_asks_is_looked_up_and_never_walked_through(
    agenda: SqlAgenda, analysed: bool
) -> None:
    connection = connection_of(agenda)
    connection.execute("PRAGMA synchronous = OFF")
    for number in range(200):
        add(agenda, recurring(f"s{number}"))
    if analysed:
        connection.execute("ANALYZE")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    hot_questions(agenda)
    connection.set_trace_callback(None)
    partial = {
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'"
        )
    }
    walked = set()
    for statement in asked:
        if not statement.lstrip().startswith(("BEGIN", "COMMIT", "PRAGMA", "--")):
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                by = re.search(r"USING (?:COVERING )?INDEX (\w+)", row["detail"])
                known = "VIRTUAL TABLE" in row["detail"] or "CONSTANT ROW" in row["detail"]
                if row["detail"].startswith("SCAN") and not known and (by is None or by[1] not in partial):
                    walked.add((row["detail"], statement))
    assert len(asked) > 50
    assert not walked


def test_where_nothing_is_to_be_written_nobodys_lock_is_waited_for(home: Home, agenda: AgendaStore) -> None:
    add(agenda, once())
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert agenda.next_try_at(0) == NOW + HOUR
        agenda.see(NOW, NOW - HOUR)
        assert agenda.due(NOW, 5) == []
        agenda.settle([], NOW)
        assert agenda.renew("me", [1], NOW, NOW) == set()
        with agenda.deciding(NOW, 5) as decisions:
            assert decisions.due == ()
        assert agenda.recover("me", "", NOW, alone=True) == []
        assert not agenda.register("s1", None, NOW)
        assert agenda.confirm("x", NOW) is None
        with pytest.raises(StoreBusy, match="for 1 s"):
            agenda.pause(1, NOW)
    assert agenda.pause(1, NOW)


def test_what_has_begun_survives_a_power_cut(agenda: SqlAgenda, home: Home) -> None:
    """The other side of the store does without: an fsync for each memory would cost too much."""
    full, normal = 2, 1
    assert connection_of(agenda).execute("PRAGMA synchronous").fetchone()[0] == full
    with closing(open_stores(home)) as stores:
        assert isinstance(stores.database, SqliteDatabase)
        assert stores.database.connection.execute("PRAGMA synchronous").fetchone()[0] == normal


# Where it comes from.


def test_a_store_that_had_no_agenda_gets_one_and_keeps_its_memories(home: Home) -> None:
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as old:
        migrate(old, until=6)
        old.execute(
            """
            INSERT INTO records (external_id, content, kind, scope, tags, created_at, valid_from, change)
            VALUES ('x', 'The port is 8080.', 'fact', 'global', '[]', 1, 1, 1)
            """
        )
    opened = open_agenda(home)
    recall = add(opened.store, once())
    run(opened.store, the_last(opened.store, recall), NOW + HOUR)
    assert opened.store.recall(recall.id).status is Status.FIRED
    opened.close()
    with closing(open_stores(home)) as stores:
        assert [each.content for each in stores.memory.export()] == ["The port is 8080."]
        stores.memory.add(Draft("another"), NOW)
    with closing(sqlite3.connect(home.memory)) as now:
        assert now.execute("PRAGMA user_version").fetchone()[0] == newest()


def test_who_has_a_file_that_is_not_there_any_more_can_tell(home: Home) -> None:
    opened = open_agenda(home)
    assert not opened.moved()
    home.memory.rename(home.root / "elsewhere.db")
    assert opened.moved()
    opened.close()


def test_a_program_that_cannot_use_the_store_says_so_and_leaves_it_closed(home: Home) -> None:
    open_agenda(home).close()
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {newest() + 1}")
    with pytest.raises(NewerStore, match="newer iai-daemon"):
        open_agenda(home)
