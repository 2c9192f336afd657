"""What a pass that compares records needs of a store, on every engine."""

from __future__ import annotations

from dataclasses import replace

from iai_daemon.memory.nights import Batch, Change, Held, Said, Vector, Why
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.stores import Stores

NOW = 1_795_262_400_000
PASS = "deduplicate"


def add(stores: Stores, content: str = "a note", **fields: object) -> Record:
    return stores.memory.add(Draft(content, **fields), NOW)  # type: ignore[arg-type]


def merging(record: Record, into: Record, revision: int = 1) -> Change:
    return Change(f"{record.id:016}", "merged", record.id, revision, "…", {"merged_into": into.id}, {})


def merge(stores: Stores, record: Record, into: Record) -> int:
    night = stores.nights.begin_night("night", "absent", NOW)
    assert stores.nights.apply(night, 1, "deduplicate", Batch([merging(record, into)]), NOW).changed == 1
    return night


def standing(stores: Stores, *records: Record, taken_back: bool = False) -> dict[int, int]:
    ids = [record.id for record in records]
    found = stores.nights.standing(ids, pass_name=PASS, taken_back=taken_back)
    return {asked: record.id for asked, record in found.items()}


def test_scopes_are_those_of_current_records_that_changed(opened: Stores) -> None:
    seen = add(opened, scope="/seen")
    add(opened, scope="/b")
    add(opened, scope="/a")
    opened.memory.forget(add(opened, scope="/gone").id, NOW)
    assert opened.nights.scopes_changed_since(0) == ["/a", "/b", "/seen"]
    assert opened.nights.scopes_changed_since(seen.change) == ["/a", "/b"]


def test_what_the_current_records_of_a_scope_say_comes_in_the_order_of_writing(opened: Stores) -> None:
    first = add(opened, "one", scope="/a", kind="fact", subject="deploy", attribute="region")
    add(opened, "elsewhere", scope="/b")
    opened.memory.forget(add(opened, "forgotten", scope="/a").id, NOW)
    second = add(opened, "two", scope="/a")
    third = add(opened, "three", scope="/c")
    assert opened.nights.count_said(["/a", "/c"]) == 3
    said = opened.nights.said(["/a", "/c"], 0, 9, model=None)
    assert said[0] == Said(first.id, first.change, "/a", "fact", "deploy", "region", "one", None)
    assert [row.record for row in said] == [first.id, second.id, third.id]
    assert [row.record for row in opened.nights.said(["/a", "/c"], first.change, 1, model=None)] == [
        second.id
    ]


def test_what_they_say_comes_with_the_vector_of_one_model(opened: Stores) -> None:
    with_vectors, without = add(opened), add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    vectors = [Vector(with_vectors.id, model, 1, model.encode()) for model in ("mine", "hers")]
    opened.nights.apply(night, 1, "embed", Batch(vectors=vectors), NOW)
    said = opened.nights.said(["global"], 0, 9, model="mine")
    assert [(row.record, row.vector) for row in said] == [(with_vectors.id, b"mine"), (without.id, None)]


def test_a_merged_record_stands_as_what_it_was_merged_into_however_often(opened: Stores) -> None:
    first, second, third = add(opened), add(opened), add(opened)
    merge(opened, first, second)
    merge(opened, second, third)
    assert standing(opened, first, second, third) == dict.fromkeys((first.id, second.id, third.id), third.id)


def test_what_is_not_current_stands_for_nothing(opened: Stores) -> None:
    merged, leader, forgotten = add(opened), add(opened), add(opened)
    merge(opened, merged, leader)
    opened.memory.forget(leader.id, NOW)
    opened.memory.forget(forgotten.id, NOW)
    assert standing(opened, merged, leader, forgotten) == {}


def test_a_record_whose_merge_a_user_has_undone_stands_only_when_a_person_asks(opened: Stores) -> None:
    merged, leader = add(opened), add(opened)
    opened.nights.undo(merge(opened, merged, leader), NOW, force=False)
    assert standing(opened, merged, leader) == {leader.id: leader.id}
    assert standing(opened, merged, leader, taken_back=True) == {
        each.id: each.id for each in (merged, leader)
    }


def test_a_record_whose_merge_waits_does_not_stand_until_it_changes(opened: Stores) -> None:
    waiting, leader = add(opened), add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    held = Held(replace(merging(waiting, leader), inferred=True), Why.REVIEW)
    opened.nights.apply(night, 1, "deduplicate", Batch(held=[held]), NOW)
    assert standing(opened, waiting, leader, taken_back=True) == {leader.id: leader.id}
    opened.memory.forget(waiting.id, NOW)
    opened.memory.restore(waiting.id, NOW)
    assert standing(opened, waiting, leader) == {each.id: each.id for each in (waiting, leader)}


def test_what_was_merged_into_a_record_is_known_through_all_steps_up_to_a_limit(opened: Stores) -> None:
    alone, leader, second, third = add(opened), add(opened), add(opened), add(opened)
    merge(opened, third, second)
    merge(opened, second, leader)
    joined = opened.nights.joined([alone.id, leader.id, second.id], 5)
    assert {root: [record.id for record in records] for root, records in joined.items()} == {
        leader.id: [second.id, third.id],
        second.id: [third.id],
    }
    assert [record.id for record in opened.nights.joined([leader.id], 1)[leader.id]] == [second.id]


def test_the_vectors_of_one_model_come_by_id_and_in_portions_of_what_is_current(opened: Stores) -> None:
    records = [add(opened, str(number)) for number in range(4)]
    opened.memory.forget(records[2].id, NOW)
    night = opened.nights.begin_night("night", "absent", NOW)
    kept = [Vector(each.id, model, 2, b"\0" * 4) for each in records for model in ("mine", "hers")]
    opened.nights.apply(night, 1, "embed", Batch(vectors=kept), NOW)
    mine = [Vector(each.id, "mine", 2, b"\0" * 4) for each in records]
    assert opened.nights.vectors("mine", 0, 9) == [mine[0], mine[1], mine[3]]
    assert opened.nights.vectors("mine", records[0].id, 1) == [mine[1]]
    assert opened.nights.vectors("nobody's", 0, 9) == []
