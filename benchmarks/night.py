"""The night: how its time and memory grow, what it costs when little is new, how fast it yields, what its users notice.

`python benchmarks/night.py [--records N] [--quick]`
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import random
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.night import WORKER, Event, Job, Night
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.flock import is_held
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.sqlite.opening import stores_on
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite import open_database
from tests.consolidation.own_worker import program
from tests.journeys.real import until
from tests.mcp_server.users import Crowd, crowd

# So many notes are new on an ordinary day of a large memory.
CHANGED = 500
# Words as a language has them: a few are everywhere, most are rare (Zipf's law).
WORDS = [
    f"{first}{last}{number}"
    for number in range(50)
    for first in ("de", "sta", "ca", "que", "wo", "to", "re", "in", "sche", "bra")
    for last in ("ploy", "ging", "che", "ue", "rker", "ken", "gion", "dex", "ma", "nch")
]
_WEIGHTS = list(itertools.accumulate(1 / place for place in range(1, len(WORDS) + 1)))


def note(number: int, luck: random.Random, words: int, now: float) -> Draft:
    """A third of the notes are facts with a key, four of them to a key; one in twenty is past its time."""
    keyed = number % 3 == 0
    return Draft(
        " ".join(luck.choices(WORDS, cum_weights=_WEIGHTS, k=words)) + f" {number}",
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
    report = asyncio.run(Night(Job(home.root, "night", "absent", alone=True), 60.0).run())
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


def cpu_of_a_night(home: Home) -> tuple[float, dict[str, Any]]:
    """CPU seconds of a whole night in its own process, start and end of that process included; and its report."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, report = one_night(home)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, report


def steady(home: Home, records: int) -> tuple[float, float]:
    """CPU seconds of a night in which nothing is new, and of one in which 500 notes are, in a memory that has had its nights."""
    idle = []
    for _ in range(3):
        cpu, report = cpu_of_a_night(home)
        assert report["outcome"] == "nothing_to_do"
        idle.append(cpu)
    luck, now = random.Random(2), time.time()  # noqa: S311 -- the same notes each time
    with closing(open_stores(home)) as stores:
        drafts = [note(records + number, luck, 24, now) for number in range(CHANGED)]
        stores.memory.import_many(drafts, round(now * 1000))
    changed, report = cpu_of_a_night(home)
    assert report["outcome"] == "completed"
    return min(idle), changed


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
        chosen = passes.chosen(settings, home, alone=True)
        run_night(stores_on(connection, home.memory).nights, chosen, order, Surroundings())
        wrote = connection.total_changes != changes or home.memory.stat().st_mtime_ns != before
    return seconds, len(said), wrote


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


def yielding_in_a_computation(root: Path, tries: int) -> list[float]:
    """Milliseconds of each yield in the middle of one that would go on for hours."""
    home, luck = filled(root / "tiles", 100), random.Random(3)  # noqa: S311 -- the same moments each time
    worker = program("tiles")
    times = [asyncio.run(yields(home, luck.uniform(0.1, 0.6), worker)) for _ in range(tries)]
    return [taken * 1000 for taken in times if taken is not None]


def using(root: Path, records: int, servers: int, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each write by users of so many servers, without a night and while the first night of that memory
    runs, by turns: it yields after a while, and goes on in the next round."""
    home = filled(root / "used", records)

    def enough(users: Crowd) -> None:
        before = len(users.kept)
        until(lambda: users.troubles or len(users.kept) > before + 100 * servers, 600)

    quiet: list[float] = []
    busy: list[float] = []
    with crowd(home, servers) as users:
        for _ in range(rounds):
            quiet += users.writes_while(lambda: enough(users))
            busy += users.writes_while(lambda: asyncio.run(yields(home, 3.0)))
    assert not users.troubles, users.troubles
    with closing(open_stores(home)) as stores:
        assert stores.nights.counts()["total"] == records + len(users.kept)
    return [each * 1000 for each in quiet], [each * 1000 for each in busy]


def undoing(home: Home) -> float:
    """Seconds to take the whole first night back."""
    with closing(open_stores(home)) as stores:
        return _timed_undo(stores)


def _timed_undo(stores: Stores) -> float:
    began = time.perf_counter()
    stores.nights.undo(1, round(time.time() * 1000), force=False)
    return time.perf_counter() - began


def quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


Row = tuple[str, str, str]


def growth(nights: dict[int, tuple[float, float, float]]) -> list[Row]:
    """What the first night over a memory costs, and how that grows with it."""
    small, large = min(nights), max(nights)
    (first, first_cpu, low), (last, last_cpu, peak) = nights[small], nights[large]
    times = large / small
    rows = [(f"a night over {size:,} records", f"{nights[size][0]:.2f} s", "") for size in sorted(nights)]
    return [
        *rows,
        ("of it CPU", f"{last_cpu:.2f} s", ""),
        (
            "its time / its CPU time grow like n to the",
            f"{math.log(last / first, times):.2f} / {math.log(last_cpu / first_cpu, times):.2f}",
            "≤ 1.2",
        ),
        (f"peak memory of its worker at {small:,} / {large:,}", f"{low:.0f} / {peak:.0f} MB", "≤ 300 MB"),
    ]


def said(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} / {quantile(times, 99):.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, help="the largest store (default 100000, with --quick 20000)")
    parser.add_argument("--quick", action="store_true", help="a smaller store, fewer rounds")
    options = parser.parse_args()
    records = options.records or (20_000 if options.quick else 100_000)
    rounds, tries, servers, slices = (1, 15, 2, 2) if options.quick else (2, 100, 8, 6)
    sizes = [records // 5, records // 2, records]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        nights = growing(root, sizes, rounds)
        home = Home(root / f"night-{records}-{rounds - 1}")
        again, queries, wrote = second_night(home)
        undo = undoing(Home(shutil.copytree(home.root, root / "undone")))
        idle_cpu, changed_cpu = steady(home, records)
        times = yielding(root, tries)
        computing = yielding_in_a_computation(root, tries)
        quiet, busy = using(root, records, servers, slices)
    rows = [
        *growth(nights),
        ("a second night, nothing new", f"{again:.2f} s", ""),
        ("its queries / whether it writes", f"{queries} / {'yes' if wrote else 'no'}", "1 / no"),
        ("its CPU, its process included", f"{idle_cpu:.2f} s", "≤ 0.2 s"),
        (f"CPU of a night after {CHANGED} new of {records:,}", f"{changed_cpu:.2f} s", "≤ 1 s"),
        ("undo of the first", f"{undo:.2f} s", ""),
        ("yield to process gone, p50 / p99", said(times), "p99 ≤ 250 ms"),
        ("the same in the middle of a computation", said(computing), "p99 ≤ 250 ms"),
        (
            f"p95 of a write by {servers} users, no night / night",
            f"{quantile(quiet, 95):.0f} / {quantile(busy, 95):.0f} ms",
            "≤ 50 ms or ≤ 3 ×",
        ),
    ]
    for what, reached, goal in rows:
        print(f"{what:50} {reached:>18}" + (f"   goal {goal}" if goal else ""))


if __name__ == "__main__":
    main()
