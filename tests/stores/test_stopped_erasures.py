"""Who erases may be told to stop: then nothing was erased, or all of it, on each engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from iai_daemon.memory.nights import Batch, Change
from iai_daemon.memory.record import Draft, describe
from iai_daemon.memory.stores import Stores
from iai_daemon.storage.database import Interrupted

NOW = 1_795_262_400_000
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


def whole(stores: Stores) -> Sequence[object]:
    """Everything that an erasure may touch."""
    records = [describe(each) for each in stores.memory.export()]
    return [records, stores.nights.journal(night=1)]


def a_memory(stores: Stores) -> int:
    """With one that holds a secret, and has taken the place of another; a journal tells of both."""
    for number in range(300):
        stores.memory.add(Draft(f"note {number} about nothing in particular"), NOW)
    old = stores.memory.add(Draft("The token is gone."), NOW)
    new = stores.memory.add(Draft(f"The token is {TOKEN}", created_at=NOW / 1000 + 1), NOW)
    night = stores.nights.begin_night("night", "asked", NOW)
    sets = {"superseded_by": new.id, "valid_to": new.valid_from}
    replaced = Change("a", "superseded", old.id, old.revision, f"says {TOKEN}", sets, {})
    assert stores.nights.apply(night, 1, "supersede", Batch([replaced]), NOW).changed
    stores.nights.end_night(night, "completed", None, {}, NOW)
    return new.id


def stopped_after(asked: int) -> Callable[[], bool]:
    """What says so often that it may go on."""
    left = iter(range(asked))
    return lambda: next(left, None) is not None


def purge(stores: Stores, record: int) -> None:
    stores.purge.purge(stores.purge.marks([record]), NOW + 2)


def redact(stores: Stores, record: int) -> None:
    stores.purge.redact(record)


@pytest.mark.parametrize("erase", [purge, redact])
def test_an_erasure_that_is_stopped_has_erased_nothing_or_all_of_it(
    opened: Stores, erase: Callable[[Stores, int], None]
) -> None:
    told = a_memory(opened)
    before = whole(opened)
    for asked in range(200):
        try:
            with opened.database.interruptible(stopped_after(asked)):
                erase(opened, told)
            break
        except Interrupted:
            # What is left to do then is to make the files anew.
            if whole(opened) != before:
                break
    assert TOKEN not in str(whole(opened))
    # A small memory is erased in one breath of the embedded engine's.
    assert asked > (2 if opened.database.place.startswith("postgresql") else -1)


def test_what_is_asked_afterwards_is_not_stopped_any_more(opened: Stores) -> None:
    told = a_memory(opened)
    with pytest.raises(Interrupted), opened.database.interruptible(lambda: False):
        opened.purge.purge(dict.fromkeys(range(1, told), NOW), NOW + 2)
    assert opened.memory.get(told).id == told
    assert opened.memory.memories() == 301
