"""Corrections in words: what finding and judging them costs, and how good it is. `python benchmarks/corrections.py [--quick] [--data DIR]`."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from likeness import Yields, notes, timed  # beside this file

from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Query
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp

_SAMPLE = 1000
_BEGAN = 1_700_000_000


def cost(folder: Path, count: int) -> tuple[float, float, float, float]:
    """In a memory of `count` notes: ms a record to find what shares its words; seconds of the whole pass; ms for one that is
    told; the longest time of the pass without a question whether to go on, in ms."""
    home = Home(folder / f"home-{count}")
    home.create()
    now = round(time.time() * 1000)
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(
            (Draft(text, created_at=_BEGAN + at) for at, text in enumerate(notes(count))), now
        )
        sample = stores.nights.changed_since(count // 2, _SAMPLE)
        found = timed(lambda: [stores.nights.sharing(record, 20) for record in sample])
        asked = Yields()
        around = Surroundings(halted=lambda: asked())  # noqa: PLW0108 -- it answers None, which is no reason to stop
        seconds = timed(lambda: run_night(stores.nights, [Supersede()], Order("night", "absent"), around))
        told = timed(lambda: [stores.memory.add(Draft(f"{each.content} Now."), now) for each in sample[:100]])
    return found / len(sample) * 1000, seconds, told * 10, asked.longest * 1000


def cost_rows(folder: Path, count: int) -> Iterator[tuple[str, str, str]]:
    runs = {size: cost(folder, size) for size in (count // 10, count)}
    for size, (found, seconds, told, longest) in runs.items():
        yield f"among {size:,}: finding, a record", f"{found:.2f} ms", "≤ 0.5 ms" if size == count else ""
        yield "the whole pass / its longest without a question", f"{seconds:.1f} s / {longest:.0f} ms", ""
        yield "a memory that is told", f"{told:.1f} ms", ""
    (_, small, *_), (_, large, *_) = runs.values()
    yield "the pass grows like n to the", f"{math.log10(large / small):.2f}", "≤ 1.2"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def quality(folder: Path, chains: Path, apart: Path) -> tuple[float, float, float]:
    """After a night over all of them in one scope: the share of the answers in which something outdated comes first, and in
    which what holds does; the share of what holds side by side that is current."""
    at = itertools.count(_BEGAN, 60)
    groups = [("chain", row) for row in rows(chains)] + [("apart", row) for row in rows(apart)]

    def drafts() -> Iterable[Draft]:
        for kind, row in groups:
            for step, fact in enumerate(row["facts"]):
                fields = fact if isinstance(fact, dict) else {"content": fact}
                name = f"{kind}:{row['id']}:{step}"
                yield from_object({**fields, "id": name, "created_at": format_stamp(next(at))})

    home = Home(folder / chains.stem)
    home.create()
    now = (next(at) + 60) * 1000
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(drafts(), now)
        around = Surroundings(memory=stores.memory)
        run_night(stores.nights, [Supersede()], Order("night", "absent", max_rounds=3), around)
        outdated = right = 0
        for row in rows(chains):
            hits = stores.memory.search(Query(row["query"]), now)
            first = (hits[0].record.external_id or "") if hits else ""
            right += first == f"chain:{row['id']}:{row['current']}"
            outdated += (
                first.startswith(f"chain:{row['id']}:") and first != f"chain:{row['id']}:{row['current']}"
            )
        kept = [
            each.current for each in stores.memory.export() if (each.external_id or "").startswith("apart")
        ]
    asked = len(rows(chains))
    return outdated / asked, right / asked, sum(kept) / len(kept)


def quality_rows(folder: Path, data: Path | None) -> Iterator[tuple[str, str, str]]:
    own = Path(__file__).parents[1] / "tests/wording/data"
    sources = {
        half: (own / f"{half}_supersession.jsonl", own / f"{half}_coexist.jsonl")
        for half in ("held", "late", "tune")
    }
    if data is None:
        print("Without --data DIR only our own sentences are judged.")
    else:
        sources["notes"] = (data / "notes/supersession.jsonl", data / "notes/coexist.jsonl")
    for name, paths in sources.items():
        outdated, right, kept = quality(folder, *paths)
        yield f"{name}: the outdated first / what holds first", f"{outdated:.3f} / {right:.3f}", "≤ .05 / –"
        yield f"{name}: of what holds side by side kept", f"{kept:.3f}", "1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="the largest memory (default 100000)")
    parser.add_argument("--quick", action="store_true", help="a fifth of it")
    parser.add_argument("--data", type=Path, help="a folder with notes/ to judge the quality on, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = options.records // 5 if options.quick else options.records
        for found in (quality_rows(folder, options.data), cost_rows(folder, count)):
            for what, reached, goal in found:
                print(f"{what:52} {reached:>18}" + (f"   goal {goal}" if goal else ""), flush=True)


if __name__ == "__main__":
    main()
