"""Whose words a memory is, how far they are trusted, and that what is trusted less never ends what is trusted more."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.consolidation.passes.deduplicate import Deduplicate
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.errors import BadRecord
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.strength import UNUSED_FOR
from iai_daemon.memory.trust import ORIGINS, TRUST, may_end, trust
from tests.consolidation.evening import ALL, NOW, night, remember
from tests.consolidation.lives import as_often_as_time_allows, world
from tests.consolidation.test_passes import record
from tests.fakes import NOON, FakeClock

SUPERSEDE = [Supersede()]


def tell(stores: Stores, content: str, origin: str | None, at: float, **fields: Any) -> Record:
    return remember(stores, content, NOON - 600 + at, origin=origin, **fields)


def port(stores: Stores, number: int, origin: str | None, at: float) -> Record:
    return tell(stores, f"Port {number}.", origin, at, subject="api", attribute="port")


def found(stores: Stores, text: str, **fields: Any) -> list[int]:
    return [hit.record.id for hit in stores.memory.search(Query(text, **fields), NOW)]


def current(stores: Stores) -> set[int]:
    return {each.id for each in stores.memory.export() if each.current}


def test_what_the_user_said_and_its_agents_tell_is_trusted_and_what_a_tool_put_out_is_not() -> None:
    assert TRUST == {"user": 1.0, "agent": 1.0, "import": 1.0, "tool": 0.3}
    assert [trust(record(origin=each)) for each in ORIGINS] == list(TRUST.values())


def test_what_was_told_before_anybody_asked_counts_as_the_users_and_what_a_pass_made_as_less() -> None:
    assert trust(record()) == 1.0
    assert trust(record(made_by="summarize")) == 0.5


def test_who_says_nothing_else_is_taken_for_who_tells_it_and_no_other_name_is_known() -> None:
    assert from_object({"content": "x"}, origin="import").origin == "import"
    assert from_object({"content": "x", "origin": "tool"}, origin="agent").origin == "tool"
    with pytest.raises(BadRecord, match="origin must be one of user, agent, import, tool"):
        from_object({"content": "x", "origin": "god"})


def test_a_web_page_does_not_overwrite_what_the_user_said_of_the_same_fact(opened: Stores) -> None:
    said = port(opened, 80, "user", 0)
    read = port(opened, 666, "tool", 10)
    (correction,) = opened.memory.corrected_by(read.id)
    assert (correction.record.id, correction.outranked) == (said.id, True)
    for _ in range(2):
        assert found(opened, "port") == [said.id, read.id]
        night(opened, chosen=SUPERSEDE)
        assert current(opened) == {said.id, read.id}
    (kept,) = opened.nights.contradicted_by([read.id])
    assert (kept.older, kept.newer, kept.outranked) == (said.id, read.id, True)


@pytest.mark.parametrize(("first", "second"), list(itertools.product([*ORIGINS, None], repeat=2)))
def test_a_newer_fact_replaces_exactly_what_is_trusted_no_more_than_itself(
    opened: Stores, first: str | None, second: str | None
) -> None:
    older, newer = port(opened, 80, first, 0), port(opened, 81, second, 10)
    replaces = trust(newer) >= trust(older)
    assert found(opened, "port")[0] == (newer if replaces else older).id
    night(opened, chosen=SUPERSEDE)
    assert opened.memory.get(older.id).superseded_by == (newer.id if replaces else None)
    assert opened.memory.get(newer.id).current
    assert found(opened, "port")[0] == (newer if replaces else older).id


def test_the_next_word_of_the_user_ends_all_that_came_between(opened: Stores) -> None:
    first, between = port(opened, 80, "user", 0), port(opened, 81, "tool", 10)
    night(opened, chosen=SUPERSEDE)
    last = port(opened, 82, "user", 20)
    night(opened, chosen=SUPERSEDE)
    assert current(opened) == {last.id}
    ended = opened.memory.get(first.id)
    assert (ended.superseded_by, ended.valid_to) == (last.id, last.valid_from)
    assert opened.memory.get(between.id).superseded_by == last.id


@as_often_as_time_allows
@given(some.lists(some.tuples(some.sampled_from([*ORIGINS, None]), some.booleans()), min_size=1, max_size=9))
def test_of_one_key_every_record_ends_at_the_next_that_is_trusted_as_much_however_the_nights_fall(
    told: list[tuple[str | None, bool]],
) -> None:
    with world() as it:
        records = []
        for number, (origin, with_night) in enumerate(told):
            records.append(port(it.stores, number, origin, 10 * number))
            if with_night:
                night(it.stores, chosen=SUPERSEDE)
        night(it.stores, chosen=SUPERSEDE)
        for place, each in enumerate(records):
            later = [other.id for other in records[place + 1 :] if may_end(other, each)]
            assert it.stores.memory.get(each.id).superseded_by == (later[0] if later else None)


@pytest.mark.parametrize(("second", "ends"), [("user", True), ("agent", True), ("tool", False), (None, True)])
def test_words_that_say_otherwise_end_only_what_is_trusted_no_more(
    opened: Stores, second: str | None, ends: bool
) -> None:
    older = tell(opened, "Invoices are kept in Odoo.", "user", 0)
    newer = tell(opened, "Invoices have moved from Odoo to SAP.", second, 10)
    (said,) = opened.memory.corrected_by(newer.id)
    assert said.outranked is not ends
    assert found(opened, "invoices Odoo")[0] == (newer if ends else older).id
    night(opened, chosen=SUPERSEDE)
    assert opened.memory.get(older.id).current is not ends
    assert [each.outranked for each in opened.nights.contradicted_by([newer.id])] == [not ends]


@pytest.mark.parametrize(("second", "archived"), [("agent", True), ("tool", False)])
def test_what_is_trusted_less_archives_nothing_however_long_nobody_asks(
    opened: Stores, second: str, archived: bool
) -> None:
    decay = [each for each in ALL if each.name == "decay"]
    older = tell(opened, "Invoices are kept in Odoo.", "agent", 0)
    tell(opened, "Invoices have moved from Odoo to SAP.", second, 10)
    later = NOON + UNUSED_FOR / 1000 + 60
    assert bool(opened.nights.due_to_archive(round(later * 1000), 10, taken_back=False)) is archived
    assert (opened.memory.traces(older.id).contradicted_at is not None) is archived
    night(opened, chosen=decay, clock=FakeClock(wall=later))
    assert (opened.memory.get(older.id).archived_at is not None) is archived


def test_the_users_words_are_not_joined_into_a_tools(opened: Stores) -> None:
    """Else the same fact could be replaced afterwards by what is trusted no more than the tool."""
    read = tell(opened, "The nightly backup runs at two in the morning.", "tool", 0)
    said = tell(opened, "The nightly backup runs at two in the morning.", "user", 10)
    night(opened, chosen=[Deduplicate(None)])
    assert opened.memory.get(said.id).current
    assert opened.memory.get(read.id).merged_into == said.id


@pytest.mark.parametrize("origin", ["tool", "user"])
def test_also_where_the_tools_says_more(opened: Stores, origin: str) -> None:
    text = (
        "The nightly backup of the ledger database {}runs at two in the morning on the machine called heron."
    )
    longer = tell(opened, text.format("always "), origin, 0)
    said = tell(opened, text.format(""), "user", 10)
    night(opened, chosen=[Deduplicate(None)])
    assert opened.memory.get(said.id).merged_into == (longer.id if origin == "user" else None)
    assert opened.memory.get(longer.id).current


def test_among_equals_what_is_trusted_more_comes_first(opened: Stores) -> None:
    ids = {
        each: tell(opened, "The parrot is called Ottokar.", each, at).id
        for at, each in enumerate(("agent", "tool"))
    }
    assert found(opened, "parrot") == [ids["agent"], ids["tool"]]


def test_what_held_then_is_judged_by_the_same_rule(opened: Stores) -> None:
    said, read = port(opened, 80, "user", 0), port(opened, 666, "tool", 10)
    assert found(opened, "port", as_of=read.valid_from + 1)[0] == said.id
