"""What users notice of a night: how long `remember` takes while the first night of that memory runs, against no night, by turns.

The night yields after some seconds and goes on in the next round. Users are clients of memory servers of their own who remember and
search without a pause.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.benches.night import yields
from benchmarks.figures import Figure, constant, ratio
from benchmarks.measuring import Effort, quantile
from benchmarks.notes import filled
from iai_daemon.memory.opening import open_stores
from tests.journeys.real import until
from tests.mcp_server.users import Crowd, crowd

RECORDS, SERVERS = 20_000, 3
GOAL = 3.0


def measure(effort: Effort) -> Iterator[Figure]:
    rounds = effort.turns(3, 5)
    quiet: list[list[float]] = []
    busy: list[list[float]] = []
    with tempfile.TemporaryDirectory() as name:
        records = effort.records or RECORDS
        home = filled(Path(name) / "used", records)

        def enough(users: Crowd) -> None:
            before = len(users.kept)
            until(lambda: users.troubles or len(users.kept) > before + 100 * SERVERS, 600)

        with crowd(home, SERVERS) as users:
            for _ in range(rounds):
                quiet.append(users.writes_while(lambda: enough(users)))
                busy.append(users.writes_while(lambda: asyncio.run(yields(home, 3.0))))
        assert not users.troubles, users.troubles
        with closing(open_stores(home)) as stores:
            kept = stores.nights.counts()["total"] == records + len(users.kept)
    for percent in (50, 95):
        both = ([quantile(each, percent) for each in side] for side in (busy, quiet))
        label = f"`remember` during a night, p{percent}"
        yield ratio(label, *both, "s", "no night", goal=GOAL if percent == 95 else None)
    yield constant("memories that were told and are not there", 0 if kept else 1, "", goal=0.0)
