"""The memory when it is large: how fast it is searched, filled, carried elsewhere and backed up, each against what SQLite does bare.

`--records 1000000` measures a memory of a million; that takes minutes.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.figures import Better, Figure, absolute, constant, ratio
from benchmarks.measuring import Effort, by_turns, command, peak_of, quantile, seconds, whole_command
from benchmarks.notes import filled, notes, questions
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Query
from iai_daemon.paths import Home
from iai_daemon.progress import unheard
from iai_daemon.storage.sqlite import open_database

RECORDS, LARGE = 20_000, 100_000
_BARE_SEARCH = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT 50"
_PORTION = 5_000
_BARE = "python -c pass"


def measure(effort: Effort) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        root, records = Path(name), effort.records or RECORDS
        yield from _importing(root, effort.turns(2, 5))
        home = filled(root / "some", records)
        yield from _searching(home, records, effort.of(2, 4))
        yield from _backing_up(home, records, effort.turns(3, 7))
        yield from _at_a_prompt(home, records, effort)
        if not effort.quick:
            if not effort.records:
                home, records = filled(root / "large", LARGE), LARGE
                yield from _searching(home, records, 3, thorough=True)
            yield from _round_trip(root, home, records)


# Into the memory.


def _importing(root: Path, rounds: int) -> Iterator[Figure]:
    """Notes told at once, against the same rows and words in a bare file with an index of words."""
    numbers, drafts = itertools.count(), list(notes(_PORTION, time.time()))
    works: dict[str, Callable[[], float]] = {
        "ours": lambda: _portion(root / f"import-{next(numbers)}", drafts),
        "bare": lambda: _bare_portion(root / f"bare-{next(numbers)}.db", drafts),
    }
    taken = by_turns(rounds, works)
    rates = ([_PORTION / each for each in taken[side]] for side in ("ours", "bare"))
    label = f"an import of {_PORTION:,}, its rate"
    yield ratio(label, *rates, "a second", "bare inserts with an index of words", better=Better.HIGHER)
    yield absolute(
        label + " alone",
        [_PORTION / each for each in taken["ours"]],
        "a second",
        better=Better.HIGHER,
        goal=5000.0,
    )
    file = root / "notes.jsonl"
    _as_lines(file, drafts)
    whole = [_whole_import(root / f"whole-{number}", file) for number in range(rounds)]
    label = f"`memory import` of a file of {_PORTION:,}, its start included"
    yield absolute(label, [_PORTION / each for each in whole], "a second", better=Better.HIGHER)


def _portion(root: Path, drafts: Sequence[Draft]) -> float:
    home = Home(root)
    home.create()
    with closing(open_stores(home)) as stores:
        return seconds(lambda: stores.memory.import_many(drafts, round(time.time() * 1000)))


def _bare_portion(path: Path, drafts: Sequence[Draft]) -> float:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE records (id INTEGER PRIMARY KEY, content, subject, attribute, created_at)"
        )
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (content)")

        def insert() -> None:
            for start in range(0, len(drafts), 200):
                part = drafts[start : start + 200]
                rows = [(each.content, each.subject, each.attribute, each.created_at) for each in part]
                with connection:
                    connection.executemany(
                        "INSERT INTO records (content, subject, attribute, created_at) VALUES (?, ?, ?, ?)",
                        rows,
                    )
                    connection.executemany(
                        "INSERT INTO words (content) VALUES (?)", [row[:1] for row in rows]
                    )

        return seconds(insert)


def _as_lines(file: Path, drafts: Sequence[Draft]) -> None:
    with file.open("w", encoding="utf-8") as lines:
        for number, draft in enumerate(drafts):
            created = datetime.fromtimestamp(draft.created_at or 0.0, UTC).isoformat()
            line = {"id": f"note-{number}", "content": draft.content, "created_at": created}
            if draft.subject:
                line |= {"subject": draft.subject, "attribute": draft.attribute or ""}
            lines.write(json.dumps(line) + "\n")


def _whole_import(root: Path, file: Path) -> float:
    home = Home(root)
    home.create()
    return whole_command(command(home, "memory", "import", str(file)))


# Searches.


def _searching(home: Home, records: int, rounds: int, *, thorough: bool = False) -> Iterator[Figure]:
    """Each by turns with the bare query for the same words; a round is a hundred questions."""
    pairs = [searched(home, questions(100)) for _ in range(rounds)]
    for percent in (50, 95):
        both = ([quantile(pair[side], percent) for pair in pairs] for side in (0, 1))
        goal = 2.0 if percent == 95 else None
        label = f"a search among {records:,}, p{percent}"
        yield ratio(label, *both, "s", "the bare query for the same words", goal=goal, thorough=thorough)


def searched(home: Home, asked: Sequence[str]) -> tuple[list[float], list[float]]:
    """Seconds of each search and of each bare query; the first of all is not counted."""
    ours: list[float] = []
    bare: list[float] = []
    with closing(open_stores(home)) as stores, closing(open_database(home.memory)) as index:
        now = round(time.time() * 1000)
        stores.memory.search(Query(asked[0]), now)
        for question in asked:
            match = " OR ".join(f'"{word}"' for word in words_of(question))
            began = time.perf_counter()
            index.execute(_BARE_SEARCH, (match,)).fetchall()
            between = time.perf_counter()
            stores.memory.search(Query(question), now)
            ours.append(time.perf_counter() - between)
            bare.append(between - began)
    return ours, bare


def _at_a_prompt(home: Home, records: int, effort: Effort) -> Iterator[Figure]:
    asked = itertools.cycle(questions(20))
    works: dict[str, Callable[[], float]] = {
        "search": lambda: whole_command(command(home, "memory", "search", next(asked))),
        _BARE: lambda: whole_command([sys.executable, "-c", "pass"]),
    }
    taken = by_turns(effort.of(3, 9), works)["search"]
    yield absolute(f"`memory search` among {records:,}, a whole process", taken, "s")


# Out of it.


def _backing_up(home: Home, records: int, rounds: int) -> Iterator[Figure]:
    """Copied, read through, and given its name, against SQLite's own copy."""
    with tempfile.TemporaryDirectory() as folder:
        works: dict[str, Callable[[], float]] = {
            "ours": partial(_backup, home),
            "bare": partial(_bare_backup, home, Path(folder) / "copy.db"),
        }
        taken = by_turns(rounds, works)
    yield ratio(f"a backup of {records:,}", taken["ours"], taken["bare"], "s", "SQLite's copy alone")


