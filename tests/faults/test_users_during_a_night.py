"""Users who write and search while a night runs notice nothing of it."""

from __future__ import annotations

import statistics
from contextlib import closing

from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day
from tests.consolidation.working import whole_or_untouched, work
from tests.fakes import LONG
from tests.journeys.real import until
from tests.mcp_server.users import Crowd, crowd

SERVERS, RECORDS = (8, 100_000) if LONG else (2, 3000)
# Nights of so many seconds, and as many writes without one in between.
SLICE, WRITES, ROUNDS = (5.0, 500, 12) if LONG else (1.0, 60, 3)


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def wait_for_writes(users: Crowd) -> None:
    before = len(users.kept)
    until(lambda: users.troubles or len(users.kept) >= before + WRITES, 120)


def test_users_lose_nothing_and_do_not_wait_while_a_night_runs(home: Home) -> None:
    quiet: list[float] = []
    busy: list[float] = []
    with closing(open_stores(home)) as stores:
        a_day(stores, RECORDS)
        before = {record.id for record in stores.memory.export()}
        with crowd(home, SERVERS) as users:
            for _ in range(ROUNDS):
                quiet += users.writes_while(lambda: wait_for_writes(users))
                busy += users.writes_while(lambda: work(home, after=SLICE))
        assert users.troubles == []
        assert len(busy) >= 20
        assert users.searches >= 10
        done = work(home).report
        assert done is not None
        assert done["outcome"] in ("completed", "nothing_to_do")
        there = list(stores.memory.export())
        assert {record.id for record in there if record.made_by is None} == before | set(users.kept)
        counts = stores.nights.counts("hash-256")
        assert counts["embedded"] == counts["total"] == len(there)
        assert not stores.nights.unfinished_nights()
    whole_or_untouched(home)
    assert p95(busy) <= max(0.05, 3 * p95(quiet)), (p95(quiet), p95(busy))
