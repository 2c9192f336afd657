"""The memory when it is large: how fast it is searched against the bare index, how fast it takes an import, what a million
records need. `python benchmarks/memory.py [--records N] [--quick] [--million]`
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.night import WORDS, note, quantile
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Query
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite import open_database, side_file

MILLION = 1_000_000
# A note has so many words.
WORDS_A_NOTE = 24
_WEIGHTS = list(itertools.accumulate(1 / place for place in range(1, len(WORDS) + 1)))
_BARE = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT 50"

Row = tuple[str, str, str]


def questions(count: int) -> list[str]:
    """Of one to eight words, each as frequent in questions as it is in notes."""
    luck = random.Random(7)  # noqa: S311 -- the same questions each time
    return [" ".join(luck.choices(WORDS, cum_weights=_WEIGHTS, k=1 + at % 8)) for at in range(count)]


def notes(count: int, now: float) -> Iterator[Draft]:
    luck = random.Random(count)  # noqa: S311 -- the same notes each time
    return (note(number, luck, WORDS_A_NOTE, now) for number in range(count))


def filled(root: Path, count: int) -> tuple[Home, float, int]:
    """A home whose memory holds so many notes; how many records a second that took, the making of notes not counted, and the
    largest size of the log in bytes."""
    home, now, making, log = Home(root), time.time(), 0.0, 0
    home.create()

    def made() -> Iterator[Draft]:
        nonlocal making, log
        waiting = notes(count, now)
        while True:
            began = time.perf_counter()
            portion = list(itertools.islice(waiting, 5000))
            making += time.perf_counter() - began
            yield from portion
            log = max(log, side_file(home.memory, "-wal").stat().st_size)
            if not portion:
                return

    with closing(open_stores(home)) as stores:
        began = time.perf_counter()
        stores.memory.import_many(made(), round(now * 1000))
        seconds = time.perf_counter() - began - making
    return home, count / seconds, log


def import_of_a_file(root: Path, count: int) -> tuple[float, float]:
    """Records a second of a whole `memory import` in its process, and that process's peak memory in MB."""
    home, file, now = Home(root / "imported"), root / "notes.jsonl", time.time()
    home.create()
    with file.open("w", encoding="utf-8") as lines:
        for number, draft in enumerate(notes(count, now)):
            created = datetime.fromtimestamp(draft.created_at or now, UTC).isoformat()
            line = {
                "id": f"note-{number}",
                "content": draft.content,
                "subject": draft.subject,
                "attribute": draft.attribute,
                "created_at": created,
            }
            lines.write(json.dumps(line) + "\n")
    began = time.perf_counter()
    peak = _peak_of(["--home", str(home.root), "memory", "import", str(file)])
    return count / (time.perf_counter() - began), peak


def round_trip(root: Path, home: Home) -> list[Row]:
    """The whole memory out of one home and into another, each in its process."""
    file, there = root / "everything.jsonl", Home(root / "there")
    there.create()
    began = time.perf_counter()
    with file.open("wb") as lines:
        out = _peak_of(["--home", str(home.root), "memory", "export", "--full"], lines.fileno())
    exported = time.perf_counter() - began
    began = time.perf_counter()
    back = _peak_of(["--home", str(there.root), "memory", "import", str(file)])
    imported = time.perf_counter() - began
    return [
        ("a full export / its import", f"{exported:.1f} / {imported:.1f} s", ""),
        ("their peak memory", f"{out:.0f} / {back:.0f} MB", "≤ 120 MB"),
    ]


