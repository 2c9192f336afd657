"""Links, what takes the place of what was added, and the notes of passes, on every engine."""

from __future__ import annotations

from dataclasses import replace

from iai_daemon.memory.nights import RENEWED, Addition, Batch, Held, Link, LinkKind, Wanted, Why
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.stores import Stores
from tests.stores.test_held import add, begin
from tests.stores.test_nights import NOW

LATER = NOW + 86_400_000


def link(one: Record, other: Record, change_id: str = "a" * 16) -> Link:
    return Link(change_id, one.id, other.id, LinkKind.RELATED, 0.5, "both speak of tea")


def gist(content: str, **fields: object) -> Addition:
    usual = {"rests_on": {}, "change_id": content.encode().hex()[:16]}
    return Addition(
        effect="gist",
        draft=Draft(content, created_at=LATER / 1000),
        reason="sums up",
        **{**usual, **fields},  # type: ignore[arg-type]
    )


def test_a_link_is_made_once_and_counted(opened: Stores) -> None:
    one, other = add(opened), add(opened)
    first, second = begin(opened), begin(opened)
    assert opened.nights.apply(first, 2, "associate", Batch(links=[link(one, other)]), NOW).linked == 1
    assert opened.nights.apply(second, 1, "associate", Batch(links=[link(one, other)]), NOW).linked == 0
    assert opened.nights.linked(first) == {2: 1}
    assert opened.nights.linked(second) == {}


def test_a_link_to_a_record_that_is_gone_is_not_made(opened: Stores) -> None:
    one = add(opened)
    gone = replace(one, id=99)
    assert opened.nights.apply(begin(opened), 1, "associate", Batch(links=[link(one, gone)]), NOW).linked == 0


def test_a_link_that_was_taken_back_comes_again_only_when_a_person_insists(opened: Stores) -> None:
    one, other = add(opened), add(opened)
    night, batch = begin(opened), Batch(links=[link(one, other)])
    opened.nights.apply(night, 1, "associate", batch, NOW)
    opened.nights.undo(night, LATER, force=False)
    assert opened.nights.apply(begin(opened), 1, "associate", batch, NOW).linked == 0
    insisting = replace(batch, insists=True)
    assert opened.nights.apply(begin(opened), 1, "associate", insisting, NOW).linked == 1


def test_what_a_pass_adds_is_told_from_what_a_user_said(opened: Stores) -> None:
    said = add(opened)
    opened.nights.apply(begin(opened), 1, "summarize", Batch(additions=[gist("in short")]), NOW)
    (made,) = opened.nights.made_by("summarize")
    assert (made.content, made.made_by, said.made_by) == ("in short", "summarize", None)


def test_what_is_made_anew_takes_the_place_of_the_older_one_and_an_undo_gives_it_back(opened: Stores) -> None:
    source = add(opened)
    first = gist("in short", sources=[source.id])
    opened.nights.apply(begin(opened), 1, "summarize", Batch(additions=[first]), NOW)
    (older,) = opened.nights.made_by("summarize")
    again = gist("in other words", sources=[source.id], replaces={older.id: older.revision})
    night = begin(opened)
    assert opened.nights.apply(night, 1, "summarize", Batch(additions=[again]), LATER).changed == 1
    (newer,) = opened.nights.made_by("summarize")
    replaced = opened.memory.get(older.id)
    assert (newer.content, replaced.superseded_by, replaced.valid_to) == ("in other words", newer.id, LATER)
    assert opened.nights.effects(night) == {(1, "gist"): 1, (1, RENEWED): 1}
    opened.nights.undo(night, LATER, force=False)
    assert [each.content for each in opened.nights.made_by("summarize")] == ["in short"]
    assert opened.memory.get(older.id).current


def test_what_would_replace_something_that_has_changed_is_left_out(opened: Stores) -> None:
    opened.nights.apply(begin(opened), 1, "summarize", Batch(additions=[gist("in short")]), NOW)
    (older,) = opened.nights.made_by("summarize")
    opened.memory.forget(older.id, NOW)
    again = gist("in other words", replaces={older.id: older.revision})
    applied = opened.nights.apply(begin(opened), 1, "summarize", Batch(additions=[again]), LATER)
    assert (applied.changed, applied.left_out) == (0, {again.change_id})


def test_what_waits_to_be_added_keeps_its_sources_and_what_it_replaces(opened: Stores) -> None:
    source = add(opened)
    planned = gist("in short", sources=(source.id,), replaces={source.id: 1})
    opened.nights.apply(begin(opened), 1, "summarize", Batch(held=[Held(planned, Why.REVIEW)]), NOW)
    (row,) = opened.nights.held()
    assert row.planned == planned


def test_notes_are_kept_by_pass_and_taken_out(opened: Stores) -> None:
    night = begin(opened)
    opened.nights.apply(night, 1, "one", Batch(notes={"input": "a", "offset": "7"}), NOW)
    opened.nights.apply(night, 1, "another", Batch(notes={"input": "b"}), NOW)
    opened.nights.apply(night, 1, "one", Batch(notes={"input": "c", "offset": None}), NOW)
    assert opened.nights.notes("one") == {"input": "c"}
    assert opened.nights.notes("another") == {"input": "b"}


def test_there_is_work_while_what_a_pass_reads_is_not_as_it_was(opened: Stores) -> None:
    def work(state: str) -> bool:
        return opened.nights.outlook(Wanted({"reading": None}, inputs={"reading": state}), NOW).work

    night = begin(opened)
    assert work("first")
    opened.nights.apply(night, 1, "reading", Batch(notes={"input": "first"}), NOW)
    opened.nights.end_night(night, "completed", None, {}, NOW)
    assert not work("first")
    assert work("second")
