"""What agents were given is noted beside their answers, and what belongs to it is told with them: real servers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.consolidation.passes.associate import Associate
from iai_daemon.consolidation.passes.summarize import Summarize
from iai_daemon.errors import StoreBusy
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.store import Traces
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.cli.inside import call_json
from tests.consolidation.evening import night
from tests.consolidation.topics import ALONE, BACKUPS, remember_all
from tests.journeys.real import until
from tests.mcp_server.users import Server


@pytest.fixture
def stores(home: Home) -> Iterator[Stores]:
    stores = open_stores(home)
    yield stores
    stores.close()


@pytest.fixture
def server(stores: Stores, home: Home) -> Iterator[Server]:
    """A server over notes of one topic and some others."""
    remember_all(stores, BACKUPS, ALONE)
    server = Server(home)
    yield server
    server.leave()


def used(stores: Stores) -> dict[int, int]:
    """How often each memory was used."""
    counts = {each.id: stores.memory.traces(each.id).times for each in stores.memory.export()}
    return {record: times for record, times in counts.items() if times}


def test_the_first_three_answers_of_a_search_are_noted_once_each_within_seconds(
    stores: Stores, server: Server
) -> None:
    answer = server.call("search_memory", query="ledger backup")["results"]
    assert len(answer) == 4
    top = [each["id"] for each in answer[:3]]
    until(lambda: used(stores) == dict.fromkeys(top, 1))
    traces = stores.memory.traces(top[0])
    assert traces.last_at is not None
    assert traces == Traces(1, traces.last_at, None)


def test_many_searches_are_noted_together_and_what_is_left_when_the_client_leaves(
    stores: Stores, home: Home
) -> None:
    (only, *_) = remember_all(stores, ALONE)
    server = Server(home)
    for _ in range(5):
        server.call("search_memory", query="lunch")
    server.leave()
    assert used(stores) == {only.id: 5}


def test_uses_change_no_memory_and_make_no_work(stores: Stores, server: Server) -> None:
    before, newest = list(stores.memory.export()), stores.nights.newest_change()
    server.call("search_memory", query="ledger backup")
    until(lambda: used(stores) != {})
    assert list(stores.memory.export()) == before
    assert stores.nights.newest_change() == newest


def test_the_command_line_uses_nothing(stores: Stores, home: Home) -> None:
    remember_all(stores, ALONE)
    assert call_json(home, "memory", "search", "lunch")["results"]
    assert used(stores) == {}


def test_a_store_that_somebody_holds_slows_no_search(stores: Stores, server: Server, home: Home) -> None:
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        watch = Stopwatch()
        while watch.seconds() < 2.5:
            each = Stopwatch()
            assert server.call("search_memory", query="ledger backup")["results"]
            assert each.seconds() < 1.0
        holder.execute("ROLLBACK")
    server.call("search_memory", query="parrot")
    until(lambda: 6 in used(stores))


def test_a_use_that_cannot_be_noted_at_once_is_refused_at_once(stores: Stores, home: Home) -> None:
    (one, *_) = remember_all(stores, ALONE)
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        watch = Stopwatch()
        with pytest.raises(StoreBusy):
            stores.memory.note_use([one.id], 1)
        assert watch.seconds() < 1.0
        holder.execute("ROLLBACK")
    stores.memory.note_use([one.id], 1)
    assert used(stores) == {one.id: 1}


def test_an_agent_is_told_what_some_of_its_results_say_together(stores: Stores, server: Server) -> None:
    assert server.call("search_memory", query="ledger backup", scope="global")["gists"] == []
    night(stores, chosen=[Associate(), Summarize()])
    (gist,) = stores.nights.made_by("summarize")
    answer = server.call("search_memory", query="ledger backup")
    assert answer["gists"] == [{"id": gist.id, "content": gist.content, "sources": [1, 2, 3, 4]}]
    assert gist.id not in [each["id"] for each in answer["results"]]