def _backup(home: Home) -> float:
    with closing(open_stores(home)) as stores:
        copy = home.root / "measured.db"
        taken = seconds(lambda: stores.nights.back_up(copy, lambda: True, unheard))
    copy.unlink()
    return taken


def _bare_backup(home: Home, copy: Path) -> float:
    copy.unlink(missing_ok=True)
    with closing(open_database(home.memory)) as source, closing(sqlite3.connect(copy)) as target:
        return seconds(lambda: source.backup(target))


def _round_trip(root: Path, home: Home, records: int) -> Iterator[Figure]:
    """The whole memory out of one home and into another, each in its process."""
    file, there = root / "everything.jsonl", Home(root / "there")
    there.create()
    began = time.perf_counter()
    with file.open("wb") as lines:
        out = peak_of(command(home, "memory", "export", "--full"), lines.fileno())
    exported = time.perf_counter()
    back = peak_of(command(there, "memory", "import", str(file)))
    imported = time.perf_counter()
    words = f"a full export of {records:,}"
    yield constant(f"{words}, peak memory", out, "MB", goal=120.0, thorough=True)
    yield constant(f"{words}, imported, peak memory", back, "MB", goal=120.0, thorough=True)
    yield constant(words, exported - began, "s", thorough=True)
    yield constant(f"{words}, imported", imported - exported, "s", thorough=True)
