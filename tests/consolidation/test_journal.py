"""Taking nights back, and doing them again."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from iai_daemon.consolidation.journal import describe_entry, say_entry, say_undone, undo_night
from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.errors import NightBusy, NightRefused, NoSuchNight
from iai_daemon.flock import FileLock
from iai_daemon.memory.nights import Undone
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.busy import Fades
from tests.consolidation.evening import NOW, a_day, export, night, remember
from tests.consolidation.passes_for_tests import joining, summing_up
from tests.fakes import NOON


def undo(stores: Stores, home: Home, number: int, *, force: bool = False) -> Undone:
    return undo_night(stores.nights, home, number, NOW + 1000, force=force)


def test_after_an_undo_the_export_is_what_it_was_byte_for_byte(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    before = export(stores)
    night(stores)
    assert export(stores) != before
    assert undo(stores, home, 1).restored == 33
    assert export(stores) == before


def test_an_automatic_night_leaves_alone_what_was_taken_back(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    before = export(stores)
    night(stores)
    undo(stores, home, 1)
    assert night(stores).outcome == "nothing_to_do"
    new = remember(stores, "a new note")
    report = night(stores)
    assert (report.outcome, report.counters.nodes_embedded) == ("completed", 1)
    assert (report.counters.expired_pruned, report.counters.superseded_gc) == (0, 0)
    assert export(stores).removesuffix("\n" + export(stores).splitlines()[-1]) == before
    assert stores.memory.get(new.id).current


def test_an_explicit_wish_does_it_again_exactly(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    night(stores)
    after = export(stores)
    undo(stores, home, 1)
    remember(stores, "a new note")
    night(stores)  # automatic: its cursors pass what was taken back
    again = night(stores, asked=True)
    assert (again.counters.expired_pruned, again.counters.superseded_gc) == (20, 13)
    assert export(stores).startswith(after)
    assert night(stores, asked=True).outcome == "nothing_to_do"


def test_a_change_that_is_done_again_has_the_same_id(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    night(stores)
    undo(stores, home, 1)
    night(stores, asked=True)
    first, second = ([each.change_id for each in stores.nights.journal(night=n)] for n in (1, 2))
    assert sorted(first) == sorted(second)


def test_an_explicit_wish_with_nothing_left_to_do_again_ends(stores: Stores, home: Home) -> None:
    """What replaced the fact is gone: there is nothing to do again, and asking twice finds that out once."""
    remember(stores, "the port is 1", subject="api", attribute="port")
    newer = remember(stores, "the port is 2", subject="api", attribute="port")
    night(stores)
    undo(stores, home, 1)
    stores.memory.forget(newer.id, NOW)
    assert night(stores, asked=True).counters.superseded_gc == 0
    assert night(stores, asked=True).outcome == "nothing_to_do"


def test_what_was_taken_back_and_then_changed_by_its_user_is_a_nights_work_again(
    stores: Stores, home: Home
) -> None:
    token = remember(stores, "the token is abc", expires_at=NOON - 60)
    night(stores)
    undo(stores, home, 1)
    stores.memory.forget(token.id, NOW)
    stores.memory.restore(token.id, NOW)
    assert night(stores).counters.expired_pruned == 1


def test_what_was_done_again_can_be_taken_back_again(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    before = export(stores)
    night(stores)
    undo(stores, home, 1)
    night(stores, asked=True)
    undo(stores, home, 2)
    assert export(stores) == before
    assert night(stores).outcome == "nothing_to_do"


def test_an_undo_of_an_older_night_is_refused_and_names_what_changed_since(
    stores: Stores, home: Home
) -> None:
    a_day(stores)
    night(stores)
    stores.memory.forget(2, NOW)
    after = export(stores)
    with pytest.raises(NightRefused, match=r"the memory 2 changed after night 1.*undo 1 --force"):
        undo(stores, home, 1)
    assert export(stores) == after
    undone = undo(stores, home, 1, force=True)
    assert (undone.restored, undone.changed_since) == (4, [2])
    assert stores.memory.get(2).current


def test_other_nights_stay_as_they_are(stores: Stores, home: Home) -> None:
    first = remember(stores, "the token is abc", expires_at=NOON - 60)
    night(stores)
    second = remember(stores, "the token is def", expires_at=NOON - 60)
    night(stores)
    undo(stores, home, 1)
    assert stores.memory.get(first.id).current
    assert not stores.memory.get(second.id).current


def test_a_night_is_undone_once(stores: Stores, home: Home) -> None:
    a_day(stores)
    night(stores)
    undo(stores, home, 1)
    with pytest.raises(NightRefused, match=r"undone already, at 2026-11-21T12:00:01.000Z"):
        undo(stores, home, 1)


def test_a_night_that_never_was_cannot_be_undone(stores: Stores, home: Home) -> None:
    with pytest.raises(NoSuchNight):
        undo(stores, home, 5)


def test_nothing_is_undone_while_a_night_runs(stores: Stores, home: Home) -> None:
    a_day(stores)
    night(stores)
    running = FileLock(home.consolidation_lock)
    assert running.acquire("process 1, night (absent)\n")
    with pytest.raises(NightBusy):
        undo(stores, home, 1)
    running.release()


def test_vectors_outlive_an_undo(stores: Stores, home: Home) -> None:
    a_day(stores)
    night(stores)
    undo(stores, home, 1)
    assert stores.nights.counts("hash-256")["embedded"] == 12


def test_the_journal_reads_like_a_diary(stores: Stores, home: Home) -> None:
    remember(stores, "the port is 1", subject="api", attribute="port")
    remember(stores, "the port is 2", subject="api", attribute="port")
    night(stores)
    (entry,) = stores.nights.journal(record=1)
    assert say_entry(entry) == (
        "1 superseded: replaced by 2, a newer fact about (api, port) in global [the port is 1]"
    )
    assert describe_entry(entry)["changed"] == {
        "valid_to": [None, "2026-11-21T11:50:00.000Z"],
        "superseded_by": [None, 2],
    }
    undo(stores, home, 1)
    (entry,) = stores.nights.journal(night=1)
    assert say_entry(entry).startswith("1 superseded (taken back): replaced by 2")
    assert describe_entry(entry)["undone_at"] == "2026-11-21T12:00:01.000Z"


def test_an_undo_says_what_it_did() -> None:
    assert say_undone(3, Undone(12)).startswith("Night 3 is undone: 12 memories are as they were before it.")
    assert "also the memories 4, 5 that changed later; the memory 9 no longer exists" in say_undone(
        3, Undone(12, (4, 5), (9,))
    )
    assert "; what it proposed (4) waits no longer." in say_undone(3, Undone(0), refused=4)


def test_what_was_taken_back_earlier_is_not_brought_back_with_a_later_night(
    stores: Stores, home: Home
) -> None:
    """The row from before the second night still holds what the first one did."""
    token = remember(stores, "the token is abc", expires_at=NOON - 60)
    before = export(stores)
    night(stores, chosen=[Expire()])
    night(stores, chosen=[Fades(seed=2)])
    undo(stores, home, 1, force=True)
    assert export(stores) == before
    assert undo(stores, home, 2).restored == 0
    assert export(stores) == before
    assert stores.memory.get(token.id).current


def test_a_memory_whose_successor_went_with_its_night_holds_again(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    before = export(stores)
    night(stores, chosen=[summing_up()])
    night(stores, chosen=[joining(into=2)])
    night(stores, chosen=[Fades(seed=2)])
    assert (stores.memory.get(1).merged_into, stores.memory.get(1).archived_at) == (2, NOW)
    undo(stores, home, 1, force=True)
    undo(stores, home, 3, force=True)
    assert export(stores) == before
    undo(stores, home, 2, force=True)
    assert export(stores) == before


def test_what_no_longer_exists_is_passed_over_and_named(stores: Stores, home: Home) -> None:
    for number in range(2):
        remember(stores, f"the token is {number}", expires_at=NOON - 60)
    night(stores)
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("DELETE FROM records WHERE id = 1")
    undone = undo(stores, home, 1)
    assert (undone.restored, undone.changed_since, undone.gone) == (1, [], [1])
    assert stores.memory.get(2).current