def _peak_of(arguments: Sequence[str], output: int | None = None) -> float:
    """The peak memory of one run of the command, in MB."""
    process = subprocess.Popen(
        [sys.executable, "-m", "iai_daemon", *arguments],
        stdout=subprocess.DEVNULL if output is None else output,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return _megabytes(usage.ru_maxrss)


def _megabytes(maxrss: int) -> float:
    return maxrss / (1e6 if sys.platform == "darwin" else 1024)


def searching(home: Home, asked: Sequence[str], rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each search and of the bare query for the same words, by turns; the first of all is not counted."""
    ours: list[float] = []
    bare: list[float] = []
    with closing(open_stores(home)) as stores, closing(open_database(home.memory)) as index:
        now = round(time.time() * 1000)
        stores.memory.search(Query(asked[0]), now)
        for _ in range(rounds):
            for question in asked:
                match = " OR ".join(f'"{word}"' for word in words_of(question))
                began = time.perf_counter()
                index.execute(_BARE, (match,)).fetchall()
                between = time.perf_counter()
                stores.memory.search(Query(question), now)
                ours.append((time.perf_counter() - between) * 1000)
                bare.append((between - began) * 1000)
    return ours, bare


def opening(home: Home, asked: Sequence[str]) -> dict[str, float]:
    """In this process: seconds until the memory is open and has answered once, p95 of the searches in ms, peak memory in MB."""
    began = time.perf_counter()
    with closing(open_stores(home)) as stores:
        now = round(time.time() * 1000)
        stores.memory.search(Query(asked[0]), now)
        first = time.perf_counter() - began
    ours, bare = searching(home, asked, 1)
    return {
        "first": first,
        "ours": quantile(ours, 95),
        "bare": quantile(bare, 95),
        "peak": _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss),
    }


def opening_alone(home: Home, count: int) -> dict[str, float]:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--opening", str(home.root), "--questions", str(count)],
        check=True,
        capture_output=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def cli_search(home: Home, times: int) -> float:
    """Seconds of a whole `memory search`, the median."""
    taken = []
    for question in questions(times):
        began = time.perf_counter()
        _peak_of(["--home", str(home.root), "memory", "search", question])
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def rows_of(root: Path, records: int, asked: int, rounds: int) -> Iterator[Row]:
    home, rate, log = filled(root / "large", records)
    yield f"import of {records:,} records, in this process", f"{rate:,.0f} a second", "≥ 5,000"
    yield "the largest its log has been", f"{log / 1e6:.0f} MB", ""
    rate, peak = import_of_a_file(root, records)
    yield "`memory import` of a file of them", f"{rate:,.0f} a second", "≥ 5,000"
    yield "its peak memory", f"{peak:.0f} MB", ""
    yield from round_trip(root, home)
    ours, bare = searching(home, questions(asked), rounds)
    yield "p50 of a search / of the bare query", _pair(ours, bare, 50), ""
    yield "p95 of a search / of the bare query", _pair(ours, bare, 95), ""
    yield (
        "p95 of a search, in that of the bare query",
        f"{quantile(ours, 95) / quantile(bare, 95):.2f} ×",
        "≤ 2 ×",
    )
    yield "`memory search`, a whole process", f"{cli_search(home, 9):.2f} s", ""


def rows_of_a_million(root: Path, asked: int) -> Iterator[Row]:
    home, rate, _ = filled(root / "million", MILLION)
    yield f"import of {MILLION:,} records", f"{rate:,.0f} a second", "≥ 5,000"
    measured = opening_alone(home, asked)
    yield "open and answer the first question", f"{measured['first']:.2f} s", ""
    yield "p95 of a search / of the bare query", f"{measured['ours']:.0f} / {measured['bare']:.0f} ms", ""
    yield "peak memory of that process", f"{measured['peak']:.0f} MB", "≤ 120 MB"
    yield "`memory search`, a whole process", f"{cli_search(home, 9):.2f} s", ""


def _pair(ours: list[float], bare: list[float], percent: int) -> str:
    return f"{quantile(ours, percent):.1f} / {quantile(bare, percent):.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, help="how many (default 100000, with --quick 20000)")
    parser.add_argument("--quick", action="store_true", help="a smaller memory, fewer questions")
    parser.add_argument(
        "--million", action="store_true", help="also a memory of a million; that takes minutes"
    )
    parser.add_argument("--opening", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--questions", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.opening:
        print(json.dumps(opening(Home(options.opening), questions(options.questions))))
        return
    records = options.records or (20_000 if options.quick else 100_000)
    asked, rounds = (40, 1) if options.quick else (100, 3)
    with tempfile.TemporaryDirectory() as name:
        large = rows_of(Path(name), records, asked, rounds)
        for what, reached, goal in itertools.chain(
            large, rows_of_a_million(Path(name), asked) if options.million else ()
        ):
            print(f"{what:50} {reached:>22}" + (f"   goal {goal}" if goal else ""), flush=True)


if __name__ == "__main__":
    main()
