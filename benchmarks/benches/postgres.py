"""A memory and an agenda in PostgreSQL, on a server of its own, as users of a team use it, with row level security.

Searches against the bare query by one daemon and by four at once (what is promised is about a large memory: a search asks the server
more than once, which is what counts in a small one); recalls that are due at the same moment and are shared by four
daemons; a first night against the same night on a file. `--records 1000000` measures a memory of a million.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Absent, Figure, constant, ratio
from benchmarks.measuring import Effort, quantile
from benchmarks.notes import filled, notes, one_night, questions
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.store import Query
from iai_daemon.paths import Home

if TYPE_CHECKING:
    from tests.storage.team import Team

DAEMONS, RECALLS = 4, 500
RECORDS, LARGE, A_NIGHT = 10_000, 50_000, 5_000
# As a file does it: what was acknowledged survives the end of any process, and not a loss of power.
SETTINGS = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB", "max_wal_size": "2GB"}
# What anybody would write who has the table and its index.
_BARE = """
    SELECT record FROM iai.words, CAST(%s AS tsquery) AS question WHERE stems @@ question
    ORDER BY ts_rank(stems, question) DESC LIMIT 50
"""
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


def measure(effort: Effort) -> Iterator[Figure | Absent]:
    try:
        from tests.storage.team import team  # noqa: PLC0415 -- psycopg and a server are not everywhere
    except ImportError as cause:
        yield Absent("PostgreSQL", f"not installed: {cause.name}")
        return
    with tempfile.TemporaryDirectory() as name, team(**SETTINGS) as made:
        folder = Path(name)
        yield from _searches(made, folder, effort.records or RECORDS, effort)
        if not effort.quick and not effort.records:
            yield from _searches(made, folder, LARGE, effort, thorough=True)
        yield from _recalls(made, folder, RECALLS)
        yield from _nights(made, folder, min(effort.records or A_NIGHT, A_NIGHT), effort.turns(1, 3))


def home_of(team: Team, folder: Path, database: str, user: str = "ada") -> Home:
    """A home whose settings name the database."""
    home = Home(folder)
    home.create()
    home.config.write_text(f'[memory]\nstore = "{team.address(user, database)}"\n')
    home.config.chmod(0o600)
    return home


def fill(home: Home, records: int) -> None:
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(notes(records, time.time()), round(time.time() * 1000))


# Searches.


def _searches(
    team: Team, folder: Path, records: int, effort: Effort, *, thorough: bool = False
) -> Iterator[Figure]:
    import psycopg  # noqa: PLC0415 -- as above

    with team.database() as database:
        homes = [home_of(team, folder / f"{records}-{number}", database) for number in range(DAEMONS)]
        fill(homes[0], records)
        owner = team.address("iai_owner", database)
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute("ANALYZE iai.records, iai.words")
        one = [searching(homes[0], owner, 60) for _ in range(effort.of(2, 3))]
        many = [at_once(homes, owner, 30) for _ in range(effort.of(1, 3))]
    for rounds, who in ((one, "by one daemon"), (many, f"by {DAEMONS} daemons at once")):
        both = ([quantile(each[side], 95) for each in rounds] for side in ("ours", "bare"))
        label = f"a search among {records:,}, {who}, p95"
        yield ratio(
            label,
            *both,
            "s",
            "the bare query for the same words",
            goal=2.0 if records >= LARGE else None,
            needs="PostgreSQL",
            thorough=thorough,
        )


def searching(home: Home, owner: str, asked: int) -> dict[str, list[float]]:
    """Seconds of each search by the store, and of the bare query for the same words, by turns."""
    import psycopg  # noqa: PLC0415 -- as above

    from iai_daemon.storage.postgres.server import prepare  # noqa: PLC0415

    times: dict[str, list[float]] = {"ours": [], "bare": []}
    now = round(time.time() * 1000)
    with closing(open_stores(home)) as stores, psycopg.connect(owner, autocommit=True) as bare:
        prepare(bare)
        stores.memory.search(Query(questions(1)[0]), now)
        for question in questions(asked):
            stems = bare.execute(
                "SELECT tsvector_to_array(iai.stems_of(%s))", (" ".join(words_of(question)),)
            ).fetchone()
            match = " | ".join(f"'{stem}'" for stem in (stems or [[]])[0])
            began = time.perf_counter()
            bare.execute(_BARE, (match,)).fetchall()
            between = time.perf_counter()
            stores.memory.search(Query(question), now)
            times["ours"].append(time.perf_counter() - between)
            times["bare"].append(between - began)
    return times


def at_once(homes: Sequence[Home], owner: str, asked: int) -> dict[str, list[float]]:
    """The same in so many processes at the same time."""
    argv = [sys.executable, "-m", "benchmarks.benches.postgres", "--owner", owner, "--questions", str(asked)]
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen([*argv, "--home", str(home.root)], stdout=subprocess.PIPE, text=True)
            )
            for home in homes
        ]
        answers = [json.loads(child.communicate(timeout=600)[0]) for child in children]
    return {name: [each for answer in answers for each in answer[name]] for name in ("ours", "bare")}


# Recalls.


def _recalls(team: Team, folder: Path, recalls: int) -> Iterator[Figure]:
    with team.database() as database:
        taken, woken = waking(team.address("ada", database), folder, recalls)
    times = Counter(woken)
    label = f"{recalls:,} recalls due at once"
    yield constant(f"{label}, woken twice", sum(count > 1 for count in times.values()), "", goal=0.0)
    yield constant(f"{label}, not woken", recalls - len(times), "", goal=0.0)
    yield constant(f"{label}, by {DAEMONS} daemons", taken, "s", needs="PostgreSQL")


def waking(address: str, folder: Path, recalls: int) -> tuple[float, list[str]]:
    """Seconds until so many recalls that are due at once are done by four daemons; the sessions that each has woken."""
    import psycopg  # noqa: PLC0415 -- as above

    from iai_daemon.storage.postgres.server import prepare  # noqa: PLC0415
    from tests.agenda.test_shared import Process  # noqa: PLC0415

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


# Nights.


def _nights(team: Team, folder: Path, records: int, rounds: int) -> Iterator[Figure]:
    """The first night over the same notes, on both engines by turns."""
    taken: dict[str, list[float]] = {"file": [], "server": []}
    for number in range(rounds):
        in_a_file = filled(folder / f"file-{number}", records)
        with team.database() as database:
            on_the_server = home_of(team, folder / f"server-{number}", database)
            fill(on_the_server, records)
            for name, home in (("file", in_a_file), ("server", on_the_server)):
                seconds, report = one_night(home)
                assert report["outcome"] == "completed", report
                taken[name].append(seconds)
    label = f"a first night over {records:,}"
    yield ratio(
        label, taken["server"], taken["file"], "s", "the same on a file", goal=3.0, needs="PostgreSQL"
    )


def main() -> None:
    """One of several that search at once."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--questions", type=int, required=True)
    given = parser.parse_args()
    print(json.dumps(searching(Home(given.home), given.owner, given.questions)))


if __name__ == "__main__":
    main()
