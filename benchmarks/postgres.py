"""A memory and an agenda in PostgreSQL: how fast it is searched against the bare query, by four daemons at once; ten thousand recalls
that are due at the same moment; a night against the same night on a file. Everything runs on a server of its own, as users of a team do.

`python benchmarks/postgres.py [--records N] [--recalls N] [--night N] [--quick]`
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg

from benchmarks.memory import notes, questions
from benchmarks.night import filled, one_night, quantile
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.store import Query
from iai_daemon.paths import Home
from iai_daemon.storage.postgres.server import prepare
from tests.agenda.test_shared import Process
from tests.storage.team import Team, team

DAEMONS = 4
# As a file does it: what was acknowledged survives the end of any process, and not a loss of power.
SETTINGS = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB", "max_wal_size": "2GB"}
# What anybody would write who has the table and its index.
_BARE = """
    SELECT record FROM iai.words, CAST(%s AS tsquery) AS question WHERE stems @@ question
    ORDER BY ts_rank(stems, question) DESC LIMIT 50
"""

Row = tuple[str, str, str]


def home_of(team: Team, folder: Path, database: str, user: str = "ada") -> Home:
    """A home whose settings name the database."""
    home = Home(folder)
    home.create()
    home.config.write_text(f'[memory]\nstore = "{team.address(user, database)}"\n')
    home.config.chmod(0o600)
    return home


def fill(home: Home, records: int) -> float:
    """Records a second."""
    began = time.perf_counter()
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(notes(records, time.time()), round(time.time() * 1000))
    return records / (time.perf_counter() - began)


# Searches.


def searching(home: Home, owner: str, asked: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each search by the store, and of the bare query for the same words, by turns."""
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    now = round(time.time() * 1000)
    with closing(open_stores(home)) as stores, psycopg.connect(owner, autocommit=True) as bare:
        prepare(bare)
        stores.memory.search(Query(asked[0]), now)
        for question in list(asked) * rounds:
            stems = bare.execute(
                "SELECT tsvector_to_array(iai.stems_of(%s))", (" ".join(words_of(question)),)
            ).fetchone()
            match = " | ".join(f"'{stem}'" for stem in (stems or [[]])[0])
            began = time.perf_counter()
            bare.execute(_BARE, (match,)).fetchall()
            between = time.perf_counter()
            stores.memory.search(Query(question), now)
            times["ours"].append((time.perf_counter() - between) * 1000)
            times["bare"].append((between - began) * 1000)
    return times


def searching_at_once(homes: Sequence[Home], owner: str, asked: int, rounds: int) -> dict[str, list[float]]:
    """The same in so many processes at the same time."""
    argv = [sys.executable, __file__, "--owner", owner, "--questions", str(asked), "--rounds", str(rounds)]
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen([*argv, "--searching", str(home.root)], stdout=subprocess.PIPE, text=True)
            )
            for home in homes
        ]
        answers = [json.loads(child.communicate(timeout=3600)[0]) for child in children]
    return {name: [each for answer in answers for each in answer[name]] for name in ("ours", "bare")}


def rows_of_searches(
    team: Team, database: str, homes: Sequence[Home], asked: int, rounds: int
) -> Iterator[Row]:
    owner = team.address("iai_owner", database)
    for title, times in (
        ("one daemon", searching(homes[0], owner, questions(asked), rounds)),
        (f"{len(homes)} daemons at once", searching_at_once(homes, owner, asked, rounds)),
    ):
        for percent in (50, 95):
            ours, bare = (quantile(times[name], percent) for name in ("ours", "bare"))
            yield f"p{percent} of a search / of the bare query, {title}", f"{ours:.1f} / {bare:.1f} ms", ""
        yield "its p95, in that of the bare query", f"{ours / bare:.2f} ×", "≤ 2 ×"


# Recalls.

_PLANNED = (
    "INSERT INTO sessions (id, registered_at) SELECT 's' || n, 1 FROM generate_series(1, %s) AS n",
    """
    INSERT INTO recalls (
        session_id, agent, message, call_type, kind, expression, zone, anchor, owner, made_by, comment,
        overlap, jitter, retries, backoff, status, created_at, updated_at, catch_up
    )
    SELECT id, 'a', 'Look.', 'once', 'at', '2026-01-01T00:00:00Z', 'UTC', 1, 'me', 'user', '',
        'skip', 0, 0, 0, 'pending', 1, 1, 'all'
    FROM sessions
    """,
    """
    INSERT INTO occurrences (recall, scheduled_for, state, next_try_at, seen_at)
    SELECT id, now, 'planned', now, now FROM recalls, CAST(extract(epoch FROM now()) * 1000 AS BIGINT) AS now
    """,
)


