"""How a memory has grown, on every engine: by the days on which records were told, and nights or users changed them."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.memory.growth import QUARTER_HOUR, Standing
from iai_daemon.memory.nights import Addition, Batch, Change
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.fakes import NOON

DAY = 86_400_000
NOW = round(NOON * 1000)
# The ends of the ten days before today, at midnight.
MIDNIGHTS = [NOW - NOW % DAY - back * DAY for back in range(9, -1, -1)]


def told(stores: Stores, day: int, content: str = "a note", **fields: object) -> int:
    """What was remembered in the morning of the day so many days ago."""
    at = morning(day)
    return stores.memory.add(Draft(content, created_at=at / 1000, **fields), at).id  # type: ignore[arg-type]


def morning(day: int) -> int:
    return NOW - NOW % DAY - day * DAY + 6 * 3_600_000


def change(record: int, effect: str = "superseded", revision: int = 1, **sets: int) -> Change:
    return Change(f"{effect}:{record}:{revision}", effect, record, revision, "because", sets, {})


def night(stores: Stores, day: int, *changes: Change, additions: Iterable[Addition] = ()) -> int:
    """One that made these changes in the morning of that day."""
    at = morning(day)
    number = stores.nights.begin_night("night", "absent", at)
    stores.nights.apply(number, 1, "supersede", Batch(changes, additions=list(additions)), at)
    stores.nights.end_night(number, "completed", None, {}, at)
    return number


def undo(stores: Stores, number: int, day: int) -> None:
    assert stores.nights.undo(number, morning(day), force=True).restored


def standings(stores: Stores) -> list[tuple[int, ...]]:
    """Current, superseded, archived, expired, forgotten: at each midnight, and now."""
    found = stores.growth.standings(MIDNIGHTS, NOW)
    assert [each.at for each in found] == [*MIDNIGHTS, NOW]
    return [(each.current, each.superseded, each.archived, each.expired, each.forgotten) for each in found]


def current(stores: Stores) -> list[int]:
    return [each[0] for each in standings(stores)]


def test_an_empty_memory_has_never_held_anything(opened: Stores) -> None:
    assert standings(opened) == [(0, 0, 0, 0, 0)] * 11
    assert opened.growth.standings([], NOW) == [Standing(NOW, 0, 0, 0, 0, 0)]


def test_a_record_is_there_from_the_day_on_which_it_was_told(opened: Stores) -> None:
    told(opened, 8)
    told(opened, 3)
    told(opened, 30)
    assert current(opened) == [1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3]


def test_each_record_counts_once_from_the_night_that_changed_it(opened: Stores) -> None:
    records = [told(opened, 9, f"note {number}") for number in range(6)]
    long_ago = morning(90)
    night(opened, 6, change(records[0], superseded_by=records[1], valid_to=long_ago))
    night(opened, 5, change(records[2], "merged", merged_into=records[1], valid_to=long_ago))
    # What is past its time stopped holding when that was over; it is counted from the night that saw to it.
    night(opened, 4, change(records[3], "expired", expired_at=long_ago))
    night(opened, 3, change(records[4], "archived", archived_at=morning(3)))
    assert standings(opened) == [
        (0, 0, 0, 0, 0),
        (6, 0, 0, 0, 0),
        (6, 0, 0, 0, 0),
        (6, 0, 0, 0, 0),
        (5, 1, 0, 0, 0),
        (4, 2, 0, 0, 0),
        (3, 2, 0, 1, 0),
        (2, 2, 1, 1, 0),
        (2, 2, 1, 1, 0),
        (2, 2, 1, 1, 0),
        (2, 2, 1, 1, 0),
    ]


def test_what_its_user_forgets_counts_as_forgotten_until_it_is_brought_back(opened: Stores) -> None:
    one, other = told(opened, 9), told(opened, 9)
    opened.memory.forget(one, morning(4))
    opened.memory.forget(other, morning(4))
    assert standings(opened)[5:7] == [(2, 0, 0, 0, 0), (0, 0, 0, 0, 2)]
    opened.memory.restore(other, morning(2))
    assert standings(opened)[-1] == (1, 0, 0, 0, 1)


def test_what_an_import_replaces_ends_where_the_newer_one_begins(opened: Stores) -> None:
    for day, content in ((8, "The port is 80."), (3, "The port is 9000.")):
        draft = Draft(content, external_id="port", created_at=morning(day) / 1000)
        opened.memory.import_many([draft], morning(day))
    assert standings(opened)[2] == (1, 0, 0, 0, 0)
    assert standings(opened)[7] == (1, 1, 0, 0, 0)


def test_what_was_taken_back_stood_otherwise_until_then(opened: Stores) -> None:
    records = [told(opened, 9, f"note {number}") for number in range(4)]
    number = night(opened, 7, *(change(each, "archived", archived_at=morning(7)) for each in records[:3]))
    undo(opened, number, 4)
    assert [each[:3] for each in standings(opened)] == [
        (0, 0, 0),
        (4, 0, 0),
        (4, 0, 0),
        *[(1, 0, 3)] * 3,
        *[(4, 0, 0)] * 5,
    ]


def test_what_was_taken_back_and_is_done_again_is_gone_twice(opened: Stores) -> None:
    older, newer = told(opened, 9), told(opened, 9)
    first = night(opened, 7, change(older, superseded_by=newer, valid_to=morning(9)))
    undo(opened, first, 5)
    record = opened.memory.get(older)
    night(opened, 3, change(older, revision=record.revision, superseded_by=newer, valid_to=morning(9)))
    assert current(opened) == [0, 2, 2, 1, 1, 2, 2, 1, 1, 1, 1]


def test_nights_that_are_taken_back_one_inside_of_the_other_take_nothing_out_twice(opened: Stores) -> None:
    older, newer = told(opened, 9), told(opened, 9)
    first = night(opened, 7, change(older, superseded_by=newer, valid_to=morning(9)))
    second = night(opened, 6, change(older, "archived", 2, archived_at=morning(6)))
    undo(opened, second, 4)
    undo(opened, first, 2)
    assert current(opened) == [0, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2]
    assert all(min(each) >= 0 and sum(each) == 2 for each in standings(opened)[1:])


def test_what_a_night_added_is_there_until_that_is_taken_back(opened: Stores) -> None:
    source = told(opened, 9)
    gist = Addition("gist:1", "gist", Draft("a gist"), "sums up", {source: 1}, sources=(source,))
    number = night(opened, 6, additions=[gist])
    assert current(opened) == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]
    undo(opened, number, 3)
    assert current(opened) == [0, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1]


def test_a_date_that_lies_ahead_of_the_clock_is_there_now_and_was_not_before(opened: Stores) -> None:
    opened.memory.add(Draft("from tomorrow", created_at=(NOW + DAY) / 1000), NOW)
    assert current(opened) == [0] * 10 + [1]


def test_the_first_words_of_many_are_asked_for_at_once(opened: Stores) -> None:
    one, other = told(opened, 3, "x" * 5000), told(opened, 2, "Grüße")
    assert opened.growth.contents([one, other, 999], 10) == {one: "x" * 10, other: "Grüße"}
    assert opened.growth.contents([], 10) == {}


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["tell", "supersede", "archive", "expire", "forget", "restore", "undo"]),
        st.integers(0, 30),
    ),
    max_size=25,
)


@given(events=EVENTS)
def test_whatever_happened_the_last_one_is_what_the_store_holds_and_none_is_negative(
    events: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    stores = open_stores(home)
    try:
        happened(stores, events)
        counts = stores.nights.counts()
        moments = range(NOW - NOW % QUARTER_HOUR - 40 * 3_600_000, NOW, 4 * QUARTER_HOUR)
        found = stores.growth.standings(list(moments), NOW)
        last = found[-1]
        assert last.current == counts["current"]
        kinds = (last.superseded, last.archived, last.expired, last.forgotten)
        assert last.current + sum(kinds) == counts["total"]
        for each in found:
            assert min(each.current, each.superseded, each.archived, each.expired, each.forgotten) >= 0, (
                json.dumps(events)
            )
    finally:
        stores.close()


def happened(stores: Stores, events: list[tuple[str, int]]) -> None:
    """One an hour; each acts on whatever of the records is there."""
    told: list[int] = []
    nights: list[int] = []
    for hour, (what, which) in enumerate(events):
        at = NOW - (len(events) - hour) * 3_600_000
        record = told[which % len(told)] if told else 0
        if what == "tell" or not told:
            told.append(stores.memory.add(Draft(f"note {hour}", created_at=at / 1000), at).id)
        elif what == "forget":
            stores.memory.forget(record, at)
        elif what == "restore":
            stores.memory.restore(record, at)
        elif what == "undo":
            if nights:
                stores.nights.undo(nights[which % len(nights)], at, force=True)
        else:
            revision = stores.memory.get(record).revision
            sets = {
                "supersede": {"superseded_by": told[-1], "valid_to": at},
                "archive": {"archived_at": at},
                "expire": {"expired_at": at},
            }[what]
            effect = {"supersede": "superseded", "archive": "archived", "expire": "expired"}[what]
            number = stores.nights.begin_night("night", "absent", at)
            made = Change(f"{what}:{hour}", effect, record, revision, "because", sets, {})
            stores.nights.apply(number, 1, what, Batch([made]), at)
            stores.nights.end_night(number, "completed", None, {}, at)
            nights.append(number)


def test_an_undo_that_is_refused_changes_no_figure(opened: Stores) -> None:
    record = told(opened, 9)
    number = night(opened, 7, change(record, "archived", archived_at=morning(7)))
    opened.memory.forget(record, morning(5))
    before = standings(opened)
    assert opened.nights.undo(number, morning(2), force=False).changed_since == [record]
    assert standings(opened) == before
