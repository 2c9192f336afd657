"""The night: how its time grows, what memory it needs, how fast it yields. `python benchmarks/night.py [--records N] [--quick]`."""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import shutil
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.night import Event, Job, Night
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.flock import is_held
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.sqlite_nights import SqliteNights
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite import open_database

WORDS = (
    "deploy",
    "staging",
    "cache",
    "queue",
    "worker",
    "token",
    "region",
    "retry",
    "index",
    "schema",
    "branch",
)


def note(number: int, luck: random.Random, words: int, now: float) -> Draft:
    """A third of the notes are facts with a key, four of them to a key; one in twenty is past its time."""
    keyed = number % 3 == 0
    return Draft(
        " ".join(luck.choices(WORDS, k=words)) + f" {number}",
        subject=f"service {number // 12}" if keyed else None,
        attribute="setting" if keyed else None,
        created_at=now - 86_400 + number / 1000,
        expires_at=now - 60 if number % 20 == 7 else None,
    )


def filled(root: Path, records: int, words: int = 24) -> Home:
    """A home whose memory holds so many notes and has seen no night."""
    home, luck, now = Home(root), random.Random(records), time.time()  # noqa: S311 -- the same notes each time
    home.create()
    with closing(open_stores(home)) as stores:
        drafts = [note(number, luck, words, now) for number in range(records)]
        stores.memory.import_many(drafts, round(now * 1000))
    return home


def one_night(home: Home) -> tuple[float, dict[str, Any]]:
    """Seconds of a whole night in its own process, start and end of that process included; and its report."""
    began = time.perf_counter()
    report = asyncio.run(Night(Job(home.root, "night", "absent"), 60.0).run())
    assert report is not None
    return time.perf_counter() - began, report


def growing(root: Path, sizes: list[int], rounds: int) -> dict[int, tuple[float, float, float]]:
    """For each size: the best of several nights in seconds, of their CPU seconds, and the peak memory in MB."""
    measured = {}
    for size in sizes:
        template = filled(root / f"full-{size}", size)
        nights = []
        for number in range(rounds):
            home = Home(root / f"night-{size}-{number}")
            shutil.copytree(template.root, home.root)
            seconds, report = one_night(home)
            assert report["outcome"] == "completed"
            assert report["embedding_coverage"] == 1.0
            nights.append((seconds, report["cpu_seconds"], report["peak_rss_bytes"] / 1e6))
            if number < rounds - 1 or size != sizes[-1]:
                shutil.rmtree(home.root)
        measured[size] = tuple(min(each) for each in zip(*nights, strict=True))
    return measured


def second_night(home: Home) -> tuple[float, int, bool]:
    """Seconds of a second night in its process; how many queries it makes; whether it writes anything."""
    before = home.memory.stat().st_mtime_ns
    seconds, report = one_night(home)
    assert report["outcome"] == "nothing_to_do"
    with closing(open_database(home.memory)) as connection:
        said: list[str] = []
        connection.set_trace_callback(said.append)
        changes = connection.total_changes
        settings = Settings()
        order = Order("night", "absent", model=passes.model(settings))
        chosen = passes.chosen(settings, alone=True)
        run_night(SqliteNights(connection, home.memory), chosen, order, Surroundings())
        wrote = connection.total_changes != changes or home.memory.stat().st_mtime_ns != before
    return seconds, len(said), wrote


async def yields(home: Home, after: float) -> float | None:
    """Seconds from the wish to yield, so long after the night's start, until its lock is free and its process gone."""
    night, loop = Night(Job(home.root, "night", "absent"), 2.0), asyncio.get_running_loop()

    def heard(event: Event) -> None:
        if event["event"] == "started":
            loop.call_later(after, night.request_yield, "the bench is back")

    report = await night.run(heard)
    assert not is_held(home.consolidation_lock)
    return night.yield_seconds if report is None or report["outcome"] == "yielded" else None


def yielding(root: Path, tries: int) -> list[float]:
    """Milliseconds of each yield, at moments spread over a night of long notes: its batches are the longest there are."""
    template = filled(root / "long", 4000, words=600)
    probe = Home(root / "probe")
    shutil.copytree(template.root, probe.root)
    seconds, _ = one_night(probe)
    luck, times = random.Random(1), []  # noqa: S311 -- the same moments each time
    while len(times) < tries:
        home = Home(root / "yields")
        shutil.copytree(template.root, home.root)
        taken = asyncio.run(yields(home, luck.uniform(0, seconds * 0.8)))
        if taken is not None:
            times.append(taken * 1000)
        shutil.rmtree(home.root)
    return times


def undoing(home: Home) -> float:
    """Seconds to take the whole first night back."""
    with closing(open_stores(home)) as stores:
        return _timed_undo(stores)


def _timed_undo(stores: Stores) -> float:
    began = time.perf_counter()
    stores.nights.undo(1, round(time.time() * 1000), force=False)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000, help="the largest store (default 20000)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    rounds, tries = (1, 15) if options.quick else (3, 100)
    sizes = [options.records // 4, options.records // 2, options.records]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        nights = growing(root, sizes, rounds)
        (first, first_cpu, _), (last, last_cpu, peak) = nights[sizes[0]], nights[sizes[-1]]
        home = Home(root / f"night-{sizes[-1]}-{rounds - 1}")
        again, queries, wrote = second_night(home)
        undo = undoing(home)
        times = yielding(root, tries)
    rows = [(f"a night over {size:,} records", f"{nights[size][0]:.2f} s", "") for size in sizes]
    rows += [
        ("of it CPU", f"{last_cpu:.2f} s", ""),
        (
            "its time / its CPU time grow like n to the",
            f"{math.log(last / first, 4):.2f} / {math.log(last_cpu / first_cpu, 4):.2f}",
            "≤ 1.2",
        ),
        ("peak memory of its worker", f"{peak:.0f} MB", "≤ 300 MB"),
        ("a second night, nothing new", f"{again:.2f} s", ""),
        ("its queries / whether it writes", f"{queries} / {'yes' if wrote else 'no'}", "1 / no"),
        ("undo of the first", f"{undo:.2f} s", ""),
        (
            "yield to process gone, p50 / p99",
            f"{statistics.median(times):.0f} / {statistics.quantiles(times, n=100, method='inclusive')[98]:.0f} ms",
            "≤ 1000 ms",
        ),
    ]
    for what, reached, goal in rows:
        print(f"{what:46} {reached:>18}" + (f"   goal {goal}" if goal else ""))


if __name__ == "__main__":
    main()