def waking(address: str, folder: Path, recalls: int) -> tuple[float, list[str]]:
    """Seconds until so many recalls that are due at once are done by four daemons; the sessions that each has woken."""
    with psycopg.connect(address, autocommit=True) as connection:
        prepare(connection)
        for each in _PLANNED:
            connection.execute(each.encode(), (recalls,) if "%s" in each else None)
    processes = [Process(folder / f"agenda-{number}", address, "--tick=3") for number in range(DAEMONS)]
    try:
        began = time.perf_counter()
        for process in processes:
            process.go()
        woken = [line for process in processes for line in process.wait()]
        return time.perf_counter() - began, woken
    finally:
        for process in processes:
            process.end()


def rows_of_recalls(team: Team, folder: Path, recalls: int) -> Iterator[Row]:
    with team.database() as database:
        seconds, woken = waking(team.address("ada", database), folder, recalls)
    times = Counter(woken)
    doubled, missing = sum(count > 1 for count in times.values()), recalls - len(times)
    yield f"{recalls:,} recalls due at once, {DAEMONS} daemons", f"{seconds:.1f} s", ""
    yield "woken twice / not at all", f"{doubled} / {missing}", "0 / 0"


# Nights.


def rows_of_nights(team: Team, folder: Path, records: int, rounds: int) -> Iterator[Row]:
    """The first night over the same notes, on both engines by turns."""
    seconds: dict[str, list[float]] = {"file": [], "server": []}
    for number in range(rounds):
        in_a_file = filled(folder / f"file-{number}", records)
        with team.database() as database:
            on_the_server = home_of(team, folder / f"server-{number}", database)
            fill(on_the_server, records)
            for name, home in (("file", in_a_file), ("server", on_the_server)):
                taken, report = one_night(home)
                assert report["outcome"] == "completed", report
                seconds[name].append(taken)
    file, server = (statistics.median(seconds[name]) for name in ("file", "server"))
    yield f"a night over {records:,} records, server / file", f"{server:.1f} / {file:.1f} s", ""
    yield "its time on a server, in that on a file", f"{server / file:.2f} ×", "≤ 3 ×"


def rows_of(team: Team, folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    with team.database() as database:
        homes = [home_of(team, folder / f"daemon-{number}", database) for number in range(DAEMONS)]
        rate = fill(homes[0], options.records)
        yield f"import of {options.records:,} records", f"{rate:,.0f} a second", ""
        with psycopg.connect(team.address("iai_owner", database), autocommit=True) as connection:
            connection.execute("ANALYZE iai.records, iai.words")
        yield from rows_of_searches(team, database, homes, options.questions, options.rounds)
    yield from rows_of_recalls(team, folder, options.recalls)
    yield from rows_of_nights(team, folder, options.night, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, help="to search in (default 100000, with --quick 10000)")
    parser.add_argument("--recalls", type=int, help="due at once (default 10000, with --quick 500)")
    parser.add_argument("--night", type=int, help="records of a night (default as --records, 100000 at most)")
    parser.add_argument("--quick", action="store_true", help="a smaller memory, fewer questions")
    parser.add_argument("--searching", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--owner", help=argparse.SUPPRESS)
    parser.add_argument("--questions", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.questions = options.questions or (40 if options.quick else 100)
    options.rounds = options.rounds or (1 if options.quick else 2)
    if options.searching:
        asked = questions(options.questions)
        print(json.dumps(searching(Home(options.searching), options.owner, asked, options.rounds)))
        return
    options.records = options.records or (10_000 if options.quick else 100_000)
    options.recalls = options.recalls or (500 if options.quick else 10_000)
    options.night = options.night or min(options.records, 100_000)
    with tempfile.TemporaryDirectory() as name, team(**SETTINGS) as made:
        for what, reached, goal in rows_of(made, Path(name), options):
            print(f"{what:62} {reached:>18}" + (f"   goal {goal}" if goal else ""), flush=True)


if __name__ == "__main__":
    main()
