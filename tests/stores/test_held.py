"""What waits, what hinders, and records that a night adds, on every engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iai_daemon.memory.nights import Addition, Batch, Change, Held, Hindrance, Wanted, Why
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.stores import Stores
from tests.stores.test_nights import vector

NOW = 1_795_262_400_000


def add(stores: Stores, content: str = "a note") -> Record:
    return stores.memory.add(Draft(content), NOW)


def merged(record: Record, into: int, **fields: object) -> Change:
    usual = {"sets": {"merged_into": into}, "rests_on": {into: 1}, "inferred": True}
    return Change(
        f"{record.id:016}",
        "merged",
        record.id,
        record.revision,
        "says the same",
        **{**usual, **fields},  # type: ignore[arg-type]
    )


GIST = Addition(
    "f" * 16, "gist", Draft("a gist", tags=("one", "zwei"), created_at=1.5), "sums up 2 notes", {1: 1}
)


def begin(stores: Stores) -> int:
    return stores.nights.begin_night("night", "absent", NOW)


def test_what_waits_is_kept_as_it_was_planned(opened: Stores, open_again: Callable[[], Stores]) -> None:
    first, second = add(opened), add(opened)
    held = [Held(merged(second, first.id), Why.BUDGET), Held(GIST, Why.REVIEW)]
    night = begin(opened)
    opened.nights.apply(night, 2, "join", Batch(held=held), NOW)
    rows = open_again().nights.held()
    assert [(row.night, row.round, row.pass_name, row.at) for row in rows] == [(night, 2, "join", NOW)] * 2
    assert [Held(row.planned, row.why) for row in rows] == held
    assert opened.nights.count_held(night) == {(2, Why.BUDGET): 1, (2, Why.REVIEW): 1}
    assert opened.nights.held(why=Why.REVIEW)[0].planned == GIST
    assert not opened.nights.held(pass_name=GIST.effect)


def test_the_same_plan_of_a_later_night_takes_the_place_of_the_earlier_one(opened: Stores) -> None:
    first, second = add(opened), add(opened)
    batch = Batch(held=[Held(merged(second, first.id), Why.BUDGET)])
    for _ in range(2):
        opened.nights.apply(begin(opened), 1, "join", batch, NOW)
    assert [row.night for row in opened.nights.held()] == [2]


def test_what_waits_for_the_budget_is_work_and_what_waits_for_a_person_is_not(opened: Stores) -> None:
    first, second = add(opened), add(opened)
    night = begin(opened)
    for why, work in ((Why.REVIEW, False), (Why.RECALL, False), (Why.BUDGET, True)):
        batch = Batch(held=[Held(merged(second, first.id), why)])
        opened.nights.apply(night, 1, "join", batch, NOW)
        opened.nights.end_night(night, "completed", None, {}, NOW)
        assert opened.nights.outlook(Wanted({"join": None}), NOW).work is work


def test_a_loss_that_does_not_stand_the_check_is_taken_back_at_once_and_waits(opened: Stores) -> None:
    first, second, third = add(opened), add(opened), add(opened)

    class Check:
        def before(self, change: Change) -> None:
            assert opened.memory.get(change.record).merged_into is None

        def stands(self, change: Change) -> bool:
            assert opened.memory.get(change.record).merged_into == first.id
            return change.record != second.id

    night = begin(opened)
    batch = Batch([merged(second, first.id), merged(third, first.id)])
    applied = opened.nights.apply(night, 1, "join", batch, NOW, Check())
    assert (applied.changed, applied.losses) == (1, 1)
    assert opened.memory.get(second.id) == second
    assert [entry.record for entry in opened.nights.journal(night=night)] == [third.id]
    assert [(row.planned, row.why) for row in opened.nights.held()] == [(batch.changes[0], Why.RECALL)]
    assert opened.nights.losses(night) == 1


def test_an_addition_whose_sources_have_moved_on_is_left_out(opened: Stores) -> None:
    source = add(opened)
    opened.memory.forget(source.id, NOW)
    applied = opened.nights.apply(begin(opened), 1, "sum", Batch(additions=[GIST]), NOW)
    assert applied.changed == 0
    assert len(list(opened.memory.export())) == 1


def test_an_undo_is_refused_where_something_later_leans_on_what_the_night_added(opened: Stores) -> None:
    source = add(opened)
    night = begin(opened)
    opened.nights.apply(night, 1, "sum", Batch(additions=[GIST]), NOW)
    later = begin(opened)
    opened.nights.apply(later, 1, "join", Batch([merged(source, 2, rests_on={})]), NOW)
    refused = opened.nights.undo(night, NOW, force=False)
    assert (refused.restored, refused.changed_since) == (0, [source.id])
    assert opened.memory.get(2).content == "a gist"
    forced = opened.nights.undo(night, NOW, force=True)
    assert (forced.restored, forced.changed_since) == (1, [source.id])
    assert [(each.id, each.current) for each in opened.memory.export()] == [(source.id, True)]


def test_a_hindrance_is_kept_until_it_is_over(opened: Stores, open_again: Callable[[], Stores]) -> None:
    hindrance = Hindrance(3, 0, NOW + 1, 50, "it broke")
    opened.nights.hinder("embed", hindrance)
    opened.nights.hinder("embed", hindrance)
    assert open_again().nights.hindrances() == {"embed": hindrance}
    opened.nights.hinder("embed", None)
    assert opened.nights.hindrances() == {}


@pytest.mark.parametrize(
    ("hindrance", "asked", "work"),
    [
        (Hindrance(deferrals=9, not_before=NOW + 1), False, False),
        (Hindrance(deferrals=9, not_before=NOW + 1), True, True),
        (Hindrance(deferrals=9, not_before=NOW), False, True),
        (Hindrance(failures=2, not_before=None), False, True),
        (Hindrance(failures=3, not_before=NOW + 1), True, False),
    ],
)
def test_a_pass_that_has_to_wait_has_no_work(
    opened: Stores, hindrance: Hindrance, asked: bool, work: bool
) -> None:
    add(opened)
    opened.nights.hinder("supersede", hindrance)
    wanted = Wanted({"supersede": "supersede"}, taken_back=asked)
    assert opened.nights.outlook(wanted, NOW).work is work


def test_vectors_are_counted_by_the_night_that_stored_them(opened: Stores) -> None:
    first, second = add(opened), add(opened)
    one, two = begin(opened), begin(opened)
    opened.nights.apply(one, 1, "embed", Batch(vectors=[vector(first.id), vector(second.id)]), NOW)
    opened.nights.apply(two, 3, "embed", Batch(vectors=[vector(second.id)]), NOW)
    assert opened.nights.embedded(one) == {1: 1}
    assert opened.nights.embedded(two) == {3: 1}
