"""The night: how its time and memory grow, what it costs when little is new, how fast it gives way.

A night is a whole one with every pass, its process included. It is asked to give way at moments spread over one over long notes,
whose batches are the longest there are, and in the middle of a computation that would go on for hours.
"""

from __future__ import annotations

import asyncio
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, absolute, constant, ratio
from benchmarks.measuring import Effort, by_turns, quantile, seconds, whole_command
from benchmarks.notes import WORDS_A_NOTE, filled, note, one_night
from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.night import WORKER, Event, Job, Night
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.flock import is_held
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.sqlite.opening import stores_on
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite import open_database
from tests.consolidation.own_worker import program

RECORDS, LARGEST = 20_000, 40_000
# So many notes are new on an ordinary day of a large memory.
CHANGED = 500
_BARE = "python -c pass"


def measure(effort: Effort) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        records = effort.records or RECORDS
        yield from _growing(root, effort.turns(1, 3), records // 2, records)
        if not effort.quick:
            yield from _growing(root, 1, records, records * LARGEST // RECORDS, thorough=True)
        yield from _with_little_new(root / f"full-{records}", records, effort)
        yield from _giving_way(root, records // 5, effort)


def _growing(root: Path, rounds: int, small: int, large: int, *, thorough: bool = False) -> Iterator[Figure]:
    """First nights over two memories, by turns."""
    templates = {str(size): _template(root / f"full-{size}", size) for size in (small, large)}
    reports: dict[str, list[dict[str, Any]]] = {size: [] for size in templates}
    nights = {size: partial(_first_night, home, reports[size]) for size, home in templates.items()}
    taken = by_turns(rounds, nights)
    times = large / small
    against = f"one over {small:,}"
    goal = round(times**1.2, 2) if thorough else 2.2
    whole = taken[str(large)], taken[str(small)]
    yield ratio(f"a night over {large:,}", *whole, "s", against, goal=goal, thorough=thorough)
    cpu = tuple([each["cpu_seconds"] for each in reports[str(size)]] for size in (large, small))
    yield ratio(f"CPU of a night over {large:,}", *cpu, "s", against, goal=goal, thorough=thorough)
    peaks = [each["peak_rss_bytes"] / 1e6 for each in reports[str(large)]]
    yield absolute(f"peak memory of a night over {large:,}", peaks, "MB", goal=300.0, thorough=thorough)


def _template(root: Path, records: int) -> Home:
    return Home(root) if root.exists() else filled(root, records)


def _first_night(template: Home, reports: list[dict[str, Any]]) -> float:
    """Its seconds, on a copy."""
    with tempfile.TemporaryDirectory() as name:
        home = Home(Path(name) / "home")
        shutil.copytree(template.root, home.root)
        taken, report = one_night(home)
    assert report["outcome"] == "completed"
    assert report["embedding_coverage"] == 1.0
    reports.append(report)
    return taken


def _with_little_new(template: Path, records: int, effort: Effort) -> Iterator[Figure]:
    """After its first nights: one in which nothing is new, one after an ordinary day, and the first one taken back."""
    home = Home(template)
    first, _ = one_night(home)
    undone = Home(shutil.copytree(home.root, template.with_name("undone")))
    queries, wrote = statements(home)
    yield constant("queries of a night with nothing new", queries, "", goal=1.0)
    yield constant("writes of a night with nothing new", wrote, "", goal=0.0)
    works: dict[str, Callable[[], float]] = {
        "night": lambda: _idle_night(home),
        _BARE: lambda: whole_command([sys.executable, "-c", "pass"]),
    }
    taken = by_turns(effort.turns(3, 7), works)
    yield ratio("a night with nothing new, its process included", taken["night"], taken[_BARE], "s", _BARE)
    cpu = [cpu_of(lambda: _idle_night(home)) for _ in range(3)]
    yield absolute("CPU of a night with nothing new", cpu, "s", goal=0.2)
    luck, now = random.Random(2), time.time()  # noqa: S311 -- the same notes each time
    with closing(open_stores(home)) as stores:
        drafts = [note(records + number, luck, WORDS_A_NOTE, now) for number in range(CHANGED)]
        stores.memory.import_many(drafts, round(now * 1000))
    changed = cpu_of(lambda: one_night(home))
    yield constant(f"CPU of a night after {CHANGED} new of {records:,}", changed, "s", goal=1.0)
    with closing(open_stores(undone)) as stores:
        undo = seconds(lambda: stores.nights.undo(1, round(time.time() * 1000), force=False))
    yield ratio(f"the undo of a night over {records:,}", [undo], [first], "s", "that night")


def _idle_night(home: Home) -> float:
    taken, report = one_night(home)
    assert report["outcome"] == "nothing_to_do"
    return taken


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of a whole night in its own process, start and end of that process included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def statements(home: Home) -> tuple[int, int]:
    """How many queries a night makes in which nothing is new, and how many rows and files it changes."""
    before = home.memory.stat().st_mtime_ns
    with closing(open_database(home.memory)) as connection:
        said: list[str] = []
        connection.set_trace_callback(said.append)
        changes = connection.total_changes
        settings = Settings()
        order = Order("night", "absent", model=passes.model(settings))
        chosen = passes.chosen(settings, home, alone=True)
        run_night(stores_on(connection, home.memory).nights, chosen, order, Surroundings())
        rows = connection.total_changes - changes
    return len(said), rows + (home.memory.stat().st_mtime_ns != before)


def _giving_way(root: Path, long: int, effort: Effort) -> Iterator[Figure]:
    times = yielding(root, long, effort.of(5, 25))
    yield absolute("your return → a night's process gone, p50", times, "s")
    yield constant("your return → a night's process gone, p99", quantile(times, 99), "s", goal=0.25)
    times = yielding_in_a_computation(root, effort.of(3, 10))
    yield constant("the same in the middle of a computation, p99", quantile(times, 99), "s", goal=0.25)


async def yields(home: Home, after: float, worker: Sequence[str] = WORKER) -> float | None:
    """Seconds from the wish to yield, so long after the night's start, until its lock is free and its process gone."""
    night = Night(Job(home.root, "night", "absent", alone=True, asked=True), 2.0, worker)
    loop = asyncio.get_running_loop()

    def heard(event: Event) -> None:
        if event["event"] == "started":
            loop.call_later(after, night.request_yield, "the bench is back")

    report = await night.run(heard)
    assert not is_held(home.consolidation_lock)
    return night.yield_seconds if report is None or report["outcome"] == "yielded" else None


def yielding(root: Path, records: int, tries: int) -> list[float]:
    """Seconds of each, at moments spread over a night; one that came when the night was over does not count."""
    template = filled(root / "long", records, words=600)
    probe = Home(shutil.copytree(template.root, root / "probe"))
    whole, _ = one_night(probe)
    luck, times = random.Random(1), list[float]()  # noqa: S311 -- the same moments each time
    for _ in range(3 * tries):
        home = Home(shutil.copytree(template.root, root / "yields"))
        taken = asyncio.run(yields(home, luck.uniform(0, whole * 0.8)))
        shutil.rmtree(home.root)
        if taken is not None:
            times.append(taken)
        if len(times) == tries:
            break
    return times


def yielding_in_a_computation(root: Path, tries: int) -> list[float]:
    home, luck = filled(root / "tiles", 100), random.Random(3)  # noqa: S311 -- the same moments each time
    worker = program("tiles")
    times = [asyncio.run(yields(home, luck.uniform(0.1, 0.6), worker)) for _ in range(tries)]
    return [taken for taken in times if taken is not None]
