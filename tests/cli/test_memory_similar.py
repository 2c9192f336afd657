"""`iai-daemon memory similar`."""

from __future__ import annotations

from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.cli.inside import call_json, refused, said
from tests.stores.test_likeness import add
from tests.stores.test_similar import keep


def test_what_is_most_like_a_memory_is_told_with_how_much(home: Home) -> None:
    stores = open_stores(home)
    north, between, south = (add(stores, name) for name in ("north", "between", "south"))
    keep(stores, [(north, (0, 1)), (between, (1, 1)), (south, (0, -1))])
    stores.close()
    told = call_json(home, "memory", "similar", str(north.id))
    assert [(each["content"], each["similarity"]) for each in told["results"]] == [("between", 0.7071)]
    assert said(home, "memory", "similar", str(north.id)) == " 0.71       2  between\n"
    assert said(home, "memory", "similar", str(south.id)) == "nothing is like 3\n"


def test_a_memory_without_a_vector_says_how_it_gets_one(home: Home) -> None:
    stores = open_stores(home)
    record = add(stores)
    stores.close()
    assert "iai-daemon consolidate" in refused(home, "memory", "similar", str(record.id))
