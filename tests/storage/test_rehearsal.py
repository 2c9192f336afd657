"""A night on a server is rehearsed on a copy that is nobody else's: it shows what the night would do, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from tests.cli.inside import call_json, said
from tests.storage.contents import fill, kept


@pytest.fixture
def shared(home: Home, new_database: Callable[[], str]) -> Home:
    """A home whose memory is on a server."""
    home.config.write_text(f'[memory]\nstore = "{new_database()}"\n')
    return home


def tell(stores: Stores, *contents: str) -> None:
    for at, content in enumerate(contents):
        stores.memory.add(Draft(content, subject="server", attribute="port"), at)


def test_a_rehearsal_tells_what_the_night_then_does_and_changes_nothing_itself(shared: Home) -> None:
    with closing(open_stores(shared)) as stores:
        tell(stores, "The port is 8080.", "The port is 8090.", "The port is 9000.")
        before = [dict(row) for row in stores.database.execute("SELECT * FROM records ORDER BY id")]
        rehearsed = call_json(shared, "consolidate", "--dry-run")
        assert [dict(row) for row in stores.database.execute("SELECT * FROM records ORDER BY id")] == before
        assert stores.nights.nights() == []
        said(shared, "consolidate")
        done = call_json(shared, "nights", "show", "1", "--diff")
    assert {(each["effect"], each["record"]) for each in rehearsed["changes"]} == {
        (each["effect"], each["record"]) for each in done["changes"]
    }
    assert len(rehearsed["changes"]) == 2


def test_the_copy_holds_all_that_the_store_holds_and_is_written_to_alone(shared: Home) -> None:
    address = shared.config.read_text().split('"')[1]
    with closing(open_database(address, Lock.MEMORY)) as database:
        fill(database, 9)
        before = kept(database, 9)
    with closing(open_stores(shared)) as stores:
        with stores.nights.rehearsal() as copy:
            assert copy is not None
            assert copy.newest_change() == stores.nights.newest_change()
            assert copy.begin_night("night", "absent", 100) == 4, "no number of the server's is given again"
            assert [each.id for each in copy.nights()] == [1, 3, 4]
            assert [each.id for each in copy.changed_since(0, 100)] == [1, 2, 3, 4, 9]
        assert kept(stores.database, 9) == before


@pytest.mark.parametrize("times", [0, 3, 12])
def test_a_rehearsal_that_may_not_go_on_is_none(shared: Home, times: int) -> None:
    address = shared.config.read_text().split('"')[1]
    with closing(open_database(address, Lock.MEMORY)) as database:
        fill(database, 9)
    allowed = iter(range(times))
    with (
        closing(open_stores(shared)) as stores,
        stores.nights.rehearsal(lambda: next(allowed, None) is not None) as copy,
    ):
        assert copy is None
