"""Corrections in words: what it costs to find and judge what a memory may correct."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.benches.likeness import Yields, notes
from benchmarks.figures import Figure, absolute, ratio
from benchmarks.measuring import Effort, by_turns, seconds
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home

RECORDS = 20_000
_SAMPLE = 1000
_BEGAN = 1_700_000_000


def measure(effort: Effort) -> Iterator[Figure]:
    """Ten times as many memories, by turns."""
    large = effort.records or RECORDS
    small = large // 10
    costs: dict[int, list[dict[str, float]]] = {small: [], large: []}

    def taken(size: int) -> float:
        with tempfile.TemporaryDirectory() as name:
            costs[size].append(cost(Path(name), size))
        return costs[size][-1]["pass"]

    by_turns(effort.turns(1, 3), {str(size): lambda size=size: taken(size) for size in costs})

    def both(key: str) -> tuple[list[float], list[float]]:
        few, many = ([each[key] for each in costs[size]] for size in (small, large))
        return many, few

    against = f"the same among {small:,}"
    yield absolute(f"finding what one may correct, among {large:,}", both("finding")[0], "s", goal=0.0005)
    yield ratio(f"finding what one may correct, among {large:,}, as it grows", *both("finding"), "s", against)
    goal = round((large / small) ** 1.2, 1)
    yield ratio(f"the pass over {large:,}", *both("pass"), "s", against, goal=goal)
    yield ratio(f"a memory that is told, among {large:,}", *both("told"), "s", against)
    yield absolute("the longest time without a question whether to go on", both("longest")[0], "s", goal=0.05)


def cost(folder: Path, count: int) -> dict[str, float]:
    """In a memory of `count` notes, in seconds: to find what shares the words of one; the whole pass; for one that is told; the
    longest time of the pass without a question whether to go on."""
    home = Home(folder / f"home-{count}")
    home.create()
    now = round(time.time() * 1000)
    with closing(open_stores(home)) as stores:
        told = (Draft(text, created_at=_BEGAN + at) for at, text in enumerate(notes(count)))
        stores.memory.import_many(told, now)
        sample = stores.nights.changed_since(count // 2, _SAMPLE)
        found = seconds(lambda: [stores.nights.sharing(record, 20) for record in sample])
        asked = Yields()
        around = Surroundings(halted=lambda: asked())  # noqa: PLW0108 -- it answers None, which is no reason to stop
        whole = seconds(lambda: run_night(stores.nights, [Supersede()], Order("night", "absent"), around))
        new = [Draft(f"{each.content} Now.") for each in sample[:100]]
        added = seconds(lambda: [stores.memory.add(each, now) for each in new])
    return {"finding": found / len(sample), "pass": whole, "told": added / len(new), "longest": asked.longest}
